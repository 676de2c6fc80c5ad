package host

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/lifecycle"
	"example.com/redress/services/kit/sqldb"
)

// The business clock of a process is the host's, corrected by the offset to the
// database, so that replicas on hosts whose clocks disagree fire nothing early.
//
// Source: docs/adr/0004.
const (
	// offsetEvery is the time between two measurements.
	offsetEvery = 10 * time.Second
	// offsetLooks is how often the database is asked for one of them.
	offsetLooks = 3
	// offsetPrompt is the most that an answer may take that counts.
	offsetPrompt = 50 * time.Millisecond
	// offsetWorthTelling is from when on a correction is logged.
	offsetWorthTelling = time.Second
)

// followDatabase corrects a clock of the host now and, in a loop of the host's,
// from then on. A virtual clock, and a database that has no time of its own, are
// left alone.
func (h *Host) followDatabase(ctx context.Context, db *sqldb.DB) error {
	c, ok := h.Clock.(*clock.Host)
	if !ok {
		return nil
	}
	has, err := h.correct(ctx, c, db.Now)
	if err != nil {
		return fmt.Errorf("%s: time of the database: %w", h.def.Name, err)
	}
	if !has {
		return nil
	}
	h.loops.Add("clock of "+h.def.Name, lifecycle.NewLoop("clock", func(ctx context.Context) error {
		for clock.System().Pause(ctx, offsetEvery) == nil {
			if _, err := h.correct(ctx, c, db.Now); err != nil && ctx.Err() == nil {
				h.Logger.WarnContext(ctx, "time of the database not read", slog.Any("error", err))
			}
		}
		return ctx.Err()
	}))
	return nil
}

// correct sets the offset to what the promptest answer shows it to be at least:
// the instant the database named had passed when its answer came, so a clock set
// by it is behind the database's by the time of the answer at most, and never
// ahead. Without a prompt answer the offset stays. ok is false if the database has
// no time.
func (h *Host) correct(ctx context.Context, c *clock.Host, now func(context.Context) (time.Time, bool, error)) (ok bool, err error) {
	var off time.Duration
	known := false
	for range offsetLooks {
		before := c.Now()
		at, ok, err := now(ctx)
		if err != nil || !ok {
			return false, err
		}
		after := c.Now()
		if after.Sub(before) > offsetPrompt {
			continue
		}
		if least := at.Sub(after); !known || least > off {
			off, known = least, true
		}
	}
	if known && off != 0 {
		c.SetOffset(c.Offset() + off)
	}
	if off.Abs() >= offsetWorthTelling {
		h.Logger.WarnContext(ctx, "the host's clock differs from the database's, which is followed", slog.Duration("corrected_by", off))
	}
	return true, nil
}
