package feedline_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/feed"
	"example.com/redress/services/kit/inproc"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/kittest"
	"example.com/redress/services/reporting/internal/feedline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bundle is a source with its feed, and a store that consumes it over a line.
type bundle struct {
	source, sink *journal.Journal
	lines        *feedline.Lines
	watch        *feedline.Watch
	consumer     *feed.Consumer
	server       *inproc.Server
	stop         func()
	applied      chan struct{} // gets a value for each event applied
}

func setup(t *testing.T) *bundle {
	t.Helper()
	now := clock.NewVirtual(time.Date(2026, 4, 8, 4, 0, 0, 0, time.UTC))
	b := &bundle{applied: make(chan struct{}, 100)}
	open := func(service string, committed func(writes int, took time.Duration)) *journal.Journal {
		j, err := journal.Open(t.Context(), kittest.SQLite(t), journal.Options{Service: service, Clock: now, Shards: 2, OnCommit: committed, Kinds: []journal.Kind{
			{Pattern: "things/*", New: func() proto.Message { return &wrapperspb.StringValue{} }},
		}})
		require.NoError(t, err)
		t.Cleanup(j.Close)
		return j
	}
	b.source = open("source", nil)
	b.sink = open("sink", func(writes int, _ time.Duration) {
		for range writes {
			b.applied <- struct{}{}
		}
	})
	server := feed.NewServer(b.source, feed.ServerOptions{Poll: -1})
	b.server = inproc.NewServer(inproc.Options{Name: "source"})
	eventv1.RegisterFeedServiceServer(b.server, server)
	b.server.Serve()
	conn := b.server.Dial(inproc.ConnOptions{Caller: "sink"})
	b.stop = sync.OnceFunc(func() {
		server.Close()
		b.server.Stop()
	})
	b.lines = feedline.New(func(string) grpc.ClientConnInterface { return conn })
	b.watch = feedline.NewWatch(b.sink, b.lines, now, "source")
	b.consumer = feed.NewConsumer(b.sink, "source", b.lines.Dial("source"), func(u *journal.Unit, ev *eventv1.Event, body *eventv1.EventBody) error {
		return u.SetProjection(ev.GetResource(), "things/*", ev.GetVersion(), wrapperspb.String("heard"))
	}, feed.Options{})
	require.NoError(t, b.consumer.Start(t.Context()))
	t.Cleanup(func() {
		require.NoError(t, b.consumer.Stop(context.Background()))
		b.stop()
		require.NoError(t, conn.Close())
	})
	return b
}

func (b *bundle) say(t *testing.T, name string) {
	t.Helper()
	receipt, err := b.source.Write(t.Context(), journal.Work{Organization: "acme", Key: name}, func(u *journal.Unit) error {
		return u.Create(name, wrapperspb.String("x"), wrapperspb.String("made"))
	})
	require.NoError(t, err)
	require.NotNil(t, receipt.Position)
	b.hears(t, 1)
}

func (b *bundle) heard(t *testing.T) int64 {
	t.Helper()
	n, err := b.sink.CountProjections(t.Context(), journal.Query{Organization: "acme", Kind: "things/*"})
	require.NoError(t, err)
	return n
}

// hears returns once so many more events have been applied.
func (b *bundle) hears(t *testing.T, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for range n {
		select {
		case <-b.applied:
		case <-ctx.Done():
			require.FailNow(t, "nothing more is heard")
		}
	}
}

func TestACutLineBeginsAnew(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.say(t, "things/1")
	b.say(t, "things/2")
	_, err := b.sink.ForgetFeeds(t.Context())
	require.NoError(t, err)
	require.Zero(t, b.heard(t))
	b.lines.Cut("another")
	b.lines.Cut("source")
	b.hears(t, 2)
	require.EqualValues(t, 2, b.heard(t))
	b.say(t, "things/3") // the line serves on
}

// TestTheWatchFindsAStandingFeed is what heals the other replicas of a rebuild: no
// one cuts their lines.
func TestTheWatchFindsAStandingFeed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, known := b.watch.Fresh()
	require.False(t, known, "nobody has looked")
	b.say(t, "things/1")
	b.watch.Look(t.Context())
	at, known := b.watch.Fresh()
	require.True(t, known)
	require.Equal(t, time.Date(2026, 4, 8, 4, 0, 0, 0, time.UTC), at)

	_, err := b.sink.ForgetFeeds(t.Context())
	require.NoError(t, err)
	b.watch.Look(t.Context())
	require.Zero(t, b.heard(t), "it may be on its way")
	b.watch.Look(t.Context())
	b.hears(t, 1)
	require.EqualValues(t, 1, b.heard(t))
}

func TestASourceThatIsAwayChangesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.watch.Look(t.Context())
	before, known := b.watch.Fresh()
	require.True(t, known)
	b.stop()
	b.watch.Look(t.Context())
	after, known := b.watch.Fresh()
	require.True(t, known)
	require.Equal(t, before, after)
}
