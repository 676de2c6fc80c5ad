package feed_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/feed"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/kittest"
	"example.com/redress/services/kit/sqldb"
)

// forger is a source that sends one event over and over to whoever asks.
type forger struct {
	eventv1.UnimplementedFeedServiceServer
	event *eventv1.Event
}

func (f *forger) GetHeads(context.Context, *eventv1.GetHeadsRequest) (*eventv1.GetHeadsResponse, error) {
	return &eventv1.GetHeadsResponse{Heads: []*eventv1.ShardPosition{{Sequence: f.event.Sequence}}}, nil
}

func (f *forger) Subscribe(_ *eventv1.SubscribeRequest, s grpc.ServerStreamingServer[eventv1.SubscribeResponse]) error {
	if err := s.Send(&eventv1.SubscribeResponse{Events: []*eventv1.Event{f.event}}); err != nil {
		return err
	}
	<-s.Context().Done()
	return s.Context().Err()
}

// watch is a time that a test sets.
type watch struct {
	mu sync.Mutex
	at time.Time
}

func (w *watch) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

func (w *watch) add(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

func TestAConsumerStoppedPastItsLeaseAppliesNothingTwice(t *testing.T) {
	t.Parallel()
	kittest.Databases(t, func(t *testing.T, open func(testing.TB) *sqldb.DB) {
		from := openSource(t, open(t))
		db := open(t)
		to, replica := openSink(t, db), openSink(t, db)
		emit(t, from, "c", "1", "2", "3")

		gate := newGate(serve(t, inProcess, from, feed.ServerOptions{}))
		gate.hold, gate.arrived = make(chan struct{}), make(chan struct{}, 1)
		log := newListener()
		late := &watch{at: noon}
		slow := feed.NewConsumer(to, source, gate, (&script{}).apply, feed.Options{Ranges: 1, Logger: slogOf(log)})
		slow.SetLeaseClock(late.now, make(chan time.Time))
		start(t, slow)
		select { // it holds the lease, has received everything, and is stopped there
		case <-gate.arrived:
		case <-within(t).Done():
			require.FailNow(t, "nothing arrived")
		}

		early := &watch{at: noon.Add(time.Minute)} // past the lease
		quick := feed.NewConsumer(replica, source, serve(t, inProcess, from, feed.ServerOptions{}), (&script{}).apply, feed.Options{Ranges: 1})
		quick.SetLeaseClock(early.now, make(chan time.Time))
		start(t, quick)
		await(t, quick, from)
		require.Equal(t, []string{"1", "2", "3"}, heard(t, to, "c"))

		close(gate.hold) // and goes on
		_ = log.next(t, journal.ReasonPositionMoved)
		emit(t, from, "c", "4")
		await(t, quick, from)
		await(t, slow, from) // it sees what the other one applied
		require.Equal(t, []string{"1", "2", "3", "4"}, heard(t, to, "c"))
	})
}

func TestTwoConsumersWithoutLeasesApplyNothingTwice(t *testing.T) {
	t.Parallel()
	kittest.Databases(t, func(t *testing.T, open func(testing.TB) *sqldb.DB) {
		from := openSource(t, open(t))
		db := open(t)
		to, replica := openSink(t, db), openSink(t, db)
		conn := serve(t, inProcess, from, feed.ServerOptions{})
		var want []string
		say := func(text string) {
			want = append(want, text)
			emit(t, from, "c", text)
		}
		for i := range 40 {
			say(string(rune('a' + i%26)))
		}
		a := run(t, to, conn, (&script{}).apply, feed.Options{})
		b := run(t, replica, conn, (&script{}).apply, feed.Options{})
		for i := range 40 {
			say(string(rune('A' + i%26)))
		}
		await(t, a, from)
		await(t, b, from)
		require.Equal(t, want, heard(t, to, "c"))
	})
}

func TestALeaseThatRanOutIsTakenOver(t *testing.T) {
	t.Parallel()
	from := openSource(t, kittest.SQLite(t))
	db := kittest.SQLite(t)
	to, replica := openSink(t, db), openSink(t, db)
	conn := serve(t, inProcess, from, feed.ServerOptions{})
	first := run(t, to, conn, (&script{}).apply, feed.Options{Ranges: 2})
	emit(t, from, "c", "1")
	await(t, first, from)

	time2, tick := &watch{at: time.Now()}, make(chan time.Time)
	second := feed.NewConsumer(replica, source, conn, (&script{}).apply, feed.Options{Ranges: 2})
	second.SetLeaseClock(time2.now, tick)
	start(t, second)
	select { // a round in which the first one's leases are good
	case tick <- time.Time{}:
	case <-within(t).Done():
		require.FailNow(t, "no session")
	}
	require.NoError(t, first.Stop(within(t))) // gives its leases back
	select {
	case tick <- time.Time{}:
	case <-within(t).Done():
		require.FailNow(t, "no session")
	}
	emit(t, from, "c", "2")
	await(t, second, from)
	require.Equal(t, []string{"1", "2"}, heard(t, to, "c"))
}

func TestARangeTakenInARoundThatFailsLaterIsRead(t *testing.T) {
	t.Parallel()
	from, db := openSource(t, kittest.SQLite(t)), kittest.SQLite(t)
	another := openSink(t, db)
	lease := func(r int) string { return fmt.Sprintf("feed/%s/%d-of-2", source, r) }
	for r := range 2 {
		ok, err := another.Lease(t.Context(), lease(r), "another", noon, time.Hour)
		require.NoError(t, err)
		require.True(t, ok)
	}
	asked := make(chan int, 100)
	var times atomic.Int64
	to := openJournal(t, db, journal.Options{Service: sink, Faults: func(op string) error {
		if op != "feed_leases.take" {
			return nil
		}
		n := int(times.Add(1))
		asked <- n
		if n == 5 { // three at first: two ranges and the wish for one; this is the second range of the next round
			return sqldb.NewError(sqldb.Unavailable, op, "planted")
		}
		return nil
	}})
	clock, tick := &watch{at: noon}, make(chan time.Time)
	c := feed.NewConsumer(to, source, serve(t, inProcess, from, feed.ServerOptions{}), (&script{}).apply, feed.Options{Ranges: 2})
	c.SetLeaseClock(clock.now, tick)
	start(t, c)
	reached := func(n int) {
		for {
			select {
			case got := <-asked:
				if got == n {
					return
				}
			case <-within(t).Done():
				require.FailNow(t, "the leases were not asked for")
			}
		}
	}
	reached(3)
	require.NoError(t, another.Unlease(t.Context(), lease(0), "another"))
	for range 2 { // the round that fails, and one that does not
		select {
		case tick <- time.Time{}:
		case <-within(t).Done():
			require.FailNow(t, "no session")
		}
	}
	reached(5)

	id := "c"
	for from.ShardOf("complaints/"+id) >= from.Shards()/2 { // of the first range
		id += "c"
	}
	emit(t, from, id, "1")
	await(t, c, from)
	require.Equal(t, []string{"1"}, heard(t, to, id))
}

func TestLeasesAreSharedEvenly(t *testing.T) {
	t.Parallel()
	kittest.Databases(t, func(t *testing.T, open func(testing.TB) *sqldb.DB) {
		j := openSink(t, open(t))
		w := &watch{at: noon}
		round := func(all ...feed.Leases) (counts []int) {
			for range 12 {
				counts = nil
				for _, l := range all {
					n, err := l.Round(t.Context())
					require.NoError(t, err)
					counts = append(counts, n)
				}
				w.add(20 * time.Second)
			}
			return counts
		}
		a := feed.NewLeases(j, "a", 4, w.now)
		require.Equal(t, []int{4}, round(a))
		b := feed.NewLeases(j, "b", 4, w.now)
		require.Equal(t, []int{2, 2}, round(a, b))
		c := feed.NewLeases(j, "c", 4, w.now)
		require.ElementsMatch(t, []int{1, 1, 2}, round(a, b, c))
		var shards []int32
		for _, l := range []feed.Leases{a, b, c} {
			mine, err := l.Shards(t.Context(), 10)
			require.NoError(t, err)
			shards = append(shards, mine...)
		}
		require.ElementsMatch(t, []int32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, shards, "every shard is somebody's and nobody else's")
		a.Release(t.Context())
		require.Equal(t, []int{2, 2}, round(b, c))
		w.add(time.Hour) // b died
		require.Equal(t, []int{4}, round(c))
	})
}
