package journaltest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/testing/protocmp"

	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
)

// same requires that two receipts tell of the same write.
func same(t *testing.T, want, got journal.Receipt) {
	t.Helper()
	want.Replayed, got.Replayed = false, false
	require.Empty(t, cmp.Diff(want, got, protocmp.Transform()))
}

func requestRepeated(t *testing.T, b *bundle) {
	j := b.open()
	w := request(work("complaints/1"), "r1", "content")
	first := b.write(j, w, raise("complaints/1"))
	require.False(t, first.Replayed)
	b.write(j, work("complaints/1"), raise("complaints/1")) // the answer stays that of its own version
	again := b.write(j, w, func(*journal.Unit) error { t.Error("was run"); return nil })
	require.True(t, again.Replayed)
	same(t, first, again)

	for _, other := range []func(*journal.Work){ // each part of the key counts
		func(w *journal.Work) { w.Organization = "other" },
		func(w *journal.Work) { w.Request.Principal = "people/other" },
		func(w *journal.Work) { w.Request.Method = "Other" },
		func(w *journal.Work) { w.Request.ID = "r2" },
	} {
		w := request(work("complaints/1"), "r1", "content")
		other(&w)
		require.False(t, b.write(j, w, raise("complaints/1")).Replayed)
	}
	empty := request(work("complaints/1"), "r3", "content")
	b.write(j, empty, func(*journal.Unit) error { return nil })
	require.True(t, b.write(j, empty, func(*journal.Unit) error { return nil }).Replayed)
}

func requestReused(t *testing.T, b *bundle) {
	j := b.open(oneLane)
	b.write(j, request(work("complaints/1"), "r1", "content"), raise("complaints/1"))
	_, err := j.Write(b.ctx, request(work("complaints/1"), "r1", "other"), raise("complaints/1"))
	require.Equal(t, journal.ReasonRequestReused, fault.ReasonOf(err))
	require.Equal(t, fault.AlreadyExists, fault.KindOf(err))

	release := b.hold(j) // and within one group
	first := j.Submit(b.ctx, request(work("complaints/1"), "r2", "content"), raise("complaints/1"))
	second := j.Submit(b.ctx, request(work("complaints/1"), "r2", "other"), raise("complaints/1"))
	third := j.Submit(b.ctx, request(work("complaints/1"), "r2", "content"), raise("complaints/1"))
	release()
	one := <-first
	require.NoError(t, one.Err)
	require.Equal(t, journal.ReasonRequestReused, fault.ReasonOf((<-second).Err))
	three := <-third
	require.NoError(t, three.Err)
	require.True(t, three.Receipt.Replayed)
	same(t, one.Receipt, three.Receipt)
	require.EqualValues(t, 2, b.verified(j).Events)
}

func requestRefusedLeavesFree(t *testing.T, b *bundle) {
	j := b.open(oneLane)
	_, err := j.Write(b.ctx, request(work("complaints/1"), "r1", "wrong"), func(*journal.Unit) error { return errors.New("refused") })
	require.Error(t, err)
	require.False(t, b.write(j, request(work("complaints/1"), "r1", "right"), raise("complaints/1")).Replayed)

	release := b.hold(j)
	first := j.Submit(b.ctx, request(work("complaints/1"), "r2", "content"), func(*journal.Unit) error { return errors.New("refused") })
	second := j.Submit(b.ctx, request(work("complaints/1"), "r2", "content"), raise("complaints/1"))
	release()
	require.Error(t, (<-first).Err)
	two := <-second
	require.NoError(t, two.Err)
	require.False(t, two.Receipt.Replayed)
}

func requestInParallel(t *testing.T, b *bundle) {
	replicas := []*journal.Journal{b.open(), b.open()}
	var ran, replayed atomic.Int64
	var wg sync.WaitGroup
	for n := range 40 {
		wg.Go(func() {
			// Half of the keys fall into another lane: the request's row decides, not the lane.
			w := request(work(name("people", n%4)), "r1", "content")
			r, err := replicas[n%2].Write(b.ctx, w, raise("complaints/1"))
			if err != nil {
				t.Error(err)
				return
			}
			if r.Replayed {
				replayed.Add(1)
			} else {
				ran.Add(1)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, ran.Load())
	require.EqualValues(t, 39, replayed.Load())
	c, version := b.get(replicas[0], "complaints/1")
	require.EqualValues(t, 1, c.Late)
	require.EqualValues(t, 1, version)
}

func requestAfterReopening(t *testing.T, b *bundle) {
	j := b.open()
	w := request(work("complaints/1"), "r1", "content")
	first := b.write(j, w, raise("complaints/1"))
	j.Close()
	j = b.open()
	again := b.write(j, w, raise("complaints/1"))
	require.True(t, again.Replayed)
	same(t, first, again)
	_, err := j.Write(b.ctx, request(work("complaints/1"), "r1", "other"), raise("complaints/1"))
	require.Equal(t, journal.ReasonRequestReused, fault.ReasonOf(err))
}

func requestExpires(t *testing.T, b *bundle) {
	j := b.open()
	w, money := request(work("complaints/1"), "r1", "content"), request(work("complaints/1"), "money", "content")
	money.Request.Forever = true
	b.write(j, w, raise("complaints/1"))
	b.write(j, money, raise("complaints/1"))
	n, err := j.PurgeRequests(b.ctx, 10)
	require.NoError(t, err)
	require.Zero(t, n)
	require.NoError(t, b.clock.Advance(start().Add(journal.RequestRetention)))
	require.False(t, b.write(j, w, raise("complaints/1")).Replayed, "over, though its row is still there")
	require.True(t, b.write(j, money, raise("complaints/1")).Replayed)
	require.NoError(t, b.clock.Advance(start().Add(3*journal.RequestRetention)))
	n, err = j.PurgeRequests(b.ctx, 10)
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
	require.True(t, b.write(j, money, raise("complaints/1")).Replayed)
}
