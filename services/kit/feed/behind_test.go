package feed_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/feed"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/kittest"
)

// eventually waits until what a consumer says of itself is so; the consumer's own
// progress makes it so.
func eventually(t *testing.T, c *feed.Consumer, so func(feed.Behind) bool) feed.Behind {
	t.Helper()
	ctx := within(t)
	for clock.System().Pause(ctx, time.Millisecond) == nil {
		if b := c.Behind(); so(b) {
			return b
		}
	}
	require.FailNow(t, "the consumer is not as expected", "%+v", c.Behind())
	return feed.Behind{}
}

func TestAConsumerSaysHowFarAndForHowLongItIsBehind(t *testing.T) {
	t.Parallel()
	from := openSource(t, kittest.SQLite(t))
	emit(t, from, "c", "one", "two", "three")
	emit(t, from, "d", "four")
	conn := serve(t, inProcess, from, feed.ServerOptions{})
	hold, holding := make(chan struct{}), make(chan struct{}, 8)
	s := &script{}
	c := run(t, openSink(t, kittest.SQLite(t)), conn, func(u *journal.Unit, ev *eventv1.Event, body *eventv1.EventBody) error {
		select {
		case holding <- struct{}{}:
		default:
		}
		<-hold
		return s.apply(u, ev, body)
	}, feed.Options{})
	<-holding
	b := eventually(t, c, func(b feed.Behind) bool { return b.Events == 4 })
	require.True(t, b.Connected)
	later := eventually(t, c, func(now feed.Behind) bool { return now.Oldest > b.Oldest })
	require.EqualValues(t, 4, later.Events)
	close(hold)
	await(t, c, from)
	eventually(t, c, func(b feed.Behind) bool { return b == feed.Behind{Connected: true} })
	require.NoError(t, c.Stop(within(t)))
	require.False(t, c.Behind().Connected)
}

// Shards that another process applies are that one's to report.
func TestOnlyTheShardsOfThisProcessCount(t *testing.T) {
	t.Parallel()
	from := openSource(t, kittest.SQLite(t))
	emit(t, from, "c", "one", "two")
	conn := serve(t, inProcess, from, feed.ServerOptions{})
	to := openSink(t, kittest.SQLite(t))
	first := run(t, to, conn, (&script{}).apply, feed.Options{Ranges: 1})
	await(t, first, from)
	second := run(t, to, conn, (&script{}).apply, feed.Options{Ranges: 1})
	require.Equal(t, feed.Behind{Connected: true}, eventually(t, second, func(b feed.Behind) bool { return b.Connected }))
}
