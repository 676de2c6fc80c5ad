package journal_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/kittest"
	"example.com/redress/services/kit/sqldb"
)

// TestStandingMissesNothingThisProcessWasTold writes and reads by turns.
func TestStandingMissesNothingThisProcessWasTold(t *testing.T) {
	t.Parallel()
	kittest.Databases(t, func(t *testing.T, open func(t testing.TB) *sqldb.DB) {
		ctx, db := t.Context(), open(t)
		replica := func() *journal.Journal {
			j, err := journal.Open(ctx, db, journal.Options{
				Service: "reporting", Clock: clock.NewVirtual(time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)),
				Kinds: []journal.Kind{{Pattern: "reports/*", New: func() proto.Message { return &wrapperspb.Int64Value{} }}},
			})
			require.NoError(t, err)
			t.Cleanup(j.Close)
			return j
		}
		j, other := replica(), replica()
		raise := func(j *journal.Journal, name string) {
			t.Helper()
			_, err := j.Write(ctx, journal.Work{Organization: "acme", Key: name}, func(u *journal.Unit) error {
				n := &wrapperspb.Int64Value{}
				if _, err := u.Get(name, n); err != nil {
					return u.Create(name, wrapperspb.Int64(1), wrapperspb.String("made"))
				}
				return u.Update(name, wrapperspb.Int64(n.GetValue()+1), wrapperspb.String("raised"))
			})
			require.NoError(t, err)
		}
		reads := 0
		kept := journal.Standing[string, int64]{Kind: "reports/*"}
		get := func() int64 {
			t.Helper()
			n, err := kept.Get(ctx, j, "reports/1", func(ctx context.Context) (int64, error) {
				reads++
				n := &wrapperspb.Int64Value{}
				_, err := j.Get(ctx, "acme", "reports/1", n)
				return n.GetValue(), err
			})
			require.NoError(t, err)
			return n
		}
		const turns = 200
		for n := range turns {
			raise(j, "reports/1")
			require.EqualValues(t, n+1, get())
			require.EqualValues(t, n+1, get())
		}
		require.Less(t, reads, 2*turns, "most of the second reads are not done")

		raise(other, "reports/1") // another process: noticed after a while
		require.NoError(t, clock.System().Pause(ctx, journal.ForeignAge))
		require.EqualValues(t, turns+1, get())

		away := errors.New("away")
		_, err := kept.Get(ctx, j, "reports/2", func(context.Context) (int64, error) { return 0, away })
		require.ErrorIs(t, err, away)
		n, err := kept.Get(ctx, j, "reports/2", func(context.Context) (int64, error) { return 7, nil })
		require.NoError(t, err, "errors are not kept")
		require.EqualValues(t, 7, n)
	})
}

// TestOneCallerRenewsWhatStandsWhileOthersGoOn would hang if the others waited.
func TestOneCallerRenewsWhatStandsWhileOthersGoOn(t *testing.T) {
	t.Parallel()
	db := kittest.SQLite(t)
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		j, err := journal.Open(ctx, db, journal.Options{
			Service: "reporting", Clock: clock.NewVirtual(time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)),
			Kinds: []journal.Kind{{Pattern: "reports/*", New: func() proto.Message { return &wrapperspb.Int64Value{} }}},
		})
		require.NoError(t, err)
		defer j.Close()
		kept := journal.Standing[string, int64]{Kind: "reports/*"}
		answer := func(n int64) func(context.Context) (int64, error) {
			return func(context.Context) (int64, error) { return n, nil }
		}
		got, err := kept.Get(ctx, j, "reports/1", answer(1))
		require.NoError(t, err)
		require.EqualValues(t, 1, got)
		require.NoError(t, clock.System().Pause(ctx, journal.ForeignAge*3/4))
		got, err = kept.Get(ctx, j, "reports/1", func(context.Context) (int64, error) {
			among, err := kept.Get(ctx, j, "reports/1", answer(3))
			require.EqualValues(t, 1, among, "another caller meanwhile")
			return 2, err
		})
		require.NoError(t, err)
		require.EqualValues(t, 2, got)
		got, err = kept.Get(ctx, j, "reports/1", answer(3))
		require.NoError(t, err)
		require.EqualValues(t, 2, got)
		require.NoError(t, clock.System().Pause(ctx, journal.ForeignAge))
		got, err = kept.Get(ctx, j, "reports/1", answer(4))
		require.NoError(t, err)
		require.EqualValues(t, 4, got, "too old for anybody")
	})
}
