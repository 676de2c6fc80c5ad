package feed

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"google.golang.org/grpc"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
)

// errLeases ends a session whose shards are not those this process should read.
var errLeases = errors.New("the leases changed")

// session reads from where the store stands until the stream breaks, somebody
// else turns out to have moved a position, or the leases change.
func (c *Consumer) session(running context.Context) error {
	ctx, cancel := context.WithCancelCause(running)
	defer cancel(nil)
	resp, err := c.client.GetHeads(ctx, &eventv1.GetHeadsRequest{})
	if err != nil {
		return err
	}
	shards := len(resp.GetHeads())
	for _, h := range resp.GetHeads() {
		c.heard(h.GetShard(), h.GetSequence())
	}
	mine, err := c.leases.take(ctx, shards)
	if err != nil {
		return err
	}
	if c.o.Ranges > 0 {
		done := make(chan struct{})
		defer func() { <-done }()
		defer cancel(nil)
		go func() {
			defer close(done)
			c.leases.keep(ctx, func() { cancel(errLeases) })
		}()
	}
	defer c.reads(false)
	if len(mine) == 0 {
		c.begin(nil)
		c.reads(true)
		<-ctx.Done()
		return context.Cause(ctx)
	}
	after, err := c.positions(ctx, mine, shards)
	if err != nil {
		return err
	}
	stream, err := c.client.Subscribe(ctx, &eventv1.SubscribeRequest{After: after})
	if err != nil {
		return err
	}
	c.reads(true)
	err = c.consume(ctx, func() { cancel(nil) }, stream, after)
	if errors.Is(context.Cause(ctx), errLeases) {
		return errLeases
	}
	return err
}

// positions returns how far the shards have been applied. A position in a shard
// the source does not have is of another store.
func (c *Consumer) positions(ctx context.Context, mine []int32, shards int) ([]*eventv1.ShardPosition, error) {
	stored, err := c.j.FeedPositions(ctx, c.source)
	if err != nil {
		return nil, err
	}
	for shard, p := range stored {
		if int(shard) >= shards && p.GetSequence() > 0 {
			return nil, rewound(c.source, p)
		}
	}
	after := make([]*eventv1.ShardPosition, 0, len(mine))
	applied := make(map[int32]int64, len(mine))
	for _, shard := range mine {
		p := stored[shard]
		if p == nil {
			p = &eventv1.ShardPosition{Shard: shard}
		}
		after = append(after, p)
		applied[shard] = p.GetSequence()
	}
	c.moved(applied)
	c.begin(applied)
	return after, nil
}

// consume applies what the stream brings, and calls stop, which ends the stream,
// before it returns; nothing is under way then. Meanwhile the stream is received.
func (c *Consumer) consume(ctx context.Context, stop func(), stream grpc.ServerStreamingClient[eventv1.SubscribeResponse], after []*eventv1.ShardPosition) error {
	at := &course{begun: make(map[int32]*eventv1.ShardPosition, len(after))}
	for _, p := range after {
		at.begun[p.GetShard()] = p
	}
	received := make(chan []*eventv1.Event, ahead)
	var broken error
	go func() {
		defer close(received)
		for {
			resp, err := stream.Recv()
			if err == nil {
				err = ctx.Err() // what came after the end is somebody else's
			}
			if err != nil {
				broken = err
				return
			}
			select {
			case received <- resp.GetEvents():
			case <-ctx.Done():
				broken = ctx.Err()
				return
			}
		}
	}()
	defer func() {
		stop()
		for range received { // drained, so that the goroutine ends
		}
	}()
	err := c.applyAll(ctx, at, received)
	if unsettled := c.settle(ctx, at, 0); err == nil {
		err = unsettled
	}
	if err == nil {
		err = broken
	}
	return err
}

// applyAll applies what is received until there is no more. Batches that are not
// full begin a pace apart, so that events that come one by one share a transaction,
// and are settled before the next. As long as they are full and more is there, one
// is submitted before the last is settled: while that is stored this one is decided.
func (c *Consumer) applyAll(ctx context.Context, at *course, received <-chan []*eventv1.Event) error {
	var began time.Time
	for events := range received {
		if rest := pace - clock.System().Since(began); rest > 0 && len(events) < maxBatch {
			if err := clock.System().Pause(ctx, rest); err != nil {
				return err
			}
		}
		began = clock.System().Now()
		events = gather(events, received)
		for batch := range slices.Chunk(events, maxBatch) {
			if err := c.submit(ctx, at, batch); err != nil {
				return err
			}
			keep := 0
			if len(batch) == maxBatch && len(received) > 0 {
				keep = maxBatch
			}
			if err := c.settle(ctx, at, keep); err != nil {
				return err
			}
		}
	}
	return nil
}

const (
	// ahead is how many responses are held that are not applied yet: some of one or
	// two events while events come one by one.
	ahead = 8
	// pace is how far apart transactions begin as long as they are not full. A
	// transaction for every three events cost four times the CPU of one for ten,
	// and the wait for the processor was longer than this one.
	pace = 3 * time.Millisecond
)

// gather adds what has been received meanwhile, up to a batch.
func gather(events []*eventv1.Event, received <-chan []*eventv1.Event) []*eventv1.Event {
	for len(events) < maxBatch {
		select {
		case more, ok := <-received:
			if !ok {
				return events
			}
			events = append(events, more...)
		default:
			return events
		}
	}
	return events
}

// next checks that the event is the one that follows the position.
func (c *Consumer) next(p *eventv1.ShardPosition, ev *eventv1.Event) error {
	if p == nil || ev.GetService() != c.source || ev.GetSequence() != p.GetSequence()+1 {
		return fault.New(fault.Internal, ReasonOutOfOrder, "source", c.source, "shard", strconv.Itoa(int(ev.GetShard())),
			"expected", strconv.FormatInt(p.GetSequence()+1, 10), "received", strconv.FormatInt(ev.GetSequence(), 10))
	}
	return nil
}

// lost reports that somebody else moved the position.
func lost(err error) bool { return fault.ReasonOf(err) == journal.ReasonPositionMoved }

// passing reports that the same write may succeed later.
func passing(err error) bool {
	kind := fault.KindOf(err)
	return kind == fault.Unavailable || kind == fault.Aborted
}
