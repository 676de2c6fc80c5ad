package domain_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/compensation/internal/domain"
	"example.com/redress/services/kit/approval"
	"example.com/redress/services/policy"
)

// measured is a small pack with gifts by ratio, an actual cost, a gesture with a ceiling
// and an approval that adds claims of a customer up.
const measured = `
pack: measured
title: {zh: 标准, en: standards}
source: test
roles:
- {id: manager, clause: "1", text: {zh: 经理, en: manager}}
- {id: director, clause: "1", text: {zh: 总监, en: director}}
forms:
- id: record
  clause: "1"
  about: COMPLAINT
  text: {zh: 记录, en: record}
  fields:
  - {id: defective_units, type: COUNT, text: {zh: 件数, en: units}}
  - {id: examination_cost, type: MONEY, text: {zh: 费用, en: cost}}
  - {id: arrived, type: DATE, text: {zh: 到货, en: arrival}}
acceptance:
  windows:
  - {id: figures, of: LOSS_DATA, clause: "1", approval: may_follow, from: arrived, limit: 7 months, late: REFUSED, text: {zh: 数据, en: figures}}
approvals:
- {id: other_ratio, of: DEVIATION, clause: "1", text: {zh: 偏离, en: deviation}, signs: [{id: allow, kind: APPROVE, who: [manager]}]}
- {id: company, of: CONSENT, clause: "1", text: {zh: 同意, en: consent}, signs: [{id: agree, kind: APPROVE, who: [manager]}]}
- {id: may_follow, of: CONSENT, clause: "1", text: {zh: 后补, en: may follow}, signs: [{id: agree, kind: APPROVE, who: [manager]}]}
- id: paid_out
  of: CLAIM
  clause: "1"
  if: claim.remedy == "cash"
  amount: claim.amount
  summed_by: [customer]
  summed_within: 30 days
  text: {zh: 付款审批, en: approval of a payment}
  urgent: {paperwork: 24 h, form: record}
  signs:
  - id: tier
    kind: APPROVE
    bands:
    - {up_to: "1000.00", who: [manager]}
    - {above: "1000.00", who: [director]}
compensation:
  remedies:
  - {id: gift, clause: "1", kind: GIFT, text: {zh: 赠品, en: gift}}
  - {id: medical, clause: "1", kind: MONEY, text: {zh: 医药费, en: medical cost}}
  - {id: ticket, clause: "1", kind: GESTURE, ceiling: "198.00", text: {zh: 门票, en: ticket}}
  - {id: cash, clause: "1", kind: MONEY, text: {zh: 现金, en: cash}}
  standards:
  - {id: ten, clause: "1", remedy: gift, ratio: 10 for 1, units: defective_units, deviation: other_ratio, text: {zh: 一赔十, en: ten for one}}
  - {id: actual, clause: "1", remedy: medical, actual: examination_cost, approval: company, text: {zh: 实际费用, en: actual cost}}
`

func measure(t testing.TB) *bench {
	t.Helper()
	pack, _ := policy.Load("measured.yaml", []byte(measured), nil)
	p, findings := policy.Compile(pack, policy.Options{})
	require.NotNil(t, p, findings)
	b := &bench{
		t: t, p: p, now: time.Date(2026, 4, 13, 1, 0, 0, 0, time.UTC), roles: map[string][]string{manager: {"manager"}, director: {"director"}},
		on: &intakev1.Complaint{Name: "complaints/1", Number: "C1", Subject: "subjects/1", PolicyRevision: "packs/p/revisions/1", State: intakev1.Complaint_STATE_VERIFIED},
	}
	b.on.Facts = map[string]*typev1.Fact{
		"defective_units": {Value: &typev1.Fact_Count{Count: 3}}, "examination_cost": {Value: &typev1.Fact_Money{Money: yuan("368.50")}},
		"arrived": {Value: &typev1.Fact_Date{Date: "2026-01-10"}},
	}
	return b
}

// Source: SCENARIOS P14-S1.
func TestGiftsFollowTheRatio(t *testing.T) {
	t.Run("TheNumberNeedNotBeSaid", func(t *testing.T) {
		b := measure(t)
		require.NoError(t, b.request(agent, &compensationv1.Claim{Remedy: "gift"}))
		require.EqualValues(t, 30, b.claim.GetUnits())
		require.Nil(t, b.claim.GetAmount())
		require.Equal(t, "ten", b.claim.GetStandard().GetRule())
		require.NoError(t, b.request(agent, &compensationv1.Claim{Remedy: "gift", Units: 30}))
	})
	t.Run("AnotherNumberNeedsItsApproval", func(t *testing.T) {
		b := measure(t)
		f := refusal(t, b.request(agent, &compensationv1.Claim{Remedy: "gift", Units: 20}), domain.ReasonStandard)
		require.Equal(t, []string{"other_ratio"}, fields(f))
		require.Equal(t, "ten", f.Rule.GetRule())
		b.kase = &routingv1.Case{Approved: []string{"other_ratio"}}
		require.NoError(t, b.request(agent, &compensationv1.Claim{Remedy: "gift", Units: 20}))
		require.Equal(t, "other_ratio", b.claim.GetDeviation())
	})
	t.Run("WithoutTheFactNothingCanBeTold", func(t *testing.T) {
		b := measure(t)
		delete(b.on.Facts, "defective_units")
		f := refusal(t, b.request(agent, &compensationv1.Claim{Remedy: "gift", Units: 30}), domain.ReasonGate)
		require.Equal(t, "INCOMPLETE", f.Facts["because"])
		require.Equal(t, []string{"defective_units"}, fields(f))
	})
	rapidly := measure(t)
	rapid.Check(t, func(t *rapid.T) {
		defective, asked := rapid.Int64Range(1, 100_000).Draw(t, "defective"), rapid.Int64Range(1, 1_000_000).Draw(t, "asked")
		b := *rapidly
		b.on = &intakev1.Complaint{Name: "complaints/1", State: intakev1.Complaint_STATE_VERIFIED, Facts: map[string]*typev1.Fact{"defective_units": {Value: &typev1.Fact_Count{Count: defective}}}}
		err := b.request(agent, &compensationv1.Claim{Remedy: "gift", Units: asked})
		require.Equal(t, asked == 10*defective, err == nil, "%d for %d: %v", asked, defective, err)
	})
}

// Source: SCENARIOS P14-S2.
func TestTheActualCostIsPaidAfterConsent(t *testing.T) {
	b := measure(t)
	f := refusal(t, b.request(agent, &compensationv1.Claim{Remedy: "medical", Amount: yuan("400.00")}), domain.ReasonStandard)
	require.Equal(t, "AMOUNT", f.Facts["because"])
	require.Equal(t, []string{"examination_cost"}, fields(f))
	require.NoError(t, b.request(agent, &compensationv1.Claim{Remedy: "medical"}))
	require.Equal(t, "368.50", b.claim.GetAmount().GetAmount())
	missing, err := b.check(cashier)
	require.NoError(t, err)
	require.Equal(t, []string{"company"}, missing)
	refused(t, b.execute(cashier), domain.ReasonGate)
	b.kase = &routingv1.Case{Approved: []string{"company"}}
	missing, err = b.check(cashier)
	require.NoError(t, err)
	require.Empty(t, missing)
	require.NoError(t, b.execute(cashier))
}

func TestAGestureStaysBelowItsCeiling(t *testing.T) {
	b := measure(t)
	f := refusal(t, b.request(agent, &compensationv1.Claim{Remedy: "ticket", Amount: yuan("198.01")}), domain.ReasonAmount)
	require.Equal(t, "AMOUNT", f.Facts["because"])
	require.NoError(t, b.request(agent, &compensationv1.Claim{Remedy: "ticket", Amount: yuan("198.00")}))
}

func TestAnotherRemedyBringsItsOwnFigure(t *testing.T) {
	b := measure(t)
	b.kase = &routingv1.Case{Approved: []string{"company"}}
	require.NoError(t, b.request(agent, &compensationv1.Claim{Remedy: "gift"}))
	require.NoError(t, b.remedy(agent, "medical"))
	require.Equal(t, "368.50", b.claim.GetAmount().GetAmount())
	require.Zero(t, b.claim.GetUnits())
	require.Equal(t, "actual", b.claim.GetStandard().GetRule())
	require.Equal(t, compensationv1.Claim_STATE_RETURNED, b.claim.GetState(), "what was asked for has changed")
}

// Source: PROCEDURES P27 4.1.3.
func TestALossThatIsPendingIsAskedForWhenItIsKnown(t *testing.T) {
	begin := func(t *testing.T) *bench {
		b := measure(t)
		require.NoError(t, b.request(agent, &compensationv1.Claim{Remedy: "cash", LossPending: true}))
		require.Equal(t, compensationv1.Claim_STATE_DRAFT, b.claim.GetState())
		require.True(t, b.claim.GetLossPending())
		return b
	}
	t.Run("NotBeforeTheWordThatItMayFollow", func(t *testing.T) {
		b := begin(t)
		f := refusal(t, b.submit(agent, &compensationv1.Claim{Amount: yuan("900.00")}), domain.ReasonGate)
		require.Equal(t, []string{"may_follow"}, fields(f))
	})
	t.Run("UntilTheLastSecondOfItsTime", func(t *testing.T) {
		b := begin(t)
		b.kase = &routingv1.Case{Approved: []string{"may_follow"}}
		b.now = time.Date(2026, 8, 10, 15, 59, 0, 0, time.UTC).Add(-time.Minute)
		require.NoError(t, b.submit(agent, &compensationv1.Claim{Amount: yuan("900.00")}))
		require.Equal(t, compensationv1.Claim_STATE_SUBMITTED, b.claim.GetState())
		require.False(t, b.claim.GetLossPending())
	})
	t.Run("AndNotALittleLater", func(t *testing.T) {
		b := begin(t)
		b.kase = &routingv1.Case{Approved: []string{"may_follow"}}
		b.now = time.Date(2026, 8, 10, 16, 0, 0, 0, time.UTC).Add(-time.Minute)
		f := refusal(t, b.submit(agent, &compensationv1.Claim{Amount: yuan("900.00")}), domain.ReasonWindow)
		require.Equal(t, "figures", f.Rule.GetRule())
		require.Equal(t, "2026-08-10", f.Facts["last"])
	})
	refused(t, measure(t).request(agent, &compensationv1.Claim{Remedy: "cash", LossPending: true, Amount: yuan("1.00")}), domain.ReasonAmount)
}

// Source: pack.proto Approval.summed_by; PROCEDURES P02-A6.
func TestSmallClaimsAreAddedUp(t *testing.T) {
	var asked map[string]string
	var from time.Time
	b := measure(t)
	b.sums = func(kind string, keys map[string]string, since time.Time) ([]domain.Earlier, error) {
		require.Equal(t, domain.KindClaims, kind)
		asked, from = keys, since
		return []domain.Earlier{{Name: "claims/0", Amount: yuan("600.00")}, {Name: "claims/gift"}, {Name: "claims/1", Amount: yuan("5000.00")}}, nil
	}
	require.NoError(t, b.request(agent, &compensationv1.Claim{Remedy: "cash", Amount: yuan("400.00")}))
	require.Equal(t, map[string]string{"customer": "subjects/1"}, asked)
	require.Equal(t, "2026-03-13T16:00:00Z", from.Format(time.RFC3339), "thirty days back, by the calendar of the pack")
	require.Equal(t, "1000.00", b.claim.GetApproval().GetAmount().GetAmount(), "itself and what counts nothing are left out")
	require.Equal(t, []string{"claims/0", "claims/gift"}[:1], b.claim.GetSummedClaims())
	require.Equal(t, []string{"manager"}, next(b.claim.GetApproval()))

	require.NoError(t, b.request(agent, &compensationv1.Claim{Remedy: "cash", Amount: yuan("400.01")}))
	require.Equal(t, []string{"director"}, next(b.claim.GetApproval()), "a fen more, and the next band signs")
	require.Equal(t, "400.01", b.claim.GetAmount().GetAmount())
}

func TestAClaimBeyondItsKeysAddsNothing(t *testing.T) {
	b := measure(t)
	b.on.Subject = ""
	b.sums = func(string, map[string]string, time.Time) ([]domain.Earlier, error) {
		t.Fatal("there is nothing to look for")
		return nil, nil
	}
	require.NoError(t, b.request(agent, &compensationv1.Claim{Remedy: "cash", Amount: yuan("400.00")}))
}

func TestClaimsKnowTheWaysOfAChain(t *testing.T) {
	second := "people/second"
	begin := func(t *testing.T) *bench {
		b := measure(t)
		b.roles[second] = []string{"manager"}
		require.NoError(t, b.request(agent, &compensationv1.Claim{Remedy: "cash", Amount: yuan("400.00")}))
		return b
	}
	do := func(b *bench, person string, in domain.Signature) error {
		return b.took(domain.Sign(b.claim, in, b.act(person)))
	}
	other := func(b *bench, name string) domain.Person {
		return domain.Person{Name: name, Matches: b.act(name).By.Matches}
	}
	t.Run("HandedOver", func(t *testing.T) {
		b := begin(t)
		require.NoError(t, do(b, manager, domain.Signature{Decision: typev1.Decision_DECISION_HAND_OVER, Person: other(b, second)}))
		refused(t, b.sign(manager, nil), approval.ReasonAuthority)
		require.NoError(t, b.sign(second, nil))
		require.Equal(t, compensationv1.Claim_STATE_APPROVED, b.claim.GetState())
	})
	t.Run("WithOneMoreSigner", func(t *testing.T) {
		b := begin(t)
		require.NoError(t, do(b, manager, domain.Signature{Decision: typev1.Decision_DECISION_ADD_SIGNER, Person: other(b, director)}))
		require.NoError(t, b.sign(manager, nil))
		require.Equal(t, compensationv1.Claim_STATE_SUBMITTED, b.claim.GetState())
		require.NoError(t, b.sign(director, nil))
		require.Equal(t, compensationv1.Claim_STATE_APPROVED, b.claim.GetState())
	})
	t.Run("Reminded", func(t *testing.T) {
		b := begin(t)
		require.NoError(t, do(b, agent, domain.Signature{Decision: typev1.Decision_DECISION_REMIND}))
		require.Len(t, b.claim.GetApproval().GetRemindTimes(), 1)
		require.Equal(t, compensationv1.Claim_STATE_SUBMITTED, b.claim.GetState())
	})
	t.Run("Withdrawn", func(t *testing.T) {
		b := begin(t)
		refused(t, do(b, manager, domain.Signature{Decision: typev1.Decision_DECISION_WITHDRAW}), approval.ReasonAuthority)
		require.NoError(t, do(b, agent, domain.Signature{Decision: typev1.Decision_DECISION_WITHDRAW}))
		require.Equal(t, compensationv1.Claim_STATE_RETURNED, b.claim.GetState())
	})
	t.Run("ByTelephone", func(t *testing.T) {
		b := begin(t)
		require.NoError(t, do(b, manager, domain.Signature{Decision: typev1.Decision_DECISION_APPROVE, ByTelephone: true}))
		require.Equal(t, compensationv1.Claim_STATE_APPROVED, b.claim.GetState())
		require.Equal(t, b.now.Add(24*time.Hour), b.claim.GetApproval().GetPaperworkDueTime().AsTime())
	})
}

func TestADraftOfARuleIsMeasured(t *testing.T) {
	b := measure(t)
	act := b.act("services/compensation")
	events := domain.Draft(domain.Identity{Name: "claims/9", Offer: "cases/1/offers/2"}, b.on, &compensationv1.Claim{Remedy: "medical"}, act)
	require.Equal(t, "368.50", events[0].State.GetAmount().GetAmount())
	require.Equal(t, "cases/1/offers/2", events[0].State.GetOffer())
	require.Equal(t, policyv1.RemedyKind_REMEDY_KIND_MONEY, b.p.Rules().GetCompensation().GetRemedies()[1].GetKind())
}
