package inproctest

import (
	"context"
	"io"
	"reflect"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
)

func interceptors(t *testing.T, make func(Options) Bed) {
	var mu sync.Mutex
	var steps []string
	step := func(s string) {
		mu.Lock()
		defer mu.Unlock()
		steps = append(steps, s)
	}
	s := &service{
		unary: func(ctx context.Context, r *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
			step("handler " + strconv.FormatBool(r.GetFillUsername()))
			return echo(ctx, r)
		},
		output: func(_ *testpb.StreamingOutputCallRequest, out grpc.ServerStreamingServer[testpb.StreamingOutputCallResponse]) error {
			step("stream handler")
			return out.Send(&testpb.StreamingOutputCallResponse{})
		},
	}
	o := s.options()
	for _, name := range []string{"a", "b"} {
		o.Unary = append(o.Unary, func(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			step(name + " " + info.FullMethod)
			req.(*testpb.SimpleRequest).FillUsername = true
			reply, err := next(ctx, req)
			if err == nil {
				reply.(*testpb.SimpleResponse).Hostname += name
			}
			return reply, err
		})
		o.Stream = append(o.Stream, func(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			step(name + " stream " + strconv.FormatBool(info.IsServerStream && !info.IsClientStream))
			return next(srv, ss)
		})
	}
	c := client(make(o))
	got, err := c.UnaryCall(within(t), &testpb.SimpleRequest{})
	require.NoError(t, err)
	require.Equal(t, "ba", got.GetHostname())
	out, err := c.StreamingOutputCall(within(t), &testpb.StreamingOutputCallRequest{})
	require.NoError(t, err)
	_, err = out.Recv()
	require.NoError(t, err)
	_, err = out.Recv()
	require.Equal(t, io.EOF, err)
	mu.Lock()
	defer mu.Unlock()
	const method = "/grpc.testing.TestService/UnaryCall"
	require.Equal(t, []string{"a " + method, "b " + method, "handler true", "a stream true", "b stream true", "stream handler"}, steps)
}

// watcher is a stats handler that notes the kinds of what it sees, once each in
// the order first seen, and marks the context on the way.
type watcher struct {
	mu    sync.Mutex
	seen  []string
	end   *stats.End
	ended *result[bool]
}

type mark struct{}

// TagRPC implements stats.Handler: it adds metadata as propagators do.
func (w *watcher) TagRPC(ctx context.Context, info *stats.RPCTagInfo) context.Context {
	w.note("tag " + info.FullMethodName)
	return metadata.AppendToOutgoingContext(context.WithValue(ctx, mark{}, w), "traceparent", "00-1")
}

// HandleRPC implements stats.Handler.
func (w *watcher) HandleRPC(ctx context.Context, s stats.RPCStats) {
	if ctx.Value(mark{}) != w {
		w.note("without tag")
	}
	w.note(reflect.TypeOf(s).Elem().Name())
	if e, ok := s.(*stats.End); ok {
		w.mu.Lock()
		w.end = e
		w.mu.Unlock()
		w.ended.put(true)
	}
}

// TagConn implements stats.Handler.
func (w *watcher) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// HandleConn implements stats.Handler.
func (w *watcher) HandleConn(context.Context, stats.ConnStats) {}

func (w *watcher) note(s string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, s)
}

func statsSeen(t *testing.T, make func(Options) Bed) {
	server, front := &watcher{ended: newResult[bool]()}, &watcher{ended: newResult[bool]()}
	var seen metadata.MD
	var marked any
	s := &service{unary: func(ctx context.Context, _ *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
		seen, _ = metadata.FromIncomingContext(ctx)
		marked = ctx.Value(mark{})
		return nil, status.Error(codes.NotFound, "no")
	}}
	o := s.options()
	o.ServerStats, o.ClientStats = server, front
	_, err := client(make(o)).UnaryCall(within(t), &testpb.SimpleRequest{})
	require.Equal(t, codes.NotFound, status.Code(err))
	require.True(t, server.ended.get(t) && front.ended.get(t))
	require.Equal(t, []string{"00-1"}, seen.Get("traceparent"))
	require.Same(t, server, marked)
	const tag = "tag /grpc.testing.TestService/UnaryCall"
	server.mu.Lock()
	defer server.mu.Unlock()
	require.Equal(t, []string{tag, "InHeader", "Begin", "InPayload"}, server.seen[:4])
	require.Equal(t, "End", server.seen[len(server.seen)-1])
	require.Equal(t, codes.NotFound, status.Code(server.end.Error))
	front.mu.Lock()
	defer front.mu.Unlock()
	require.Equal(t, []string{tag, "Begin"}, front.seen[:2])
	require.Subset(t, front.seen, []string{"OutHeader", "OutPayload", "InTrailer"})
	require.Equal(t, "End", front.seen[len(front.seen)-1])
	require.Equal(t, codes.NotFound, status.Code(front.end.Error))
	require.False(t, front.end.EndTime.Before(front.end.BeginTime))
}

func gracefulStop(t *testing.T, make func(Options) Bed) {
	begun, release := newResult[bool](), newResult[bool]()
	s := &service{unary: func(ctx context.Context, r *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
		begun.put(true)
		<-release.c
		return echo(ctx, r)
	}}
	b := make(s.options())
	answered := newResult[error]()
	go func() {
		_, err := client(b).UnaryCall(within(t), &testpb.SimpleRequest{})
		answered.put(err)
	}()
	begun.get(t)
	stopped := newResult[bool]()
	go func() { b.GracefulStop(); stopped.put(true) }()
	// A new call is refused once the stop has been heard of; one that slipped in
	// before waits in the handler and ends with the others.
	for {
		ctx, cancel := context.WithTimeout(within(t), patience/100)
		_, err := client(b).UnaryCall(ctx, &testpb.SimpleRequest{})
		cancel()
		if status.Code(err) == codes.Unavailable {
			break
		}
	}
	require.False(t, stopped.has())
	release.put(true)
	require.NoError(t, answered.get(t))
	require.True(t, stopped.get(t))
}

func stop(t *testing.T, make func(Options) Bed) {
	begun, ended := newResult[bool](), newResult[error]()
	s := &service{unary: func(ctx context.Context, _ *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
		begun.put(true)
		<-ctx.Done()
		ended.put(ctx.Err())
		return nil, ctx.Err()
	}}
	b := make(s.options())
	answered := newResult[error]()
	go func() {
		_, err := client(b).UnaryCall(within(t), &testpb.SimpleRequest{})
		answered.put(err)
	}()
	begun.get(t)
	b.Stop()
	require.Equal(t, codes.Unavailable, status.Code(answered.get(t)))
	require.ErrorIs(t, ended.get(t), context.Canceled)
	_, err := client(b).UnaryCall(within(t), &testpb.SimpleRequest{})
	require.Equal(t, codes.Unavailable, status.Code(err))
	b.Stop()
}

func closed(t *testing.T, make func(Options) Bed) {
	begun, ended := newResult[bool](), newResult[error]()
	s := &service{duplex: func(both grpc.BidiStreamingServer[testpb.StreamingOutputCallRequest, testpb.StreamingOutputCallResponse]) error {
		begun.put(true)
		_, err := both.Recv()
		ended.put(err)
		return err
	}}
	b := make(s.options())
	both, err := client(b).FullDuplexCall(within(t))
	require.NoError(t, err)
	begun.get(t)
	b.Close()
	_, err = both.Recv()
	require.Equal(t, codes.Canceled, status.Code(err))
	require.Equal(t, codes.Canceled, status.Code(ended.get(t)))
	_, err = client(b).UnaryCall(within(t), &testpb.SimpleRequest{})
	require.Equal(t, codes.Canceled, status.Code(err))
}

func many(t *testing.T, make func(Options) Bed) {
	c := client(make((&service{unary: echo}).options()))
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for j := range 50 {
				want := strconv.Itoa(i*1000 + j)
				got, err := c.UnaryCall(within(t), &testpb.SimpleRequest{Payload: body(want)})
				if err != nil || string(got.GetPayload().GetBody()) != want {
					t.Errorf("wanted %s, got %v, %v", want, got, err)
					return
				}
			}
		})
	}
	all.Wait()
}
