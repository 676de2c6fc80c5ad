package inproc

import (
	"context"
	"slices"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	"example.com/redress/services/kit/clock"
)

// ConnOptions of a connection. The zero value works.
type ConnOptions struct {
	// Caller is the name of the service that calls; the server's credentials carry it.
	Caller string
	// Unary and Stream run around every call, the first outermost. They get no
	// *grpc.ClientConn: there is none.
	Unary  []grpc.UnaryClientInterceptor
	Stream []grpc.StreamClientInterceptor
	// Stats see every call, as those of a grpc.ClientConn do.
	Stats []stats.Handler
	// Credentials add metadata to every call; nil adds none.
	Credentials credentials.PerRPCCredentials
	// MaxReceive and MaxSend limit the bytes of one message; 0 means 4 MiB and no limit.
	MaxReceive, MaxSend int
}

// Conn is a connection to a [Server] of the same process. It implements
// grpc.ClientConnInterface and is safe for concurrent use.
type Conn struct {
	server  *Server
	options ConnOptions
	stats   handlers
	once    sync.Once
	closed  chan struct{}
}

var _ grpc.ClientConnInterface = (*Conn)(nil)

// Dial returns a connection on behalf of the named caller. It never fails:
// whether the server serves shows in the calls.
func (s *Server) Dial(o ConnOptions) *Conn {
	if o.MaxReceive == 0 {
		o.MaxReceive = defaultReceive
	}
	if o.MaxSend == 0 {
		o.MaxSend = defaultSend
	}
	return &Conn{server: s, options: o, stats: o.Stats, closed: make(chan struct{})}
}

// Close ends the connection; calls in flight fail as CANCELED. It returns nil.
func (c *Conn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

// errClosing is gRPC's own answer of a closed connection.
func errClosing() error {
	return status.Error(codes.Canceled, "grpc: the client connection is closing")
}

// Invoke implements grpc.ClientConnInterface.
func (c *Conn) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	invoke := c.invoke
	for _, v := range slices.Backward(c.options.Unary) {
		around, inner := v, invoke
		invoke = func(ctx context.Context, method string, args, reply any, _ *grpc.ClientConn, opts ...grpc.CallOption) error {
			return around(ctx, method, args, reply, nil, inner, opts...)
		}
	}
	return invoke(ctx, method, args, reply, nil, opts...)
}

func (c *Conn) invoke(ctx context.Context, method string, args, reply any, _ *grpc.ClientConn, opts ...grpc.CallOption) error {
	cs, err := c.open(ctx, &grpc.StreamDesc{}, method, opts)
	if err != nil {
		return err
	}
	if err := cs.SendMsg(args); err != nil {
		return err
	}
	return cs.RecvMsg(reply)
}

// NewStream implements grpc.ClientConnInterface.
func (c *Conn) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	open := func(ctx context.Context, desc *grpc.StreamDesc, _ *grpc.ClientConn, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
		cs, err := c.open(ctx, desc, method, opts)
		if err != nil {
			return nil, err
		}
		cs.watch()
		return cs, nil
	}
	for _, v := range slices.Backward(c.options.Stream) {
		around, inner := v, open
		open = func(ctx context.Context, desc *grpc.StreamDesc, _ *grpc.ClientConn, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
			return around(ctx, desc, nil, method, inner, opts...)
		}
	}
	return open(ctx, desc, nil, method, opts...)
}

// open begins a call: what grpc.ClientConn does between NewStream and its return.
func (c *Conn) open(ctx context.Context, desc *grpc.StreamDesc, method string, opts []grpc.CallOption) (_ *clientStream, err error) {
	cs := &clientStream{conn: c, call: newCall(method, desc), maxReceive: c.options.MaxReceive, maxSend: c.options.MaxSend, now: clock.System()}
	creds := []credentials.PerRPCCredentials{c.options.Credentials}
	for _, o := range opts {
		creds = cs.apply(o, creds)
	}
	defer func() {
		if err != nil {
			cs.finish(err)
		}
	}()
	select {
	case <-c.closed:
		return nil, errClosing()
	default:
	}
	if ctx.Err() != nil {
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	cs.began = cs.now.Now()
	if cs.tagged = len(c.stats) > 0; cs.tagged {
		ctx = c.stats.tag(ctx, method)
		c.stats.rpc(ctx, &stats.Begin{Client: true, BeginTime: cs.began, FailFast: true, IsClientStream: desc.ClientStreams, IsServerStream: desc.ServerStreams})
	}
	cs.user = ctx
	cs.ctx = peer.NewContext(ctx, cs.peer())
	out, _ := metadata.FromOutgoingContext(ctx)
	md, err := carry(out)
	if err != nil {
		return nil, err
	}
	if err := credentialsInto(ctx, md, creds, method); err != nil {
		return nil, err
	}
	md.Set(":authority", c.server.options.Name)
	md.Set("content-type", "application/grpc")
	md.Set("user-agent", "redress-"+Network)
	if cs.tagged {
		c.stats.rpc(ctx, &stats.OutHeader{
			Client: true, FullMethod: method, Header: md, Authority: c.server.options.Name,
			RemoteAddr: Addr(c.server.options.Name), LocalAddr: Addr(c.options.Caller),
		})
	}
	if err := c.server.accept(ctx, c.options.Caller, md, cs.call); err != nil {
		return nil, err
	}
	return cs, nil
}

func (s *clientStream) peer() *peer.Peer {
	name := s.conn.server.options.Name
	return &peer.Peer{Addr: Addr(name), LocalAddr: Addr(s.conn.options.Caller), AuthInfo: authInfo(name)}
}

// apply takes one call option. Options about compression, codecs, connections
// and retries mean nothing here.
func (s *clientStream) apply(o grpc.CallOption, creds []credentials.PerRPCCredentials) []credentials.PerRPCCredentials {
	switch o := o.(type) {
	case grpc.HeaderCallOption:
		s.after = append(s.after, func(error) { *o.HeaderAddr = s.call.sentHeader() })
	case grpc.TrailerCallOption:
		s.after = append(s.after, func(error) { *o.TrailerAddr, _ = s.call.sentTrailer() })
	case grpc.PeerCallOption:
		s.after = append(s.after, func(error) { *o.PeerAddr = *s.peer() })
	case grpc.OnFinishCallOption:
		s.after = append(s.after, o.OnFinish)
	case grpc.MaxRecvMsgSizeCallOption:
		s.maxReceive = o.MaxRecvMsgSize
	case grpc.MaxSendMsgSizeCallOption:
		s.maxSend = o.MaxSendMsgSize
	case grpc.PerRPCCredsCallOption:
		return append(creds, o.Creds)
	}
	return creds
}

func credentialsInto(ctx context.Context, md metadata.MD, all []credentials.PerRPCCredentials, method string) error {
	for _, creds := range all {
		if creds == nil {
			continue
		}
		values, err := creds.GetRequestMetadata(ctx, method)
		if err != nil {
			if s, ok := status.FromError(err); ok {
				return s.Err()
			}
			return status.Errorf(codes.Unauthenticated, "transport: per-RPC creds failed due to error: %v", err)
		}
		for key, value := range values {
			md.Append(key, value)
		}
	}
	return nil
}
