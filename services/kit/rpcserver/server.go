// Package rpcserver assembles a gRPC server of the suite: one registration of a
// service is served on a listener and, through package inproc, to other services
// of the same process, by the same interceptors in the same order.
//
// It adds no meaning of its own: who calls is package authn's, what is allowed
// authz's, what an error is called rpcerr's. Start reading at [New].
//
// Source: DESIGN sections 8 and 9; STYLE section 3.
package rpcserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/stats"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/authz"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/config"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/inproc"
	"example.com/redress/services/kit/page"
	"example.com/redress/services/kit/rpcerr"
	"example.com/redress/services/kit/telemetry"
)

// ReasonStopping says that the server is being stopped; another replica, or a retry, will do.
const ReasonStopping = "SERVER_STOPPING"

// Reasons returns the catalogue entries of this package and of those it
// assembles: every reason the transport itself answers with.
func Reasons() []fault.Entry {
	own := []fault.Entry{{Reason: ReasonStopping, Kind: fault.Unavailable, ZH: "服务正在重启，请稍后重试。", EN: "The server is stopping; try again shortly."}}
	return slices.Concat(own, fault.Reasons(), rpcerr.Reasons(), authn.Reasons(), authz.Reasons(), page.Reasons())
}

// Options of a server.
type Options struct {
	// Name of the service: "routing".
	Name string
	// Config is the server's own; its zero fields get the defaults.
	Config Config
	// Catalogue speaks for every reason a handler may answer with. It should
	// contain [Reasons]; nil means nothing but those.
	Catalogue *fault.Catalogue
	// Tokens verifies bearer tokens; nil refuses them.
	Tokens authn.Verifier
	// Functions asks the directory; nil denies everything that needs a function.
	Functions authz.Functions
	// Telemetry measures and logs; nil does neither.
	Telemetry *telemetry.Telemetry
	// Unary and Stream run innermost, around the handlers.
	Unary  []grpc.UnaryServerInterceptor
	Stream []grpc.StreamServerInterceptor
	// EndOnStop are full names of streams without end, which end as soon as the
	// server stops. The feed and health watches are among them anyway.
	EndOnStop []string
}

// Server serves the registered services. It implements grpc.ServiceRegistrar
// and lifecycle.Failing.
type Server struct {
	options Options
	config  Config
	logger  *slog.Logger
	table   *rpcerr.Table
	authz   *authz.Authorizer
	clock   clock.Machine
	endless map[string]bool

	listener net.Listener // nil if only in-process
	network  *grpc.Server // nil if only in-process
	local    *inproc.Server
	health   *health.Server

	stopping chan struct{} // closed when streams without end are to end

	mu      sync.Mutex
	started bool
	stopped bool
	serving sync.WaitGroup

	done chan struct{}
	once sync.Once
	err  error
}

// New returns a server with health, and reflection where allowed, registered.
// It binds the listener, so that the port is known; it serves nothing before Start.
func New(o Options) (_ *Server, err error) {
	c := o.Config
	fillDefaults(&c)
	if err := config.Validate("rpcserver", &c); err != nil {
		return nil, err
	}
	catalogue := o.Catalogue
	if catalogue == nil {
		if catalogue, err = fault.NewCatalogue(Reasons()...); err != nil {
			return nil, err
		}
	}
	s := &Server{
		options: o, config: c, logger: slog.New(slog.DiscardHandler), table: rpcerr.New(catalogue), authz: authz.New(o.Functions),
		clock: clock.System(), health: health.NewServer(), stopping: make(chan struct{}), done: make(chan struct{}),
		endless: map[string]bool{
			healthpb.Health_Watch_FullMethodName: true, eventv1.FeedService_Subscribe_FullMethodName: true,
			"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": true,
		},
	}
	for _, method := range o.EndOnStop {
		s.endless[method] = true
	}
	var watchers []stats.Handler
	if o.Telemetry != nil {
		s.logger, watchers = o.Telemetry.Logger, []stats.Handler{o.Telemetry.ServerStats()}
	}
	unary, stream := s.chain()
	s.local = inproc.NewServer(inproc.Options{
		Name: o.Name, Unary: unary, Stream: stream, Stats: watchers,
		MaxReceive: int(c.MaxReceive), MaxSend: int(c.MaxSend), Logger: s.logger,
	})
	if c.Listen != "" {
		if err := s.listen(unary, stream, watchers); err != nil {
			return nil, fmt.Errorf("serve %s: %w", o.Name, err)
		}
	}
	s.health.SetServingStatus("", healthpb.HealthCheckResponse_NOT_SERVING)
	healthpb.RegisterHealthServer(s, s.health)
	if c.Reflection || c.Listen != "" && isLoopback(s.listener.Addr().String()) {
		reflection.RegisterV1(s)
	}
	return s, nil
}

// fillDefaults takes the defaults for what is zero, so that a Config made in
// code needs to name only what differs.
func fillDefaults(c *Config) {
	var d Config
	d.Defaults()
	if c.Forwarders == nil {
		c.Forwarders = d.Forwarders
	}
	for _, f := range []struct{ at, or *config.Duration }{{&c.Deadline, &d.Deadline}, {&c.MaxDeadline, &d.MaxDeadline}} {
		if *f.at == 0 {
			*f.at = *f.or
		}
	}
	for _, f := range []struct{ at, or *config.Size }{{&c.MaxReceive, &d.MaxReceive}, {&c.MaxSend, &d.MaxSend}} {
		if *f.at == 0 {
			*f.at = *f.or
		}
	}
	if c.MaxStreams == 0 {
		c.MaxStreams = d.MaxStreams
	}
}

const (
	// pingAfter and pingTimeout find connections whose other end has vanished.
	pingAfter   = 30 * time.Second
	pingTimeout = 10 * time.Second
	// pingLimit is how often clients may ping.
	pingLimit = 10 * time.Second
	// workers is how many goroutines are kept for calls, with the stacks that calls
	// need: growing a new stack for each costs a tenth of a registration. Calls above
	// it get goroutines of their own.
	workers = 128
	// hardStop is how long handlers get to notice that they were cut off.
	hardStop = time.Second
)

func (s *Server) listen(unary []grpc.UnaryServerInterceptor, stream []grpc.StreamServerInterceptor, watchers []stats.Handler) error {
	options := []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(unary...), grpc.ChainStreamInterceptor(stream...),
		grpc.MaxRecvMsgSize(int(s.config.MaxReceive)), grpc.MaxSendMsgSize(int(s.config.MaxSend)),
		grpc.MaxConcurrentStreams(s.config.MaxStreams), grpc.WaitForHandlers(true), grpc.NumStreamWorkers(workers),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: pingAfter, Timeout: pingTimeout}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: pingLimit, PermitWithoutStream: true}),
	}
	for _, w := range watchers {
		options = append(options, grpc.StatsHandler(w))
	}
	if s.config.TLS.configured() {
		protection, err := serverTLS(s.config.TLS, s.config.Clients)
		if err != nil {
			return err
		}
		options = append(options, grpc.Creds(credentials.NewTLS(protection)))
	}
	l, err := net.Listen("tcp", s.config.Listen)
	if err != nil {
		return err
	}
	if !s.config.TLS.configured() && !isLoopback(l.Addr().String()) {
		return errors.Join(fmt.Errorf("%s is not a loopback address: it needs tls", l.Addr()), l.Close())
	}
	s.listener, s.network = l, grpc.NewServer(options...)
	return nil
}

// RegisterService implements grpc.ServiceRegistrar, before Start.
func (s *Server) RegisterService(desc *grpc.ServiceDesc, impl any) {
	s.local.RegisterService(desc, impl)
	if s.network != nil {
		s.network.RegisterService(desc, impl)
	}
}

// GetServiceInfo returns the registered services.
func (s *Server) GetServiceInfo() map[string]grpc.ServiceInfo { return s.local.GetServiceInfo() }

// Addr returns the address of the listener; nil if there is none.
func (s *Server) Addr() net.Addr {
	if s.listener == nil {
		return nil
	}
	return s.listener.Addr()
}

// Matrix returns who may call what, after Start.
func (s *Server) Matrix() string { return s.authz.Matrix() }

// Conn returns an in-process connection on behalf of the named service, whose
// calls fail with faults.
func (s *Server) Conn(caller string) *inproc.Conn {
	o := s.dial(caller)
	o.Unary, o.Stream = []grpc.UnaryClientInterceptor{rpcerr.UnaryClient()}, []grpc.StreamClientInterceptor{rpcerr.StreamClient()}
	return s.local.Dial(o)
}

// RawConn is Conn whose calls fail with statuses, for the gateway.
func (s *Server) RawConn(caller string) *inproc.Conn { return s.local.Dial(s.dial(caller)) }

func (s *Server) dial(caller string) inproc.ConnOptions {
	o := inproc.ConnOptions{Caller: caller, MaxReceive: int(s.config.MaxSend)}
	if s.options.Telemetry != nil {
		o.Stats = []stats.Handler{s.options.Telemetry.For(caller).ClientStats()}
	}
	return o
}

// Start checks that every method declares who may call it, prepares the
// validation of every request, and serves. Health says NOT_SERVING until SetServing.
func (s *Server) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopped:
		return fmt.Errorf("serve %s: already stopped", s.options.Name)
	case s.started:
		return nil
	}
	services := s.GetServiceInfo()
	if err := s.authz.Check(services); err != nil {
		return fmt.Errorf("serve %s: %w", s.options.Name, err)
	}
	if err := compileRules(services); err != nil {
		return fmt.Errorf("serve %s: validation: %w", s.options.Name, err)
	}
	for name := range services {
		s.health.SetServingStatus(name, healthpb.HealthCheckResponse_NOT_SERVING)
	}
	s.started = true
	s.local.Serve()
	if s.network != nil {
		s.serving.Go(func() {
			if err := s.network.Serve(s.listener); err != nil {
				s.finish(fmt.Errorf("serve %s: %w", s.options.Name, err))
			}
		})
		s.logger.InfoContext(ctx, "listening", "name", s.options.Name, "address", s.listener.Addr().String(), "tls", s.config.TLS.configured())
	}
	return nil
}

// SetServing says in health checks whether calls are welcome. It changes
// nothing else: calls are answered either way.
func (s *Server) SetServing(serving bool) {
	status := healthpb.HealthCheckResponse_NOT_SERVING
	if serving {
		status = healthpb.HealthCheckResponse_SERVING
	}
	s.health.SetServingStatus("", status)
	for name := range s.GetServiceInfo() {
		s.health.SetServingStatus(name, status)
	}
}

// Stop says NOT_SERVING, waits for the drain delay, ends streams without end,
// takes no more calls and waits for those in flight until ctx ends; then it cuts
// them off. It implements lifecycle.Service.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return nil
	}
	s.stopped = true
	s.health.Shutdown()
	if s.started {
		_ = s.clock.Pause(ctx, s.config.Drain.Std()) // an early end of ctx shortens it
	}
	close(s.stopping)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.each((*inproc.Server).GracefulStop, (*grpc.Server).GracefulStop)
		s.serving.Wait()
	}()
	defer s.finish(nil)
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
	}
	go s.each((*inproc.Server).Stop, (*grpc.Server).Stop)
	late := s.clock.NewTimer(hardStop)
	defer late.Stop()
	select {
	case <-ended:
	case <-late.C:
		return fmt.Errorf("stop %s: handlers still run: %w", s.options.Name, ctx.Err())
	}
	return fmt.Errorf("stop %s: calls were cut off: %w", s.options.Name, ctx.Err())
}

// each stops both servers at once and returns when both have.
func (s *Server) each(local func(*inproc.Server), network func(*grpc.Server)) {
	var both sync.WaitGroup
	both.Go(func() { local(s.local) })
	if s.network != nil {
		both.Go(func() {
			network(s.network)
			_ = s.listener.Close() // not yet taken by Serve if never started
		})
	}
	both.Wait()
}

func (s *Server) finish(err error) {
	s.once.Do(func() {
		s.err = err
		close(s.done)
	})
}

// Done implements lifecycle.Failing: it is closed when the listener fails or the
// server has stopped.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err implements lifecycle.Failing.
func (s *Server) Err() error {
	select {
	case <-s.done:
		return s.err
	default:
		return nil
	}
}
