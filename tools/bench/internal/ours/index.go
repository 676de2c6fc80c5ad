package ours

import (
	"context"
	"errors"
	"fmt"
	"time"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/timerindex"
	"example.com/redress/services/kit/timers"
	"example.com/redress/tools/bench/internal/measure"
	"example.com/redress/tools/bench/internal/world"
)

// shards as a new journal has them.
const shards = 64

// nothing is a timers.Store without rows: only the index is of interest.
type nothing struct{}

// DueTimers implements timers.Store.
func (nothing) DueTimers(context.Context, int32, time.Time, int) ([]timers.Timer, error) {
	return nil, nil
}

// NextTimer implements timers.Store.
func (nothing) NextTimer(context.Context) (time.Time, bool, error) { return time.Time{}, false, nil }

// Fire implements timers.Store.
func (nothing) Fire(context.Context, timers.Timer) error { return nil }

// ArmIndex lets callers hand n timers to an engine, one at a time, and measures
// until Redis knows them all.
func ArmIndex(ctx context.Context, w *world.World, callers, n int) (_ measure.Figures, err error) {
	server := timerindex.Connect(timerindex.Address{Addrs: []string{w.Redis}})
	defer func() { err = errors.Join(err, server.Close()) }()
	store := fmt.Sprintf("bench%d", time.Now().UnixNano())
	e, err := timers.New(timers.Options{Store: nothing{}, Index: server.Index(store), Clock: clock.NewHost(), Shards: shards})
	if err != nil {
		return nil, err
	}
	if err := e.Start(ctx); err != nil {
		return nil, err
	}
	defer func() {
		err = errors.Join(err, e.Stop(context.WithoutCancel(ctx)), w.Flush(context.WithoutCancel(ctx)))
	}()
	armed := func() (int64, error) { return indexed(ctx, w, store, shards) }
	arm := func(from, n int) (time.Duration, error) {
		began := time.Now()
		due := began.Add(24 * time.Hour)
		if _, err := measure.Each(ctx, callers, n, func(_ context.Context, _, i int) error {
			id := from + i
			e.Arm(timers.Timer{Organization: organization, Name: caseOf(id) + "/clocks/" + kind + "-1", Shard: int32(id % shards), At: due, Generation: 1})
			return nil
		}); err != nil {
			return 0, err
		}
		for {
			got, err := armed()
			if err != nil || got >= int64(from+n) {
				return time.Since(began), err
			}
			if time.Since(began) > settling {
				return 0, fmt.Errorf("%d of %d timers are in the index", got, from+n)
			}
			time.Sleep(time.Millisecond)
		}
	}
	warm := n / 10
	if _, err := arm(0, warm); err != nil {
		return nil, err
	}
	before, err := w.CPU(ctx)
	if err != nil {
		return nil, err
	}
	end := measure.Watch(ctx)
	took, err := arm(warm, n)
	end()
	if err != nil {
		return nil, err
	}
	after, err := w.CPU(ctx)
	if err != nil {
		return nil, err
	}
	return measure.Figures{"rate": float64(n) / took.Seconds(), "cpu": world.Per(after.Sub(before).All(), n)}, nil
}

// indexed returns how many timers Redis holds for a store.
func indexed(ctx context.Context, w *world.World, store string, shards int) (int64, error) {
	p := w.Client().Pipeline()
	for shard := range shards {
		p.ZCard(ctx, fmt.Sprintf("%s:{%s.%d}:due", store, store, shard))
	}
	all, err := p.Exec(ctx)
	if err != nil {
		return 0, err
	}
	var n int64
	for _, c := range all {
		n += c.(interface{ Val() int64 }).Val()
	}
	return n, nil
}
