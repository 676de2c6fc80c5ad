package demo_test

import (
	"cmp"
	"io"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/suite/demo"
	"example.com/redress/services/suite/suitetest"
)

// mostBytes is what the demo's complaint takes at most. The goal is 60 KiB; how
// far it is away, and why, is in docs/performance.md.
const mostBytes = 360 << 10

// What one closed complaint takes in the stores of all services, with indexes,
// is the difference to a suite in which nothing happened.
func TestAClosedComplaintTakesNoMoreRoomThanItDid(t *testing.T) {
	t.Parallel()
	empty, played := t.TempDir(), t.TempDir()
	t.Run("an empty suite", func(t *testing.T) { suitetest.In(t, empty).Settled() })
	require.NoError(t, demo.AllInOne(t.Context(), played, io.Discard))
	before, err := demo.Stored(t.Context(), empty)
	require.NoError(t, err)
	after, err := demo.Stored(t.Context(), played)
	require.NoError(t, err)
	var all int64
	for _, what := range slices.SortedFunc(maps.Keys(after), func(a, b string) int { return cmp.Compare(after[b]-before[b], after[a]-before[a]) }) {
		bytes := after[what] - before[what]
		all += bytes
		if bytes >= 1024 {
			t.Logf("%8d %s", bytes, what)
		}
	}
	t.Logf("%8d in all", all)
	require.Positive(t, all)
	require.LessOrEqual(t, all, int64(mostBytes))
}
