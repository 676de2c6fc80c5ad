package main

import (
	"context"
	"errors"

	"example.com/redress/tools/bench/internal/measure"
	"example.com/redress/tools/bench/internal/ours"
	"example.com/redress/tools/bench/internal/world"
)

const (
	backlog  = 100_000 // events that wait
	liveRate = 2000    // events a second
)

func feedExperiments(w *world.World) []measure.Experiment {
	subject := func(name string, round func(context.Context, *ours.Pair) (measure.Figures, error)) measure.Subject {
		return measure.Subject{Name: name, Ours: true, Open: func(context.Context) (measure.Turn, error) {
			return fresh(func(ctx context.Context) (_ measure.Figures, err error) {
				p, err := ours.NewPair(ctx, w)
				if err != nil {
					return nil, err
				}
				defer func() { err = errors.Join(err, p.Close()) }()
				return round(ctx, p)
			}), nil
		}}
	}
	return []measure.Experiment{{
		Name: "feed", Title: "Events from service to service",
		About: "Two services on PostgreSQL, gRPC between them. Effect: the state is projected and counted in one transaction with the position; the count must be the number of events. Backlog: 100,000 events committed before the consumer starts. Live: 2,000 events a second for " + seconds(steady) + ", from the answer of the write to the commit of the effect.",
		Columns: []measure.Column{
			{Key: "rate", Title: "events/s"},
			{Key: "p50", Title: "p50 ms"},
			{Key: "p99", Title: "p99 ms"},
			{Key: "cpu", Title: "CPU µs an event, all processes"},
			{Key: "self", Title: "of it this process"},
			{Key: "postgres", Title: "PostgreSQL"},
		},
		Subjects: []measure.Subject{
			subject("backlog", func(ctx context.Context, p *ours.Pair) (measure.Figures, error) {
				return p.Drain(ctx, w.Scaled(backlog, 2000))
			}),
			subject("live", func(ctx context.Context, p *ours.Pair) (measure.Figures, error) {
				return p.Live(ctx, liveRate, w.Lasting(steady))
			}),
		},
		Goals: []measure.Goal{
			{Subject: "backlog", Key: "rate", AtLeast: 20_000},
			{Subject: "live", Key: "p50", AtMost: 5},
			{Subject: "live", Key: "p99", AtMost: 25},
		},
	}}
}
