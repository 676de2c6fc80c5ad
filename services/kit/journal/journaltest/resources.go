package journaltest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
)

func storesStateAndEvent(t *testing.T, b *bundle) {
	j := b.open()
	w := work("complaints/1")
	w.Time = start().Add(-time.Hour)
	w.Traceparent = "00-1-2-01"
	w.Cause = &eventv1.Cause{Service: "intake", Shard: 3, Sequence: 7, Digest: []byte{1, 2}}
	w.Depth = 1
	rule := &typev1.RuleRef{Rule: "first_response", Clause: "4.2"}
	state := running("people/li")
	receipt := b.write(j, w, func(u *journal.Unit) error {
		require.Equal(t, w.Time, u.Time())
		require.Equal(t, "acme", u.Organization())
		u.Because(rule)
		return u.Create("complaints/1", state, changed())
	})
	require.Equal(t, "complaints/1", receipt.Resource)
	require.EqualValues(t, 1, receipt.Version)
	require.EqualValues(t, j.ShardOf("complaints/1"), receipt.Position.Shard)
	require.EqualValues(t, 1, receipt.Position.Sequence)

	got, version := b.get(j, "complaints/1")
	require.EqualValues(t, 1, version)
	require.Empty(t, cmp.Diff(state, got, protocmp.Transform()))

	b.write(j, work("complaints/1"), raise("complaints/1"))
	history, err := j.History(b.ctx, "acme", "complaints/1", 0, 10)
	require.NoError(t, err)
	require.Len(t, history, 2)
	first, second := history[0], history[1]
	require.Equal(t, "redress.clock.v1.ClockChanged", first.Type)
	require.Equal(t, "complaints/1", first.Complaint)
	require.Empty(t, first.PreviousDigest)
	require.Equal(t, first.Digest, second.PreviousDigest)
	require.Equal(t, journal.Digest(second), second.Digest)
	require.EqualValues(t, 1, first.Depth)
	require.Empty(t, cmp.Diff(w.Cause, first.Cause, protocmp.Transform()))
	require.Nil(t, second.Cause)
	body, err := journal.Body(first)
	require.NoError(t, err)
	require.Equal(t, w.Time, body.OccurTime.AsTime())
	require.Equal(t, start(), first.RecordTime.AsTime())
	require.Equal(t, "people/li", body.Actor.Principal)
	require.Equal(t, "00-1-2-01", body.Traceparent)
	require.Empty(t, cmp.Diff([]*typev1.RuleRef{rule}, body.Rules, protocmp.Transform()))
	stored := &clockv1.Clock{}
	require.NoError(t, body.State.UnmarshalTo(stored))
	require.Empty(t, cmp.Diff(state, stored, protocmp.Transform()))

	at, err := j.Event(b.ctx, &eventv1.Position{Shard: second.Shard, Sequence: second.Sequence})
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(second, at, protocmp.Transform()))
	heads, err := j.Heads(b.ctx)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff([]*eventv1.ShardPosition{{Shard: second.Shard, Sequence: 2, Digest: second.Digest}}, heads, protocmp.Transform()))
	b.verified(j)
}

func refusalLeavesNothing(t *testing.T, b *bundle) {
	j := b.open()
	refusal := fault.New(fault.FailedPrecondition, "NOT_NOW", "state", "closed")
	_, err := j.Write(b.ctx, work("complaints/1"), func(u *journal.Unit) error {
		require.NoError(t, u.Create("complaints/1", running(), changed()))
		_, err := u.Serial("numbers")
		require.NoError(t, err)
		require.NoError(t, u.SetProjection("cases/1", "cases/*", 1, running()))
		return refusal
	})
	require.Same(t, refusal, err)
	_, err = j.Get(b.ctx, "acme", "complaints/1", &clockv1.Clock{})
	require.Equal(t, journal.ReasonNotFound, fault.ReasonOf(err))
	_, ok, err := j.Projection(b.ctx, "acme", "cases/1", &clockv1.Clock{})
	require.NoError(t, err)
	require.False(t, ok)
	b.write(j, work("complaints/1"), func(u *journal.Unit) error {
		n, err := u.Serial("numbers")
		require.EqualValues(t, 1, n, "a refused write takes no number")
		return err
	})
	require.Zero(t, b.verified(j).Events)
}

func panicIsItsOwn(t *testing.T, b *bundle) {
	j := b.open(oneLane)
	release := b.hold(j)
	before := j.Submit(b.ctx, work("people/1"), create("people/1", running()))
	panics := j.Submit(b.ctx, work("people/2"), func(u *journal.Unit) error {
		require.NoError(t, u.Create("people/2", running(), changed()))
		panic("a defect")
	})
	after := j.Submit(b.ctx, work("people/3"), create("people/3", running()))
	release()
	require.NoError(t, (<-before).Err)
	require.Equal(t, fault.Internal, fault.KindOf((<-panics).Err))
	require.NoError(t, (<-after).Err)
	require.EqualValues(t, 2, b.verified(j).Events)
}

func updateNeedsGet(t *testing.T, b *bundle) {
	j := b.open()
	b.write(j, work("complaints/1"), create("complaints/1", running()))
	_, err := j.Write(b.ctx, work("complaints/1"), func(u *journal.Unit) error {
		_ = u.Update("complaints/1", running(), changed()) // the write fails though the closure does not look
		return nil
	})
	require.Equal(t, fault.Internal, fault.KindOf(err))
	_, err = j.Write(b.ctx, work("complaints/1"), create("complaints/1", running()))
	require.Equal(t, journal.ReasonExists, fault.ReasonOf(err))
	_, err = j.Write(b.ctx, work("elsewhere/1"), create("elsewhere/1", running()))
	require.Equal(t, fault.Internal, fault.KindOf(err))

	receipt := b.write(j, work("complaints/1"), func(u *journal.Unit) error {
		c := &clockv1.Clock{}
		version, err := u.Get("complaints/1", c)
		require.NoError(t, err)
		require.EqualValues(t, 1, version)
		require.NoError(t, journal.CheckEtag(version, "1"))
		require.Equal(t, journal.ReasonEtagMismatch, fault.ReasonOf(journal.CheckEtag(version, "2")))
		require.NoError(t, u.Update("complaints/1", c, changed()))
		return u.Update("complaints/1", c, changed())
	})
	require.EqualValues(t, 3, receipt.Version, "each Update is a version")
	b.verified(j)
}

func answersFromTheResourceNamed(t *testing.T, b *bundle) {
	j := b.open()
	receipt := b.write(j, work("complaints/1"), func(u *journal.Unit) error {
		require.NoError(t, u.Create("people/1", running(), changed()))
		require.NoError(t, u.Create("complaints/1", running("people/1"), changed()))
		u.Answer("complaints/1")
		return nil
	})
	require.Equal(t, "complaints/1", receipt.Resource)
	_, err := j.Write(b.ctx, work("complaints/1"), func(u *journal.Unit) error { u.Answer("complaints/2"); return nil })
	require.Equal(t, fault.Internal, fault.KindOf(err))
}

func timersFollowTheState(t *testing.T, b *bundle) {
	j := b.open()
	clockName := "complaints/1/clocks/1"
	set := func(fire time.Duration, generation int64) {
		b.write(j, work("complaints/1"), func(u *journal.Unit) error {
			state := &clockv1.Clock{Complaint: "complaints/1", Generation: generation}
			if fire > 0 {
				state.NextFireTime = at(fire)
			}
			if _, err := u.Get(clockName, &clockv1.Clock{}); err != nil {
				return u.Create(clockName, state, changed())
			}
			return u.Update(clockName, state, changed())
		})
	}
	_, ok, err := j.NextTimer(b.ctx)
	require.NoError(t, err)
	require.False(t, ok)

	set(time.Hour, 1)
	want := journal.Timer{Organization: "acme", Name: clockName, Shard: int32(j.ShardOf("complaints/1")), At: start().Add(time.Hour), Generation: 1}
	require.Equal(t, []journal.Timer{want}, b.timers)
	set(2*time.Hour, 2)
	want.At, want.Generation = start().Add(2*time.Hour), 2
	due, err := j.DueTimers(b.ctx, -1, start().Add(time.Hour), 10)
	require.NoError(t, err)
	require.Empty(t, due)
	for _, shard := range []int32{-1, want.Shard} {
		due, err = j.DueTimers(b.ctx, shard, want.At, 10)
		require.NoError(t, err)
		require.Equal(t, []journal.Timer{want}, due)
	}
	due, err = j.DueTimers(b.ctx, (want.Shard+1)%64, want.At, 10)
	require.NoError(t, err)
	require.Empty(t, due)
	next, ok, err := j.NextTimer(b.ctx)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, want.At, next)

	set(0, 3)
	_, ok, err = j.NextTimer(b.ctx)
	require.NoError(t, err)
	require.False(t, ok)
	require.Len(t, b.timers, 2)
}

func firesWhatIsWanted(t *testing.T, b *bundle) {
	j := b.open()
	const name = "complaints/1/clocks/1"
	exact := start().Add(time.Hour + 123456*time.Microsecond)
	b.write(j, work("complaints/1"), func(u *journal.Unit) error {
		require.NoError(t, u.Create("complaints/1", running(), changed()))
		return u.Create(name, &clockv1.Clock{Complaint: "complaints/1", Generation: 7, NextFireTime: timestamppb.New(exact)}, changed())
	})
	timer := journal.Timer{Organization: "acme", Name: name, Shard: int32(j.ShardOf("complaints/1")), At: exact.Add(time.Millisecond), Generation: 7}
	refusal := errors.New("refused")
	fire := func(timer journal.Timer, answer error) (runs int, fired bool, err error) {
		var row journal.Timer
		row, fired, err = j.Fire(b.ctx, journal.Work{Actor: &eventv1.Actor{Principal: "services/test"}}, timer, func(u *journal.Unit, got journal.Timer) error {
			runs++
			require.Equal(t, exact, u.Time(), "when it fell due, not when it was noticed")
			require.Equal(t, exact, got.At)
			if answer != nil {
				return answer
			}
			_, err := u.Get(name, &clockv1.Clock{})
			require.NoError(t, err)
			return u.Update(name, &clockv1.Clock{Complaint: "complaints/1", Generation: 8, NextFireTime: timestamppb.New(exact.Add(time.Hour))}, changed())
		})
		if fired {
			require.Equal(t, exact, row.At)
		}
		return runs, fired, err
	}
	never := func(timer journal.Timer) {
		t.Helper()
		runs, fired, err := fire(timer, nil)
		require.NoError(t, err)
		require.False(t, fired)
		require.Zero(t, runs)
	}
	never(timer) // not due yet
	require.NoError(t, b.clock.Advance(start().Add(2*time.Hour)))
	other := timer
	other.Generation = 6
	never(other)
	other = timer
	other.Name = "complaints/1/clocks/2"
	never(other)
	other.Name = "complaints/1"
	never(other)
	runs, fired, err := fire(timer, refusal)
	require.ErrorIs(t, err, refusal)
	require.False(t, fired)
	require.Equal(t, 1, runs)
	runs, fired, err = fire(timer, nil)
	require.NoError(t, err)
	require.True(t, fired)
	require.Equal(t, 1, runs)
	never(timer)
}

func depthIsLimited(t *testing.T, b *bundle) {
	j := b.open()
	w := work("complaints/1")
	w.Depth = journal.MaxDepth
	b.write(j, w, create("complaints/1", running()))
	w.Depth++
	_, err := j.Write(b.ctx, w, raise("complaints/1"))
	require.Equal(t, journal.ReasonTooDeep, fault.ReasonOf(err))
	b.write(j, w, func(u *journal.Unit) error { // a projection emits nothing
		return u.SetProjection("cases/1", "cases/*", 1, running())
	})
}

func givenUpIsNotRun(t *testing.T, b *bundle) {
	j := b.open(oneLane)
	release := b.hold(j)
	ctx, cancel := context.WithCancel(b.ctx)
	cancel()
	_, err := j.Write(ctx, work("people/1"), func(*journal.Unit) error { t.Error("was run"); return nil })
	require.Equal(t, fault.ReasonCancelled, fault.ReasonOf(err))
	require.ErrorIs(t, err, context.Canceled)
	submitted := j.Submit(ctx, work("people/1"), func(*journal.Unit) error { t.Error("was run"); return nil })
	release()
	require.ErrorIs(t, (<-submitted).Err, context.Canceled)

	ctx, cancel = context.WithCancel(b.ctx)
	receipt, err := j.Write(ctx, work("people/1"), func(u *journal.Unit) error {
		cancel() // too late: what is taken up is waited for
		return u.Create("people/1", running(), changed())
	})
	require.NoError(t, err)
	require.EqualValues(t, 1, receipt.Version)
}

func closedRefuses(t *testing.T, b *bundle) {
	j := b.open(oneLane)
	release := b.hold(j)
	waiting := j.Submit(b.ctx, work("people/1"), create("people/1", running()))
	go release()
	j.Close()
	require.NoError(t, (<-waiting).Err, "what waits is still done")
	_, err := j.Write(b.ctx, work("people/2"), create("people/2", running()))
	require.Equal(t, journal.ReasonUnavailable, fault.ReasonOf(err))
	j.Close()
}

func reopensAsItWas(t *testing.T, b *bundle) {
	j := b.open(func(o *journal.Options) { o.Shards = 8 })
	require.Equal(t, 8, j.Shards())
	b.write(j, work("complaints/1"), raise("complaints/1"))
	j.Close()
	again := b.open()
	require.Equal(t, 8, again.Shards())
	require.Equal(t, j.StoreID(), again.StoreID())
	require.NotEmpty(t, again.StoreID())
	b.write(again, work("complaints/1"), raise("complaints/1"))
	require.EqualValues(t, 2, b.verified(again).Events)
	for _, wrong := range []func(*journal.Options){
		func(o *journal.Options) { o.Shards = 64 },
		func(o *journal.Options) { o.Service = "other" },
	} {
		o := journal.Options{Service: "test", Kinds: testKinds(), Clock: b.clock}
		wrong(&o)
		_, err := journal.Open(b.ctx, b.db, o)
		require.Error(t, err)
	}
}

func commitsWakeReaders(t *testing.T, b *bundle) {
	j := b.open()
	committed := j.Committed()
	_, err := j.Write(b.ctx, work("people/1"), func(*journal.Unit) error { return errors.New("refused") })
	require.Error(t, err)
	select {
	case <-committed:
		t.Fatal("a refusal wakes nobody")
	default:
	}
	b.write(j, work("people/1"), create("people/1", running()))
	<-committed
}

func organisationsAreApart(t *testing.T, b *bundle) {
	j := b.open()
	other := work("people/1")
	other.Organization = "other"
	b.write(j, work("people/1"), create("people/1", &clockv1.Clock{Late: 1}))
	b.write(j, other, create("people/1", &clockv1.Clock{Late: 2}))
	c, _ := b.get(j, "people/1")
	require.EqualValues(t, 1, c.Late)
	p, err := j.List(b.ctx, journal.Query{Organization: "other", Kind: "people/*"})
	require.NoError(t, err)
	require.Len(t, p.Rows, 1)
	for _, w := range []journal.Work{work("people/1"), other} {
		b.write(j, w, func(u *journal.Unit) error {
			n, err := u.Serial("number")
			require.EqualValues(t, 1, n)
			return err
		})
	}
	b.verified(j)
}
