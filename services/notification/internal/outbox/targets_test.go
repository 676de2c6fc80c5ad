package outbox

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAReceiverThatAnswersIsNeverHeldBack(t *testing.T) {
	t.Parallel()
	s, now := newTargets(), time.Date(2026, 4, 8, 9, 0, 0, 0, time.UTC)
	for range 50 {
		_, ok := s.take("acme a", now)
		require.True(t, ok)
	}
	for range 50 {
		s.done("acme a", now, 20*time.Millisecond, true)
	}
	require.Empty(t, s.all, "nothing is remembered of it")
}

func TestAReceiverThatDoesNotAnswerRestsLongerEachTime(t *testing.T) {
	t.Parallel()
	s, now := newTargets(), time.Date(2026, 4, 8, 9, 0, 0, 0, time.UTC)
	s.spread = func(time.Duration) time.Duration { return 0 }
	for range patienceWith { // each time two that are in hand together
		for range fewAtOnce {
			_, ok := s.take("acme dead", now)
			require.True(t, ok)
		}
		now = now.Add(11 * time.Second)
		for range fewAtOnce {
			s.done("acme dead", now, 10*time.Second, false)
		}
		if s.all["acme dead"].failures < patienceWith {
			for range fewAtOnce {
				_, ok := s.take("acme dead", now)
				require.True(t, ok)
			}
			_, ok := s.take("acme dead", now)
			require.False(t, ok, "few at once as long as it does not answer")
			s.all["acme dead"].inHand = 0
		}
	}
	for _, seconds := range []float64{5, 10, 20, 40, 80, 160, 300, 300} {
		later, ok := s.take("acme dead", now)
		require.False(t, ok)
		require.InDelta(t, seconds, later.Sub(now).Seconds(), 1e-9)
		_, ok = s.take("acme other", now)
		require.True(t, ok, "others are not held up")
		s.done("acme other", now, time.Millisecond, true)

		now = later
		_, ok = s.take("acme dead", now)
		require.True(t, ok, "one goes to see whether it is back")
		_, ok = s.take("acme dead", now)
		require.False(t, ok, "only one")
		now = now.Add(11 * time.Second)
		s.done("acme dead", now, 10*time.Second, false)
	}
	now = now.Add(mostRest)
	_, ok := s.take("acme dead", now)
	require.True(t, ok)
	s.done("acme dead", now, time.Millisecond, true)
	_, ok = s.take("acme dead", now)
	require.True(t, ok, "it is back")
}

func TestASlowReceiverGetsFewAtOnce(t *testing.T) {
	t.Parallel()
	s, now := newTargets(), time.Date(2026, 4, 8, 9, 0, 0, 0, time.UTC)
	_, ok := s.take("acme slow", now)
	require.True(t, ok)
	s.done("acme slow", now, 8*time.Second, true)
	for range fewAtOnce {
		_, ok := s.take("acme slow", now)
		require.True(t, ok)
	}
	later, ok := s.take("acme slow", now)
	require.False(t, ok)
	require.WithinRange(t, later, now.Add(firstRest), now.Add(2*firstRest))
	s.done("acme slow", now, 8*time.Second, true)
	_, ok = s.take("acme slow", now)
	require.True(t, ok)
	for range 12 { // it has become quick
		s.done("acme slow", now, time.Millisecond, true)
		_, ok = s.take("acme slow", now)
		require.True(t, ok)
	}
	for range 20 {
		_, ok = s.take("acme slow", now)
		require.True(t, ok)
	}
}
