package delivery_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"example.com/redress/services/kit/fault"
	"example.com/redress/services/notification/internal/delivery"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func source(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

func TestWaitsAreBoundedAndEnd(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := delivery.Backoff{
			First:    time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "first")),
			Cap:      time.Duration(rapid.Int64Range(0, int64(24*time.Hour)).Draw(t, "cap")),
			Attempts: rapid.IntRange(0, 50).Draw(t, "most"),
		}
		attempts := rapid.IntRange(0, 200).Draw(t, "attempts")
		asked := time.Duration(rapid.Int64Range(-5, int64(48*time.Hour)).Draw(t, "asked"))
		seed := rapid.Uint64().Draw(t, "seed")
		wait, again := b.Next(attempts, asked, source(seed))
		require.Equal(t, attempts < 1 || b.Attempts == 0 || attempts < b.Attempts, again)
		require.GreaterOrEqual(t, wait, time.Duration(0))
		require.LessOrEqual(t, wait, b.Cap)
		if again && attempts > 0 {
			require.GreaterOrEqual(t, wait, min(asked, b.Cap), "the receiver's wish holds")
		}
		same, _ := b.Next(attempts, asked, source(seed))
		require.Equal(t, wait, same, "pure: one source, one answer")
	})
}

func TestTheBoundDoublesAndTheWholeRangeIsUsed(t *testing.T) {
	t.Parallel()
	b := delivery.Backoff{First: time.Second, Cap: 8 * time.Second}
	random := source(1)
	for attempts, bound := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second, 4: 8 * time.Second, 5: 8 * time.Second, 1000: 8 * time.Second} {
		var longest, sum time.Duration
		for range 2000 {
			wait, again := b.Next(attempts, 0, random)
			require.True(t, again)
			longest, sum = max(longest, wait), sum+wait
		}
		require.LessOrEqual(t, longest, bound)
		require.Greater(t, longest, bound*9/10)
		require.InDelta(t, float64(bound)/2, float64(sum)/2000, float64(bound)/10)
	}
}

func TestFinalFailuresAreNotTriedAgain(t *testing.T) {
	t.Parallel()
	b := delivery.DefaultBackoff()
	_, again := b.After(1, &delivery.Failure{Class: delivery.Final}, source(1))
	require.False(t, again)
	wait, again := b.After(1, &delivery.Failure{Class: delivery.Retry, After: 40 * time.Minute}, source(1))
	require.True(t, again)
	require.GreaterOrEqual(t, wait, 40*time.Minute)
	_, again = b.After(1, errors.New("anything"), source(1))
	require.True(t, again)
	_, err := fault.NewCatalogue(delivery.Reasons()...)
	require.NoError(t, err)
}
