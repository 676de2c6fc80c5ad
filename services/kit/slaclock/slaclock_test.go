package slaclock_test

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	"example.com/redress/services/kit/calendar"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/slaclock"
)

// bench is one clock under test, on a calendar, in local times.
type bench struct {
	t   testing.TB
	cal *calendar.Calendar
	c   *clockv1.Clock
	// told are the kinds of all events so far, without KIND_.
	told []string
}

func setup(t testing.TB, holidays string) *bench {
	t.Helper()
	h, err := calendar.NamedHolidays(holidays)
	require.NoError(t, err)
	cal, err := calendar.Default(h)
	require.NoError(t, err)
	return &bench{t: t, cal: cal}
}

func (b *bench) at(s string) time.Time {
	b.t.Helper()
	out, err := time.ParseInLocation(time.DateTime, s, b.cal.Location())
	require.NoError(b.t, err)
	return out
}

func limit(t testing.TB, s string) calendar.Limit {
	t.Helper()
	l, err := calendar.ParseLimit(s)
	require.NoError(t, err)
	return l
}

// took takes a result over and returns the kinds of its events.
func (b *bench) took(c *clockv1.Clock, changes []*clockv1.ClockChanged, err error) string {
	b.t.Helper()
	require.NoError(b.t, err)
	var kinds []string
	for _, ch := range changes {
		kinds = append(kinds, strings.TrimPrefix(ch.GetKind().String(), "KIND_"))
	}
	b.c = c
	b.told = append(b.told, kinds...)
	return strings.Join(kinds, " ")
}

func (b *bench) start(s slaclock.Spec, at string) {
	b.t.Helper()
	s.Name = "cases/c/clocks/response"
	s.Start = b.at(at)
	require.Contains(b.t, b.took(slaclock.Start(b.cal, s)), "STARTED")
}

func (b *bench) fire(at string) string { return b.took(slaclock.Fire(b.cal, b.c, b.at(at))) }
func (b *bench) meet(at string) string { return b.took(slaclock.Meet(b.cal, b.c, b.at(at))) }

func (b *bench) local(t *timestamppb.Timestamp) string {
	if t == nil {
		return ""
	}
	return t.AsTime().In(b.cal.Location()).Format(time.DateTime)
}

func (b *bench) state() string {
	if b.c.GetState() == clockv1.Clock_STATE_STOPPED {
		return strings.TrimPrefix(b.c.GetOutcome().String(), "OUTCOME_")
	}
	return strings.TrimPrefix(b.c.GetState().String(), "STATE_")
}

func term(t testing.TB, s string) slaclock.Term { return slaclock.Term{Limit: limit(t, s)} }

func TestMetAtTheDueInstantIsOnTime(t *testing.T) { // P01-S1, P27-S4
	t.Parallel()
	for _, row := range []struct{ limit, start, act, state string }{
		{"3 working days", "2026-03-02 10:15:00", "2026-03-05 18:00:00", "MET"},
		{"3 working days", "2026-03-02 10:15:00", "2026-03-05 18:00:01", "MET_LATE"},
		{"24 h", "2026-03-07 21:40:00", "2026-03-08 21:40:00", "MET"}, // P13-S2
		{"24 h", "2026-03-07 21:40:00", "2026-03-08 21:40:01", "MET_LATE"},
		{"24 h", "2026-06-09 15:20:00", "2026-06-10 15:20:00", "MET"},
		{"24 h", "2026-06-09 15:20:00", "2026-06-10 15:20:01", "MET_LATE"},
		{"1 h", "2026-06-10 10:05:00", "2026-06-10 11:05:01", "MET_LATE"}, // P14-S4
		{"3 days", "2026-03-18 09:00:00", "2026-03-22 00:00:00", "MET_LATE"},
	} {
		b := setup(t, "none")
		b.start(slaclock.Spec{Term: term(t, row.limit)}, row.start)
		b.meet(row.act)
		require.Equal(t, row.state, b.state(), row.act)
		require.Equal(t, row.act, b.local(b.c.GetStopTime()))
		require.Nil(t, b.c.GetNextFireTime())
	}
}

func TestActsAreTruncatedToTheSecond(t *testing.T) {
	t.Parallel()
	b := setup(t, "none")
	b.start(slaclock.Spec{Term: term(t, "30 min")}, "2026-06-09 13:00:00")
	act := b.at("2026-06-09 13:30:00").Add(999 * time.Millisecond)
	require.Empty(t, b.took(slaclock.Fire(b.cal, b.c, act)), "not yet a second past the due instant")
	require.Equal(t, "MET", b.took(slaclock.Meet(b.cal, b.c, act)))
	require.Equal(t, "MET", b.state())
}

func TestBreachIsOneSecondAfterDueHoweverLateTheTimerComes(t *testing.T) {
	t.Parallel()
	b := setup(t, "none")
	b.start(slaclock.Spec{Term: term(t, "30 min")}, "2026-06-09 13:00:00")
	require.Equal(t, clockv1.Clock_FIRING_BREACH, b.c.GetNextFiring())
	require.Equal(t, "2026-06-09 13:30:01", b.local(b.c.GetNextFireTime()))
	require.EqualValues(t, 1, b.c.GetGeneration())
	require.Empty(t, b.fire("2026-06-09 13:30:00"))
	require.EqualValues(t, 1, b.c.GetGeneration())
	require.Equal(t, "BREACHED", b.fire("2026-08-01 00:00:00"))
	require.Equal(t, "2026-06-09 13:30:01", b.local(b.c.GetBreachTime()))
	require.EqualValues(t, 2, b.c.GetGeneration())
	require.Empty(t, b.fire("2026-08-01 00:00:00"))
	require.Nil(t, b.c.GetNextFireTime())
}

func TestWarningsComeLongestFirst(t *testing.T) {
	t.Parallel()
	b := setup(t, "none")
	b.start(slaclock.Spec{Term: term(t, "24 h"), Warnings: []time.Duration{time.Hour, 4 * time.Hour, 30 * time.Hour, 4 * time.Hour}}, "2026-03-02 10:00:00")
	require.EqualValues(t, 1, b.c.GetWarned(), "the one before the start is passed over")
	require.Equal(t, "2026-03-03 06:00:00", b.local(b.c.GetNextFireTime()))
	require.Equal(t, clockv1.Clock_FIRING_WARNING, b.c.GetNextFiring())
	require.Equal(t, "WARNED", b.fire("2026-03-03 06:00:00"))
	require.Equal(t, "2026-03-03 09:00:00", b.local(b.c.GetNextFireTime()))
	require.Equal(t, "WARNED BREACHED", b.fire("2026-03-03 12:00:00"))
	require.EqualValues(t, 3, b.c.GetWarned())
}

func TestLatePeriodsAreCountedExactly(t *testing.T) { // P19-S3
	t.Parallel()
	for _, row := range []struct {
		name, due, each string
		started         bool
		act             string
		late            int32
	}{
		{"TwoDaysToTheSecond", "2026-03-21 16:30:00", "24 h", false, "2026-03-23 16:30:00", 2},
		{"ASecondShortOfTwoDays", "2026-03-21 16:30:00", "24 h", false, "2026-03-23 16:29:59", 1},
		{"TwoWeeksToTheSecond", "2026-04-30 18:00:00", "7 days", false, "2026-05-14 18:00:00", 2},
		{"OnTime", "2026-03-21 16:30:00", "24 h", false, "2026-03-21 16:30:00", 0},
		{"BegunCountsWithItsFirstSecond", "2026-03-21 16:30:00", "24 h", true, "2026-03-21 16:30:01", 1},
		{"BegunToTheEnd", "2026-03-21 16:30:00", "24 h", true, "2026-03-22 16:30:00", 1},
		{"TheNextBegun", "2026-03-21 16:30:00", "24 h", true, "2026-03-22 16:30:01", 2},
		{"WorkingDays", "2026-03-20 18:00:00", "1 working day", false, "2026-03-24 18:00:00", 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			spec := slaclock.Spec{Each: limit(t, row.each), EachStarted: row.started}
			unfired := setup(t, "none")
			spec.Term.Until = unfired.at(row.due)
			unfired.start(spec, "2026-03-20 16:30:00")
			unfired.meet(row.act)
			require.Equal(t, row.late, unfired.c.GetLate())
			require.Equal(t, int(row.late), strings.Count(strings.Join(unfired.told, " "), "LATE"))

			overfired := setup(t, "none")
			overfired.start(spec, "2026-03-20 16:30:00")
			overfired.fire("2026-06-30 00:00:00")
			overfired.meet(row.act)
			require.Equal(t, row.late, overfired.c.GetLate())
			require.Empty(t, cmp.Diff(unfired.c, overfired.c, protocmp.Transform(), protocmp.IgnoreFields(&clockv1.Clock{}, "generation")))
		})
	}
}

func TestFireWorksInPortions(t *testing.T) {
	t.Parallel()
	b := setup(t, "none")
	b.start(slaclock.Spec{Term: term(t, "1 h"), Each: limit(t, "1 min")}, "2026-03-02 10:00:00")
	now := "2026-03-02 14:00:00"
	total := 0
	for range 10 {
		kinds := b.fire(now)
		require.LessOrEqual(t, len(strings.Fields(kinds)), 64)
		total += strings.Count(kinds, "LATE")
	}
	require.Equal(t, 180, total)
	require.EqualValues(t, 180, b.c.GetLate())
	require.True(t, b.c.GetNextFireTime().AsTime().After(b.at(now)))
}

func TestAnActThatComesToLightLateWithdrawsTheBreach(t *testing.T) {
	t.Parallel()
	b := setup(t, "none")
	b.start(slaclock.Spec{Term: term(t, "24 h"), Each: limit(t, "24 h")}, "2026-03-02 10:00:00")
	require.Equal(t, "BREACHED LATE", b.fire("2026-03-04 10:00:00"))
	require.Equal(t, "BREACH_WITHDRAWN MET", b.meet("2026-03-03 10:00:00"))
	require.Equal(t, "MET", b.state())
	require.Nil(t, b.c.GetBreachTime())
	require.Zero(t, b.c.GetLate())
}

func TestAnEarlierActStopsAMetClockAnew(t *testing.T) {
	t.Parallel()
	b := setup(t, "none")
	b.start(slaclock.Spec{Term: term(t, "24 h")}, "2026-03-02 10:00:00")
	require.Equal(t, "BREACHED MET", b.meet("2026-03-04 10:00:00"))
	require.Equal(t, "BREACH_WITHDRAWN MET", b.meet("2026-03-03 09:00:00"))
	require.Equal(t, "MET", b.state())
	require.Equal(t, "2026-03-03 09:00:00", b.local(b.c.GetStopTime()))
	_, _, err := slaclock.Meet(b.cal, b.c, b.at("2026-03-03 09:00:00"))
	require.Equal(t, slaclock.ReasonNotRunning, fault.ReasonOf(err))
}

func TestCancelKeepsABreachThatCameBefore(t *testing.T) {
	t.Parallel()
	b := setup(t, "none")
	b.start(slaclock.Spec{Term: term(t, "24 h")}, "2026-03-02 10:00:00")
	running := b.c
	require.Equal(t, "BREACHED CANCELLED", b.took(slaclock.Cancel(b.cal, running, b.at("2026-03-04 10:00:00"))))
	require.NotNil(t, b.c.GetBreachTime())
	require.Equal(t, "CANCELLED", b.took(slaclock.Cancel(b.cal, running, b.at("2026-03-03 09:00:00"))))
	require.Nil(t, b.c.GetBreachTime())
	_, _, err := slaclock.Cancel(b.cal, b.c, b.at("2026-03-04 10:00:00"))
	require.Equal(t, slaclock.ReasonNotRunning, fault.ReasonOf(err))
	_, _, err = slaclock.Meet(b.cal, b.c, b.at("2026-03-01 10:00:00"))
	require.Equal(t, slaclock.ReasonNotRunning, fault.ReasonOf(err))
}

func TestARegradingRecomputesFromTheOriginalStart(t *testing.T) { // P26-S2
	t.Parallel()
	b := setup(t, "none")
	b.start(slaclock.Spec{Term: term(t, "24 h")}, "2026-04-08 17:20:00")
	require.Equal(t, "2026-04-09 17:20:00", b.local(b.c.GetDueTime()))
	kinds := b.took(slaclock.Recompute(b.cal, b.c, term(t, "2 h"), b.at("2026-04-08 20:00:00")))
	require.Equal(t, "RECOMPUTED BREACHED", kinds)
	require.Equal(t, "2026-04-08 19:20:00", b.local(b.c.GetDueTime()))
	require.Equal(t, "2026-04-08 20:00:00", b.local(b.c.GetBreachTime()))
	require.Equal(t, "BREACHED", b.state())
	require.Equal(t, "2 h", b.c.GetLimit())
	t.Run("AnActBeforeTheRegradingIsStillOnTime", func(t *testing.T) {
		kinds := b.took(slaclock.Meet(b.cal, b.c, b.at("2026-04-08 19:40:00")))
		require.Equal(t, "BREACH_WITHDRAWN MET", kinds)
	})
}

func TestALongerLimitUndoesTheBreach(t *testing.T) {
	t.Parallel()
	b := setup(t, "none")
	b.start(slaclock.Spec{Term: term(t, "2 h"), Each: limit(t, "1 h")}, "2026-04-08 17:20:00")
	require.Equal(t, "BREACHED LATE", b.fire("2026-04-08 20:20:00"))
	kinds := b.took(slaclock.Recompute(b.cal, b.c, term(t, "24 h"), b.at("2026-04-08 20:30:00")))
	require.Equal(t, "BREACH_WITHDRAWN RECOMPUTED", kinds)
	require.Equal(t, "RUNNING", b.state())
	require.Zero(t, b.c.GetLate())
	require.Equal(t, "2026-04-09 17:20:01", b.local(b.c.GetNextFireTime()))
	t.Run("ALongerOneThatIsPastToo", func(t *testing.T) {
		b.fire("2026-04-10 00:00:00")
		kinds := b.took(slaclock.Recompute(b.cal, b.c, term(t, "30 h"), b.at("2026-04-10 00:00:00")))
		require.Equal(t, "RECOMPUTED", kinds)
		require.Equal(t, "2026-04-09 23:20:01", b.local(b.c.GetBreachTime()))
		require.Zero(t, b.c.GetLate())
	})
}

func TestAMarkedTimeRulesOverTheLimit(t *testing.T) { // P19-S1, last row
	t.Parallel()
	b := setup(t, "none")
	b.start(slaclock.Spec{Term: slaclock.Term{Limit: limit(t, "48 h"), Until: b.at("2026-03-21 10:00:00")}}, "2026-03-20 16:30:00")
	require.Equal(t, "2026-03-21 10:00:00", b.local(b.c.GetDueTime()))
	require.Equal(t, clockv1.Clock_BASIS_FIXED, b.c.GetBasis())
	require.Equal(t, "48 h", b.c.GetLimit())
	t.Run("BeforeTheStartItBreachesAtTheStart", func(t *testing.T) {
		b := setup(t, "none")
		spec := slaclock.Spec{Start: b.at("2026-03-20 16:30:00"), Term: slaclock.Term{Until: b.at("2026-03-20 10:00:00")}}
		require.Equal(t, "STARTED BREACHED", b.took(slaclock.Start(b.cal, spec)))
		require.Equal(t, "2026-03-20 16:30:00", b.local(b.c.GetBreachTime()))
		require.Equal(t, "as planned", b.c.GetLimit())
	})
}

func TestAPromptDutyIsNeverDue(t *testing.T) { // K9, P16-S1
	t.Parallel()
	for _, term := range []slaclock.Term{{}, term(t, "always"), term(t, "as planned")} {
		b := setup(t, "none")
		b.start(slaclock.Spec{Term: term, Warnings: []time.Duration{time.Hour}}, "2026-03-20 16:30:00")
		require.Nil(t, b.c.GetDueTime())
		require.Nil(t, b.c.GetNextFireTime())
		require.Empty(t, b.fire("2036-03-20 16:30:00"))
		intervals, err := slaclock.Explain(b.cal, b.c)
		require.NoError(t, err)
		require.Empty(t, intervals)
		require.Equal(t, "MET", b.meet("2030-01-01 00:00:00"))
		require.Equal(t, "MET", b.state())
	}
}

func TestExtendOnlyBeforeTheDueInstant(t *testing.T) { // P17-S5
	t.Parallel()
	by := slaclock.By{Principal: "people/p", Reason: "special circumstances"}
	b := setup(t, "none")
	b.start(slaclock.Spec{Term: term(t, "7 working days"), Warnings: []time.Duration{time.Hour}}, "2026-05-11 10:00:00")
	require.Equal(t, "2026-05-20 18:00:00", b.local(b.c.GetDueTime()))
	date, err := calendar.ParseDate("2026-06-03")
	require.NoError(t, err)
	promised, err := b.cal.At(date, b.c.GetBasis())
	require.NoError(t, err)

	fired := setup(t, "none")
	fired.c = b.c
	fired.fire("2026-05-21 00:00:00")
	for _, c := range []*clockv1.Clock{b.c, fired.c} { // told by the timer or not
		_, _, err = slaclock.Extend(b.cal, c, b.at("2026-05-21 09:00:00"), promised, by)
		require.Equal(t, slaclock.ReasonNotRunning, fault.ReasonOf(err))
		f, _ := fault.As(err)
		require.Equal(t, "BREACHED", f.Facts["state"])
	}
	_, _, err = slaclock.Extend(b.cal, b.c, b.at("2026-05-19 09:00:00"), b.at("2026-05-20 18:00:00"), by)
	require.Equal(t, slaclock.ReasonExtensionRefused, fault.ReasonOf(err))

	require.Equal(t, "EXTENDED", b.took(slaclock.Extend(b.cal, b.c, b.at("2026-05-19 09:00:00"), promised, by)))
	require.Equal(t, "2026-06-03 18:00:00", b.local(b.c.GetDueTime()))
	require.Equal(t, "2026-05-20 18:00:00", b.local(b.c.GetExtensions()[0].GetPreviousDueTime()))
	require.Equal(t, "2026-06-03 17:00:00", b.local(b.c.GetNextFireTime()), "it warns again")

	t.Run("GrantedInTimeButKnownLater", func(t *testing.T) {
		kinds := fired.took(slaclock.Extend(fired.cal, fired.c, b.at("2026-05-19 09:00:00"), promised, by))
		require.Equal(t, "BREACH_WITHDRAWN EXTENDED", kinds)
		require.Equal(t, "RUNNING", fired.state())
	})
}

func TestPauseAndResumeMoveTheDueInstant(t *testing.T) {
	t.Parallel()
	by := slaclock.By{Principal: "people/p", Reason: "customer away"}
	for _, row := range []struct{ limit, due string }{
		{"24 h", "2026-03-05 11:00:00"},
		{"3 working days", "2026-03-09 18:00:00"},
		{"10 days", "2026-03-14 23:59:59"},
		{"12 working h", "2026-03-05 14:00:00"},
	} {
		b := setup(t, "none")
		b.start(slaclock.Spec{Term: term(t, row.limit)}, "2026-03-02 10:00:00")
		require.Equal(t, "PAUSED", b.took(slaclock.Pause(b.cal, b.c, b.at("2026-03-02 15:00:00"), by)))
		require.Nil(t, b.c.GetNextFireTime())
		require.Empty(t, b.fire("2026-12-01 00:00:00"), "a paused clock does not fire")
		_, _, err := slaclock.Pause(b.cal, b.c, b.at("2026-03-02 16:00:00"), by)
		require.Equal(t, slaclock.ReasonNotRunning, fault.ReasonOf(err))
		_, _, err = slaclock.Resume(b.cal, b.c, b.at("2026-03-02 14:00:00"))
		require.Equal(t, slaclock.ReasonTimeOrder, fault.ReasonOf(err))
		require.Equal(t, "RESUMED", b.took(slaclock.Resume(b.cal, b.c, b.at("2026-03-04 16:00:00"))))
		require.Equal(t, row.due, b.local(b.c.GetDueTime()), row.limit)
		_, _, err = slaclock.Resume(b.cal, b.c, b.at("2026-03-05 14:00:00"))
		require.Equal(t, slaclock.ReasonNotPaused, fault.ReasonOf(err))
		_, _, err = slaclock.Pause(b.cal, b.c, b.at("2026-03-03 14:00:00"), by)
		require.Equal(t, slaclock.ReasonTimeOrder, fault.ReasonOf(err))
	}
}

func TestAPausedClockCanBeMet(t *testing.T) {
	t.Parallel()
	for _, act := range []string{"2026-03-02 12:00:00", "2026-03-20 12:00:00"} {
		b := setup(t, "none")
		b.start(slaclock.Spec{Term: term(t, "24 h")}, "2026-03-02 10:00:00")
		b.took(slaclock.Pause(b.cal, b.c, b.at("2026-03-02 15:00:00"), slaclock.By{}))
		require.Equal(t, "MET", b.meet(act))
		require.Equal(t, "MET", b.state())
		require.NotNil(t, b.c.GetPauses()[0].GetEndTime())
	}
}

func TestARegradingWhilePaused(t *testing.T) {
	t.Parallel()
	b := setup(t, "none")
	b.start(slaclock.Spec{Term: term(t, "24 h")}, "2026-03-02 10:00:00")
	b.took(slaclock.Pause(b.cal, b.c, b.at("2026-03-02 15:00:00"), slaclock.By{}))
	paused := b.c
	require.Equal(t, "RECOMPUTED", b.took(slaclock.Recompute(b.cal, paused, term(t, "8 h"), b.at("2026-03-03 10:00:00"))))
	b.took(slaclock.Resume(b.cal, b.c, b.at("2026-03-03 15:00:00")))
	require.Equal(t, "2026-03-03 18:00:00", b.local(b.c.GetDueTime()))
	require.Equal(t, "RECOMPUTED RESUMED BREACHED", b.took(slaclock.Recompute(b.cal, paused, term(t, "2 h"), b.at("2026-03-03 10:00:00"))))
	require.Equal(t, "2026-03-03 10:00:00", b.local(b.c.GetBreachTime()))
}

func TestProvisionalIsCarried(t *testing.T) {
	t.Parallel()
	b := setup(t, "cn")
	b.start(slaclock.Spec{Term: term(t, "3 working days")}, "2026-12-30 10:00:00")
	require.True(t, b.c.GetProvisional())
	require.Equal(t, "cn@2026-1", b.c.GetCalendar())
	require.Equal(t, "Asia/Shanghai", b.c.GetTimeZone())
	require.Equal(t, []string{"mon-fri 09:00-18:00"}, b.c.GetOpen())
}

func TestStartRefusesWhatLintShouldHave(t *testing.T) {
	t.Parallel()
	b := setup(t, "none")
	for _, s := range []slaclock.Spec{
		{Each: limit(t, "always")}, {Each: limit(t, "same day")}, {Warnings: []time.Duration{0}},
	} {
		_, _, err := slaclock.Start(b.cal, s)
		require.Equal(t, slaclock.ReasonSpecInvalid, fault.ReasonOf(err))
	}
}

func TestExplainRefusesAnotherCalendar(t *testing.T) {
	t.Parallel()
	b := setup(t, "cn")
	b.start(slaclock.Spec{Term: term(t, "3 working days")}, "2026-03-02 10:00:00")
	_, err := slaclock.Explain(setup(t, "none").cal, b.c)
	require.Equal(t, slaclock.ReasonCalendarDiffers, fault.ReasonOf(err))
}

func TestNothingMutatesItsInput(t *testing.T) {
	t.Parallel()
	b := setup(t, "none")
	b.start(slaclock.Spec{Term: term(t, "24 h"), Warnings: []time.Duration{time.Hour}, Each: limit(t, "24 h")}, "2026-03-02 10:00:00")
	in := b.c
	kept := proto.Clone(in)
	at := b.at("2026-03-02 12:00:00")
	for _, do := range []func() (*clockv1.Clock, []*clockv1.ClockChanged, error){
		func() (*clockv1.Clock, []*clockv1.ClockChanged, error) {
			return slaclock.Fire(b.cal, in, b.at("2027-01-01 00:00:00"))
		},
		func() (*clockv1.Clock, []*clockv1.ClockChanged, error) { return slaclock.Meet(b.cal, in, at) },
		func() (*clockv1.Clock, []*clockv1.ClockChanged, error) { return slaclock.Cancel(b.cal, in, at) },
		func() (*clockv1.Clock, []*clockv1.ClockChanged, error) {
			return slaclock.Pause(b.cal, in, at, slaclock.By{})
		},
		func() (*clockv1.Clock, []*clockv1.ClockChanged, error) {
			return slaclock.Extend(b.cal, in, at, b.at("2026-03-09 10:00:00"), slaclock.By{})
		},
		func() (*clockv1.Clock, []*clockv1.ClockChanged, error) {
			return slaclock.Recompute(b.cal, in, term(t, "1 h"), at)
		},
	} {
		out, _, err := do()
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(kept, proto.Message(in), protocmp.Transform()))
		require.NotEmpty(t, cmp.Diff(in, out, protocmp.Transform()))
	}
}

func TestReasonsAreWellFormed(t *testing.T) {
	t.Parallel()
	_, err := fault.NewCatalogue(append(slaclock.Reasons(), calendar.Reasons()...)...)
	require.NoError(t, err)
}
