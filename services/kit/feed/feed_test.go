package feed_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/feed"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/kittest"
	"example.com/redress/services/kit/rpcerr"
	"example.com/redress/services/kit/sqldb"
)

func TestEventsTakeEffectOnceAndInOrder(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, way transport) {
		kittest.Databases(t, func(t *testing.T, open func(testing.TB) *sqldb.DB) {
			from, to := openSource(t, open(t)), openSink(t, open(t))
			want := map[string][]string{}
			say := func(n int) {
				for i := range n {
					id := "c" + strconv.Itoa(i%17)
					text := strconv.Itoa(len(want[id]))
					want[id] = append(want[id], text)
					emit(t, from, id, text)
				}
			}
			say(300)
			c := run(t, to, serve(t, way, from, feed.ServerOptions{}), (&script{}).apply, feed.Options{})
			say(100) // while it catches up
			await(t, c, from)
			for id, texts := range want {
				require.Equal(t, texts, heard(t, to, id))
			}
			caught, err := c.CaughtUp(t.Context())
			require.NoError(t, err)
			require.True(t, caught)
			for shard, lag := range c.Lag() {
				require.Zero(t, lag, shard)
			}
			positions, err := to.FeedPositions(t.Context(), source)
			require.NoError(t, err)
			heads, err := from.Heads(t.Context())
			require.NoError(t, err)
			for _, h := range heads {
				require.True(t, proto.Equal(h, positions[h.Shard]), "positions carry the digest of the event applied last")
			}
		})
	})
}

func TestAConsumerGoesOnWhereItWasStopped(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, way transport) {
		from, to := twoStores(t)
		conn := serve(t, way, from, feed.ServerOptions{})
		var want []string
		for n := range 5 {
			text := strconv.Itoa(n)
			want = append(want, text)
			c := run(t, to, conn, (&script{}).apply, feed.Options{})
			emit(t, from, "c", text)
			await(t, c, from)
			require.NoError(t, c.Stop(within(t)))
			<-c.Done()
			require.NoError(t, c.Err())
		}
		require.Equal(t, want, heard(t, to, "c"))
	})
}

func TestReactionsNameTheirCause(t *testing.T) {
	t.Parallel()
	from, to := twoStores(t)
	c := run(t, to, serve(t, inProcess, from, feed.ServerOptions{}), (&script{}).apply, feed.Options{})
	emit(t, from, "c", "claim")
	await(t, c, from)
	events, err := to.History(t.Context(), org, "claims/c", 0, 10)
	require.NoError(t, err)
	require.Len(t, events, 1)
	causes, err := from.History(t.Context(), org, "cases/c", 0, 10)
	require.NoError(t, err)
	require.Equal(t, causes[0].Digest, events[0].Cause.Digest)
	require.Equal(t, source, events[0].Cause.Service)
	require.Equal(t, int32(1), events[0].Depth)
	body, err := journal.Body(events[0])
	require.NoError(t, err)
	require.Equal(t, "services/"+sink, body.Actor.Principal)
	require.Equal(t, noon, body.OccurTime.AsTime())
}

func TestWritesOfABatchShareTransactions(t *testing.T) {
	t.Parallel()
	from := openSource(t, kittest.SQLite(t))
	const n = 600
	for i := range n {
		emit(t, from, "c"+strconv.Itoa(i%40), strconv.Itoa(i))
	}
	var commits atomic.Int64
	to := openJournal(t, kittest.SQLite(t), journal.Options{Service: sink, Faults: func(op string) error {
		if op == "commit" {
			commits.Add(1)
		}
		return nil
	}})
	c := run(t, to, serve(t, loopback, from, feed.ServerOptions{}), (&script{}).apply, feed.Options{})
	await(t, c, from)
	require.Less(t, commits.Load(), int64(n/4))
}

func TestATemporaryFailureIsTriedAgain(t *testing.T) {
	t.Parallel()
	from, to := twoStores(t)
	s := &script{fails: map[string]int{"away": 2, "abort": 3}}
	emit(t, from, "c", "1", "away", "2", "abort", "3")
	emit(t, from, "d", "1", "2")
	c := run(t, to, serve(t, loopback, from, feed.ServerOptions{}), s.apply, feed.Options{})
	await(t, c, from)
	require.Equal(t, []string{"1", "away", "2", "abort", "3"}, heard(t, to, "c"), "what was rolled back left no trace")
	require.Equal(t, []string{"1", "2"}, heard(t, to, "d"))
	parked, err := to.ParkedEvents(t.Context(), journal.ParkedQuery{})
	require.NoError(t, err)
	require.Empty(t, parked)
}

// A backlog has two batches under way: what fails in the first one must not be overtaken by the second.
func TestABacklogKeepsItsOrderAroundWhatFails(t *testing.T) {
	t.Parallel()
	kittest.Databases(t, func(t *testing.T, open func(testing.TB) *sqldb.DB) {
		from, to := openSource(t, open(t)), openSink(t, open(t))
		want := map[string][]string{}
		const n, cases = 1500, 23
		for i := range n {
			id, text := "c"+strconv.Itoa(i%cases), strconv.Itoa(i)
			switch i {
			case 40, 700:
				text = "away " + text
			case 300, 1100:
				text = "abort " + text
			case 100:
				text = "refuse " + text
			}
			want[id] = append(want[id], text)
			emit(t, from, id, text)
		}
		s := &script{fails: map[string]int{"away 40": 2, "away 700": 1, "abort 300": 3, "abort 1100": 1}}
		c := feed.NewConsumer(to, source, serve(t, inProcess, from, feed.ServerOptions{}), s.apply, feed.Options{})
		repair := feed.NewConsumerServer(to, nil, c)
		start(t, c)
		await(t, c, from)
		stuck := "c" + strconv.Itoa(100%cases)
		for id, texts := range want {
			if id == stuck {
				texts = texts[:100/cases]
			}
			require.Equal(t, texts, heard(t, to, id), id)
		}
		s.mend()
		_, err := repair.RetryParkedEvent(t.Context(), &eventv1.RetryParkedEventRequest{Service: sink, Position: at(t, from, stuck, int64(100/cases+1))})
		require.NoError(t, err)
		require.Equal(t, want[stuck], heard(t, to, stuck))
	})
}

func TestAnEventAbortedWithoutEndIsParked(t *testing.T) {
	t.Parallel()
	from, to := twoStores(t)
	s := &script{fails: map[string]int{"abort": 1 << 30}}
	emit(t, from, "c", "1", "abort", "2")
	c := run(t, to, serve(t, inProcess, from, feed.ServerOptions{}), s.apply, feed.Options{})
	await(t, c, from)
	parked, err := to.ParkedEvents(t.Context(), journal.ParkedQuery{})
	require.NoError(t, err)
	require.Len(t, parked, 2)
	require.Equal(t, "ABORTED_BY_SCRIPT", parked[0].Reason)
}

func TestTheSourceMayComeLaterAndGoAway(t *testing.T) {
	t.Parallel()
	from, to := twoStores(t)
	gate := newGate(serve(t, loopback, from, feed.ServerOptions{}))
	gate.refuse.Store(true)
	log := newListener()
	c := run(t, to, gate, (&script{}).apply, feed.Options{Logger: slogOf(log)})
	_ = log.next(t, "AWAY_BY_GATE")
	emit(t, from, "c", "1")
	gate.refuse.Store(false)
	await(t, c, from)
	gate.breakStreams()
	emit(t, from, "c", "2")
	await(t, c, from)
	require.Equal(t, []string{"1", "2"}, heard(t, to, "c"))
}

func TestAClosingServerEndsItsStreams(t *testing.T) {
	t.Parallel()
	from := openSource(t, kittest.SQLite(t))
	s := feed.NewServer(from, feed.ServerOptions{})
	conn := inProcess(t, registrar(s))
	stream, err := eventv1.NewFeedServiceClient(conn).Subscribe(within(t), &eventv1.SubscribeRequest{After: []*eventv1.ShardPosition{{}}})
	require.NoError(t, err)
	emit(t, from, "c", "1") // whatever shard: the stream is attached by then or refused
	go s.Close()
	for err == nil {
		_, err = stream.Recv()
	}
	require.Equal(t, feed.ReasonStopping, fault.ReasonOf(rpcerr.FromStatus(err)))
	s.Close()
	stream, err = eventv1.NewFeedServiceClient(conn).Subscribe(within(t), &eventv1.SubscribeRequest{After: []*eventv1.ShardPosition{{}}})
	require.NoError(t, err)
	_, err = stream.Recv()
	require.Equal(t, feed.ReasonStopping, fault.ReasonOf(rpcerr.FromStatus(err)))
}

func TestCommitsOfOtherProcessesAreFound(t *testing.T) {
	t.Parallel()
	db := kittest.SQLite(t)
	from, replica := openSource(t, db), openSource(t, db)
	to := openSink(t, kittest.SQLite(t))
	c := run(t, to, serve(t, inProcess, from, feed.ServerOptions{Poll: time.Millisecond}), (&script{}).apply, feed.Options{})
	emit(t, from, "c", "1")
	await(t, c, from)
	emit(t, replica, "c", "2")
	await(t, c, replica)
	require.Equal(t, []string{"1", "2"}, heard(t, to, "c"))
}

// Who keeps up is served from memory: one read of the heads at the beginning, and
// none of the events, however many commits there are.
func TestFollowingLiveReadsNothing(t *testing.T) {
	t.Parallel()
	var events, heads atomic.Int64
	from := openJournal(t, kittest.SQLite(t), journal.Options{Service: source, Kinds: []journal.Kind{sourceKind()}, Faults: func(op string) error {
		switch op {
		case "events.read":
			events.Add(1)
		case "positions.read":
			heads.Add(1)
		}
		return nil
	}})
	to := openSink(t, kittest.SQLite(t))
	c := run(t, to, serve(t, inProcess, from, feed.ServerOptions{Poll: -1}), (&script{}).apply, feed.Options{})
	emit(t, from, "first", "0")
	await(t, c, from)
	events.Store(0)
	before := heads.Load()
	for n := range 50 {
		emit(t, from, "c"+strconv.Itoa(n%7), strconv.Itoa(n))
	}
	await(t, c, from) // reads the heads itself, once
	require.Zero(t, events.Load())
	require.EqualValues(t, 1, heads.Load()-before)
	require.Len(t, heard(t, to, "c1"), 7)
}

// Two processes write the same complaint by turns, so that what one of them
// remembers has gaps: what a consumer of either gets has none.
func TestWhatOthersWroteInBetweenIsRead(t *testing.T) {
	t.Parallel()
	kittest.Databases(t, func(t *testing.T, open func(testing.TB) *sqldb.DB) {
		db := open(t)
		replicas := []*journal.Journal{openSource(t, db), openSource(t, db)}
		var sinks []*journal.Journal
		var consumers []*feed.Consumer
		for _, r := range replicas {
			to := openSink(t, open(t))
			sinks = append(sinks, to)
			consumers = append(consumers, run(t, to, serve(t, inProcess, r, feed.ServerOptions{}), (&script{}).apply, feed.Options{}))
		}
		var want []string
		for n := range 60 {
			text := strconv.Itoa(n)
			want = append(want, text)
			emit(t, replicas[n/3%2], "c", text)
		}
		for i, c := range consumers {
			await(t, c, replicas[0])
			require.Equal(t, want, heard(t, sinks[i], "c"))
		}
	})
}

func TestASubscriptionToUnknownShardsIsRefused(t *testing.T) {
	t.Parallel()
	from := openSource(t, kittest.SQLite(t))
	client := eventv1.NewFeedServiceClient(serve(t, loopback, from, feed.ServerOptions{}))
	heads, err := client.GetHeads(t.Context(), &eventv1.GetHeadsRequest{})
	require.NoError(t, err)
	require.Len(t, heads.Heads, from.Shards(), "every shard, so that the number is known")
	for _, after := range [][]*eventv1.ShardPosition{
		{{Shard: 64}}, {{Shard: -1}}, {{Shard: 3}, {Shard: 3}},
	} {
		stream, err := client.Subscribe(within(t), &eventv1.SubscribeRequest{After: after})
		require.NoError(t, err)
		_, err = stream.Recv()
		require.Equal(t, codes.InvalidArgument, status.Code(err))
	}
}

func TestLargeEventsTravelInMessagesOfTheirOwn(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, way transport) {
		from, to := twoStores(t)
		large := strings.Repeat("x", 900<<10)
		emit(t, from, "c", "1", large, large, large, large, large, "2")
		c := run(t, to, serve(t, way, from, feed.ServerOptions{}), (&script{}).apply, feed.Options{})
		await(t, c, from)
		require.Equal(t, []string{"1", large, large, large, large, large, "2"}, heard(t, to, "c"))
	})
}

func TestWaitingForWhatDoesNotComeEndsWithARetry(t *testing.T) {
	t.Parallel()
	from, to := twoStores(t)
	for _, ranges := range []int{0, 1} {
		c := feed.NewConsumer(to, source, serve(t, inProcess, from, feed.ServerOptions{}), (&script{}).apply, feed.Options{Ranges: ranges})
		ctx, cancel := clock.System().WithTimeout(t.Context(), 20*time.Millisecond)
		err := c.WaitFor(ctx, &eventv1.Position{Service: source, Shard: 1, Sequence: 7})
		cancel()
		f, ok := fault.As(err)
		require.True(t, ok)
		require.Equal(t, feed.ReasonBehind, f.Reason)
		require.Positive(t, f.RetryAfter)
		require.Equal(t, fault.Invalid, fault.KindOf(c.WaitFor(t.Context(), &eventv1.Position{Service: "intake"})))
	}
}

func TestTheLagIsWhatWasHeardOfAndNotApplied(t *testing.T) {
	t.Parallel()
	from, to := twoStores(t)
	emit(t, from, "c", "1", "2", "3")
	c := feed.NewConsumer(to, source, serve(t, inProcess, from, feed.ServerOptions{}), (&script{}).apply, feed.Options{})
	caught, err := c.CaughtUp(t.Context())
	require.NoError(t, err)
	require.False(t, caught)
	require.Equal(t, int64(3), c.Lag()[int32(from.ShardOf("complaints/c"))])
}

// copyStore copies a store that nobody has open.
func copyStore(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(to, content, 0o600))
}

func openFile(t *testing.T, path string) *sqldb.DB {
	t.Helper()
	db, err := sqldb.Open(t.Context(), sqldb.Config{DSN: path})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func TestASourceRestoredFromYesterdayIsNoticed(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, way transport) {
		folder := t.TempDir()
		store := filepath.Join(folder, "source.db")
		db, err := sqldb.Open(t.Context(), sqldb.Config{DSN: store})
		require.NoError(t, err)
		from, to := openSource(t, db), openSink(t, kittest.SQLite(t))
		emit(t, from, "c", "1", "2")
		from.Close()
		require.NoError(t, db.Close())
		copies := []string{filepath.Join(folder, "short.db"), filepath.Join(folder, "other.db")}
		for _, path := range copies {
			copyStore(t, store, path)
		}
		from = openSource(t, openFile(t, store))
		emit(t, from, "c", "3")
		c := run(t, to, serve(t, way, from, feed.ServerOptions{}), (&script{}).apply, feed.Options{})
		await(t, c, from)
		require.NoError(t, c.Stop(within(t)))

		for i, path := range copies {
			yesterday := openSource(t, openFile(t, path))
			if i == 1 { // it went on after the restoration and is now as long, or longer
				emit(t, yesterday, "c", "another", "yet another")
			}
			c := run(t, to, serve(t, way, yesterday, feed.ServerOptions{}), (&script{}).apply, feed.Options{})
			select {
			case <-c.Done():
			case <-within(t).Done():
				require.FailNow(t, "the consumer goes on")
			}
			f, ok := fault.As(c.Err())
			require.True(t, ok)
			require.Equal(t, fault.DataLoss, f.Kind)
			require.Equal(t, feed.ReasonRewound, f.Reason)
			require.Equal(t, source, f.Facts["source"])
			require.Equal(t, "3", f.Facts["sequence"])
			require.Contains(t, c.Err().Error(), sink+" has applied more of "+source)
		}
		require.Equal(t, []string{"1", "2", "3"}, heard(t, to, "c"), "nothing of the other history took effect")
	})
}

func TestEventsWithoutAComplaintKeepTheirOrderToo(t *testing.T) {
	t.Parallel()
	from := openSource(t, kittest.SQLite(t))
	// A sink with another number of shards and lanes: keys of the source's complaints fall elsewhere here.
	to := openJournal(t, kittest.SQLite(t), journal.Options{Service: sink, Shards: 7, Lanes: 3})
	var want []string
	for i := range 200 {
		want = append(want, strconv.Itoa(i))
		emit(t, from, "free-1", strconv.Itoa(i))
		emit(t, from, "c"+strconv.Itoa(i%5), fmt.Sprint(i))
	}
	c := run(t, to, serve(t, inProcess, from, feed.ServerOptions{}), (&script{}).apply, feed.Options{})
	await(t, c, from)
	require.Equal(t, want, heard(t, to, "free-1"))
	require.True(t, slices.IsSortedFunc(heard(t, to, "c1"), func(a, b string) int {
		x, _ := strconv.Atoi(a)
		y, _ := strconv.Atoi(b)
		return x - y
	}))
}

func TestTheReasonsAreACatalogue(t *testing.T) {
	t.Parallel()
	table(t)
}
