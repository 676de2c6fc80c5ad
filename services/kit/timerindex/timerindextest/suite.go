// Package timerindextest is the conformance suite of timerindex.Index: whatever
// passes it may stand behind the timers of a service.
package timerindextest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/kit/timerindex"
)

// Backend is one fresh, empty index.
type Backend struct {
	// Index under test.
	Index timerindex.Index
	// Forget makes it lose everything it holds, heartbeats too.
	Forget func()
}

// Run runs the suite; open returns a fresh backend for each test.
func Run(t *testing.T, open func(t *testing.T) Backend) {
	t.Helper()
	for name, test := range map[string]func(*bundle){
		"ClaimsInOrderOfDueTime":              claimsInOrder,
		"NeverClaimsEarly":                    neverEarly,
		"TellsWhenTheNextFallsDue":            tellsNext,
		"TakesNoMoreThanTheLimit":             boundedBatch,
		"LeasesHideUntilTheyEnd":              leasesHide,
		"AcknowledgedMembersStayGone":         acknowledged,
		"ArmingAgainMovesTheInstant":          armMoves,
		"ArmingForgetsTheGenerationBefore":    armForgetsBefore,
		"ArmingLeavesLeasesAlone":             armLeavesLeases,
		"DropForgetsWhatIsNotClaimed":         drop,
		"ShardsStandApart":                    shardsApart,
		"EveryCallMayBeRepeated":              repeatable,
		"AShardWithoutHeartbeatIsLost":        absentHeartbeat,
		"ALowerHeartbeatMeansLost":            lowerHeartbeat,
		"AnotherIncarnationMeansLost":         otherIncarnation,
		"ForgettingMeansLost":                 forgetting,
		"RebuildingKeepsWhatIsThere":          rebuildKeeps,
		"AFailedRebuildStaysLost":             rebuildFails,
		"ALossWhileRebuildingStaysLost":       lostAgain,
		"TwoMayRebuildAtOnce":                 twoRebuild,
		"ManyClaimersGetEachMemberOnce":       manyClaimers,
		"AThousandAndMoreEntriesAtOnce":       manyEntries,
		"NamesTravelUnchanged":                names,
		"RandomCallsBehaveLikeTheSimpleModel": model,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t)
			test(&bundle{T: t, Index: b.Index, forget: b.Forget, open: open})
		})
	}
}

type bundle struct {
	*testing.T
	timerindex.Index
	forget func()
	open   func(*testing.T) Backend
}

// base is far from any epoch and has a part below the millisecond's.
func base() time.Time { return time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC) }

func entry(name string, generation int64, after time.Duration) timerindex.Entry {
	return timerindex.Entry{Member: timerindex.Member{Organization: "org", Name: name, Generation: generation}, At: base().Add(after)}
}

func (b *bundle) arm(entries ...timerindex.Entry) {
	b.Helper()
	require.NoError(b, b.Arm(b.Context(), 7, entries...))
}

// claim claims at an instant with a lease of ten seconds.
func (b *bundle) claim(after time.Duration, limit int) ([]string, time.Time) {
	b.Helper()
	now := base().Add(after)
	out, err := b.Claim(b.Context(), 7, timerindex.Claim{Now: now, Limit: limit, Until: now.Add(10 * time.Second)})
	require.NoError(b, err)
	return namesOf(out.Entries), out.Next
}

func namesOf(entries []timerindex.Entry) []string {
	out := []string{}
	for _, e := range entries {
		out = append(out, fmt.Sprintf("%s#%d", e.Name, e.Generation))
	}
	return out
}

func (b *bundle) claims(after time.Duration, want ...string) {
	b.Helper()
	got, _ := b.claim(after, 100)
	require.Equal(b, append([]string{}, want...), got)
}

func claimsInOrder(b *bundle) {
	b.arm(entry("c", 1, 3*time.Second), entry("a", 1, time.Second), entry("b", 1, 2*time.Second), entry("late", 1, time.Hour))
	got, err := b.Claim(b.Context(), 7, timerindex.Claim{Now: base().Add(5 * time.Second), Limit: 10, Until: base().Add(time.Minute)})
	require.NoError(b, err)
	require.Equal(b, []string{"a#1", "b#1", "c#1"}, namesOf(got.Entries))
	require.Equal(b, base().Add(time.Second), got.Entries[0].At)
	require.Equal(b, "org", got.Entries[0].Organization)
}

func neverEarly(b *bundle) {
	b.arm(entry("a", 1, 1500*time.Microsecond))
	b.claims(0)
	b.claims(time.Millisecond)
	b.claims(1999 * time.Microsecond)
	b.claims(2*time.Millisecond, "a#1")
}

func tellsNext(b *bundle) {
	_, next := b.claim(0, 10)
	require.True(b, next.IsZero())
	b.arm(entry("a", 1, time.Second), entry("b", 1, time.Hour))
	_, next = b.claim(0, 10)
	require.Equal(b, base().Add(time.Second), next)
	_, next = b.claim(time.Second, 10)
	require.Equal(b, base().Add(time.Hour), next)
	_, next = b.claim(time.Hour, 10)
	require.True(b, next.IsZero())
}

func boundedBatch(b *bundle) {
	for i := range 10 {
		b.arm(entry(fmt.Sprint("t", i), 1, time.Duration(i)*time.Second))
	}
	got, next := b.claim(time.Minute, 4)
	require.Len(b, got, 4)
	require.Equal(b, base().Add(4*time.Second), next, "more are due at once")
	got, _ = b.claim(time.Minute, 100)
	require.Len(b, got, 6)
}

func leasesHide(b *bundle) {
	b.arm(entry("a", 1, 0))
	b.claims(0, "a#1")
	b.claims(5 * time.Second)
	n, err := b.Return(b.Context(), 7, base().Add(9999*time.Millisecond), 10)
	require.NoError(b, err)
	require.Zero(b, n)
	n, err = b.Return(b.Context(), 7, base().Add(10*time.Second), 10)
	require.NoError(b, err)
	require.Equal(b, 1, n)
	b.claims(10*time.Second, "a#1")
}

func acknowledged(b *bundle) {
	b.arm(entry("a", 1, 0), entry("b", 1, 0))
	b.claims(0, "a#1", "b#1")
	require.NoError(b, b.Ack(b.Context(), 7, entry("a", 1, 0).Member))
	n, err := b.Return(b.Context(), 7, base().Add(time.Hour), 10)
	require.NoError(b, err)
	require.Equal(b, 1, n)
	b.claims(time.Hour, "b#1")
}

func armMoves(b *bundle) {
	b.arm(entry("a", 1, 0))
	b.arm(entry("a", 1, time.Minute))
	b.claims(time.Second)
	b.claims(time.Minute, "a#1")
}

func armForgetsBefore(b *bundle) {
	b.arm(entry("a", 1, 0))
	b.arm(entry("a", 2, time.Minute))
	b.claims(time.Hour, "a#2")
}

func armLeavesLeases(b *bundle) {
	b.arm(entry("a", 1, 0))
	b.claims(0, "a#1")
	b.arm(entry("a", 2, time.Minute))
	require.NoError(b, b.Ack(b.Context(), 7, entry("a", 1, 0).Member))
	b.claims(time.Minute, "a#2")
}

func drop(b *bundle) {
	b.arm(entry("a", 1, 0), entry("b", 1, time.Second))
	b.claims(0, "a#1")
	require.NoError(b, b.Drop(b.Context(), 7, entry("a", 1, 0).Member, entry("b", 1, 0).Member, entry("absent", 1, 0).Member))
	b.claims(time.Second)
	n, err := b.Return(b.Context(), 7, base().Add(time.Hour), 10)
	require.NoError(b, err)
	require.Equal(b, 1, n, "a claimed member stays leased")
}

func shardsApart(b *bundle) {
	b.arm(entry("a", 1, 0))
	got, err := b.Claim(b.Context(), 8, timerindex.Claim{Now: base().Add(time.Hour), Limit: 10, Until: base().Add(2 * time.Hour)})
	require.NoError(b, err)
	require.Empty(b, got.Entries)
	require.NoError(b, b.Drop(b.Context(), 8, entry("a", 1, 0).Member))
	b.claims(0, "a#1")
}

func repeatable(b *bundle) {
	for range 2 {
		b.arm(entry("a", 1, 0))
	}
	b.claims(0, "a#1")
	for range 2 {
		require.NoError(b, b.Ack(b.Context(), 7, entry("a", 1, 0).Member))
		require.NoError(b, b.Drop(b.Context(), 7, entry("a", 1, 0).Member))
	}
	require.NoError(b, b.Arm(b.Context(), 7))
	require.NoError(b, b.Ack(b.Context(), 7))
	require.NoError(b, b.Drop(b.Context(), 7))
	b.claims(time.Hour)
}

func (b *bundle) beat(remembered timerindex.Heartbeat) (timerindex.Heartbeat, bool) {
	b.Helper()
	beat, lost, err := b.Beat(b.Context(), 7, remembered)
	require.NoError(b, err)
	return beat, lost
}

// alive rebuilds the shard from nothing.
func (b *bundle) alive() timerindex.Heartbeat {
	b.Helper()
	beat, err := b.Rebuild(b.Context(), 7, timerindex.Heartbeat{}, func() error { return nil })
	require.NoError(b, err)
	require.Positive(b, beat.Number)
	return beat
}

func absentHeartbeat(b *bundle) {
	b.arm(entry("a", 1, 0))
	_, lost := b.beat(timerindex.Heartbeat{})
	require.True(b, lost, "armed, but nobody knows whether completely")
	_, lost = b.beat(timerindex.Heartbeat{})
	require.True(b, lost, "asking does not make it alive")
	first := b.alive()
	second, lost := b.beat(first)
	require.False(b, lost)
	require.Equal(b, first.Number+1, second.Number)
	require.Equal(b, first.Incarnation, second.Incarnation)
}

func lowerHeartbeat(b *bundle) {
	beat := b.alive()
	beat.Number += 5
	_, lost := b.beat(beat)
	require.True(b, lost)
	again, err := b.Rebuild(b.Context(), 7, beat, func() error { return nil })
	require.NoError(b, err)
	require.Greater(b, again.Number, beat.Number)
	_, lost = b.beat(again)
	require.False(b, lost)
}

func otherIncarnation(b *bundle) {
	beat := b.alive()
	_, lost := b.beat(timerindex.Heartbeat{Number: beat.Number, Incarnation: "another"})
	require.True(b, lost)
	_, lost = b.beat(timerindex.Heartbeat{Number: beat.Number})
	require.False(b, lost, "nothing remembered of the incarnation")
}

func forgetting(b *bundle) {
	beat := b.alive()
	b.arm(entry("a", 1, 0))
	b.forget()
	b.claims(time.Hour)
	_, lost := b.beat(beat)
	require.True(b, lost)
}

func rebuildKeeps(b *bundle) {
	b.arm(entry("a", 1, 0))
	_, err := b.Rebuild(b.Context(), 7, timerindex.Heartbeat{Number: 40}, func() error {
		b.claims(0, "a#1") // firing goes on meanwhile
		b.arm(entry("b", 1, time.Second))
		return nil
	})
	require.NoError(b, err)
	b.claims(time.Second, "b#1")
	beat, lost := b.beat(timerindex.Heartbeat{Number: 41})
	require.False(b, lost)
	require.EqualValues(b, 42, beat.Number)
}

func rebuildFails(b *bundle) {
	broken := errors.New("no SQL")
	_, err := b.Rebuild(b.Context(), 7, timerindex.Heartbeat{}, func() error { return broken })
	require.ErrorIs(b, err, broken)
	_, lost := b.beat(timerindex.Heartbeat{})
	require.True(b, lost)
}

func lostAgain(b *bundle) {
	remembered := timerindex.Heartbeat{Number: 3}
	beat, err := b.Rebuild(b.Context(), 7, remembered, func() error {
		b.arm(entry("a", 1, 0))
		b.forget()
		return nil
	})
	if err == nil { // an index that was replaced shows in the next beat
		_, lost := b.beat(beat)
		require.True(b, lost)
		return
	}
	require.ErrorIs(b, err, timerindex.ErrLostAgain)
	_, lost := b.beat(remembered)
	require.True(b, lost)
}

func twoRebuild(b *bundle) {
	_, err := b.Rebuild(b.Context(), 7, timerindex.Heartbeat{}, func() error {
		_, err := b.Rebuild(b.Context(), 7, timerindex.Heartbeat{}, func() error { return nil })
		return err
	})
	require.NoError(b, err)
	_, lost := b.beat(timerindex.Heartbeat{})
	require.False(b, lost)
}

func manyClaimers(b *bundle) {
	const timers, claimers = 400, 4
	for i := range timers {
		b.arm(entry(fmt.Sprintf("t%03d", i), 1, time.Duration(i)*time.Millisecond))
	}
	var mu sync.Mutex
	seen := map[string]int{}
	var wg sync.WaitGroup
	for range claimers {
		wg.Go(func() {
			for {
				got, err := b.Claim(context.WithoutCancel(b.Context()), 7, timerindex.Claim{Now: base().Add(time.Minute), Limit: 7, Until: base().Add(time.Hour)})
				mu.Lock()
				if err != nil {
					b.Error(err)
				}
				for _, e := range got.Entries {
					seen[e.Name]++
				}
				mu.Unlock()
				if err != nil || len(got.Entries) == 0 {
					return
				}
			}
		})
	}
	wg.Wait()
	require.Len(b, seen, timers)
	for name, n := range seen {
		require.Equal(b, 1, n, name)
	}
}

func manyEntries(b *bundle) {
	var entries []timerindex.Entry
	var members []timerindex.Member
	for i := range 2500 {
		entries = append(entries, entry(fmt.Sprintf("t%04d", i), 1, time.Duration(i)*time.Millisecond))
		members = append(members, entries[i].Member)
	}
	b.arm(entries...)
	got, _ := b.claim(time.Minute, 3000)
	require.Len(b, got, 2500)
	require.NoError(b, b.Ack(b.Context(), 7, members...))
	n, err := b.Return(b.Context(), 7, base().Add(time.Hour), 10_000)
	require.NoError(b, err)
	require.Zero(b, n)
}

func names(b *bundle) {
	odd := timerindex.Entry{Member: timerindex.Member{Organization: "组织", Name: "cases/a#1|b/clocks/c d", Generation: 1 << 60}, At: base()}
	b.arm(odd)
	got, err := b.Claim(b.Context(), 7, timerindex.Claim{Now: base(), Limit: 1, Until: base().Add(time.Hour)})
	require.NoError(b, err)
	require.Equal(b, []timerindex.Entry{odd}, got.Entries)
}
