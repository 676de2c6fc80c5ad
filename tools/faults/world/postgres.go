package world

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Postgres is a PostgreSQL of our own, with fsync, that may be killed.
type Postgres struct {
	bin, folder, port string
	disk              int                  // in MiB, of its own; 0: none
	as                *syscall.SysProcAttr // root may not run it

	mu      sync.Mutex
	process *exec.Cmd
}

// newPostgres makes a cluster below folder, not started, on a disk of so many MiB
// of its own, if not 0.
func newPostgres(folder string, disk int) (*Postgres, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	p := &Postgres{bin: bin, folder: folder, disk: disk, as: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}}
	if p.port, err = freePort(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	if disk > 0 {
		if err := syscall.Mount("redress-faults", folder, "tmpfs", 0, fmt.Sprintf("size=%dm,mode=0700", disk)); err != nil {
			return nil, fmt.Errorf("file system of %d MiB at %s: %w", disk, folder, err)
		}
	}
	if os.Geteuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			return nil, err
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		p.as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(folder, int(uid), int(gid)); err != nil {
			return nil, err
		}
		for parent := filepath.Dir(folder); parent != "/"; parent = filepath.Dir(parent) {
			info, err := os.Stat(parent)
			if err == nil && info.Mode()&1 == 0 { // that user must pass through
				err = os.Chmod(parent, info.Mode()|0o111)
			}
			if err != nil {
				return nil, err
			}
		}
	}
	if out, err := p.command(context.Background(), "initdb", "-D", p.data(), "-U", "redress", "-A", "trust", "--encoding=UTF8", "--locale=C.UTF-8").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return p, nil
}

// programs returns the folder of the newest PostgreSQL that is installed whole.
func programs() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	slices.Sort(found)
	slices.Reverse(found)
	for _, folder := range append(found, filepath.SplitList(os.Getenv("PATH"))...) {
		whole := true
		for _, name := range []string{"initdb", "postgres", "pg_isready", "psql"} {
			_, err := os.Stat(filepath.Join(folder, name))
			whole = whole && err == nil
		}
		if whole {
			return folder, nil
		}
	}
	return "", errors.New("PostgreSQL is not installed")
}

func (p *Postgres) data() string { return filepath.Join(p.folder, "data") }

func (p *Postgres) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, filepath.Join(p.bin, name), args...)
	c.Dir, c.SysProcAttr = p.folder, p.as
	return c
}

// Start starts it and waits until it answers.
func (p *Postgres) Start(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	log, err := os.OpenFile(p.folder+".log", os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the process has it
	for {
		args := []string{
			"-D", p.data(), "-c", "listen_addresses=127.0.0.1", "-c", "port=" + p.port,
			"-c", "unix_socket_directories=", "-c", "max_connections=300", "-c", "shared_buffers=256MB", "-c", "autovacuum=on",
		}
		if p.disk > 0 {
			args = append(args, "-c", "max_wal_size=64MB", "-c", "min_wal_size=32MB")
		}
		c := p.command(ctx, "postgres", args...)
		c.Stdout, c.Stderr, c.Cancel = log, log, func() error { return nil }
		if err := c.Start(); err != nil {
			return err
		}
		p.process = c
		ended := make(chan error, 1)
		go func() { ended <- c.Wait() }()
		for {
			if p.command(ctx, "pg_isready", "-q", "-h", "127.0.0.1", "-p", p.port).Run() == nil {
				return nil
			}
			select {
			case err = <-ended:
			case <-time.After(20 * time.Millisecond):
				continue
			case <-ctx.Done():
				return ctx.Err()
			}
			break
		}
		// The backends of a killed server may still hold its memory.
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		}
	}
}

// Kill ends it as a power cut does: no process of it writes anything more.
func (p *Postgres) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.process == nil {
		return
	}
	main := p.process.Process.Pid
	all := append([]int{main}, children(main)...)
	for _, pid := range all {
		_ = syscall.Kill(pid, syscall.SIGKILL) // perhaps gone already
	}
	p.process = nil
}

// Full leaves nothing free on its disk for so long. It may end of that, as it does
// when it cannot write its log; then it is started again once there is space.
func (p *Postgres) Full(ctx context.Context, d time.Duration) error {
	name := filepath.Join(p.folder, "filler")
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	piece := make([]byte, 1<<20)
	for end := time.Now().Add(d); time.Now().Before(end) && ctx.Err() == nil; {
		if _, err := f.Write(piece); err == nil { // what was given back is taken too
			continue
		}
		if _, err := f.Write(piece[:4096]); err != nil {
			time.Sleep(5 * time.Millisecond)
		}
	}
	if err := errors.Join(f.Close(), os.Remove(name)); err != nil {
		return err
	}
	if p.command(ctx, "pg_isready", "-q", "-h", "127.0.0.1", "-p", p.port).Run() == nil {
		return nil
	}
	p.Kill()
	return p.Start(ctx)
}

func (p *Postgres) close() {
	p.Kill()
	if p.disk > 0 {
		_ = syscall.Unmount(p.folder, syscall.MNT_DETACH) // it is gone with the machine at the latest
	}
}

// children lists the processes that a process started.
func children(of int) []int {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", of, of))
	if err != nil {
		return nil
	}
	var out []int
	for word := range strings.FieldsSeq(string(raw)) {
		if pid, err := strconv.Atoi(word); err == nil {
			out = append(out, pid)
		}
	}
	return out
}

// DSN is the connection string of a database, past any proxy if address is "".
func (p *Postgres) DSN(database, address string) string {
	if address == "" {
		address = "127.0.0.1:" + p.port
	}
	return "postgres://redress@" + address + "/" + database + "?sslmode=disable"
}

// Do runs statements.
func (p *Postgres) Do(ctx context.Context, database, statements string) (string, error) {
	c := p.command(ctx, "psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-d", p.DSN(database, ""), "-c", statements)
	out, err := c.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("psql: %w: %s", err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// Rows hands every row of a query to see, as texts. Values must not hold tabs or line ends.
func (p *Postgres) Rows(ctx context.Context, database, query string, see func(row []string) error) error {
	c := p.command(ctx, "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", p.DSN(database, ""), "-c", "COPY ("+query+") TO STDOUT")
	var said strings.Builder
	c.Stderr = &said
	out, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	lines := bufio.NewReaderSize(out, 1<<20)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			if err := see(strings.Split(strings.TrimSuffix(line, "\n"), "\t")); err != nil {
				_ = c.Process.Kill() // the error that counts is returned
				_ = c.Wait()
				return err
			}
		}
		if err != nil {
			break
		}
	}
	if err := c.Wait(); err != nil {
		return fmt.Errorf("psql: %w: %s", err, said.String())
	}
	return nil
}
