package timers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/lifecycle"
	"example.com/redress/services/kit/planted"
	"example.com/redress/services/kit/timerindex"
)

// armed are timers on their way to the index.
type armed struct {
	mu     sync.Mutex
	timers []Timer
	lost   []int32 // shards of which something did not fit
	limit  int
	ready  chan struct{}
}

// Arm tells the engine which timers were armed or changed. It never waits: it may
// be called while a transaction's callers wait for their answer. Timers of shards
// that are not this engine's are armed all the same, for the one whose they are.
func (e *Engine) Arm(timers ...Timer) {
	a := e.armed
	a.mu.Lock()
	room := max(0, a.limit-len(a.timers))
	if len(timers) > room {
		for _, t := range timers[room:] {
			a.lost = append(a.lost, t.Shard)
		}
		timers = timers[:room]
	}
	a.timers = append(a.timers, timers...)
	a.mu.Unlock()
	select {
	case a.ready <- struct{}{}:
	default:
	}
}

func (a *armed) take() (timers []Timer, lost []int32) {
	a.mu.Lock()
	defer a.mu.Unlock()
	timers, lost, a.timers, a.lost = a.timers, a.lost, nil, nil
	return timers, lost
}

// armLoop hands armed timers to the index. What the index does not take is found
// again by anti-entropy, and fired by the sweep in any case.
func (e *Engine) armLoop(ctx context.Context) error {
	for {
		select {
		case <-e.armed.ready:
		case <-ctx.Done():
			return ctx.Err()
		}
		timers, lost := e.armed.take()
		e.keep.fellBehind(lost...)
		if err := e.arm(ctx, timers); err != nil && ctx.Err() == nil {
			e.o.Logger.DebugContext(ctx, "timers not armed", "count", len(timers), "error", err)
		}
	}
}

// arm arms timers by shard. After an error nothing more is tried: the shards left
// fall behind until the index answers again.
func (e *Engine) arm(ctx context.Context, timers []Timer) error {
	byShard := map[int32][]timerindex.Entry{}
	first := map[int32]time.Time{}
	for _, t := range timers {
		byShard[t.Shard] = append(byShard[t.Shard], timerindex.Entry{Member: t.member(), At: t.At})
		if at, ok := first[t.Shard]; !ok || t.At.Before(at) {
			first[t.Shard] = t.At
		}
	}
	var failed error
	for _, shard := range slices.Sorted(maps.Keys(byShard)) {
		if failed == nil {
			failed = e.o.Index.Arm(ctx, shard, byShard[shard]...)
		}
		if failed != nil {
			e.keep.fellBehind(shard)
			continue
		}
		if e.owns(shard) {
			e.wake.earlier(shard, first[shard])
		}
	}
	return failed
}

func (e *Engine) owns(shard int32) bool {
	return len(e.o.Own) == e.o.Shards || slices.Contains(e.o.Own, shard)
}

// keeper is what the keeping of the index remembers.
type keeper struct {
	mu         sync.Mutex
	remembered map[int32]timerindex.Heartbeat
	behind     map[int32]bool // something was not armed
	first      int            // position of the shard with which a round begins
	once       bool           // every shard was looked at since the start
}

func (k *keeper) load(ctx context.Context, memory Memory) error {
	if memory == nil {
		return nil
	}
	beats, err := memory.LoadHeartbeats(ctx)
	if err != nil {
		return fmt.Errorf("load heartbeats: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	maps.Copy(k.remembered, beats)
	return nil
}

func (k *keeper) fellBehind(shards ...int32) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, s := range shards {
		k.behind[s] = true
	}
}

func (k *keeper) isBehind(shard int32) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.behind[shard]
}

// caughtUp returns whether a shard had fallen behind, and forgets it.
func (k *keeper) caughtUp(shard int32) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	was := k.behind[shard]
	delete(k.behind, shard)
	return was
}

func (k *keeper) get(shard int32) timerindex.Heartbeat {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.remembered[shard]
}

func (k *keeper) set(shard int32, beat timerindex.Heartbeat) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.remembered[shard] = beat
}

func (k *keeper) all() map[int32]timerindex.Heartbeat {
	k.mu.Lock()
	defer k.mu.Unlock()
	return maps.Clone(k.remembered)
}

// keepLoop keeps the index true.
func (e *Engine) keepLoop(ctx context.Context) error {
	system := clock.System()
	ticker := system.NewTicker(e.o.Sweep)
	defer ticker.Stop()
	refreshed := system.Now()
	for {
		full := system.Since(refreshed) >= e.o.Refresh
		if err := e.keepRound(ctx, full); err != nil {
			if ctx.Err() == nil {
				e.o.Logger.DebugContext(ctx, "timer index not kept", "error", err)
			}
		} else if full {
			refreshed = system.Now()
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// keepParts is how many rounds it takes to look at every shard when nothing is
// amiss. A look costs Redis some 50 µs, and 64 shards of six services are many;
// what waits for one, the sweep fires.
const keepParts = 8

// keepRound raises heartbeats, rebuilds what is lost, returns ended leases, and
// arms what falls due soon: in every shard if full or at the first round, else in
// those that fell behind and in the next part of them. One that is found lost has
// all others looked at too, since they likely shared its fate.
//
// It looks no further after the first error, since the rest would wait for the same
// answer; the next round begins after that shard, for the rest may live elsewhere.
func (e *Engine) keepRound(ctx context.Context, full bool) error {
	k, own := e.keep, e.o.Own
	part := (len(own) + keepParts - 1) / keepParts
	all := full || !k.once
	next := (k.first + part) % max(1, len(own))
	var lost []int32
	var failed error
	for i := range own {
		at := (k.first + i) % len(own)
		if !all && i >= part && !k.isBehind(own[at]) {
			continue
		}
		gone, err := e.keepShard(ctx, own[at], full)
		if err != nil {
			next, failed = at+1, err
			break
		}
		if gone {
			all, lost = true, append(lost, own[at])
		}
	}
	k.first = next
	if err := errors.Join(failed, e.rebuildAll(ctx, lost)); err != nil {
		return err
	}
	k.once = true
	if e.o.Memory == nil {
		return nil
	}
	return e.o.Memory.SaveHeartbeats(ctx, k.all())
}

// keepShard reports whether the shard is lost; then it must be rebuilt.
func (e *Engine) keepShard(ctx context.Context, shard int32, full bool) (lost bool, err error) {
	beat, lost, err := e.o.Index.Beat(ctx, shard, e.keep.get(shard))
	if err != nil {
		return false, err
	}
	if lost && !planted.Is("epoch not compared") {
		return true, nil
	}
	e.keep.set(shard, beat)
	if err := e.giveBack(ctx, shard); err != nil {
		return false, err
	}
	if behind := e.keep.caughtUp(shard); behind || full {
		if err := e.refresh(ctx, shard, e.o.Clock.Now().Add(e.o.Horizon)); err != nil {
			e.keep.fellBehind(shard)
			return false, err
		}
	}
	return false, nil
}

// giveBack returns ended leases and has the shard looked at if there were any.
func (e *Engine) giveBack(ctx context.Context, shard int32) error {
	if planted.Is("lease not returned") {
		return nil
	}
	now := e.o.Clock.Now()
	n, err := e.o.Index.Return(ctx, shard, now, e.o.Batch)
	if err != nil {
		return err
	}
	if n > 0 {
		e.o.Logger.InfoContext(ctx, "leases of timers ended", "shard", shard, "count", n)
		e.wake.earlier(shard, now)
	}
	return nil
}

// rebuilders is how many shards are rebuilt at once: while the database reads one,
// Redis takes another.
const rebuilders = 3

// rebuildAll rebuilds lost shards. What fails is looked at again in the next round.
func (e *Engine) rebuildAll(ctx context.Context, shards []int32) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(rebuilders)
	for _, shard := range shards {
		group.Go(func() error {
			err := lifecycle.Catch("rebuild of timers", func() error { return e.rebuild(ctx, shard) })
			if err != nil {
				e.keep.fellBehind(shard)
			}
			return err
		})
	}
	return group.Wait()
}

// rebuild arms every timer of a lost shard anew. Firing goes on meanwhile: by the
// claim with what is armed already, by the sweep in any case.
func (e *Engine) rebuild(ctx context.Context, shard int32) error {
	remembered := e.keep.get(shard)
	if remembered != (timerindex.Heartbeat{}) { // else there was nothing to lose
		e.o.Logger.WarnContext(ctx, "timer index lost, rebuilding", "shard", shard)
	}
	e.keep.caughtUp(shard)
	beat, err := e.o.Index.Rebuild(ctx, shard, remembered, func() error {
		return e.refresh(ctx, shard, time.UnixMicro(math.MaxInt64))
	})
	if err != nil {
		return err
	}
	e.keep.set(shard, beat)
	e.wake.earlier(shard, e.o.Clock.Now()) // an old copy may have brought back what has fired, and nobody waits for
	return e.giveBack(ctx, shard)
}

// refresh arms the timers of a shard that fall due until an instant.
func (e *Engine) refresh(ctx context.Context, shard int32, until time.Time) error {
	timers, err := e.o.Store.DueTimers(ctx, shard, until, math.MaxInt32)
	if err != nil {
		return err
	}
	return e.arm(ctx, timers)
}
