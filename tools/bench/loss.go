package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"example.com/redress/tools/bench/internal/measure"
	"example.com/redress/tools/bench/internal/ours"
	"example.com/redress/tools/bench/internal/peers"
	"example.com/redress/tools/bench/internal/world"
)

const rebuilding = 5 * time.Minute // after which a rebuild is given up

// away is a flow during which Redis cannot be reached.
func away(w *world.World) measure.Subject {
	return measure.Subject{Name: redress, Ours: true, Open: func(context.Context) (measure.Turn, error) {
		return fresh(func(ctx context.Context) (_ measure.Figures, err error) {
			line, err := world.NewLine(w.Redis)
			if err != nil {
				return nil, err
			}
			defer func() { err = errors.Join(err, line.Close()) }()
			store, err := ours.NewClocks(ctx, w, line.Addr())
			if err != nil {
				return nil, err
			}
			defer func() { err = errors.Join(err, store.Destroy()) }()
			session, err := store.Open(ctx)
			if err != nil {
				return nil, err
			}
			defer func() { err = errors.Join(err, session.Close()) }()
			next := 0
			return flow(ctx, w, redress, cutting{session, line}, &next)
		}), nil
	}}
}

// cutting is a session that loses Redis when it begins to work.
type cutting struct {
	peers.Session

	line *world.Line
}

// Work implements peers.Session.
func (c cutting) Work(ctx context.Context, handle peers.Handle) error {
	c.line.Cut()
	return c.Session.Work(ctx, handle)
}

// rebuild loses all of Redis while timers fall due: overdue at the loss, and falling
// due while it is filled again.
func rebuild(ctx context.Context, w *world.World, s *stocked, session *ours.Service) (measure.Figures, error) {
	const apart = 5 * time.Millisecond
	count := int(max(2*time.Second, w.Lasting(8*time.Second)) / apart)
	first, start, err := arming(ctx, session, s.next, count, 2*margin, func(i int) time.Duration { return time.Duration(i)*apart + time.Millisecond })
	if err != nil {
		return nil, err
	}
	s.next = first + count
	all := newTally(first, count)
	if err := session.Work(ctx, all.handle); err != nil {
		return nil, err
	}
	if err := sleepUntil(ctx, start.Add(time.Duration(count)*apart/2)); err != nil {
		return nil, err
	}
	end := measure.Watch(ctx)
	if err := w.Flush(ctx); err != nil {
		return nil, err
	}
	began := time.Now()
	for {
		got, err := session.Indexed(ctx)
		if err != nil {
			return nil, err
		}
		if got >= int64(s.armed) {
			break
		}
		if time.Since(began) > rebuilding {
			return nil, fmt.Errorf("%d of %d timers are back after %s", got, s.armed, rebuilding)
		}
		if err := sleepUntil(ctx, time.Now().Add(5*time.Millisecond)); err != nil {
			return nil, err
		}
	}
	took := time.Since(began)
	end()
	if err := all.wait(ctx, tooLong); err != nil {
		return nil, err
	}
	f := all.figures(start, world.CPU{})
	return measure.Figures{
		"rebuilt": took.Seconds(), "rebuilding": float64(s.armed) / took.Seconds(),
		"rebuilt p50": f["p50"], "rebuilt max": f["max"], "rebuilt earliest": f["earliest"],
	}, nil
}

func lossExperiments(w *world.World) []measure.Experiment {
	return []measure.Experiment{
		{
			Name: "away", Title: "Redis away",
			About:    "1,000 timers a second fall due for " + seconds(steady) + " while Redis cannot be reached: the sweep of SQL fires them.",
			Columns:  []measure.Column{{Key: "p50", Title: "p50 ms"}, {Key: "p99", Title: "p99 ms"}, {Key: "max", Title: "max ms"}, {Key: "earliest", Title: "earliest ms"}, {Key: "cpu", Title: "CPU µs a timer"}},
			Subjects: []measure.Subject{away(w)},
			Goals:    []measure.Goal{{Subject: redress, Key: "p99", AtMost: 1100}, {Subject: redress, Key: "earliest", AtLeast: 1e-9}},
		},
	}
}
