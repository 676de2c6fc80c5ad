package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/encoding/protojson"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/tools/bench/internal/measure"
	"example.com/redress/tools/bench/internal/ours"
	"example.com/redress/tools/bench/internal/plain"
	"example.com/redress/tools/bench/internal/world"
)

const (
	callers     = 64               // calls in flight
	turnOfRPCs  = 3 * time.Second  // a turn of RPCs at scale 1
	fullPath    = 10 * time.Second // a turn of the full path at scale 1
	helpDesk    = 217.0            // tickets/s, LibreDesk. Source: PERFORMANCE section 4
	helpDesking = 32               // callers of that
)

// seconds says how long a turn is.
func seconds(d time.Duration) string { return fmt.Sprintf("%g s", d.Seconds()) }

// rpc is a subject that answers calls for a while in each turn.
type rpc struct {
	w       *world.World
	system  string
	callers int
	lasting time.Duration
	call    func(ctx context.Context, caller, n int) error
	// before begins a turn; nil does nothing.
	before func() error
	// after ends a turn; nil does nothing. What it returns is added to the figures.
	after func(ctx context.Context) (measure.Figures, error)
	close func() error
}

// Round implements measure.Turn.
func (r *rpc) Round(ctx context.Context) (measure.Figures, error) {
	if r.before != nil {
		if err := r.before(); err != nil {
			return nil, err
		}
	}
	if _, _, err := measure.Keep(ctx, r.callers, warming, r.call); err != nil {
		return nil, err
	}
	got, err := measured(ctx, r.w, r.system, 1, func() (measure.Latencies, time.Duration, error) {
		return measure.Keep(ctx, r.callers, r.w.Lasting(r.lasting), r.call)
	})
	if err != nil || r.after == nil {
		return got, err
	}
	more, err := r.after(ctx)
	maps.Copy(got, more)
	return got, err
}

// Close implements measure.Turn.
func (r *rpc) Close() error { return r.close() }

var callsPerSecond = []measure.Column{
	{Key: "rate", Title: "calls/s"},
	{Key: "p50", Title: "p50 ms"},
	{Key: "p99", Title: "p99 ms"},
	{Key: "cpu", Title: "CPU µs a call, all processes"},
	{Key: "self", Title: "of it this process"},
	{Key: "postgres", Title: "PostgreSQL"},
}

// bare is a plain gRPC server over a way to store.
func bare(w *world.World, name, system string, open func(ctx context.Context, dsn string) (plain.Store, error)) measure.Subject {
	return measure.Subject{Name: name, Open: func(ctx context.Context) (measure.Turn, error) {
		dsn, drop := "", func() error { return nil }
		if system == river { // on PostgreSQL
			var err error
			if dsn, drop, err = w.Database(ctx); err != nil {
				return nil, err
			}
		}
		store, err := open(ctx, dsn)
		if err != nil {
			return nil, errors.Join(err, drop())
		}
		s, err := plain.Serve(store.Put)
		if err != nil {
			return nil, errors.Join(err, store.Close(), drop())
		}
		return &rpc{w: w, system: system, callers: callers, lasting: turnOfRPCs, call: s.Call, close: func() error {
			return errors.Join(s.Close(), store.Close(), drop())
		}}, nil
	}}
}

// none stores nothing.
type none struct{}

// Put implements plain.Store.
func (none) Put(context.Context, int64, []byte) error { return nil }

// Close implements plain.Store.
func (none) Close() error { return nil }

func echo(w *world.World) measure.Subject {
	return bare(w, "bare gRPC", "", func(context.Context, string) (plain.Store, error) { return none{}, nil })
}

func onSQLite(w *world.World, name string, most int) measure.Subject {
	return bare(w, name, "", func(context.Context, string) (plain.Store, error) {
		folder, err := os.MkdirTemp(w.Folder, "plain")
		if err != nil {
			return nil, err
		}
		return plain.NewSQLite(filepath.Join(folder, "plain.db"), most)
	})
}

// on runs a part of the suite on PostgreSQL and Redis, or on SQLite.
func on(ctx context.Context, w *world.World, postgres bool, start func(context.Context, *world.World, ours.On) (*ours.Server, error)) (*ours.Server, func() error, error) {
	var o ours.On
	drop := func() error { return nil }
	if postgres {
		var err error
		if o.Postgres, drop, err = w.Database(ctx); err != nil {
			return nil, nil, err
		}
		o.Redis = w.Redis
	}
	s, err := start(ctx, w, o)
	if err != nil {
		return nil, nil, errors.Join(err, drop())
	}
	return s, func() error { return errors.Join(s.Close(), drop()) }, nil
}

// alone is intake with its consumers stopped.
func alone(w *world.World, name string, postgres, known bool) measure.Subject {
	return measure.Subject{Name: name, Ours: true, Open: func(ctx context.Context) (measure.Turn, error) {
		s, end, err := on(ctx, w, postgres, ours.Alone)
		if err != nil {
			return nil, err
		}
		return &rpc{w: w, system: system(postgres), callers: callers, lasting: turnOfRPCs, call: s.Create(context.WithoutCancel(ctx), known), close: end}, nil
	}}
}

func system(postgres bool) string {
	if postgres {
		return redress
	}
	return ""
}

// full is intake with every service behind it, on PostgreSQL and Redis.
func full(w *world.World, name string) measure.Subject {
	return measure.Subject{Name: name, Ours: true, Open: func(ctx context.Context) (measure.Turn, error) {
		s, end, err := on(ctx, w, true, ours.Together)
		if err != nil {
			return nil, err
		}
		return &rpc{
			w: w, system: redress, callers: callers, lasting: fullPath, call: s.Create(context.WithoutCancel(ctx), false), close: end,
			after: func(ctx context.Context) (measure.Figures, error) {
				began := time.Now()
				for s.Suite.Settle(ctx) != nil { // it gives up after a while, with much to do
					if ctx.Err() != nil {
						return nil, ctx.Err()
					}
				}
				return measure.Figures{"behind": time.Since(began).Seconds()}, nil
			},
		}, nil
	}}
}

func intakeExperiments(w *world.World) []measure.Experiment {
	transaction := bare(w, "PostgreSQL, a transaction a call", river, func(ctx context.Context, dsn string) (plain.Store, error) { return plain.NewTransaction(ctx, dsn) })
	grouped := bare(w, "PostgreSQL, group commit", river, func(ctx context.Context, dsn string) (plain.Store, error) { return plain.NewGroup(ctx, dsn) })
	return []measure.Experiment{
		{
			Name: "intake", Title: "Register a complaint, consumers stopped", Columns: callsPerSecond,
			About: "64 callers over 4 connections, 300 bytes, for " + seconds(turnOfRPCs) + ". The plain servers store two rows; redress authorizes, validates, asks the policy in force, seals under the person's own key and commits request, state, index, number and event.",
			Subjects: []measure.Subject{
				echo(w), transaction, grouped, onSQLite(w, "SQLite FULL, a transaction a call", 1), onSQLite(w, "SQLite FULL, group commit", plain.MostRows),
				alone(w, "redress on PostgreSQL, new person", true, false), alone(w, "redress on PostgreSQL, known customer", true, true),
				alone(w, "redress on SQLite, new person", false, false), alone(w, "redress on SQLite, known customer", false, true),
			},
			Goals: []measure.Goal{
				{Subject: "redress on PostgreSQL, new person", Key: "rate", Against: transaction.Name, AtLeast: 1.2},
				{Subject: "redress on PostgreSQL, new person", Key: "rate", Against: grouped.Name, AtLeast: 0.45},
				{Subject: "redress on PostgreSQL, known customer", Key: "rate", Against: transaction.Name, AtLeast: 1.2},
				{Subject: "redress on PostgreSQL, known customer", Key: "rate", Against: grouped.Name, AtLeast: 0.45},
				{Subject: "redress on SQLite, new person", Key: "rate", Against: "SQLite FULL, group commit", AtLeast: 0.4},
				{Subject: "redress on PostgreSQL, new person", Key: "p99", Against: grouped.Name, AtMost: 3},
				{Subject: "redress on PostgreSQL, new person", Key: "p99", Against: transaction.Name, AtMost: 1},
			},
		},
		{
			Name: "suite", Title: "Register a complaint, every service running",
			Columns: append(slices.Clip(callsPerSecond), measure.Column{Key: "behind", Title: "s until all have followed"}),
			About: "As above, new persons, with five services following in the same process: grading, deadlines, notices, figures. " +
				"A turn is " + seconds(fullPath) + " of calls, after which it is waited until everything has followed; five minutes at a stretch would take longer still to follow, as more is accepted than is followed meanwhile.",
			Subjects: []measure.Subject{transaction, full(w, "redress on PostgreSQL and Redis")},
			Goals: []measure.Goal{
				{Subject: "redress on PostgreSQL and Redis", Key: "rate", Against: transaction.Name, AtLeast: 0.6},
				{Subject: "redress on PostgreSQL and Redis", Key: "behind", AtMost: 1},
			},
		},
	}
}

// getting reads one complaint, over gRPC or over JSON where url is not empty.
func getting(w *world.World, callers int, network plain.Network, url, name, token string, with func(context.Context) context.Context, end func() error) (*rpc, error) {
	r := &rpc{w: w, callers: callers, lasting: turnOfRPCs, close: end}
	if url == "" {
		ctx := with(context.Background())
		r.call = func(_ context.Context, caller, _ int) error {
			_, err := intakev1.NewIntakeServiceClient(network.Of(caller)).GetComplaint(ctx, &intakev1.GetComplaintRequest{Name: name})
			return err
		}
		return r, nil
	}
	lines, err := plain.NewLines(url, callers)
	if err != nil {
		return nil, err
	}
	request := lines.Request("GET", "/v1/"+name, token, nil)
	r.before = lines.Connect
	r.call = func(ctx context.Context, caller, _ int) error { return lines.Call(ctx, caller, request) }
	r.close = func() error { return errors.Join(lines.Close(), end()) }
	return r, nil
}

// bareEdge reads from the plain server.
func bareEdge(w *world.World, name string, url func(*plain.Edge) string) measure.Subject {
	return measure.Subject{Name: name, Open: func(ctx context.Context) (measure.Turn, error) {
		one := ours.Complaint(false)
		one.Name = "complaints/" + uuid.NewString()
		e, err := plain.ServeEdge(ctx, one)
		if err != nil {
			return nil, err
		}
		return getting(w, callers, e.Network, url(e), one.Name, "", func(ctx context.Context) context.Context { return ctx }, e.Close)
	}}
}

// ourEdge reads from the suite, or from intake alone.
func ourEdge(w *world.World, name string, start func(context.Context, *world.World, ours.On) (*ours.Server, error), json, dialling bool) measure.Subject {
	return measure.Subject{Name: name, Ours: true, Open: func(ctx context.Context) (measure.Turn, error) {
		s, end, err := on(ctx, w, false, start)
		if err != nil {
			return nil, err
		}
		if dialling {
			err = s.Dialling(ctx)
		}
		one, err2 := s.Some(ctx)
		if s.Suite != nil && err2 == nil {
			err2 = s.Suite.Settle(ctx)
		}
		if err := errors.Join(err, err2); err != nil {
			return nil, errors.Join(err, end())
		}
		url := ""
		if json {
			url = s.URL
		}
		return getting(w, callers, s.Network, url, one, s.Token, s.Context, end)
	}}
}

// registering sends complaints to the suite on PostgreSQL, over gRPC or JSON.
func registering(w *world.World, name string, callers int, json bool) measure.Subject {
	return measure.Subject{Name: name, Ours: true, Open: func(ctx context.Context) (measure.Turn, error) {
		s, end, err := on(ctx, w, true, ours.Together)
		if err != nil {
			return nil, err
		}
		r := &rpc{w: w, system: redress, callers: callers, lasting: turnOfRPCs, call: s.Create(context.WithoutCancel(ctx), true), close: end}
		r.after = func(ctx context.Context) (measure.Figures, error) {
			for s.Suite.Settle(ctx) != nil && ctx.Err() == nil { // it gives up after a while
			}
			return nil, ctx.Err()
		}
		if !json {
			return r, nil
		}
		lines, err := plain.NewLines(s.URL, callers)
		if err != nil {
			return nil, errors.Join(err, end())
		}
		c, err := protojson.Marshal(ours.Complaint(true))
		if err != nil {
			return nil, err
		}
		r.before = lines.Connect
		r.call = func(ctx context.Context, caller, _ int) error {
			return lines.Call(ctx, caller, lines.Request("POST", "/v1/complaints", s.Token, c, "Idempotency-Key: "+uuid.NewString()))
		}
		r.close = func() error { return errors.Join(lines.Close(), end()) }
		return r, nil
	}}
}

func edgeExperiments(w *world.World) []measure.Experiment {
	grpc := func(*plain.Edge) string { return "" }
	return []measure.Experiment{
		{
			Name: "edge", Title: "GetComplaint over gRPC and JSON", Columns: callsPerSecond[:5],
			About: "64 callers for " + seconds(turnOfRPCs) + ". gRPC over 4 connections; JSON over a connection for each caller, by a client that writes bytes. The plain servers hold one complaint and have no interceptor; redress reads it from SQLite, with every interceptor in force.",
			Subjects: []measure.Subject{
				bareEdge(w, "bare gRPC", grpc),
				bareEdge(w, "grpc-gateway, dialling", func(e *plain.Edge) string { return e.Gateway }),
				bareEdge(w, "net/http and protojson", func(e *plain.Edge) string { return e.Hand }),
				ourEdge(w, "redress, gRPC, intake alone", ours.Alone, false, false),
				ourEdge(w, "redress, JSON, dialling intake", ours.Alone, true, true),
				ourEdge(w, "redress, gRPC, one process", ours.Together, false, false),
				ourEdge(w, "redress, JSON, one process", ours.Together, true, false),
			},
			Goals: []measure.Goal{
				{Subject: "redress, JSON, dialling intake", Key: "rate", Against: "redress, gRPC, intake alone", AtLeast: 0.38},
				{Subject: "redress, JSON, one process", Key: "rate", Against: "redress, gRPC, one process", AtLeast: 0.8},
				{Subject: "redress, JSON, one process", Key: "rate", Against: "redress, gRPC, intake alone", AtLeast: 0.8},
			},
		},
		{
			Name: "edgeintake", Title: "Register a complaint over JSON", Columns: callsPerSecond,
			About: "The whole suite on PostgreSQL and Redis in one process, known customers, for " + seconds(turnOfRPCs) + "; after each turn it is waited until everything has followed.",
			Subjects: []measure.Subject{
				registering(w, "gRPC, 64 callers", callers, false), registering(w, "JSON, 64 callers", callers, true), registering(w, "JSON, 32 callers", helpDesking, true),
			},
			Goals: []measure.Goal{
				{Subject: "JSON, 64 callers", Key: "rate", Against: "gRPC, 64 callers", AtLeast: 0.8},
				{Subject: "JSON, 32 callers", Key: "rate", AtLeast: 25 * helpDesk},
			},
		},
	}
}
