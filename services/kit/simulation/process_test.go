package simulation_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/clocks"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/inproc"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/rpcerr"
	"example.com/redress/services/kit/timerindex"
)

// The two services: cases happen in one, their clocks run in the other.
const (
	sourceName = "intake"
	sinkName   = "routing"
	org        = "acme"
)

// process is one run of a replica, from its start to its end.
type process struct {
	w       *world
	service string
	replica int
	name    string // service, replica and run
	number  int    // place among all runs
	skew    time.Duration

	// Guarded by the world's mutex.
	dead bool

	// Of the scheduler alone.
	stopped time.Time // SIGSTOP until then
	cut     time.Time // from the network until then
	writes  bool      // the transaction in hand appends events

	// Set once it works.
	host   *host.Host
	server *inproc.Server
	over   chan struct{} // closed when everything of it has ended
}

// start begins a run of a replica.
func (w *world) start(service string, replica int, skew time.Duration) {
	p := &process{w: w, service: service, replica: replica, number: len(w.processes), skew: skew, over: make(chan struct{})}
	p.name = fmt.Sprintf("%s-%d.%d", service, replica, p.number)
	w.processes = append(w.processes, p)
	go func() {
		defer close(p.over)
		p.live()
	}()
}

// alive returns the run of a replica that has not been killed, if there is one.
func (w *world) alive(service string, replica int) *process {
	for _, p := range w.processes {
		if p.service == service && p.replica == replica && !p.isDead() {
			return p
		}
	}
	return nil
}

func (p *process) isDead() bool {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	return p.dead
}

// serving returns the process once it works and while it lives.
func (p *process) serving() (*host.Host, *inproc.Server, bool) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	return p.host, p.server, !p.dead && p.server != nil
}

// live is the life of a process: it starts, again if the store is away, and ends
// when it is killed.
func (p *process) live() {
	for {
		h, err := p.boot()
		if err == nil {
			p.w.mu.Lock()
			gone := p.dead
			if !gone {
				p.host = h
				p.server = p.serve(h)
			}
			p.w.mu.Unlock()
			if gone {
				p.end(h, nil)
			}
			return
		}
		if p.isDead() {
			return
		}
		_ = clock.System().Pause(context.Background(), time.Minute) // a supervisor starts it again
		if p.isDead() {
			return
		}
	}
}

func (p *process) boot() (*host.Host, error) {
	w := p.w
	db, def := w.sourceDB, sourceDefinition()
	if p.service == sinkName {
		db, def = w.sinkDB, sinkDefinition()
	}
	business := clock.NewHost()
	business.SetOffset(p.skew)
	h, err := host.New(context.Background(), def, host.Deps{
		DB: db.DB, Clock: business, DigestKey: make([]byte, 32), Ranges: shards, Faults: p.statement,
		Timers: func(string) timerindex.Index {
			return &redisIndex{server: w.redis, pass: p.pass, store: p.service, name: p.name}
		},
		Dial:   func(service string) grpc.ClientConnInterface { return &wire{p: p, service: service} },
		Pace:   w.tempo.pace(),
		Logger: w.logger(p),
	})
	if err != nil {
		return nil, err
	}
	if err := h.Start(context.Background()); err != nil {
		_ = h.Stop(context.Background())
		return nil, err
	}
	return h, nil
}

// logger shows what a process has to say when steps are traced.
func (w *world) logger(p *process) *slog.Logger {
	if !w.trace {
		return nil
	}
	return slog.New(slog.NewTextHandler(w.t.Output(), nil)).With("process", p.name)
}

func (p *process) serve(h *host.Host) *inproc.Server {
	catalogue, err := fault.NewCatalogue(h.Reasons()...)
	if err != nil {
		panic(err)
	}
	errs := rpcerr.New(catalogue)
	s := inproc.NewServer(inproc.Options{
		Name: p.service,
		Unary: []grpc.UnaryServerInterceptor{func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			resp, err := next(ctx, req)
			return resp, errs.Status("en", err).Err()
		}},
		Stream: []grpc.StreamServerInterceptor{func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			return errs.Status("en", next(srv, ss)).Err()
		}},
	})
	h.Register(s)
	s.Serve()
	return s
}

// kill ends a process without a word: whatever waits is told so, nothing more has
// an effect.
func (p *process) kill() {
	w := p.w
	w.mu.Lock()
	p.dead = true
	h, server := p.host, p.server
	w.mu.Unlock()
	kept := w.waiting[:0:0]
	for _, c := range w.waiting {
		if c.p == p {
			c.answer <- verdict{err: errKilled}
			continue
		}
		kept = append(kept, c)
	}
	w.waiting = kept
	if h != nil {
		go p.end(h, server)
	}
}

// end waits for the goroutines of a process that was killed.
func (p *process) end(h *host.Host, server *inproc.Server) {
	if server != nil {
		server.Stop()
	}
	_ = h.Stop(context.Background())
}

// sourceDefinition: cases, each change of which carries a command.
func sourceDefinition() host.Definition {
	return host.Definition{Name: sourceName, Kinds: sourceKinds()}
}

func sourceKinds() []journal.Kind {
	return []journal.Kind{{
		Pattern: "cases/*", New: func() proto.Message { return &wrapperspb.Int64Value{} },
		Complaint: func(name string, _ proto.Message) string { return "complaints/" + name[len("cases/"):] },
	}}
}

func sinkKinds() []journal.Kind { return []journal.Kind{clocks.Kind("cases")} }

// sinkDefinition: the clocks of the cases, which do as the commands say.
func sinkDefinition() host.Definition {
	return host.Definition{
		Name: sinkName, Kinds: sinkKinds(), Consumes: []string{sourceName}, React: react,
		Fire: map[string]func(*journal.Unit, journal.Timer) error{
			"cases/*/clocks/*": func(u *journal.Unit, t journal.Timer) error {
				_, _, err := clocks.Fire(u, t)
				return err
			},
		},
	}
}

// react writes down that it heard of the event and obeys it, in one transaction.
func react(u *journal.Unit, ev *eventv1.Event, change, _ proto.Message) error {
	list := &structpb.ListValue{}
	if err := u.Tally("heard/"+ev.GetResource(), list); err != nil {
		return err
	}
	list.Values = append(list.Values, structpb.NewNumberValue(float64(ev.GetVersion())))
	if err := u.SetTally("heard/"+ev.GetResource(), list); err != nil {
		return err
	}
	text, ok := change.(*wrapperspb.StringValue)
	if !ok {
		return fmt.Errorf("a change of type %T", change)
	}
	c, err := readCommand(text.GetValue())
	if err != nil {
		return err
	}
	if err := c.obey(u, ev.GetResource(), ev.GetComplaint()); fault.KindOf(err) != fault.FailedPrecondition {
		return err
	}
	return nil // too late for it: as the procedure says, nothing happens
}

// issue makes a command happen in the source, as a client that repeats itself
// until it is answered.
func (w *world) issue(order order) {
	client := &process{w: w, name: "client", number: -1}
	for {
		v := client.pass("call " + order.id())
		if v.err == nil {
			if h := w.pick(sourceName, v.draw); h != nil {
				if w.send(h, order) == nil {
					return
				}
			}
		}
		_ = clock.System().Pause(context.Background(), time.Minute)
	}
}

func (w *world) send(h *host.Host, o order) error {
	text := o.command.String()
	_, err := h.Journal.Write(context.Background(), journal.Work{
		Organization: org, Key: "complaints/" + o.name, Time: o.at, Reads: []string{"cases/" + o.name},
		Request: &journal.Request{Principal: "people/li", Method: "Command", ID: o.id(), Digest: []byte(text)},
	}, func(u *journal.Unit) error {
		state := &wrapperspb.Int64Value{}
		_, err := u.Get("cases/"+o.name, state)
		state.Value++
		if fault.KindOf(err) == fault.NotFound {
			return u.Create("cases/"+o.name, state, wrapperspb.String(text))
		}
		if err != nil {
			return err
		}
		return u.Update("cases/"+o.name, state, wrapperspb.String(text))
	})
	return err
}

// pick returns one of the processes of a service that work, nil if none does.
func (w *world) pick(service string, draw uint64) *host.Host {
	p := w.pickProcess(service, draw)
	if p == nil {
		return nil
	}
	h, _, _ := p.serving()
	return h
}

func (w *world) pickProcess(service string, draw uint64) *process {
	w.mu.Lock()
	defer w.mu.Unlock()
	var up []*process
	for _, p := range w.processes {
		if p.service == service && !p.dead && p.server != nil {
			up = append(up, p)
		}
	}
	if len(up) == 0 {
		return nil
	}
	return up[draw%uint64(len(up))]
}
