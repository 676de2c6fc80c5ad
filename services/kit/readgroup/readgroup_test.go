package readgroup_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/redress/services/kit/readgroup"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What stood when a caller asked is in the answer, and reads of a key never overlap.
func TestNobodyGetsWhatIsOlderThanTheQuestion(t *testing.T) {
	t.Parallel()
	var g readgroup.Group[string, int64]
	var stored, reads, inside atomic.Int64
	var all sync.WaitGroup
	const callers, each = 32, 300
	for range callers {
		all.Go(func() {
			for range each {
				asked := stored.Add(1)
				got, err := g.Do(t.Context(), "a", func(context.Context) (int64, error) {
					if inside.Add(1) != 1 {
						t.Error("two reads at once")
					}
					defer inside.Add(-1)
					reads.Add(1)
					return stored.Load(), nil
				})
				if err != nil || got < asked {
					t.Errorf("asked at %d, got %d, %v", asked, got, err)
				}
			}
		})
	}
	all.Wait()
	require.LessOrEqual(t, reads.Load(), int64(callers*each))
}

func TestWhoWaitsSharesOneRead(t *testing.T) {
	t.Parallel()
	var g readgroup.Group[string, int]
	var reads atomic.Int64
	begun, release := make(chan struct{}), make(chan struct{})
	read := func(context.Context) (int, error) {
		if reads.Add(1) == 1 {
			close(begun)
			<-release
		}
		return 7, nil
	}
	var all sync.WaitGroup
	all.Go(func() { _, _ = g.Do(t.Context(), "a", read) })
	<-begun
	// Somebody who gives up neither waits nor ends the read of the others.
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := g.Do(gone, "a", read)
	require.ErrorIs(t, err, context.Canceled)
	got, err := g.Do(t.Context(), "b", func(context.Context) (int, error) { return 8, nil })
	require.NoError(t, err, "another key does not wait")
	require.Equal(t, 8, got)
	for range 20 {
		all.Go(func() {
			got, err := g.Do(t.Context(), "a", read)
			if err != nil || got != 7 {
				t.Errorf("%d, %v", got, err)
			}
		})
	}
	close(release)
	all.Wait()
	require.GreaterOrEqual(t, reads.Load(), int64(2))
}

func TestAFailureIsOnlyOfThoseWhoWaitedForIt(t *testing.T) {
	t.Parallel()
	var g readgroup.Group[int, int]
	_, err := g.Do(t.Context(), 1, func(context.Context) (int, error) { return 0, errors.New("away") })
	require.EqualError(t, err, "away")
	require.Panics(t, func() { _, _ = g.Do(t.Context(), 1, func(context.Context) (int, error) { panic("broken") }) })
	got, err := g.Do(t.Context(), 1, func(context.Context) (int, error) { return 3, nil })
	require.NoError(t, err)
	require.Equal(t, 3, got)
}
