package timers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/trace"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/lifecycle"
	"example.com/redress/services/kit/timerindex"
)

// Timer says when a resource wants to be woken.
type Timer struct {
	// Organization that owns the resource, and its name.
	Organization, Name string
	// Shard of the store in which it lives.
	Shard int32
	// At is when it falls due. In a timer that comes from the index it may be
	// rounded up or the end of a lease: Store.Fire goes by its own row.
	At time.Time
	// Generation is raised whenever At changes.
	Generation int64
}

func (t Timer) member() timerindex.Member {
	return timerindex.Member{Organization: t.Organization, Name: t.Name, Generation: t.Generation}
}

// Store is the truth about timers: the service's SQL.
type Store interface {
	// DueTimers returns at most limit timers whose instant is at or before the
	// given one, earliest first; shard -1 asks for all shards.
	DueTimers(ctx context.Context, shard int32, before time.Time, limit int) ([]Timer, error)

	// NextTimer returns the earliest instant of any timer; ok is false if there is none.
	NextTimer(ctx context.Context) (at time.Time, ok bool, err error)

	// Fire does what the timer is for, if its row still has this generation and is
	// due by the store's clock; otherwise it changes nothing and returns nil. The
	// comparison and the effect, the following instant included, are one
	// transaction. An error means that nothing happened; the engine tries again.
	Fire(ctx context.Context, t Timer) error
}

// Memory remembers heartbeats in SQL, so that a process that starts after an old
// copy of the index was restored sees that it is old.
type Memory interface {
	// LoadHeartbeats returns what was saved, by shard.
	LoadHeartbeats(ctx context.Context) (map[int32]timerindex.Heartbeat, error)

	// SaveHeartbeats remembers heartbeats. Where the incarnation is the one saved
	// before, a lower number does not replace a higher one.
	SaveHeartbeats(ctx context.Context, beats map[int32]timerindex.Heartbeat) error
}

// Path says which way a timer came to be fired.
type Path string

// The three ways.
const (
	ByClaim   Path = "claim"
	BySweep   Path = "sweep"
	ByAdvance Path = "advance"
)

// Fired tells of one call of Store.Fire.
type Fired struct {
	// Timer as the path knew it.
	Timer Timer
	// Path it came by.
	Path Path
	// Time is the business instant at which Fire was called.
	Time time.Time
	// Err is what Fire returned. Nil means done: fired now, or of an old generation.
	Err error
}

// Options are what an engine works with. Zero durations and counts take the
// defaults named.
type Options struct {
	// Store holds the timers. Required.
	Store Store
	// Memory remembers heartbeats; nil where the index lives and dies with this process.
	Memory Memory
	// Index is asked what is due next. Required.
	Index timerindex.Index
	// Clock decides what is due. Required.
	Clock clock.Business
	// Logger is told of failures; nil discards.
	Logger *slog.Logger

	// Shards is the number of shards of the store. Required.
	Shards int
	// Own are the shards this engine works on; empty means all. Two engines may
	// share shards: one effect is left of whatever both do.
	Own []int32

	// Sweep is the time between two sweeps, and between two heartbeats: 1 s.
	Sweep time.Duration
	// Refresh is the time between two runs of anti-entropy: 1 min.
	Refresh time.Duration
	// Horizon is how far ahead anti-entropy arms: 10 min.
	Horizon time.Duration
	// Lease is how long a claimed timer is this engine's: 10 s.
	Lease time.Duration
	// Retry is the pause after the index did not answer: 200 ms.
	Retry time.Duration
	// Batch is the most that one claim of a shard takes: 128. A look at SQL takes
	// eight times as many: it passes by all that has just been fired, again each time.
	Batch int
	// Workers is the most timers that are fired at once, so that they share transactions: 128.
	Workers int
	// Backlog is the most armed timers that wait for the index: 65,536. What is
	// beyond is left to anti-entropy and the sweep.
	Backlog int

	// OnFired, if set, is told of every call of Store.Fire, from many goroutines.
	OnFired func(Fired)
	// Tracer makes a span, and so a trace, for every timer that is fired: what armed
	// it may lie years back. Nil makes none.
	Tracer trace.TracerProvider
}

func (o *Options) complete() error {
	var errs []error
	if o.Store == nil || o.Index == nil || o.Clock == nil {
		errs = append(errs, errors.New("timers: store, index and clock are required"))
	}
	if o.Shards < 1 {
		errs = append(errs, errors.New("timers: shards: must be positive"))
	}
	for _, s := range o.Own {
		if s < 0 || int(s) >= o.Shards {
			errs = append(errs, fmt.Errorf("timers: own: shard %d is not one of %d", s, o.Shards))
		}
	}
	for _, d := range []struct {
		value    *time.Duration
		standard time.Duration
	}{
		{&o.Sweep, time.Second},
		{&o.Refresh, time.Minute},
		{&o.Horizon, 10 * time.Minute},
		{&o.Lease, 10 * time.Second},
		{&o.Retry, 200 * time.Millisecond},
	} {
		if *d.value == 0 {
			*d.value = d.standard
		}
		if *d.value < 0 {
			errs = append(errs, errors.New("timers: durations must not be negative"))
		}
	}
	for _, n := range []struct {
		value    *int
		standard int
	}{{&o.Batch, 128}, {&o.Workers, 128}, {&o.Backlog, 65_536}} {
		if *n.value == 0 {
			*n.value = n.standard
		}
		if *n.value < 0 {
			errs = append(errs, errors.New("timers: counts must not be negative"))
		}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if len(o.Own) == 0 {
		for s := range o.Shards {
			o.Own = append(o.Own, int32(s))
		}
	}
	return errors.Join(errs...)
}

// Engine fires the timers of one service. It is a lifecycle.Failing service.
type Engine struct {
	o     Options
	loops *lifecycle.Group
	hand  *hand
	wake  *waker
	armed *armed
	keep  *keeper
}

// New returns an engine that has not been started. What it is given stays the
// caller's to close, after Stop.
func New(o Options) (*Engine, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	e := &Engine{o: o, loops: lifecycle.NewGroup(o.Logger), hand: newHand(&o), wake: newWaker(o.Own)}
	e.armed = &armed{limit: o.Backlog, ready: make(chan struct{}, 1)}
	e.keep = &keeper{remembered: map[int32]timerindex.Heartbeat{}, behind: map[int32]bool{}}
	e.loops.Add("timer keeper", lifecycle.NewLoop("timer keeper", e.keepLoop))
	e.loops.Add("timer arming", lifecycle.NewLoop("timer arming", e.armLoop))
	e.loops.Add("timer claim", lifecycle.NewLoop("timer claim", e.claimLoop))
	e.loops.Add("timer sweep", lifecycle.NewLoop("timer sweep", e.sweepLoop))
	return e, nil
}

// Start implements lifecycle.Service. It loads the remembered heartbeats; the index
// may be away.
func (e *Engine) Start(ctx context.Context) error {
	if err := e.keep.load(ctx, e.o.Memory); err != nil {
		return fmt.Errorf("start timers: %w", err)
	}
	return e.loops.Start(ctx)
}

// Stop implements lifecycle.Service: it waits for the timers that are being fired.
func (e *Engine) Stop(ctx context.Context) error { return e.loops.Stop(ctx) }

// Done implements lifecycle.Failing.
func (e *Engine) Done() <-chan struct{} { return e.loops.Done() }

// Err implements lifecycle.Failing.
func (e *Engine) Err() error { return e.loops.Err() }

// FireDue fires, one after the other and in order of their instants, every timer
// that is due until the instant given, those included that firing arms, and
// returns the instant of the next one; ok is false if there is none. The store
// judges by its own clock, so that clock must stand there already.
//
// It ends with the first error of the store, and with one of its own if a timer
// stays where it is although it has been fired. It may be called whether or not
// the engine runs.
func (e *Engine) FireDue(ctx context.Context, until time.Time) (next time.Time, ok bool, err error) {
	fired := map[timerindex.Member]bool{}
	for {
		due, err := e.o.Store.DueTimers(ctx, -1, until, e.o.Batch)
		if err != nil {
			return time.Time{}, false, fmt.Errorf("fire timers due until %s: %w", until.Format(time.RFC3339), err)
		}
		if len(due) == 0 {
			return e.o.Store.NextTimer(ctx)
		}
		for _, t := range due {
			if !t.At.Equal(due[0].At) {
				break // firing may have armed something in between
			}
			if fired[t.member()] {
				return time.Time{}, false, fmt.Errorf("fire %s: still due at %s in generation %d after it was fired", t.Name, t.At.Format(time.RFC3339), t.Generation)
			}
			fired[t.member()] = true
			if err := e.hand.call(ctx, ByAdvance, t); err != nil {
				return time.Time{}, false, err
			}
		}
	}
}
