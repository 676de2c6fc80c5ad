package rpcserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/authz"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/lifecycle"
	"example.com/redress/services/kit/rpcerr"
	"example.com/redress/services/kit/rpcserver"
	"example.com/redress/services/kit/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var _ lifecycle.Failing = (*rpcserver.Server)(nil)

// clocks is a clock service whose methods a test replaces.
type clocks struct {
	clockv1.UnimplementedClockServiceServer
	get   func(context.Context, *clockv1.GetClockRequest) (*clockv1.GetClockResponse, error)
	pause func(context.Context, *clockv1.PauseClockRequest) (*clockv1.PauseClockResponse, error)
}

func (c *clocks) GetClock(ctx context.Context, r *clockv1.GetClockRequest) (*clockv1.GetClockResponse, error) {
	return c.get(ctx, r)
}

func (c *clocks) PauseClock(ctx context.Context, r *clockv1.PauseClockRequest) (*clockv1.PauseClockResponse, error) {
	return c.pause(ctx, r)
}

// feed is a feed that sends nothing and never ends by itself.
type feed struct {
	eventv1.UnimplementedFeedServiceServer
	begun chan struct{}
}

func (f *feed) Subscribe(_ *eventv1.SubscribeRequest, out grpc.ServerStreamingServer[eventv1.SubscribeResponse]) error {
	close(f.begun)
	<-out.Context().Done()
	return out.Context().Err()
}

type tokens map[string]authn.Identity

func (t tokens) Verify(_ context.Context, token string) (authn.Identity, error) {
	if id, ok := t[token]; ok {
		return id, nil
	}
	return authn.Identity{}, fault.New(fault.Unauthenticated, authn.ReasonToken)
}

// bed is a started server and both ways to it.
type bed struct {
	server *rpcserver.Server
	conns  map[string]grpc.ClientConnInterface
	log    *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) lines(t *testing.T, message string) []map[string]any {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []map[string]any
	for d := json.NewDecoder(bytes.NewReader(l.b.Bytes())); d.More(); {
		line := map[string]any{}
		require.NoError(t, d.Decode(&line))
		if line["msg"] == message {
			all = append(all, line)
		}
	}
	return all
}

func options() rpcserver.Options {
	return rpcserver.Options{
		Name:   "intake",
		Config: rpcserver.Config{Listen: "127.0.0.1:0", Clients: []string{"routing", "gateway"}},
		Tokens: tokens{"staff": {Principal: "people/li", Organization: "org-a"}, "customer": {Principal: "customers/zhao", Organization: "org-a"}},
		Functions: func(context.Context, string, string) ([]typev1.Function, error) {
			return []typev1.Function{typev1.Function_FUNCTION_MANAGER}, nil
		},
	}
}

func start(t *testing.T, o rpcserver.Options, register func(grpc.ServiceRegistrar)) bed {
	t.Helper()
	log := &lockedBuffer{}
	if o.Telemetry == nil {
		tel, err := telemetry.New(t.Context(), "intake", "v0", telemetry.Config{LogLevel: "info"}, log)
		require.NoError(t, err)
		o.Telemetry = tel
	}
	s, err := rpcserver.New(o)
	require.NoError(t, err)
	register(s)
	require.NoError(t, s.Start(t.Context()))
	s.SetServing(true)
	t.Cleanup(func() { require.NoError(t, s.Stop(context.Background())) })
	b := bed{server: s, log: log, conns: map[string]grpc.ClientConnInterface{}}
	network, err := rpcserver.DialRaw(rpcserver.ClientConfig{Target: s.Addr().String()}, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = network.Close() })
	b.conns["socket"], b.conns["in process"] = network, s.RawConn("")
	return b
}

func token(ctx context.Context, token string, more ...string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, append([]string{"authorization", "Bearer " + token}, more...)...)
}

func onlyClocks(c *clocks) func(grpc.ServiceRegistrar) {
	return func(r grpc.ServiceRegistrar) { clockv1.RegisterClockServiceServer(r, c) }
}

const clockName = "cases/a1/clocks/b2"

func find[T any](t *testing.T, err error) T {
	t.Helper()
	for _, d := range status.Convert(err).Details() {
		if m, ok := d.(T); ok {
			return m
		}
	}
	require.Failf(t, "no such detail", "%v: %v", err, status.Convert(err).Details())
	panic("unreachable")
}

func TestOneRegistrationServesBothWays(t *testing.T) {
	t.Parallel()
	var seen authn.Caller
	b := start(t, options(), onlyClocks(&clocks{get: func(ctx context.Context, r *clockv1.GetClockRequest) (*clockv1.GetClockResponse, error) {
		seen, _ = authn.From(ctx)
		return &clockv1.GetClockResponse{Clock: &clockv1.Clock{Name: r.GetName()}}, nil
	}}))
	for name, conn := range b.conns {
		got, err := clockv1.NewClockServiceClient(conn).GetClock(token(t.Context(), "staff", "accept-language", "en"), &clockv1.GetClockRequest{Name: clockName})
		require.NoError(t, err, name)
		require.Equal(t, clockName, got.GetClock().GetName())
		require.Equal(t, authn.Caller{
			Principal: "people/li", Organization: "org-a", Staff: true, Locale: "en",
			Functions: []typev1.Function{typev1.Function_FUNCTION_MANAGER},
		}, seen)
	}
}

func TestRefusalsComeInOrderAndWithReasons(t *testing.T) {
	t.Parallel()
	b := start(t, options(), onlyClocks(&clocks{pause: func(context.Context, *clockv1.PauseClockRequest) (*clockv1.PauseClockResponse, error) {
		return nil, fault.New(fault.Aborted, "ETAG_MISMATCH", "etag", "7").Wrap(errors.New("secret cause"))
	}}))
	bad, good := &clockv1.PauseClockRequest{}, &clockv1.PauseClockRequest{Name: clockName, Reason: "awaiting evidence", Etag: "6", RequestId: "0192f0c1-2b7e-7a3c-9d42-1f2e3d4c5b6a"}
	for name, conn := range b.conns {
		c := clockv1.NewClockServiceClient(conn)
		for _, test := range []struct {
			ctx    context.Context
			in     *clockv1.PauseClockRequest
			code   codes.Code
			reason string
		}{
			{t.Context(), bad, codes.Unauthenticated, authz.ReasonCaller},
			{token(t.Context(), "forged"), bad, codes.Unauthenticated, authn.ReasonToken},
			{token(t.Context(), "customer"), bad, codes.PermissionDenied, authz.ReasonDenied},
			{token(t.Context(), "staff"), bad, codes.InvalidArgument, fault.ReasonInvalidRequest},
			{token(t.Context(), "staff"), good, codes.Aborted, "ETAG_MISMATCH"},
		} {
			_, err := c.PauseClock(test.ctx, test.in)
			require.Equal(t, test.code, status.Code(err), "%s: %v", name, err)
			info := find[*errdetails.ErrorInfo](t, err)
			require.Equal(t, test.reason, info.GetReason())
			require.Equal(t, rpcerr.Domain, info.GetDomain())
			require.NotContains(t, status.Convert(err).Proto().String(), "secret")
		}
	}
}

func TestEverythingWrongIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	b := start(t, options(), onlyClocks(&clocks{}))
	for name, conn := range b.conns {
		_, err := clockv1.NewClockServiceClient(conn).PauseClock(token(t.Context(), "staff"), &clockv1.PauseClockRequest{Name: "nonsense"})
		fields := map[string]string{}
		for _, v := range find[*errdetails.BadRequest](t, err).GetFieldViolations() {
			_, twice := fields[v.GetField()]
			require.False(t, twice, "%s: %s is blamed twice", name, v.GetField())
			fields[v.GetField()] = v.GetReason()
			require.NotEmpty(t, v.GetDescription())
			require.NotEmpty(t, v.GetLocalizedMessage().GetMessage())
			require.Equal(t, fault.Chinese, v.GetLocalizedMessage().GetLocale())
		}
		require.Subset(t, []string{"name", "reason", "etag", "request_id"}, keys(fields))
		require.Contains(t, fields, "name")
		require.Contains(t, fields, "request_id")
		require.Contains(t, fields, "etag")
	}
}

func keys(m map[string]string) []string {
	var all []string
	for k := range m {
		all = append(all, k)
	}
	return all
}

func TestAPanicIsMaskedAndLoggedWithItsTrace(t *testing.T) {
	t.Parallel()
	b := start(t, options(), onlyClocks(&clocks{get: func(context.Context, *clockv1.GetClockRequest) (*clockv1.GetClockResponse, error) {
		panic("secret state")
	}}))
	for _, conn := range b.conns {
		_, err := clockv1.NewClockServiceClient(conn).GetClock(token(t.Context(), "staff"), &clockv1.GetClockRequest{Name: clockName})
		require.Equal(t, codes.Internal, status.Code(err))
		require.NotContains(t, err.Error(), "secret")
	}
	lines := b.log.lines(t, "rpc")
	require.Len(t, lines, 2)
	for _, line := range lines {
		require.Equal(t, "ERROR", line["level"])
		require.Contains(t, line["error"], "secret state")
		require.Contains(t, line["stack"], "server_test")
		require.Len(t, line["trace_id"], 32)
	}
}

func TestEveryCallHasOneLineWithoutItsPayload(t *testing.T) {
	t.Parallel()
	b := start(t, options(), onlyClocks(&clocks{get: func(context.Context, *clockv1.GetClockRequest) (*clockv1.GetClockResponse, error) {
		return &clockv1.GetClockResponse{}, nil
	}}))
	_, err := clockv1.NewClockServiceClient(b.conns["socket"]).GetClock(token(t.Context(), "staff"), &clockv1.GetClockRequest{Name: clockName})
	require.NoError(t, err)
	lines := b.log.lines(t, "rpc")
	require.Len(t, lines, 1)
	require.Equal(t, "INFO", lines[0]["level"])
	require.Equal(t, clockv1.ClockService_GetClock_FullMethodName, lines[0]["method"])
	require.Equal(t, "OK", lines[0]["code"])
	require.Equal(t, "people/li", lines[0]["principal"])
	require.Equal(t, "org-a", lines[0]["organization"])
	text, err := json.Marshal(lines[0])
	require.NoError(t, err)
	require.NotContains(t, string(text), clockName)
	require.NotContains(t, string(text), "Bearer")
}

func TestUnknownMethodsAreNamed(t *testing.T) {
	t.Parallel()
	o := options()
	b := start(t, o, func(r grpc.ServiceRegistrar) {
		clockv1.RegisterClockServiceServer(r, clockv1.UnimplementedClockServiceServer{})
	})
	for _, conn := range b.conns {
		_, err := clockv1.NewClockServiceClient(conn).GetClock(token(t.Context(), "staff"), &clockv1.GetClockRequest{Name: clockName})
		require.Equal(t, codes.Unimplemented, status.Code(err))
		require.Equal(t, clockv1.ClockService_GetClock_FullMethodName, find[*errdetails.ErrorInfo](t, err).GetMetadata()["method"])
	}
}

func TestUnaryCallsHaveADeadline(t *testing.T) {
	t.Parallel()
	var left time.Duration
	b := start(t, options(), onlyClocks(&clocks{get: func(ctx context.Context, _ *clockv1.GetClockRequest) (*clockv1.GetClockResponse, error) {
		deadline, _ := ctx.Deadline()
		left = time.Until(deadline)
		return &clockv1.GetClockResponse{}, nil
	}}))
	for name, conn := range b.conns {
		c := clockv1.NewClockServiceClient(conn)
		for wish, most := range map[time.Duration]time.Duration{0: 10 * time.Second, time.Hour: time.Minute, 5 * time.Second: 5 * time.Second} {
			ctx := token(t.Context(), "staff")
			if wish > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, wish)
				defer cancel()
			}
			_, err := c.GetClock(ctx, &clockv1.GetClockRequest{Name: clockName})
			require.NoError(t, err, name)
			require.LessOrEqual(t, left, most)
			require.Greater(t, left, most-4*time.Second)
		}
	}
}

func TestServicesAreKnownByTheirConnection(t *testing.T) {
	t.Parallel()
	f := &feed{begun: make(chan struct{})}
	b := start(t, options(), func(r grpc.ServiceRegistrar) { eventv1.RegisterFeedServiceServer(r, f) })
	_, err := eventv1.NewFeedServiceClient(b.server.Conn("routing")).GetHeads(t.Context(), &eventv1.GetHeadsRequest{})
	require.Equal(t, fault.ReasonMethodUnknown, fault.ReasonOf(err), "the call passed: %v", err)
	_, err = eventv1.NewFeedServiceClient(b.server.Conn("billing")).GetHeads(t.Context(), &eventv1.GetHeadsRequest{})
	require.Equal(t, authn.ReasonPeer, fault.ReasonOf(err))
	_, err = eventv1.NewFeedServiceClient(b.conns["socket"]).GetHeads(metadata.AppendToOutgoingContext(t.Context(), "x-redress-caller", "services/routing"), &eventv1.GetHeadsRequest{})
	require.Equal(t, codes.Unauthenticated, status.Code(err))
}

func TestAServerWithAnUndeclaredMethodDoesNotStart(t *testing.T) {
	t.Parallel()
	s, err := rpcserver.New(options())
	require.NoError(t, err)
	testpb.RegisterTestServiceServer(s, testpb.UnimplementedTestServiceServer{})
	require.ErrorContains(t, s.Start(t.Context()), "declares no access")
	require.NoError(t, s.Stop(t.Context()))
}

func TestHealthTellsWhenCallsAreWelcome(t *testing.T) {
	t.Parallel()
	s, err := rpcserver.New(options())
	require.NoError(t, err)
	require.NoError(t, s.Start(t.Context()))
	require.NoError(t, s.Start(t.Context()))
	c := healthpb.NewHealthClient(s.RawConn(""))
	check := func() healthpb.HealthCheckResponse_ServingStatus {
		got, err := c.Check(t.Context(), &healthpb.HealthCheckRequest{})
		require.NoError(t, err)
		return got.GetStatus()
	}
	require.Equal(t, healthpb.HealthCheckResponse_NOT_SERVING, check())
	s.SetServing(true)
	require.Equal(t, healthpb.HealthCheckResponse_SERVING, check())
	watch, err := c.Watch(t.Context(), &healthpb.HealthCheckRequest{Service: "grpc.health.v1.Health"})
	require.NoError(t, err)
	first, err := watch.Recv()
	require.NoError(t, err)
	require.Equal(t, healthpb.HealthCheckResponse_SERVING, first.GetStatus())
	require.NoError(t, s.Stop(t.Context()), "a watcher does not hold up the stop")
	for err == nil {
		_, err = watch.Recv()
	}
	require.Equal(t, codes.Unavailable, status.Code(err))
	<-s.Done()
	require.NoError(t, s.Err())
	require.NoError(t, s.Stop(t.Context()))
	require.Error(t, s.Start(t.Context()))
}

func TestStreamsWithoutEndEndWhenTheServerStops(t *testing.T) {
	t.Parallel()
	f := &feed{begun: make(chan struct{})}
	b := start(t, options(), func(r grpc.ServiceRegistrar) { eventv1.RegisterFeedServiceServer(r, f) })
	in, err := eventv1.NewFeedServiceClient(b.server.Conn("routing")).Subscribe(t.Context(), subscribeRequest())
	require.NoError(t, err)
	<-f.begun
	require.NoError(t, b.server.Stop(t.Context()))
	_, err = in.Recv()
	require.Equal(t, rpcserver.ReasonStopping, fault.ReasonOf(err))
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
}

func subscribeRequest() *eventv1.SubscribeRequest {
	return &eventv1.SubscribeRequest{After: []*eventv1.ShardPosition{{Shard: 1}}}
}

func TestCallsInFlightEndBeforeTheServer(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"socket", "in process"} {
		begun, release := make(chan struct{}), make(chan struct{})
		b := start(t, options(), onlyClocks(&clocks{get: func(context.Context, *clockv1.GetClockRequest) (*clockv1.GetClockResponse, error) {
			close(begun)
			<-release
			return &clockv1.GetClockResponse{}, nil
		}}))
		answered, stopped := make(chan error, 1), make(chan error, 1)
		go func() {
			_, err := clockv1.NewClockServiceClient(b.conns[way]).GetClock(token(t.Context(), "staff"), &clockv1.GetClockRequest{Name: clockName})
			answered <- err
		}()
		<-begun
		go func() { stopped <- b.server.Stop(t.Context()) }()
		close(release)
		require.NoError(t, <-answered)
		require.NoError(t, <-stopped)
	}
}

func TestAtTheDeadlineCallsAreCutOff(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"socket", "in process"} {
		begun := make(chan struct{})
		b := start(t, options(), onlyClocks(&clocks{get: func(ctx context.Context, _ *clockv1.GetClockRequest) (*clockv1.GetClockResponse, error) {
			close(begun)
			<-ctx.Done()
			return nil, ctx.Err()
		}}))
		answered := make(chan error, 1)
		go func() {
			_, err := clockv1.NewClockServiceClient(b.conns[way]).GetClock(token(t.Context(), "staff"), &clockv1.GetClockRequest{Name: clockName})
			answered <- err
		}()
		<-begun
		over, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorContains(t, b.server.Stop(over), "cut off", way)
		require.Equal(t, codes.Unavailable, status.Code(<-answered), way)
	}
}

func TestCataloguesOfTheTransportAgree(t *testing.T) {
	t.Parallel()
	_, err := fault.NewCatalogue(rpcserver.Reasons()...)
	require.NoError(t, err)
}

func TestWithoutListenerThereIsOnlyTheProcess(t *testing.T) {
	t.Parallel()
	o := options()
	o.Config.Listen = ""
	s, err := rpcserver.New(o)
	require.NoError(t, err)
	clockv1.RegisterClockServiceServer(s, &clocks{})
	require.NoError(t, s.Start(t.Context()))
	require.Nil(t, s.Addr())
	require.NotContains(t, s.GetServiceInfo(), "grpc.reflection.v1.ServerReflection")
	require.Contains(t, s.Matrix(), "PauseClock")
	require.NoError(t, s.Stop(t.Context()))
}

func TestAServerThatNeverStartedStops(t *testing.T) {
	t.Parallel()
	s, err := rpcserver.New(options())
	require.NoError(t, err)
	require.NotZero(t, s.Addr().(*net.TCPAddr).Port)
	require.NoError(t, s.Stop(t.Context()))
	require.Error(t, s.Start(t.Context()))
}
