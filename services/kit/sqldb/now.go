package sqldb

import (
	"context"
	"time"
)

// Now returns the database's time in UTC and whole microseconds, read outside
// any transaction. ok is false on SQLite, which has no time but the host's.
func (db *DB) Now(ctx context.Context) (at time.Time, ok bool, err error) {
	if db.driver != Postgres {
		return time.Time{}, false, nil
	}
	err = db.Query(ctx, "now", `SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint`, nil, func(r Row) error {
		var us int64
		if err := r.Scan(&us); err != nil {
			return err
		}
		at = time.UnixMicro(us).UTC()
		return nil
	})
	return at, err == nil, err
}
