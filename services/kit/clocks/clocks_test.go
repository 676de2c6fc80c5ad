package clocks_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/calendar"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/clocks"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/kittest"
	"example.com/redress/services/kit/slaclock"
	"example.com/redress/services/kit/sqldb"
)

const (
	org     = "acme"
	subject = "cases/1"
	name    = "cases/1/clocks/response-1"
)

// at returns an instant of Shanghai, where all figures of the procedures are written.
func at(s string) time.Time {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		panic(err)
	}
	t, err := time.ParseInLocation("2006-01-02 15:04:05", s, zone)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

func limit(s string) calendar.Limit {
	l, err := calendar.ParseLimit(s)
	if err != nil {
		panic(err)
	}
	return l
}

// bench is a journal with clocks, and the time they live in.
type bench struct {
	t     *testing.T
	j     *journal.Journal
	clock *clock.Virtual
	cal   *calendar.Calendar
}

func setup(t *testing.T, now string) *bench {
	t.Helper()
	return setupOn(t, kittest.SQLite(t), now)
}

func setupOn(t *testing.T, db *sqldb.DB, now string) *bench {
	t.Helper()
	holidays, err := calendar.NamedHolidays("cn")
	require.NoError(t, err)
	cal, err := calendar.Default(holidays)
	require.NoError(t, err)
	b := &bench{t: t, clock: clock.NewVirtual(at(now)), cal: cal}
	b.j = b.open(db)
	return b
}

func (b *bench) open(db *sqldb.DB) *journal.Journal {
	b.t.Helper()
	j, err := journal.Open(b.t.Context(), db, journal.Options{
		Service: "routing", Clock: b.clock, Kinds: []journal.Kind{clocks.Kind("cases")},
	})
	require.NoError(b.t, err)
	b.t.Cleanup(j.Close)
	return j
}

// write runs one decision at the instant.
func (b *bench) write(when string, fn func(u *journal.Unit) error) error {
	_, err := b.j.Write(b.t.Context(), journal.Work{
		Organization: org, Key: "complaints/1", Time: at(when), Actor: &eventv1.Actor{Principal: "people/a"},
	}, fn)
	return err
}

func (b *bench) must(when string, fn func(u *journal.Unit) error) {
	b.t.Helper()
	require.NoError(b.t, b.write(when, fn))
}

func spec(l, start string) clocks.Spec {
	return clocks.Spec{
		Subject: subject, Complaint: "complaints/1", Kind: "response", Rule: &typev1.RuleRef{Rule: "response", Clause: "(三)"},
		Revision: "policies/a/revisions/1", Limit: limit(l), Start: at(start), OwedBy: []string{"owner"}, Round: 1,
	}
}

func (b *bench) start(s clocks.Spec) *clockv1.Clock {
	b.t.Helper()
	var c *clockv1.Clock
	if s.Calendar == nil {
		s.Calendar = b.cal
	}
	_, err := b.j.Write(b.t.Context(), journal.Work{Organization: org, Key: "complaints/1", Time: s.Start}, func(u *journal.Unit) (err error) {
		c, err = clocks.Start(u, s)
		return err
	})
	require.NoError(b.t, err)
	return c
}

func (b *bench) get(name string) *clockv1.Clock {
	b.t.Helper()
	c := &clockv1.Clock{}
	_, err := b.j.Get(b.t.Context(), org, name, c)
	require.NoError(b.t, err)
	return c
}

// advance moves the clock to the instant and fires what falls due on the way, as
// the timer engine does: each timer at its own instant.
func (b *bench) advance(to string) {
	b.t.Helper()
	for {
		next, ok, err := b.j.NextTimer(b.t.Context())
		require.NoError(b.t, err)
		if !ok || next.After(at(to)) {
			break
		}
		if next.After(b.clock.Now()) {
			require.NoError(b.t, b.clock.Advance(next))
		}
		due, err := b.j.DueTimers(b.t.Context(), -1, b.clock.Now(), 10)
		require.NoError(b.t, err)
		require.NotEmpty(b.t, due)
		for _, timer := range due {
			b.fire(timer)
		}
	}
	require.NoError(b.t, b.clock.Advance(at(to)))
}

func (b *bench) fire(t journal.Timer) []*clockv1.ClockChanged {
	b.t.Helper()
	var changes []*clockv1.ClockChanged
	_, err := b.j.Write(b.t.Context(), journal.Work{Organization: t.Organization, Key: t.Name, Time: t.At}, func(u *journal.Unit) (err error) {
		_, changes, err = clocks.Fire(u, t)
		return err
	})
	require.NoError(b.t, err)
	return changes
}

// told is one event of a clock: what happened, and when, in Shanghai.
type told struct{ Kind, When string }

// history returns the events of a clock, after checking that each holds a clock as its state.
func (b *bench) history(name string) []told {
	b.t.Helper()
	events, err := b.j.History(b.t.Context(), org, name, 0, 100)
	require.NoError(b.t, err)
	var out []told
	for i, ev := range events {
		require.Equal(b.t, int64(i+1), ev.Version)
		require.Equal(b.t, "redress.clock.v1.ClockChanged", ev.Type)
		require.Equal(b.t, "complaints/1", ev.Complaint)
		body, err := journal.Body(ev)
		require.NoError(b.t, err)
		changed, state := &clockv1.ClockChanged{}, &clockv1.Clock{}
		require.NoError(b.t, body.Change.UnmarshalTo(changed))
		require.NoError(b.t, body.State.UnmarshalTo(state))
		require.Equal(b.t, name, state.Name)
		require.Empty(b.t, state.Etag)
		out = append(out, told{changed.Kind.String()[len("KIND_"):], local(body.OccurTime)})
	}
	return out
}

func local(t *timestamppb.Timestamp) string {
	if t == nil {
		return ""
	}
	return t.AsTime().Add(8 * time.Hour).Format("2006-01-02 15:04:05")
}

func TestAClockStartsWarnsBreachesAndCountsPeriods(t *testing.T) {
	t.Parallel()
	b := setup(t, "2026-04-08 17:20:00")
	s := spec("24 h", "2026-04-08 17:20:00")
	s.Warn, s.Each = []time.Duration{time.Hour, 4 * time.Hour}, limit("1 day")
	c := b.start(s)
	require.Equal(t, name, c.Name)
	require.Equal(t, "2026-04-09 17:20:00", local(c.DueTime))

	b.advance("2026-04-09 17:20:00")
	require.Equal(t, clockv1.Clock_STATE_RUNNING, b.get(name).State, "the due instant itself is still on time")
	b.advance("2026-04-11 20:00:00")

	c = b.get(name)
	require.Equal(t, clockv1.Clock_STATE_BREACHED, c.State)
	require.Equal(t, "2026-04-09 17:20:01", local(c.BreachTime))
	require.Equal(t, int32(2), c.Late)
	require.Equal(t, []told{
		{"STARTED", "2026-04-08 17:20:00"},
		{"WARNED", "2026-04-09 13:20:00"},
		{"WARNED", "2026-04-09 16:20:00"},
		{"BREACHED", "2026-04-09 17:20:01"},
		{"LATE", "2026-04-10 17:20:00"},
		{"LATE", "2026-04-11 17:20:00"},
	}, b.history(name))
	events, err := b.j.History(t.Context(), org, name, 3, 1)
	require.NoError(t, err)
	body, err := journal.Body(events[0])
	require.NoError(t, err)
	require.Empty(t, cmp.Diff([]*typev1.RuleRef{s.Rule}, body.Rules, protocmp.Transform()), "the breach quotes the clock's rule")
}

func TestAClockMetInTimeStopsForGood(t *testing.T) {
	t.Parallel()
	b := setup(t, "2026-04-08 17:20:00")
	b.start(spec("24 h", "2026-04-08 17:20:00"))
	b.must("2026-04-09 17:20:00", func(u *journal.Unit) error {
		return clocks.Meet(u, subject, "response", u.Time().Add(900*time.Millisecond)) // truncated to the second
	})
	b.advance("2026-04-20 00:00:00")
	c := b.get(name)
	require.Equal(t, clockv1.Clock_OUTCOME_MET, c.Outcome)
	require.Equal(t, "2026-04-09 17:20:00", local(c.StopTime))
	b.must("2026-04-20 00:00:00", func(u *journal.Unit) error { return clocks.Meet(u, subject, "response", u.Time()) })
	require.Equal(t, []told{{"STARTED", "2026-04-08 17:20:00"}, {"MET", "2026-04-09 17:20:00"}}, b.history(name), "a second reply changes nothing")
}

func TestAClockMetLateKeepsItsBreach(t *testing.T) {
	t.Parallel()
	b := setup(t, "2026-04-08 17:20:00")
	b.start(spec("2 h", "2026-04-08 17:20:00"))
	b.advance("2026-04-08 20:00:00")
	b.must("2026-04-08 20:00:00", func(u *journal.Unit) error { return clocks.Meet(u, subject, "response", u.Time()) })
	c := b.get(name)
	require.Equal(t, clockv1.Clock_OUTCOME_MET_LATE, c.Outcome)
	require.Equal(t, "2026-04-08 19:20:01", local(c.BreachTime))
	require.Equal(t, []told{
		{"STARTED", "2026-04-08 17:20:00"}, {"BREACHED", "2026-04-08 19:20:01"}, {"MET", "2026-04-08 20:00:00"},
	}, b.history(name))
}

func TestABreachIsWithdrawnWhenTheActComesToLightLate(t *testing.T) {
	t.Parallel()
	b := setup(t, "2026-04-08 17:20:00")
	b.start(spec("2 h", "2026-04-08 17:20:00"))
	b.advance("2026-04-08 21:00:00")
	require.Equal(t, clockv1.Clock_STATE_BREACHED, b.get(name).State)
	b.must("2026-04-08 21:00:00", func(u *journal.Unit) error {
		return clocks.Meet(u, subject, "response", at("2026-04-08 19:20:00"))
	})
	c := b.get(name)
	require.Equal(t, clockv1.Clock_OUTCOME_MET, c.Outcome)
	require.Nil(t, c.BreachTime)
	require.Equal(t, "2026-04-08 19:20:00", local(c.StopTime))
	require.Equal(t, []told{
		{"STARTED", "2026-04-08 17:20:00"},
		{"BREACHED", "2026-04-08 19:20:01"},
		{"BREACH_WITHDRAWN", "2026-04-08 21:00:00"},
		{"MET", "2026-04-08 21:00:00"},
	}, b.history(name))
}

// Source: SCENARIOS.md P26-S2.
func TestARegradingRecomputesFromTheReceipt(t *testing.T) {
	t.Parallel()
	b := setup(t, "2026-04-08 17:20:00")
	c := b.start(spec("24 h", "2026-04-08 17:20:00"))
	require.Equal(t, "2026-04-09 17:20:00", local(c.DueTime), "initial grade: general")
	b.advance("2026-04-08 20:00:00")
	b.must("2026-04-08 20:00:00", func(u *journal.Unit) error {
		return clocks.Recompute(u, subject, "response", limit("2 h"), b.cal, u.Time())
	})
	c = b.get(name)
	require.Equal(t, "2026-04-08 19:20:00", local(c.DueTime), "approved grade: major")
	require.Equal(t, clockv1.Clock_STATE_BREACHED, c.State)
	require.Equal(t, "2026-04-08 20:00:00", local(c.BreachTime), "the breach counts from the approval")
	require.Equal(t, []told{
		{"STARTED", "2026-04-08 17:20:00"}, {"RECOMPUTED", "2026-04-08 20:00:00"}, {"BREACHED", "2026-04-08 20:00:00"},
	}, b.history(name))

	b.must("2026-04-08 20:30:00", func(u *journal.Unit) error {
		return clocks.Recompute(u, subject, "response", limit("2 h"), b.cal, u.Time())
	})
	require.Len(t, b.history(name), 3, "the same limit again changes nothing")
	b.must("2026-04-08 21:00:00", func(u *journal.Unit) error {
		return clocks.Recompute(u, subject, "response", limit("24 h"), b.cal, u.Time())
	})
	require.Equal(t, []told{{"BREACH_WITHDRAWN", "2026-04-08 21:00:00"}, {"RECOMPUTED", "2026-04-08 21:00:00"}}, b.history(name)[3:])
}

func TestAPromisedInstantReplacesTheLimit(t *testing.T) {
	t.Parallel()
	b := setup(t, "2026-04-08 09:00:00")
	b.start(spec("24 h", "2026-04-08 09:00:00"))
	b.must("2026-04-08 10:00:00", func(u *journal.Unit) error {
		return clocks.RecomputeTerm(u, subject, "response", slaclock.Term{Until: at("2026-04-10 18:00:00")}, b.cal, u.Time())
	})
	c := b.get(name)
	require.Equal(t, clockv1.Clock_BASIS_FIXED, c.Basis)
	require.Equal(t, "2026-04-10 18:00:00", local(c.DueTime))
}

func TestAnExtensionMovesTheDueInstantOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, "2026-04-08 09:00:00")
	c := b.start(spec("24 h", "2026-04-08 09:00:00"))
	generation := c.Generation
	extend := func(u *journal.Unit) error {
		return clocks.Extend(u, name, at("2026-04-10 18:00:00"), "waiting for the laboratory", "people/gm")
	}
	b.must("2026-04-08 10:00:00", extend)
	c = b.get(name)
	require.Equal(t, "2026-04-10 18:00:00", local(c.DueTime))
	require.Greater(t, c.Generation, generation)
	require.Empty(t, cmp.Diff([]*clockv1.Extension{{
		GrantTime: timestamppb.New(at("2026-04-08 10:00:00")), PreviousDueTime: timestamppb.New(at("2026-04-09 09:00:00")),
		DueTime: timestamppb.New(at("2026-04-10 18:00:00")), Reason: "waiting for the laboratory", Principal: "people/gm",
	}}, c.Extensions, protocmp.Transform()))
	require.Equal(t, slaclock.ReasonExtensionRefused, fault.ReasonOf(b.write("2026-04-08 11:00:00", extend)), "not later than it is")
	b.advance("2026-04-10 18:00:01")
	require.Equal(t, slaclock.ReasonNotRunning, fault.ReasonOf(b.write("2026-04-10 18:00:01", func(u *journal.Unit) error {
		return clocks.Extend(u, name, at("2026-04-12 18:00:00"), "too late", "people/gm")
	})))
	require.Equal(t, clocks.ReasonNotFound, fault.ReasonOf(b.write("2026-04-10 18:00:01", func(u *journal.Unit) error {
		return clocks.Extend(u, "cases/1/clocks/other-1", at("2026-04-12 18:00:00"), "none", "people/gm")
	})))
}

func TestAPauseMovesTheDueInstantByItsLength(t *testing.T) {
	t.Parallel()
	b := setup(t, "2026-04-08 09:00:00")
	b.start(spec("24 h", "2026-04-08 09:00:00"))
	b.must("2026-04-08 10:00:00", func(u *journal.Unit) error { return clocks.Pause(u, name, "customer is away", "people/gm") })
	b.advance("2026-04-12 10:00:00")
	require.Equal(t, clockv1.Clock_STATE_PAUSED, b.get(name).State, "a paused clock does not breach")
	b.must("2026-04-12 10:00:00", func(u *journal.Unit) error { return clocks.Resume(u, name) })
	require.Equal(t, "2026-04-13 09:00:00", local(b.get(name).DueTime))
	require.Equal(t, []told{
		{"STARTED", "2026-04-08 09:00:00"}, {"PAUSED", "2026-04-08 10:00:00"}, {"RESUMED", "2026-04-12 10:00:00"},
	}, b.history(name))
	require.Equal(t, slaclock.ReasonNotPaused, fault.ReasonOf(b.write("2026-04-12 11:00:00", func(u *journal.Unit) error { return clocks.Resume(u, name) })))
}

func TestACancelledSubjectOwesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, "2026-04-08 09:00:00")
	b.start(spec("24 h", "2026-04-08 09:00:00"))
	other := spec("48 h", "2026-04-08 09:00:00")
	other.Kind = "plan"
	b.start(other)
	b.must("2026-04-08 10:00:00", func(u *journal.Unit) error { return clocks.CancelAll(u, subject) })
	b.must("2026-04-08 11:00:00", func(u *journal.Unit) error { return clocks.Cancel(u, subject, "response") })
	_, armed, err := b.j.NextTimer(t.Context())
	require.NoError(t, err)
	require.False(t, armed)
	for _, kind := range []string{"response", "plan"} {
		require.Equal(t, []told{{"STARTED", "2026-04-08 09:00:00"}, {"CANCELLED", "2026-04-08 10:00:00"}}, b.history("cases/1/clocks/"+kind+"-1"))
	}
}

func TestStartingAgain(t *testing.T) {
	t.Parallel()
	t.Run("GivesTheClockThatCountsAlready", func(t *testing.T) {
		t.Parallel()
		b := setup(t, "2026-04-08 09:00:00")
		b.start(spec("24 h", "2026-04-08 09:00:00"))
		c := b.start(spec("2 h", "2026-04-08 12:00:00"))
		require.Equal(t, name, c.Name)
		require.Equal(t, "24 h", c.Limit)
		require.Len(t, b.history(name), 1)
	})
	t.Run("CountsTheOnesOfARound", func(t *testing.T) {
		t.Parallel()
		b := setup(t, "2026-04-08 09:00:00")
		for n := range 11 {
			s := spec("24 h", "2026-04-08 09:00:00")
			c := b.start(s)
			if n == 0 {
				require.Equal(t, name, c.Name)
			}
			b.must("2026-04-08 10:00:00", func(u *journal.Unit) error { return clocks.Meet(u, subject, "response", u.Time()) })
			require.Equal(t, clockv1.Clock_OUTCOME_MET, b.get(c.Name).Outcome)
		}
		b.must("2026-04-08 10:00:00", func(u *journal.Unit) error {
			c, ok, err := clocks.Find(u, subject, "response")
			require.True(t, ok)
			require.Equal(t, "cases/1/clocks/response-1-11", c.Name, "the newest, not the last by name")
			return err
		})
	})
	t.Run("ReplacesTheOneOfAnEarlierRound", func(t *testing.T) {
		t.Parallel()
		b := setup(t, "2026-04-08 09:00:00")
		b.start(spec("24 h", "2026-04-08 09:00:00"))
		s := spec("24 h", "2026-04-08 15:00:00")
		s.Round = 2
		require.Equal(t, "cases/1/clocks/response-2", b.start(s).Name)
		require.Equal(t, []told{{"STARTED", "2026-04-08 09:00:00"}, {"CANCELLED", "2026-04-08 15:00:00"}}, b.history(name))
	})
	t.Run("AnInstantThatIsPastBreachesAtOnce", func(t *testing.T) {
		t.Parallel()
		b := setup(t, "2026-04-08 09:00:00")
		s := spec("as planned", "2026-04-08 09:00:00")
		s.Fixed = at("2026-04-07 18:00:00")
		b.start(s)
		require.Equal(t, []told{{"STARTED", "2026-04-08 09:00:00"}, {"BREACHED", "2026-04-08 09:00:00"}}, b.history(name))
	})
	t.Run("ReadsTheTextOfALimit", func(t *testing.T) {
		t.Parallel()
		b := setup(t, "2026-04-08 09:00:00")
		s := spec("24 h", "2026-04-08 09:00:00")
		s.Limit, s.LimitText = calendar.Limit{}, "3 working days"
		require.Equal(t, "2026-04-13 18:00:00", local(b.start(s).DueTime))
	})
	t.Run("WithoutAFigureIsTrackedAndNeverDue", func(t *testing.T) {
		t.Parallel()
		b := setup(t, "2026-04-08 09:00:00")
		s := spec("24 h", "2026-04-08 09:00:00")
		s.Limit = calendar.Limit{}
		c := b.start(s)
		require.Nil(t, c.DueTime)
		require.Nil(t, c.NextFireTime)
	})
}

func TestMeetingWhatNobodyOwesDoesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, "2026-04-08 09:00:00")
	b.must("2026-04-08 09:00:00", func(u *journal.Unit) error {
		if _, ok, err := clocks.Find(u, subject, "response"); ok || err != nil {
			t.Error("a clock out of nothing")
		}
		if err := clocks.Recompute(u, subject, "response", limit("2 h"), nil, u.Time()); err != nil {
			return err
		}
		return clocks.Meet(u, subject, "response", u.Time())
	})
}

func TestAStaleTimerHasNoEffect(t *testing.T) {
	t.Parallel()
	b := setup(t, "2026-04-08 09:00:00")
	c := b.start(spec("2 h", "2026-04-08 09:00:00"))
	old := journal.Timer{Organization: org, Name: name, At: c.NextFireTime.AsTime(), Generation: c.Generation}
	b.must("2026-04-08 10:00:00", func(u *journal.Unit) error { return clocks.Extend(u, name, at("2026-04-08 12:00:00"), "r", "p") })
	require.Empty(t, b.fire(old), "another generation")
	c = b.get(name)
	early := journal.Timer{Organization: org, Name: name, At: at("2026-04-08 11:59:00"), Generation: c.Generation}
	require.Empty(t, b.fire(early), "before its time")
	require.Empty(t, b.fire(journal.Timer{Organization: org, Name: "cases/1/clocks/none-1", At: early.At, Generation: 1}), "no such clock")
	require.Empty(t, b.fire(journal.Timer{Organization: "other", Name: name, At: at("2026-04-08 12:00:01"), Generation: c.Generation}), "another organisation")
	require.Equal(t, []told{{"STARTED", "2026-04-08 09:00:00"}, {"EXTENDED", "2026-04-08 10:00:00"}}, b.history(name))
	right := journal.Timer{Organization: org, Name: name, At: c.NextFireTime.AsTime(), Generation: c.Generation}
	require.Len(t, b.fire(right), 1)
	require.Empty(t, b.fire(right), "once only")
	require.Len(t, b.history(name), 3)
}

func TestConcurrentFiringsHaveOneEffect(t *testing.T) {
	t.Parallel()
	kittest.Databases(t, func(t *testing.T, open func(testing.TB) *sqldb.DB) {
		db := open(t)
		b := setupOn(t, db, "2026-04-08 09:00:00")
		replica := b.open(db)
		c := b.start(spec("2 h", "2026-04-08 09:00:00"))
		timer := journal.Timer{Organization: org, Name: name, At: c.NextFireTime.AsTime(), Generation: c.Generation}
		require.NoError(t, b.clock.Advance(at("2026-04-08 11:00:01")))
		var wg sync.WaitGroup
		errs := make(chan error, 16)
		for i := range 16 {
			j := b.j
			if i%2 == 1 {
				j = replica
			}
			wg.Go(func() {
				_, err := j.Write(t.Context(), journal.Work{Organization: org, Key: timer.Name, Time: timer.At}, func(u *journal.Unit) error {
					_, _, err := clocks.Fire(u, timer)
					return err
				})
				errs <- err
			})
		}
		wg.Wait()
		for range 16 {
			require.NoError(t, <-errs)
		}
		require.Equal(t, []told{{"STARTED", "2026-04-08 09:00:00"}, {"BREACHED", "2026-04-08 11:00:01"}}, b.history(name))
	})
}

func TestWarningsAreMeasuredInPlainTime(t *testing.T) {
	t.Parallel()
	warn, ok := clocks.Warnings(limit("30 min"), limit("1 day"))
	require.True(t, ok)
	require.Equal(t, []time.Duration{30 * time.Minute, 24 * time.Hour}, warn)
	_, ok = clocks.Warnings(limit("1 month"))
	require.False(t, ok)
}

func TestTheReasonsAreACatalogue(t *testing.T) {
	t.Parallel()
	_, err := fault.NewCatalogue(append(clocks.Reasons(), journal.Reasons()...)...)
	require.NoError(t, err)
}
