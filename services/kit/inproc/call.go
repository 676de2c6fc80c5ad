package inproc

import (
	"context"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// call is one RPC: what both sides share, and the only thing they share.
type call struct {
	method string
	desc   *grpc.StreamDesc

	up   chan mem.BufferSlice // client to server; closed by the client when it has sent its last
	down chan mem.BufferSlice // server to client; never closed: ended says when no more will come

	// cancel ends the server's context: the client has gone away or the server stops.
	cancel context.CancelFunc

	mu       sync.Mutex
	pending  metadata.MD // header not yet sent
	header   metadata.MD // as sent; nil before
	trailer  metadata.MD
	headerUp chan struct{} // closed when header is sent, or the call has ended without one
	sent     bool
	ended    chan struct{} // closed when status and trailer are final
	status   *status.Status
}

func newCall(method string, desc *grpc.StreamDesc) *call {
	size := window
	if !desc.ClientStreams && !desc.ServerStreams {
		size = 1
	}
	return &call{
		method: method, desc: desc,
		up: make(chan mem.BufferSlice, size), down: make(chan mem.BufferSlice, size),
		headerUp: make(chan struct{}), ended: make(chan struct{}),
	}
}

// addHeader adds to the header, or sends it with what was added before.
func (c *call) addHeader(md metadata.MD, send bool) error {
	md, err := carry(md)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sent {
		return status.Error(codes.Internal, "transport: SetHeader/SendHeader called multiple times")
	}
	c.pending = metadata.Join(c.pending, md)
	if send {
		c.sendHeader()
	}
	return nil
}

// flushHeader sends the header if it was not sent yet; before the first message.
func (c *call) flushHeader() (first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sent {
		return false
	}
	c.sendHeader()
	return true
}

func (c *call) sendHeader() {
	c.sent = true
	c.header = metadata.Join(c.pending, metadata.Pairs("content-type", "application/grpc"))
	close(c.headerUp)
}

func (c *call) addTrailer(md metadata.MD) error {
	md, err := carry(md)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.ended:
		return status.Error(codes.Internal, "transport: the stream is done or WriteHeader was already called")
	default:
		c.trailer = metadata.Join(c.trailer, md)
		return nil
	}
}

// end makes the status final; the first to call wins. A header that was set and
// not sent goes before it.
func (c *call) end(s *status.Status) {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.ended:
		return
	default:
	}
	if !c.sent {
		if len(c.pending) > 0 {
			c.sendHeader()
		} else {
			c.sent = true
			close(c.headerUp)
		}
	}
	c.status = status.FromProto(s.Proto())
	close(c.ended)
}

// sentHeader returns a copy of the header as sent; nil if none was.
func (c *call) sentHeader() metadata.MD {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.header == nil {
		return nil
	}
	return c.header.Copy()
}

// sentTrailer returns a copy of the trailer as it stands, and whether the call has ended.
func (c *call) sentTrailer() (metadata.MD, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.ended:
		return c.trailer.Copy(), true
	default:
		return nil, false
	}
}

// addedTrailer returns a copy of the trailer before the call has ended.
func (c *call) addedTrailer() metadata.MD {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.trailer.Copy()
}
