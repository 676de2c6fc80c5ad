package timers

import (
	"context"
	"slices"
	"sync"
	"time"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/planted"
	"example.com/redress/services/kit/timerindex"
)

// waker knows when each shard is to be looked at next.
type waker struct {
	mu      sync.Mutex
	next    map[int32]time.Time // absent: nothing armed that we know of
	changed chan struct{}
}

// newWaker returns a waker that looks at every shard at once.
func newWaker(shards []int32) *waker {
	w := &waker{next: map[int32]time.Time{}, changed: make(chan struct{}, 1)}
	for _, s := range shards {
		w.next[s] = time.Time{}
	}
	return w
}

// earlier makes sure that a shard is looked at by an instant.
func (w *waker) earlier(shard int32, at time.Time) {
	w.mu.Lock()
	known, ok := w.next[shard]
	if ok && !at.Before(known) {
		w.mu.Unlock()
		return
	}
	w.next[shard] = at
	w.mu.Unlock()
	select {
	case w.changed <- struct{}{}:
	default: // the loop has been told already
	}
}

// looking says that a shard is being looked at: what is armed from now on counts anew.
func (w *waker) looking(shard int32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.next, shard)
}

// ready returns the shards to look at now and, if there are none, the instant of
// the next; ok is false if nothing is armed.
func (w *waker) ready(now time.Time) (shards []int32, next time.Time, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for s, at := range w.next {
		if !at.After(now) {
			shards = append(shards, s)
		}
		if !ok || at.Before(next) {
			next, ok = at, true
		}
	}
	slices.Sort(shards) // of a set: the same at every replay of a simulation
	return shards, next, ok
}

// apart is how long after a round the next begins at the earliest: where timers fall
// due one after the other, those that fall due meanwhile share a transaction.
const apart = 1500 * time.Microsecond

// claimLoop takes from the index what is due, and sleeps until the next is.
func (e *Engine) claimLoop(ctx context.Context) error {
	away, system := false, clock.System()
	var began time.Time
	for ctx.Err() == nil {
		shards, next, ok := e.wake.ready(e.o.Clock.Now())
		if len(shards) > 0 {
			if rest := apart - system.Since(began); rest > 0 {
				_ = system.Pause(ctx, rest)
				shards, _, _ = e.wake.ready(e.o.Clock.Now())
			}
			began = system.Now()
			err := e.claimRound(ctx, shards)
			if (err != nil) != away && ctx.Err() == nil {
				away = err != nil
				e.tellAway(ctx, away, err)
			}
			if err != nil {
				_ = system.Pause(ctx, e.o.Retry)
			}
			continue
		}
		if !ok {
			select {
			case <-e.wake.changed:
			case <-ctx.Done():
			}
			continue
		}
		timer := e.o.Clock.Timer(next)
		select {
		case <-timer.C:
		case <-e.wake.changed:
		case <-ctx.Done():
		}
		timer.Stop()
	}
	return ctx.Err()
}

func (e *Engine) tellAway(ctx context.Context, away bool, err error) {
	if away {
		e.o.Logger.WarnContext(ctx, "timer index away, the sweep goes on", "error", err)
		return
	}
	e.o.Logger.InfoContext(ctx, "timer index back")
}

// mostInHand bounds, in batches, what one round claims before it fires.
const mostInHand = 8

// claimRound claims one batch of each shard, fires them all, and acknowledges what
// is done with. What is not stays leased and comes back when the lease ends.
func (e *Engine) claimRound(ctx context.Context, shards []int32) error {
	var due []Timer
	var failed error
	for _, shard := range shards {
		if len(due) >= mostInHand*e.o.Batch {
			break // the rest stays ready: what is claimed must be fired within its lease
		}
		e.wake.looking(shard)
		now := e.o.Clock.Now()
		got, err := e.o.Index.Claim(ctx, shard, timerindex.Claim{Now: now, Limit: e.o.Batch, Until: now.Add(e.o.Lease)})
		if err != nil {
			e.wake.earlier(shard, now)
			failed = err
			break // the rest would wait for the same answer
		}
		if !got.Next.IsZero() {
			e.wake.earlier(shard, got.Next)
		}
		for _, c := range got.Entries {
			if planted.Is("entry removed before the effect") {
				_ = e.o.Index.Ack(ctx, shard, c.Member)
			}
			due = append(due, Timer{Organization: c.Organization, Name: c.Name, Generation: c.Generation, Shard: shard, At: c.At})
		}
	}
	done := map[int32][]timerindex.Member{}
	for _, t := range e.hand.fire(ctx, ByClaim, due) {
		done[t.Shard] = append(done[t.Shard], t.member())
	}
	for _, shard := range shards {
		if len(done[shard]) == 0 {
			continue
		}
		if err := e.o.Index.Ack(ctx, shard, done[shard]...); err != nil {
			return err // they come back with the end of their lease, and are dropped
		}
	}
	return failed
}
