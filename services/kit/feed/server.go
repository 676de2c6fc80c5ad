package feed

import (
	"bytes"
	"context"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
)

const (
	// DefaultPoll is how often the heads are read while streams are attached, for
	// commits of other replicas. Source: DESIGN section 4.
	DefaultPoll = 10 * time.Millisecond
	// restful is how many times longer the pause may become while nothing is heard: it is
	// a tenth of that time, so that what comes after a rest is late by a tenth of the rest.
	restful = 10

	// batchEvents and batchBytes bound a response; one event may be larger than the
	// second. gRPC takes 4 MiB by default.
	batchEvents = 128
	batchBytes  = 1 << 20
)

// ServerOptions says how a [Server] works. The zero value is usable.
type ServerOptions struct {
	// Poll is how often the heads are read for commits of other processes while there
	// are any, and a tenth as often after a rest; 0 means 10 ms, less than 0 never: for a
	// store that only this process writes.
	Poll time.Duration
	// Logger is told when the heads cannot be read; nil discards.
	Logger *slog.Logger
}

// Server serves FeedService from a journal. Safe for concurrent use.
type Server struct {
	eventv1.UnimplementedFeedServiceServer

	j *journal.Journal
	o ServerOptions

	stopped chan struct{}
	stop    sync.Once
	wait    sync.WaitGroup

	mu       sync.Mutex
	attached int
	cancel   context.CancelFunc // of the watch, while streams are attached
	heads    map[int32]int64
	changed  chan struct{} // closed when heads are replaced
}

// NewServer returns the feed of the journal.
func NewServer(j *journal.Journal, o ServerOptions) *Server {
	if o.Poll == 0 {
		o.Poll = DefaultPoll
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Server{j: j, o: o, stopped: make(chan struct{}), changed: make(chan struct{})}
}

// Close ends all streams, so that the RPC server can stop gracefully, and refuses
// further ones. It waits for the goroutine that watches the journal, not for the streams.
func (s *Server) Close() {
	s.stop.Do(func() { close(s.stopped) })
	s.mu.Lock()
	if s.cancel != nil {
		s.cancel()
	}
	s.mu.Unlock()
	s.wait.Wait()
}

// GetHeads implements FeedService. It answers with every shard of the store, so
// that a consumer learns how many there are; one without events stands at 0.
func (s *Server) GetHeads(ctx context.Context, _ *eventv1.GetHeadsRequest) (*eventv1.GetHeadsResponse, error) {
	stored, err := s.j.Heads(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]*eventv1.ShardPosition, s.j.Shards())
	for i := range all {
		all[i] = &eventv1.ShardPosition{Shard: int32(i)}
	}
	for _, h := range stored {
		if int(h.GetShard()) < len(all) {
			all[h.GetShard()] = h
		}
	}
	return &eventv1.GetHeadsResponse{Heads: all}, nil
}

// Subscribe implements FeedService.
func (s *Server) Subscribe(req *eventv1.SubscribeRequest, stream grpc.ServerStreamingServer[eventv1.SubscribeResponse]) error {
	ctx := stream.Context()
	after, err := s.check(ctx, req.GetAfter())
	if err != nil {
		return err
	}
	if err := s.attach(); err != nil {
		return err
	}
	defer s.detach()
	for {
		heads, changed := s.current()
		sent, err := s.send(ctx, stream, after, heads)
		if err != nil {
			return err
		}
		if sent {
			continue
		}
		select {
		case <-changed:
		case <-s.stopped:
			return fault.New(fault.Unavailable, ReasonStopping)
		case <-ctx.Done():
		}
		if ctx.Err() != nil { // perhaps both were ready
			return ctx.Err()
		}
	}
}

// check returns the positions to begin after, once each is known to be one that
// this journal had.
func (s *Server) check(ctx context.Context, positions []*eventv1.ShardPosition) ([]*eventv1.ShardPosition, error) {
	stored, err := s.j.Heads(ctx)
	if err != nil {
		return nil, err
	}
	heads := make(map[int32]*eventv1.ShardPosition, len(stored))
	for _, h := range stored {
		heads[h.GetShard()] = h
	}
	seen := map[int32]bool{}
	out := make([]*eventv1.ShardPosition, 0, len(positions))
	for _, p := range positions {
		if p.GetShard() < 0 || int(p.GetShard()) >= s.j.Shards() || seen[p.GetShard()] {
			return nil, fault.New(fault.Invalid, ReasonShardUnknown, "source", s.j.Service(), "shard", strconv.Itoa(int(p.GetShard())))
		}
		seen[p.GetShard()] = true
		same, err := s.had(ctx, p, heads[p.GetShard()])
		if err != nil {
			return nil, err
		}
		if !same {
			return nil, rewound(s.j.Service(), p)
		}
		out = append(out, proto.CloneOf(p))
	}
	return out, nil
}

// had reports whether the journal holds the event a consumer applied last.
func (s *Server) had(ctx context.Context, p, head *eventv1.ShardPosition) (bool, error) {
	switch {
	case p.GetSequence() <= 0:
		return true, nil
	case head.GetSequence() < p.GetSequence():
		return false, nil
	case head.GetSequence() == p.GetSequence():
		return bytes.Equal(head.GetDigest(), p.GetDigest()), nil
	}
	ev, err := s.j.Event(ctx, &eventv1.Position{Shard: p.GetShard(), Sequence: p.GetSequence()})
	if err != nil {
		return false, err
	}
	return ev != nil && bytes.Equal(ev.GetDigest(), p.GetDigest()), nil
}

func rewound(source string, p *eventv1.ShardPosition) *fault.Error {
	return fault.New(fault.DataLoss, ReasonRewound, "source", source,
		"shard", strconv.Itoa(int(p.GetShard())), "sequence", strconv.FormatInt(p.GetSequence(), 10))
}

// send sends what the heads say is there after the positions, and moves these.
// It reports whether there was anything. Every shard gets its turn in each round,
// however much another one has.
func (s *Server) send(ctx context.Context, stream grpc.ServerStreamingServer[eventv1.SubscribeResponse], after []*eventv1.ShardPosition, heads map[int32]int64) (bool, error) {
	sent := false
	resp, size := &eventv1.SubscribeResponse{}, 0
	flush := func() error {
		if len(resp.Events) == 0 {
			return nil
		}
		sent = true
		full := resp
		resp, size = &eventv1.SubscribeResponse{}, 0
		return stream.Send(full)
	}
	for _, p := range after {
		if heads[p.GetShard()] <= p.GetSequence() {
			continue
		}
		events := s.j.Recent(p.GetShard(), p.GetSequence(), batchEvents)
		if len(events) == 0 {
			var err error
			if events, err = s.j.Events(ctx, p.GetShard(), p.GetSequence(), batchEvents); err != nil {
				return false, err
			}
		}
		for _, ev := range events {
			n := proto.Size(ev)
			if len(resp.Events) == batchEvents || size+n > batchBytes {
				if err := flush(); err != nil {
					return false, err
				}
			}
			resp.Events = append(resp.Events, ev)
			size += n
			p.Sequence = ev.GetSequence()
		}
	}
	return sent || len(resp.Events) > 0, flush()
}

func (s *Server) current() (map[int32]int64, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.heads, s.changed
}

// attach begins to watch the journal with the first stream.
func (s *Server) attach() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.stopped:
		return fault.New(fault.Unavailable, ReasonStopping)
	default:
	}
	s.attached++
	if s.attached == 1 {
		ctx, cancel := context.WithCancel(context.Background())
		s.cancel = cancel
		s.wait.Go(func() { s.watch(ctx) })
	}
	return nil
}

func (s *Server) detach() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attached--
	if s.attached == 0 {
		s.cancel()
		s.cancel = nil
	}
}

// watch learns of every commit of this process from the journal, and reads the
// heads at every tick for those of others, once for all streams.
func (s *Server) watch(ctx context.Context) {
	var tick <-chan time.Time
	rests := func(time.Time, bool) {}
	if s.o.Poll > 0 {
		ticker := clock.System().NewTicker(s.o.Poll)
		defer ticker.Stop()
		tick = ticker.C
		heard, every := clock.System().Now(), s.o.Poll
		rests = func(now time.Time, moved bool) {
			if moved {
				heard = now
			}
			if next := min(max(now.Sub(heard)/restful, s.o.Poll), restful*s.o.Poll); next != every {
				every = next
				ticker.Reset(next)
			}
		}
	}
	for read := true; ; {
		committed := s.j.Committed()
		moved := false
		if read {
			var err error
			if moved, err = s.look(ctx); err != nil && ctx.Err() == nil {
				s.o.Logger.Warn("feed cannot read the heads", slog.Any("error", err))
				if clock.System().Pause(ctx, retryHeads) != nil {
					return
				}
				continue
			}
		}
		moved = s.raise(s.j.RecentHeads()) || moved
		rests(clock.System().Now(), moved)
		select {
		case <-committed:
			read = false
		case <-tick:
			read = true
		case <-ctx.Done():
		}
		if ctx.Err() != nil { // perhaps several were ready
			return
		}
	}
}

// retryHeads is the pause after the heads could not be read.
const retryHeads = 100 * time.Millisecond

// look reads the heads from the store and reports whether one has moved.
func (s *Server) look(ctx context.Context) (moved bool, err error) {
	stored, err := s.j.Heads(ctx)
	if err != nil {
		return false, err
	}
	heads := make(map[int32]int64, len(stored))
	for _, h := range stored {
		heads[h.GetShard()] = h.GetSequence()
	}
	return s.raise(heads), nil
}

// raise moves the heads forward, and wakes the streams if that changes anything.
func (s *Server) raise(heads map[int32]int64) (moved bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for shard, sequence := range s.heads {
		heads[shard] = max(heads[shard], sequence)
	}
	for shard, sequence := range heads {
		moved = moved || s.heads[shard] < sequence
	}
	if !moved {
		return false
	}
	s.heads = heads
	close(s.changed)
	s.changed = make(chan struct{})
	return true
}
