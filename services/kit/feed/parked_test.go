package feed_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/reflect/protoreflect"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/feed"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/kittest"
)

// parkedReasons returns the reasons of what is parked, in order.
func parkedReasons(t *testing.T, s eventv1.ConsumerServiceServer) []string {
	t.Helper()
	resp, err := s.ListParkedEvents(t.Context(), &eventv1.ListParkedEventsRequest{Service: sink})
	require.NoError(t, err)
	var out []string
	for _, p := range resp.ParkedEvents {
		reason := p.Reason
		if p.Waits {
			reason += " (waits)"
		}
		out = append(out, reason)
	}
	return out
}

// at returns the position of a case's event of the version.
func at(t *testing.T, j *journal.Journal, id string, version int64) *eventv1.Position {
	t.Helper()
	events, err := j.History(t.Context(), org, "cases/"+id, version-1, 1)
	require.NoError(t, err)
	require.Len(t, events, 1)
	return &eventv1.Position{Service: source, Shard: events[0].Shard, Sequence: events[0].Sequence}
}

func TestAnEventThatFailsForGoodIsParkedWithItsFollowers(t *testing.T) {
	t.Parallel()
	for _, cause := range []struct{ text, reason string }{
		{"refuse", "REFUSED_BY_SCRIPT"}, {"break", fault.ReasonInternal}, {"panic", fault.ReasonInternal},
	} {
		t.Run(cause.text, func(t *testing.T) {
			t.Parallel()
			eachWay(t, func(t *testing.T, way transport) {
				from, to := twoStores(t)
				s := &script{}
				emit(t, from, "c", "1", cause.text, "2", "3")
				emit(t, from, "d", "1", "2", "3")
				c := feed.NewConsumer(to, source, serve(t, way, from, feed.ServerOptions{}), s.apply, feed.Options{})
				repair := feed.NewConsumerServer(to, nil, c)
				start(t, c)
				await(t, c, from)
				emit(t, from, "c", "4")
				await(t, c, from)
				require.Equal(t, []string{"1"}, heard(t, to, "c"), "and the failed one left nothing behind")
				require.Equal(t, []string{"1", "2", "3"}, heard(t, to, "d"), "others go on")
				waits := feed.ReasonWaits + " (waits)"
				require.Equal(t, []string{cause.reason, waits, waits, waits}, parkedReasons(t, repair))

				retry := &eventv1.RetryParkedEventRequest{Service: sink, Position: at(t, from, "c", 2)}
				_, err := repair.RetryParkedEvent(t.Context(), retry)
				require.Equal(t, feed.ReasonFailsAgain, fault.ReasonOf(err), "not mended yet")
				_, err = repair.RetryParkedEvent(t.Context(), &eventv1.RetryParkedEventRequest{Service: sink, Position: at(t, from, "c", 3)})
				require.Equal(t, feed.ReasonFailsAgain, fault.ReasonOf(err), "not before its turn")
				require.Len(t, parkedReasons(t, repair), 4)

				s.mend()
				resp, err := repair.RetryParkedEvent(t.Context(), retry)
				require.NoError(t, err)
				require.Equal(t, int32(4), resp.Applied)
				require.Equal(t, []string{"1", cause.text, "2", "3", "4"}, heard(t, to, "c"))
				_, err = repair.RetryParkedEvent(t.Context(), retry)
				require.Equal(t, journal.ReasonParkedNotFound, fault.ReasonOf(err))
				emit(t, from, "c", "5")
				await(t, c, from)
				require.Equal(t, []string{"1", cause.text, "2", "3", "4", "5"}, heard(t, to, "c"))
			})
		})
	}
}

func TestAFollowerThatFailsIsTheNextToBeMended(t *testing.T) {
	t.Parallel()
	from, to := twoStores(t)
	s := &script{}
	known := map[protoreflect.FullName]bool{}
	emit(t, from, "c", "1", "refuse", "2", "3")
	first := feed.NewConsumer(to, source, serve(t, inProcess, from, feed.ServerOptions{}), s.apply,
		feed.Options{Known: func(n protoreflect.FullName) bool { return known[n] }})
	repair := feed.NewConsumerServer(to, nil, first)
	start(t, first)
	await(t, first, from)
	require.Equal(t, []string{feed.ReasonTypeUnknown, feed.ReasonWaits + " (waits)", feed.ReasonWaits + " (waits)", feed.ReasonWaits + " (waits)"}, parkedReasons(t, repair))
	require.NoError(t, first.Stop(within(t)))

	// A newer binary starts: it knows the types, applies the first event by itself, and meets the next obstacle.
	second := feed.NewConsumer(to, source, serve(t, inProcess, from, feed.ServerOptions{}), s.apply, feed.Options{})
	repair = feed.NewConsumerServer(to, nil, second)
	start(t, second)
	emit(t, from, "other", "1")
	await(t, second, from) // the retries come before the first session
	require.Equal(t, []string{"1"}, heard(t, to, "c"))
	require.Equal(t, []string{"REFUSED_BY_SCRIPT", feed.ReasonWaits + " (waits)", feed.ReasonWaits + " (waits)"}, parkedReasons(t, repair))
	s.mend()
	resp, err := repair.RetryParkedEvent(t.Context(), &eventv1.RetryParkedEventRequest{Service: sink, Position: at(t, from, "c", 2)})
	require.NoError(t, err)
	require.Equal(t, int32(3), resp.Applied)
	require.Equal(t, []string{"1", "refuse", "2", "3"}, heard(t, to, "c"))
}

func TestParkedEventsArePagedAndBelongToAnOrganisation(t *testing.T) {
	t.Parallel()
	from, to := twoStores(t)
	s := &script{}
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		emit(t, from, id, "refuse", "2")
	}
	c := feed.NewConsumer(to, source, serve(t, inProcess, from, feed.ServerOptions{}), s.apply, feed.Options{})
	who := org
	repair := feed.NewConsumerServer(to, func(context.Context) string { return who }, c)
	start(t, c)
	await(t, c, from)
	var got int
	req := &eventv1.ListParkedEventsRequest{Service: sink, PageSize: 3}
	for pages := 1; ; pages++ {
		resp, err := repair.ListParkedEvents(t.Context(), req)
		require.NoError(t, err)
		got += len(resp.ParkedEvents)
		if req.PageToken = resp.NextPageToken; req.PageToken == "" {
			require.Equal(t, 4, pages)
			break
		}
	}
	require.Equal(t, 10, got)
	elsewhere, err := repair.ListParkedEvents(t.Context(), &eventv1.ListParkedEventsRequest{Service: "intake"})
	require.NoError(t, err)
	require.Empty(t, elsewhere.ParkedEvents)

	who = "other"
	resp, err := repair.ListParkedEvents(t.Context(), &eventv1.ListParkedEventsRequest{Service: sink})
	require.NoError(t, err)
	require.Empty(t, resp.ParkedEvents)
	for _, req := range []*eventv1.RetryParkedEventRequest{
		{Service: sink, Position: at(t, from, "a", 1)},
		{Service: "intake", Position: at(t, from, "a", 1)},
		{Service: sink, Position: &eventv1.Position{Service: "intake", Sequence: 1}},
	} {
		_, err = repair.RetryParkedEvent(t.Context(), req)
		require.Equal(t, journal.ReasonParkedNotFound, fault.ReasonOf(err))
	}
}

func TestAnUnreadableEventIsParked(t *testing.T) {
	t.Parallel()
	to := openSink(t, kittest.SQLite(t))
	s := &forger{event: &eventv1.Event{
		Service: source, Shard: 0, Sequence: 1, Organization: org, Resource: "cases/c", Version: 1, Complaint: "complaints/c",
		Type: "x", Body: []byte{0xff, 0xff}, Digest: []byte("d"),
	}}
	conn := inProcess(t, func(r grpc.ServiceRegistrar) { eventv1.RegisterFeedServiceServer(r, s) })
	c := run(t, to, conn, (&script{}).apply, feed.Options{})
	require.NoError(t, c.WaitFor(within(t), &eventv1.Position{Service: source, Sequence: 1}))
	require.Equal(t, []string{feed.ReasonUnreadable}, parkedReasons(t, feed.NewConsumerServer(to, nil)))
}

func TestASourceThatSkipsEventsIsNotBelieved(t *testing.T) {
	t.Parallel()
	to := openSink(t, kittest.SQLite(t))
	s := &forger{event: &eventv1.Event{Service: source, Sequence: 2, Organization: org, Resource: "cases/c"}}
	conn := inProcess(t, func(r grpc.ServiceRegistrar) { eventv1.RegisterFeedServiceServer(r, s) })
	log := newListener()
	run(t, to, conn, (&script{}).apply, feed.Options{Logger: slogOf(log)})
	_ = log.next(t, feed.ReasonOutOfOrder)
	positions, err := to.FeedPositions(t.Context(), source)
	require.NoError(t, err)
	require.Empty(t, positions)
}
