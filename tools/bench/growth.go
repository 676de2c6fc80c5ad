package main

import (
	"context"
	"errors"
	"maps"
	"time"

	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	"example.com/redress/tools/bench/internal/measure"
	"example.com/redress/tools/bench/internal/ours"
	"example.com/redress/tools/bench/internal/peers"
	"example.com/redress/tools/bench/internal/world"
)

const (
	fewOpen  = 10_000
	manyOpen = 1_000_000
	queuing  = 8      // callers of queue pages
	fillers  = 128    // callers that register the stock
	firedOff = 20_000 // clocks that fire beside a stock
	calm     = 5 * time.Minute
)

// queued is reporting beside n open complaints in which something waits.
func queued(w *world.World, name string, n int) measure.Subject {
	return measure.Subject{Name: name, Ours: true, Open: func(ctx context.Context) (measure.Turn, error) {
		s, end, err := on(ctx, w, true, func(ctx context.Context, w *world.World, o ours.On) (*ours.Server, error) {
			return ours.Reporting(ctx, w, o, n)
		})
		if err != nil {
			return nil, err
		}
		return &rpc{w: w, system: redress, callers: queuing, lasting: turnOfRPCs, call: page(context.WithoutCancel(ctx), s), close: end}, nil
	}}
}

func page(ctx context.Context, s *ours.Server) func(context.Context, int, int) error {
	ctx = s.Context(ctx)
	return func(_ context.Context, caller, _ int) error {
		got, err := reportingv1.NewReportingServiceClient(s.Network.Of(caller)).ListWork(ctx, &reportingv1.ListWorkRequest{Mine: true, PageSize: 50})
		if err == nil && len(got.GetItems()) == 0 {
			err = errors.New("nothing waits")
		}
		return err
	}
}

// besides lets clocks fall due at one instant beside a stock that does not; where
// losing, all of Redis is lost after that.
func besides(w *world.World, name string, armed int, losing bool) measure.Subject {
	return withStock(w, redress, name, armed, func(ctx context.Context, s *stocked, session peers.Session) (measure.Figures, error) {
		fired, err := fall(ctx, w, redress, session, w.Scaled(firedOff, 1000), &s.next)
		if err != nil || !losing {
			return fired, err
		}
		got, err := rebuild(ctx, w, s, session.(*ours.Service))
		maps.Copy(fired, got)
		return fired, err
	})
}

func growthExperiments(w *world.World) []measure.Experiment {
	few, many := w.Scaled(fewOpen, 100), w.Scaled(manyOpen, 400)
	cpu := []measure.Column{{Key: "rate", Title: "calls/s"}, {Key: "p50", Title: "p50 ms"}, {Key: "p95", Title: "p95 ms"}, {Key: "cpu", Title: "CPU µs a call, all processes"}}
	all := []measure.Experiment{
		{
			Name: "grownfire", Title: "Growth: fire a clock", Columns: []measure.Column{{Key: "rate", Title: "timers/s"}, {Key: "cpu", Title: "CPU µs a timer"}, {Key: "self", Title: "of it this process"}, {Key: "redis", Title: "Redis"}, {Key: "postgres", Title: "PostgreSQL"}},
			About: "20,000 clocks due at once beside 10,000 and 1,000,000 that are not due.",
			Subjects: []measure.Subject{
				besides(w, "10,000 armed", few, false), besides(w, "1,000,000 armed", many, true),
			},
			Goals: []measure.Goal{{Subject: "1,000,000 armed", Key: "cpu", Against: "10,000 armed", AtMost: 1.3}},
		},
		{
			Name: "rebuild", Title: "FLUSHALL with 1,000,000 armed", Of: "grownfire",
			About: "At the end of each turn above: from FLUSHALL until Redis knows all timers again, while 200 a second fall due for 4 s before it and 4 s from then on.",
			Columns: []measure.Column{
				{Key: "rebuilt", Title: "seconds"},
				{Key: "rebuilding", Title: "timers/s"},
				{Key: "rebuilt p50", Title: "lateness p50 ms"},
				{Key: "rebuilt max", Title: "max ms"},
				{Key: "rebuilt earliest", Title: "earliest ms"},
			},
			Goals: []measure.Goal{{Subject: "1,000,000 armed", Key: "rebuilt", AtMost: 5}, {Subject: "1,000,000 armed", Key: "rebuilt max", AtMost: 2000}},
		},
		{
			Name: "queue", Title: "Growth: a page of a person's work", Columns: cpu,
			About:    "8 callers ask for the first 50 of what waits for them (ListWork), beside 10,000 and 1,000,000 open complaints, each with a corrective action that somebody owes, one in ten the caller. Reporting runs alone on PostgreSQL; it has followed the feed of the journal to which the actions were written, and queued them.",
			Subjects: []measure.Subject{queued(w, "10,000 open", few), queued(w, "1,000,000 open", many)},
			Goals: []measure.Goal{
				{Subject: "1,000,000 open", Key: "cpu", Against: "10,000 open", AtMost: 1.3},
				{Subject: "1,000,000 open", Key: "p95", AtMost: 50},
			},
		},
	}
	return append(all, searchExperiments(w, few, many)...)
}
