package timers

import (
	"context"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/planted"
)

// sweepLoop asks SQL each second for what is due. It knows nothing of the index
// and never waits for it.
func (e *Engine) sweepLoop(ctx context.Context) error {
	ticker := clock.System().NewTicker(e.o.Sweep)
	defer ticker.Stop()
	away := false
	for {
		err := e.sweep(ctx)
		if (err != nil) != away && ctx.Err() == nil {
			away = err != nil
			if away {
				e.o.Logger.ErrorContext(ctx, "timers cannot be read", "error", err)
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// giveUp is how many batches in a row may fail wholly before a sweep ends: where
// nothing can be fired at all, the next sweep is soon enough to try the rest.
const giveUp = 4

// sweep fires what is due by SQL, batch by batch, until nothing is left that could
// be fired now.
func (e *Engine) sweep(ctx context.Context) error {
	e.hand.forget(e.o.Clock.Now())
	if planted.Is("sweep disabled") {
		return nil
	}
	for _, shard := range e.askFor() {
		for failed := 0; failed < giveUp && ctx.Err() == nil; {
			now := e.o.Clock.Now()
			limit := mostInHand*e.o.Batch + e.hand.patience()
			timers, err := e.o.Store.DueTimers(ctx, shard, now, limit)
			if err != nil {
				return err
			}
			due := e.hand.due(timers, now)
			done := e.hand.fire(ctx, BySweep, due)
			if len(due) == 0 || len(timers) < limit {
				break
			}
			failed++
			if len(done) > 0 {
				failed = 0
			}
		}
	}
	return nil
}

// askFor returns the shards to ask SQL about: -1 stands for all.
func (e *Engine) askFor() []int32 {
	if len(e.o.Own) == e.o.Shards {
		return []int32{-1}
	}
	return e.o.Own
}
