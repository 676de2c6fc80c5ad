package feed_test

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/feed"
)

func slogOf(l *listener) *slog.Logger { return slog.New(l) }

func registrar(s *feed.Server) func(grpc.ServiceRegistrar) {
	return func(r grpc.ServiceRegistrar) { eventv1.RegisterFeedServiceServer(r, s) }
}

// gate is a connection that can be cut, and that can hold back what it received.
type gate struct {
	grpc.ClientConnInterface

	refuse atomic.Bool

	mu      sync.Mutex
	cancels []context.CancelFunc
	hold    chan struct{} // messages pass once it is closed
	arrived chan struct{} // gets a value for each message held back
}

func newGate(conn grpc.ClientConnInterface) *gate { return &gate{ClientConnInterface: conn} }

func (g *gate) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	if g.refuse.Load() {
		return fault.New(fault.Unavailable, "AWAY_BY_GATE")
	}
	return g.ClientConnInterface.Invoke(ctx, method, args, reply, opts...)
}

func (g *gate) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	ctx, cancel := context.WithCancel(ctx)
	g.mu.Lock()
	g.cancels = append(g.cancels, cancel)
	g.mu.Unlock()
	s, err := g.ClientConnInterface.NewStream(ctx, desc, method, opts...)
	return gatedStream{s, g}, err
}

// breakStreams cuts every stream there is.
func (g *gate) breakStreams() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, cancel := range g.cancels {
		cancel()
	}
	g.cancels = nil
}

// gatedStream holds back messages while its gate does.
type gatedStream struct {
	grpc.ClientStream
	g *gate
}

func (s gatedStream) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	s.g.mu.Lock()
	hold, arrived := s.g.hold, s.g.arrived
	s.g.mu.Unlock()
	if err == nil && hold != nil {
		select {
		case arrived <- struct{}{}:
		default:
		}
		<-hold
	}
	return err
}
