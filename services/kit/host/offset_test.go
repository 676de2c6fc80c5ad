package host

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/kittest"
)

// database is a database whose clock is ahead of the host's.
type database struct {
	ahead time.Duration
	slow  []time.Duration // of the answers, on their way back
	looks int
	err   error
}

func (d *database) now(ctx context.Context) (time.Time, bool, error) {
	at := clock.NewHost().Now().Add(d.ahead)
	if d.looks < len(d.slow) {
		_ = clock.System().Pause(ctx, d.slow[d.looks])
	}
	d.looks++
	return at, true, d.err
}

func TestTheHostsClockFollowsTheDatabases(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, c := &Host{Logger: slog.New(slog.DiscardHandler)}, clock.NewHost()
		correct := func(d database) {
			t.Helper()
			ok, err := h.correct(t.Context(), c, d.now, false)
			require.NoError(t, err)
			require.True(t, ok)
		}
		correct(database{ahead: -10 * time.Minute, slow: []time.Duration{time.Second, time.Millisecond, 2 * time.Millisecond}})
		require.Equal(t, -10*time.Minute-time.Millisecond, c.Offset(), "the promptest answer counts, and the time it took: never ahead")
		slow := []time.Duration{time.Second, time.Second, 2 * time.Second}
		correct(database{ahead: -10 * time.Minute, slow: slow})
		require.Equal(t, -10*time.Minute-time.Millisecond, c.Offset(), "slow answers say little")
		correct(database{ahead: -20 * time.Minute, slow: slow})
		require.Equal(t, -20*time.Minute-time.Second, c.Offset(), "but that the clock is ahead they may show")
		correct(database{ahead: time.Minute, slow: slow})
		require.Equal(t, time.Minute-time.Second, c.Offset(), "or that it is far behind")
		correct(database{ahead: time.Hour})
		require.Equal(t, time.Hour, c.Offset())
		away := database{err: errors.New("away")}
		_, err := h.correct(t.Context(), c, away.now, false)
		require.ErrorIs(t, err, away.err)
		require.Equal(t, time.Hour, c.Offset(), "what cannot be asked changes nothing")
	})
}

func TestAClockThatIsAheadIsCorrectedAtTheStartHoweverSlowTheDatabase(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, c := &Host{Logger: slog.New(slog.DiscardHandler)}, clock.NewHost()
		d := database{ahead: -100 * time.Millisecond, slow: []time.Duration{time.Second, time.Second, time.Second}}
		_, err := h.correct(t.Context(), c, d.now, true)
		require.NoError(t, err)
		require.Equal(t, -1100*time.Millisecond, c.Offset())
	})
}

func TestDatabasesTellTheirTimeWhereTheyHaveOne(t *testing.T) {
	t.Parallel()
	_, ok, err := kittest.SQLite(t).Now(t.Context())
	require.NoError(t, err)
	require.False(t, ok)
	db := kittest.Postgres(t)
	before := clock.NewHost().Now()
	at, ok, err := db.Now(t.Context())
	require.NoError(t, err)
	require.True(t, ok)
	require.WithinDuration(t, before, at, time.Minute)
}
