package ours

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/clocks"
	"example.com/redress/services/kit/config"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/process"
	"example.com/redress/services/kit/rpcserver"
	"example.com/redress/services/kit/sqldb"
	"example.com/redress/tools/bench/internal/measure"
	"example.com/redress/tools/bench/internal/peers"
	"example.com/redress/tools/bench/internal/world"
)

const (
	source = "bench"
	sink   = "follower"
	counts = 64 // tallies that share the count, so that writes do not wait for one row
)

// Pair is two services: one writes clocks, the other follows its feed over gRPC.
type Pair struct {
	w      *world.World
	source *host.Host
	sink   *host.Host

	closers []func() error

	mu      sync.Mutex
	applied map[string]time.Time // when an event's effect was known to be stored, by resource
}

// NewPair starts the source; the sink starts when it is measured.
func NewPair(ctx context.Context, w *world.World) (_ *Pair, err error) {
	p := &Pair{w: w, applied: map[string]time.Time{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	none := func(string) grpc.ClientConnInterface { return nil }
	if p.source, err = p.serve(ctx, host.Definition{Name: source, Kinds: []journal.Kind{clocks.Kind("cases")}}, none); err != nil {
		return nil, err
	}
	server := grpc.NewServer()
	p.source.Register(server)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() { _ = server.Serve(l) }() // ends with Stop
	p.later(func() error { server.Stop(); return nil })
	conn, err := rpcserver.Dial(rpcserver.ClientConfig{Target: l.Addr().String()}, nil)
	if err != nil {
		return nil, err
	}
	p.later(conn.Close)
	if err := p.source.Start(ctx); err != nil {
		return nil, err
	}
	p.later(stopping(p.source))
	state := string((&clockv1.Clock{}).ProtoReflect().Descriptor().FullName())
	p.sink, err = p.serve(ctx, host.Definition{
		Name: sink, Consumes: []string{source},
		Project: map[string]func(proto.Message) []journal.Attr{state: nil},
		React: func(u *journal.Unit, ev *eventv1.Event, _, _ proto.Message) error {
			key, n := fmt.Sprintf("seen/%d", ev.GetShard()%counts), &wrapperspb.Int64Value{}
			if err := u.Tally(key, n); err != nil {
				return err
			}
			return u.SetTally(key, wrapperspb.Int64(n.GetValue()+1))
		},
	}, func(string) grpc.ClientConnInterface { return conn })
	return p, err
}

func (p *Pair) later(end func() error) { p.closers = append(p.closers, end) }

// Close stops both.
func (p *Pair) Close() error {
	var errs []error
	for _, end := range slices.Backward(p.closers) {
		errs = append(errs, end())
	}
	return errors.Join(errs...)
}

func (p *Pair) serve(ctx context.Context, d host.Definition, dial func(string) grpc.ClientConnInterface) (*host.Host, error) {
	var c process.Config
	config.SetDefaults(&c)
	c.Data = p.w.Folder
	dsn, drop, err := p.w.Database(ctx)
	if err != nil {
		return nil, err
	}
	p.later(drop)
	c.Database = sqldb.Config{Driver: sqldb.Postgres, DSN: dsn}
	shared, err := process.Open(ctx, d.Name, "bench", c, clock.NewHost(), io.Discard)
	if err != nil {
		return nil, err
	}
	p.later(func() error { return shared.Close(context.Background()) })
	deps, err := shared.Deps(ctx, d.Name, dial)
	if err != nil {
		return nil, err
	}
	deps.OnApplied = p.note
	return host.New(ctx, d, deps)
}

// note is told of each event whose effect is stored.
func (p *Pair) note(ev *eventv1.Event) {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, again := p.applied[ev.GetResource()]; !again {
		p.applied[ev.GetResource()] = now
	}
}

// write starts a clock, which is one event, and answers when it is stored.
func (p *Pair) write(ctx context.Context, id int, due time.Time) <-chan journal.Result {
	w := journal.Work{Organization: organization, Key: complaintOf(id), Actor: &eventv1.Actor{Principal: "services/bench"}, Creates: []string{nameOf(id)}}
	return p.source.Journal.Submit(ctx, w, func(u *journal.Unit) error { return arm(u, peers.Timer{ID: id, Due: due}, kind) })
}

func nameOf(id int) string { return caseOf(id) + "/clocks/" + kind + "-1" }

// Drain commits n events and then lets the sink follow.
func (p *Pair) Drain(ctx context.Context, n int) (measure.Figures, error) {
	due := time.Now().Add(24 * time.Hour).Truncate(time.Second)
	for from := 0; from < n; from += window {
		var all []<-chan journal.Result
		for id := from; id < min(n, from+window); id++ {
			all = append(all, p.write(ctx, id, due))
		}
		for _, r := range all {
			if err := (<-r).Err; err != nil {
				return nil, err
			}
		}
	}
	before, err := p.w.CPU(ctx)
	if err != nil {
		return nil, err
	}
	end := measure.Watch(ctx)
	began := time.Now()
	if err := p.follow(ctx); err != nil {
		return nil, err
	}
	if err := p.reach(ctx, n); err != nil {
		return nil, err
	}
	took := time.Since(began)
	end()
	after, err := p.w.CPU(ctx)
	if err != nil {
		return nil, err
	}
	return p.figures(after.Sub(before), n, measure.Figures{"rate": float64(n) / took.Seconds()}), p.once(ctx, n)
}

func (p *Pair) figures(used world.CPU, n int, f measure.Figures) measure.Figures {
	f["cpu"], f["self"], f["postgres"] = world.Per(used.All(), n), world.Per(used.Self, n), world.Per(used.Postgres, n)
	return f
}

func (p *Pair) follow(ctx context.Context) error {
	if err := p.sink.Start(ctx); err != nil {
		return err
	}
	p.later(stopping(p.sink))
	return nil
}

// reach waits until n events have had their effect.
func (p *Pair) reach(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	for {
		p.mu.Lock()
		got := len(p.applied)
		p.mu.Unlock()
		if got >= n {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d events have had their effect: %w", got, n, ctx.Err())
		case <-time.After(time.Millisecond):
		}
	}
}

// once proves that each event had its effect once.
func (p *Pair) once(ctx context.Context, n int) error {
	var sum int64
	_, err := p.sink.Journal.Write(ctx, journal.Work{Organization: organization, Key: "count", Actor: &eventv1.Actor{Principal: "services/bench"}}, func(u *journal.Unit) error {
		sum = 0
		for i := range counts {
			v := &wrapperspb.Int64Value{}
			if err := u.Tally(fmt.Sprintf("seen/%d", i), v); err != nil {
				return err
			}
			sum += v.GetValue()
		}
		return nil
	})
	if err == nil && sum != int64(n) {
		err = fmt.Errorf("%d events had %d effects", n, sum)
	}
	return err
}

// Live writes events at the rate for d and measures how long their effect takes.
func (p *Pair) Live(ctx context.Context, rate int, d time.Duration) (measure.Figures, error) {
	if err := p.follow(ctx); err != nil {
		return nil, err
	}
	n := int(d.Seconds() * float64(rate))
	due := time.Now().Add(24 * time.Hour).Truncate(time.Second)
	stored := make([]time.Time, n)
	errs := make(chan error, n)
	before, err := p.w.CPU(ctx)
	if err != nil {
		return nil, err
	}
	end := measure.Watch(ctx)
	began := time.Now()
	for id := range n {
		if wait := time.Until(began.Add(time.Duration(id) * time.Second / time.Duration(rate))); wait > 0 {
			time.Sleep(wait)
		}
		r := p.write(ctx, id, due)
		go func() {
			err := (<-r).Err
			stored[id] = time.Now()
			errs <- err
		}()
	}
	for range n {
		if err := <-errs; err != nil {
			return nil, err
		}
	}
	if err := p.reach(ctx, n); err != nil {
		return nil, err
	}
	took := time.Since(began)
	end()
	after, err := p.w.CPU(ctx)
	if err != nil {
		return nil, err
	}
	var late measure.Latencies
	for id := range n {
		late = append(late, max(0, p.applied[nameOf(id)].Sub(stored[id])))
	}
	return p.figures(after.Sub(before), n, measure.Figures{
		"rate": float64(n) / took.Seconds(), "p50": late.Milliseconds(0.5), "p99": late.Milliseconds(0.99),
	}), p.once(ctx, n)
}
