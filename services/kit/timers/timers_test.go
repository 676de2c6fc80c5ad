package timers_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/timerindex"
	"example.com/redress/services/kit/timers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const shards = 4

// bundle is one engine on a store and a server, in a bubble whose time passes when
// nobody works.
type bundle struct {
	*testing.T
	clock  clock.Business
	store  *store
	server *server
	engine *timers.Engine
	paths  *paths
	start  time.Time
	n      int
}

// bubble runs a test in time that passes only while everybody waits.
func bubble(t *testing.T, test func(t *testing.T, b *bundle)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := clock.NewHost()
		b := &bundle{T: t, clock: c, store: newStore(c), server: newServer(), paths: &paths{}, start: c.Now()}
		t.Cleanup(b.stop)
		test(t, b)
	})
}

// run starts an engine; change adjusts its options.
func (b *bundle) run(change func(*timers.Options)) *timers.Engine {
	b.Helper()
	o := timers.Options{Store: b.store, Memory: b.store, Index: b.server, Clock: b.clock, Shards: shards, OnFired: b.paths.told}
	if change != nil {
		change(&o)
	}
	e, err := timers.New(o)
	require.NoError(b, err)
	b.store.set(func() { b.store.armed = e.Arm })
	require.NoError(b, e.Start(b.Context()))
	require.NoError(b, e.Start(b.Context()))
	b.engine = e
	return e
}

func (b *bundle) stop() {
	b.Helper()
	if b.engine != nil {
		require.NoError(b, b.engine.Stop(context.Background()))
		require.NoError(b, b.engine.Stop(context.Background()))
		b.engine = nil
	}
}

// passes lets business and machine time pass.
func (b *bundle) passes(d time.Duration) {
	b.Helper()
	require.NoError(b, clock.System().Pause(b.Context(), d))
	synctest.Wait()
}

// spread puts timers that fall due evenly over a stretch of time from now on.
func (b *bundle) spread(n int, over time.Duration) {
	b.Helper()
	now := b.clock.Now()
	var ts []timers.Timer
	for i := range n {
		b.n++
		ts = append(ts, timers.Timer{
			Organization: "org", Name: fmt.Sprintf("cases/%04d/clocks/k", b.n), Shard: int32(b.n % shards),
			At: now.Add(over * time.Duration(i+1) / time.Duration(n)), Generation: 1,
		})
	}
	b.store.put(ts...)
}

func TestTimersFireToTheMillisecond(t *testing.T) {
	bubble(t, func(t *testing.T, b *bundle) {
		b.run(nil)
		b.passes(time.Second)
		b.spread(500, 30*time.Second)
		b.passes(31 * time.Second)
		b.store.fired(t, 500, time.Millisecond)
		require.GreaterOrEqual(t, b.paths.count(timers.ByClaim), 450)
	})
}

func TestTimersThatWereThereBeforeTheStart(t *testing.T) {
	bubble(t, func(t *testing.T, b *bundle) {
		b.spread(300, 10*time.Second)
		b.passes(5 * time.Second) // half of them overdue
		b.run(nil)
		started := b.clock.Now()
		b.passes(6 * time.Second)
		b.store.fired(t, 300, 5*time.Second)
		for _, f := range b.store.log() {
			if f.At.After(started) {
				require.LessOrEqual(t, f.time.Sub(f.At), time.Millisecond)
			}
		}
	})
}

func TestAnEarlierTimerWakesTheLoop(t *testing.T) {
	bubble(t, func(t *testing.T, b *bundle) {
		b.run(nil)
		b.store.put(timers.Timer{Organization: "org", Name: "far", At: b.start.Add(time.Hour), Generation: 1})
		b.passes(5 * time.Second)
		b.store.put(timers.Timer{Organization: "org", Name: "near", At: b.clock.Now().Add(300 * time.Millisecond), Generation: 1})
		b.passes(400 * time.Millisecond)
		b.store.fired(t, 1, time.Millisecond)
	})
}

func TestAChainOfInstantsFiresEachOnce(t *testing.T) {
	bubble(t, func(t *testing.T, b *bundle) {
		b.store.then = func(t timers.Timer) (timers.Timer, bool) {
			t.Generation++
			t.At = t.At.Add(1500 * time.Millisecond)
			return t, t.Generation <= 20
		}
		b.run(nil)
		b.spread(10, 10*time.Second)
		b.passes(time.Minute)
		b.store.fired(t, 200, time.Millisecond)
	})
}

func TestFlushAllLosesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, b *bundle) {
		b.run(nil)
		b.spread(600, time.Minute)
		for range 5 {
			b.passes(9700 * time.Millisecond)
			b.server.flush()
		}
		b.passes(20 * time.Second)
		b.store.fired(t, 600, 2*time.Second)
		require.Equal(t, 6*shards, b.server.rebuilds())
		require.Greater(t, b.paths.count(timers.ByClaim), 500, "the index worked again after each loss")
	})
}

func TestARoundLooksAtAPartOfTheShardsAndAtAllOnceOneIsLost(t *testing.T) {
	bubble(t, func(t *testing.T, b *bundle) {
		const shards = 64
		b.run(func(o *timers.Options) { o.Shards = shards })
		b.passes(500 * time.Millisecond)
		seen, most := b.server.looks()
		require.Equal(t, shards, seen, "all of them at the start")
		require.LessOrEqual(t, most, 2, "a lost one is looked at again when it is rebuilt")
		b.passes(time.Second)
		seen, _ = b.server.looks()
		require.Equal(t, shards/8, seen)
		b.passes(7 * time.Second)
		seen, most = b.server.looks()
		require.Equal(t, shards-shards/8, seen, "the others in their turn")
		require.Equal(t, 1, most)
		b.server.flush()
		b.passes(time.Second)
		seen, _ = b.server.looks()
		require.Equal(t, shards, seen)
		require.Equal(t, 2*shards, b.server.rebuilds())
	})
}

func TestAnOldDumpLosesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, b *bundle) {
		b.store.then = func(t timers.Timer) (timers.Timer, bool) { // generations go on
			t.Generation++
			t.At = t.At.Add(20 * time.Second)
			return t, t.Generation <= 3
		}
		b.run(nil)
		b.spread(200, 20*time.Second)
		b.passes(5 * time.Second)
		old := b.server.dump()
		b.passes(15 * time.Second)
		b.spread(100, 20*time.Second) // unknown to the old copy
		b.passes(3 * time.Second)
		b.server.restore(old)
		b.passes(2 * time.Minute)
		b.store.fired(t, 900, 2*time.Second)
		require.Equal(t, 2*shards, b.server.rebuilds())
		require.Positive(t, b.store.drops(), "what the old copy remembered was dropped")
	})
}

func TestWhatAnOldDumpBringsBackIsTakenOffAgain(t *testing.T) {
	bubble(t, func(t *testing.T, b *bundle) {
		b.spread(shards, 5*time.Second)
		b.run(nil)
		b.passes(500 * time.Millisecond)
		old := b.server.dump()
		b.passes(20 * time.Second)
		b.store.fired(t, shards, time.Second)
		b.server.restore(old)
		b.passes(20 * time.Second)
		require.Equal(t, shards, b.store.drops(), "nothing else falls due that would have the shards looked at")
	})
}

func TestAnOldDumpRestoredWhileTheProcessWasDown(t *testing.T) {
	bubble(t, func(t *testing.T, b *bundle) {
		b.run(nil)
		b.spread(50, 10*time.Second)
		b.passes(3 * time.Second)
		old := b.server.dump()
		b.passes(10 * time.Second)
		b.stop()
		rebuilt := b.server.rebuilds()

		b.run(nil)
		b.passes(3 * time.Second)
		require.Equal(t, rebuilt, b.server.rebuilds(), "nothing was lost: the heartbeats in SQL say so")
		b.stop()

		b.store.set(func() { b.store.armed = nil })
		b.server.restore(old)
		b.spread(50, 10*time.Second)
		b.run(nil)
		b.passes(12 * time.Second)
		require.Equal(t, rebuilt+shards, b.server.rebuilds())
		b.store.fired(t, 100, 2*time.Second)
	})
}

func TestAnAbsentIndexMakesTimersLateByOneSweep(t *testing.T) {
	for name, away := range map[string]func(s *server, away bool){
		"Refusing": func(s *server, away bool) { s.set(func() { s.down = away }) },
		"Hanging":  func(s *server, away bool) { s.set(func() { s.hangs = away }) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, b *bundle) {
				b.run(nil)
				b.spread(400, 40*time.Second)
				b.passes(10 * time.Second)
				away(b.server, true)
				b.passes(5 * time.Second)
				b.spread(100, 30*time.Second) // armed while nobody listens
				b.passes(5 * time.Second)
				sweeps := b.paths.count(timers.BySweep)
				require.GreaterOrEqual(t, sweeps, 90)
				away(b.server, false)
				b.passes(3 * time.Second)
				sweeps = b.paths.count(timers.BySweep)
				b.passes(30 * time.Second)
				require.Less(t, b.paths.count(timers.BySweep)-sweeps, 30, "the index carries on where it was left")
				b.store.fired(t, 500, 2*time.Second)
			})
		})
	}
}

func TestAnIndexThatIsNeverThere(t *testing.T) {
	bubble(t, func(t *testing.T, b *bundle) {
		b.server.set(func() { b.server.down = true })
		b.run(nil)
		b.spread(100, 20*time.Second)
		b.passes(25 * time.Second)
		b.store.fired(t, 100, time.Second)
		require.Zero(t, b.paths.count(timers.ByClaim))
	})
}

func TestACrashBetweenClaimAndAcknowledgement(t *testing.T) {
	bubble(t, func(t *testing.T, b *bundle) {
		b.store.set(func() { b.store.hidden = true }) // the sweep would be faster
		b.run(nil)
		b.store.put(timers.Timer{Organization: "org", Name: "a", At: b.start.Add(5 * time.Second), Generation: 1})
		b.passes(3 * time.Second)
		claimed, err := b.server.Claim(t.Context(), 0, timerindex.Claim{Now: b.start.Add(5 * time.Second), Limit: 10, Until: b.start.Add(15 * time.Second)})
		require.NoError(t, err)
		require.Len(t, claimed.Entries, 1, "another process has it, and dies")
		b.passes(11 * time.Second)
		require.Empty(t, b.store.log())
		b.passes(2 * time.Second)
		b.store.fired(t, 1, 12*time.Second)
	})
}

func TestTheSweepDoesNotWaitForALease(t *testing.T) {
	bubble(t, func(t *testing.T, b *bundle) {
		b.run(nil)
		b.store.put(timers.Timer{Organization: "org", Name: "a", At: b.start.Add(5 * time.Second), Generation: 1})
		b.passes(3 * time.Second)
		_, err := b.server.Claim(t.Context(), 0, timerindex.Claim{Now: b.start.Add(5 * time.Second), Limit: 10, Until: b.start.Add(15 * time.Second)})
		require.NoError(t, err)
		b.passes(4 * time.Second)
		b.store.fired(t, 1, time.Second)
	})
}

func TestAMemberThatSQLDoesNotKnowIsDropped(t *testing.T) {
	bubble(t, func(t *testing.T, b *bundle) {
		b.run(nil)
		b.passes(time.Second)
		ghost := timerindex.Entry{Member: timerindex.Member{Organization: "org", Name: "ghost", Generation: 9}, At: b.clock.Now()}
		require.NoError(t, b.server.Arm(t.Context(), 1, ghost))
		b.engine.Arm(timers.Timer{Organization: "org", Name: "other", Shard: 1, At: b.clock.Now(), Generation: 1})
		b.passes(time.Second)
		require.Empty(t, b.store.log())
		require.Equal(t, 2, b.store.drops())
		b.passes(30 * time.Second)
		require.Equal(t, 2, b.store.drops(), "acknowledged: neither comes back")
	})
}

func TestTwoEnginesShareShards(t *testing.T) {
	bubble(t, func(t *testing.T, b *bundle) {
		first := &paths{}
		other := b.run(func(o *timers.Options) { o.OnFired = first.told })
		t.Cleanup(func() { require.NoError(t, other.Stop(context.Background())) })
		b.run(nil)
		b.store.set(func() {
			b.store.armed = func(ts ...timers.Timer) {
				b.engine.Arm(ts...)
				other.Arm(ts...)
			}
		})
		b.spread(600, 30*time.Second)
		b.passes(10 * time.Second)
		b.server.flush()
		b.passes(25 * time.Second)
		b.store.fired(t, 600, 2*time.Second)
		require.Positive(t, first.count(timers.ByClaim))
		require.Positive(t, b.paths.count(timers.ByClaim))
	})
}

func TestAnEngineWorksOnItsOwnShards(t *testing.T) {
	bubble(t, func(t *testing.T, b *bundle) {
		b.run(func(o *timers.Options) { o.Own = []int32{1, 3} })
		b.spread(100, 10*time.Second)
		b.passes(12 * time.Second)
		b.store.fired(t, 50, time.Second)
		for _, f := range b.store.log() {
			require.Contains(t, []int32{1, 3}, f.Shard)
		}
	})
}

func TestTimersThatFailDoNotHoldUpTheOthers(t *testing.T) {
	bubble(t, func(t *testing.T, b *bundle) {
		poison := errors.New("refused")
		b.store.fail = func(t timers.Timer) error {
			if t.Generation == 7 {
				return poison
			}
			return nil
		}
		b.server.set(func() { b.server.down = true }) // the sweep alone
		b.run(func(o *timers.Options) { o.Batch = 8 })
		var bad []timers.Timer
		for i := range 100 {
			bad = append(bad, timers.Timer{Organization: "org", Name: fmt.Sprint("bad", i), Shard: int32(i % shards), At: b.start, Generation: 7})
		}
		b.store.put(bad...)
		b.passes(5 * time.Second)
		b.spread(100, 20*time.Second)
		b.passes(30 * time.Second)
		b.store.fired(t, 100, 2*time.Second)
		require.Less(t, b.paths.count(timers.BySweep), 100+100*8, "tried again less and less")
		b.store.set(func() { b.store.fail = nil })
		b.passes(6 * time.Minute)
		require.Len(t, b.store.log(), 200, "they fire once the cause is gone")
	})
}

func TestAPanicInAFiringIsItsOwn(t *testing.T) {
	bubble(t, func(t *testing.T, b *bundle) {
		first := true
		b.store.fail = func(timers.Timer) error {
			if first {
				first = false
				panic("defect")
			}
			return nil
		}
		b.run(func(o *timers.Options) { o.Workers = 1 })
		b.spread(20, 10*time.Second)
		b.passes(30 * time.Second)
		b.store.fired(t, 20, 12*time.Second)
	})
}

func TestSQLAwayAndBack(t *testing.T) {
	bubble(t, func(t *testing.T, b *bundle) {
		b.run(nil)
		b.spread(200, 20*time.Second)
		b.passes(5 * time.Second)
		b.store.set(func() { b.store.away = errAway })
		b.passes(5 * time.Second)
		b.store.set(func() { b.store.away = nil })
		b.passes(30 * time.Second)
		b.store.fired(t, 200, 15*time.Second)
	})
}

func TestABacklogThatOverflowsIsCaughtUp(t *testing.T) {
	bubble(t, func(t *testing.T, b *bundle) {
		b.run(func(o *timers.Options) { o.Backlog = 10 })
		b.passes(500 * time.Millisecond)
		b.spread(200, 20*time.Second)
		b.passes(22 * time.Second)
		b.store.fired(t, 200, time.Second)
		require.Greater(t, b.paths.count(timers.ByClaim), 150)
	})
}

func TestAntiEntropyArmsWhatFallsDueSoon(t *testing.T) {
	bubble(t, func(t *testing.T, b *bundle) {
		b.run(nil)
		b.store.set(func() { b.store.armed = nil }) // nobody tells the engine
		b.passes(2300 * time.Millisecond)           // no timer falls on a sweep
		b.spread(200, 5*time.Minute)
		b.passes(time.Minute)
		sweeps := b.paths.count(timers.BySweep)
		b.passes(5 * time.Minute)
		require.LessOrEqual(t, b.paths.count(timers.BySweep)-sweeps, 2)
		b.store.fired(t, 200, time.Second)
	})
}

func TestABurstIsFiredInBatches(t *testing.T) {
	bubble(t, func(t *testing.T, b *bundle) {
		b.run(nil)
		at := b.start.Add(10 * time.Second)
		var ts []timers.Timer
		for i := range 5000 {
			ts = append(ts, timers.Timer{Organization: "org", Name: fmt.Sprint("t", i), Shard: int32(i % shards), At: at, Generation: 1})
		}
		b.store.put(ts...)
		b.passes(12 * time.Second)
		b.store.fired(t, 5000, 2*time.Second)
		require.Less(t, b.store.drops(), 500, "the paths keep out of each other's way")
	})
}

func TestFireDueUnderAVirtualClock(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	virtual := clock.NewVirtual(start)
	s := newStore(virtual)
	told := &paths{}
	e, err := timers.New(timers.Options{Store: s, Index: timerindex.NewLocal(), Clock: virtual, Shards: shards, Batch: 3, OnFired: told.told})
	require.NoError(t, err)
	s.armed = e.Arm
	s.then = func(t timers.Timer) (timers.Timer, bool) { // a chain within one advance
		t.Generation++
		t.At = t.At.Add(10 * time.Second)
		return t, t.Generation <= 3
	}
	for i := range 10 {
		s.put(timers.Timer{Organization: "org", Name: fmt.Sprint("t", i), At: start.Add(time.Duration(i) * time.Minute), Generation: 1})
	}
	next, ok, err := e.FireDue(t.Context(), start.Add(-time.Second))
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, start, next)
	require.Empty(t, s.fires)
	for ok {
		require.NoError(t, virtual.Advance(next))
		next, ok, err = e.FireDue(t.Context(), virtual.Now())
		require.NoError(t, err)
	}
	s.fired(t, 30, 0)
	require.Equal(t, 30, told.count(timers.ByAdvance))
	for i := 1; i < len(s.fires); i++ {
		require.False(t, s.fires[i].At.Before(s.fires[i-1].At), "in order of their instants")
	}

	t.Run("ALongAdvanceKeepsTheOrder", func(t *testing.T) {
		s.fires = nil
		for i := range 5 {
			s.put(timers.Timer{Organization: "org", Name: fmt.Sprint("u", i), At: virtual.Now().Add(time.Duration(i) * 4 * time.Second), Generation: 1})
		}
		require.NoError(t, virtual.Advance(virtual.Now().Add(time.Hour)))
		_, ok, err := e.FireDue(t.Context(), virtual.Now())
		require.NoError(t, err)
		require.False(t, ok)
		require.Len(t, s.fires, 15)
		for i := 1; i < len(s.fires); i++ {
			require.False(t, s.fires[i].At.Before(s.fires[i-1].At))
		}
	})
	t.Run("AnErrorEndsIt", func(t *testing.T) {
		s.put(timers.Timer{Organization: "org", Name: "v", At: virtual.Now(), Generation: 1})
		s.fail = func(timers.Timer) error { return errAway }
		_, _, err := e.FireDue(t.Context(), virtual.Now())
		require.ErrorIs(t, err, errAway)
		s.fail = nil
	})
	t.Run("ATimerThatStaysIsADefect", func(t *testing.T) {
		ahead := &store{clock: clock.NewVirtual(start), rows: s.rows} // judges by another clock
		e, err := timers.New(timers.Options{Store: ahead, Index: timerindex.NewLocal(), Clock: virtual, Shards: shards})
		require.NoError(t, err)
		_, _, err = e.FireDue(t.Context(), virtual.Now())
		require.ErrorContains(t, err, "still due")
	})
}

func TestStopWaitsForWhatIsBeingFired(t *testing.T) {
	bubble(t, func(t *testing.T, b *bundle) {
		entered, leave := make(chan struct{}), make(chan struct{})
		e, err := timers.New(timers.Options{Store: slow{b.store, entered, leave}, Index: b.server, Clock: b.clock, Shards: shards})
		require.NoError(t, err)
		b.store.put(timers.Timer{Organization: "org", Name: "a", At: b.start, Generation: 1})
		require.NoError(t, e.Start(t.Context()))
		<-entered
		stopped := make(chan error, 1)
		go func() {
			err := e.Stop(context.Background())
			stopped <- err
		}()
		synctest.Wait()
		select {
		case err := <-stopped:
			t.Fatal("stopped while a timer was being fired", err)
		default:
		}
		close(leave)
		require.NoError(t, <-stopped)
		<-e.Done()
		require.NoError(t, e.Err())
		b.store.fired(t, 1, time.Second)
	})
}

// slow is a store in which a firing takes its time.
type slow struct {
	*store
	entered, leave chan struct{}
}

func (s slow) Fire(ctx context.Context, t timers.Timer) error {
	close(s.entered)
	<-s.leave
	return s.store.Fire(ctx, t)
}

func TestOptionsNameWhatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := timers.New(timers.Options{})
	require.ErrorContains(t, err, "store, index and clock are required")
	require.ErrorContains(t, err, "shards: must be positive")
	c := clock.NewHost()
	_, err = timers.New(timers.Options{Store: newStore(c), Index: newServer(), Clock: c, Shards: 2, Own: []int32{2}, Lease: -1, Batch: -1})
	require.ErrorContains(t, err, "shard 2 is not one of 2")
	require.ErrorContains(t, err, "durations must not be negative")
	require.ErrorContains(t, err, "counts must not be negative")
	e, err := timers.New(timers.Options{Store: &store{clock: c, away: errAway}, Memory: &store{clock: c, away: errAway}, Index: newServer(), Clock: c, Shards: 2})
	require.NoError(t, err)
	require.ErrorIs(t, e.Start(t.Context()), errAway)
	require.NoError(t, e.Stop(t.Context()))
}
