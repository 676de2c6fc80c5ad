package world

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Redis is a Redis of our own that forgets whenever it is killed. With a sentinel
// it is two servers, of which one is the primary.
type Redis struct {
	mu       sync.Mutex
	primary  *server
	replica  *server // nil without a sentinel
	sentinel *server // nil without one
}

// server is one process of Redis.
type server struct {
	folder, port string

	process *exec.Cmd
	ended   chan struct{} // closed when process has
}

func newServer(folder string) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	return &server{folder: folder, port: port}, os.MkdirAll(folder, 0o700)
}

func newRedis(folder string) (*Redis, error) {
	s, err := newServer(folder)
	return &Redis{primary: s}, err
}

// start starts it, with what its folder holds, and waits until it answers.
func (s *server) start(ctx context.Context, args ...string) error {
	c := exec.Command("redis-server", args...)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	s.process, s.ended = c, ended
	go func() {
		_ = c.Wait() // kill ends it
		close(ended)
	}()
	return patiently(ctx, "redis-server does not answer", func() bool {
		out, err := s.do(ctx, "ping")
		return err == nil && out == "PONG"
	})
}

func (s *server) serve(ctx context.Context, more ...string) error {
	return s.start(ctx, append([]string{"--bind", "127.0.0.1", "--port", s.port, "--save", "", "--appendonly", "no", "--dir", s.folder}, more...)...)
}

// patiently repeats look for half a minute or more until it is true.
func patiently(ctx context.Context, otherwise string, look func() bool) error {
	for range 1500 {
		if look() {
			return nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return errors.New(otherwise)
}

func (s *server) do(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "redis-cli", append([]string{"-p", s.port}, args...)...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func (s *server) kill() {
	if s.process != nil {
		_ = s.process.Process.Kill() // perhaps gone already
		<-s.ended                    // its port is free then
		s.process = nil
	}
}

// master is what the sentinel calls the primary.
const master = "redress"

// noticed is how long the sentinel waits for an answer before it promotes.
const noticed = time.Second

// watch adds a replica and a sentinel.
func (r *Redis) watch(ctx context.Context, folder string) (err error) {
	if r.replica, err = newServer(folder + "-replica"); err != nil {
		return err
	}
	if err := r.replica.serve(ctx, "--replicaof", "127.0.0.1 "+r.primary.port); err != nil {
		return err
	}
	if r.sentinel, err = newServer(folder); err != nil {
		return err
	}
	conf := filepath.Join(folder, "sentinel.conf")
	text := fmt.Sprintf("bind 127.0.0.1\nport %s\ndir %s\nsentinel monitor %s 127.0.0.1 %s 1\nsentinel down-after-milliseconds %s %d\nsentinel failover-timeout %s 3000\n",
		r.sentinel.port, folder, master, r.primary.port, master, noticed.Milliseconds(), master)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return err
	}
	if err := r.sentinel.start(ctx, conf, "--sentinel"); err != nil {
		return err
	}
	return r.paired(ctx)
}

// paired waits until the replica follows and the sentinel knows it. One that was
// started as a primary while the other was being promoted is told whom to follow.
func (r *Redis) paired(ctx context.Context) error {
	return patiently(ctx, "the sentinel does not know a replica that follows", func() bool {
		r.look(ctx)
		out, err := r.replica.do(ctx, "info", "replication")
		if err != nil {
			return false
		}
		if !strings.Contains(out, "role:slave") || !strings.Contains(out, "master_port:"+r.primary.port) {
			_, _ = r.replica.do(ctx, "replicaof", "127.0.0.1", r.primary.port) // looked at again
			return false
		}
		known, err := r.sentinel.do(ctx, "sentinel", "replicas", master)
		return err == nil && strings.Contains(out, "master_link_status:up") && strings.Contains(known, r.replica.port) && !strings.Contains(known, "s_down")
	})
}

// Promote loses the primary while the replica has heard nothing for so long, and
// returns when the sentinel has promoted the replica and the old primary follows it.
func (r *Redis) Promote(ctx context.Context, stale time.Duration) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.look(ctx)
	if err := r.paired(ctx); err != nil {
		return err
	}
	if err := r.replica.process.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	// Cut off while it stands still, it misses even what lies in the socket later.
	if _, err := r.primary.do(ctx, "client", "kill", "type", "replica"); err != nil {
		return err
	}
	select {
	case <-time.After(stale):
	case <-ctx.Done():
		return ctx.Err()
	}
	r.primary.kill()
	if err := r.replica.process.Process.Signal(syscall.SIGCONT); err != nil {
		return err
	}
	if err := patiently(ctx, "the sentinel promotes nobody", func() bool {
		out, err := r.sentinel.do(ctx, "sentinel", "get-master-addr-by-name", master)
		if err != nil || !strings.Contains(out, r.replica.port) {
			return false
		}
		out, err = r.replica.do(ctx, "role")
		return err == nil && strings.HasPrefix(out, "master")
	}); err != nil {
		return err
	}
	r.primary, r.replica = r.replica, r.primary
	return r.replica.serve(ctx, "--replicaof", "127.0.0.1 "+r.primary.port)
}

// address is where clients reach it: the sentinel if there is one.
func (r *Redis) address() string {
	if r.sentinel != nil {
		return "127.0.0.1:" + r.sentinel.port
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return "127.0.0.1:" + r.primary.port
}

// section is the configuration of who reaches it through a proxy.
func (r *Redis) section(proxy string) map[string]any {
	out := map[string]any{"addresses": []string{proxy}}
	if r.sentinel != nil {
		out["master"] = master
	}
	return out
}

// Start starts the primary, with what its folder holds, and waits until it answers.
func (r *Redis) Start(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.look(ctx); r.primary.process != nil { // the other one was promoted meanwhile
		return r.replica.serve(ctx, "--replicaof", "127.0.0.1 "+r.primary.port)
	}
	return r.primary.serve(ctx)
}

// look asks the sentinel which server is the primary.
func (r *Redis) look(ctx context.Context) {
	if r.sentinel == nil {
		return
	}
	if out, err := r.sentinel.do(ctx, "sentinel", "get-master-addr-by-name", master); err == nil && strings.Contains(out, r.replica.port) {
		r.primary, r.replica = r.replica, r.primary
	}
}

// Do runs one command on the primary.
func (r *Redis) Do(ctx context.Context, args ...string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.look(ctx)
	return r.primary.do(ctx, args...)
}

// Save writes what it holds now to its folder, for a later Start.
func (r *Redis) Save(ctx context.Context) error {
	_, err := r.Do(ctx, "save")
	return err
}

// Kill ends the primary; what is in its folder stays if keep.
func (r *Redis) Kill(ctx context.Context, keep bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.look(ctx)
	r.primary.kill()
	if keep {
		return nil
	}
	if err := os.Remove(filepath.Join(r.primary.folder, "dump.rdb")); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}

func (r *Redis) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range []*server{r.sentinel, r.replica, r.primary} {
		if s != nil {
			s.kill()
		}
	}
}
