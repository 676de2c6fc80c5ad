package feed

import (
	"cmp"
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"google.golang.org/protobuf/types/known/anypb"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/planted"
	"example.com/redress/services/kit/telemetry"
)

// maxBatch is how many writes are handed to the journal at once: as many as one of
// its groups takes, so that they share its transaction. Of a backlog as many again
// are handed over before the first are stored.
const maxBatch = 128

// flight is an event on its way into the journal.
type flight struct {
	ev     *eventv1.Event
	body   *eventv1.EventBody
	broken string // reason why it cannot be applied at all
	work   journal.Work
	ctx    context.Context // of the span
	span   trace.Span
	result <-chan journal.Result
	err    error
}

// course is how far a session has come. Not safe for concurrent use.
type course struct {
	begun   map[int32]*eventv1.ShardPosition // by shard, where the last event stands that was submitted
	flights []*flight                        // submitted and not awaited, oldest first
}

// submit hands events to the journal, in order within each shard. An error means
// that one is not the next of its shard; those before it are under way.
func (c *Consumer) submit(ctx context.Context, at *course, events []*eventv1.Event) (err error) {
	from := len(at.flights)
	for _, ev := range events {
		p := at.begun[ev.GetShard()]
		if err = c.next(p, ev); err != nil {
			break
		}
		c.heard(ev.GetShard(), ev.GetSequence())
		at.flights = append(at.flights, c.prepare(ctx, ev, p))
		at.begun[ev.GetShard()] = &eventv1.ShardPosition{Shard: ev.GetShard(), Sequence: ev.GetSequence(), Digest: ev.GetDigest()}
	}
	for _, f := range at.flights[from:] {
		f.result = c.j.Submit(ctx, f.work, c.decision(f))
	}
	return err
}

// settle awaits the oldest events under way until no more than keep are, and moves
// the positions of those that took effect or were parked; if one fails it awaits
// all, so that nothing is under way when it is tried again. An error means that a
// position was not moved and has to be read again; which of the events took effect
// is then open, and none is under way.
func (c *Consumer) settle(ctx context.Context, at *course, keep int) error {
	done := map[int32]int64{}
	stuck := map[int32]bool{}
	var over, rest []*flight
	for len(at.flights) > keep {
		f := at.flights[0]
		at.flights = at.flights[1:]
		over = append(over, f)
		f.err = (<-f.result).Err
		if f.err != nil || stuck[f.ev.GetShard()] {
			keep = 0
			stuck[f.ev.GetShard()] = true
			rest = append(rest, f)
			continue
		}
		c.landed(f, done)
	}
	err := c.oneByOne(ctx, rest, done)
	for _, f := range over {
		f.span.End()
	}
	if len(done) > 0 {
		c.moved(done)
	}
	return err
}

// oneByOne goes on where a shard got stuck: the event that failed is parked if it
// failed for good, the later ones, which then found the position not yet there,
// are written one at a time.
func (c *Consumer) oneByOne(ctx context.Context, rest []*flight, done map[int32]int64) error {
	begun := map[int32]bool{}
	given := map[int32]bool{} // shards given up in this session
	var failed error
	for _, f := range rest {
		shard := f.ev.GetShard()
		if given[shard] {
			continue
		}
		err := f.err
		if begun[shard] {
			_, err = c.j.Write(ctx, f.work, c.decision(f))
		}
		begun[shard] = true
		if err != nil && c.forGood(f.ev, err) {
			reason := fault.ReasonOf(err)
			f.span.SetStatus(codes.Error, reason)
			c.log.Error("event cannot be applied and is parked", slog.Int("shard", int(shard)), slog.Int64("sequence", f.ev.GetSequence()),
				slog.String("type", f.ev.GetType()), slog.Any("error", err))
			_, err = c.j.Write(ctx, f.work, func(u *journal.Unit) error {
				u.Park(f.ev, reason, false)
				return nil
			})
		}
		if err != nil {
			given[shard] = true
			if failed == nil {
				failed = err
			}
			continue
		}
		c.landed(f, done)
	}
	return failed
}

// forGood reports whether trying the event again makes no sense.
func (c *Consumer) forGood(ev *eventv1.Event, err error) bool {
	if lost(err) {
		return false
	}
	if fault.KindOf(err) != fault.Aborted {
		return !passing(err)
	}
	if c.stubborn.shard != ev.GetShard() || c.stubborn.sequence != ev.GetSequence() {
		c.stubborn = stubborn{shard: ev.GetShard(), sequence: ev.GetSequence()}
	}
	c.stubborn.times++
	return c.stubborn.times >= maxAborts
}

func (c *Consumer) landed(f *flight, done map[int32]int64) {
	done[f.ev.GetShard()] = f.ev.GetSequence()
	if c.o.OnApplied != nil {
		c.o.OnApplied(f.ev)
	}
}

// prepare makes the write of an event that follows the position.
func (c *Consumer) prepare(ctx context.Context, ev *eventv1.Event, p *eventv1.ShardPosition) *flight {
	f := c.open(ctx, ev)
	f.work.Advance = &journal.Advance{
		Source: c.source, Shard: ev.GetShard(), From: p.GetSequence(), FromDigest: p.GetDigest(),
		To: ev.GetSequence(), Digest: ev.GetDigest(),
	}
	return f
}

// open decodes an event and makes the write that applies it, without moving a position.
func (c *Consumer) open(ctx context.Context, ev *eventv1.Event) *flight {
	f := &flight{ev: ev}
	body, err := journal.Body(ev)
	switch {
	case err != nil:
		f.broken = ReasonUnreadable
		body = &eventv1.EventBody{}
	case !c.knows(body.GetChange()) || !c.knows(body.GetState()):
		f.broken = ReasonTypeUnknown
	}
	f.body = body
	f.work = journal.Work{
		Organization: ev.GetOrganization(),
		Key:          c.key(ev.GetShard()),
		Cause:        &eventv1.Cause{Service: c.source, Shard: ev.GetShard(), Sequence: ev.GetSequence(), Digest: ev.GetDigest()},
		Depth:        ev.GetDepth() + 1,
		Actor:        &eventv1.Actor{Principal: "services/" + c.j.Service()},
		Reads:        []string{ev.GetResource()},
	}
	if t := body.GetOccurTime(); t != nil {
		f.work.Time = t.AsTime()
	}
	if c.o.Foresee != nil && f.broken == "" {
		c.o.Foresee(&f.work, ev, body)
	}
	f.ctx, f.span, f.work.Traceparent = c.span(ctx, ev, body.GetTraceparent())
	return f
}

func (c *Consumer) knows(m *anypb.Any) bool { return m == nil || c.o.Known(m.MessageName()) }

// decision is what is done with an event, in the write that moves the position:
// it waits behind earlier ones of its complaint, is parked, or is applied.
func (c *Consumer) decision(f *flight) func(*journal.Unit) error {
	return func(u *journal.Unit) error {
		switch {
		case planted.Is("event skipped") && f.ev.GetSequence()%20 == 0:
			return nil
		case u.Parked(behind(f.ev)):
			u.Park(f.ev, ReasonWaits, true)
			return nil
		case f.broken != "":
			u.Park(f.ev, f.broken, false)
			return nil
		}
		return c.apply(u, f.ev, f.body)
	}
}

// behind returns what events wait behind: the complaint, or the resource where there is none.
func behind(ev *eventv1.Event) string { return cmp.Or(ev.GetComplaint(), ev.GetResource()) }

// span begins the span of applying the event, a child of what led to the event, so
// that one trace leads from a request through all services. It returns the context
// of the span and what the events of the reaction carry on: this span, or the
// event's own trace where nothing is recorded.
func (c *Consumer) span(ctx context.Context, ev *eventv1.Event, traceparent string) (context.Context, trace.Span, string) {
	if c.o.Tracer == nil {
		return ctx, noop.Span{}, traceparent
	}
	ctx, span := c.tracer.Start(telemetry.Continue(ctx, traceparent), "feed apply", trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes( //nolint:spancheck // batch and retry end it
		attribute.String("messaging.system", "redress"), attribute.String("messaging.operation.type", "process"),
		attribute.String("messaging.destination.name", c.source), attribute.String("redress.event.type", ev.GetType()),
		attribute.Int("redress.feed.shard", int(ev.GetShard())), attribute.Int64("redress.feed.sequence", ev.GetSequence()),
	))
	return ctx, span, telemetry.Traceparent(ctx) //nolint:spancheck // as above
}
