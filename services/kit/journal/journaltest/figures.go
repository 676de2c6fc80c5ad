package journaltest

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/journal"
)

func figuresCount(t *testing.T, b *bundle) {
	var groups, writes atomic.Int64
	j := b.open(oneLane, func(o *journal.Options) {
		o.OnCommit = func(n int, took time.Duration) {
			groups.Add(1)
			writes.Add(int64(n))
			if took < 0 {
				t.Error("a transaction ended before it began")
			}
		}
	})
	none, err := j.Figures(b.ctx)
	require.NoError(t, err)
	require.Equal(t, journal.Figures{Armed: map[string]int64{"complaints/*/clocks/*": 0}, Parked: map[string]int64{}}, none)

	for i, organization := range []string{"acme", "acme", "beta"} {
		w := work(name("complaints", i))
		w.Organization = organization
		b.write(j, w, func(u *journal.Unit) error {
			c := &clockv1.Clock{Complaint: w.Key, NextFireTime: at(time.Duration(i+1) * time.Hour), Generation: 1, State: clockv1.Clock_STATE_RUNNING}
			return u.Create(w.Key+"/clocks/1", c, changed())
		})
	}
	b.write(j, work("complaints/9"), func(u *journal.Unit) error {
		u.Park(&eventv1.Event{Service: "intake", Shard: 1, Sequence: 7, Organization: "acme"}, "UNKNOWN_TYPE", false)
		return nil
	})
	got, err := j.Figures(b.ctx)
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"complaints/*/clocks/*": 3}, got.Armed)
	require.Equal(t, map[string]int64{"intake": 1}, got.Parked)
	require.True(t, got.First.Equal(start().Add(time.Hour)))

	states, err := j.CountIndexed(b.ctx, "complaints/*/clocks/*", "state", "STATE_RUNNING", "STATE_PAUSED")
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"STATE_RUNNING": 3, "STATE_PAUSED": 0}, states)
	require.EqualValues(t, 4, groups.Load())
	require.EqualValues(t, 4, writes.Load())
}
