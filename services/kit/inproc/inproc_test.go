package inproc_test

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	"example.com/redress/services/kit/inproc"
	"example.com/redress/services/kit/inproc/inproctest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLoopbackSocket(t *testing.T) {
	t.Parallel()
	inproctest.Run(t, socket)
}

func TestInProcess(t *testing.T) {
	t.Parallel()
	inproctest.Run(t, func(t *testing.T, o inproctest.Options) inproctest.Bed { return inProcess(t, o) })
}

func socket(t *testing.T, o inproctest.Options) inproctest.Bed {
	options := []grpc.ServerOption{grpc.ChainUnaryInterceptor(o.Unary...), grpc.ChainStreamInterceptor(o.Stream...), grpc.WaitForHandlers(true)}
	if o.ServerStats != nil {
		options = append(options, grpc.StatsHandler(o.ServerStats))
	}
	if o.MaxReceive != 0 {
		options = append(options, grpc.MaxRecvMsgSize(o.MaxReceive))
	}
	s := grpc.NewServer(options...)
	o.Register(s)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	dial := []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}
	if o.ClientStats != nil {
		dial = append(dial, grpc.WithStatsHandler(o.ClientStats))
	}
	c, err := grpc.NewClient(l.Addr().String(), dial...)
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = c.Close()
		s.Stop()
		require.NoError(t, <-served)
	})
	return inproctest.Bed{Conn: c, Close: func() { _ = c.Close() }, GracefulStop: s.GracefulStop, Stop: s.Stop}
}

func inProcess(t testing.TB, o inproctest.Options) inproctest.Bed {
	options := inproc.Options{Name: "server", Unary: o.Unary, Stream: o.Stream, MaxReceive: o.MaxReceive}
	if o.ServerStats != nil {
		options.Stats = []stats.Handler{o.ServerStats}
	}
	s := inproc.NewServer(options)
	o.Register(s)
	s.Serve()
	connection := inproc.ConnOptions{Caller: "client"}
	if o.ClientStats != nil {
		connection.Stats = []stats.Handler{o.ClientStats}
	}
	c := s.Dial(connection)
	t.Cleanup(func() { _ = c.Close(); s.Stop() })
	return inproctest.Bed{Conn: c, Close: func() { _ = c.Close() }, GracefulStop: s.GracefulStop, Stop: s.Stop}
}

// checker is a health service that says what it sees of a call.
type checker struct {
	healthpb.UnimplementedHealthServer
	check func(context.Context) error
}

func (c *checker) Check(ctx context.Context, _ *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	return &healthpb.HealthCheckResponse{}, c.check(ctx)
}

func serve(t *testing.T, o inproc.Options, check func(context.Context) error) *inproc.Server {
	t.Helper()
	s := inproc.NewServer(o)
	healthpb.RegisterHealthServer(s, &checker{check: check})
	s.Serve()
	t.Cleanup(s.Stop)
	return s
}

func call(ctx context.Context, c grpc.ClientConnInterface, opts ...grpc.CallOption) error {
	_, err := healthpb.NewHealthClient(c).Check(ctx, &healthpb.HealthCheckRequest{}, opts...)
	return err
}

func TestPeersCarryTheNameOfTheCallingService(t *testing.T) {
	t.Parallel()
	var seen *peer.Peer
	s := serve(t, inproc.Options{Name: "intake"}, func(ctx context.Context) error {
		seen, _ = peer.FromContext(ctx)
		return nil
	})
	var of peer.Peer
	require.NoError(t, call(t.Context(), s.Dial(inproc.ConnOptions{Caller: "routing"}), grpc.Peer(&of)))
	require.Equal(t, "routing", seen.AuthInfo.(inproc.AuthInfo).Service)
	require.Equal(t, "inproc", seen.AuthInfo.AuthType())
	require.Equal(t, "inproc:routing", seen.Addr.String())
	require.Equal(t, "intake", of.AuthInfo.(inproc.AuthInfo).Service)
	require.Equal(t, "inproc", of.Addr.Network())
}

func TestAPanicThatNobodyCaughtIsInternal(t *testing.T) {
	t.Parallel()
	s := serve(t, inproc.Options{}, func(context.Context) error { panic("oh") })
	err := call(t.Context(), s.Dial(inproc.ConnOptions{}))
	require.Equal(t, codes.Internal, status.Code(err))
	require.NotContains(t, err.Error(), "oh")
}

func TestCallsWaitUntilTheServerServes(t *testing.T) {
	t.Parallel()
	s := inproc.NewServer(inproc.Options{})
	healthpb.RegisterHealthServer(s, health.NewServer())
	c := s.Dial(inproc.ConnOptions{})
	gone, cancel := context.WithCancel(t.Context())
	answered := make(chan error)
	go func() { answered <- call(t.Context(), c) }()
	go func() { answered <- call(gone, c) }()
	cancel()
	require.Equal(t, codes.Canceled, status.Code(<-answered))
	s.Serve()
	s.Serve()
	require.NoError(t, <-answered)
	s.GracefulStop()
	never := inproc.NewServer(inproc.Options{})
	go func() { answered <- call(t.Context(), never.Dial(inproc.ConnOptions{})) }()
	never.Stop()
	require.Equal(t, codes.Unavailable, status.Code(<-answered))
}

func TestClientInterceptorsRunInOrder(t *testing.T) {
	t.Parallel()
	s := serve(t, inproc.Options{}, func(ctx context.Context) error {
		md, _ := metadata.FromIncomingContext(ctx)
		return status.Error(codes.Aborted, md.Get("k")[0])
	})
	o := inproc.ConnOptions{}
	for _, name := range []string{"a", "b"} {
		o.Unary = append(o.Unary, func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, next grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			md, _ := metadata.FromOutgoingContext(ctx)
			md = metadata.Pairs("k", md.Copy().Get("k")[0]+name)
			return next(metadata.NewOutgoingContext(ctx, md), method, req, reply, cc, opts...)
		})
		o.Stream = append(o.Stream, func(context.Context, *grpc.StreamDesc, *grpc.ClientConn, string, grpc.Streamer, ...grpc.CallOption) (grpc.ClientStream, error) {
			return nil, errors.New(name)
		})
	}
	c := s.Dial(o)
	err := call(metadata.AppendToOutgoingContext(t.Context(), "k", ""), c)
	require.Equal(t, "ab", status.Convert(err).Message())
	_, err = healthpb.NewHealthClient(c).Watch(t.Context(), &healthpb.HealthCheckRequest{})
	require.EqualError(t, err, "a")
}

type token string

func (t token) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	if t == "" {
		return nil, errors.New("no token")
	}
	return map[string]string{"authorization": "Bearer " + string(t)}, nil
}

func (token) RequireTransportSecurity() bool { return true }

func TestCredentialsOfConnectionAndCallTravel(t *testing.T) {
	t.Parallel()
	s := serve(t, inproc.Options{}, func(ctx context.Context) error {
		md, _ := metadata.FromIncomingContext(ctx)
		return status.Errorf(codes.Aborted, "%v", md.Get("authorization"))
	})
	c := s.Dial(inproc.ConnOptions{Credentials: token("one")})
	err := call(t.Context(), c, grpc.PerRPCCredentials(token("two")))
	require.Equal(t, "[Bearer one Bearer two]", status.Convert(err).Message())
	require.Equal(t, codes.Unauthenticated, status.Code(call(t.Context(), c, grpc.PerRPCCredentials(token("")))))
}

func TestOnFinishIsCalledOnce(t *testing.T) {
	t.Parallel()
	s := serve(t, inproc.Options{}, func(context.Context) error { return status.Error(codes.Aborted, "x") })
	var ends []error
	err := call(t.Context(), s.Dial(inproc.ConnOptions{}), grpc.OnFinish(func(err error) { ends = append(ends, err) }))
	require.Len(t, ends, 1)
	require.Equal(t, err, ends[0])
}

func TestSpansOfBothSidesBelongTogether(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	options := []otelgrpc.Option{otelgrpc.WithTracerProvider(provider), otelgrpc.WithPropagators(propagation.TraceContext{})}
	s := serve(t, inproc.Options{Stats: []stats.Handler{otelgrpc.NewServerHandler(options...)}}, func(context.Context) error { return nil })
	c := s.Dial(inproc.ConnOptions{Stats: []stats.Handler{otelgrpc.NewClientHandler(options...)}})
	require.NoError(t, call(t.Context(), c))
	s.GracefulStop()
	ended := spans.Ended()
	require.Len(t, ended, 2)
	require.Equal(t, ended[0].SpanContext().TraceID(), ended[1].SpanContext().TraceID())
	server, client := ended[0], ended[1]
	require.Equal(t, client.SpanContext().SpanID(), server.Parent().SpanID())
	require.True(t, server.Parent().IsRemote())
}

func TestRegistrationMistakesPanic(t *testing.T) {
	t.Parallel()
	s := inproc.NewServer(inproc.Options{})
	require.Panics(t, func() { s.RegisterService(&healthpb.Health_ServiceDesc, "not a server") })
	healthpb.RegisterHealthServer(s, health.NewServer())
	require.Panics(t, func() { healthpb.RegisterHealthServer(s, health.NewServer()) })
	require.Contains(t, s.GetServiceInfo(), "grpc.health.v1.Health")
	s.Serve()
	require.Panics(t, func() { healthpb.RegisterHealthServer(s, health.NewServer()) })
}

func BenchmarkUnary(b *testing.B) {
	s := inproc.NewServer(inproc.Options{})
	healthpb.RegisterHealthServer(s, health.NewServer())
	s.Serve()
	b.Cleanup(s.Stop)
	c := s.Dial(inproc.ConnOptions{})
	b.ReportAllocs()
	for b.Loop() {
		if err := call(context.Background(), c); err != nil {
			b.Fatal(err)
		}
	}
}
