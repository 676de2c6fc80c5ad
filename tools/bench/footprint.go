package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"example.com/redress/services/suite/demo"
	"example.com/redress/tools/bench/internal/measure"
	"example.com/redress/tools/bench/internal/ours"
	"example.com/redress/tools/bench/internal/world"
)

// resting comes before the memory of a process at rest is read.
const resting = 5 * time.Second

// process starts the program for the second time on its data, so that nothing is
// made, and reads its memory at rest.
func process(w *world.World, program string) measure.Subject {
	return measure.Subject{Name: "redress serve", Open: func(ctx context.Context) (measure.Turn, error) {
		folder, err := os.MkdirTemp(w.Folder, "serve")
		if err != nil {
			return nil, err
		}
		p, _, err := ours.Serve(ctx, program, folder, "")
		if err != nil {
			return nil, err
		}
		if err := p.Stop(); err != nil {
			return nil, err
		}
		return fresh(func(ctx context.Context) (_ measure.Figures, err error) {
			p, ready, err := ours.Serve(ctx, program, folder, "")
			if err != nil {
				return nil, err
			}
			defer func() { err = errors.Join(err, p.Stop()) }()
			if err := sleepUntil(ctx, time.Now().Add(w.Lasting(resting))); err != nil {
				return nil, err
			}
			resident, err := p.Resident()
			return measure.Figures{"ready": ready.Seconds() * 1000, "resident": resident / 1e6}, err
		}), nil
	}}
}

// stored plays the demo and counts what its complaint takes.
func stored(w *world.World) measure.Subject {
	return measure.Subject{Name: "the demo's closed complaint", Open: func(context.Context) (measure.Turn, error) {
		return fresh(func(ctx context.Context) (measure.Figures, error) {
			empty, played := filepath.Join(w.Folder, "empty"), filepath.Join(w.Folder, "played")
			defer os.RemoveAll(empty)
			defer os.RemoveAll(played)
			if err := ours.Bootstrapped(ctx, empty, demo.Begin); err != nil {
				return nil, err
			}
			if err := demo.AllInOne(ctx, played, io.Discard); err != nil {
				return nil, err
			}
			before, err := demo.Stored(ctx, empty)
			if err != nil {
				return nil, err
			}
			after, err := demo.Stored(ctx, played)
			if err != nil {
				return nil, err
			}
			f := measure.Figures{}
			for what, bytes := range after {
				f["stored"] += float64(bytes-before[what]) / 1024
				if strings.HasSuffix(what, " events") {
					f["events"] += float64(bytes-before[what]) / 1024
				}
			}
			return f, nil
		}), nil
	}}
}

func footprintExperiments(w *world.World, program string) []measure.Experiment {
	return []measure.Experiment{{
		Name: "footprint", Title: "Footprint",
		About: "The program in one process on SQLite, started for the second time, until it answers a call; its resident memory at rest. What the demo's closed complaint takes in the stores of all services, rows and indexes.",
		Columns: []measure.Column{
			{Key: "ready", Title: "ready ms"}, {Key: "resident", Title: "resident MB"}, {Key: "stored", Title: "stored KiB"}, {Key: "events", Title: "of it events"},
		},
		Subjects: []measure.Subject{process(w, program), stored(w)},
		Goals: []measure.Goal{
			{Subject: "redress serve", Key: "ready", AtMost: 1000},
			{Subject: "redress serve", Key: "resident", AtMost: 120},
			{Subject: "the demo's closed complaint", Key: "stored", AtMost: 60},
		},
	}}
}
