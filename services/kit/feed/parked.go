package feed

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"strconv"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
)

// parkedPage is how many parked events are read at once.
const parkedPage = 200

// retry applies a parked event, in a write that takes it out of those parked, and
// reports why it cannot be applied. The event is left as it is then.
func (c *Consumer) retry(ctx context.Context, ev *eventv1.Event) error {
	f := c.open(ctx, ev)
	defer f.span.End()
	if f.broken != "" {
		return fault.New(fault.FailedPrecondition, f.broken, "type", ev.GetType())
	}
	_, err := c.j.Write(ctx, f.work, func(u *journal.Unit) error {
		if err := u.Unpark(positionOf(ev)); err != nil {
			return err
		}
		return c.apply(u, ev, f.body)
	})
	return err
}

// parkAgain says why an event that waited cannot be applied: from now on the
// later ones wait behind this one.
func (c *Consumer) parkAgain(ctx context.Context, ev *eventv1.Event, reason string) error {
	_, err := c.j.Write(ctx, journal.Work{Organization: ev.GetOrganization(), Key: c.key(ev.GetShard())}, func(u *journal.Unit) error {
		if err := u.Unpark(positionOf(ev)); err != nil {
			return err
		}
		u.Park(ev, reason, false)
		return nil
	})
	return err
}

func positionOf(ev *eventv1.Event) *eventv1.Position {
	return &eventv1.Position{Service: ev.GetService(), Shard: ev.GetShard(), Sequence: ev.GetSequence()}
}

// retryAll applies a parked event and then, in the order they were parked, those
// that wait behind it, of whichever source. It returns how many it applied, and
// an error only if the first one fails or the store does. A later one that fails
// stays parked, for its own reason.
func retryAll(ctx context.Context, consumers map[string]*Consumer, j *journal.Journal, first *eventv1.Event) (applied int32, err error) {
	for ev := first; ev != nil; {
		c := consumers[ev.GetService()]
		if c == nil {
			return applied, notParked(positionOf(ev))
		}
		switch err := c.retry(ctx, ev); {
		case err == nil:
			applied++
		case fault.ReasonOf(err) == journal.ReasonParkedNotFound && applied > 0: // somebody else retries, too
		case passing(err) || applied == 0:
			return applied, err
		default:
			return applied, c.parkAgain(ctx, ev, fault.ReasonOf(err))
		}
		// Asked again after every write: an event may have joined the queue meanwhile.
		if ev, err = firstBehind(ctx, j, ev); err != nil {
			return applied, err
		}
	}
	return applied, nil
}

// firstBehind returns the event that was parked first of those that wait with the
// given one; nil if there is none.
func firstBehind(ctx context.Context, j *journal.Journal, ev *eventv1.Event) (*eventv1.Event, error) {
	all, err := allParked(ctx, j, journal.ParkedQuery{Organization: ev.GetOrganization(), Complaint: behind(ev)})
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return slices.MinFunc(all, oldest).Event, nil
}

// oldest compares by when events were parked; of one instant, those that failed come before those
// that wait for them.
func oldest(a, b journal.Parked) int {
	return cmp.Or(a.Time.Compare(b.Time), compareBools(a.Waits, b.Waits), cmp.Compare(a.Event.GetService(), b.Event.GetService()),
		cmp.Compare(a.Event.GetShard(), b.Event.GetShard()), cmp.Compare(a.Event.GetSequence(), b.Event.GetSequence()))
}

// compareBools puts false before true.
func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func allParked(ctx context.Context, j *journal.Journal, q journal.ParkedQuery) ([]journal.Parked, error) {
	q.Limit = parkedPage
	var all []journal.Parked
	for {
		some, err := j.ParkedEvents(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
		if len(some) < parkedPage {
			return all, nil
		}
		q.After = positionOf(some[len(some)-1].Event)
	}
}

// retryKnown retries, when a consumer starts, the events of its source that an
// older binary did not know and this one does, and those that wait behind nothing:
// a process that died between two retries left them.
//
// Source: DESIGN section 4.
func (c *Consumer) retryKnown(ctx context.Context) error {
	all, err := allParked(ctx, c.j, journal.ParkedQuery{})
	if err != nil {
		return err
	}
	slices.SortFunc(all, oldest)
	blocked := map[string]bool{}
	for _, p := range all {
		ev := p.Event
		key := ev.GetOrganization() + "\x00" + behind(ev)
		if blocked[key] {
			continue
		}
		blocked[key] = true
		first := p.Waits || p.Reason == ReasonTypeUnknown && c.open(ctx, ev).broken == ""
		if !first || ev.GetService() != c.source {
			continue
		}
		n, err := retryAll(ctx, c.siblings, c.j, ev)
		if err != nil && passing(err) {
			return err
		}
		c.log.Info("parked events retried at the start", slog.Int("applied", int(n)), slog.Any("error", err))
	}
	return nil
}

func notParked(p *eventv1.Position) *fault.Error {
	return fault.New(fault.NotFound, journal.ReasonParkedNotFound, "source", p.GetService(),
		"shard", strconv.Itoa(int(p.GetShard())), "sequence", strconv.FormatInt(p.GetSequence(), 10))
}
