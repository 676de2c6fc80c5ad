package journal_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/kittest"
	"example.com/redress/services/kit/sqldb"
)

// TestForgetFeeds drops what came from others and nothing else.
func TestForgetFeeds(t *testing.T) {
	t.Parallel()
	kittest.Databases(t, func(t *testing.T, open func(t testing.TB) *sqldb.DB) {
		j, err := journal.Open(t.Context(), open(t), journal.Options{
			Service: "reporting", Clock: clock.NewVirtual(time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)),
			Kinds: []journal.Kind{{Pattern: "reports/*", New: func() proto.Message { return &wrapperspb.StringValue{} }}},
		})
		require.NoError(t, err)
		t.Cleanup(j.Close)
		apply := func(from, to int64) error {
			_, err := j.Write(t.Context(), journal.Work{
				Organization: "acme", Key: "feed/1",
				Advance: &journal.Advance{Source: "intake", Shard: 3, From: from, To: to, Digest: []byte{byte(to)}},
			}, func(u *journal.Unit) error {
				if to == 2 {
					u.Park(&eventv1.Event{Service: "intake", Shard: 3, Sequence: 2, Organization: "acme", Complaint: "complaints/1"}, "X", false)
					return nil
				}
				return u.SetProjection("complaints/1", "complaints/*", to, wrapperspb.Int64(to), journal.Attr{Name: "open", Value: "yes"})
			})
			return err
		}
		require.NoError(t, apply(0, 1))
		require.NoError(t, apply(1, 2))
		_, err = j.Write(t.Context(), journal.Work{Organization: "acme", Key: "reports/1"}, func(u *journal.Unit) error {
			return u.Create("reports/1", wrapperspb.String("frozen"), wrapperspb.String("made"))
		})
		require.NoError(t, err)

		events, err := j.ForgetFeeds(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 2, events)

		for _, where := range [][]journal.Attr{nil, {{Name: "open", Value: "yes"}}} {
			n, err := j.CountProjections(t.Context(), journal.Query{Organization: "acme", Kind: "complaints/*", Where: where})
			require.NoError(t, err)
			require.Zero(t, n)
		}
		parked, err := j.ParkedEvents(t.Context(), journal.ParkedQuery{})
		require.NoError(t, err)
		require.Empty(t, parked)
		positions, err := j.FeedPositions(t.Context(), "intake")
		require.NoError(t, err)
		require.Zero(t, positions[3].GetSequence())
		require.Empty(t, positions[3].GetDigest())
		_, err = j.Get(t.Context(), "acme", "reports/1", &wrapperspb.StringValue{})
		require.NoError(t, err, "what the journal owns stays")

		require.Equal(t, journal.ReasonPositionMoved, fault.ReasonOf(apply(2, 3)), "a consumer that goes on from where it was moves nothing")
		require.NoError(t, apply(0, 1), "one that begins anew does")
		again, err := j.ForgetFeeds(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 1, again)
	})
}
