package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"example.com/redress/services/suite/demo"
	"example.com/redress/tools/bench/internal/measure"
	"example.com/redress/tools/bench/internal/ours"
	"example.com/redress/tools/bench/internal/world"
)

const (
	resting   = 10 * time.Second // before the memory of a process at rest is read
	readiness = time.Minute      // after which a start is given up
)

// process starts the program for the second time on its data, so that nothing is
// made, and reads its memory at rest.
func process(w *world.World, program string) measure.Subject {
	return measure.Subject{Name: "redress serve", Open: func(ctx context.Context) (measure.Turn, error) {
		folder, err := os.MkdirTemp(w.Folder, "serve")
		if err != nil {
			return nil, err
		}
		p, _, err := serve(ctx, program, folder)
		if err != nil {
			return nil, err
		}
		if err := p.stop(); err != nil {
			return nil, err
		}
		return fresh(func(ctx context.Context) (_ measure.Figures, err error) {
			p, ready, err := serve(ctx, program, folder)
			if err != nil {
				return nil, err
			}
			defer func() { err = errors.Join(err, p.stop()) }()
			if err := sleepUntil(ctx, time.Now().Add(w.Lasting(resting))); err != nil {
				return nil, err
			}
			resident, err := world.Resident(p.cmd.Process.Pid)
			return measure.Figures{"ready": ready.Seconds() * 1000, "resident": resident / 1e6}, err
		}), nil
	}}
}

// served is a running program.
type served struct{ cmd *exec.Cmd }

func (s *served) stop() error {
	return errors.Join(s.cmd.Process.Signal(os.Interrupt), s.cmd.Wait())
}

// serve starts the program and waits until it answers a call that needs the
// services; a token is not needed to be refused by them.
func serve(ctx context.Context, program, folder string) (*served, time.Duration, error) {
	if program == "" {
		return nil, 0, errors.New("-redress names no program")
	}
	ports := make([]string, 2)
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, 0, err
		}
		ports[i] = l.Addr().String()
		if err := l.Close(); err != nil {
			return nil, 0, err
		}
	}
	settings := filepath.Join(folder, "settings.yaml")
	if err := os.WriteFile(settings, []byte(fmt.Sprintf("grpc: {listen: %q}\ngateway: {listen: %q}\n", ports[0], ports[1])), 0o600); err != nil {
		return nil, 0, err
	}
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		return nil, 0, err
	}
	defer log.Close()
	s := &served{exec.CommandContext(ctx, program, "serve", "--data", filepath.Join(folder, "data"), "--config", settings)}
	s.cmd.Stdout, s.cmd.Stderr = log, log
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, 0, err
	}
	for {
		got, err := http.Get("http://" + ports[1] + "/v1/complaints")
		if err == nil {
			_, _ = io.Copy(io.Discard, got.Body)
			_ = got.Body.Close()
			if got.StatusCode == http.StatusUnauthorized {
				return s, time.Since(began), nil
			}
		}
		if time.Since(began) > readiness {
			said, _ := os.ReadFile(log.Name())
			return nil, 0, errors.Join(fmt.Errorf("%s is not ready after %s: %s", program, readiness, said[:min(len(said), 500)]), s.stop())
		}
		time.Sleep(2 * time.Millisecond)
	}
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
