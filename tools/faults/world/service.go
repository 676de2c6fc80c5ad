package world

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// restartAfter is how soon a supervisor starts again what ended.
const restartAfter = 200 * time.Millisecond

// stopping is how long a process may take to end: the half minute that deploy/
// gives it, and some more.
const stopping = 35 * time.Second

// instance is one process of a service, started again whenever it ends.
type instance struct {
	service, name string
	address       string
	program       string
	config        string
	log           string
	env           []string

	mu      sync.Mutex
	process *exec.Cmd
	stopped chan struct{} // closed to end it for good
	ended   chan struct{} // closed when it has ended
	starts  int
}

// run starts the process again and again until retire.
func (i *instance) run(ctx context.Context) {
	defer close(i.ended)
	for {
		if err := i.once(ctx); err != nil {
			i.note("supervisor: %v", err)
		}
		select {
		case <-i.stopped:
			return
		case <-ctx.Done():
			return
		case <-time.After(restartAfter):
		}
	}
}

func (i *instance) once(ctx context.Context) error {
	log, err := os.OpenFile(i.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the process has it
	c := exec.CommandContext(ctx, i.program, "--config", i.config)
	c.Stdout, c.Stderr = log, log
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	i.mu.Lock()
	select {
	case <-i.stopped:
		i.mu.Unlock()
		return nil
	default:
	}
	c.Env = append(os.Environ(), i.env...)
	if err := c.Start(); err != nil {
		i.mu.Unlock()
		return err
	}
	i.process = c
	i.starts++
	i.mu.Unlock()
	err = c.Wait()
	i.mu.Lock()
	i.process = nil
	i.mu.Unlock()
	return err
}

func (i *instance) note(format string, args ...any) {
	f, err := os.OpenFile(i.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return
	}
	fmt.Fprintf(f, format+"\n", args...)
	_ = f.Close() // a note only
}

// signal sends it a signal; false if it is not running.
func (i *instance) signal(s syscall.Signal) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.process != nil && i.process.Process.Signal(s) == nil
}

// retire ends it for good, with a signal, and waits; after patience it is killed.
func (i *instance) retire(s syscall.Signal, patience time.Duration) {
	i.mu.Lock()
	select {
	case <-i.stopped:
	default:
		close(i.stopped)
	}
	i.mu.Unlock()
	i.signal(s)
	select {
	case <-i.ended:
	case <-time.After(patience):
		i.note("supervisor: did not end within %s of %s; what it does:", patience, s)
		i.signal(syscall.SIGQUIT) // tells where it stands
		select {
		case <-i.ended:
		case <-time.After(time.Second):
			i.signal(syscall.SIGKILL)
			<-i.ended
		}
	}
}

// Service is all instances of a service, behind a proxy.
type Service struct {
	// Name of the service.
	Name string
	// Front is where callers reach it.
	Front *Proxy

	w         *World
	mu        sync.Mutex
	instances []*instance
	count     int
	programs  string // folder of those that new instances run
}

// addresses lists where its instances listen.
func (s *Service) addresses() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]string, len(s.instances))
	for i, at := range s.instances {
		out[i] = at.address
	}
	return out
}

// Instances returns how many there are.
func (s *Service) Instances() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.instances)
}

// Programs returns the folder of those it runs.
func (s *Service) Programs() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.programs
}

// add starts one more instance.
func (s *Service) add(ctx context.Context, env ...string) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.count++
	name, programs := fmt.Sprintf("%s-%d", s.Name, s.count), s.programs
	s.mu.Unlock()
	i := &instance{
		service: s.Name, name: name, address: "127.0.0.1:" + port, program: filepath.Join(programs, s.Name),
		config: s.w.file(name + ".yaml"), log: s.w.file(name + ".log"), env: env,
		stopped: make(chan struct{}), ended: make(chan struct{}),
	}
	if s.w.Skew != nil {
		i.env = append(slices.Clone(i.env), "REDRESS_CLOCK_SKEW="+s.w.Skew().String())
	}
	raw, err := json.Marshal(s.w.section(s.Name, i.address))
	if err != nil {
		return err
	}
	if err := os.WriteFile(i.config, raw, 0o600); err != nil {
		return err
	}
	s.mu.Lock()
	s.instances = append(s.instances, i)
	s.mu.Unlock()
	go i.run(ctx)
	return nil
}

// pick returns an instance by number.
func (s *Service) pick(n int) *instance {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.instances[n%len(s.instances)]
}

// Kill ends an instance with SIGKILL; its supervisor starts it again. False if it was not running.
func (s *Service) Kill(n int) bool { return s.pick(n).signal(syscall.SIGKILL) }

// Renew ends every process and starts as many on a copy of the database as it was
// when Keep was called, with an empty Redis and env in their environment. ranges is
// that of Options. It returns when complaints are taken.
func (w *World) Renew(ctx context.Context, database string, ranges int, env ...string) error {
	w.halt(syscall.SIGKILL)
	old := w.Database
	w.Database, w.Ranges = database, ranges
	if old != kept {
		if _, err := w.Postgres.Do(ctx, "postgres", "DROP DATABASE "+old+" WITH (FORCE)"); err != nil {
			return err
		}
	}
	if _, err := w.Postgres.Do(ctx, "postgres", "CREATE DATABASE "+database+" TEMPLATE "+kept+" STRATEGY FILE_COPY"); err != nil {
		return err
	}
	if _, err := w.Redis.Do(ctx, "flushall"); err != nil {
		return err
	}
	w.Env = env
	if err := w.start(ctx); err != nil {
		return err
	}
	return w.takesComplaints(ctx)
}

// kept is the database that Renew copies.
const kept = "kept"

// Keep ends every process and keeps the database for Renew.
func (w *World) Keep(ctx context.Context) error {
	w.halt(syscall.SIGKILL)
	for _, name := range Names() { // nobody is left who could give them back
		if _, err := w.Postgres.Do(ctx, w.Database, "DELETE FROM "+Schema(name)+".feed_leases"); err != nil {
			return err
		}
	}
	_, err := w.Postgres.Do(ctx, "postgres", "ALTER DATABASE "+w.Database+" RENAME TO "+kept)
	w.Database = kept
	return err
}

// halt ends every process for good.
func (w *World) halt(with syscall.Signal) {
	var all sync.WaitGroup
	for _, s := range w.Services {
		s.mu.Lock()
		for _, i := range s.instances {
			all.Go(func() { i.retire(with, time.Second) })
		}
		s.instances = nil
		s.mu.Unlock()
	}
	all.Wait()
}

// Pause stops an instance for a while, as a host that is suspended.
func (s *Service) Pause(ctx context.Context, n int, d time.Duration) {
	i := s.pick(n)
	if !i.signal(syscall.SIGSTOP) {
		return
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
	i.signal(syscall.SIGCONT)
}

// Replace starts as many new instances of the programs in a folder beside the old,
// lets both serve while beside lasts, and ends the old ones as a deployment does.
func (s *Service) Replace(ctx context.Context, programs string, beside func()) error {
	s.mu.Lock()
	old := append([]*instance(nil), s.instances...)
	s.programs = programs
	s.mu.Unlock()
	for _, o := range old {
		if err := s.add(ctx, o.env...); err != nil {
			return err
		}
	}
	for _, address := range s.addresses() {
		if err := patiently(ctx, s.Name+" does not come up", func() bool {
			c, err := net.DialTimeout("tcp", address, time.Second)
			if err == nil {
				_ = c.Close() // it is there
			}
			return err == nil
		}); err != nil {
			return err
		}
	}
	if beside(); ctx.Err() != nil {
		return ctx.Err()
	}
	for _, o := range old {
		s.mu.Lock()
		kept := s.instances[:0:0]
		for _, i := range s.instances {
			if i != o {
				kept = append(kept, i)
			}
		}
		s.instances = kept
		s.mu.Unlock()
		o.retire(syscall.SIGTERM, stopping)
	}
	return nil
}

// Logs returns the last lines that hold the word, of all instances that ever were.
func (w *World) Logs(word string, most int) []string {
	var out []string
	files, _ := filepath.Glob(w.file("*.log")) // the pattern is well formed
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		for line := range strings.SplitSeq(string(raw), "\n") {
			if strings.Contains(line, word) {
				out = append(out, filepath.Base(f)+": "+line)
			}
		}
	}
	return out[max(0, len(out)-most):]
}
