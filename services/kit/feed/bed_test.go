package feed_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/feed"
	"example.com/redress/services/kit/inproc"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/kittest"
	"example.com/redress/services/kit/rpcerr"
	"example.com/redress/services/kit/sqldb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	org    = "acme"
	source = "routing"
	sink   = "compensation"
)

// noon is where the virtual clocks stand.
var noon = time.Date(2026, 4, 8, 4, 0, 0, 0, time.UTC)

// within bounds every wait of a test; nothing that works takes so long.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// transport connects to a feed.
type transport func(t *testing.T, register func(grpc.ServiceRegistrar)) grpc.ClientConnInterface

func transports() map[string]transport {
	return map[string]transport{"InProcess": inProcess, "Loopback": loopback}
}

func table(t *testing.T) *rpcerr.Table {
	t.Helper()
	catalogue, err := fault.NewCatalogue(append(feed.Reasons(), journal.Reasons()...)...)
	require.NoError(t, err)
	return rpcerr.New(catalogue)
}

func statuses(t *testing.T) (grpc.UnaryServerInterceptor, grpc.StreamServerInterceptor) {
	t.Helper()
	errs := table(t)
	return func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			resp, err := next(ctx, req)
			return resp, errs.Status("en", err).Err()
		}, func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			return errs.Status("en", next(srv, ss)).Err()
		}
}

func inProcess(t *testing.T, register func(grpc.ServiceRegistrar)) grpc.ClientConnInterface {
	t.Helper()
	unary, stream := statuses(t)
	s := inproc.NewServer(inproc.Options{Name: source, Unary: []grpc.UnaryServerInterceptor{unary}, Stream: []grpc.StreamServerInterceptor{stream}})
	register(s)
	s.Serve()
	t.Cleanup(s.Stop)
	conn := s.Dial(inproc.ConnOptions{Caller: sink})
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	return conn
}

func loopback(t *testing.T, register func(grpc.ServiceRegistrar)) grpc.ClientConnInterface {
	t.Helper()
	unary, stream := statuses(t)
	s := grpc.NewServer(grpc.UnaryInterceptor(unary), grpc.StreamInterceptor(stream))
	register(s)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Serve(listener) })
	t.Cleanup(wg.Wait)
	t.Cleanup(s.Stop)
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	return conn
}

// eachWay runs the test over both transports.
func eachWay(t *testing.T, test func(t *testing.T, way transport)) {
	t.Helper()
	for name, way := range transports() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, way)
		})
	}
}

func openSource(t *testing.T, db *sqldb.DB) *journal.Journal {
	t.Helper()
	return openJournal(t, db, journal.Options{Service: source, Kinds: []journal.Kind{sourceKind()}})
}

// sourceKind are cases, which belong to a complaint unless they are called free.
func sourceKind() journal.Kind {
	return journal.Kind{
		Pattern: "cases/*", New: func() proto.Message { return &wrapperspb.Int64Value{} },
		Complaint: func(name string, _ proto.Message) string {
			if strings.HasPrefix(name, "cases/free-") {
				return ""
			}
			return "complaints/" + strings.TrimPrefix(name, "cases/")
		},
	}
}

func openSink(t *testing.T, db *sqldb.DB) *journal.Journal {
	t.Helper()
	return openJournal(t, db, journal.Options{Service: sink, Kinds: []journal.Kind{{
		Pattern: "claims/*", New: func() proto.Message { return &wrapperspb.StringValue{} },
	}}})
}

func openJournal(t *testing.T, db *sqldb.DB, o journal.Options) *journal.Journal {
	t.Helper()
	if o.Clock == nil {
		o.Clock = clock.NewVirtual(noon)
	}
	j, err := journal.Open(t.Context(), db, o)
	require.NoError(t, err)
	t.Cleanup(j.Close)
	return j
}

// serve serves the journal's feed and returns a connection to it.
func serve(t *testing.T, way transport, j *journal.Journal, o feed.ServerOptions) grpc.ClientConnInterface {
	t.Helper()
	s := feed.NewServer(j, o)
	conn := way(t, func(r grpc.ServiceRegistrar) { eventv1.RegisterFeedServiceServer(r, s) })
	t.Cleanup(s.Close)
	return conn
}

// emit makes the source's case say the texts, one event each.
func emit(t *testing.T, j *journal.Journal, id string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		name := "cases/" + id
		_, err := j.Write(t.Context(), journal.Work{Organization: org, Key: "complaints/" + id}, func(u *journal.Unit) error {
			state := &wrapperspb.Int64Value{}
			_, err := u.Get(name, state)
			state.Value++
			if fault.KindOf(err) == fault.NotFound {
				return u.Create(name, state, wrapperspb.String(text))
			}
			if err != nil {
				return err
			}
			return u.Update(name, state, wrapperspb.String(text))
		})
		require.NoError(t, err)
	}
}

// script is a service that writes down what it hears, in the same transaction,
// and does as some of the texts say.
type script struct {
	mu     sync.Mutex
	mended bool
	fails  map[string]int // how often a text is still answered with away or abort
}

func (s *script) mend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mended = true
}

// fault returns what a text is answered with for the time being.
func (s *script) fault(text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mended {
		return nil
	}
	switch {
	case strings.HasPrefix(text, "refuse"):
		return fault.New(fault.FailedPrecondition, "REFUSED_BY_SCRIPT")
	case strings.HasPrefix(text, "break"):
		return errors.New("a defect")
	case strings.HasPrefix(text, "panic"):
		panic("a defect")
	case s.fails[text] > 0:
		s.fails[text]--
		if strings.HasPrefix(text, "abort") {
			return fault.New(fault.Aborted, "ABORTED_BY_SCRIPT")
		}
		return fault.New(fault.Unavailable, "AWAY_BY_SCRIPT")
	}
	return nil
}

func (s *script) apply(u *journal.Unit, ev *eventv1.Event, body *eventv1.EventBody) error {
	text := &wrapperspb.StringValue{}
	if err := body.GetChange().UnmarshalTo(text); err != nil {
		return err
	}
	state, err := body.GetState().UnmarshalNew()
	if err != nil {
		return err
	}
	if err := u.SetProjection(ev.GetResource(), "cases/*", ev.GetVersion(), state); err != nil {
		return err
	}
	if err := note(u, ev.GetResource(), text.GetValue()); err != nil {
		return err
	}
	if err := s.fault(text.GetValue()); err != nil {
		return err
	}
	if strings.HasPrefix(text.GetValue(), "claim") {
		return u.Create("claims/"+strings.TrimPrefix(ev.GetResource(), "cases/"), text, wrapperspb.String("opened"))
	}
	return nil
}

func note(u *journal.Unit, resource, text string) error {
	list := &structpb.ListValue{}
	if err := u.Tally("heard/"+resource, list); err != nil {
		return err
	}
	list.Values = append(list.Values, structpb.NewStringValue(text))
	return u.SetTally("heard/"+resource, list)
}

// heard returns the texts of a case that took effect, in order.
func heard(t *testing.T, j *journal.Journal, id string) []string {
	t.Helper()
	var out []string
	_, err := j.Write(t.Context(), journal.Work{Organization: org, Key: id}, func(u *journal.Unit) error {
		list := &structpb.ListValue{}
		out = nil
		if err := u.Tally("heard/cases/"+id, list); err != nil {
			return err
		}
		for _, v := range list.GetValues() {
			out = append(out, v.GetStringValue())
		}
		return nil
	})
	require.NoError(t, err)
	return out
}

// run starts a consumer and stops it at the end of the test at the latest.
func run(t *testing.T, j *journal.Journal, conn grpc.ClientConnInterface, apply feed.ApplyFunc, o feed.Options) *feed.Consumer {
	t.Helper()
	c := feed.NewConsumer(j, source, conn, apply, o)
	start(t, c)
	return c
}

func start(t *testing.T, c *feed.Consumer) {
	t.Helper()
	require.NoError(t, c.Start(t.Context()))
	t.Cleanup(func() { _ = c.Stop(context.Background()) })
}

// await returns once the consumer has applied what the source has now.
func await(t *testing.T, c *feed.Consumer, from *journal.Journal) {
	t.Helper()
	heads, err := from.Heads(t.Context())
	require.NoError(t, err)
	for _, h := range heads {
		require.NoError(t, c.WaitFor(within(t), &eventv1.Position{Service: source, Shard: h.Shard, Sequence: h.Sequence}))
	}
}

// listener is a log handler that hands over the errors it is told.
type listener struct {
	slog.Handler
	errs chan error
}

func newListener() *listener { return &listener{slog.DiscardHandler, make(chan error, 100)} }

func (l *listener) Enabled(context.Context, slog.Level) bool { return true }
func (l *listener) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *listener) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if err, ok := a.Value.Any().(error); ok {
			select {
			case l.errs <- err:
			default:
			}
		}
		return true
	})
	return nil
}

// next returns the next error with the reason.
func (l *listener) next(t *testing.T, reason string) error {
	t.Helper()
	ctx := within(t)
	for {
		select {
		case err := <-l.errs:
			if fault.ReasonOf(err) == reason {
				return err
			}
		case <-ctx.Done():
			require.FailNow(t, "no such error was logged", reason)
		}
	}
}

// twoStores opens a source and a sink on databases of their own.
func twoStores(t *testing.T) (from, to *journal.Journal) {
	t.Helper()
	return openSource(t, kittest.SQLite(t)), openSink(t, kittest.SQLite(t))
}
