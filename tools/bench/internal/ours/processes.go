package ours

import (
	"bytes"
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
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"example.com/redress/services/kit/authn"
	"example.com/redress/services/suite"
	"example.com/redress/tools/bench/internal/plain"
	"example.com/redress/tools/bench/internal/world"
)

const (
	readiness = time.Minute            // after which a start is given up
	balancing = time.Minute            // after which processes ought to share the feeds evenly
	following = 2 * time.Minute        // after which a suite ought to have followed
	look      = 100 * time.Millisecond // between looks at the database, each some 4 ms of its CPU
	ranges    = 4                      // leases that the processes share the shards of a feed by
)

// Process is the program `redress serve`, running.
type Process struct {
	// GRPC is host:port of its RPCs.
	GRPC string

	cmd   *exec.Cmd
	ended chan struct{} // closed when it has ended, with err
	err   error
}

// announced is what the program says when it has started and, the first time, has
// made its organisation.
const announced = "Redress runs."

// Serve starts the program with its data in the folder and waits until it has
// started. It returns how long it took until a call that needs the services was
// answered; a token is not needed to be refused by them. Settings are added to those
// of its ports.
func Serve(ctx context.Context, program, folder, settings string) (*Process, time.Duration, error) {
	if program == "" {
		return nil, 0, errors.New("-redress names no program")
	}
	ports, err := freePorts(2)
	if err != nil {
		return nil, 0, err
	}
	name := filepath.Join(folder, strings.ReplaceAll(ports[0], ":", "-"))
	settings = fmt.Sprintf("grpc: {listen: %q}\ngateway: {listen: %q}\n%s", ports[0], ports[1], settings)
	if err := os.WriteFile(name+".yaml", []byte(settings), 0o600); err != nil {
		return nil, 0, err
	}
	log, err := os.Create(name + ".log")
	if err != nil {
		return nil, 0, err
	}
	defer log.Close()
	p := &Process{GRPC: ports[0], ended: make(chan struct{}), cmd: exec.CommandContext(ctx, program, "serve", "--data", filepath.Join(folder, "data"), "--config", name+".yaml")}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, 0, err
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	var ready time.Duration
	for {
		if ready == 0 && refuses(ports[1]) {
			ready = time.Since(began)
		}
		said, err := os.ReadFile(log.Name())
		switch {
		case err != nil:
			return nil, 0, errors.Join(err, p.Stop())
		case ready > 0 && bytes.Contains(said, []byte(announced)):
			return p, ready, nil
		case p.over() || time.Since(began) > readiness:
			return nil, 0, errors.Join(fmt.Errorf("%s is not ready after %s: %s", program, time.Since(began), said[max(0, len(said)-500):]), p.Stop())
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// refuses reports whether the JSON edge asks for a token.
func refuses(address string) bool {
	got, err := http.Get("http://" + address + "/v1/complaints")
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, got.Body)
	_ = got.Body.Close()
	return got.StatusCode == http.StatusUnauthorized
}

// freePorts returns addresses that nobody listens at now.
func freePorts(n int) ([]string, error) {
	var out []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // after all were found, so that they differ
		out = append(out, l.Addr().String())
	}
	return out, nil
}

// Stop ends the process.
func (p *Process) Stop() error {
	if !p.over() {
		_ = p.cmd.Process.Signal(os.Interrupt) // it may end just now
	}
	<-p.ended
	return p.err
}

// over reports whether the process has ended.
func (p *Process) over() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// Resident returns the memory of the process, in bytes.
func (p *Process) Resident() (float64, error) { return world.Resident(p.cmd.Process.Pid) }

// Replicated is a suite on PostgreSQL and Redis that runs in as many processes of
// the program as are started. They share a data folder: keys, evidence and secrets
// lie there.
type Replicated struct {
	program, folder, settings string
	token                     string
	db                        *pgx.Conn
	behind                    string // counts what has not been followed
}

// NewReplicated makes the organisation of a suite by a process that has ended when it returns.
func NewReplicated(ctx context.Context, w *world.World, program, dsn string) (_ *Replicated, err error) {
	r := &Replicated{program: program, settings: fmt.Sprintf("database: {driver: postgres, dsn: %q}\nredis: {addresses: [%q]}\nranges: %d\n", dsn, w.Redis, ranges)}
	if r.folder, err = os.MkdirTemp(w.Folder, "replicated"); err != nil {
		return nil, err
	}
	if r.db, err = pgx.Connect(ctx, dsn); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close())
		}
	}()
	first, _, err := Serve(ctx, program, r.folder, r.settings)
	if err != nil {
		return nil, err
	}
	err = r.learn(ctx)
	if err = errors.Join(err, first.Stop()); err != nil {
		return nil, err
	}
	key, err := authn.OpenLocalKey(filepath.Join(r.folder, "data", "keys"))
	if err != nil {
		return nil, err
	}
	r.token, err = key.Mint(authn.Identity{Principal: staff, Organization: organization}, 24*time.Hour)
	return r, err
}

// Close ends what New opened.
func (r *Replicated) Close() error {
	return errors.Join(r.db.Close(context.Background()), os.RemoveAll(r.folder))
}

// schemaOf is where a service keeps its tables.
func schemaOf(service string) string { return "redress_" + strings.ReplaceAll(service, "-", "_") }

// eachService puts a query together from one of every service.
func eachService(join, query string) string {
	var parts []string
	for _, name := range suite.Names() {
		parts = append(parts, strings.ReplaceAll(query, "@", schemaOf(name)+"."))
	}
	return strings.Join(parts, join)
}

// learn asks the leases who follows whom. In one snapshot a position is that of a
// feed's end and no timer is due, notices that are to be sent among them, or there
// is something left to do.
func (r *Replicated) learn(ctx context.Context) error {
	rows, err := r.db.Query(ctx, eachService(" UNION ", `SELECT DISTINCT '@', split_part(name, '/', 2) FROM @feed_leases WHERE name LIKE 'feed/%-of-%'`))
	if err != nil {
		return err
	}
	var parts []string
	for rows.Next() {
		var to, from string
		if err := rows.Scan(&to, &from); err != nil {
			return err
		}
		parts = append(parts, fmt.Sprintf(`(SELECT coalesce(sum(h.sequence - coalesce(p.sequence, 0)), 0) FROM %s.shard_heads h LEFT JOIN %sfeed_positions p ON p.source = '%s' AND p.shard = h.shard)`, schemaOf(from), to, from))
	}
	r.behind = `SELECT (` + strings.Join(parts, " + ") + ` + ` + eachService(" + ", `(SELECT count(*) FROM @timers WHERE fire_time <= extract(epoch FROM clock_timestamp()) * 1000000)`) + `)::bigint`
	return rows.Err()
}

// Settle waits until every process has followed and nothing is due.
func (r *Replicated) Settle(ctx context.Context) error {
	return r.until(ctx, following, "events and timers are left to do", r.behind)
}

// Evenly waits until each of n processes holds as many leases of every feed.
func (r *Replicated) Evenly(ctx context.Context, n int) error {
	return r.until(ctx, balancing, "feeds are not shared evenly", `SELECT count(*) FROM (SELECT source FROM (`+eachService(" UNION ALL ",
		`SELECT '@' || split_part(name, '/', 2) AS source, holder, count(*) AS leases FROM @feed_leases WHERE name LIKE 'feed/%-of-%' GROUP BY 1, 2`)+
		fmt.Sprintf(`) AS held GROUP BY source HAVING count(*) <> %d OR sum(leases) <> %d OR min(leases) <> max(leases)) AS uneven`, n, ranges))
}

// until asks again until the answer is 0.
func (r *Replicated) until(ctx context.Context, most time.Duration, what, query string) error {
	for began := time.Now(); ; {
		var n int64
		if err := r.db.QueryRow(ctx, query).Scan(&n); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if n == 0 {
			return nil
		}
		if time.Since(began) > most {
			return fmt.Errorf("%d %s after %s", n, what, most)
		}
		time.Sleep(look)
	}
}

// Written is what PostgreSQL has written to its log so far, all databases together.
type Written struct {
	// Bytes of the log, and Syncs of it.
	Bytes, Syncs int64
}

// Written returns what PostgreSQL has written by now. Its processes report syncs
// within a second.
func (r *Replicated) Written(ctx context.Context) (w Written, err error) {
	err = r.db.QueryRow(ctx, `SELECT (pg_current_wal_lsn() - '0/0')::bigint, wal_sync FROM pg_stat_wal`).Scan(&w.Bytes, &w.Syncs)
	return w, err
}

// Processes are those of one turn.
type Processes struct {
	all      []*Process
	networks []plain.Network
	token    string
}

// Start starts n processes.
func (r *Replicated) Start(ctx context.Context, n int) (_ *Processes, err error) {
	p := &Processes{all: make([]*Process, n), token: r.token}
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { p.all[i], _, errs[i] = Serve(ctx, r.program, r.folder, r.settings) })
	}
	all.Wait()
	err = errors.Join(errs...)
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Stop())
		}
	}()
	for _, one := range p.all {
		if err != nil {
			return nil, err
		}
		var network plain.Network
		network, err = plain.Dial(one.GRPC)
		p.networks = append(p.networks, network)
	}
	return p, err
}

// Stop ends the processes, all at once.
func (p *Processes) Stop() error {
	var errs []error
	for _, n := range p.networks {
		errs = append(errs, n.Close())
	}
	ended := make([]error, len(p.all))
	var all sync.WaitGroup
	for i, one := range p.all {
		if one != nil {
			all.Go(func() { ended[i] = one.Stop() })
		}
	}
	all.Wait()
	return errors.Join(append(errs, ended...)...)
}

// Used is the CPU that the processes have used so far.
func (p *Processes) Used() (sum time.Duration, err error) {
	for _, one := range p.all {
		used, err := world.Used(one.cmd.Process.Pid)
		if err != nil {
			return 0, err
		}
		sum += used
	}
	return sum, nil
}

// Create returns a call that registers a complaint of a new person, at the processes in turn.
func (p *Processes) Create(ctx context.Context) func(ctx context.Context, caller, n int) error {
	calls := make([]func(ctx context.Context, caller, n int) error, len(p.networks))
	for i, n := range p.networks {
		calls[i] = (&Server{Network: n, Token: p.token}).Create(ctx, false)
	}
	return func(ctx context.Context, caller, n int) error {
		return calls[caller%len(calls)](ctx, caller/len(calls), n)
	}
}
