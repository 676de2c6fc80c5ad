package domain_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/policy"
	"example.com/redress/services/routing/internal/domain"
)

// small is a pack for what the template does not say.
const small = `
pack: small
title: {zh: 小, en: small}
source: made for tests
roles:
- {id: clerk, clause: "1", text: {zh: 文员, en: clerk}}
- {id: chief, clause: "1", text: {zh: 主任, en: chief}}
departments:
- {id: works, clause: "1", text: {zh: 工程, en: works}}
- {id: legal, clause: "1", text: {zh: 法务, en: legal}}
forms:
- id: record
  clause: "1"
  about: COMPLAINT
  text: {zh: 记录, en: record}
  fields: [{id: urgent_case, type: FLAG}, {id: trivial, type: FLAG}, {id: promised, type: DATE}]
grades:
- {id: weight, clause: "2", otherwise: light, text: {zh: 轻重, en: weight}, levels: [{id: light, clause: "2", text: {zh: 轻, en: light}}, {id: heavy, clause: "2", if: facts.urgent_case, text: {zh: 重, en: heavy}}]}
acceptance:
  outside:
  - {id: settled, clause: "3", if: facts.trivial, outcome: OUT_OF_PROCEDURE, text: {zh: 当场解决, en: settled at once}}
stages:
- id: handling
  clause: "4"
  status: HANDLING
  enters: [COMPLAINT_VERIFIED]
  text: {zh: 处理, en: handling}
  strict: true
  steps:
  - {id: look, clause: "4", by: [clerk], text: {zh: 查看, en: look}}
  - {id: visit, clause: "4", by: [clerk], optional: true, within: 1 week, text: {zh: 上门, en: visit}}
  - {id: write_up, clause: "4", by: [clerk], text: {zh: 记录, en: write up}}
clocks:
- {id: urgent_call, clause: "5", from: [COMPLAINT_RECEIVED], if: facts.urgent_case, limit: 2 h, met_by: [REPLY_SENT], on_breach: [{escalate: chief}, {mark: late_call}, {assign: legal}], text: {zh: 急电, en: urgent call}}
- {id: weighed, clause: "5", from: [COMPLAINT_RECEIVED], scale: weight, by_grade: {light: 24 h, heavy: 4 h}, met_by: [REPLY_SENT], text: {zh: 答复, en: answer}}
- {id: dated, clause: "5", from: [COMPLAINT_RECEIVED], limit: 10 days, marked: promised, met_by: [CASE_CLOSED], text: {zh: 承诺, en: promised}}
routing:
  owner: {id: named_by_chief, clause: "6", by: chief, text: {zh: 主任指定, en: the chief names}}
  assign:
  - {id: urgent_to_works, clause: "6", if: facts.urgent_case, to: [works], grade: {weight: heavy}, text: {zh: 急件归工程, en: urgent to works}}
  - {id: rest, clause: "6", text: {zh: 其余由人指定, en: a person chooses}}
`

func smallWorld(t *testing.T) *world {
	t.Helper()
	pack, findings := policy.Load("small.yaml", []byte(small), policy.Shipped)
	require.NotNil(t, pack, "%v", findings)
	p, findings := policy.Compile(pack, policy.Options{})
	require.NotNil(t, p, "%v", findings)
	return newWorld(t, p)
}

func clerk() domain.Person { return person("clerk", "clerk") }
func chief() domain.Person { return person("chief", "chief") }

// learn records further facts of the complaint.
func (w *world) learn(t *testing.T, at time.Time, facts map[string]*typev1.Fact) {
	t.Helper()
	w.complaint = proto.CloneOf(w.complaint)
	w.complaint.Facts = facts
	d := domain.Begin(w.policy, at, w.kase, w.plan)
	d.FactsChanged(w.complaint)
	d.Recompute(d.Sheet(w.complaint))
	filled := on(policyv1.Event_EVENT_FORM_FILLED, at)
	filled.ID = "record"
	require.NoError(t, w.run(d, filled))
}

func TestARuleThatWaitsForAFactIsDecidedAsOfItsOwnInstant(t *testing.T) {
	t.Parallel()
	w := smallWorld(t)
	received := local(t, "04-08 17:20")
	w.register(t, received, nil)
	require.Len(t, w.kase.GetPending(), 1)
	p := w.kase.GetPending()[0]
	require.Equal(t, "urgent_call", p.GetRule())
	require.Equal(t, "COMPLAINT_RECEIVED", p.GetEvent())
	require.NotEmpty(t, p.GetMissing())

	w.learn(t, local(t, "04-08 18:00"), map[string]*typev1.Fact{"urgent_case": flag(true)})
	require.Empty(t, w.kase.GetPending())
	require.Equal(t, local(t, "04-08 19:20"), w.clock(t, "urgent_call-1").GetDueTime().AsTime(), "two hours from the receipt")
}

func TestARuleThatTheFactSpeaksAgainstWaitsNoLonger(t *testing.T) {
	t.Parallel()
	w := smallWorld(t)
	w.register(t, local(t, "04-08 17:20"), nil)
	w.learn(t, local(t, "04-08 18:00"), map[string]*typev1.Fact{"urgent_case": flag(false)})
	require.Empty(t, w.kase.GetPending())
	require.Len(t, w.book.Clocks(), 2)
}

func TestFactsRaiseAGradeThatNeedsNoApproval(t *testing.T) {
	t.Parallel()
	w := smallWorld(t)
	w.register(t, local(t, "04-08 17:20"), nil)
	require.NotEmpty(t, w.kase.GetGrades()["weight"].GetMayRise())
	w.learn(t, local(t, "04-08 18:00"), map[string]*typev1.Fact{"urgent_case": flag(true)})
	require.Equal(t, "heavy", w.kase.GetGrades()["weight"].GetLevel())
	require.Equal(t, local(t, "04-08 21:20"), w.clock(t, "weighed-1").GetDueTime().AsTime())
}

func TestARecordedDateBecomesTheDueInstant(t *testing.T) {
	t.Parallel()
	w := smallWorld(t)
	w.register(t, local(t, "04-08 17:20"), nil)
	require.Equal(t, local(t, "04-18 23:59:59"), w.clock(t, "dated-1").GetDueTime().AsTime())
	w.learn(t, local(t, "04-09 18:00"), map[string]*typev1.Fact{"promised": {Value: &typev1.Fact_Date{Date: "2026-04-30"}}})
	require.Equal(t, local(t, "04-30 23:59:59"), w.clock(t, "dated-1").GetDueTime().AsTime())
}

func TestABreachLeadsToWhatThePackSays(t *testing.T) {
	t.Parallel()
	w := smallWorld(t)
	w.register(t, local(t, "04-08 17:20"), map[string]*typev1.Fact{"urgent_case": flag(true)})
	w.fire(t, local(t, "04-08 19:20:01"))
	require.Contains(t, w.kase.GetBreached(), "urgent_call")
	require.Equal(t, []string{"late_call"}, w.kase.GetMarks())
	require.Equal(t, []string{"departments/works", "departments/legal"}, w.kase.GetDepartments(), "the matrix named the works, the breach adds legal")
	st := w.kase.GetSteps()[0]
	require.Equal(t, "escalated_urgent_call", st.GetId())
	require.Equal(t, []string{"chief"}, st.GetBy())
	duty := domain.Duty{Step: st.GetId(), By: clerk()}
	do := func(d *domain.Decision, s *policy.Sheet) error { return d.DoStep(duty, s) }
	refused(t, w.act(local(t, "04-08 20:00"), do), domain.ReasonStepRole, "5")
	duty.By = chief()
	require.NoError(t, w.act(local(t, "04-08 20:00"), do))
}

func TestAComplaintOutsideTheProcedureIsClosedAtOnceWithoutClocks(t *testing.T) {
	t.Parallel()
	w := smallWorld(t)
	w.register(t, local(t, "04-08 17:20"), map[string]*typev1.Fact{"trivial": flag(true)})
	require.Equal(t, routingv1.Case_STATE_CLOSED, w.kase.GetState())
	require.Equal(t, "out_of_procedure", w.kase.GetCloseOutcome())
	require.Empty(t, w.book.Clocks())
	require.Empty(t, w.kase.GetPending())
}

func TestDuties(t *testing.T) {
	t.Parallel()
	w := smallWorld(t)
	w.register(t, local(t, "04-08 17:20"), nil)
	do := func(step string, by domain.Person) error {
		return w.act(local(t, "04-09 10:00"), func(d *domain.Decision, s *policy.Sheet) error { return d.DoStep(domain.Duty{Step: step, By: by}, s) })
	}
	skip := func(step string, by domain.Person) error {
		return w.act(local(t, "04-09 10:00"), func(d *domain.Decision, s *policy.Sheet) error {
			return d.SkipStep(domain.Duty{Step: step, By: by, Note: "~"}, s)
		})
	}
	refused(t, do("look", clerk()), domain.ReasonStepNotOpen, "4")
	w.verify(t, local(t, "04-09 09:00"))
	refused(t, do("look", chief()), domain.ReasonStepRole, "4")
	f := refusal(t, do("write_up", clerk()), domain.ReasonGate, "4")
	require.Equal(t, "look", f.Violations[0].Field, "a strict stage keeps its order")
	refused(t, skip("look", clerk()), domain.ReasonStepNotOptional, "4")
	require.NoError(t, do("look", clerk()))
	refused(t, do("look", clerk()), domain.ReasonStepNotOpen, "4")
	require.Equal(t, clockv1.Clock_STATE_RUNNING, w.clock(t, "visit-1").GetState())
	require.NoError(t, skip("visit", clerk()))
	require.Equal(t, clockv1.Clock_OUTCOME_CANCELLED, w.clock(t, "visit-1").GetOutcome())
	require.NoError(t, do("write_up", clerk()))
	refused(t, do("no_such", clerk()), domain.ReasonStepNotOpen, "")
}

func TestResponsibility(t *testing.T) {
	t.Parallel()
	assign := func(w *world, in domain.Assignment) error {
		in.By = clerk()
		return w.act(local(t, "04-09 10:00"), func(d *domain.Decision, s *policy.Sheet) error { return d.Assign(in, s) })
	}
	t.Run("AnUnknownFactIsNotGuessed", func(t *testing.T) {
		t.Parallel()
		w := smallWorld(t)
		w.register(t, local(t, "04-08 17:20"), nil)
		f := refusal(t, assign(w, domain.Assignment{}), domain.ReasonDepartment, "6")
		require.NotEmpty(t, f.Facts["missing"])
		require.NoError(t, assign(w, domain.Assignment{Departments: []string{"departments/legal"}}))
	})
	t.Run("TheMatrixNamesDepartmentAndGrade", func(t *testing.T) {
		t.Parallel()
		w := smallWorld(t)
		w.register(t, local(t, "04-08 17:20"), map[string]*typev1.Fact{"urgent_case": flag(true)})
		require.NoError(t, assign(w, domain.Assignment{}))
		require.Equal(t, []string{"departments/works"}, w.kase.GetDepartments())
		require.Equal(t, "urgent_to_works", w.kase.GetGrades()["weight"].GetRule().GetRule())
	})
	t.Run("TheCategoryMustBeOneOfThePack", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.register(t, local(t, "04-08 17:20"), nil)
		refused(t, assign(w, domain.Assignment{Category: "unheard_of"}), domain.ReasonCategory, "")
		require.NoError(t, assign(w, domain.Assignment{Category: "service_attitude"}))
		require.Equal(t, []string{"departments/customer_service"}, w.kase.GetDepartments(), "the matrix reads the new category")
		refused(t, assign(w, domain.Assignment{Category: "late_delivery"}), domain.ReasonDepartment, "(四)")
	})
	t.Run("OnlyWhoMayNamesTheOwner", func(t *testing.T) {
		t.Parallel()
		w := smallWorld(t)
		w.register(t, local(t, "04-08 17:20"), nil)
		name := func(by domain.Person) error {
			return w.act(local(t, "04-09 10:00"), func(d *domain.Decision, s *policy.Sheet) error { return d.NameOwner("people/o", by, s) })
		}
		f := refusal(t, name(clerk()), domain.ReasonGate, "6")
		require.Equal(t, "chief", f.Violations[0].Field)
		require.NoError(t, name(chief()))
		require.Equal(t, "people/o", w.kase.GetOwner())
	})
}

func TestAPlanIsCheckedAsAWhole(t *testing.T) {
	t.Parallel()
	demo, err := compile("demo")
	require.NoError(t, err)
	for _, c := range []struct {
		name    string
		measure *routingv1.Measure
		reason  string
	}{
		{"ALimitMustBeReadable", &routingv1.Measure{Limit: "five days"}, domain.ReasonLimit},
		{"ALimitMustHaveAFigure", &routingv1.Measure{Limit: "as planned"}, domain.ReasonLimit},
		{"EitherLimitOrDate", &routingv1.Measure{Limit: "1 week", DueTime: timestamppb.New(local(t, "05-01 10:00"))}, domain.ReasonLimit},
		{"ADateMustLieAhead", &routingv1.Measure{DueTime: timestamppb.New(local(t, "04-01 10:00"))}, domain.ReasonLimit},
		{"TheRemedyMustBeThePacks", &routingv1.Measure{Remedy: "gold"}, domain.ReasonRemedy},
		{"TheGroundMustBeThePacks", &routingv1.Measure{Ground: "whim"}, domain.ReasonGround},
		{"AnAmountIsAboveZero", &routingv1.Measure{Amount: &typev1.Money{CurrencyCode: "CNY", Amount: "0.00"}}, domain.ReasonAmount},
		{"AnActionMustBeThePacks", &routingv1.Measure{ActionKind: "magic"}, "INVALID_REQUEST"},
		{"IdsAreUnique", &routingv1.Measure{Id: "fine"}, "INVALID_REQUEST"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, demo)
			w.register(t, local(t, "04-08 17:20"), nil)
			w.verify(t, local(t, "04-08 18:00"))
			err := w.act(local(t, "04-09 10:00"), func(d *domain.Decision, s *policy.Sheet) error {
				return d.ProposePlan(proposed(work("fine", "1 week"), c.measure), s)
			})
			f := refusal(t, err, c.reason, "")
			require.Len(t, f.Violations, 1)
			require.Contains(t, f.Violations[0].Field, "plan.measures[1].")
			require.Nil(t, w.plan)
		})
	}
}

func TestAReturnedPlanIsPutForwardAgain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.register(t, local(t, "04-08 17:20"), nil)
	w.verify(t, local(t, "04-08 18:00"))
	propose := func() error {
		return w.act(local(t, "04-09 10:00"), func(d *domain.Decision, s *policy.Sheet) error {
			return d.ProposePlan(proposed(work("exchange", "1 week")), s)
		})
	}
	sign := func(in domain.Signature) error {
		return w.act(local(t, "04-09 10:30"), func(d *domain.Decision, s *policy.Sheet) error { return d.SignPlan(in, s) })
	}
	require.NoError(t, propose())
	stale := approve(group())
	stale.Digest = domain.PlanDigest(nil, "")
	refused(t, sign(stale), "APPROVAL_STALE", "(四)")
	returned := domain.Signature{By: group(), Decision: typev1.Decision_DECISION_RETURN}
	refused(t, sign(returned), "APPROVAL_COMMENT_REQUIRED", "(四)")
	returned.Comment = "~sealed"
	require.NoError(t, sign(returned))
	require.Equal(t, routingv1.Plan_STATE_RETURNED, w.plan.GetState())
	refused(t, sign(approve(operations())), "APPROVAL_NOT_OPEN", "(四)")
	require.NoError(t, propose())
	require.Equal(t, "cases/c1/plans/2", w.plan.GetName())
	require.EqualValues(t, 2, w.plan.GetApproval().GetNumber())
}

func TestAnApprovedPlanThatWasNotBegunMayBeReplaced(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.register(t, local(t, "04-08 17:20"), nil)
	w.verify(t, local(t, "04-08 18:00"))
	w.approved(t, local(t, "04-09 10:00"), work("exchange", "1 week"))
	require.Equal(t, []string{"plan"}, w.kase.GetApproved())
	require.NoError(t, w.act(local(t, "04-09 11:00"), func(d *domain.Decision, s *policy.Sheet) error {
		return d.ProposePlan(proposed(work("refund", "1 week")), s)
	}))
	require.Empty(t, w.kase.GetApproved(), "an approval is for what was seen")
	require.Equal(t, clockv1.Clock_OUTCOME_CANCELLED, w.clock(t, "measure-1-exchange").GetOutcome())
	require.Equal(t, routingv1.Plan_STATE_VOID, w.states["cases/c1/plans/1"].(*routingv1.Plan).GetState())
	refused(t, w.act(local(t, "04-09 12:00"), func(d *domain.Decision, s *policy.Sheet) error { return d.StartPlan(specialist(), s) }),
		domain.ReasonGate, "(四)")
}

func TestWhatOtherServicesOwe(t *testing.T) {
	t.Parallel()
	owing := func(t *testing.T, kind routingv1.Measure_Kind) *world {
		w := setup(t)
		w.register(t, local(t, "04-08 17:20"), nil)
		w.verify(t, local(t, "04-08 18:00"))
		w.started(t, local(t, "04-09 10:00"), work("exchange", "1 week"), &routingv1.Measure{Id: "owed", Kind: kind, Description: "~", Limit: "1 week"})
		return w
	}
	ends := func(t *testing.T, w *world, do func(d *domain.Decision)) {
		d := domain.Begin(w.policy, local(t, "04-10 10:00"), w.kase, w.plan)
		do(d)
		require.NoError(t, w.run(d))
	}
	t.Run("NamesAreDerivedFromTheObligation", func(t *testing.T) {
		t.Parallel()
		w := owing(t, routingv1.Measure_KIND_COMPENSATION)
		o := open(w.kase, domain.Compensation)
		require.Equal(t, "cases/c1#compensation-1", o.GetId())
		require.Equal(t, "claims/16e8ec9d-3f38-5f00-bf69-4925792d3943", o.GetResource())
		require.Equal(t, o.GetId(), w.plan.GetMeasures()[1].GetObligation())
	})
	t.Run("AnOwedMeasureIsNotCompletedByHand", func(t *testing.T) {
		t.Parallel()
		w := owing(t, routingv1.Measure_KIND_COMPENSATION)
		refused(t, w.complete(local(t, "04-10 10:00"), "owed"), domain.ReasonMeasureState, "")
		refused(t, w.complete(local(t, "04-10 10:00"), "no_such"), domain.ReasonMeasureUnknown, "")
	})
	t.Run("ImplementationCompletesTheMeasureAndVerificationTheObligation", func(t *testing.T) {
		t.Parallel()
		w := owing(t, routingv1.Measure_KIND_CORRECTIVE_ACTION)
		o := open(w.kase, domain.CorrectiveAction)
		require.NoError(t, w.complete(local(t, "04-10 09:00"), "exchange"))
		ends(t, w, func(d *domain.Decision) { d.MeasureDone(o.GetId()) })
		require.Equal(t, routingv1.Plan_STATE_CARRIED_OUT, w.plan.GetState())
		w.answer(t, local(t, "04-11 10:00"), "satisfied")
		closing := func() error {
			return w.act(local(t, "04-12 10:00"), func(d *domain.Decision, s *policy.Sheet) error { return d.Close(specialist(), s) })
		}
		f := refusal(t, closing(), domain.ReasonObligation, "")
		require.Equal(t, o.GetResource(), f.Violations[0].Field)
		ends(t, w, func(d *domain.Decision) {
			require.True(t, d.Discharge(o.GetId(), typev1.Obligation_STATE_DONE))
			require.False(t, d.Discharge(o.GetId(), typev1.Obligation_STATE_WITHDRAWN), "work ends once")
		})
		require.NoError(t, closing())
	})
	t.Run("ACancelledActionLeavesTheRestOfThePlan", func(t *testing.T) {
		t.Parallel()
		w := owing(t, routingv1.Measure_KIND_CORRECTIVE_ACTION)
		o := open(w.kase, domain.CorrectiveAction)
		ends(t, w, func(d *domain.Decision) {
			d.Discharge(o.GetId(), typev1.Obligation_STATE_WITHDRAWN)
			d.MeasureCancelled(o.GetId())
		})
		require.Equal(t, routingv1.Plan_STATE_RUNNING, w.plan.GetState())
		require.NoError(t, w.complete(local(t, "04-10 11:00"), "exchange"))
		require.Equal(t, routingv1.Plan_STATE_CARRIED_OUT, w.plan.GetState())
	})
	t.Run("AnAnswerAboutAnEarlierRoundRestartsNothing", func(t *testing.T) {
		t.Parallel()
		w := owing(t, routingv1.Measure_KIND_WORK)
		require.NoError(t, w.complete(local(t, "04-10 09:00"), "exchange"))
		require.NoError(t, w.complete(local(t, "04-10 09:00"), "owed"))
		o := open(w.kase, domain.FollowUp)
		ends(t, w, func(d *domain.Decision) { require.False(t, d.Answered(o.GetResource(), false, 7, d.At())) })
		require.EqualValues(t, 1, w.kase.GetRound())
		require.Nil(t, w.kase.GetSatisfaction())
	})
}

func TestAReplyLiesBetweenReceiptAndNow(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.register(t, local(t, "04-08 17:20"), nil)
	now := local(t, "04-08 18:00")
	refused(t, w.reply(now, now.Add(time.Second), true), domain.ReasonSendTime, "")
	refused(t, w.reply(now, local(t, "04-08 17:19:59"), true), domain.ReasonSendTime, "")
	require.NoError(t, w.reply(now, local(t, "04-08 17:20:00"), true))
}

func TestWithdrawalOfAClosedCaseChangesNothing(t *testing.T) {
	t.Parallel()
	w := smallWorld(t)
	w.register(t, local(t, "04-08 17:20"), map[string]*typev1.Fact{"trivial": flag(true)})
	d := domain.Begin(w.policy, local(t, "04-09 10:00"), w.kase, nil)
	d.Withdraw()
	d.FactsChanged(&intakev1.Complaint{Category: "x"})
	require.Empty(t, d.Take())
}
