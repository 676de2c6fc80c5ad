package slaclock_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	"example.com/redress/services/kit/calendar"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/slaclock"
)

// act is one thing done to a clock; replaying the same acts gives the same clock.
type act struct {
	kind  string
	at    time.Time
	limit calendar.Limit
	due   time.Time
}

func (a act) do(cal *calendar.Calendar, c *clockv1.Clock) (*clockv1.Clock, []*clockv1.ClockChanged, error) {
	switch a.kind {
	case "fire":
		return slaclock.Fire(cal, c, a.at)
	case "meet":
		return slaclock.Meet(cal, c, a.at)
	case "cancel":
		return slaclock.Cancel(cal, c, a.at)
	case "pause":
		return slaclock.Pause(cal, c, a.at, slaclock.By{Reason: "away"})
	case "resume":
		return slaclock.Resume(cal, c, a.at)
	case "extend":
		return slaclock.Extend(cal, c, a.at, a.due, slaclock.By{Reason: "granted"})
	}
	return slaclock.Recompute(cal, c, slaclock.Term{Limit: a.limit, Until: a.due}, a.at)
}

func limits() []string {
	return []string{"30 min", "24 h", "48 h", "same day", "1 day", "10 days", "1 month", "1 working day", "3 working days", "4 working h", "12 working h", "half a working day"}
}

func drawSpec(t *rapidT) slaclock.Spec {
	s := slaclock.Spec{
		Name:  "cases/c/clocks/k",
		Start: time.Date(2026, 1, 30, 0, 0, 0, 0, time.UTC).Add(time.Duration(t.Int(0, 40*24*3600, "start")) * time.Second),
		Term:  slaclock.Term{Limit: must(calendar.ParseLimit(t.Pick(limits(), "limit")))},
	}
	for i := range t.Int(0, 3, "warnings") {
		s.Warnings = append(s.Warnings, time.Duration(t.Int(1, 48*60, fmt.Sprint("warning", i)))*time.Minute)
	}
	if each := t.Pick([]string{"", "1 h", "24 h", "7 days", "1 month", "1 working day", "half a working day"}, "each"); each != "" {
		s.Each = must(calendar.ParseLimit(each))
		s.EachStarted = t.Int(0, 1, "started") == 1
	}
	return s
}

// drawActs draws acts whose time mostly moves on, and sometimes back: facts come late.
func drawActs(t *rapidT, start time.Time) []act {
	at := start
	var acts []act
	for i := range t.Int(1, 12, "acts") {
		at = at.Add(time.Duration(t.Int(-6*3600, 60*3600, fmt.Sprint("step", i))) * time.Second)
		a := act{kind: t.Pick([]string{"fire", "fire", "fire", "fire", "pause", "resume", "resume", "extend", "recompute", "meet", "cancel"}, fmt.Sprint("act", i)), at: at}
		switch a.kind {
		case "extend":
			a.due = at.Add(time.Duration(t.Int(1, 20*24*3600, fmt.Sprint("due", i))) * time.Second)
		case "recompute":
			a.limit = must(calendar.ParseLimit(t.Pick(limits(), fmt.Sprint("limit", i))))
			if t.Int(0, 4, fmt.Sprint("fixed", i)) == 0 {
				a.due = start.Add(time.Duration(t.Int(0, 5*24*3600, fmt.Sprint("until", i))) * time.Second)
			}
		}
		acts = append(acts, a)
	}
	return acts
}

// TestRandomActsNeverReachAnIllegalClock is the model check: after every act the
// clock is legal, nothing fired early, and its input is untouched.
func TestRandomActsNeverReachAnIllegalClock(t *testing.T) {
	t.Parallel()
	b := setup(t, "cn")
	check(t, func(t *rapidT) {
		spec := drawSpec(t)
		c, _, err := slaclock.Start(b.cal, spec)
		require.NoError(t, err)
		legal(t, c)
		standing := 0 // breaches told and not withdrawn
		for _, a := range drawActs(t, spec.Start) {
			kept := proto.Clone(c)
			next, changes, err := a.do(b.cal, c)
			require.Empty(t, cmp.Diff(kept, proto.Message(c), protocmp.Transform()))
			if err != nil {
				f, ok := fault.As(err)
				require.True(t, ok, "%v", err)
				require.Equal(t, fault.FailedPrecondition, f.Kind, "%v", err)
				continue
			}
			for _, ch := range changes {
				switch ch.GetKind() {
				case clockv1.ClockChanged_KIND_BREACHED:
					standing++
				case clockv1.ClockChanged_KIND_BREACH_WITHDRAWN:
					standing--
				}
				require.Contains(t, []int{0, 1}, standing, "one breach at a time")
			}
			require.Equal(t, next.GetBreachTime() != nil, standing == 1)
			if a.kind == "fire" {
				due := c.GetNextFireTime()
				if due == nil || due.AsTime().After(a.at) {
					require.Empty(t, changes, "fired early")
					require.True(t, proto.Equal(c, next))
				} else {
					require.NotEmpty(t, changes)
					require.Greater(t, next.GetGeneration(), c.GetGeneration())
				}
			}
			if len(changes) == 0 {
				require.True(t, proto.Equal(c, next))
			}
			if !proto.Equal(c.GetNextFireTime(), next.GetNextFireTime()) || c.GetNextFiring() != next.GetNextFiring() {
				require.Equal(t, c.GetGeneration()+1, next.GetGeneration())
			}
			c = next
			legal(t, c)
			explained(t, b.cal, c)
		}
	})
}

func legal(t *rapidT, c *clockv1.Clock) {
	require.Equal(t, c.GetState() == clockv1.Clock_STATE_STOPPED, c.GetStopTime() != nil)
	require.Equal(t, c.GetState() == clockv1.Clock_STATE_STOPPED, c.GetOutcome() != clockv1.Clock_OUTCOME_UNSPECIFIED)
	require.Equal(t, c.GetNextFiring() == clockv1.Clock_FIRING_UNSPECIFIED, c.GetNextFireTime() == nil)
	switch c.GetState() {
	case clockv1.Clock_STATE_RUNNING:
		require.Nil(t, c.GetBreachTime())
		require.NotNil(t, c.GetNextFireTime())
	case clockv1.Clock_STATE_BREACHED:
		require.NotNil(t, c.GetBreachTime())
		require.Equal(t, c.GetEach() != "", c.GetNextFireTime() != nil)
	case clockv1.Clock_STATE_PAUSED, clockv1.Clock_STATE_STOPPED:
		require.Nil(t, c.GetNextFireTime())
	default:
		t.Fatalf("state %s", c.GetState())
	}
	if c.GetOutcome() == clockv1.Clock_OUTCOME_MET {
		require.Nil(t, c.GetBreachTime())
	}
	if c.GetOutcome() == clockv1.Clock_OUTCOME_MET_LATE {
		require.True(t, c.GetStopTime().AsTime().After(c.GetDueTime().AsTime()))
	}
	if b := c.GetBreachTime(); b != nil {
		require.True(t, b.AsTime().After(c.GetDueTime().AsTime()), "breached before it was due")
	} else {
		require.Zero(t, c.GetLate())
	}
	require.Zero(t, c.GetDueTime().GetNanos())
	open := 0
	for _, p := range c.GetPauses() {
		if p.GetEndTime() == nil {
			open++
		}
	}
	require.Equal(t, c.GetState() == clockv1.Clock_STATE_PAUSED, open == 1)
}

// explained recomputes due from the explanation: what is counted is the limit, and
// the last stretch ends where the clock falls due.
func explained(t *rapidT, cal *calendar.Calendar, c *clockv1.Clock) {
	intervals, err := slaclock.Explain(cal, c)
	require.NoError(t, err)
	if n := len(intervals); n > 0 && intervals[n-1].GetEndTime() == nil {
		require.Equal(t, clockv1.Clock_STATE_PAUSED, c.GetState())
		intervals = intervals[:n-1]
	}
	if len(intervals) == 0 {
		require.False(t, c.GetDueTime().AsTime().After(c.GetStartTime().AsTime()))
		return
	}
	var length time.Duration
	dates := 0
	at := c.GetStartTime().AsTime()
	for _, i := range intervals {
		require.Equal(t, at, i.GetStartTime().AsTime(), "a gap")
		at = i.GetEndTime().AsTime()
		require.True(t, at.After(i.GetStartTime().AsTime()))
		if i.GetKind() == clockv1.Interval_KIND_COUNTED || i.GetKind() == clockv1.Interval_KIND_EXCHANGED_WORKING_DAY {
			length += at.Sub(i.GetStartTime().AsTime())
			dates++
		}
	}
	due := c.GetDueTime().AsTime()
	l, err := calendar.ParseLimit(c.GetLimit())
	require.NoError(t, err)
	switch c.GetBasis() {
	case clockv1.Clock_BASIS_ELAPSED:
		require.Equal(t, due, at)
		require.Equal(t, l.Duration, length)
	case clockv1.Clock_BASIS_WORKING_TIME:
		require.Equal(t, due, at)
		if l.Unit == calendar.HalfWorkingDay {
			l.Duration = cal.Daily() / 2
		}
		require.Equal(t, l.Duration, length)
	case clockv1.Clock_BASIS_WORKING_DAYS:
		require.Equal(t, due.Add(time.Second), at)
		require.Equal(t, l.N, dates)
	case clockv1.Clock_BASIS_CALENDAR_DAYS:
		require.Equal(t, due.Add(time.Second), at)
		first, err := cal.Due(c.GetStartTime().AsTime(), l)
		require.NoError(t, err)
		want := int(cal.Date(first.Time) - cal.Date(c.GetStartTime().AsTime()))
		require.Equal(t, max(want, 1), dates)
	default:
		require.Equal(t, due, at)
	}
}

// TestReplayGivesTheSameClock: the same acts lead to the same clock and events.
func TestReplayGivesTheSameClock(t *testing.T) {
	t.Parallel()
	b := setup(t, "cn")
	check(t, func(t *rapidT) {
		spec := drawSpec(t)
		acts := drawActs(t, spec.Start)
		play := func() (*clockv1.Clock, []*clockv1.ClockChanged) {
			c, all, err := slaclock.Start(b.cal, spec)
			require.NoError(t, err)
			for _, a := range acts {
				next, changes, err := a.do(b.cal, c)
				if err == nil {
					c, all = next, append(all, changes...)
				}
			}
			return c, all
		}
		c1, e1 := play()
		c2, e2 := play()
		require.Empty(t, cmp.Diff(c1, c2, protocmp.Transform()))
		require.Empty(t, cmp.Diff(e1, e2, protocmp.Transform()))
	})
}

// TestTheTimersPunctualityChangesNothing: a timer that comes at every instant and
// one that comes once, late, tell the same events and leave the same clock.
func TestTheTimersPunctualityChangesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, "cn")
	check(t, func(t *rapidT) {
		spec := drawSpec(t)
		end := spec.Start.Add(time.Duration(t.Int(0, 20*24*3600, "end")) * time.Second)
		start, started, err := slaclock.Start(b.cal, spec)
		require.NoError(t, err)
		punctual, told := start, started
		for n := punctual.GetNextFireTime(); n != nil && !n.AsTime().After(end); n = punctual.GetNextFireTime() {
			var changes []*clockv1.ClockChanged
			punctual, changes, err = slaclock.Fire(b.cal, punctual, n.AsTime())
			require.NoError(t, err)
			require.NotEmpty(t, changes)
			told = append(told, changes...)
		}
		late, once := start, started
		for {
			var changes []*clockv1.ClockChanged
			late, changes, err = slaclock.Fire(b.cal, late, end)
			require.NoError(t, err)
			if len(changes) == 0 {
				break
			}
			once = append(once, changes...)
		}
		require.Empty(t, cmp.Diff(told, once, protocmp.Transform()))
		require.Empty(t, cmp.Diff(punctual, late, protocmp.Transform(), protocmp.IgnoreFields(&clockv1.Clock{}, "generation")))
	})
}
