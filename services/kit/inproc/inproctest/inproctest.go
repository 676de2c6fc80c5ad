// Package inproctest says what a gRPC channel must do, as tests that run over a
// loopback socket and over package inproc alike. What passes over the socket is
// what gRPC does; the same cases over inproc prove that it does the same.
package inproctest

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"example.com/redress/services/kit/clock"
)

// Options are what a case wants of its channel.
type Options struct {
	// Register puts services on the server.
	Register func(grpc.ServiceRegistrar)
	// Unary, Stream and ServerStats are the server's.
	Unary       []grpc.UnaryServerInterceptor
	Stream      []grpc.StreamServerInterceptor
	ServerStats stats.Handler
	// ClientStats is the client's.
	ClientStats stats.Handler
	// MaxReceive limits what the server takes; 0 means the default.
	MaxReceive int
}

// Bed is a channel whose server serves.
type Bed struct {
	// Conn leads to the server.
	Conn grpc.ClientConnInterface
	// Close closes Conn.
	Close func()
	// GracefulStop and Stop stop the server as those of grpc.Server do.
	GracefulStop, Stop func()
}

// Run runs every case on a fresh channel that make builds and cleans up.
func Run(t *testing.T, make func(t *testing.T, o Options) Bed) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, func(Options) Bed){
		"MessagesAreCopied":                        messagesAreCopied,
		"MetadataHeadersAndTrailersTravel":         metadataTravels,
		"HeadersTravelBeforeAnError":               headersBeforeError,
		"ReservedHeadersStayWithTheTransport":      reservedHeaders,
		"MalformedMetadataIsRefused":               malformedMetadata,
		"ValuesOfTheCallersContextStay":            valuesStay,
		"StatusesTravelWithDetails":                statuses,
		"OtherErrorsAreUnknownOrOfTheContext":      otherErrors,
		"UnknownMethodsAreUnimplemented":           unknownMethods,
		"DeadlinesTravel":                          deadlines,
		"AnExpiredContextMakesNoCall":              expired,
		"CancellationReachesTheHandler":            cancellation,
		"AbandonedStreamsReachTheHandler":          abandoned,
		"ServerStreamsDeliverAllBeforeTheStatus":   serverStream,
		"ClientStreamsAreCounted":                  clientStream,
		"BothSidesMayTalkAtOnce":                   duplex,
		"SendingAfterTheEndIsEOF":                  sendAfterEnd,
		"SendingAfterCloseSendIsRefused":           sendAfterClose,
		"ASenderWaitsForItsReceiver":               backPressure,
		"SizeLimitsHold":                           sizes,
		"InterceptorsRunInOrder":                   interceptors,
		"StatsHandlersSeeTheWholeCall":             statsSeen,
		"TextThatIsNotUnicodeIsRefused":            notUnicode,
		"GracefulStopWaitsForHandlers":             gracefulStop,
		"StopCutsHandlersOff":                      stop,
		"AClosedConnectionEndsItsCalls":            closed,
		"CallsFromManyGoroutinesDoNotMix":          many,
		"SettingAHeaderTwiceAfterSendingIsAnError": headerOnce,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, func(o Options) Bed { return make(t, o) })
		})
	}
}

// patience bounds every wait of the suite; nothing takes as long when it works.
const patience = 20 * time.Second

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// service is the test service with replaceable methods.
type service struct {
	testpb.UnimplementedTestServiceServer
	unary  func(context.Context, *testpb.SimpleRequest) (*testpb.SimpleResponse, error)
	output func(*testpb.StreamingOutputCallRequest, grpc.ServerStreamingServer[testpb.StreamingOutputCallResponse]) error
	input  func(grpc.ClientStreamingServer[testpb.StreamingInputCallRequest, testpb.StreamingInputCallResponse]) error
	duplex func(grpc.BidiStreamingServer[testpb.StreamingOutputCallRequest, testpb.StreamingOutputCallResponse]) error
}

// UnaryCall implements the test service.
func (s *service) UnaryCall(ctx context.Context, r *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
	return s.unary(ctx, r)
}

// StreamingOutputCall implements the test service.
func (s *service) StreamingOutputCall(r *testpb.StreamingOutputCallRequest, out grpc.ServerStreamingServer[testpb.StreamingOutputCallResponse]) error {
	return s.output(r, out)
}

// StreamingInputCall implements the test service.
func (s *service) StreamingInputCall(in grpc.ClientStreamingServer[testpb.StreamingInputCallRequest, testpb.StreamingInputCallResponse]) error {
	return s.input(in)
}

// FullDuplexCall implements the test service.
func (s *service) FullDuplexCall(both grpc.BidiStreamingServer[testpb.StreamingOutputCallRequest, testpb.StreamingOutputCallResponse]) error {
	return s.duplex(both)
}

func (s *service) options() Options {
	return Options{Register: func(r grpc.ServiceRegistrar) { testpb.RegisterTestServiceServer(r, s) }}
}

func client(b Bed) testpb.TestServiceClient { return testpb.NewTestServiceClient(b.Conn) }

func echo(_ context.Context, r *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
	return &testpb.SimpleResponse{Payload: r.GetPayload()}, nil
}

func body(b string) *testpb.Payload { return &testpb.Payload{Body: []byte(b)} }

func messagesAreCopied(t *testing.T, make func(Options) Bed) {
	var kept *testpb.SimpleRequest
	var answer *testpb.SimpleResponse
	s := &service{unary: func(_ context.Context, r *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
		kept, answer = r, &testpb.SimpleResponse{Payload: r.GetPayload(), Username: "u"}
		return answer, nil
	}}
	sent := &testpb.SimpleRequest{Payload: body("abc"), FillUsername: true}
	got, err := client(make(s.options())).UnaryCall(within(t), sent)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(sent, kept, protocmp.Transform()))
	require.Empty(t, cmp.Diff(answer, got, protocmp.Transform()))
	sent.Payload.Body[0], got.Payload.Body[1] = 'x', 'y'
	require.Equal(t, "abc", string(kept.GetPayload().GetBody()))
	require.Equal(t, "abc", string(answer.GetPayload().GetBody()))
}

func metadataTravels(t *testing.T, make func(Options) Bed) {
	var seen metadata.MD
	s := &service{unary: func(ctx context.Context, r *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
		seen, _ = metadata.FromIncomingContext(ctx)
		_ = grpc.SetHeader(ctx, metadata.Pairs("h", "1"))
		_ = grpc.SendHeader(ctx, metadata.Pairs("h", "2"))
		_ = grpc.SetTrailer(ctx, metadata.Pairs("t", "1", "raw-bin", "\x00\xff"))
		_ = grpc.SetTrailer(ctx, metadata.Pairs("t", "2"))
		return echo(ctx, r)
	}}
	ctx := metadata.AppendToOutgoingContext(within(t), "Mixed-Case", "v", "k", "1", "k", "2", "raw-bin", "\x00\x01")
	var header, trailer metadata.MD
	var p peer.Peer
	_, err := client(make(s.options())).UnaryCall(ctx, &testpb.SimpleRequest{}, grpc.Header(&header), grpc.Trailer(&trailer), grpc.Peer(&p))
	require.NoError(t, err)
	require.Equal(t, []string{"v"}, seen.Get("mixed-case"))
	require.Equal(t, []string{"1", "2"}, seen.Get("k"))
	require.Equal(t, []string{"\x00\x01"}, seen.Get("raw-bin"))
	require.NotEmpty(t, seen.Get(":authority"))
	require.Equal(t, []string{"1", "2"}, header.Get("h"))
	require.Equal(t, []string{"application/grpc"}, header.Get("content-type"))
	require.Equal(t, []string{"1", "2"}, trailer.Get("t"))
	require.Equal(t, []string{"\x00\xff"}, trailer.Get("raw-bin"))
	require.NotNil(t, p.Addr)
}

func headersBeforeError(t *testing.T, make func(Options) Bed) {
	set := true
	s := &service{output: func(_ *testpb.StreamingOutputCallRequest, out grpc.ServerStreamingServer[testpb.StreamingOutputCallResponse]) error {
		if set {
			_ = out.SetHeader(metadata.Pairs("h", "1"))
		}
		out.SetTrailer(metadata.Pairs("t", "1"))
		return status.Error(codes.Aborted, "no")
	}}
	c := client(make(s.options()))
	for _, set = range []bool{true, false} {
		out, err := c.StreamingOutputCall(within(t), &testpb.StreamingOutputCallRequest{})
		require.NoError(t, err)
		header, err := out.Header()
		require.NoError(t, err)
		require.Equal(t, set, len(header.Get("h")) == 1)
		_, err = out.Recv()
		require.Equal(t, codes.Aborted, status.Code(err))
		require.Equal(t, []string{"1"}, out.Trailer().Get("t"))
	}
}

func reservedHeaders(t *testing.T, make func(Options) Bed) {
	var seen metadata.MD
	s := &service{unary: func(ctx context.Context, r *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
		seen, _ = metadata.FromIncomingContext(ctx)
		return echo(ctx, r)
	}}
	ctx := metadata.AppendToOutgoingContext(within(t), "content-type", "text/plain", "grpc-timeout", "1n", "te", "x", "user-agent", "me")
	_, err := client(make(s.options())).UnaryCall(ctx, &testpb.SimpleRequest{})
	require.NoError(t, err)
	require.Equal(t, []string{"application/grpc"}, seen.Get("content-type"))
	require.Empty(t, seen.Get("grpc-timeout"))
	require.Empty(t, seen.Get("te"))
	require.NotContains(t, seen.Get("user-agent"), "me")
}

func malformedMetadata(t *testing.T, make func(Options) Bed) {
	c := client(make((&service{unary: func(ctx context.Context, r *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
		err := grpc.SetHeader(ctx, metadata.Pairs("h", "bad\n"))
		return nil, err
	}}).options()))
	for _, pair := range [][2]string{{"sp ace", "v"}, {"k", "line\nbreak"}, {"k", "汉字"}} {
		_, err := c.UnaryCall(metadata.AppendToOutgoingContext(within(t), pair[0], pair[1]), &testpb.SimpleRequest{})
		require.Equal(t, codes.Internal, status.Code(err), pair)
	}
}

func valuesStay(t *testing.T, make func(Options) Bed) {
	type key struct{}
	var seen any
	s := &service{unary: func(ctx context.Context, r *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
		seen = ctx.Value(key{})
		out, _ := metadata.FromOutgoingContext(ctx)
		require.Empty(t, out, "what came in does not go on by itself")
		return echo(ctx, r)
	}}
	_, err := client(make(s.options())).UnaryCall(context.WithValue(within(t), key{}, "v"), &testpb.SimpleRequest{})
	require.NoError(t, err)
	require.Nil(t, seen)
}

func statuses(t *testing.T, make func(Options) Bed) {
	want, err := status.New(codes.FailedPrecondition, "不行").WithDetails(&errdetails.ErrorInfo{Reason: "R", Domain: "d", Metadata: map[string]string{"a": "值"}})
	require.NoError(t, err)
	s := &service{unary: func(context.Context, *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
		return nil, &carrier{status: want}
	}}
	_, err = client(make(s.options())).UnaryCall(within(t), &testpb.SimpleRequest{})
	require.Empty(t, cmp.Diff(want.Proto(), status.Convert(err).Proto(), protocmp.Transform()))
	var c *carrier
	require.NotErrorAs(t, err, &c, "the error itself stays with the server")
}

// carrier is an error with a status that must not cross the channel itself.
type carrier struct{ status *status.Status }

// Error implements error.
func (c *carrier) Error() string { return "secret" }

// GRPCStatus is how gRPC finds the status.
func (c *carrier) GRPCStatus() *status.Status { return c.status }

func otherErrors(t *testing.T, make func(Options) Bed) {
	var answer error
	s := &service{unary: func(context.Context, *testpb.SimpleRequest) (*testpb.SimpleResponse, error) { return nil, answer }}
	c := client(make(s.options()))
	for err, code := range map[error]codes.Code{
		errors.New("plain"): codes.Unknown, context.DeadlineExceeded: codes.DeadlineExceeded, context.Canceled: codes.Canceled,
	} {
		answer = err
		_, got := c.UnaryCall(within(t), &testpb.SimpleRequest{})
		require.Equal(t, code, status.Code(got))
		require.Contains(t, status.Convert(got).Message(), err.Error())
	}
}

func unknownMethods(t *testing.T, make func(Options) Bed) {
	b := make((&service{unary: echo}).options())
	for method, words := range map[string]string{
		"/grpc.testing.TestService/Nothing": "unknown method Nothing for service grpc.testing.TestService",
		"/no.Service/Method":                "unknown service no.Service",
	} {
		err := b.Conn.Invoke(within(t), method, &testpb.Empty{}, &testpb.Empty{})
		require.Equal(t, codes.Unimplemented, status.Code(err))
		require.Equal(t, words, status.Convert(err).Message())
	}
	_, err := client(b).UnimplementedCall(within(t), &testpb.Empty{})
	require.Equal(t, codes.Unimplemented, status.Code(err))
	out, err := testpb.NewUnimplementedServiceClient(b.Conn).UnimplementedCall(within(t), &testpb.Empty{})
	require.Nil(t, out)
	require.Equal(t, codes.Unimplemented, status.Code(err))
}

func deadlines(t *testing.T, make func(Options) Bed) {
	ended := newResult[error]()
	s := &service{unary: func(ctx context.Context, _ *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
		deadline, ok := ctx.Deadline()
		if !ok || clock.System().Until(deadline) > patience {
			return nil, status.Error(codes.Internal, "no deadline")
		}
		<-ctx.Done()
		ended.put(ctx.Err())
		return nil, ctx.Err()
	}}
	c := client(make(s.options()))
	// A call whose deadline passes on the way never reaches the handler, which a busy
	// machine makes of any short one: the next one has longer.
	for left := 30 * time.Millisecond; left < patience && !ended.has(); left *= 2 {
		ctx, cancel := context.WithTimeout(within(t), left)
		_, err := c.UnaryCall(ctx, &testpb.SimpleRequest{})
		require.Equal(t, codes.DeadlineExceeded, status.Code(err))
		for waited := 0; waited < 100 && !ended.has(); waited++ { // the caller may hear of it first
			require.NoError(t, clock.System().Pause(t.Context(), time.Millisecond))
		}
		cancel()
	}
	require.True(t, ended.has(), "no call reached the handler")
	require.Error(t, ended.get(t))
}

func expired(t *testing.T, make func(Options) Bed) {
	s := &service{unary: func(context.Context, *testpb.SimpleRequest) (*testpb.SimpleResponse, error) { panic("called") }}
	c := client(make(s.options()))
	ctx, cancel := context.WithTimeout(within(t), 0)
	defer cancel()
	_, err := c.UnaryCall(ctx, &testpb.SimpleRequest{})
	require.Equal(t, codes.DeadlineExceeded, status.Code(err))
	ctx, cancel = context.WithCancel(within(t))
	cancel()
	_, err = c.UnaryCall(ctx, &testpb.SimpleRequest{})
	require.Equal(t, codes.Canceled, status.Code(err))
}

func cancellation(t *testing.T, make func(Options) Bed) {
	begun, ended := newResult[bool](), newResult[error]()
	s := &service{unary: func(ctx context.Context, _ *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
		begun.put(true)
		<-ctx.Done()
		ended.put(ctx.Err())
		return nil, ctx.Err()
	}}
	ctx, cancel := context.WithCancel(within(t))
	go func() { <-begun.c; cancel() }()
	_, err := client(make(s.options())).UnaryCall(ctx, &testpb.SimpleRequest{})
	require.Equal(t, codes.Canceled, status.Code(err))
	require.ErrorIs(t, ended.get(t), context.Canceled)
}

func abandoned(t *testing.T, make func(Options) Bed) {
	ended := newResult[error]()
	s := &service{duplex: func(both grpc.BidiStreamingServer[testpb.StreamingOutputCallRequest, testpb.StreamingOutputCallResponse]) error {
		_ = both.Send(&testpb.StreamingOutputCallResponse{})
		_, err := both.Recv()
		ended.put(err)
		return err
	}}
	ctx, cancel := context.WithCancel(within(t))
	both, err := client(make(s.options())).FullDuplexCall(ctx)
	require.NoError(t, err)
	_, err = both.Recv()
	require.NoError(t, err)
	cancel()
	require.Equal(t, codes.Canceled, status.Code(ended.get(t)))
	_, err = both.Recv()
	require.Equal(t, codes.Canceled, status.Code(err))
}

func serverStream(t *testing.T, make func(Options) Bed) {
	const count = 100
	s := &service{output: func(r *testpb.StreamingOutputCallRequest, out grpc.ServerStreamingServer[testpb.StreamingOutputCallResponse]) error {
		for i := range count {
			if err := out.Send(&testpb.StreamingOutputCallResponse{Payload: &testpb.Payload{Body: []byte{byte(i)}}}); err != nil {
				return err
			}
		}
		return status.Error(codes.DataLoss, string(r.GetPayload().GetBody()))
	}}
	out, err := client(make(s.options())).StreamingOutputCall(within(t), &testpb.StreamingOutputCallRequest{Payload: body("end")})
	require.NoError(t, err)
	for i := range count {
		m, err := out.Recv()
		require.NoError(t, err)
		require.Equal(t, []byte{byte(i)}, m.GetPayload().GetBody())
	}
	_, err = out.Recv()
	require.Equal(t, codes.DataLoss, status.Code(err))
	require.Equal(t, "end", status.Convert(err).Message())
}

func clientStream(t *testing.T, make func(Options) Bed) {
	answer := true
	s := &service{input: func(in grpc.ClientStreamingServer[testpb.StreamingInputCallRequest, testpb.StreamingInputCallResponse]) error {
		total := int32(0)
		for {
			m, err := in.Recv()
			if errors.Is(err, io.EOF) && answer {
				return in.SendAndClose(&testpb.StreamingInputCallResponse{AggregatedPayloadSize: total})
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			total += int32(len(m.GetPayload().GetBody()))
		}
	}}
	c := client(make(s.options()))
	send := func() (*testpb.StreamingInputCallResponse, error) {
		in, err := c.StreamingInputCall(within(t))
		require.NoError(t, err)
		for range 50 {
			require.NoError(t, in.Send(&testpb.StreamingInputCallRequest{Payload: body("abc")}))
		}
		return in.CloseAndRecv()
	}
	got, err := send()
	require.NoError(t, err)
	require.Equal(t, int32(150), got.GetAggregatedPayloadSize())
	answer = false
	_, err = send()
	require.Equal(t, codes.Internal, status.Code(err), "a success owes its message")
}

func duplex(t *testing.T, make func(Options) Bed) {
	s := &service{duplex: func(both grpc.BidiStreamingServer[testpb.StreamingOutputCallRequest, testpb.StreamingOutputCallResponse]) error {
		for {
			m, err := both.Recv()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if err := both.Send(&testpb.StreamingOutputCallResponse{Payload: m.GetPayload()}); err != nil {
				return err
			}
		}
	}}
	both, err := client(make(s.options())).FullDuplexCall(within(t))
	require.NoError(t, err)
	sent := newResult[error]()
	go func() {
		for i := range 500 {
			if err := both.Send(&testpb.StreamingOutputCallRequest{Payload: &testpb.Payload{Body: []byte{byte(i)}}}); err != nil {
				sent.put(err)
				return
			}
		}
		sent.put(both.CloseSend())
	}()
	for i := range 500 {
		m, err := both.Recv()
		require.NoError(t, err)
		require.Equal(t, []byte{byte(i)}, m.GetPayload().GetBody())
	}
	_, err = both.Recv()
	require.Equal(t, io.EOF, err)
	require.NoError(t, sent.get(t))
}

func sendAfterEnd(t *testing.T, make func(Options) Bed) {
	s := &service{duplex: func(grpc.BidiStreamingServer[testpb.StreamingOutputCallRequest, testpb.StreamingOutputCallResponse]) error {
		return status.Error(codes.ResourceExhausted, "enough")
	}}
	both, err := client(make(s.options())).FullDuplexCall(within(t))
	require.NoError(t, err)
	for err == nil {
		err = both.Send(&testpb.StreamingOutputCallRequest{Payload: body("x")})
	}
	require.Equal(t, io.EOF, err)
	_, err = both.Recv()
	require.Equal(t, codes.ResourceExhausted, status.Code(err))
}

func sendAfterClose(t *testing.T, make func(Options) Bed) {
	s := &service{duplex: func(grpc.BidiStreamingServer[testpb.StreamingOutputCallRequest, testpb.StreamingOutputCallResponse]) error {
		return nil
	}}
	both, err := client(make(s.options())).FullDuplexCall(within(t))
	require.NoError(t, err)
	require.NoError(t, both.CloseSend())
	require.NoError(t, both.CloseSend())
	require.Equal(t, codes.Internal, status.Code(both.Send(&testpb.StreamingOutputCallRequest{})))
}

func backPressure(t *testing.T, make func(Options) Bed) {
	// 64 MiB fit neither the window of HTTP/2 nor ours: a sender that did not
	// wait would end before the first message is read.
	const count, size = 256, 256 << 10
	ended := newResult[bool]()
	s := &service{output: func(_ *testpb.StreamingOutputCallRequest, out grpc.ServerStreamingServer[testpb.StreamingOutputCallResponse]) error {
		defer ended.put(true)
		payload := &testpb.Payload{Body: []byte(strings.Repeat("x", size))}
		for range count {
			if err := out.Send(&testpb.StreamingOutputCallResponse{Payload: payload}); err != nil {
				return err
			}
		}
		return nil
	}}
	out, err := client(make(s.options())).StreamingOutputCall(within(t), &testpb.StreamingOutputCallRequest{})
	require.NoError(t, err)
	_, err = out.Recv()
	require.NoError(t, err)
	require.False(t, ended.has(), "the sender ran ahead")
	for range count - 1 {
		_, err = out.Recv()
		require.NoError(t, err)
	}
	_, err = out.Recv()
	require.Equal(t, io.EOF, err)
	require.True(t, ended.get(t))
}

func sizes(t *testing.T, make func(Options) Bed) {
	s := &service{unary: func(_ context.Context, r *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
		return &testpb.SimpleResponse{Payload: &testpb.Payload{Body: []byte(strings.Repeat("y", int(r.GetResponseSize())))}}, nil
	}}
	o := s.options()
	o.MaxReceive = 1000
	c := client(make(o))
	_, err := c.UnaryCall(within(t), &testpb.SimpleRequest{Payload: body(strings.Repeat("x", 1000))})
	require.Equal(t, codes.ResourceExhausted, status.Code(err), "the server takes no more")
	_, err = c.UnaryCall(within(t), &testpb.SimpleRequest{ResponseSize: 1000}, grpc.MaxCallRecvMsgSize(900))
	require.Equal(t, codes.ResourceExhausted, status.Code(err), "the client takes no more")
	_, err = c.UnaryCall(within(t), &testpb.SimpleRequest{Payload: body("xxxx")}, grpc.MaxCallSendMsgSize(2))
	require.Equal(t, codes.ResourceExhausted, status.Code(err), "the client sends no more")
	_, err = c.UnaryCall(within(t), &testpb.SimpleRequest{ResponseSize: 5 << 20})
	require.Equal(t, codes.ResourceExhausted, status.Code(err), "the default is 4 MiB")
	_, err = c.UnaryCall(within(t), &testpb.SimpleRequest{ResponseSize: 5 << 20}, grpc.MaxCallRecvMsgSize(6<<20))
	require.NoError(t, err)
}

func notUnicode(t *testing.T, make func(Options) Bed) {
	s := &service{unary: func(context.Context, *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
		return &testpb.SimpleResponse{Username: "\xff"}, nil
	}}
	_, err := client(make(s.options())).UnaryCall(within(t), &testpb.SimpleRequest{})
	require.Equal(t, codes.Internal, status.Code(err))
}

func headerOnce(t *testing.T, make func(Options) Bed) {
	second := newResult[error]()
	s := &service{unary: func(ctx context.Context, r *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
		_ = grpc.SendHeader(ctx, metadata.Pairs("h", "1"))
		second.put(grpc.SendHeader(ctx, metadata.Pairs("h", "2")))
		return echo(ctx, r)
	}}
	_, err := client(make(s.options())).UnaryCall(within(t), &testpb.SimpleRequest{})
	require.NoError(t, err)
	require.Error(t, second.get(t))
}

// result is a value that one goroutine puts once and another waits for.
type result[T any] struct {
	c    chan struct{}
	once sync.Once
	v    T
}

func newResult[T any]() *result[T] { return &result[T]{c: make(chan struct{})} }

func (r *result[T]) put(v T) { r.once.Do(func() { r.v = v; close(r.c) }) }

func (r *result[T]) has() bool {
	select {
	case <-r.c:
		return true
	default:
		return false
	}
}

func (r *result[T]) get(t *testing.T) T {
	t.Helper()
	select {
	case <-r.c:
	case <-within(t).Done():
		require.Fail(t, "nothing came")
	}
	return r.v
}
