package timers_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/timerindex"
	"example.com/redress/services/kit/timers"
)

// BenchmarkBurst fires 10,000 timers that fall due at once, on a store that costs nothing.
func BenchmarkBurst(b *testing.B) {
	const n = 10_000
	for b.Loop() {
		host := clock.NewHost()
		s := newStore(host)
		var fired atomic.Int64
		all := make(chan struct{})
		e, err := timers.New(timers.Options{Store: s, Index: timerindex.NewLocal(), Clock: host, Shards: 64, Sweep: time.Minute, OnFired: func(timers.Fired) {
			if fired.Add(1) == n {
				close(all)
			}
		}})
		require.NoError(b, err)
		require.NoError(b, e.Start(b.Context()))
		var ts []timers.Timer
		for i := range n {
			ts = append(ts, timers.Timer{Organization: "org", Name: fmt.Sprint("t", i), Shard: int32(i % 64), At: host.Now(), Generation: 1})
		}
		s.put(ts...)
		e.Arm(ts...)
		<-all
		require.NoError(b, e.Stop(context.Background()))
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "timers/s")
}
