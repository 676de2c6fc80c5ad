// Package plain is the least that a service costs: a gRPC server whose handler
// stores a state and an event, in each of the ways a program without a journal
// would, and an edge over it.
//
// Each does what it must and nothing more: it is the bar that ours is held
// against, so it must not be slower than need be. Start reading at [Serve].
package plain

import (
	"context"
	"net"
	"strings"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Conns is how many connections callers share.
const Conns = 4

// size of what a call carries, in bytes.
const size = 300

// Network is connections to one server.
type Network []*grpc.ClientConn

// Dial returns connections to the address.
func Dial(address string) (Network, error) {
	out := make(Network, Conns)
	for i := range out {
		conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return nil, err
		}
		out[i] = conn
	}
	return out, nil
}

// Of returns the connection of a caller.
func (n Network) Of(caller int) *grpc.ClientConn { return n[caller%len(n)] }

// Close closes all of them.
func (n Network) Close() error {
	var err error
	for _, conn := range n {
		if cerr := conn.Close(); err == nil {
			err = cerr
		}
	}
	return err
}

// Put stores what a call carries under a number of its own.
type Put func(ctx context.Context, id int64, body []byte) error

// Nothing stores nothing.
func Nothing(context.Context, int64, []byte) error { return nil }

// Server serves one unary method.
type Server struct {
	server  *grpc.Server
	network Network
	payload *wrapperspb.BytesValue
}

// Serve starts a server that has nothing but its handler.
func Serve(put Put) (*Server, error) {
	var last atomic.Int64
	s := &Server{server: grpc.NewServer(), payload: wrapperspb.Bytes([]byte(strings.Repeat("x", size)))}
	s.server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "bench.Plain", HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "Put", Handler: func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			in := &wrapperspb.BytesValue{}
			if err := decode(in); err != nil {
				return nil, err
			}
			return in, put(ctx, last.Add(1), in.GetValue())
		}}},
	}, struct{}{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() { _ = s.server.Serve(l) }() // ends with Stop
	s.network, err = Dial(l.Addr().String())
	return s, err
}

// Call makes one call.
func (s *Server) Call(ctx context.Context, caller, _ int) error {
	return s.network.Of(caller).Invoke(ctx, "/bench.Plain/Put", s.payload, &wrapperspb.BytesValue{})
}

// Close ends the server.
func (s *Server) Close() error {
	err := s.network.Close()
	s.server.Stop()
	return err
}
