package inproc

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	"example.com/redress/services/kit/clock"
)

// clientStream is the caller's side of a call.
type clientStream struct {
	conn                *Conn
	call                *call
	user                context.Context // the caller's, with what stats handlers added
	ctx                 context.Context // user with the peer
	maxReceive, maxSend int
	after               []func(error)
	now                 clock.Machine
	began               time.Time
	tagged              bool // stats handlers know of the call

	sentLast   bool
	got        bool
	headerSeen bool

	once sync.Once
	done chan struct{} // closed by finish; nil for unary calls
}

// watch ends the call when its context or connection ends though nobody
// receives: who abandons a stream cancels its context.
func (s *clientStream) watch() {
	s.done = make(chan struct{})
	go func() {
		select {
		case <-s.user.Done():
			s.finish(status.FromContextError(s.user.Err()).Err())
		case <-s.conn.closed:
			s.finish(errClosing())
		case <-s.done:
		}
	}()
}

// finish ends the caller's side: the first to call wins.
func (s *clientStream) finish(err error) {
	s.once.Do(func() {
		if errors.Is(err, io.EOF) {
			err = nil
		}
		if s.call.cancel != nil {
			s.call.cancel()
		}
		for _, f := range s.after {
			f(err)
		}
		if s.tagged {
			if trailer, ended := s.call.sentTrailer(); ended {
				s.conn.stats.rpc(s.user, &stats.InTrailer{Client: true, Trailer: trailer})
			}
			s.conn.stats.rpc(s.user, &stats.End{Client: true, BeginTime: s.began, EndTime: s.now.Now(), Error: err})
		}
		if s.done != nil {
			close(s.done)
		}
	})
}

// Context implements grpc.ClientStream.
func (s *clientStream) Context() context.Context { return s.ctx }

// Header implements grpc.ClientStream.
func (s *clientStream) Header() (metadata.MD, error) {
	select {
	case <-s.call.headerUp:
	case <-s.user.Done():
		s.finish(status.FromContextError(s.user.Err()).Err())
		return nil, nil
	case <-s.conn.closed:
		s.finish(errClosing())
		return nil, nil
	}
	return s.call.sentHeader(), nil
}

// Trailer implements grpc.ClientStream.
func (s *clientStream) Trailer() metadata.MD {
	trailer, _ := s.call.sentTrailer()
	return trailer
}

// CloseSend implements grpc.ClientStream.
func (s *clientStream) CloseSend() error {
	if !s.sentLast {
		s.sentLast = true
		close(s.call.up)
	}
	return nil
}

// SendMsg implements grpc.ClientStream. io.EOF says that the call has ended;
// RecvMsg tells how.
func (s *clientStream) SendMsg(m any) (err error) {
	if s.sentLast {
		return status.Error(codes.Internal, "SendMsg called after CloseSend")
	}
	defer func() {
		if err != nil && !errors.Is(err, io.EOF) {
			s.finish(err)
		}
	}()
	data, err := marshal(m, s.maxSend)
	if err != nil {
		return err
	}
	size := data.Len()
	if s.offer(data) {
		if s.tagged {
			s.conn.stats.rpc(s.user, &stats.OutPayload{Client: true, Payload: m, Length: size, CompressedLength: size, WireLength: size + frame, SentTime: s.now.Now()})
		}
	} else if s.call.desc.ClientStreams {
		return io.EOF
	}
	if !s.call.desc.ClientStreams {
		return s.CloseSend()
	}
	return nil
}

// offer reports whether the message was put on its way.
func (s *clientStream) offer(data mem.BufferSlice) bool {
	select {
	case <-s.call.ended:
		return false
	case <-s.user.Done():
		return false
	case <-s.conn.closed:
		return false
	default:
	}
	select {
	case s.call.up <- data:
		return true
	case <-s.call.ended:
	case <-s.user.Done():
	case <-s.conn.closed:
	}
	return false
}

// RecvMsg implements grpc.ClientStream.
func (s *clientStream) RecvMsg(m any) error {
	err := s.receive(m)
	if err == nil && !s.call.desc.ServerStreams {
		// The one message is there; the status decides.
		switch _, end := s.next(); {
		case end == nil:
			err = status.Error(codes.Internal, "cardinality violation: expected <EOF> for non server-streaming RPCs, but received another message")
		case !errors.Is(end, io.EOF):
			err = end
		}
		s.finish(err)
		return err
	}
	if err != nil {
		s.finish(err)
	}
	return err
}

func (s *clientStream) receive(m any) error {
	data, err := s.next()
	if s.tagged && !s.headerSeen {
		if header := s.call.sentHeader(); header != nil {
			s.headerSeen = true
			s.conn.stats.rpc(s.user, &stats.InHeader{Client: true, Header: header})
		}
	}
	if err != nil {
		if errors.Is(err, io.EOF) && !s.call.desc.ServerStreams && !s.got {
			return status.Error(codes.Internal, "cardinality violation: received no response message from non-server-streaming RPC")
		}
		return err
	}
	s.got = true
	size := data.Len()
	if err := unmarshal(data, m, s.maxReceive); err != nil {
		return err
	}
	if s.tagged {
		s.conn.stats.rpc(s.user, &stats.InPayload{Client: true, Payload: m, Length: size, CompressedLength: size, WireLength: size + frame, RecvTime: s.now.Now()})
	}
	return nil
}

// next returns the next message; after the last, the status or io.EOF for OK.
func (s *clientStream) next() (mem.BufferSlice, error) {
	select {
	case <-s.user.Done():
		return nil, status.FromContextError(s.user.Err()).Err()
	default:
	}
	select {
	case data := <-s.call.down:
		return data, nil
	default:
	}
	select {
	case data := <-s.call.down:
		return data, nil
	case <-s.user.Done():
		return nil, status.FromContextError(s.user.Err()).Err()
	case <-s.conn.closed:
		return nil, errClosing()
	case <-s.call.ended:
	}
	// Messages sent before the end come before the status.
	select {
	case data := <-s.call.down:
		return data, nil
	default:
	}
	if err := s.call.status.Err(); err != nil {
		return nil, err
	}
	return nil, io.EOF
}
