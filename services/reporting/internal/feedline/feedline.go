// Package feedline watches the feeds a read model is filled from: it knows up to
// when each was read, and connects one anew that stands still behind its source,
// as all do after a rebuild set their positions back.
//
// It sits around the connections that the consumers are given and knows nothing
// of what the feeds carry. Start reading at [Lines].
package feedline

import (
	"context"
	"sync"

	"google.golang.org/grpc"
)

// Lines are connections to sources whose streams can be cut. Safe for concurrent use.
type Lines struct {
	dial func(source string) grpc.ClientConnInterface

	mu  sync.Mutex
	all map[string]*line
}

// New returns lines over connections.
func New(dial func(source string) grpc.ClientConnInterface) *Lines {
	return &Lines{dial: dial, all: map[string]*line{}}
}

// Dial returns the line to a source.
func (l *Lines) Dial(source string) grpc.ClientConnInterface {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all[source] == nil {
		n := &line{ClientConnInterface: l.dial(source)}
		n.whole, n.cut = context.WithCancel(context.Background())
		l.all[source] = n
	}
	return l.all[source]
}

// Cut ends all streams from the source, or from all sources if it is empty. Their
// consumers connect again, which reads their positions from the store.
func (l *Lines) Cut(source string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, n := range l.all {
		if source == "" || name == source {
			n.sever()
		}
	}
}

// line is the connection to one source.
type line struct {
	grpc.ClientConnInterface

	mu    sync.Mutex
	whole context.Context // its end is what streams listen to
	cut   context.CancelFunc
}

func (n *line) sever() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut()
	n.whole, n.cut = context.WithCancel(context.Background())
}

// NewStream implements grpc.ClientConnInterface: the stream also ends when the line is cut.
func (n *line) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	n.mu.Lock()
	whole := n.whole
	n.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	release := context.AfterFunc(whole, cancel)
	context.AfterFunc(ctx, func() { release() })
	stream, err := n.ClientConnInterface.NewStream(ctx, desc, method, opts...)
	if err != nil {
		cancel()
	}
	return stream, err
}
