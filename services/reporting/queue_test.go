package reporting_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/journal"
)

// everything is what the bed's people see, as a process has queued it.
func (b *bed) everything() map[string][]string {
	b.t.Helper()
	out := map[string][]string{"": b.list("nobody", &reportingv1.ListWorkRequest{})}
	for _, person := range []string{"specialist", "owner", "group", "director", "finance", "quality"} {
		out[person] = b.list(person, &reportingv1.ListWorkRequest{Mine: true})
	}
	return out
}

// change writes to reporting's own store, as a process that died would have left it.
func (b *bed) change(fn func(u *journal.Unit) error) {
	b.t.Helper()
	_, err := b.host.Journal.Write(b.t.Context(), journal.Work{Organization: organization, Key: "complaints/a", Actor: &eventv1.Actor{Principal: "services/reporting"}}, fn)
	require.NoError(b.t, err)
}

// rows returns the names of the projections of a kind.
func (b *bed) rows(kind string) (names []string) {
	b.t.Helper()
	page, err := b.host.Journal.Projections(b.t.Context(), journal.Query{Organization: organization, Kind: kind, Limit: 500})
	require.NoError(b.t, err)
	for _, r := range page.Rows {
		names = append(names, r.Name)
	}
	return names
}

// TestWorkThatAProcessLeftMarkedIsQueuedByTheNext: the process dies between the
// transaction that marks and the look.
func TestWorkThatAProcessLeftMarkedIsQueuedByTheNext(t *testing.T) {
	t.Parallel()
	b := office(t)
	want := b.everything()
	b.change(func(u *journal.Unit) error {
		for _, name := range b.rows("work/*") {
			if err := u.DeleteProjection(name); err != nil {
				return err
			}
		}
		for _, name := range b.rows("queues/*") {
			if err := u.SetProjection(name, "queues/*", 1, &reportingv1.WorkQueue{Stale: true}, journal.Attr{Name: "stale", Value: "yes"}); err != nil {
				return err
			}
		}
		return nil
	})
	require.Empty(t, b.list("nobody", &reportingv1.ListWorkRequest{}))
	b.end()
	b.begin()
	b.eventually(func() bool { return len(b.list("nobody", &reportingv1.ListWorkRequest{})) == len(want[""]) })
	require.Equal(t, want, b.everything())
}

// TestWorkOfAnEarlierVersionIsQueuedAnew: a store in which nothing was ever queued, or
// by other rules.
func TestWorkOfAnEarlierVersionIsQueuedAnew(t *testing.T) {
	t.Parallel()
	b := office(t)
	want := b.everything()
	b.change(func(u *journal.Unit) error {
		for _, name := range append(b.rows("work/*"), b.rows("queues/*")...) {
			if err := u.DeleteProjection(name); err != nil {
				return err
			}
		}
		return nil
	})
	noted := func() string {
		note, err := b.host.Journal.Note(t.Context(), "work rules")
		require.NoError(t, err)
		return note
	}
	require.Equal(t, "1", noted(), "a store that began empty needs nothing")
	require.NoError(t, b.host.Journal.SetNote(t.Context(), "work rules", "0"))
	b.end()
	b.begin()
	b.eventually(func() bool { return len(b.list("nobody", &reportingv1.ListWorkRequest{})) == len(want[""]) })
	require.Equal(t, want, b.everything())

	// A process that starts soon after does not mark everything once more.
	b.eventually(func() bool { return strings.HasPrefix(noted(), "1 once, at ") })
	ago := func(d time.Duration) string { return "1 once, at " + time.Now().Add(-d).UTC().Format(time.RFC3339) }
	recently := ago(5 * time.Minute)
	require.NoError(t, b.host.Journal.SetNote(t.Context(), "work rules", recently))
	b.end()
	b.begin()
	b.caughtUp()
	require.Equal(t, want, b.everything())
	require.Empty(t, b.stale())
	require.Equal(t, recently, noted())

	// The second time is when earlier versions should be gone; then it is done for good,
	// and reporting goes on: the end of each process asks whether it did.
	require.NoError(t, b.host.Journal.SetNote(t.Context(), "work rules", ago(11*time.Minute)))
	b.end()
	b.begin()
	b.eventually(func() bool { return noted() == "1" })
	b.end()
	b.begin()
	require.Equal(t, want, b.everything())
	require.Equal(t, "1", noted())
}

// stale returns the names of the queues that are marked.
func (b *bed) stale() (names []string) {
	b.t.Helper()
	page, err := b.host.Journal.Projections(b.t.Context(), journal.Query{Organization: organization, Kind: "queues/*", Where: []journal.Attr{{Name: "stale", Value: "yes"}}})
	require.NoError(b.t, err)
	for _, r := range page.Rows {
		names = append(names, r.Name)
	}
	return names
}

// TestWorkIsLookedAtAgainWhenItsPolicyArrives: feeds arrive in any order.
func TestWorkIsLookedAtAgainWhenItsPolicyArrives(t *testing.T) {
	t.Parallel()
	b := newBed(t, "04-09 12:00:00")
	b.caughtUp()
	b.revision = "packs/generic-template/revisions/later"
	b.complaint("a", "04-08 10:00:00", func(c *intakev1.Complaint, _ *routingv1.Case) { c.ChannelOwner = "people/owner" })
	b.caughtUp()
	require.Equal(t, []string{"VERIFY complaints/a people/owner"}, b.list("nobody", &reportingv1.ListWorkRequest{}), "by what is known of it")
	require.Len(t, b.stale(), 1, "it waits for the policy")

	b.arrives(b.revision, "generic-template", b.policy)
	b.eventually(func() bool {
		return slices.Equal(b.list("nobody", &reportingv1.ListWorkRequest{}), []string{"VERIFY complaints/a customer_service_specialist customer_service_supervisor"})
	})
}

// TestWorkIsCountedUpToABound and paged beyond it, each item once and in order.
func TestWorkIsCountedUpToABound(t *testing.T) {
	t.Parallel()
	b := newBed(t, "04-09 12:00:00")
	const all = 240
	for n := range all {
		name := fmt.Sprintf("actions/n%03d", n)
		b.put("corrective-action", name, &correctiveactionv1.Action{
			Name: name, Complaint: fmt.Sprintf("complaints/n%03d", n/4), State: correctiveactionv1.Action_STATE_OPEN, Owner: "people/owner",
			CreateTime: stamp(t, "04-01 13:00:00"), DueTime: stamp(t, "04-20 12:00:00"),
		}, &correctiveactionv1.ActionOpened{}, at(t, "04-01 13:00:00"))
	}
	b.caughtUp()
	for _, q := range []*reportingv1.ListWorkRequest{{PageSize: 37}, {PageSize: 37, Mine: true}, {PageSize: 240}, {PageSize: 239}, {PageSize: 50, Kind: reportingv1.WorkItem_KIND_ACTION}} {
		var seen []string
		for {
			got, err := b.ListWork(b.as("owner"), q)
			require.NoError(t, err)
			require.EqualValues(t, 200, got.GetTotal(), "as many or more")
			require.LessOrEqual(t, len(got.GetItems()), int(q.GetPageSize()))
			for _, w := range got.GetItems() {
				seen = append(seen, w.GetResource())
			}
			if q.PageToken = got.GetNextPageToken(); q.GetPageToken() == "" {
				break
			}
		}
		require.Len(t, seen, all)
		require.True(t, slices.IsSorted(seen))
		require.Len(t, slices.Compact(seen), all)
	}
}

// eventually asks again and again.
func (b *bed) eventually(is func() bool) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 20*time.Second)
	defer cancel()
	for !is() {
		require.NoError(b.t, clock.System().Pause(ctx, 5*time.Millisecond), "it does not come about")
	}
}
