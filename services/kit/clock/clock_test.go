package clock_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/kit/clock"
)

var (
	_ clock.Business = (*clock.Host)(nil)
	_ clock.Business = (*clock.Virtual)(nil)
	_ clock.Clock    = clock.Machine{}
)

func start() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 123456789, time.FixedZone("", 8*3600)) }

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestVirtualStandsStillInUTCAndMicroseconds(t *testing.T) {
	t.Parallel()
	v := clock.NewVirtual(start())
	require.Equal(t, time.Date(2026, 3, 2, 1, 0, 0, 123456000, time.UTC), v.Now())
	first := v.Now()
	require.Equal(t, first, v.Now())
}

func TestVirtualFiresAllThatIsDueBeforeAdvanceReturns(t *testing.T) {
	t.Parallel()
	v := clock.NewVirtual(start())
	first, second, third := v.After(v.Now().Add(time.Hour)), v.After(v.Now().Add(2*time.Hour)), v.After(v.Now().Add(3*time.Hour))
	next, ok := v.Next()
	require.True(t, ok)
	require.Equal(t, v.Now().Add(time.Hour), next)
	require.NoError(t, v.Advance(v.Now().Add(2*time.Hour)))
	require.True(t, closed(first))
	require.True(t, closed(second))
	require.False(t, closed(third))
	require.Equal(t, 1, v.Waiting())
}

func TestVirtualFiresAtOnceWhatIsPast(t *testing.T) {
	t.Parallel()
	v := clock.NewVirtual(start())
	require.True(t, closed(v.After(v.Now())))
	require.True(t, closed(v.After(v.Now().Add(-time.Second))))
	require.Zero(t, v.Waiting())
}

func TestVirtualNeverRunsBackwards(t *testing.T) {
	t.Parallel()
	v := clock.NewVirtual(start())
	before := v.Now()
	require.ErrorContains(t, v.Advance(before.Add(-time.Microsecond)), "it stands at")
	require.Equal(t, before, v.Now())
	require.NoError(t, v.Advance(before))
}

func TestVirtualForgetsAStoppedTimer(t *testing.T) {
	t.Parallel()
	v := clock.NewVirtual(start())
	timer := v.Timer(v.Now().Add(time.Hour))
	timer.Stop()
	timer.Stop()
	require.Zero(t, v.Waiting())
	_, ok := v.Next()
	require.False(t, ok)
	require.NoError(t, v.Advance(v.Now().Add(2*time.Hour)))
	require.False(t, closed(timer.C))
}

func TestVirtualShowsWhoWaits(t *testing.T) {
	t.Parallel()
	v := clock.NewVirtual(start())
	at := v.Now().Add(time.Minute)
	done := make(chan error)
	go func() { done <- clock.Wait(t.Context(), v, at) }()
	require.NoError(t, v.AwaitWaiting(t.Context(), 1))
	require.NoError(t, v.Advance(at))
	require.NoError(t, <-done)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, v.AwaitWaiting(gone, 1), context.Canceled)
}

func TestWaitGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	v := clock.NewVirtual(start())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, clock.Wait(ctx, v, v.Now().Add(time.Hour)), context.Canceled)
	require.Zero(t, v.Waiting())
}

func TestHostIsNeverEarlyAndHardlyLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := clock.NewHost()
		for _, d := range []time.Duration{time.Microsecond, time.Second, 3*time.Minute + 7*time.Second} {
			at := h.Now().Add(d)
			require.NoError(t, clock.Wait(t.Context(), h, at))
			require.False(t, h.Now().Before(at))
			require.LessOrEqual(t, h.Now().Sub(at), 2*time.Microsecond)
		}
		require.Zero(t, h.Waiting())
	})
}

func TestHostFollowsItsOffset(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := clock.NewHost()
		before := h.Now()
		due := h.After(before.Add(time.Hour))
		h.SetOffset(time.Hour)
		require.Equal(t, time.Hour, h.Offset())
		require.Equal(t, before.Add(time.Hour), h.Now())
		require.True(t, closed(due))
		require.Equal(t, time.UTC, h.Now().Location())
	})
}

func TestHostForgetsAStoppedTimer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := clock.NewHost()
		timer := h.Timer(h.Now().Add(time.Hour))
		require.Equal(t, 1, h.Waiting())
		timer.Stop()
		require.Zero(t, h.Waiting())
		require.False(t, closed(timer.C))
	})
}

func TestMachinePausesUntilItsContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := clock.System()
		begun := m.Now()
		require.NoError(t, m.Pause(t.Context(), time.Second))
		require.Equal(t, time.Second, m.Since(begun))
		ctx, cancel := m.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, m.Pause(ctx, time.Hour), context.DeadlineExceeded)
		require.Equal(t, -2*time.Second, m.Until(begun))
		require.Equal(t, time.UTC, m.Now().Location())
	})
}
