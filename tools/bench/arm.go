package main

import (
	"context"
	"sync/atomic"
	"time"

	"example.com/redress/tools/bench/internal/measure"
	"example.com/redress/tools/bench/internal/ours"
	"example.com/redress/tools/bench/internal/peers"
	"example.com/redress/tools/bench/internal/world"
)

const (
	turnOfCalls = 3 * time.Second // a turn of calls at scale 1
	farAway     = 24 * time.Hour  // due of timers that are not to fire
	inBatch     = 100
	toCancel    = 10_000
	toIndex     = 60_000 // below what the engine keeps waiting for the index
)

var perSecond = []measure.Column{{Key: "rate", Title: "timers/s"}, {Key: "p50", Title: "p50 ms"}, {Key: "p99", Title: "p99 ms"}, {Key: "cpu", Title: "CPU µs a timer, all processes"}}

// armOne keeps callers arming timers, one a call.
func armOne(w *world.World, system, name string, callers int) measure.Subject {
	return keepArming(w, system, name, callers, 1, func(ctx context.Context, s peers.Session, first int, due time.Time) error {
		return s.Schedule(ctx, peers.Timer{ID: first, Due: due})
	})
}

// armMany keeps callers arming timers, a hundred a call.
func armMany(w *world.World, system, name string, callers int) measure.Subject {
	return keepArming(w, system, name, callers, inBatch, func(ctx context.Context, s peers.Session, first int, due time.Time) error {
		ts := make([]peers.Timer, inBatch)
		for i := range ts {
			ts[i] = peers.Timer{ID: first + i, Due: due}
		}
		return s.Batch(ctx, ts)
	})
}

func keepArming(w *world.World, system, name string, callers, size int, call func(context.Context, peers.Session, int, time.Time) error) measure.Subject {
	return each(w, system, name, func(ctx context.Context, _ peers.Store, s peers.Session) (measure.Figures, error) {
		due := time.Now().Add(farAway).Truncate(time.Second)
		var next atomic.Int64
		arm := func(ctx context.Context, _, _ int) error {
			return call(ctx, s, (int(next.Add(1))-1)*size, due)
		}
		if _, _, err := measure.Keep(ctx, callers, warming, arm); err != nil {
			return nil, err
		}
		if err := s.Settle(ctx); err != nil {
			return nil, err
		}
		return measured(ctx, w, system, size, func() (measure.Latencies, time.Duration, error) {
			took, lasted, err := measure.Keep(ctx, callers, w.Lasting(turnOfCalls), arm)
			if err != nil {
				return nil, 0, err
			}
			began := time.Now()
			err = s.Settle(ctx) // armed is what the index knows of
			return took, lasted + time.Since(began), err
		})
	})
}

// warming comes before each turn of calls, unmeasured.
const warming = 300 * time.Millisecond

// measured turns calls into figures; each call is worth size.
func measured(ctx context.Context, w *world.World, system string, size int, do func() (measure.Latencies, time.Duration, error)) (measure.Figures, error) {
	var took measure.Latencies
	var lasted time.Duration
	before, err := w.CPU(ctx)
	if err != nil {
		return nil, err
	}
	end := measure.Watch(ctx)
	err = checkpointed(ctx, w, system, func() (err error) {
		took, lasted, err = do()
		return err
	})
	end()
	if err != nil {
		return nil, err
	}
	after, err := w.CPU(ctx)
	if err != nil {
		return nil, err
	}
	n, used := len(took)*size, after.Sub(before)
	return measure.Figures{
		"rate": float64(n) / lasted.Seconds(), "p50": took.Milliseconds(0.5), "p95": took.Milliseconds(0.95), "p99": took.Milliseconds(0.99), "cpu": world.Per(used.All(), n),
		"self": world.Per(used.Self, n), "redis": world.Per(used.Redis, n), "postgres": world.Per(used.Postgres, n),
	}, nil
}

// cancelOne lets 32 callers cancel what was armed before, one a call.
func cancelOne(w *world.World, system, name string) measure.Subject {
	const callers = 32
	return each(w, system, name, func(ctx context.Context, _ peers.Store, s peers.Session) (measure.Figures, error) {
		due := time.Now().Add(farAway).Truncate(time.Second)
		n := w.Scaled(toCancel, 500)
		if _, err := measure.Each(ctx, 64, n, func(ctx context.Context, _, i int) error {
			return s.Schedule(ctx, peers.Timer{ID: i, Due: due})
		}); err != nil {
			return nil, err
		}
		if err := s.Settle(ctx); err != nil {
			return nil, err
		}
		return measured(ctx, w, system, 1, func() (measure.Latencies, time.Duration, error) {
			return counted(ctx, callers, n, func(ctx context.Context, _, i int) error { return s.Cancel(ctx, i) })
		})
	})
}

// counted lets callers make n calls and returns every call's duration and how long it took.
func counted(ctx context.Context, callers, n int, call func(ctx context.Context, caller, i int) error) (measure.Latencies, time.Duration, error) {
	took := make(measure.Latencies, n)
	lasted, err := measure.Each(ctx, callers, n, func(ctx context.Context, caller, i int) error {
		began := time.Now()
		err := call(ctx, caller, i)
		took[i] = time.Since(began)
		return err
	})
	return took, lasted, err
}

// indexOnly arms the index alone the way commits do: callers hand over, what
// waits goes out together.
func indexOnly(w *world.World, name string, callers int) measure.Subject {
	return measure.Subject{Name: name, Ours: true, Open: func(ctx context.Context) (measure.Turn, error) {
		return fresh(func(ctx context.Context) (measure.Figures, error) {
			return ours.ArmIndex(ctx, w, callers, w.Scaled(toIndex, 2000))
		}), nil
	}}
}

func armExperiments(w *world.World) []measure.Experiment {
	return []measure.Experiment{
		{
			Name: "arm", Title: "Arm a clock, one a call", Columns: perSecond,
			About: "Callers arm timers that fall due tomorrow, one a call, for " + seconds(turnOfCalls) + ". Redress: the clock's row, its index entries, its event and its timer row are committed and Redis knows the timer; asynq on Redis; River a row in PostgreSQL; JetStream a message in a file, synced each second.",
			Subjects: []measure.Subject{
				armOne(w, redress, "redress, 32 callers", 32), armOne(w, redress, "redress, 256 callers", 256),
				armOne(w, asynq, "asynq, 32 callers", 32), armOne(w, asynq, "asynq, 256 callers", 256),
				armOne(w, river, "river, 32 callers", 32), armOne(w, river, "river, 256 callers", 256),
				armOne(w, nats, "JetStream, 32 callers", 32), armOne(w, inHeap, "heap, 32 callers", 32),
			},
			Goals: []measure.Goal{
				{Subject: "redress, 32 callers", Key: "rate", Against: "river, 32 callers", AtLeast: 6},
				{Subject: "redress, 256 callers", Key: "rate", Against: "river, 256 callers", AtLeast: 12},
			},
		},
		{
			Name: "batch", Title: "Arm a hundred a call", Columns: perSecond,
			About: "As above with a hundred timers a call: the clocks of one case in one decision, River's InsertManyFast (COPY). asynq has no such call.",
			Subjects: []measure.Subject{
				armMany(w, redress, "redress, 32 callers", 32), armMany(w, river, "river, 32 callers", 32), armMany(w, nats, "JetStream, 32 callers", 32),
			},
			Goals: []measure.Goal{{Subject: "redress, 32 callers", Key: "rate", Against: "river, 32 callers", AtLeast: 1}},
		},
		{
			Name: "index", Title: "Arm the index alone", Columns: perSecond,
			About: "32 callers hand timers to the engine, which arms Redis with what waits; done when Redis knows them all. asynq enqueues one a call.",
			Subjects: []measure.Subject{
				indexOnly(w, "redress index", 32), armOne(w, asynq, "asynq, 32 callers", 32),
			},
			Goals: []measure.Goal{{Subject: "redress index", Key: "rate", Against: "asynq, 32 callers", AtLeast: 5}},
		},
		{
			Name: "cancel", Title: "Cancel a clock, one a call", Columns: perSecond,
			About: "32 callers cancel 10,000 timers, one a call. Redress: the clock's state, its event and the removal of its timer row are committed; asynq Inspector.DeleteTask; River JobCancel; JetStream DeleteMsg.",
			Subjects: []measure.Subject{
				cancelOne(w, redress, "redress, 32 callers"), cancelOne(w, asynq, "asynq, 32 callers"),
				cancelOne(w, river, "river, 32 callers"), cancelOne(w, nats, "JetStream, 32 callers"), cancelOne(w, inHeap, "heap, 32 callers"),
			},
			Goals: []measure.Goal{{Subject: "redress, 32 callers", Key: "rate", Against: "river, 32 callers", AtLeast: 10}},
		},
	}
}
