package journal_test
import (
	"context"
	"testing"
	"github.com/stretchr/testify/require"
	"example.com/redress/services/kit/kittest"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/sqldb"
	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	"google.golang.org/protobuf/proto"
)
func TestSmoke(t *testing.T) {
	kittest.Databases(t, func(t *testing.T, open func(testing.TB) *sqldb.DB) {
		ctx := context.Background()
		j, err := journal.Open(ctx, open(t), journal.Options{Service: "test", Clock: clock.NewHost(), Kinds: []journal.Kind{{Pattern: "complaints/*", New: func() proto.Message { return &clockv1.Clock{} }, Index: func(proto.Message) []journal.Attr { return []journal.Attr{{"a","b"}} }}}})
		require.NoError(t, err)
		defer j.Close()
		w := journal.Work{Organization: "o", Key: "complaints/1", Request: &journal.Request{ID: "1", Digest: []byte("x")}}
		f := func(u *journal.Unit) error {
			if err := u.Create("complaints/1", &clockv1.Clock{Late: 1}, &clockv1.ClockChanged{}); err != nil { return err }
			n, err := u.Serial("x"); require.NoError(t, err); require.EqualValues(t, 1, n)
			return u.SetProjection("cases/1", "cases/*", 3, &clockv1.Clock{Late: 5}, journal.Attr{"x", "y"})
		}
		r, err := j.Write(ctx, w, f)
		require.NoError(t, err)
		require.EqualValues(t, 1, r.Position.Sequence)
		r2, err := j.Write(ctx, w, f)
		require.NoError(t, err)
		require.True(t, r2.Replayed)
		r2.Replayed = false
		require.Equal(t, r.State, r2.State)
		require.True(t, proto.Equal(r.Position, r2.Position))
		w.Request = nil
		_, err = j.Write(ctx, w, f)
		require.Error(t, err)
		p, err := j.List(ctx, journal.Query{Organization: "o", Kind: "complaints/*", Where: []journal.Attr{{"a","b"},{"a","b"}}})
		require.NoError(t, err)
		require.Len(t, p.Rows, 1)
		rep, err := j.Verify(ctx, journal.VerifyOptions{})
		require.NoError(t, err)
		require.Empty(t, rep.Problems)
		t.Log(rep)
	})
}
