package domain_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/policy"
	"example.com/redress/services/routing/internal/domain"
)

func setup(t *testing.T) *world {
	t.Helper()
	p, err := template()
	require.NoError(t, err)
	return newWorld(t, p)
}

// reply sends an answer at an instant, recorded at another.
func (w *world) reply(recorded, sent time.Time, substantive bool) error {
	return w.act(recorded, func(d *domain.Decision, s *policy.Sheet) error {
		name := w.kase.GetName() + "/replies/" + sent.UTC().Format("150405") + recorded.UTC().Format("150405")
		return d.RecordReply(name, &routingv1.Reply{Medium: "telephone", Substantive: substantive, Content: "~sealed", SendTime: timestamppb.New(sent)}, specialist(), s)
	})
}

// P26-S1, promised limits.
func TestTheResponseClockRunsFromTheReceiptByTheInitialGrade(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		grade string
		facts map[string]*typev1.Fact
		due   string
	}{
		{"general", map[string]*typev1.Fact{"agitated": flag(false)}, "04-09 17:20:00"},
		{"serious", map[string]*typev1.Fact{"agitated": flag(true)}, "04-09 05:20:00"},
		{"major", map[string]*typev1.Fact{"safety_hazard": flag(true)}, "04-08 19:20:00"},
	} {
		t.Run(c.grade, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.register(t, local(t, "04-08 17:20"), c.facts)
			require.Equal(t, c.grade, w.kase.GetGrades()["severity"].GetLevel())
			k := w.clock(t, "response-1")
			require.Equal(t, local(t, c.due), k.GetDueTime().AsTime())
			require.Equal(t, local(t, "04-08 17:20"), k.GetStartTime().AsTime())
			require.Equal(t, "(一)", k.GetRule().GetClause())
			require.Equal(t, []string{"P26-A1", "P26-A3", "K2"}, k.GetRule().GetReadings())
			require.Equal(t, "verifying", w.kase.GetStage())
			require.Equal(t, routingv1.Case_STATE_ACCEPTED, w.kase.GetState())
		})
	}
}

func TestTheFirstSubstantiveReplyMeetsTheResponseClockAtItsSecond(t *testing.T) {
	t.Parallel()
	due := local(t, "04-09 17:20")
	for _, c := range []struct {
		name    string
		sent    time.Time
		outcome clockv1.Clock_Outcome
	}{
		{"AtTheDueInstantIsOnTime", due, clockv1.Clock_OUTCOME_MET},
		{"FractionsOfTheSecondDoNotCount", due.Add(999 * time.Millisecond), clockv1.Clock_OUTCOME_MET},
		{"OneSecondLaterIsLate", due.Add(time.Second), clockv1.Clock_OUTCOME_MET_LATE},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.register(t, local(t, "04-08 17:20"), nil)
			require.NoError(t, w.reply(local(t, "04-08 17:30"), local(t, "04-08 17:25"), false))
			require.Equal(t, clockv1.Clock_STATE_RUNNING, w.clock(t, "response-1").GetState(), "a mere receipt meets nothing")
			require.NoError(t, w.reply(c.sent, c.sent, true))
			k := w.clock(t, "response-1")
			require.Equal(t, c.outcome, k.GetOutcome())
			require.Equal(t, c.sent.Truncate(time.Second), k.GetStopTime().AsTime())
			require.Equal(t, c.outcome == clockv1.Clock_OUTCOME_MET_LATE, len(w.kase.GetBreached()) == 1)
			require.True(t, w.kase.GetReplied())
		})
	}
}

func TestAReplyThatCameToLightLateWithdrawsTheBreach(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.register(t, local(t, "04-08 17:20"), nil)
	w.fire(t, local(t, "04-09 17:20:01"))
	require.Equal(t, []string{"response"}, w.kase.GetBreached())
	require.NoError(t, w.reply(local(t, "04-10 09:00"), local(t, "04-09 10:00"), true))
	require.Empty(t, w.kase.GetBreached())
	k := w.clock(t, "response-1")
	require.Equal(t, clockv1.Clock_OUTCOME_MET, k.GetOutcome())
	require.Nil(t, k.GetBreachTime())
}

// P26-S2, grading and regrading.
func TestAnApprovedGradeRecomputesTheLimitFromTheReceipt(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.register(t, local(t, "04-08 17:20"), nil)
	w.verify(t, local(t, "04-08 18:00"))
	propose := func(at time.Time, by domain.Person) error {
		return w.act(at, func(d *domain.Decision, s *policy.Sheet) error {
			return d.ProposeGrade(domain.Proposal{Scale: "severity", Level: "major", Basis: "~sealed", By: by}, s)
		})
	}
	refused(t, propose(local(t, "04-08 19:00"), specialist()), domain.ReasonGradeRole, "(三)")
	f := refusal(t, propose(local(t, "04-08 19:00"), group()), domain.ReasonGate, "(三)")
	require.Equal(t, "grading", f.Violations[0].Field)

	require.NoError(t, w.act(local(t, "04-08 19:10"), func(d *domain.Decision, s *policy.Sheet) error {
		return d.DoStep(domain.Duty{Step: "classify", By: group(), Facts: map[string]*typev1.Fact{"basis": text("~s"), "grading_reason": text("~s")}}, s)
	}))
	require.NoError(t, propose(local(t, "04-08 19:15"), group()))
	refused(t, propose(local(t, "04-08 19:16"), other()), domain.ReasonGradePending, "")
	k := w.clock(t, "response-1")
	require.Equal(t, local(t, "04-09 17:20"), k.GetDueTime().AsTime(), "without approval the initial grade stands")
	require.Equal(t, "general", w.kase.GetGrades()["severity"].GetLevel())

	sign := func(p domain.Person) error {
		return w.act(local(t, "04-08 20:00"), func(d *domain.Decision, s *policy.Sheet) error { return d.SignGrade(approve(p), s) })
	}
	refused(t, sign(operations()), "APPROVAL_AUTHORITY", "(三)")
	refused(t, sign(person("group", "department_director")), "APPROVAL_OWN_REQUEST", "")
	require.NoError(t, sign(director()))
	g := w.kase.GetGrades()["severity"]
	require.Equal(t, "major", g.GetLevel())
	require.True(t, g.GetApproved())
	k = w.clock(t, "response-1")
	require.Equal(t, local(t, "04-08 19:20"), k.GetDueTime().AsTime())
	require.Equal(t, clockv1.Clock_STATE_BREACHED, k.GetState())
	require.Equal(t, local(t, "04-08 20:00"), k.GetBreachTime().AsTime())
	require.Equal(t, []string{"response"}, w.kase.GetBreached())
	refused(t, sign(director()), "APPROVAL_NOT_OPEN", "")
}

// P26-S3, plan and delay.
func TestAPlanIsCarriedOutOnceItIsApprovedAndDelayedWithAReason(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.register(t, local(t, "04-08 17:20"), nil)
	propose := func() error {
		return w.act(local(t, "04-09 10:00"), func(d *domain.Decision, s *policy.Sheet) error {
			return d.ProposePlan(proposed(work("exchange", "5 working days")), s)
		})
	}
	refused(t, propose(), domain.ReasonGate, "(二)")
	w.verify(t, local(t, "04-09 09:00"))
	require.NoError(t, propose())
	refused(t, propose(), domain.ReasonPlanPending, "")

	start := func() error {
		return w.act(local(t, "04-09 11:05"), func(d *domain.Decision, s *policy.Sheet) error { return d.StartPlan(specialist(), s) })
	}
	sign := func(p domain.Person) error {
		return w.act(local(t, "04-09 11:00"), func(d *domain.Decision, s *policy.Sheet) error { return d.SignPlan(approve(p), s) })
	}
	refused(t, sign(operations()), "APPROVAL_ORDER", "(四)")
	require.NoError(t, sign(group()))
	f := refusal(t, start(), domain.ReasonGate, "(四)")
	require.Equal(t, "director", f.Violations[0].Field, "the missing signature is named")
	require.NoError(t, sign(operations()))
	require.Equal(t, "executing", w.kase.GetStage())
	k := w.clock(t, "measure-1-exchange")
	require.Equal(t, local(t, "04-16 18:00:00"), k.GetDueTime().AsTime())
	require.Equal(t, domain.MeasureClock, k.GetKind())
	require.NoError(t, start())
	require.Equal(t, k.GetName(), w.plan.GetMeasures()[0].GetClock())
	require.Equal(t, local(t, "04-16 18:00:00"), w.clock(t, "measure-1-exchange").GetDueTime().AsTime(), "starting does not start it anew")

	delay := func(reason string, by domain.Person) error {
		return w.act(local(t, "04-15 10:00"), func(d *domain.Decision, s *policy.Sheet) error {
			return d.DelayMeasure(domain.Delay{Measure: "exchange", Reason: reason, Due: local(t, "04-20 18:00"), By: by}, s)
		})
	}
	refused(t, delay("", specialist()), domain.ReasonDelayReason, "(四), (五)")
	refused(t, delay("~sealed", director()), domain.ReasonExtension, "(四), (五)")
	require.NoError(t, delay("~sealed", specialist()))
	k = w.clock(t, "measure-1-exchange")
	require.Equal(t, local(t, "04-20 18:00"), k.GetDueTime().AsTime())
	require.Equal(t, "~sealed", k.GetExtensions()[0].GetReason())

	require.NoError(t, w.complete(local(t, "04-20 18:00"), "exchange"))
	require.Equal(t, clockv1.Clock_OUTCOME_MET, w.clock(t, "measure-1-exchange").GetOutcome())
	require.Equal(t, routingv1.Plan_STATE_CARRIED_OUT, w.plan.GetState())
	require.Equal(t, "answering", w.kase.GetStage())
	require.NotNil(t, open(w.kase, domain.FollowUp))
}

// P26-S4, survey and closing.
func TestASatisfiedCustomerClosesAndADissatisfiedOneRestarts(t *testing.T) {
	t.Parallel()
	carriedOut := func(t *testing.T) *world {
		w := setup(t)
		w.register(t, local(t, "04-08 17:20"), nil)
		w.verify(t, local(t, "04-08 18:00"))
		require.NoError(t, w.reply(local(t, "04-08 18:30"), local(t, "04-08 18:30"), true))
		w.started(t, local(t, "04-09 11:00"), work("exchange", "5 working days"))
		require.NoError(t, w.complete(local(t, "04-10 11:00"), "exchange"))
		return w
	}
	closing := func(w *world, at time.Time) error {
		return w.act(at, func(d *domain.Decision, s *policy.Sheet) error { return d.Close(specialist(), s) })
	}
	t.Run("SatisfiedCloses", func(t *testing.T) {
		t.Parallel()
		w := carriedOut(t)
		refused(t, closing(w, local(t, "04-11 09:00")), domain.ReasonGate, "(六)")
		w.answer(t, local(t, "04-11 10:00"), "satisfied")
		require.NoError(t, closing(w, local(t, "04-11 11:00")))
		require.Equal(t, routingv1.Case_STATE_CLOSED, w.kase.GetState())
		require.Equal(t, "filed", w.kase.GetStage())
		require.Equal(t, domain.Completed, w.kase.GetCloseOutcome())
		require.Equal(t, local(t, "04-11 11:00"), w.kase.GetCloseTime().AsTime())
		for _, c := range w.book.Clocks() {
			require.Equal(t, clockv1.Clock_STATE_STOPPED, c.GetState(), c.GetName())
		}
		refused(t, closing(w, local(t, "04-11 12:00")), domain.ReasonCaseState, "")
	})
	t.Run("NotSatisfiedStartsARoundWithFreshClocksAndAnAdjustedPlan", func(t *testing.T) {
		t.Parallel()
		w := carriedOut(t)
		w.answer(t, local(t, "04-11 10:00"), "not_satisfied")
		require.EqualValues(t, 2, w.kase.GetRound())
		require.Equal(t, "planning", w.kase.GetStage())
		require.Equal(t, routingv1.Case_STATE_HANDLING, w.kase.GetState())
		require.False(t, w.kase.GetReplied())
		require.Empty(t, w.kase.GetApproved())
		again := w.clock(t, "response_again-2")
		require.Equal(t, local(t, "04-12 10:00"), again.GetDueTime().AsTime())
		require.Equal(t, clockv1.Clock_OUTCOME_MET, w.clock(t, "response-1").GetOutcome())
		require.Equal(t, "adjust_plan", w.kase.GetSteps()[len(w.kase.GetSteps())-1].GetId())
		refused(t, closing(w, local(t, "04-11 11:00")), domain.ReasonGate, "(六)")

		require.NoError(t, w.reply(local(t, "04-11 12:00"), local(t, "04-11 12:00"), true))
		require.Equal(t, clockv1.Clock_OUTCOME_MET, w.clock(t, "response_again-2").GetOutcome())
		w.started(t, local(t, "04-13 11:00"), work("exchange", "2 working days"))
		require.Equal(t, "cases/c1/plans/2", w.plan.GetName())
		require.True(t, w.plan.GetAdjusted())
		require.NoError(t, w.complete(local(t, "04-14 11:00"), "exchange"))
		w.answer(t, local(t, "04-15 10:00"), "satisfied")
		require.NoError(t, closing(w, local(t, "04-15 11:00")))
	})
}
