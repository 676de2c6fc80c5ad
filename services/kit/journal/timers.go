package journal

import (
	"context"
	"strings"
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

// DueTimers returns at most limit timers that are to be fired, at or before the
// instant, earliest first; shard -1 for all shards. Background kinds are left out.
func (j *Journal) DueTimers(ctx context.Context, shard int32, before time.Time, limit int) ([]Timer, error) {
	c := &composed{}
	c.add(selectTimers+`fire_time <= `, before.UnixMicro())
	if shard >= 0 {
		c.add(` AND shard = `, int64(shard))
	}
	j.onlyFired(c)
	return j.timers(ctx, "timers.due", c, limit)
}

// BackgroundTimers returns at most limit timers of a kind, by its pattern, of all
// organisations, at or before the instant, earliest first.
func (j *Journal) BackgroundTimers(ctx context.Context, pattern string, before time.Time, limit int) ([]Timer, error) {
	c := &composed{}
	c.add(selectTimers+`fire_time <= `, before.UnixMicro())
	c.add(` AND `)
	ofKind(c, pattern)
	return j.timers(ctx, "timers.background", c, limit)
}

// NextTimer returns the earliest instant of any timer that is to be fired; ok is
// false if there is none.
func (j *Journal) NextTimer(ctx context.Context) (at time.Time, ok bool, err error) {
	c := &composed{}
	c.add(selectTimers + `fire_time IS NOT NULL`)
	j.onlyFired(c)
	return first(j.timers(ctx, "timers.next", c, 1))
}

// NextInstant returns the earliest instant after the one given at which anything
// wants to be woken, background kinds included; ok is false if there is none.
func (j *Journal) NextInstant(ctx context.Context, after time.Time) (at time.Time, ok bool, err error) {
	c := &composed{}
	c.add(selectTimers+`fire_time > `, after.UnixMicro())
	return first(j.timers(ctx, "timers.instant", c, 1))
}

// TimerOf returns the timer of a resource as it is, and the Key for a write that
// fires it; ok is false if the resource wants no waking.
func (j *Journal) TimerOf(ctx context.Context, organization, name string) (t Timer, key string, ok bool, err error) {
	err = j.db.Query(ctx, "timers.get", `
		SELECT t.shard, t.fire_time, t.generation, r.complaint FROM timers t
		JOIN resources r ON r.organization = t.organization AND r.name = t.name
		WHERE t.organization = $1 AND t.name = $2`, []any{organization, name}, func(r sqldb.Row) error {
		var at int64
		if err := r.Scan(&t.Shard, &at, &t.Generation, &key); err != nil {
			return err
		}
		t.Organization, t.Name, t.At, ok = organization, name, instant(at), true
		return nil
	})
	if err != nil {
		return Timer{}, "", false, refusal(err)
	}
	if key == "" {
		key = name
	}
	return t, key, ok, nil
}

const selectTimers = `SELECT organization, name, shard, fire_time, generation FROM timers WHERE `

// onlyFired leaves the background kinds out.
func (j *Journal) onlyFired(c *composed) {
	for _, k := range j.kinds {
		if k.Background {
			c.add(` AND NOT (`)
			ofKind(c, k.Pattern)
			c.add(`)`)
		}
	}
}

// ofKind adds the condition that a name has the pattern's shape.
func ofKind(c *composed, pattern string) {
	like := strings.ReplaceAll(pattern, "*", "%")
	c.add(`name LIKE `, like)
	c.add(` AND name NOT LIKE `, like+"/%")
}

func (j *Journal) timers(ctx context.Context, op string, c *composed, limit int) ([]Timer, error) {
	c.add(` ORDER BY fire_time, organization, name LIMIT `, int64(limit))
	var out []Timer
	err := j.db.Query(ctx, op, c.text.String(), c.args, func(r sqldb.Row) error {
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

func first(all []Timer, err error) (time.Time, bool, error) {
	if err != nil || len(all) == 0 {
		return time.Time{}, false, err
	}
	return all[0].At, true, nil
}
