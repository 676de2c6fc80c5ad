package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
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
	steady      = 10 * time.Second
	idling      = 5 * time.Second
	lull        = time.Second     // between the start of a session and what is measured of its rest
	margin      = time.Second     // between arming and what falls due: asynq rounds down
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
		if err := s.Settle(ctx); err != nil {
			return 0, time.Time{}, err
		}
		if time.Until(due) > margin {
			return first, due, nil
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

// fall arms n timers for one instant and measures from then until all are handled.
func fall(ctx context.Context, w *world.World, system string, s peers.Session, n int, next *int) (measure.Figures, error) {
	wait, err := pace(ctx, s, n, next)
	if err != nil {
		return nil, err
	}
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

// pace returns for how long to arm n timers ahead. The first of them, which never fall
// due, say how long it takes.
func pace(ctx context.Context, s peers.Session, n int, next *int) (time.Duration, error) {
	sample := n / sampleShare
	began := time.Now()
	if err := s.Fill(ctx, far(*next, sample)); err != nil {
		return 0, err
	}
	*next += sample
	return time.Since(began)*sampleShare*5/4 + 2*margin, nil
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

// stocked is a store whose stock stays from turn to turn. Each turn has a session of its own.
type stocked struct {
	store peers.Store
	// armed timers were filled in, of so many bytes each.
	armed int
	bytes float64
	next  int // id of the next timer
	round func(ctx context.Context, s *stocked, session peers.Session) (measure.Figures, error)
}

// Round implements measure.Turn.
func (s *stocked) Round(ctx context.Context) (_ measure.Figures, err error) {
	session, err := s.store.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	if err := session.Settle(ctx); err != nil { // what a loss before took is there again
		return nil, err
	}
	return s.round(ctx, s, session)
}

// Close implements measure.Turn.
func (s *stocked) Close() error { return s.store.Destroy() }

// withStock is a subject that is filled once, with n timers that never fall due.
func withStock(w *world.World, system, name string, n int, round func(context.Context, *stocked, peers.Session) (measure.Figures, error)) measure.Subject {
	return measure.Subject{Name: name, Ours: system == redress, Open: func(ctx context.Context) (_ measure.Turn, err error) {
		store, err := stores(w)[system](ctx)
		if err != nil {
			return nil, err
		}
		session, err := store.Open(ctx)
		if err != nil {
			return nil, err
		}
		began := time.Now()
		err = session.Fill(ctx, far(0, n))
		if err == nil {
			err = session.Settle(ctx)
		}
		w.Tell("%s: %d timers armed in %s", name, n, time.Since(began).Round(time.Millisecond))
		if err := errors.Join(err, session.Close()); err != nil {
			return nil, err
		}
		s := &stocked{store: store, armed: n, next: n, round: round}
		if s.bytes, err = store.Bytes(ctx); err != nil {
			return nil, err
		}
		return s, store.Tidy(ctx)
	}}
}

// flow lets a thousand timers a second fall due, each at its own millisecond.
func flow(ctx context.Context, w *world.World, system string, s peers.Session, next *int) (measure.Figures, error) {
	lasting := w.Lasting(steady)
	n := int(lasting.Seconds() * aSecond)
	wait, err := pace(ctx, s, n, next)
	if err != nil {
		return nil, err
	}
	first, start, err := arming(ctx, s, *next, n, wait, func(i int) time.Duration {
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

// attentive is a session that works from the beginning, and tells from when it is asked to.
type attentive struct {
	peers.Session

	told atomic.Pointer[peers.Handle]
}

// Work implements peers.Session.
func (a *attentive) Work(_ context.Context, handle peers.Handle) error {
	a.told.Store(&handle)
	return nil
}

// lateness is a flow beside a stock, after a while with nothing due.
func lateness(w *world.World, system string) measure.Subject {
	return withStock(w, system, system, w.Scaled(stock, 5000), func(ctx context.Context, s *stocked, session peers.Session) (measure.Figures, error) {
		a := &attentive{Session: session}
		if err := session.Work(ctx, func(t peers.Timer, now time.Time) {
			if told := a.told.Load(); told != nil {
				(*told)(t, now)
			}
		}); err != nil {
			return nil, err
		}
		rest, err := idle(ctx, w)
		if err != nil {
			return nil, err
		}
		rest["bytes"] = s.bytes / float64(s.armed)
		got, err := flow(ctx, w, system, a, &s.next)
		maps.Copy(rest, got)
		return rest, err
	})
}

// idle measures a session that has nothing to do.
func idle(ctx context.Context, w *world.World) (measure.Figures, error) {
	if err := sleepUntil(ctx, time.Now().Add(lull)); err != nil {
		return nil, err
	}
	before, err := w.CPU(ctx)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := sleepUntil(ctx, began.Add(max(2*lull, w.Lasting(idling)))); err != nil {
		return nil, err
	}
	after, err := w.CPU(ctx)
	if err != nil {
		return nil, err
	}
	lasted, used := time.Since(began), after.Sub(before)
	share := func(d time.Duration) float64 { return 100 * d.Seconds() / lasted.Seconds() }
	return measure.Figures{"idle": share(used.All()), "idle self": share(used.Self), "idle redis": share(used.Redis), "idle postgres": share(used.Postgres)}, nil
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
			About:    "With 1,000,000 timers armed that do not fall due, 1,000 a second do for " + seconds(steady) + ". Redress: until the effect is committed; the others: until the handler starts. Negative is early. Each system is filled once and runs anew in each round.",
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
			Name: "idle", Title: "1,000,000 armed, none due", Of: "lateness",
			About: "The first " + seconds(idling) + " of the turns above: CPU of all processes, one core being 100 %. And what the timers take when they have been armed: in Redis (asynq, redress), in PostgreSQL (river), on disk (JetStream), on the heap.",
			Columns: []measure.Column{
				{Key: "idle", Title: "CPU, % of a core"},
				{Key: "bytes", Title: "bytes a timer"},
				{Key: "idle self", Title: "of it this process"},
				{Key: "idle redis", Title: "Redis"},
				{Key: "idle postgres", Title: "PostgreSQL"},
			},
			Goals: []measure.Goal{
				{Subject: redress, Key: "idle", AtMost: 2},
				{Subject: redress, Key: "bytes", AtMost: 145},
			},
		},
	}
}
