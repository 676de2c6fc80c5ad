// Package ours runs the product's own packages as subjects: nothing here takes a
// road that a service of the suite does not take.
//
// Start reading at [NewClocks] for timers, [Alone] and [Together] for the suite.
package ours

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/calendar"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/clocks"
	"example.com/redress/services/kit/config"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/process"
	"example.com/redress/services/kit/slaclock"
	"example.com/redress/services/kit/sqldb"
	"example.com/redress/tools/bench/internal/peers"
	"example.com/redress/tools/bench/internal/world"
)

const (
	organization = "demo"
	kind         = "first_response"
	schema       = "redress_bench"
	patience     = 30 * time.Second // for starting and stopping
	settling     = 2 * time.Minute
	window       = 4096 // writes in flight while a stock is filled
)

// Clocks are SLA clocks of cases in a service that has nothing else: their rows and
// events in PostgreSQL, their index in Redis. They implement [peers.Store].
type Clocks struct {
	w        *world.World
	folder   string
	database sqldb.Config
	drop     func() error
	redis    string
	empty    float64

	pending atomic.Int64 // armed and not fired
}

// NewClocks makes an empty store. through is where Redis is reached if that is
// not its own address.
func NewClocks(ctx context.Context, w *world.World, through string) (_ *Clocks, err error) {
	c := &Clocks{w: w, redis: through}
	if through == "" {
		c.redis = w.Redis
	}
	if c.folder, err = os.MkdirTemp(w.Folder, "clocks"); err != nil {
		return nil, err
	}
	if c.empty, err = w.RedisBytes(ctx); err != nil {
		return nil, err
	}
	c.database = sqldb.Config{Driver: sqldb.Postgres, Schema: schema}
	c.database.DSN, c.drop, err = w.Database(ctx)
	return c, err
}

// Bytes implements peers.Store: what the index takes in Redis.
func (c *Clocks) Bytes(ctx context.Context) (float64, error) {
	now, err := c.w.RedisBytes(ctx)
	return now - c.empty, err
}

// Tidy implements peers.Store.
func (c *Clocks) Tidy(ctx context.Context) error {
	return errors.Join(world.TidyPostgres(ctx, c.database.DSN), c.w.TidyRedis(ctx))
}

// Destroy implements peers.Store.
func (c *Clocks) Destroy() error {
	return errors.Join(c.drop(), c.w.Flush(context.Background()), os.RemoveAll(c.folder))
}

// Service is a running host with clocks. It implements [peers.Session].
type Service struct {
	store  *Clocks
	shared *process.Surroundings
	log    *os.File
	// Host is the running service.
	Host   *host.Host
	handle atomic.Pointer[peers.Handle]
}

// Open implements peers.Store: it assembles the service as its process would.
func (c *Clocks) Open(ctx context.Context) (peers.Session, error) { return c.Serve(ctx) }

// Serve is Open with the service's own type.
func (c *Clocks) Serve(ctx context.Context) (_ *Service, err error) {
	s := &Service{store: c}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if s.log, err = os.OpenFile(filepath.Join(c.folder, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return nil, err
	}
	var p process.Config
	config.SetDefaults(&p)
	p.Data, p.Database = c.folder, c.database
	p.Redis.Addresses = []string{c.redis}
	if s.shared, err = process.Open(ctx, "bench", "bench", p, clock.NewHost(), io.Writer(s.log)); err != nil {
		return nil, err
	}
	deps, err := s.shared.Deps(ctx, "bench", func(string) grpc.ClientConnInterface { return nil })
	if err != nil {
		return nil, err
	}
	deps.OnFired = func(t journal.Timer, now time.Time) {
		c.pending.Add(-1)
		if h := s.handle.Load(); h != nil {
			(*h)(peers.Timer{ID: numberOf(t.Name), Due: t.At}, now)
		}
	}
	of := clocks.Kind("cases")
	s.Host, err = host.New(ctx, host.Definition{
		Name: "bench", Kinds: []journal.Kind{{Pattern: "cases/*", New: func() proto.Message { return &wrapperspb.StringValue{} }}, of},
		Fire: map[string]func(*journal.Unit, journal.Timer) error{of.Pattern: func(u *journal.Unit, t journal.Timer) error {
			_, _, err := clocks.Fire(u, t)
			return err
		}},
	}, deps)
	if err != nil {
		return nil, err
	}
	return s, s.Host.Start(ctx)
}

// Close implements peers.Session.
func (s *Service) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var errs []error
	if s.Host != nil {
		errs = append(errs, s.Host.Stop(ctx))
	}
	if s.shared != nil {
		errs = append(errs, s.shared.Close(ctx))
	}
	if s.log != nil {
		errs = append(errs, s.log.Close())
	}
	return errors.Join(errs...)
}

// uuid has the form of a UUIDv7, as names in the suite end in one; its last
// digits are the number.
func uuid(n int) string {
	return fmt.Sprintf("0199a5c0-%04x-7%03x-8000-%012x", n>>12&0xffff, n&0xfff, n)
}

func numberOf(name string) int {
	segments := strings.SplitN(name, "/", 3)
	id := segments[1]
	n, err := strconv.ParseInt(id[strings.LastIndexByte(id, '-')+1:], 16, 64)
	if err != nil {
		return -1
	}
	return int(n)
}

func caseOf(id int) string      { return "cases/" + uuid(id) }
func complaintOf(id int) string { return "complaints/" + uuid(id) }

// spec is a clock as packs start them. It fires one second after it is due, so
// that it falls on the timer's instant.
func spec(t peers.Timer, kind string) clocks.Spec {
	return clocks.Spec{
		Subject: caseOf(t.ID), Complaint: complaintOf(t.ID), Kind: kind, Revision: "policyRevisions/" + uuid(0), OwedBy: []string{"handler"}, Round: 1,
		Rule: &typev1.RuleRef{Rule: "first_response", Clause: "5.2", Pack: "demo"}, Start: time.Now(), Fixed: t.Due.Add(-time.Second),
	}
}

// arm starts the clock of a timer. Clocks count whole seconds; a timer with a
// finer instant gets a clock that was moved by the rest.
func arm(u *journal.Unit, t peers.Timer, kind string) error {
	s := spec(t, kind)
	rest := t.Due.Sub(t.Due.Truncate(time.Second))
	if rest == 0 {
		_, err := clocks.Start(u, s)
		return err
	}
	cal, err := calendar.New("Asia/Shanghai", nil, calendar.NoHolidays())
	if err != nil {
		return err
	}
	c, changes, err := slaclock.Start(cal, slaclock.Spec{
		Name: s.Subject + "/clocks/" + kind + "-1", Subject: s.Subject, Complaint: s.Complaint, Kind: kind, Rule: s.Rule,
		PolicyRevision: s.Revision, Start: s.Start, Term: slaclock.Term{Until: s.Fixed}, OwedBy: s.OwedBy, Round: 1,
	})
	if err != nil {
		return err
	}
	c.DueTime, c.NextFireTime = later(c.GetDueTime(), rest), later(c.GetNextFireTime(), rest)
	return u.Create(c.GetName(), c, changes[0])
}

func later(t *timestamppb.Timestamp, d time.Duration) *timestamppb.Timestamp {
	return timestamppb.New(t.AsTime().Add(d))
}

// work reads the case, and with it its clocks, as every act on a case does. No
// case is stored: it costs the search all the same.
func (s *Service) work(id int) journal.Work {
	return journal.Work{
		Organization: organization, Key: complaintOf(id), Actor: &eventv1.Actor{Principal: "services/bench"},
		Reads: []string{caseOf(id)}, Creates: []string{caseOf(id) + "/clocks/" + kind + "-1"},
	}
}

// Schedule implements peers.Session.
func (s *Service) Schedule(ctx context.Context, t peers.Timer) error {
	s.store.pending.Add(1)
	_, err := s.Host.Journal.Write(ctx, s.work(t.ID), func(u *journal.Unit) error { return arm(u, t, kind) })
	return err
}

// Batch implements peers.Session: all of them are clocks of one case.
func (s *Service) Batch(ctx context.Context, ts []peers.Timer) error {
	s.store.pending.Add(int64(len(ts)))
	w := s.work(ts[0].ID)
	w.Creates = nil
	for i := range ts {
		w.Creates = append(w.Creates, fmt.Sprintf("%s/clocks/%s_%d-1", caseOf(ts[0].ID), kind, i))
	}
	_, err := s.Host.Journal.Write(ctx, w, func(u *journal.Unit) error {
		for i, t := range ts {
			if err := arm(u, peers.Timer{ID: ts[0].ID, Due: t.Due}, kind+"_"+strconv.Itoa(i)); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// Fill implements peers.Session: one write each, very many in flight.
func (s *Service) Fill(ctx context.Context, ts []peers.Timer) error {
	return flown(len(ts), func(i int) <-chan journal.Result {
		s.store.pending.Add(1)
		return s.Host.Journal.Submit(ctx, s.work(ts[i].ID), func(u *journal.Unit) error { return arm(u, ts[i], kind) })
	})
}

// flown submits n writes, very many in flight, and returns when all have answered.
func flown(n int, submit func(i int) <-chan journal.Result) error {
	flight := make(chan (<-chan journal.Result), window)
	done := make(chan error, 1)
	go func() {
		var errs []error
		for r := range flight {
			if err := (<-r).Err; err != nil && len(errs) < 3 {
				errs = append(errs, err)
			}
		}
		done <- errors.Join(errs...)
	}()
	for i := range n {
		flight <- submit(i)
	}
	close(flight)
	return <-done
}

// Cancel implements peers.Session.
func (s *Service) Cancel(ctx context.Context, id int) error {
	w := s.work(id)
	w.Creates = nil
	_, err := s.Host.Journal.Write(ctx, w, func(u *journal.Unit) error { return clocks.Cancel(u, caseOf(id), kind) })
	return err
}

// Settle implements peers.Session: it waits until the index holds everything.
func (s *Service) Settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settling)
	defer cancel()
	for {
		n, err := s.Indexed(ctx)
		if err != nil {
			return err
		}
		if n >= s.store.pending.Load() {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d timers are in the index: %w", n, s.store.pending.Load(), ctx.Err())
		case <-time.After(time.Millisecond):
		}
	}
}

// Indexed returns how many timers Redis holds.
func (s *Service) Indexed(ctx context.Context) (int64, error) {
	return indexed(ctx, s.store.w, s.Host.Journal.StoreID(), s.Host.Journal.Shards())
}

// Work implements peers.Session: the service works already; it tells from now on.
func (s *Service) Work(_ context.Context, handle peers.Handle) error {
	s.handle.Store(&handle)
	return nil
}
