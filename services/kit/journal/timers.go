package journal

import (
	"context"
	"time"

	"example.com/redress/services/kit/sqldb"
)

// Timer says when a resource wants to be woken. Its row is the truth; whoever
// fires it compares name, generation and instant with the resource's state first.
type Timer struct {
	Organization, Name string
	Shard              int32
	At                 time.Time
	Generation         int64
}

// DueTimers returns at most limit timers at or before the instant, earliest
// first; shard -1 for all shards.
func (j *Journal) DueTimers(ctx context.Context, shard int32, before time.Time, limit int) ([]Timer, error) {
	c := &composed{}
	c.add(`SELECT organization, name, shard, fire_time, generation FROM timers WHERE fire_time <= `, before.UnixMicro())
	if shard >= 0 {
		c.add(` AND shard = `, int64(shard))
	}
	c.add(` ORDER BY fire_time, organization, name LIMIT `, int64(limit))
	var out []Timer
	err := j.db.Query(ctx, "timers.due", c.text.String(), c.args, func(r sqldb.Row) error {
		var t Timer
		var at int64
		if err := r.Scan(&t.Organization, &t.Name, &t.Shard, &at, &t.Generation); err != nil {
			return err
		}
		t.At = instant(at)
		out = append(out, t)
		return nil
	})
	if err != nil {
		return nil, refusal(err)
	}
	return out, nil
}

// NextTimer returns the earliest instant of any timer; ok is false if there is none.
func (j *Journal) NextTimer(ctx context.Context) (at time.Time, ok bool, err error) {
	err = j.db.Query(ctx, "timers.next", `SELECT fire_time FROM timers ORDER BY fire_time LIMIT 1`, nil, func(r sqldb.Row) error {
		var micros int64
		if err := r.Scan(&micros); err != nil {
			return err
		}
		at, ok = instant(micros), true
		return nil
	})
	if err != nil {
		return time.Time{}, false, refusal(err)
	}
	return at, ok, nil
}
