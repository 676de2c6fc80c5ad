package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"example.com/redress/tools/bench/internal/measure"
	"example.com/redress/tools/bench/internal/peers"
	"example.com/redress/tools/bench/internal/world"
)

const (
	atOnce      = 100_000
	stock       = 1_000_000 // armed and not due
	aSecond     = 1000      // due a second
	steady      = 20 * time.Second
	idling      = 10 * time.Second
	tooLong     = 5 * time.Minute // after which a burst is given up
	sampleShare = 20              // the part of a burst that says how long the rest takes to arm
)

// far returns timers with the ids from first on that fall due tomorrow.
func far(first, n int) []peers.Timer {
	due := time.Now().Add(farAway).Truncate(time.Second)
	ts := make([]peers.Timer, n)
	for i := range ts {
		ts[i] = peers.Timer{ID: first + i, Due: due}
	}
	return ts
}

// tally counts handled timers, each once, and keeps how late they were.
type tally struct {
	mu     sync.Mutex
	seen   []bool
	first  int // id of seen[0]
	late   measure.Latencies
	twice  int
	last   time.Time
	left   atomic.Int64
	filled chan struct{}
}

func newTally(first, n int) *tally {
	t := &tally{seen: make([]bool, n), first: first, filled: make(chan struct{})}
	t.left.Store(int64(n))
	return t
}

func (t *tally) handle(timer peers.Timer, now time.Time) {
	i := timer.ID - t.first
	if i < 0 || i >= len(t.seen) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen[i] {
		t.twice++
		return
	}
	t.seen[i] = true
	t.late = append(t.late, now.Sub(timer.Due))
	t.last = now
	if t.left.Add(-1) == 0 {
		close(t.filled)
	}
}

func (t *tally) wait(ctx context.Context, d time.Duration) error {
	select {
	case <-t.filled:
		return nil
	case <-time.After(d):
		return fmt.Errorf("%d of %d timers were not handled within %s", t.left.Load(), len(t.seen), d)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// figures returns rate, lateness and CPU. Each timer counts once.
func (t *tally) figures(due time.Time, used world.CPU) measure.Figures {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(t.late)
	return measure.Figures{
		"rate": float64(n) / t.last.Sub(due).Seconds(), "seconds": t.last.Sub(due).Seconds(),
		"p50": t.late.Milliseconds(0.5), "p99": t.late.Milliseconds(0.99), "max": t.late.Milliseconds(1), "earliest": t.late.Milliseconds(0),
		"cpu": world.Per(used.All(), n), "self": world.Per(used.Self, n), "redis": world.Per(used.Redis, n), "postgres": world.Per(used.Postgres, n),
		"twice": float64(t.twice),
	}
}

// attempts is how often arming is tried before it takes longer than until it is due.
const attempts = 4

// arming arms n timers with ids from first on that fall due after the wait, each a
// while after the instant it returns. Where that takes longer than the wait, it
// is tried with other timers and a longer one; those that came too late do not count.
func arming(ctx context.Context, s peers.Session, first, n int, wait time.Duration, after func(i int) time.Duration) (int, time.Time, error) {
	for range attempts {
		due := time.Now().Add(wait).Truncate(time.Second).Add(time.Second)
		ts := make([]peers.Timer, n)
		for i := range ts {
			ts[i] = peers.Timer{ID: first + i, Due: due.Add(after(i))}
		}
		if err := s.Fill(ctx, ts); err != nil {
			return 0, time.Time{}, err
		}
		if time.Now().Before(due) {
			if err := s.Settle(ctx); err != nil {
				return 0, time.Time{}, err
			}
			if time.Now().Before(due) {
				return first, due, nil
			}
		}
		first, wait = first+n, 3*wait
	}
	return 0, time.Time{}, fmt.Errorf("arming %d timers took longer than %s", n, wait)
}

// burst lets n timers fall due at one instant, of a store of their own in each turn.
func burst(w *world.World, system string, n int) measure.Subject {
	return each(w, system, system, func(ctx context.Context, _ peers.Store, s peers.Session) (measure.Figures, error) {
		next := 0
		return fall(ctx, w, system, s, n, &next)
	})
}

// burstBeside lets n of our timers fall due at one instant beside a stock that does not.
func burstBeside(w *world.World, name string, n, stock int) measure.Subject {
	return withStock(w, redress, name, stock, func(ctx context.Context, store peers.Store, next *int) (_ measure.Figures, err error) {
		s, err := store.Open(ctx)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		return fall(ctx, w, redress, s, n, next)
	})
}

// fall arms n timers for one instant and measures from then until all are handled.
// The first of them, which never fall due, say how long arming takes.
func fall(ctx context.Context, w *world.World, system string, s peers.Session, n int, next *int) (measure.Figures, error) {
	sample := n / sampleShare
	began := time.Now()
	if err := s.Fill(ctx, far(*next, sample)); err != nil {
		return nil, err
	}
	*next += sample
	wait := time.Since(began)*sampleShare*3/2 + 3*time.Second
	first, due, err := arming(ctx, s, *next, n, wait, func(int) time.Duration { return 0 })
	if err != nil {
		return nil, err
	}
	*next = first + n
	all := newTally(first, n)
	if err := s.Work(ctx, all.handle); err != nil {
		return nil, err
	}
	if err := sleepUntil(ctx, due.Add(-time.Second/2)); err != nil {
		return nil, err
	}
	before, err := w.CPU(ctx)
	if err != nil {
		return nil, err
	}
	if err := watched(ctx, w, system, func() error { return all.wait(ctx, tooLong) }); err != nil {
		return nil, err
	}
	after, err := w.CPU(ctx)
	if err != nil {
		return nil, err
	}
	return all.figures(due, after.Sub(before)), nil
}

// watched is checkpointed for what a profile is to show.
func watched(ctx context.Context, w *world.World, system string, do func() error) error {
	defer measure.Watch(ctx)()
	return checkpointed(ctx, w, system, do)
}

func sleepUntil(ctx context.Context, t time.Time) error {
	select {
	case <-time.After(time.Until(t)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stocked is a store whose stock stays from turn to turn.
type stocked struct {
	store peers.Store
	round func(ctx context.Context, store peers.Store, next *int) (measure.Figures, error)
	next  int // id of the next timer
}

// Round implements measure.Turn.
func (s *stocked) Round(ctx context.Context) (measure.Figures, error) {
	return s.round(ctx, s.store, &s.next)
}

// Close implements measure.Turn.
func (s *stocked) Close() error { return s.store.Destroy() }

// withStock is a subject that is filled once.
func withStock(w *world.World, system, name string, n int, round func(context.Context, peers.Store, *int) (measure.Figures, error)) measure.Subject {
	return measure.Subject{Name: name, Ours: system == redress, Open: func(ctx context.Context) (measure.Turn, error) {
		store, err := stores(w)[system](ctx)
		if err != nil {
			return nil, err
		}
		session, err := store.Open(ctx)
		if err != nil {
			return nil, err
		}
		if err := session.Fill(ctx, far(0, n)); err != nil {
			return nil, err
		}
		if err := session.Settle(ctx); err != nil {
			return nil, err
		}
		return &stocked{store: store, round: round, next: n}, session.Close()
	}}
}

// flow lets a thousand timers a second fall due, each at its own millisecond.
func flow(ctx context.Context, w *world.World, system string, s peers.Session, next *int) (measure.Figures, error) {
	lasting := w.Lasting(steady)
	n := int(lasting.Seconds() * aSecond)
	first, start, err := arming(ctx, s, *next, n, 2*time.Second+lasting, func(i int) time.Duration {
		return time.Duration(i)*time.Second/aSecond + time.Millisecond
	})
	if err != nil {
		return nil, err
	}
	*next = first + n
	all := newTally(first, n)
	if err := s.Work(ctx, all.handle); err != nil {
		return nil, err
	}
	if err := sleepUntil(ctx, start); err != nil {
		return nil, err
	}
	before, err := w.CPU(ctx)
	if err != nil {
		return nil, err
	}
	if err := watched(ctx, w, system, func() error { return all.wait(ctx, lasting+30*time.Second) }); err != nil {
		return nil, err
	}
	after, err := w.CPU(ctx)
	if err != nil {
		return nil, err
	}
	return all.figures(start, after.Sub(before)), nil
}

// lateness is a flow beside a stock.
func lateness(w *world.World, system string) measure.Subject {
	return withStock(w, system, system, w.Scaled(stock, 5000), func(ctx context.Context, store peers.Store, next *int) (_ measure.Figures, err error) {
		session, err := store.Open(ctx)
		if err != nil {
			return nil, err
		}
		defer func() {
			if cerr := session.Close(); err == nil {
				err = cerr
			}
		}()
		return flow(ctx, w, system, session, next)
	})
}

// idle works for a while with nothing due.
func idle(w *world.World, system string) measure.Subject {
	n := w.Scaled(stock, 5000)
	return withStock(w, system, system, n, func(ctx context.Context, store peers.Store, _ *int) (_ measure.Figures, err error) {
		session, err := store.Open(ctx)
		if err != nil {
			return nil, err
		}
		defer func() {
			if cerr := session.Close(); err == nil {
				err = cerr
			}
		}()
		if err := session.Work(ctx, func(peers.Timer, time.Time) {}); err != nil {
			return nil, err
		}
		if err := sleepUntil(ctx, time.Now().Add(3*time.Second)); err != nil {
			return nil, err
		}
		before, err := w.CPU(ctx)
		if err != nil {
			return nil, err
		}
		began := time.Now()
		end := measure.Watch(ctx)
		err = sleepUntil(ctx, began.Add(max(2*time.Second, w.Lasting(idling))))
		end()
		if err != nil {
			return nil, err
		}
		after, err := w.CPU(ctx)
		if err != nil {
			return nil, err
		}
		share := func(d time.Duration) float64 { return 100 * d.Seconds() / time.Since(began).Seconds() }
		used := after.Sub(before)
		bytes, err := store.Bytes(ctx)
		return measure.Figures{
			"cpu": share(used.All()), "self": share(used.Self), "redis": share(used.Redis), "postgres": share(used.Postgres), "bytes": bytes / float64(n),
		}, err
	})
}

func fireExperiments(w *world.World) []measure.Experiment {
	split := []measure.Column{{Key: "self", Title: "of it this process"}, {Key: "redis", Title: "Redis"}, {Key: "postgres", Title: "PostgreSQL"}}
	return []measure.Experiment{
		{
			Name: "fire", Title: "100,000 clocks due at once",
			About:   "From the instant at which 100,000 timers fall due until the last is handled. Redress: each clock's breach is committed with its event, in the clock's own chain; the others' handlers do nothing.",
			Columns: slices.Concat([]measure.Column{{Key: "rate", Title: "timers/s"}, {Key: "seconds", Title: "seconds"}, {Key: "cpu", Title: "CPU µs a timer"}}, split),
			Subjects: []measure.Subject{
				burst(w, redress, w.Scaled(atOnce, 2000)), burst(w, asynq, w.Scaled(atOnce, 2000)),
				burst(w, river, w.Scaled(atOnce, 2000)), burst(w, nats, w.Scaled(atOnce, 2000)), burst(w, inHeap, w.Scaled(atOnce, 2000)),
			},
			Goals: []measure.Goal{
				{Subject: redress, Key: "rate", Against: asynq, AtLeast: 4},
				{Subject: redress, Key: "rate", Against: river, AtLeast: 3},
				{Subject: redress, Key: "cpu", Against: asynq, AtMost: 0.4},
			},
		},
		{
			Name: "lateness", Title: "Lateness, 1,000 due a second",
			About:    "With 1,000,000 timers armed that do not fall due, 1,000 a second do for 20 s. Redress: until the effect is committed; the others: until the handler starts. Negative is early.",
			Columns:  slices.Concat([]measure.Column{{Key: "p50", Title: "p50 ms"}, {Key: "p99", Title: "p99 ms"}, {Key: "max", Title: "max ms"}, {Key: "earliest", Title: "earliest ms"}, {Key: "cpu", Title: "CPU µs a timer"}}, split),
			Subjects: []measure.Subject{lateness(w, redress), lateness(w, asynq), lateness(w, river), lateness(w, nats), lateness(w, inHeap)},
			Goals: []measure.Goal{
				{Subject: redress, Key: "p50", AtMost: 3},
				{Subject: redress, Key: "p99", AtMost: 10},
				{Subject: redress, Key: "earliest", AtLeast: 1e-9},
				{Subject: redress, Key: "cpu", AtMost: 800},
			},
		},
		{
			Name: "idle", Title: "1,000,000 armed, none due",
			About:    "CPU of all processes, one core being 100 %, and what the timers take: in Redis (asynq, redress), in PostgreSQL (river), on disk (JetStream), on the heap.",
			Columns:  slices.Concat([]measure.Column{{Key: "cpu", Title: "CPU, % of a core"}, {Key: "bytes", Title: "bytes a timer"}}, split),
			Subjects: []measure.Subject{idle(w, redress), idle(w, asynq), idle(w, river), idle(w, nats), idle(w, inHeap)},
			Goals: []measure.Goal{
				{Subject: redress, Key: "cpu", AtMost: 2},
				{Subject: redress, Key: "bytes", AtMost: 145},
			},
		},
	}
}
