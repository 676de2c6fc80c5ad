package journaltest

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/testing/protocmp"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
)

func advanceCompares(t *testing.T, b *bundle) {
	j := b.open(oneLane)
	step := func(from, to int64, digest byte) journal.Work {
		w := work("complaints/1")
		w.Advance = &journal.Advance{Source: "intake", Shard: 5, From: from, To: to, Digest: []byte{digest}}
		return w
	}
	_, err := j.Write(b.ctx, step(4, 5, 5), raise("complaints/1"))
	require.Equal(t, journal.ReasonPositionMoved, fault.ReasonOf(err), "nothing was read yet")
	b.write(j, step(0, 3, 3), raise("complaints/1"))
	_, err = j.Write(b.ctx, step(0, 3, 3), raise("complaints/1"))
	require.Equal(t, journal.ReasonPositionMoved, fault.ReasonOf(err))
	require.Equal(t, fault.Aborted, fault.KindOf(err))
	other := step(3, 4, 4)
	other.Advance.FromDigest = []byte{9}
	_, err = j.Write(b.ctx, other, raise("complaints/1"))
	require.Equal(t, journal.ReasonPositionMoved, fault.ReasonOf(err), "same number, another event")

	release := b.hold(j) // a run of events in one group
	refused := j.Submit(b.ctx, step(3, 4, 4), func(*journal.Unit) error { return fault.New(fault.Internal, "NO") })
	gap := j.Submit(b.ctx, step(4, 5, 5), raise("complaints/1"))
	first := j.Submit(b.ctx, step(3, 4, 4), raise("complaints/1"))
	second := j.Submit(b.ctx, step(4, 6, 6), raise("complaints/1"))
	release()
	require.Error(t, (<-refused).Err)
	require.Equal(t, journal.ReasonPositionMoved, fault.ReasonOf((<-gap).Err), "a refused one moves nothing")
	require.NoError(t, (<-first).Err)
	require.NoError(t, (<-second).Err)

	positions, err := j.FeedPositions(b.ctx, "intake")
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(map[int32]*eventv1.ShardPosition{5: {Shard: 5, Sequence: 6, Digest: []byte{6}}}, positions, protocmp.Transform()))
	applied, err := j.Applied(b.ctx)
	require.NoError(t, err)
	require.Equal(t, map[string]map[int32]int64{"intake": {5: 6}}, applied)
	c, _ := b.get(j, "complaints/1")
	require.EqualValues(t, 3, c.Late, "refused ones leave no effect")
}

// advanceOnce lets two replicas apply the same events: each has its effect once.
func advanceOnce(t *testing.T, b *bundle) {
	const events = 100
	var wg sync.WaitGroup
	for range 2 {
		j := b.open()
		wg.Go(func() {
			for {
				positions, err := j.FeedPositions(b.ctx, "intake")
				if err != nil {
					t.Error(err)
					return
				}
				from := positions[0].GetSequence()
				if from == events {
					return
				}
				w := work("complaints/1")
				w.Advance = &journal.Advance{Source: "intake", From: from, To: from + 1, Digest: []byte{1}}
				if _, err := j.Write(b.ctx, w, raise("complaints/1")); err != nil && fault.ReasonOf(err) != journal.ReasonPositionMoved {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	c, _ := b.get(b.open(), "complaints/1")
	require.EqualValues(t, events, c.Late)
}

func projectionsIgnoreOlder(t *testing.T, b *bundle) {
	j := b.open()
	set := func(version int64, late int32) {
		b.write(j, work("complaints/1"), func(u *journal.Unit) error {
			return u.SetProjection("cases/1", "cases/*", version, &clockv1.Clock{Late: late})
		})
	}
	stored := func() (int64, int32) {
		c := &clockv1.Clock{}
		version, ok, err := j.Projection(b.ctx, "acme", "cases/1", c)
		require.NoError(t, err)
		require.True(t, ok)
		inUnit := &clockv1.Clock{}
		b.write(j, work("complaints/1"), func(u *journal.Unit) error {
			again, ok, err := u.Projection("cases/1", inUnit)
			require.True(t, ok)
			require.Equal(t, version, again)
			return err
		})
		require.Equal(t, c.Late, inUnit.Late)
		return version, c.Late
	}
	set(2, 20)
	set(1, 10)
	version, late := stored()
	require.EqualValues(t, 2, version)
	require.EqualValues(t, 20, late)
	set(3, 30)
	version, late = stored()
	require.EqualValues(t, 3, version)
	require.EqualValues(t, 30, late)

	var wg sync.WaitGroup // in any order, by two replicas
	replicas := []*journal.Journal{j, b.open()}
	for n := range 40 {
		wg.Go(func() {
			_, err := replicas[n%2].Write(b.ctx, work(name("people", n)), func(u *journal.Unit) error {
				return u.SetProjection("cases/1", "cases/*", int64(4+(n*17)%40), &clockv1.Clock{Late: int32(4 + (n*17)%40)})
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	version, late = stored()
	require.EqualValues(t, 43, version)
	require.EqualValues(t, 43, late)
}

func projectionsFoundAndDeleted(t *testing.T, b *bundle) {
	j := b.open()
	red, blue := journal.Attr{Name: "colour", Value: "red"}, journal.Attr{Name: "colour", Value: "blue"}
	names := func(rows []journal.Row) (out []string) {
		for _, r := range rows {
			out = append(out, r.Name)
		}
		return out
	}
	b.write(j, work("complaints/1"), func(u *journal.Unit) error {
		for n := range 4 {
			require.NoError(t, u.SetProjection(name("cases", n), "cases/*", 1, running(), red))
		}
		return nil
	})
	b.write(j, work("complaints/1"), func(u *journal.Unit) error {
		require.NoError(t, u.SetProjection(name("cases", 1), "cases/*", 2, running(), blue))
		require.NoError(t, u.SetProjection(name("cases", 9), "cases/*", 1, running(), red))
		require.NoError(t, u.DeleteProjection(name("cases", 2)))
		require.NoError(t, u.DeleteProjection("cases/none"))
		rows, err := u.Projections("cases/*", red)
		require.Equal(t, []string{"cases/000000", "cases/000003", "cases/000009"}, names(rows))
		return err
	})
	p, err := j.Projections(b.ctx, journal.Query{Organization: "acme", Kind: "cases/*", Where: []journal.Attr{red}})
	require.NoError(t, err)
	require.Equal(t, []string{"cases/000000", "cases/000003", "cases/000009"}, names(p.Rows))
	n, err := j.CountProjections(b.ctx, journal.Query{Organization: "acme", Kind: "cases/*"})
	require.NoError(t, err)
	require.EqualValues(t, 4, n)
	b.write(j, work("complaints/1"), func(u *journal.Unit) error { // forgotten with its version
		return u.SetProjection(name("cases", 2), "cases/*", 1, running(), blue)
	})
	n, err = j.CountProjections(b.ctx, journal.Query{Organization: "acme", Kind: "cases/*", Where: []journal.Attr{blue}})
	require.NoError(t, err)
	require.EqualValues(t, 2, n)
}

func parkedEvents(t *testing.T, b *bundle) {
	j := b.open()
	ev := func(sequence int64, complaint string) *eventv1.Event {
		return &eventv1.Event{Service: "intake", Shard: 2, Sequence: sequence, Organization: "acme", Resource: "people/7", Complaint: complaint, Body: []byte("body")}
	}
	parked := func(key string) (is bool) {
		b.write(j, work("complaints/1"), func(u *journal.Unit) error { is = u.Parked(key); return nil })
		return is
	}
	require.False(t, parked("complaints/1"))
	b.write(j, work("complaints/1"), func(u *journal.Unit) error {
		require.False(t, u.Parked("complaints/1"))
		u.Park(ev(7, "complaints/1"), "UNKNOWN_TYPE", false)
		require.True(t, u.Parked("complaints/1"))
		u.Park(ev(8, "complaints/1"), "UNKNOWN_TYPE", true)
		u.Park(ev(9, ""), "BROKEN", false)
		return nil
	})
	require.True(t, parked("complaints/1"))
	require.True(t, parked("people/7"), "events outside complaints wait by resource")
	require.False(t, parked("complaints/2"))

	list, err := j.ParkedEvents(b.ctx, journal.ParkedQuery{Limit: 2})
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Empty(t, cmp.Diff(ev(7, "complaints/1"), list[0].Event, protocmp.Transform()))
	require.False(t, list[0].Waits)
	require.True(t, list[1].Waits)
	require.Equal(t, start(), list[0].Time)
	list, err = j.ParkedEvents(b.ctx, journal.ParkedQuery{After: &eventv1.Position{Service: "intake", Shard: 2, Sequence: 8}})
	require.NoError(t, err)
	require.Len(t, list, 1)
	list, err = j.ParkedEvents(b.ctx, journal.ParkedQuery{Organization: "acme", Complaint: "complaints/1"})
	require.NoError(t, err)
	require.Len(t, list, 2)
	one, ok, err := j.ParkedEvent(b.ctx, &eventv1.Position{Service: "intake", Shard: 2, Sequence: 9})
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "BROKEN", one.Reason)

	b.write(j, work("complaints/1"), func(u *journal.Unit) error {
		require.NoError(t, u.Unpark(&eventv1.Position{Service: "intake", Shard: 2, Sequence: 7}))
		require.True(t, u.Parked("complaints/1"))
		require.NoError(t, u.Unpark(&eventv1.Position{Service: "intake", Shard: 2, Sequence: 8}))
		require.False(t, u.Parked("complaints/1"))
		err := u.Unpark(&eventv1.Position{Service: "intake", Shard: 2, Sequence: 8})
		require.Equal(t, journal.ReasonParkedNotFound, fault.ReasonOf(err))
		u.Park(ev(10, "complaints/1"), "PASSING", false)
		return u.Unpark(&eventv1.Position{Service: "intake", Shard: 2, Sequence: 10})
	})
	require.False(t, parked("complaints/1"))
}

func leases(t *testing.T, b *bundle) {
	j := b.open()
	take := func(holder string, now time.Duration) bool {
		ok, err := j.Lease(b.ctx, "intake/0-31", holder, start().Add(now), 10*time.Second)
		require.NoError(t, err)
		return ok
	}
	require.True(t, take("a", 0))
	require.False(t, take("b", 9*time.Second))
	require.True(t, take("a", 9*time.Second))
	require.False(t, take("b", 18*time.Second))
	require.True(t, take("b", 19*time.Second))
	require.False(t, take("a", 20*time.Second))
	require.NoError(t, j.Unlease(b.ctx, "intake/0-31", "a"))
	require.False(t, take("a", 20*time.Second), "only its holder gives a lease back")
	require.NoError(t, j.Unlease(b.ctx, "intake/0-31", "b"))
	require.True(t, take("a", 20*time.Second))

	note, err := j.Note(b.ctx, "heartbeat")
	require.NoError(t, err)
	require.Empty(t, note)
	require.NoError(t, j.SetNote(b.ctx, "heartbeat", "1"))
	require.NoError(t, j.SetNote(b.ctx, "heartbeat", "2"))
	note, err = j.Note(b.ctx, "heartbeat")
	require.NoError(t, err)
	require.Equal(t, "2", note)
}
