package simulation_test

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/inproc"
)

// wire leads from a process to whichever process of a service answers. It loses,
// delays and doubles messages, and breaks.
type wire struct {
	p       *process
	service string
}

var _ grpc.ClientConnInterface = (*wire)(nil)

// reach returns a connection for one call.
func (n *wire) reach(ctx context.Context, draw uint64) (*inproc.Conn, error) {
	to := n.p.w.pickProcess(n.service, draw)
	if to == nil {
		if err := clock.System().Pause(ctx, patience); err != nil {
			return nil, status.FromContextError(err).Err()
		}
		return nil, status.Error(codes.Unavailable, "nobody answers")
	}
	_, server, _ := to.serving()
	return server.Dial(inproc.ConnOptions{Caller: n.p.service}), nil
}

// patience is how long it takes to notice that nobody is there.
const patience = 10 * time.Minute

// Invoke implements grpc.ClientConnInterface.
func (n *wire) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	v := n.p.pass("net call " + method)
	if v.err != nil && !v.effect {
		return broken(v.err)
	}
	conn, err := n.reach(ctx, v.draw)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.Invoke(ctx, method, args, reply, opts...); err != nil {
		return err
	}
	if v.err != nil {
		return broken(v.err)
	}
	return nil
}

func broken(err error) error { return status.Error(codes.Unavailable, err.Error()) }

// NewStream implements grpc.ClientConnInterface.
func (n *wire) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	v := n.p.pass("net stream " + method)
	if v.err != nil {
		return nil, broken(v.err)
	}
	conn, err := n.reach(ctx, v.draw)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	inner, err := conn.NewStream(ctx, desc, method, opts...)
	if err != nil {
		cancel()
		_ = conn.Close()
		return nil, err
	}
	return &stream{ClientStream: inner, p: n.p, end: sync.OnceFunc(func() {
		cancel()
		_ = conn.Close()
	})}, nil
}

// stream is the receiving end of a stream over the wire.
type stream struct {
	grpc.ClientStream
	p     *process
	end   func()
	again proto.Message // to be received once more
}

// breaks is how long a connection that lost something stands before that shows.
const breaks = 10 * time.Minute

// RecvMsg implements grpc.ClientStream.
func (s *stream) RecvMsg(m any) error {
	into, ok := m.(proto.Message)
	if !ok {
		return status.Error(codes.Internal, "not a message")
	}
	if s.again != nil {
		proto.Merge(into, s.again)
		s.again = nil
		return nil
	}
	for {
		if err := s.ClientStream.RecvMsg(m); err != nil {
			s.end()
			return err
		}
		v := s.p.pass("net message")
		if v.err != nil {
			s.end()
			return broken(v.err)
		}
		if v.lost {
			proto.Reset(into)
			time.AfterFunc(breaks, s.end)
			continue
		}
		if v.twice {
			s.again = proto.Clone(into)
		}
		return nil
	}
}
