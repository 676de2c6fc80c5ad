package domain_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/compensation/internal/domain"
	"example.com/redress/services/kit/approval"
	"example.com/redress/services/kit/fault"
)

func TestAmountsThatCannotBeClaimed(t *testing.T) {
	for name, amount := range map[string]*typev1.Money{
		"Absent": nil, "Zero": yuan("0"), "ZeroWithPlaces": yuan("0.00"), "ThreePlaces": yuan("1.005"), "Negative": yuan("-1"),
		"AnotherCurrency": {CurrencyCode: "USD", Amount: "10.00"}, "NoCurrency": {Amount: "10.00"},
	} {
		t.Run(name, func(t *testing.T) {
			in := terms("1", credit)
			in.Amount = amount
			f := refusal(t, setup(t).request(agent, in), domain.ReasonAmount)
			require.Equal(t, fault.Invalid, f.Kind)
		})
	}
	b := setup(t)
	require.NoError(t, b.request(agent, terms("50000.5", credit)))
	require.Equal(t, "50000.50", b.claim.GetAmount().GetAmount(), "amounts are kept with two places")
}

func TestEverythingWrongIsNamedAtOnce(t *testing.T) {
	in := terms("0", "voucher")
	in.Ground = "neighbour"
	delete(in.Facts, "claim_basis")
	f := refusal(t, setup(t).request(agent, in), domain.ReasonAmount)
	require.ElementsMatch(t, []string{"claim.amount.amount", "facts.claim_basis", "claim.ground", "claim.remedy"}, fields(f))
}

func TestTheWrittenRequestComesFirst(t *testing.T) {
	in := terms("30000.00", credit)
	in.Facts = nil
	f := refusal(t, setup(t).request(agent, in), domain.ReasonForm)
	require.ElementsMatch(t, []string{"facts.demanded", "facts.claim_basis"}, fields(f))
}

func TestNothingIsClaimedOnAComplaintThatHasEnded(t *testing.T) {
	for _, state := range []intakev1.Complaint_State{intakev1.Complaint_STATE_WITHDRAWN, intakev1.Complaint_STATE_CLOSED, intakev1.Complaint_STATE_ARCHIVED} {
		b := setup(t)
		b.on.State = state
		refused(t, b.request(agent, terms("1", credit)), domain.ReasonComplaintState)
	}
}

// Source: PROCEDURES P02-A5.
func TestWhoRejectsSendsItBackToItsInitiator(t *testing.T) {
	for _, decision := range []typev1.Decision{typev1.Decision_DECISION_REJECT, typev1.Decision_DECISION_RETURN} {
		t.Run(decision.String(), func(t *testing.T) {
			b := setup(t)
			require.NoError(t, b.request(agent, terms("30000.00", credit)))
			refused(t, b.took(domain.Sign(b.claim, domain.Signature{Decision: decision}, b.act(director))), approval.ReasonComment)
			require.NoError(t, b.decide(director, decision, nil))
			require.Equal(t, compensationv1.Claim_STATE_RETURNED, b.claim.GetState())
			require.IsType(t, &compensationv1.ClaimReturned{}, b.past[len(b.past)-1].Change)
			require.Equal(t, "not like this", b.claim.GetApproval().GetSteps()[0].GetSignatures()[0].GetComment())
			refused(t, b.sign(legal, nil), approval.ReasonNotOpen)
			_, err := b.check(cashier)
			refused(t, err, domain.ReasonClaimState)
			require.NoError(t, b.submit(agent, &compensationv1.Claim{Amount: yuan("20000")}))
			require.Equal(t, []string{"director_review"}, b.open(), "everybody signs anew")
			require.Equal(t, "20000.00", b.claim.GetAmount().GetAmount())
		})
	}
}

func TestNobodySignsWhatTheyAskedFor(t *testing.T) {
	t.Run("TheInitiator", func(t *testing.T) {
		b := setup(t)
		b.roles[agent] = append(b.roles[agent], "marketing_director")
		require.NoError(t, b.request(agent, terms("30000.00", credit)))
		refused(t, b.sign(agent, nil), approval.ReasonOwnRequest)
	})
	t.Run("AlsoNotAfterAColleagueAskedAgain", func(t *testing.T) {
		b := setup(t)
		b.roles[agent] = append(b.roles[agent], "marketing_director")
		require.NoError(t, b.request(agent, terms("30000.00", credit)))
		require.NoError(t, b.submit(colleague, &compensationv1.Claim{Amount: yuan("29999")}))
		require.Equal(t, colleague, b.claim.GetInitiator())
		refused(t, b.sign(agent, nil), approval.ReasonOwnRequest)
		refused(t, b.sign(colleague, nil), approval.ReasonOwnRequest)
	})
}

func TestAChangeVoidsTheSignatures(t *testing.T) {
	changes := map[string]*compensationv1.Claim{
		"Amount": {Amount: yuan("30000.01")}, "Ground": {Ground: "deviation"}, "Remedy": {Remedy: "repurchase_discount"},
		"Causes": {Causes: []string{"design"}}, "Payee": {Payee: &compensationv1.Payee{Account: "~s1.1.other"}},
		"Facts": {Facts: map[string]*typev1.Fact{"group_complaint": flag(true)}},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			require.NoError(t, b.request(agent, terms("30000.00", credit)))
			require.NoError(t, b.sign(director, nil))
			digest := b.claim.GetApproval().GetSealedDigest()
			require.NoError(t, b.submit(agent, change))
			require.Equal(t, compensationv1.Claim_STATE_SUBMITTED, b.claim.GetState())
			require.NotEqual(t, digest, b.claim.GetApproval().GetSealedDigest())
			require.Equal(t, typev1.Approval_STATE_VOID, b.claim.GetFormerApprovals()[0].GetState())
			require.Equal(t, []string{"director_review"}, b.open())
			last := b.past[len(b.past)-2:]
			require.IsType(t, &compensationv1.ClaimReturned{}, last[0].Change)
			require.IsType(t, &compensationv1.ClaimRequested{}, last[1].Change)
			_, err := domain.Sign(b.claim, domain.Signature{Decision: typev1.Decision_DECISION_APPROVE, Digest: digest}, b.act(director))
			refused(t, err, approval.ReasonStale)
		})
	}
	t.Run("NoChangeNoNewChain", func(t *testing.T) {
		b := setup(t)
		require.NoError(t, b.request(agent, terms("30000.00", credit)))
		refused(t, b.submit(agent, &compensationv1.Claim{Amount: yuan("30000")}), domain.ReasonClaimState)
	})
	t.Run("OnlyTheInitiatorsMay", func(t *testing.T) {
		b := setup(t)
		require.NoError(t, b.request(agent, terms("30000.00", credit)))
		refused(t, b.submit(engineer, changes["Amount"]), domain.ReasonInitiator)
		refused(t, b.remedy(engineer, "repurchase_discount"), domain.ReasonInitiator)
		_, err := domain.Withdraw(b.claim, "no", b.act(engineer))
		refused(t, err, domain.ReasonInitiator)
	})
}

func TestARefusalIsRecordedByTheInitiators(t *testing.T) {
	b := setup(t)
	require.NoError(t, b.request(agent, terms("30000.00", credit)))
	f := refusal(t, b.refuse(legal), domain.ReasonStepRole)
	require.Equal(t, "owner_refuses", f.Facts["step"])
	_, err := domain.RecordRefusal(b.claim, "no", b.now.Add(time.Hour), b.act(agent))
	refused(t, err, domain.ReasonRefuseTime)
	require.NoError(t, b.refuse(agent))
	require.Equal(t, agent, b.claim.GetRefusal().GetRecorder())
}

func TestADraftWaitsForItsInitiator(t *testing.T) {
	b := setup(t)
	measure := &compensationv1.Claim{Ground: "deviation", Remedy: credit, Amount: yuan("30000"), Causes: []string{"project", "design"}}
	require.NoError(t, b.took(domain.Draft(domain.Identity{Name: "claims/1", Obligation: "cases/1#compensation-1"}, b.on, measure, b.act("services/routing")), nil))
	require.Equal(t, compensationv1.Claim_STATE_DRAFT, b.claim.GetState())
	require.Equal(t, "30000.00", b.claim.GetAmount().GetAmount())
	refused(t, b.sign(director, nil), domain.ReasonClaimState)
	refused(t, b.execute(cashier), domain.ReasonClaimState)
	refused(t, b.submit(agent, &compensationv1.Claim{}), domain.ReasonForm)
	require.NoError(t, b.submit(agent, &compensationv1.Claim{Facts: terms("1", credit).GetFacts()}))
	require.Equal(t, agent, b.claim.GetInitiator())
	require.Equal(t, "cases/1#compensation-1", b.claim.GetObligation())
	require.NoError(t, b.sign(director, nil))
	require.Equal(t, []string{"legal", "project_countersign", "design_countersign"}, b.open())
}

func TestWhatIsHeldStandsStill(t *testing.T) {
	b := setup(t)
	require.NoError(t, b.request(agent, terms("30000.00", credit)))
	b.signAll()
	require.NoError(t, b.sign(manager, nil))
	_, err := b.check(cashier)
	require.NoError(t, err)
	before := proto.CloneOf(b.claim)
	require.NoError(t, b.took(domain.Hold(b.claim, "withdrawal", b.now), nil))
	require.Empty(t, domain.Hold(b.claim, "withdrawal", b.now))
	for name, act := range map[string]func() error{
		"Execute": func() error { return b.execute(cashier) },
		"Check":   func() error { _, err := b.check(cashier); return err },
		"Sign":    func() error { return b.sign(chairman, nil) },
		"Submit":  func() error { return b.submit(agent, &compensationv1.Claim{Amount: yuan("1")}) },
		"Remedy":  func() error { return b.remedy(agent, "repurchase_discount") },
		"Refusal": func() error { return b.refuse(agent) },
		"Withdraw": func() error {
			_, err := domain.Withdraw(b.claim, "no", b.act(agent))
			return err
		},
	} {
		refused(t, act(), domain.ReasonHeld)
		require.Equal(t, compensationv1.Claim_STATE_HELD, b.claim.GetState(), name)
	}
	t.Run("ReleasedItGoesOn", func(t *testing.T) {
		c := domain.Release(b.claim, b.now)[0].State
		c.UpdateTime = before.GetUpdateTime()
		require.True(t, proto.Equal(before, c))
		require.Empty(t, domain.Release(c, b.now))
	})
	t.Run("WithTheComplaintItEnds", func(t *testing.T) {
		c := domain.End(b.claim, "services/intake", b.now)[0].State
		require.Equal(t, compensationv1.Claim_STATE_WITHDRAWN, c.GetState())
		require.Equal(t, typev1.Approval_STATE_VOID, c.GetApproval().GetState())
		require.Empty(t, domain.End(c, "services/intake", b.now))
	})
}

func TestAClaimIsTakenBackWithItsChain(t *testing.T) {
	b := setup(t)
	require.NoError(t, b.request(agent, terms("30000.00", credit)))
	require.NoError(t, b.took(domain.Withdraw(b.claim, "~s1.1.reason", b.act(agent))))
	require.Equal(t, typev1.Approval_STATE_WITHDRAWN, b.claim.GetApproval().GetState())
	require.Equal(t, "~s1.1.reason", b.claim.GetWithdrawal().GetReason())
	refused(t, b.sign(director, nil), approval.ReasonNotOpen)
	refused(t, b.submit(agent, &compensationv1.Claim{}), domain.ReasonClaimState)
}

func TestTheReasonsAreACatalogue(t *testing.T) {
	_, err := fault.NewCatalogue(append(domain.Reasons(), approval.Reasons()...)...)
	require.NoError(t, err)
}
