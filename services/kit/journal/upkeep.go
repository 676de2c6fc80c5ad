package journal

import (
	"context"
	"time"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/sqldb"
)

// PurgeRequests forgets at most limit requests whose time of remembrance is over
// and returns how many. Whoever keeps house calls it until it returns 0.
func (j *Journal) PurgeRequests(ctx context.Context, limit int) (int64, error) {
	n, err := j.db.Exec(ctx, "requests.purge", `
		DELETE FROM requests WHERE (organization, principal, method, request_id) IN (
			SELECT organization, principal, method, request_id FROM requests WHERE expire_time <= $1 LIMIT $2)`,
		j.o.Clock.Now().UnixMicro(), int64(limit))
	if err != nil {
		return 0, refusal(err)
	}
	return n, nil
}

// Lease takes or renews the lease of the name for the holder until now + ttl and
// reports whether the holder has it. now is machine time of the caller, which is
// corrected as business time is: else a replica whose host is ahead would leave a
// lease behind that nobody gets for as long. A lease spreads work among replicas;
// what makes work right is [Advance].
func (j *Journal) Lease(ctx context.Context, name, holder string, now time.Time, ttl time.Duration) (bool, error) {
	if c, ok := j.o.Clock.(*clock.Host); ok {
		now = now.Add(c.Offset())
	}
	n, err := j.db.Exec(ctx, "feed_leases.take", `
		INSERT INTO feed_leases (name, holder, expire_time) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expire_time = excluded.expire_time
		WHERE feed_leases.holder = excluded.holder OR feed_leases.expire_time <= $4`,
		name, holder, now.Add(ttl).UnixMicro(), now.UnixMicro())
	if err != nil {
		return false, refusal(err)
	}
	return n > 0, nil
}

// Unlease gives the lease back; one that somebody else has by now stays theirs.
func (j *Journal) Unlease(ctx context.Context, name, holder string) error {
	if _, err := j.db.Exec(ctx, "feed_leases.release", `DELETE FROM feed_leases WHERE name = $1 AND holder = $2`, name, holder); err != nil {
		return refusal(err)
	}
	return nil
}

// Note returns a fact about the store that SetNote stored under the key, "" if
// there is none: the heartbeats of the timer index, for example.
func (j *Journal) Note(ctx context.Context, name string) (value string, err error) {
	err = j.db.Query(ctx, "meta.read", `SELECT value FROM store_meta WHERE key = $1`, []any{"note:" + name},
		func(r sqldb.Row) error { return r.Scan(&value) })
	if err != nil {
		return "", refusal(err)
	}
	return value, nil
}

// SetNote stores a fact about the store, over the one before.
func (j *Journal) SetNote(ctx context.Context, name, value string) error {
	_, err := j.db.Exec(ctx, "meta.write", `
		INSERT INTO store_meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value`, "note:"+name, value)
	if err != nil {
		return refusal(err)
	}
	return nil
}
