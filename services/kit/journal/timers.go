package journal

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/planted"
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

// Fire writes what falls on a timer, if it is still the one its resource wants:
// of the same generation, and due by now. It returns the timer as the resource
// has it, and whether fn was run and what it decided stands; a timer that was
// fired, changed or ended meanwhile has no effect.
//
// The Unit's time is the timer's instant, to the microsecond, and not the one at
// which it was noticed. Of w the organisation, actor and trace count; the
// resource and the one above it are read for the whole group.
func (j *Journal) Fire(ctx context.Context, w Work, t Timer, fn func(*Unit, Timer) error) (Timer, bool, error) {
	w.Organization, w.Reads = t.Organization, []string{t.Name}
	if above := parentOf(t.Name); j.kinds.of(above) != nil {
		w.Reads = append(w.Reads, above)
		if k := j.kinds.of(t.Name); k != nil && k.WithParent { // it comes with the one above
			w.Reads = []string{above}
		}
	}
	var row Timer
	var fired bool
	_, err := j.wait(ctx, j.submit(ctx, int(t.Shard), w, func(u *Unit) (err error) {
		fired = false
		if row, err = u.timer(t.Name); err != nil || row.Name == "" {
			return err
		}
		if (row.Generation != t.Generation || row.At.After(u.g.now)) && !planted.Is("generation not compared") {
			return nil
		}
		fired, u.now = true, row.At
		if planted.Is("time noticed taken for time due") {
			u.now = u.g.now
		}
		return fn(u, row)
	}))
	return row, fired && err == nil, err
}

// timer returns what the resource wants; one without a name if it wants nothing
// or there is no such resource.
func (u *Unit) timer(name string) (Timer, error) {
	r, err := u.resource(name)
	if err != nil || r.version == 0 || r.kind.Timer == nil {
		return Timer{}, err
	}
	state := r.kind.New()
	if err := proto.Unmarshal(r.state, state); err != nil {
		return Timer{}, u.fail(fmt.Errorf("state of %s: %w", name, err))
	}
	at, generation, ok := r.kind.Timer(state)
	if !ok {
		return Timer{}, nil
	}
	return Timer{Organization: u.work.Organization, Name: name, Shard: r.shard, At: clock.Stamp(at), Generation: generation}, nil
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
