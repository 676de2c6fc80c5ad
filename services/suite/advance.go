package suite

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"example.com/redress/services/kit/clock"
)

// ErrRealTime says that a suite in real time cannot be advanced.
var ErrRealTime = errors.New("the suite runs in real time; start it with a virtual clock")

// settleFor is how long [Suite.Settle] waits for feeds and deliveries before it
// says what is not at rest, in machine time.
const settleFor = 30 * time.Second

// settleLooks is the longest time between two looks at whether everything is at rest;
// they begin a millisecond apart.
const settleLooks = 20 * time.Millisecond

// Now returns business time.
func (s *Suite) Now() time.Time { return s.business.Now() }

// Advance moves business time to the instant, firing on the way, in order,
// whatever falls due before it, and waiting after each until everything that
// follows has happened. It never goes backwards.
//
// Source: DESIGN section 5.
func (s *Suite) Advance(ctx context.Context, to time.Time) error {
	if s.virtual == nil {
		return ErrRealTime
	}
	if to.Before(s.virtual.Now()) {
		return fmt.Errorf("advance to %s: it is %s already", to.Format(time.RFC3339), s.virtual.Now().Format(time.RFC3339))
	}
	for {
		if err := s.Settle(ctx); err != nil {
			return err
		}
		next, ok, err := s.nextInstant(ctx)
		if err != nil {
			return err
		}
		if !ok || next.After(to) {
			break
		}
		if err := s.moveTo(ctx, next); err != nil {
			return err
		}
	}
	if err := s.moveTo(ctx, to); err != nil {
		return err
	}
	return s.Settle(ctx)
}

// moveTo sets the clock and fires what is due at every service.
func (s *Suite) moveTo(ctx context.Context, to time.Time) error {
	if err := s.virtual.Advance(to); err != nil {
		return err
	}
	for _, name := range Names() {
		b, runs := s.services[name].now()
		if !runs {
			continue
		}
		if _, _, err := b.FireDue(ctx); err != nil {
			return fmt.Errorf("fire timers of %s: %w", name, err)
		}
	}
	return nil
}

func (s *Suite) nextInstant(ctx context.Context) (earliest time.Time, found bool, err error) {
	for _, name := range Names() {
		b, runs := s.services[name].now()
		if !runs {
			continue
		}
		at, ok, err := b.NextInstant(ctx)
		if err != nil {
			return time.Time{}, false, fmt.Errorf("next timer of %s: %w", name, err)
		}
		if ok && (!found || at.Before(earliest)) {
			earliest, found = at, true
		}
	}
	return earliest, found, nil
}

// Settle waits until every consumer stands at the head of its source and no delivery is in hand. What
// one service applies may give another something to do: so the heads must be the same before they are
// compared and after. What a service waits for from one that is stopped does not count.
func (s *Suite) Settle(ctx context.Context) error {
	ctx, cancel := clock.System().WithTimeout(ctx, settleFor)
	defer cancel()
	before, err := s.heads(ctx)
	for pause := time.Millisecond; err == nil; pause = min(pause+time.Millisecond, settleLooks) {
		var busy string
		if busy, err = s.busy(ctx, before); err != nil {
			break
		}
		if busy != "" {
			if err := clock.System().Pause(ctx, pause); err != nil {
				return fmt.Errorf("%s is not at rest: %w", busy, err)
			}
		}
		var after map[string]map[int32]int64
		if after, err = s.heads(ctx); err != nil {
			break
		}
		if busy == "" && maps.EqualFunc(before, after, maps.Equal[map[int32]int64]) {
			return nil
		}
		before = after
	}
	return err
}

// heads returns the last sequences of every service that runs, by service and shard.
func (s *Suite) heads(ctx context.Context) (map[string]map[int32]int64, error) {
	out := map[string]map[int32]int64{}
	for _, name := range Names() {
		b, runs := s.services[name].now()
		if !runs {
			continue
		}
		heads, err := b.Heads(ctx)
		if err != nil {
			return nil, fmt.Errorf("heads of %s: %w", name, err)
		}
		out[name] = heads
	}
	return out, nil
}

// busy returns the name of a service with something left to do; empty if none has.
func (s *Suite) busy(ctx context.Context, heads map[string]map[int32]int64) (string, error) {
	for _, name := range Names() {
		b, runs := s.services[name].now()
		if !runs {
			continue
		}
		if ok, err := b.StandsAt(ctx, heads); err != nil || !ok {
			return name, err
		}
	}
	return "", nil
}
