package inproc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	"example.com/redress/services/kit/clock"
)

// Options of a server. The zero value works.
type Options struct {
	// Name is the service's, for addresses and credentials.
	Name string
	// Unary and Stream run around every call, the first outermost.
	Unary  []grpc.UnaryServerInterceptor
	Stream []grpc.StreamServerInterceptor
	// Stats see every call, as those of grpc.Server do.
	Stats []stats.Handler
	// MaxReceive and MaxSend limit the bytes of one message; 0 means 4 MiB and no limit.
	MaxReceive, MaxSend int
	// Logger gets panics that no interceptor caught; nil drops them.
	Logger *slog.Logger
}

// Server serves registered services to connections of the same process. It
// implements grpc.ServiceRegistrar and is safe for concurrent use once Serve
// has been called.
type Server struct {
	options  Options
	unary    grpc.UnaryServerInterceptor
	stream   grpc.StreamServerInterceptor
	services map[string]*service
	stats    handlers
	running  context.Context
	kill     context.CancelFunc
	serving  chan struct{}

	mu       sync.Mutex
	open     bool
	closed   chan struct{} // closed when no more calls are taken
	calls    map[*call]struct{}
	handlers sync.WaitGroup

	tasks chan func() // to goroutines that wait in work
	idle  atomic.Int32
}

// kept is how many goroutines wait for the next call of a server. Their stacks
// have grown to what a handler needs; a new one grows, and is copied, at each call.
const kept = 64

type service struct {
	impl    any
	desc    *grpc.ServiceDesc
	methods map[string]*grpc.StreamDesc
}

// NewServer returns a server without services that does not serve yet.
func NewServer(o Options) *Server {
	if o.MaxReceive == 0 {
		o.MaxReceive = defaultReceive
	}
	if o.MaxSend == 0 {
		o.MaxSend = defaultSend
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		options: o, unary: chainUnary(o.Unary), stream: chainStream(o.Stream), stats: o.Stats,
		services: map[string]*service{}, calls: map[*call]struct{}{},
		serving: make(chan struct{}), closed: make(chan struct{}), tasks: make(chan func()),
	}
	s.running, s.kill = context.WithCancel(context.Background())
	return s
}

// RegisterService implements grpc.ServiceRegistrar. Like gRPC's it is called
// before Serve and panics when the implementation does not fit or the service
// is there already: both are mistakes of the assembling code.
func (s *Server) RegisterService(desc *grpc.ServiceDesc, impl any) {
	if impl != nil {
		if want := reflect.TypeOf(desc.HandlerType).Elem(); !reflect.TypeOf(impl).Implements(want) {
			panic(fmt.Sprintf("inproc: %T does not implement %v", impl, want))
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open {
		panic("inproc: " + desc.ServiceName + " registered after Serve")
	}
	if s.services[desc.ServiceName] != nil {
		panic("inproc: " + desc.ServiceName + " registered twice")
	}
	svc := &service{impl: impl, desc: desc, methods: map[string]*grpc.StreamDesc{}}
	for i := range desc.Methods {
		m := &desc.Methods[i]
		svc.methods[m.MethodName] = &grpc.StreamDesc{StreamName: m.MethodName, Handler: s.unaryHandler(m)}
	}
	for i := range desc.Streams {
		svc.methods[desc.Streams[i].StreamName] = &desc.Streams[i]
	}
	s.services[desc.ServiceName] = svc
}

// unaryHandler lets a unary method run on a stream of one message each way.
func (s *Server) unaryHandler(m *grpc.MethodDesc) grpc.StreamHandler {
	return func(impl any, stream grpc.ServerStream) error {
		reply, err := m.Handler(impl, stream.Context(), stream.RecvMsg, s.unary)
		if err != nil {
			return err
		}
		return stream.SendMsg(reply)
	}
}

// GetServiceInfo returns the registered services as grpc.Server does, for
// reflection and checks.
func (s *Server) GetServiceInfo() map[string]grpc.ServiceInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string]grpc.ServiceInfo, len(s.services))
	for name, svc := range s.services {
		info := grpc.ServiceInfo{Metadata: svc.desc.Metadata}
		for _, m := range svc.desc.Methods {
			info.Methods = append(info.Methods, grpc.MethodInfo{Name: m.MethodName})
		}
		for _, m := range svc.desc.Streams {
			info.Methods = append(info.Methods, grpc.MethodInfo{Name: m.StreamName, IsClientStream: m.ClientStreams, IsServerStream: m.ServerStreams})
		}
		all[name] = info
	}
	return all
}

// Serve begins to take calls. Calls made before wait for it, as connections to
// a bound listener do. Repeating it does nothing.
func (s *Server) Serve() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open {
		s.open = true
		close(s.serving)
	}
}

// GracefulStop takes no more calls, which fail as UNAVAILABLE, and returns when
// every handler has returned.
func (s *Server) GracefulStop() {
	s.close()
	s.handlers.Wait()
}

// Stop takes no more calls, fails those in flight as UNAVAILABLE, cancels their
// handlers' contexts and returns when every handler has returned.
func (s *Server) Stop() {
	s.close()
	s.mu.Lock()
	for c := range s.calls {
		c.end(status.New(codes.Unavailable, "inproc: the server has stopped"))
	}
	s.mu.Unlock()
	s.kill()
	s.handlers.Wait()
}

func (s *Server) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closed:
	default:
		close(s.closed)
	}
}

// accept takes a call and runs its handler in a goroutine beside the
// client's. ctx is the client's and bounds the wait for Serve; md is what travels.
func (s *Server) accept(ctx context.Context, from string, md metadata.MD, c *call) error {
	select {
	case <-s.serving:
	default:
		select {
		case <-s.serving:
		case <-s.closed:
		case <-ctx.Done():
			return status.FromContextError(ctx.Err()).Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closed:
		return status.Error(codes.Unavailable, "inproc: the server has stopped")
	default:
	}
	var run context.Context
	if deadline, ok := ctx.Deadline(); ok {
		run, c.cancel = context.WithDeadline(s.running, deadline)
	} else {
		run, c.cancel = context.WithCancel(s.running)
	}
	run = metadata.NewIncomingContext(run, md)
	run = peer.NewContext(run, &peer.Peer{Addr: Addr(from), LocalAddr: Addr(s.options.Name), AuthInfo: authInfo(from)})
	s.calls[c] = struct{}{}
	s.handlers.Add(1)
	task := func() {
		defer func() {
			c.cancel()
			s.mu.Lock()
			delete(s.calls, c)
			s.mu.Unlock()
			s.handlers.Done()
		}()
		s.handle(run, from, md, c)
	}
	select {
	case s.tasks <- task:
	default:
		go s.work(task)
	}
	return nil
}

// work runs the task and those that come after it, until enough others wait for
// more or the server takes no more.
func (s *Server) work(task func()) {
	for {
		task()
		if s.idle.Add(1) > kept {
			s.idle.Add(-1)
			return
		}
		select {
		case task = <-s.tasks:
			s.idle.Add(-1)
		case <-s.closed:
			return
		}
	}
}

func (s *Server) handle(ctx context.Context, from string, md metadata.MD, c *call) {
	if len(s.stats) > 0 {
		ctx = s.stats.tag(ctx, c.method)
		s.stats.rpc(ctx, &stats.InHeader{FullMethod: c.method, Header: md, RemoteAddr: Addr(from), LocalAddr: Addr(s.options.Name)})
	}
	svc, desc, missing := s.find(c.method)
	if missing != "" {
		c.end(status.New(codes.Unimplemented, missing))
		return
	}
	began := clock.System().Now()
	ss := &serverStream{server: s, call: c, desc: desc, now: clock.System()}
	ss.ctx = grpc.NewContextWithServerTransportStream(ctx, transportStream{ss})
	s.stats.rpc(ctx, &stats.Begin{BeginTime: began, IsClientStream: desc.ClientStreams, IsServerStream: desc.ServerStreams})
	err := s.run(svc, desc, ss)
	final := status.New(codes.OK, "")
	if err != nil {
		final = statusOf(err)
	}
	if len(s.stats) > 0 {
		s.stats.rpc(ctx, &stats.OutTrailer{Trailer: c.addedTrailer()})
		s.stats.rpc(ctx, &stats.End{BeginTime: began, EndTime: clock.System().Now(), Error: final.Err()})
	}
	c.end(final)
}

// run calls the handler through the interceptors; a panic that none of them
// caught is logged and becomes INTERNAL.
func (s *Server) run(svc *service, desc *grpc.StreamDesc, ss *serverStream) (err error) {
	defer func() {
		if v := recover(); v != nil {
			s.options.Logger.ErrorContext(ss.ctx, "handler panicked", "method", ss.call.method, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			err = status.Error(codes.Internal, "inproc: the handler panicked")
		}
	}()
	if s.stream == nil || (!desc.ClientStreams && !desc.ServerStreams) {
		return desc.Handler(svc.impl, ss)
	}
	return s.stream(svc.impl, ss, &grpc.StreamServerInfo{
		FullMethod: ss.call.method, IsClientStream: desc.ClientStreams, IsServerStream: desc.ServerStreams,
	}, desc.Handler)
}

// find returns the method, or gRPC's words for its absence.
func (s *Server) find(method string) (*service, *grpc.StreamDesc, string) {
	rest, ok := strings.CutPrefix(method, "/")
	i := strings.LastIndex(rest, "/")
	if !ok || i < 0 {
		return nil, nil, fmt.Sprintf("malformed method name: %q", method)
	}
	svc := s.services[rest[:i]]
	if svc == nil {
		return nil, nil, "unknown service " + rest[:i]
	}
	desc := svc.methods[rest[i+1:]]
	if desc == nil {
		return nil, nil, fmt.Sprintf("unknown method %v for service %v", rest[i+1:], rest[:i])
	}
	return svc, desc, ""
}

// statusOf maps a handler's error as grpc.Server does.
func statusOf(err error) *status.Status {
	if s, ok := status.FromError(err); ok {
		return s
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return status.New(codes.Internal, err.Error())
	}
	return status.FromContextError(err)
}

func chainUnary(all []grpc.UnaryServerInterceptor) grpc.UnaryServerInterceptor {
	if len(all) == 0 {
		return nil
	}
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		for _, a := range slices.Backward(all) {
			around, inner := a, handler
			handler = func(ctx context.Context, req any) (any, error) { return around(ctx, req, info, inner) }
		}
		return handler(ctx, req)
	}
}

func chainStream(all []grpc.StreamServerInterceptor) grpc.StreamServerInterceptor {
	if len(all) == 0 {
		return nil
	}
	return func(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		for _, a := range slices.Backward(all) {
			around, inner := a, handler
			handler = func(srv any, ss grpc.ServerStream) error { return around(srv, ss, info, inner) }
		}
		return handler(srv, ss)
	}
}
