package main

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"time"

	"example.com/redress/tools/bench/internal/measure"
	"example.com/redress/tools/bench/internal/ours"
	"example.com/redress/tools/bench/internal/world"
)

const (
	toRegister = 2000            // complaints of a turn at scale 1
	toWarm     = 200             // complaints before them
	workless   = 4 * time.Second // without work, before them
	reporting  = time.Second     // within which PostgreSQL's processes tell how often they synced
)

// processes is the suite in n processes of the program on one database, one Redis
// and one data folder. They are started anew for each turn: what runs and is not
// measured would take from the others.
type processes struct {
	w     *world.World
	suite *ours.Replicated
	model *model
	n     int
	drop  func() error
}

// model says what processes use: each its share of a core without work, and each
// complaint its CPU beyond that, as one process did in its last turn.
type model struct{ idle, work float64 }

// rate returns the complaints a second that n processes carry by it on this machine.
func (m model) rate(n int) float64 {
	return (float64(runtime.NumCPU()) - float64(n)*m.idle) * 1e6 / m.work
}

func inProcesses(w *world.World, program string, m *model, n int) measure.Subject {
	return measure.Subject{Name: nProcesses(n), Open: func(ctx context.Context) (measure.Turn, error) {
		dsn, drop, err := w.Database(ctx)
		if err != nil {
			return nil, err
		}
		s, err := ours.NewReplicated(ctx, w, program, dsn)
		if err != nil {
			return nil, errors.Join(err, drop())
		}
		return &processes{w, s, m, n, drop}, nil
	}}
}

func nProcesses(n int) string {
	if n == 1 {
		return "1 process"
	}
	return strconv.Itoa(n) + " processes"
}

// Close implements measure.Turn.
func (p *processes) Close() error { return errors.Join(p.suite.Close(), p.drop()) }

// Round implements measure.Turn.
func (p *processes) Round(ctx context.Context) (_ measure.Figures, err error) {
	running, err := p.suite.Start(ctx, p.n)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, running.Stop()) }()
	create := running.Create(context.WithoutCancel(ctx))
	if _, err := measure.Each(ctx, callers, p.w.Scaled(toWarm, callers), create); err != nil {
		return nil, err
	}
	if err := errors.Join(p.suite.Evenly(ctx, p.n), p.suite.Settle(ctx)); err != nil {
		return nil, err
	}
	resting, err := p.used(ctx, running)
	if err != nil {
		return nil, err
	}
	if err := sleepUntil(ctx, resting.at.Add(max(reporting, p.w.Lasting(workless)))); err != nil {
		return nil, err
	}
	logged, err := p.suite.Written(ctx)
	if err != nil {
		return nil, err
	}
	before, err := p.used(ctx, running)
	if err != nil {
		return nil, err
	}
	n := p.w.Scaled(toRegister, callers)
	registering, err := measure.Each(ctx, callers, n, create)
	if err := errors.Join(err, p.suite.Settle(ctx)); err != nil {
		return nil, err
	}
	after, err := p.used(ctx, running)
	if err != nil {
		return nil, err
	}
	if err := sleepUntil(ctx, after.at.Add(reporting)); err != nil {
		return nil, err
	}
	written, err := p.suite.Written(ctx)
	if err != nil {
		return nil, err
	}
	idle, turn := before.since(resting), after.since(before)
	cores := idle.all().Seconds() / idle.took.Seconds()
	work := world.Per(turn.all()-time.Duration(cores*float64(turn.took)), n)
	if p.n == 1 {
		*p.model = model{cores, work}
	}
	carried := float64(n) / turn.took.Seconds()
	f := measure.Figures{
		"rate": float64(n) / registering.Seconds(), "carried": carried, "behind": (turn.took - registering).Seconds(), "idle": cores, "work": work,
		"cpu": world.Per(turn.all(), n), "program": world.Per(turn.program, n), "postgres": world.Per(turn.Postgres, n), "redis": world.Per(turn.Redis, n), "self": world.Per(turn.Self, n),
		"log": float64(written.Bytes-logged.Bytes) / float64(n) / 1024, "syncs": float64(written.Syncs-logged.Syncs) / float64(n),
	}
	if p.model.work > 0 { // one process had its turn
		f["model"] = p.model.rate(p.n)
		f["off"] = 100 * (carried/f["model"] - 1)
	}
	return f, nil
}

// use is CPU, by an instant or in the time it took.
type use struct {
	world.CPU

	program time.Duration
	at      time.Time
	took    time.Duration
}

func (p *processes) used(ctx context.Context, running *ours.Processes) (u use, err error) {
	if u.CPU, err = p.w.CPU(ctx); err != nil {
		return u, err
	}
	u.program, err = running.Used()
	u.at = time.Now()
	return u, err
}

func (u use) since(before use) use {
	return use{CPU: u.Sub(before.CPU), program: u.program - before.program, took: u.at.Sub(before.at)}
}

func (u use) all() time.Duration { return u.All() + u.program }

func scaleExperiments(w *world.World, program string) []measure.Experiment {
	m := &model{}
	one, two, four := inProcesses(w, program, m, 1), inProcesses(w, program, m, 2), inProcesses(w, program, m, 4)
	return []measure.Experiment{{
		Name: "scale", Title: "The whole suite in one, two and four processes",
		About: "Processes of `redress serve` on one PostgreSQL, one Redis and one data folder share the feeds evenly (`ranges: 4`); 64 callers register 2,000 complaints of new persons at all of them in turn, and it is waited until everything has followed: CPU, log and syncs are from the first call until then. The model of [scaling](scaling.md), 7: what the cores of this machine leave beside n times what one process uses without work, over the CPU of a complaint beyond that in one process.",
		Columns: []measure.Column{
			{Key: "rate", Title: "registered/s"},
			{Key: "carried", Title: "carried to their end/s"},
			{Key: "model", Title: "by the model/s"},
			{Key: "off", Title: "deviation from it, %"},
			{Key: "behind", Title: "s until all have followed"},
			{Key: "idle", Title: "cores in use without work"},
			{Key: "work", Title: "CPU µs a complaint beyond that"},
			{Key: "cpu", Title: "CPU µs a complaint, all processes"},
			{Key: "program", Title: "of it redress"},
			{Key: "postgres", Title: "PostgreSQL"},
			{Key: "redis", Title: "Redis"},
			{Key: "self", Title: "callers"},
			{Key: "log", Title: "PostgreSQL's log, KiB a complaint"},
			{Key: "syncs", Title: "syncs of it"},
		},
		Subjects: []measure.Subject{one, two, four},
		Goals: []measure.Goal{
			{Subject: four.Name, Key: "cpu", Against: one.Name, AtMost: 1.25},
			{Subject: four.Name, Key: "work", Against: one.Name, AtMost: 1.25},
		},
	}}
}
