package journal_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/kittest"
)

func TestNewIDsOfOneMomentShareAShardOfEachLaneAndAllShardsGetTheirShare(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ shards, lanes int }{{64, 1}, {64, 2}, {5, 2}, {2, 4}, {1, 1}} {
		j, err := journal.Open(t.Context(), kittest.SQLite(t), journal.Options{
			Service: "intake", Clock: clock.NewHost(), Lanes: c.lanes, Shards: c.shards,
			Kinds: []journal.Kind{{Pattern: "complaints/*", New: func() proto.Message { return &eventv1.Position{} }}},
		})
		require.NoError(t, err)
		t.Cleanup(j.Close)
		const rounds, run = 4, 32
		counts := make([]int, c.shards)
		changes, last := 0, make([]int, c.lanes)
		for n := range c.shards * run * rounds {
			id, err := j.NewID("complaints")
			require.NoError(t, err)
			parsed, err := uuid.Parse(id)
			require.NoError(t, err)
			require.EqualValues(t, 7, parsed.Version())
			shard := j.ShardOf("complaints/" + id)
			counts[shard]++
			if lane := shard % c.lanes; c.shards >= c.lanes {
				if n >= c.lanes && last[lane] != shard {
					changes++
				}
				last[lane] = shard
			}
		}
		require.LessOrEqual(t, changes, c.shards*rounds+c.lanes, "%+v: a shard keeps its turn", c)
		for shard, n := range counts {
			require.InDelta(t, run*rounds, n, run*rounds/2, "%+v: shard %d", c, shard)
		}
	}
}
