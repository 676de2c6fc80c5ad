package process

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/lifecycle"
	"example.com/redress/services/kit/sqldb"
)

// How often the offset to the database is measured, from how many answers, and
// how long an answer may take to count: a slow one says little.
const (
	measureEvery  = 10 * time.Second
	measurements  = 5
	prompt        = 50 * time.Millisecond
	databaseClock = `SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint`
)

// databaseOffset returns what must be added to the host's clock to be at the
// database's, or less by at most the time that the promptest of some answers took:
// a clock that fires by it is never early by the database's. ok is false if no
// answer was prompt. Cost: five short queries.
//
// Source: docs/adr/0004; RELIABILITY C2.
func databaseOffset(ctx context.Context, db *sqldb.DB, now func() time.Time) (offset time.Duration, ok bool, err error) {
	for range measurements {
		var micros int64
		before := now()
		if err := db.Query(ctx, "clock.read", databaseClock, nil, func(r sqldb.Row) error { return r.Scan(&micros) }); err != nil {
			return 0, false, fmt.Errorf("read the database's clock: %w", err)
		}
		after := now()
		if after.Sub(before) > prompt {
			continue
		}
		if o := time.UnixMicro(micros).Sub(after); !ok || o > offset {
			offset, ok = o, true
		}
	}
	return offset, ok, nil
}

// followDatabase keeps business time at the clock of the database that all
// replicas share, first now and then every ten seconds. It is nil for SQLite,
// whose clock is the host's.
func followDatabase(ctx context.Context, db *sqldb.DB, business *clock.Host, logger *slog.Logger) (lifecycle.Service, error) {
	if db.Dialect() != sqldb.Postgres {
		return nil, nil
	}
	measure := func(ctx context.Context) error {
		offset, ok, err := databaseOffset(ctx, db, clock.System().Now)
		if err == nil && ok {
			business.SetOffset(offset)
		}
		return err
	}
	if err := measure(ctx); err != nil {
		return nil, err
	}
	return lifecycle.NewLoop("clock offset", func(ctx context.Context) error {
		ticker := clock.System().NewTicker(measureEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return ctx.Err()
			}
			if err := measure(ctx); err != nil && ctx.Err() == nil {
				logger.DebugContext(ctx, "clock offset not measured", "error", err)
			}
		}
	}), nil
}
