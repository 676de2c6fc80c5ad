package feed

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/lifecycle"
	"example.com/redress/services/kit/rpcerr"
)

// ApplyFunc decides what an event of another service leads to. It runs in the
// write that moves the position, may run again, and must follow the rules of
// [journal.Journal.Write].
//
// A fault of kind Unavailable or Aborted means "not now": the event is tried
// again. Every other error means that it cannot be applied: it is parked.
type ApplyFunc func(u *journal.Unit, ev *eventv1.Event, body *eventv1.EventBody) error

// Options says how a [Consumer] works. The zero value is usable.
type Options struct {
	// Ranges is how many leases the shards of the source are divided among, so
	// that several processes on one database share them; 0 means that this process
	// takes all shards without a lease.
	Ranges int
	// LeaseTTL is how long a lease lasts unless it is renewed; 0 means 15 s.
	LeaseTTL time.Duration
	// Jitter returns the part of a pause that is chance, from 0 up to the most
	// given; nil draws it.
	Jitter func(most time.Duration) time.Duration
	// Known reports whether this binary knows a message; nil means those linked in.
	Known func(protoreflect.FullName) bool
	// Tracer makes a span for every event, within the trace that led to it; nil
	// makes none and hands the trace on.
	Tracer trace.TracerProvider
	// Logger is told of reconnections and of what was parked; nil discards.
	Logger *slog.Logger
	// Foresee adds to the work that applies an event what the decision will most
	// likely read, so that it is read for all events of a batch at once; nil: only
	// the resource of the event is. What it leaves out is read when it is asked for.
	Foresee func(w *journal.Work, ev *eventv1.Event, body *eventv1.EventBody)
	// OnApplied is told of each event that took effect or was parked, once that is
	// stored; nil: nobody. It must be quick.
	OnApplied func(ev *eventv1.Event)
}

const (
	// DefaultLeaseTTL is how long the shards of a process that died wait for another.
	DefaultLeaseTTL = 15 * time.Second

	// Pauses between attempts to connect, doubled from one to the next.
	minBackoff = 20 * time.Millisecond
	maxBackoff = 5 * time.Second

	// pollPositions is how often WaitFor looks at positions another process moves.
	pollPositions = 10 * time.Millisecond
	// retryBehind is what a caller is told to wait who found the consumer behind.
	retryBehind = 500 * time.Millisecond
)

// Consumer reads one source and applies its events. It is a [lifecycle.Failing]
// service: it ends by itself only if the source was rewound. Safe for concurrent use.
type Consumer struct {
	j      *journal.Journal
	source string
	client eventv1.FeedServiceClient
	apply  ApplyFunc
	o      Options
	tracer trace.Tracer
	log    *slog.Logger
	loop   *lifecycle.Loop
	keys   []string // for each shard of this journal a key that falls into it
	leases *leases
	// siblings are the consumers of the same service by source, itself included;
	// set before Start.
	siblings map[string]*Consumer

	mu       sync.Mutex
	applied  map[int32]int64 // by shard, as this process moved or read it
	heads    map[int32]int64 // by shard, as last heard of
	progress chan struct{}   // closed when applied changes
	waiting  map[int32]queue // by shard that this process applies, what was heard of and not applied
	reading  bool            // the source is read, or its shards are others' for now
	stubborn stubborn        // guarded by the loop, not by mu
}

// stubborn counts how often in turn one event was aborted.
type stubborn struct {
	shard    int32
	sequence int64
	times    int
}

// maxAborts is how often an event may be aborted before it counts as one that
// fails for good: somebody mistook a refusal for a race.
const maxAborts = 8

// NewConsumer returns a consumer of the source's feed, reached by conn. Events
// take effect in j.
func NewConsumer(j *journal.Journal, source string, conn grpc.ClientConnInterface, apply ApplyFunc, o Options) *Consumer {
	if o.LeaseTTL <= 0 {
		o.LeaseTTL = DefaultLeaseTTL
	}
	if o.Jitter == nil {
		o.Jitter = func(most time.Duration) time.Duration { return rand.N(most + 1) } //nolint:gosec // spreads reconnections; guards nothing
	}
	if o.Known == nil {
		o.Known = linked
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Consumer{
		j: j, source: source, client: eventv1.NewFeedServiceClient(conn), apply: apply, o: o,
		log:  o.Logger.With(slog.String("source", source)),
		keys: keysOf(j), applied: map[int32]int64{}, heads: map[int32]int64{}, progress: make(chan struct{}), waiting: map[int32]queue{},
	}
	if o.Tracer != nil {
		c.tracer = o.Tracer.Tracer("example.com/redress/services/kit/feed")
	}
	c.siblings = map[string]*Consumer{source: c}
	c.leases = newLeases(j, source, uuid.NewString(), o)
	c.loop = lifecycle.NewLoop("consumer of "+source, c.run)
	return c
}

func linked(name protoreflect.FullName) bool {
	_, err := protoregistry.GlobalTypes.FindMessageByName(name)
	return err == nil
}

// keysOf returns one key for each shard of the journal. Writes that move the
// position of one shard of a source must take one lane, whatever they are about,
// or they would overtake one another; with as many shards on both sides it is
// the lane of the complaint, too.
func keysOf(j *journal.Journal) []string {
	keys := make([]string, j.Shards())
	for found, i := 0, 0; found < len(keys); i++ {
		key := "feed/" + strconv.Itoa(i)
		if shard := j.ShardOf(key); keys[shard] == "" {
			keys[shard] = key
			found++
		}
	}
	return keys
}

func (c *Consumer) key(shard int32) string { return c.keys[int(shard)%len(c.keys)] }

// Source returns the service whose events are consumed.
func (c *Consumer) Source() string { return c.source }

// Start implements [lifecycle.Service]. It returns at once: the source may come later.
func (c *Consumer) Start(ctx context.Context) error { return c.loop.Start(ctx) }

// Stop implements [lifecycle.Service].
func (c *Consumer) Stop(ctx context.Context) error { return c.loop.Stop(ctx) }

// Done implements [lifecycle.Failing].
func (c *Consumer) Done() <-chan struct{} { return c.loop.Done() }

// Err implements [lifecycle.Failing]: SOURCE_REWOUND says which service was
// restored from an older copy and by which position that shows.
func (c *Consumer) Err() error { return c.loop.Err() }

// run connects, again and again, until ctx ends or the source turns out rewound.
func (c *Consumer) run(ctx context.Context) error {
	defer c.leases.release(context.WithoutCancel(ctx))
	if err := c.retryKnown(ctx); err != nil && ctx.Err() == nil {
		c.log.Warn("parked events were not retried", slog.Any("error", err))
	}
	backoff := minBackoff
	for ctx.Err() == nil {
		before := c.total()
		err := rpcerr.FromStatus(c.session(ctx))
		switch {
		case ctx.Err() != nil:
		case fault.KindOf(err) == fault.DataLoss:
			c.log.Error("source was rewound: restore it, or this service, so that both are of the same time; consuming stops",
				slog.String("consumer", c.j.Service()), slog.Any("error", err))
			return fmt.Errorf("%s has applied more of %s than that has: %w", c.j.Service(), c.source, err)
		default:
			if c.total() != before {
				backoff = minBackoff
			}
			if err != nil {
				c.log.Info("feed ended, connecting again", slog.Any("error", err), slog.Duration("pause", backoff))
			}
			// Up to half of the pause is chance, so that consumers do not come all at once.
			if clock.System().Pause(ctx, backoff/2+c.o.Jitter(backoff/2)) != nil {
				break
			}
			backoff = min(2*backoff, maxBackoff)
		}
	}
	return ctx.Err()
}

// total tells whether anything was applied between two calls.
func (c *Consumer) total() (n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, sequence := range c.applied {
		n += sequence
	}
	return n
}

// moved notes that positions were moved or read, and wakes who waits for that.
func (c *Consumer) moved(positions map[int32]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.Copy(c.applied, positions)
	for shard, sequence := range positions {
		c.waiting[shard] = c.waiting[shard].applied(sequence)
	}
	close(c.progress)
	c.progress = make(chan struct{})
}

// heard notes how far the source is.
func (c *Consumer) heard(shard int32, sequence int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if sequence <= c.heads[shard] {
		return
	}
	c.heads[shard] = sequence
	if q, mine := c.waiting[shard]; mine {
		c.waiting[shard] = q.heard(sequence, clock.System().Now())
	}
}

// Lag returns, for each shard of which anything was heard, how many events have
// been heard of and not applied. It asks nobody: while the source is away it is
// what was known last.
func (c *Consumer) Lag() map[int32]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	lag := make(map[int32]int64, len(c.heads))
	for shard, head := range c.heads {
		lag[shard] = max(head-c.applied[shard], 0)
	}
	return lag
}

// CaughtUp reports whether everything the source has was applied (or parked)
// here, by whichever process. It costs a call to the source and one read.
func (c *Consumer) CaughtUp(ctx context.Context) (bool, error) {
	resp, err := c.client.GetHeads(ctx, &eventv1.GetHeadsRequest{})
	if err != nil {
		return false, rpcerr.FromStatus(err)
	}
	positions, err := c.j.FeedPositions(ctx, c.source)
	if err != nil {
		return false, err
	}
	for _, h := range resp.GetHeads() {
		c.heard(h.GetShard(), h.GetSequence())
		if positions[h.GetShard()].GetSequence() != h.GetSequence() {
			return false, nil
		}
	}
	return true, nil
}

// WaitFor returns once the position of the source was applied (or parked) here,
// or with FEED_BEHIND when ctx ends before.
func (c *Consumer) WaitFor(ctx context.Context, pos *eventv1.Position) error {
	if pos.GetService() != c.source {
		return fault.New(fault.Invalid, ReasonShardUnknown, "source", pos.GetService(), "shard", strconv.Itoa(int(pos.GetShard())))
	}
	for {
		c.mu.Lock()
		there, progress := c.applied[pos.GetShard()] >= pos.GetSequence(), c.progress
		c.mu.Unlock()
		if there {
			return nil
		}
		var tick <-chan time.Time
		stop := func() bool { return false }
		if c.o.Ranges > 0 { // another process may be the one to apply it
			positions, err := c.j.FeedPositions(ctx, c.source)
			if err == nil && positions[pos.GetShard()].GetSequence() >= pos.GetSequence() {
				return nil
			}
			timer := clock.System().NewTimer(pollPositions)
			tick, stop = timer.C, timer.Stop
		}
		select {
		case <-progress:
			stop()
		case <-tick:
		case <-ctx.Done():
			stop()
			return fault.New(fault.Unavailable, ReasonBehind, "source", c.source, "shard", strconv.Itoa(int(pos.GetShard())),
				"sequence", strconv.FormatInt(pos.GetSequence(), 10)).WithRetry(retryBehind).Wrap(ctx.Err())
		}
	}
}
