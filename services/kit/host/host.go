package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/feed"
	"example.com/redress/services/kit/inproc"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/lifecycle"
	"example.com/redress/services/kit/seal"
	"example.com/redress/services/kit/sqldb"
	"example.com/redress/services/kit/telemetry"
	"example.com/redress/services/kit/timerindex"
	"example.com/redress/services/kit/timers"
)

// Deps is what a service is given. Whoever opened it closes it, after the service.
type Deps struct {
	// DB is the service's own database or schema.
	DB *sqldb.DB
	// Clock is business time.
	Clock clock.Business
	// Timers returns the timer index of a store, by the store's id.
	Timers func(store string) timerindex.Index
	// Dial returns the connection to another service, by its name.
	Dial func(service string) grpc.ClientConnInterface
	// Keys lends the keys of data subjects.
	Keys seal.Keys
	// DigestKey is what digests of requests are keyed with, 32 bytes, the same on all replicas.
	DigestKey []byte
	// Logger takes what the service has to say; nil discards.
	Logger *slog.Logger
	// Faults fails SQL statements in tests; nil in production.
	Faults journal.FaultHook
	// Ranges is how many leases the shards of a source are divided among, for
	// replicas on one database; 0 for a single process.
	Ranges int
	// Tracer makes spans for events, timers and deliveries; nil makes none.
	Tracer trace.TracerProvider
	// Measures takes what the service measures; nil: nobody does.
	Measures *telemetry.Measures
	// Lanes is how many transactions are in flight; 0 means the journal's default.
	Lanes int
	// Pace is how often it looks for what nobody told it of; zero values are the
	// defaults of packages timers and feed.
	Pace Pace
	// OnFired is told of each timer whose effect is stored, and when that was known,
	// from many goroutines; nil: nobody. It must be quick.
	OnFired func(t journal.Timer, now time.Time)
	// OnApplied is told of each event of another service whose effect is stored;
	// nil: nobody. It must be quick.
	OnApplied func(ev *eventv1.Event)
}

// Pace are the intervals of a service. Production leaves them as they are; the
// simulation plays months, and looks less often.
type Pace struct {
	// Sweep, Refresh, Horizon, Lease, Retry and Workers are those of timers.Options.
	Sweep, Refresh, Horizon, Lease, Retry time.Duration
	Workers                               int
	// Poll is that of feed.ServerOptions; LeaseTTL and Jitter those of feed.Options.
	Poll, LeaseTTL time.Duration
	Jitter         func(most time.Duration) time.Duration
}

// Host is one running service. Safe for concurrent use after New.
type Host struct {
	// Journal is the service's store.
	Journal *journal.Journal
	// Directory says who is who, now.
	Directory *directory.Store
	// Keys lends keys of data subjects.
	Keys seal.Keys
	// Clock is business time.
	Clock clock.Business
	// Logger is the service's.
	Logger *slog.Logger

	def       Definition
	measures  *telemetry.Measures
	digestKey []byte
	onFired   func(journal.Timer, time.Time)
	kept      map[protoreflect.FullName]func(proto.Message) []journal.Attr // states of others, with their search values
	engine    *timers.Engine
	dial      func(service string) grpc.ClientConnInterface
	feed      *feed.Server
	consumers map[string]*feed.Consumer
	loops     *lifecycle.Group
}

// New opens the journal and prepares everything else; nothing runs before Start.
// The caller registers the host's services with Register.
func New(ctx context.Context, def Definition, deps Deps) (_ *Host, err error) {
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	if len(deps.DigestKey) == 0 {
		return nil, fmt.Errorf("%s: the key for digests of requests is missing", def.Name)
	}
	h := &Host{
		Keys: deps.Keys, Clock: deps.Clock, Logger: deps.Logger.With("service", def.Name),
		def: def, measures: deps.Measures, digestKey: deps.DigestKey, onFired: deps.OnFired, dial: deps.Dial, kept: def.kept(), consumers: map[string]*feed.Consumer{},
	}
	h.loops = lifecycle.NewGroup(h.Logger)
	kinds := def.Kinds
	if def.Forget != nil {
		kinds = append(slices.Clone(kinds), erasureKind())
	}
	if err := h.followDatabase(ctx, deps.DB); err != nil {
		return nil, err
	}
	h.Journal, err = journal.Open(ctx, deps.DB, journal.Options{
		Service: def.Name, Kinds: kinds, Clock: deps.Clock, Logger: h.Logger, Faults: deps.Faults, Lanes: deps.Lanes,
		OnTimers: h.arm, OnCommit: deps.Measures.Committed,
	})
	if err != nil {
		return nil, err
	}
	source := directory.FromProjections(h.Journal)
	if def.Directory {
		source = directory.FromResources(h.Journal)
	}
	h.Directory = directory.NewStore(source)
	h.feed = feed.NewServer(h.Journal, feed.ServerOptions{Logger: h.Logger, Poll: deps.Pace.Poll})
	if h.engine, err = timers.New(timers.Options{
		Store: timerStore{h}, Memory: heartbeats{h.Journal}, Index: deps.Timers(h.Journal.StoreID()), Clock: deps.Clock, Logger: h.Logger, Shards: h.Journal.Shards(),
		Tracer: deps.Tracer, OnFired: h.fired,
		Sweep: deps.Pace.Sweep, Refresh: deps.Pace.Refresh, Horizon: deps.Pace.Horizon, Lease: deps.Pace.Lease, Retry: deps.Pace.Retry, Workers: deps.Pace.Workers,
	}); err != nil {
		return nil, err
	}
	h.loops.Add("timers", h.engine)
	for _, source := range def.Consumes {
		conn := deps.Dial(source)
		if source == def.Name {
			conn = h.ownFeed()
		}
		c := feed.NewConsumer(h.Journal, source, conn, h.apply, feed.Options{
			Logger: h.Logger, Ranges: deps.Ranges, Tracer: deps.Tracer, LeaseTTL: deps.Pace.LeaseTTL, Jitter: deps.Pace.Jitter,
			OnApplied: deps.OnApplied, Foresee: def.Foresee,
		})
		h.consumers[source] = c
		h.loops.Add("feed of "+source, c)
	}
	h.measures.Read(h.figures)
	if def.Forget != nil {
		name := def.Name + " erasures"
		h.loops.Add(name, lifecycle.NewLoop(name, h.confirmErasures))
	}
	for i, run := range def.Background {
		name := fmt.Sprintf("%s background %d", def.Name, i+1)
		h.loops.Add(name, lifecycle.NewLoop(name, run))
	}
	return h, nil
}

// ownFeed serves the service's feed to itself, beside its server: nothing needs to be
// configured for it, and nobody else's call may come this way.
func (h *Host) ownFeed() grpc.ClientConnInterface {
	server := inproc.NewServer(inproc.Options{Name: h.def.Name, Logger: h.Logger})
	eventv1.RegisterFeedServiceServer(server, h.feed)
	conn := server.Dial(inproc.ConnOptions{Caller: h.def.Name})
	h.loops.Add("own feed of "+h.def.Name, lifecycle.Func(
		func(context.Context) error { server.Serve(); return nil },
		func(context.Context) error { err := conn.Close(); server.Stop(); return err },
	))
	return conn
}

// Name returns the service's name.
func (h *Host) Name() string { return h.def.Name }

// Register adds the service's RPCs, its feed and its consumers to r.
func (h *Host) Register(r grpc.ServiceRegistrar) {
	eventv1.RegisterFeedServiceServer(r, h.feed)
	eventv1.RegisterConsumerServiceServer(r, feed.NewConsumerServer(h.Journal, func(ctx context.Context) string {
		return Caller(ctx).Organization
	}, slices.Collect(maps.Values(h.consumers))...))
	if h.def.Register != nil {
		h.def.Register(r)
	}
}

// Start starts timers, consumers and background work.
func (h *Host) Start(ctx context.Context) error { return h.loops.Start(ctx) }

// Stop ends them, waits for writes in hand and closes the journal.
func (h *Host) Stop(ctx context.Context) error {
	h.feed.Close()
	h.measures.Read(nil)
	err := h.loops.Stop(ctx)
	h.Journal.Close()
	return err
}

// Functions returns what a person may do now, for the interceptor. NotFound for
// somebody the directory does not know or who is no longer active: even what all
// staff may read is not for them. Unavailable while the directory is behind and
// may come to know them, as at a first start and in a rebuild.
func (h *Host) Functions(ctx context.Context, organization, person string) ([]typev1.Function, error) {
	d, err := h.Directory.At(ctx, organization)
	if err != nil {
		return nil, err
	}
	if _, known := d.Person(person); !known && h.behind(ctx) {
		return nil, fault.New(fault.Unavailable, ReasonStale, "source", directorySource)
	}
	if !d.Active(person) {
		return nil, NotFound(person)
	}
	return d.Functions(person, h.Clock.Now()), nil
}

// directorySource is the service whose feed fills the directory of all others.
const directorySource = "routing"

// behind reports whether events of the directory are still on their way here.
func (h *Host) behind(ctx context.Context) bool {
	c, ok := h.consumers[directorySource]
	if !ok {
		return false
	}
	caughtUp, err := c.CaughtUp(ctx)
	return err != nil || !caughtUp
}

// Reasons returns the catalogue entries a server of this host may answer with,
// besides those of its transport.
func (h *Host) Reasons() []fault.Entry {
	return slices.Concat(OwnReasons(), journal.Reasons(), seal.Reasons(), directory.Reasons(), feed.Reasons(), h.def.Reasons)
}

// apply stores the state an event carries and lets the service react.
func (h *Host) apply(u *journal.Unit, ev *eventv1.Event, body *eventv1.EventBody) error {
	change, err := body.GetChange().UnmarshalNew()
	if err != nil {
		return fault.New(fault.FailedPrecondition, feed.ReasonTypeUnknown, "type", ev.GetType()).Wrap(err)
	}
	state, err := body.GetState().UnmarshalNew()
	if err != nil {
		return fault.New(fault.FailedPrecondition, feed.ReasonTypeUnknown, "type", body.GetState().GetTypeUrl()).Wrap(err)
	}
	if index, keep := h.kept[state.ProtoReflect().Descriptor().FullName()]; keep {
		if err := u.KeepProjection(ev.GetResource(), Pattern(ev.GetResource()), ev.GetVersion(), body.GetState().GetValue(), index(state)...); err != nil {
			return err
		}
		if state.ProtoReflect().Descriptor().ParentFile().Package() == directoryPackage() {
			if err := directory.Touch(u); err != nil {
				return err
			}
		}
	}
	if _, erased := change.(*intakev1.PersonErased); erased && h.def.Forget != nil {
		if s, ok := state.(*intakev1.DataSubject); ok && ev.GetService() == keeper {
			return h.erase(u, s)
		}
		return nil // the others tell of their own notes with the same change
	}
	if h.def.React == nil {
		return nil
	}
	return h.def.React(u, ev, change, state)
}

func directoryPackage() protoreflect.FullName {
	return (&directoryv1.Person{}).ProtoReflect().Descriptor().ParentFile().Package()
}

// CaughtUp reports that every consumer stands at the head of its source and no
// background work is in hand. An error means that a source could not be asked,
// and that all else is caught up.
func (h *Host) CaughtUp(ctx context.Context) (bool, error) {
	var errs []error
	for source, c := range h.consumers {
		ok, err := c.CaughtUp(ctx)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: feed of %s: %w", h.def.Name, source, err))
		} else if !ok {
			return false, nil
		}
	}
	if ok, err := h.quiet(ctx); err != nil || !ok {
		return false, err
	}
	err := errors.Join(errs...)
	return err == nil, err
}

// Heads returns the last sequence of every shard of this service's events.
func (h *Host) Heads(ctx context.Context) (map[int32]int64, error) {
	heads, err := h.Journal.Heads(ctx)
	if err != nil {
		return nil, err
	}
	out := make(map[int32]int64, len(heads))
	for _, p := range heads {
		out[p.GetShard()] = p.GetSequence()
	}
	return out, nil
}

// StandsAt is CaughtUp for who knows the heads of all sources: it asks none of them and costs one
// read. A source that is not given does not count.
func (h *Host) StandsAt(ctx context.Context, heads map[string]map[int32]int64) (bool, error) {
	applied, err := h.Journal.Applied(ctx)
	if err != nil {
		return false, err
	}
	for source := range h.consumers {
		for shard, sequence := range heads[source] {
			if applied[source][shard] != sequence {
				return false, nil
			}
		}
	}
	return h.quiet(ctx)
}

// quiet reports that no background work is in hand, the host's own included.
func (h *Host) quiet(ctx context.Context) (bool, error) {
	if h.def.Forget != nil {
		if waiting, err := h.Due(ctx, erasures, 1); err != nil || len(waiting) > 0 {
			return false, err
		}
	}
	if h.def.Quiet == nil {
		return true, nil
	}
	return h.def.Quiet(ctx)
}

// WaitFor returns when the position has been applied here, or with STALE_READ
// when ctx ends before.
func (h *Host) WaitFor(ctx context.Context, p *eventv1.Position) error {
	c, ok := h.consumers[p.GetService()]
	if !ok {
		return fault.New(fault.Invalid, ReasonNoSource, "source", p.GetService())
	}
	if err := c.WaitFor(ctx, p); err != nil {
		return fault.New(fault.Unavailable, ReasonStale, "source", p.GetService()).WithRetry(time.Second).Wrap(err)
	}
	return nil
}

// Lag returns how many events each consumer is behind, by source.
func (h *Host) Lag() map[string]int64 {
	out := map[string]int64{}
	for source, c := range h.consumers {
		for _, behind := range c.Lag() {
			out[source] += behind
		}
	}
	return out
}

// FireDue fires everything due now and returns the next instant; for the virtual clock.
func (h *Host) FireDue(ctx context.Context) (next time.Time, ok bool, err error) {
	return h.engine.FireDue(ctx, h.Clock.Now())
}

// NextInstant returns the earliest instant after now at which something falls due
// or is tried again.
func (h *Host) NextInstant(ctx context.Context) (time.Time, bool, error) {
	return h.Journal.NextInstant(ctx, h.Clock.Now())
}

// Err returns why the service ended by itself; nil while it runs.
func (h *Host) Err() error { return h.loops.Err() }

// Done is closed when the service has ended.
func (h *Host) Done() <-chan struct{} { return h.loops.Done() }
