package domain_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/corrective-action/internal/domain"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/sheet"
)

// pack has an 8D report that the quality department writes and a named role verifies,
// and an improvement that an approval stands before.
const pack = `
pack: sample
title: {zh: 样例, en: Sample}
source: sample
roles: [{id: representative, clause: "1", designee: true, text: {zh: 管理者代表, en: management representative}}, {id: leader, clause: "1", text: {zh: 领导, en: leader}}]
departments: [{id: quality, clause: "1", text: {zh: 质量部, en: quality department}}]
forms:
- id: report
  clause: "2"
  about: ACTION
  text: {zh: 8D报告, en: 8D report}
  fields:
  - {id: root_cause, type: TEXT, required: true, text: {zh: 根本原因, en: root cause}}
  - {id: effect, type: CHOICE, choices: [{id: good, text: {zh: 良好, en: good}}, {id: poor, text: {zh: 甲, en: poor}}], text: {zh: 效果, en: effect}}
  - {id: finish_by, type: DATE, text: {zh: 完成日期, en: to be finished by}}
corrective_action:
- {id: eight_d, clause: "2", kind: CORRECTIVE, forms: [report], written_by: [anyone@quality], verified_by: representative, until: finish_by, text: {zh: 纠正措施, en: corrective action}}
- {id: improvement, clause: "3", kind: IMPROVEMENT, approval: leader_signs, written_by: [anyone@quality], text: {zh: 改进, en: improvement}}
approvals: [{id: leader_signs, of: ACTION, clause: "3", text: {zh: 领导审批, en: the leader signs}, signs: [{id: sign, kind: APPROVE, who: [leader]}]}]
`

const (
	writer   = "people/writer"
	doer     = "people/doer"
	verifier = "people/verifier"
)

type bench struct {
	p     *policy.Policy
	now   time.Time
	on    *intakev1.Complaint
	roles map[string][]string
	// behalf is in whose place somebody acts.
	behalf map[string]string
}

func setup(t *testing.T) *bench {
	t.Helper()
	p, findings := policy.Load("sample.yaml", []byte(pack), nil)
	for _, f := range findings {
		t.Log(f)
	}
	compiled, findings := policy.Compile(p, policy.Options{})
	require.NotNil(t, compiled, findings)
	return &bench{
		p: compiled, now: time.Date(2026, 4, 13, 1, 0, 0, 0, time.UTC),
		on:     &intakev1.Complaint{Name: "complaints/1", Number: "C1", Subject: "subjects/1", State: intakev1.Complaint_STATE_VERIFIED},
		roles:  map[string][]string{writer: {"anyone@quality"}, doer: {"anyone@quality"}, verifier: {"representative"}},
		behalf: map[string]string{},
	}
}

func (b *bench) act(person string) domain.Act {
	return domain.Act{Policy: b.p, Sheet: sheet.Of(b.on, nil), Now: b.now, By: domain.Person{
		Name: person, Matches: func(who string) (bool, string) { return slices.Contains(b.roles[person], who), b.behalf[person] },
	}}
}

func (b *bench) open(in *correctiveactionv1.Action) (*correctiveactionv1.Action, error) {
	e, err := domain.Open(domain.Identity{Name: "actions/1", Number: "CA1"}, b.on, in, b.act(writer))
	return last(e), err
}

// last is the action after the events, nil if there are none.
func last(events []domain.Event) *correctiveactionv1.Action {
	if len(events) == 0 {
		return nil
	}
	return events[len(events)-1].State
}

func action() *correctiveactionv1.Action {
	return &correctiveactionv1.Action{Description: "~s1.1.x"}
}

func cause() map[string]*typev1.Fact {
	return map[string]*typev1.Fact{"root_cause": {Value: &typev1.Fact_Text{Text: "~s1.1.cause"}}}
}

func implemented(t *testing.T, b *bench) *correctiveactionv1.Action {
	t.Helper()
	a, err := b.open(action())
	require.NoError(t, err)
	e, err := domain.Implement(a, "done", cause(), b.act(doer))
	require.NoError(t, err)
	return last(e)
}

func TestAnActionGoesFromOpenToTheFile(t *testing.T) {
	b := setup(t)
	a := implemented(t, b)
	require.Equal(t, correctiveactionv1.Action_STATE_IMPLEMENTED, a.GetState())
	require.Equal(t, "eight_d", a.GetPolicyKind(), "the pack's only corrective kind")
	require.Equal(t, "2", a.GetRule().GetClause())
	_, err := domain.Close(a, b.act(verifier))
	require.Equal(t, domain.ReasonActionState, fault.ReasonOf(err))
	e, err := domain.Verify(a, true, "looked at it", b.act(verifier))
	require.NoError(t, err)
	e, err = domain.Close(last(e), b.act(verifier))
	require.NoError(t, err)
	require.Equal(t, correctiveactionv1.Action_STATE_CLOSED, last(e).GetState())
	require.NotNil(t, last(e).GetCloseTime())
	_, err = domain.Implement(last(e), "again", nil, b.act(doer))
	require.Equal(t, domain.ReasonActionState, fault.ReasonOf(err))
}

func TestOnlyWhoThePackNamesOpensAndVerifies(t *testing.T) {
	b := setup(t)
	_, err := domain.Open(domain.Identity{Name: "actions/1"}, b.on, action(), b.act(verifier))
	require.Equal(t, domain.ReasonGate, fault.ReasonOf(err))
	a := implemented(t, b)
	_, err = domain.Verify(a, true, "fine", b.act(writer))
	require.Equal(t, domain.ReasonVerifierRole, fault.ReasonOf(err))
}

func TestNobodyVerifiesTheirOwnWork(t *testing.T) {
	b := setup(t)
	b.roles[doer] = append(b.roles[doer], "representative")
	a := implemented(t, b)
	_, err := domain.Verify(a, true, "fine", b.act(doer))
	require.Equal(t, domain.ReasonVerifyOwn, fault.ReasonOf(err))
	t.Run("NotThroughADesigneeEither", func(t *testing.T) {
		b.behalf[verifier] = doer
		_, err := domain.Verify(a, true, "fine", b.act(verifier))
		require.Equal(t, domain.ReasonVerifyOwn, fault.ReasonOf(err))
		b.behalf[verifier] = "people/boss"
		_, err = domain.Verify(a, true, "fine", b.act(verifier))
		require.NoError(t, err)
	})
}

func TestWhatWasNotEffectiveIsOwedAgain(t *testing.T) {
	b := setup(t)
	e, err := domain.Verify(implemented(t, b), false, "leaks again", b.act(verifier))
	require.NoError(t, err)
	require.Equal(t, correctiveactionv1.Action_STATE_OPEN, last(e).GetState())
	require.IsType(t, &correctiveactionv1.ActionVerified{}, e[len(e)-1].Change)
	require.Nil(t, last(e).GetImplementation())
	require.Len(t, last(e).GetVerifications(), 1)
	e, err = domain.Implement(last(e), "thicker", nil, b.act(doer))
	require.NoError(t, err, "the form stays filled")
	e, err = domain.Verify(last(e), true, "dry", b.act(verifier))
	require.NoError(t, err)
	require.Len(t, last(e).GetVerifications(), 2)
}

func TestFormsAreCompleteWhenItIsCarriedOut(t *testing.T) {
	b := setup(t)
	a, err := b.open(action())
	require.NoError(t, err, "a blank may be filled later")
	_, err = domain.Implement(a, "done", nil, b.act(doer))
	require.Equal(t, domain.ReasonForm, fault.ReasonOf(err))
	in := action()
	in.Facts = map[string]*typev1.Fact{"effect": {Value: &typev1.Fact_Choice{Choice: "splendid"}}, "unheard": {Value: &typev1.Fact_Flag{Flag: true}}}
	_, err = b.open(in)
	f, _ := fault.As(err)
	require.Equal(t, domain.ReasonForm, f.Reason)
	require.Len(t, f.Violations, 2, "a wrong one is refused at once")
}

func TestADateOfTheFormIsTheDueDate(t *testing.T) {
	b := setup(t)
	in := action()
	in.Facts = map[string]*typev1.Fact{"finish_by": {Value: &typev1.Fact_Date{Date: "2026-04-20"}}}
	a, err := b.open(in)
	require.NoError(t, err)
	require.Equal(t, "2026-04-20T15:59:59Z", a.GetDueTime().AsTime().Format(time.RFC3339), "the last second of the date in Shanghai")
	in = action()
	in.DueTime = timestamppb.New(b.now)
	_, err = b.open(in)
	require.Equal(t, domain.ReasonDue, fault.ReasonOf(err))
}

func TestWhatNeedsAnApprovalIsNotCarriedOutWithout(t *testing.T) {
	b := setup(t)
	in := action()
	in.Kind = correctiveactionv1.Action_KIND_IMPROVEMENT
	a, err := b.open(in)
	require.NoError(t, err)
	_, err = domain.Implement(a, "done", nil, b.act(doer))
	f, _ := fault.As(err)
	require.Equal(t, domain.ReasonGate, f.Reason)
	require.Equal(t, "leader_signs", f.Facts["missing"])
}

func TestOnAWithdrawnComplaintNoActionIsOpened(t *testing.T) {
	b := setup(t)
	b.on.State = intakev1.Complaint_STATE_CLOSED
	_, err := b.open(action())
	require.NoError(t, err, "what is wrong at the root may show late")
	b.on.State = intakev1.Complaint_STATE_WITHDRAWN
	_, err = b.open(action())
	require.Equal(t, domain.ReasonComplaintState, fault.ReasonOf(err))
}

// TestRandomActsNeverVerifyOwnWork lets random people do random things: whatever is
// VERIFIED or CLOSED was found effective by somebody else than who carried it out.
func TestRandomActsNeverVerifyOwnWork(t *testing.T) {
	b := setup(t)
	for _, p := range []string{writer, doer, verifier} {
		b.roles[p] = []string{"anyone@quality", "representative"}
	}
	rapid.Check(t, func(rt *rapid.T) {
		a, err := b.open(action())
		require.NoError(rt, err)
		took := func(e []domain.Event, err error) {
			if err == nil {
				a = last(e)
			}
		}
		person := rapid.SampledFrom([]string{writer, doer, verifier})
		rt.Repeat(map[string]func(*rapid.T){
			"implement": func(rt *rapid.T) { took(domain.Implement(a, "n", cause(), b.act(person.Draw(rt, "who")))) },
			"verify": func(rt *rapid.T) {
				took(domain.Verify(a, rapid.Bool().Draw(rt, "effective"), "n", b.act(person.Draw(rt, "who"))))
			},
			"close": func(rt *rapid.T) { took(domain.Close(a, b.act(person.Draw(rt, "who")))) },
			"": func(rt *rapid.T) {
				switch a.GetState() {
				case correctiveactionv1.Action_STATE_VERIFIED, correctiveactionv1.Action_STATE_CLOSED:
					last := a.GetVerifications()[len(a.GetVerifications())-1]
					require.True(rt, last.GetEffective())
					require.NotEqual(rt, a.GetImplementation().GetPrincipal(), last.GetPrincipal())
				case correctiveactionv1.Action_STATE_OPEN:
					require.Nil(rt, a.GetImplementation())
				}
			},
		})
	})
}
