package journal_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/kittest"
)

func TestALeaseOfAHostWhoseClockIsAheadEndsForOthersToo(t *testing.T) {
	t.Parallel()
	db := kittest.SQLite(t)
	open := func(ahead time.Duration) (*journal.Journal, func() time.Time) {
		c := clock.NewHost()
		c.SetOffset(-ahead)
		j, err := journal.Open(t.Context(), db, journal.Options{Service: "intake", Clock: c})
		require.NoError(t, err)
		t.Cleanup(j.Close)
		return j, func() time.Time { return clock.System().Now().Add(ahead) }
	}
	const name, ttl = "feed/routing/0-of-4", 15 * time.Second
	ahead, itsTime := open(10 * time.Minute)
	held, err := ahead.Lease(t.Context(), name, "ahead", itsTime(), ttl)
	require.NoError(t, err)
	require.True(t, held)
	right, now := open(0)
	held, err = right.Lease(t.Context(), name, "right", now(), ttl)
	require.NoError(t, err)
	require.False(t, held, "it lasts")
	held, err = right.Lease(t.Context(), name, "right", now().Add(ttl+time.Second), ttl)
	require.NoError(t, err)
	require.True(t, held, "it has ended")
	held, err = ahead.Lease(t.Context(), name, "ahead", itsTime().Add(ttl+2*time.Second), ttl)
	require.NoError(t, err)
	require.False(t, held, "nobody takes what another one has")
}
