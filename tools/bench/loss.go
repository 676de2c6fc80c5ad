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

// rebuild loses all of Redis while timers fall due.
func rebuild(w *world.World) measure.Subject {
	n := w.Scaled(stock, 5000)
	return withStock(w, redress, redress, n, func(ctx context.Context, store peers.Store, next *int) (_ measure.Figures, err error) {
		s, err := store.(*ours.Clocks).Serve(ctx)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		if err := s.Settle(ctx); err != nil { // what a loss before took is there again
			return nil, err
		}
		// Overdue at the loss and falling due during the rebuild: 200 a second for ten seconds around it.
		const each = 5 * time.Millisecond
		count := int(max(2*time.Second, w.Lasting(10*time.Second)) / each)
		start := time.Now().Add(3 * time.Second).Truncate(time.Second)
		ts := make([]peers.Timer, count)
		for i := range ts {
			ts[i] = peers.Timer{ID: *next + i, Due: start.Add(time.Duration(i)*each + time.Millisecond)}
		}
		all := newTally(*next, count)
		*next += count
		if err := s.Work(ctx, all.handle); err != nil {
			return nil, err
		}
		if err := s.Fill(ctx, ts); err != nil {
			return nil, err
		}
		if err := s.Settle(ctx); err != nil {
			return nil, err
		}
		if err := sleepUntil(ctx, start.Add(time.Duration(count)*each/2)); err != nil {
			return nil, err
		}
		end := measure.Watch(ctx)
		if err := w.Flush(ctx); err != nil {
			return nil, err
		}
		began := time.Now()
		for {
			got, err := s.Indexed(ctx)
			if err != nil {
				return nil, err
			}
			if got >= int64(n) {
				break
			}
			if time.Since(began) > rebuilding {
				return nil, fmt.Errorf("%d of %d timers are back after %s", got, n, rebuilding)
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
		return measure.Figures{"seconds": took.Seconds(), "rate": float64(n) / took.Seconds(), "p50": f["p50"], "max": f["max"], "earliest": f["earliest"]}, nil
	})
}

func lossExperiments(w *world.World) []measure.Experiment {
	return []measure.Experiment{
		{
			Name: "away", Title: "Redis away",
			About:    "1,000 timers a second fall due for 20 s while Redis cannot be reached: the sweep of SQL fires them.",
			Columns:  []measure.Column{{Key: "p50", Title: "p50 ms"}, {Key: "p99", Title: "p99 ms"}, {Key: "max", Title: "max ms"}, {Key: "earliest", Title: "earliest ms"}, {Key: "cpu", Title: "CPU µs a timer"}},
			Subjects: []measure.Subject{away(w)},
			Goals:    []measure.Goal{{Subject: redress, Key: "p99", AtMost: 1100}, {Subject: redress, Key: "earliest", AtLeast: 1e-9}},
		},
		{
			Name: "rebuild", Title: "FLUSHALL with 1,000,000 armed",
			About:    "From FLUSHALL until Redis knows all timers again, while 200 a second fall due before, during and after it.",
			Columns:  []measure.Column{{Key: "seconds", Title: "seconds"}, {Key: "rate", Title: "timers/s"}, {Key: "p50", Title: "lateness p50 ms"}, {Key: "max", Title: "max ms"}, {Key: "earliest", Title: "earliest ms"}},
			Subjects: []measure.Subject{rebuild(w)},
			Goals:    []measure.Goal{{Subject: redress, Key: "seconds", AtMost: 5}, {Subject: redress, Key: "max", AtMost: 2000}},
		},
	}
}
