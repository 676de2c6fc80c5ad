package feed_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/wrapperspb"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/feed"
	"example.com/redress/services/kit/inproc"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/kittest"
)

// BenchmarkConsume measures events that are carried in process and stored as
// projections, SQLite to SQLite; one operation is one event.
func BenchmarkConsume(b *testing.B) {
	open := func(o journal.Options) *journal.Journal {
		o.Clock = clock.NewVirtual(noon)
		j, err := journal.Open(b.Context(), kittest.SQLite(b), o)
		require.NoError(b, err)
		b.Cleanup(j.Close)
		return j
	}
	from := open(journal.Options{Service: source, Kinds: []journal.Kind{sourceKind()}})
	to := open(journal.Options{Service: sink})
	var results []<-chan journal.Result
	for i := range b.N {
		name := "cases/" + strconv.Itoa(i)
		results = append(results, from.Submit(b.Context(), journal.Work{Organization: org, Key: "complaints/" + strconv.Itoa(i)}, func(u *journal.Unit) error {
			return u.Create(name, wrapperspb.Int64(1), wrapperspb.String("x"))
		}))
	}
	for _, r := range results {
		require.NoError(b, (<-r).Err)
	}
	server := feed.NewServer(from, feed.ServerOptions{})
	s := inproc.NewServer(inproc.Options{Name: source})
	eventv1.RegisterFeedServiceServer(s, server)
	s.Serve()
	conn := s.Dial(inproc.ConnOptions{Caller: sink})
	b.ResetTimer()
	c := feed.NewConsumer(to, source, conn, func(u *journal.Unit, ev *eventv1.Event, body *eventv1.EventBody) error {
		state, err := body.GetState().UnmarshalNew()
		if err != nil {
			return err
		}
		return u.SetProjection(ev.GetResource(), "cases/*", ev.GetVersion(), state)
	}, feed.Options{})
	require.NoError(b, c.Start(b.Context()))
	heads, err := from.Heads(b.Context())
	require.NoError(b, err)
	for _, h := range heads {
		require.NoError(b, c.WaitFor(b.Context(), &eventv1.Position{Service: source, Shard: h.GetShard(), Sequence: h.GetSequence()}))
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	require.NoError(b, c.Stop(b.Context()))
	server.Close()
	s.Stop()
	require.NoError(b, conn.Close())
}
