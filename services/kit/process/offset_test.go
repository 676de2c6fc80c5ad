package process

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/kittest"
	"example.com/redress/services/kit/sqldb"
)

func TestAHostWhoseClockIsWrongFollowsTheDatabase(t *testing.T) {
	t.Parallel()
	db := kittest.Postgres(t)
	for _, wrong := range []time.Duration{-10 * time.Minute, 0, 10 * time.Minute} {
		now := func() time.Time { return clock.System().Now().Add(wrong) }
		var offset time.Duration
		for ok := false; !ok; { // a busy machine answers late
			var err error
			offset, ok, err = databaseOffset(t.Context(), db, now)
			require.NoError(t, err)
		}
		var micros int64
		corrected := now().Add(offset)
		require.NoError(t, db.Query(t.Context(), "test.clock", databaseClock, nil, func(r sqldb.Row) error { return r.Scan(&micros) }))
		require.False(t, corrected.After(time.UnixMicro(micros)), "never ahead of the database, which was asked later")
		require.InDelta(t, float64(-wrong), float64(offset), float64(prompt))
	}
}
