package world

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Redis is a Redis of our own that forgets whenever it is killed.
type Redis struct {
	folder, port string

	mu      sync.Mutex
	process *exec.Cmd
	ended   chan struct{} // closed when process has
}

func newRedis(folder string) (*Redis, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	return &Redis{folder: folder, port: port}, os.MkdirAll(folder, 0o700)
}

// Start starts it, with what its folder holds, and waits until it answers.
func (r *Redis) Start(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := exec.Command("redis-server", "--bind", "127.0.0.1", "--port", r.port, "--save", "", "--appendonly", "no", "--dir", r.folder)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	r.process, r.ended = c, ended
	go func() {
		_ = c.Wait() // Kill ends it
		close(ended)
	}()
	for range 500 {
		if out, err := r.Do(ctx, "ping"); err == nil && out == "PONG" {
			return nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return fmt.Errorf("redis-server does not answer")
}

// Do runs one command.
func (r *Redis) Do(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "redis-cli", append([]string{"-p", r.port}, args...)...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// Save writes what it holds now to its folder, for a later Start.
func (r *Redis) Save(ctx context.Context) error {
	_, err := r.Do(ctx, "save")
	return err
}

// Kill ends it; what is in its folder stays if keep.
func (r *Redis) Kill(keep bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.process != nil {
		_ = r.process.Process.Kill() // perhaps gone already
		<-r.ended                    // its port is free then
		r.process = nil
	}
	if keep {
		return nil
	}
	if err := os.Remove(filepath.Join(r.folder, "dump.rdb")); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}
