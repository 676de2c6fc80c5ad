package inproc

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	"example.com/redress/services/kit/clock"
)

// serverStream is the handler's side of a call.
type serverStream struct {
	server *Server
	call   *call
	desc   *grpc.StreamDesc
	ctx    context.Context
	now    clock.Machine
	got    bool // a message was received
}

// transportStream is what grpc.SetHeader and its like find in the context.
type transportStream struct{ s *serverStream }

// Method implements grpc.ServerTransportStream.
func (t transportStream) Method() string { return t.s.call.method }

// SetHeader implements grpc.ServerTransportStream.
func (t transportStream) SetHeader(md metadata.MD) error { return t.s.SetHeader(md) }

// SendHeader implements grpc.ServerTransportStream.
func (t transportStream) SendHeader(md metadata.MD) error { return t.s.SendHeader(md) }

// SetTrailer implements grpc.ServerTransportStream.
func (t transportStream) SetTrailer(md metadata.MD) error { return t.s.call.addTrailer(md) }

// Context implements grpc.ServerStream.
func (s *serverStream) Context() context.Context { return s.ctx }

// SetHeader implements grpc.ServerStream.
func (s *serverStream) SetHeader(md metadata.MD) error {
	if md.Len() == 0 {
		return nil
	}
	return s.call.addHeader(md, false)
}

// SendHeader implements grpc.ServerStream.
func (s *serverStream) SendHeader(md metadata.MD) error {
	if err := s.call.addHeader(md, true); err != nil {
		return err
	}
	s.server.stats.rpc(s.ctx, &stats.OutHeader{Header: s.call.sentHeader()})
	return nil
}

// SetTrailer implements grpc.ServerStream. What cannot travel is dropped.
func (s *serverStream) SetTrailer(md metadata.MD) { _ = s.call.addTrailer(md) }

// SendMsg implements grpc.ServerStream. An error ends the call with its status.
func (s *serverStream) SendMsg(m any) error {
	err := s.send(m)
	if err != nil {
		s.call.end(statusOf(err))
	}
	return err
}

func (s *serverStream) send(m any) error {
	data, err := marshal(m, s.server.options.MaxSend)
	if err != nil {
		return err
	}
	size := data.Len()
	if s.call.flushHeader() {
		s.server.stats.rpc(s.ctx, &stats.OutHeader{Header: s.call.sentHeader()})
	}
	select {
	case <-s.ctx.Done():
		return status.FromContextError(s.ctx.Err()).Err()
	case <-s.call.ended:
		return status.Error(codes.Unavailable, "inproc: the call has ended")
	default:
	}
	select {
	case s.call.down <- data:
	case <-s.ctx.Done():
		return status.FromContextError(s.ctx.Err()).Err()
	case <-s.call.ended:
		return status.Error(codes.Unavailable, "inproc: the call has ended")
	}
	if len(s.server.stats) > 0 {
		s.server.stats.rpc(s.ctx, &stats.OutPayload{Payload: m, Length: size, CompressedLength: size, WireLength: size + frame, SentTime: s.now.Now()})
	}
	return nil
}

// RecvMsg implements grpc.ServerStream. An error other than io.EOF ends the
// call with its status.
func (s *serverStream) RecvMsg(m any) error {
	err := s.receive(m)
	if err != nil && !errors.Is(err, io.EOF) {
		s.call.end(statusOf(err))
	}
	return err
}

func (s *serverStream) receive(m any) error {
	select {
	case data, more := <-s.call.up:
		return s.take(m, data, more)
	default:
	}
	select {
	case data, more := <-s.call.up:
		return s.take(m, data, more)
	case <-s.ctx.Done():
		return status.FromContextError(s.ctx.Err()).Err()
	}
}

func (s *serverStream) take(m any, data mem.BufferSlice, more bool) error {
	if !more {
		if !s.got && !s.desc.ClientStreams {
			return status.Error(codes.Internal, "cardinality violation: received no request message from non-client-streaming RPC")
		}
		return io.EOF
	}
	s.got = true
	size := data.Len()
	if err := unmarshal(data, m, s.server.options.MaxReceive); err != nil {
		return err
	}
	if len(s.server.stats) > 0 {
		s.server.stats.rpc(s.ctx, &stats.InPayload{Payload: m, Length: size, CompressedLength: size, WireLength: size + frame, RecvTime: s.now.Now()})
	}
	return nil
}

// frame is the length of gRPC's message header, counted so that figures compare.
const frame = 5

func marshal(m any, limit int) (mem.BufferSlice, error) {
	data, err := codec().Marshal(m)
	if err != nil {
		return nil, status.Errorf(codes.Internal, "grpc: error while marshaling: %v", err)
	}
	if n := data.Len(); n > limit {
		data.Free()
		return nil, status.Errorf(codes.ResourceExhausted, "trying to send message larger than max (%d vs. %d)", n, limit)
	}
	return data, nil
}

func unmarshal(data mem.BufferSlice, m any, limit int) error {
	defer data.Free()
	if n := data.Len(); n > limit {
		return status.Errorf(codes.ResourceExhausted, "grpc: received message larger than max (%d vs. %d)", n, limit)
	}
	if err := codec().Unmarshal(data, m); err != nil {
		return status.Errorf(codes.Internal, "grpc: failed to unmarshal the received message: %v", err)
	}
	return nil
}
