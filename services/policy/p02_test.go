package policy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/policy"
)

func claim(fields map[string]any) *policy.Sheet {
	return &policy.Sheet{Scope: map[string]map[string]any{"claim": fields}}
}

// Source: SCENARIOS.md P02-S2.
func TestP02CountersignersFollowTheCause(t *testing.T) {
	p := compiled(t, "property-developer-compensation")
	s := claim(map[string]any{"amount": yuan("80000.00"), "causes": []string{"engineering"}, "remedy": "property_fee_credit"})
	a, unmet := p.ApprovalFor(policyv1.Subject_SUBJECT_CLAIM, s)
	require.Empty(t, unmet)
	var needed []string
	for _, sign := range a.GetSigns() {
		if is, _, err := p.Eval(sign.GetIf(), s); err == nil && is == policy.True {
			needed = append(needed, sign.GetId())
		}
	}
	require.Equal(t, []string{"director_review", "legal", "engineering_countersign", "tier"}, needed)
	require.Equal(t, "claim.amount", a.GetAmount())
	require.Len(t, a.GetSigns()[5].GetBands(), 3)
}

// Source: SCENARIOS.md P02-S1.
func TestP02BoardResolutionIsNeededAboveTheSecondTier(t *testing.T) {
	p := compiled(t, "property-developer-compensation")
	for amount, n := range map[string]int{"50000.00": 0, "50000.01": 0, "200000.00": 0, "200000.01": 1} {
		v := p.CheckForm("tier_decision", map[string]*typev1.Fact{"cash_allowed": yes(false)}, claim(map[string]any{"amount": yuan(amount)}), nil)
		require.Len(t, v, n, amount)
	}
	v := p.CheckForm("tier_decision", nil, nil, nil)
	require.Equal(t, policy.FormUndecided, v[0].Reason)
}

// Source: SCENARIOS.md P02-S3.
func TestP02CashIsAnException(t *testing.T) {
	p := compiled(t, "property-developer-compensation")
	cash := claim(map[string]any{"amount": yuan("120000.00"), "remedy": "cash", "ground": "deviation"})
	got := p.Gate(policyv1.Act_ACT_SET_METHOD, policy.Subject{}, cash)
	require.Len(t, got, 1)
	require.Equal(t, "refusal_before_cash", got[0].Gate.GetRule())
	require.Equal(t, []string{"owner_refuses"}, got[0].Missing)
	cash.Done = []string{"owner_refuses"}
	require.Empty(t, p.Gate(policyv1.Act_ACT_SET_METHOD, policy.Subject{}, cash))

	cash.Approved = []string{"compensation"}
	cash.Facts = map[string]*typev1.Fact{"cash_allowed": yes(false)}
	got = p.Gate(policyv1.Act_ACT_PAY, holds("anyone@finance"), cash)
	require.Len(t, got, 1)
	require.Equal(t, "cash", got[0].Gate.GetRule())
	cash.Facts = map[string]*typev1.Fact{"cash_allowed": yes(true)}
	require.Empty(t, p.Gate(policyv1.Act_ACT_PAY, holds("anyone@finance"), cash))
	cash.Scope["claim"]["remedy"] = "property_fee_credit"
	cash.Done, cash.Facts = nil, nil
	require.Empty(t, p.Gate(policyv1.Act_ACT_PAY, holds("anyone@finance"), cash), "non-cash needs no decision")
}

// Source: SCENARIOS.md P02-S4.
func TestP02OneInitiatorThreeGrounds(t *testing.T) {
	p := compiled(t, "property-developer-compensation")
	for _, c := range []struct {
		who, ground string
		because     policyv1.Because
	}{
		{"anyone@engineering", "warranty_works", policyv1.Because_BECAUSE_ROLE},
		{"anyone@marketing_customer_service", "warranty_works", 0},
		{"anyone@marketing_customer_service", "deviation", 0},
		{"anyone@marketing_customer_service", "group_compromise", 0},
		{"anyone@marketing_customer_service", "price_of_a_neighbouring_project", policyv1.Because_BECAUSE_CHOICE},
	} {
		s := claim(map[string]any{"ground": c.ground, "remedy": "property_fee_credit"})
		s.Facts = map[string]*typev1.Fact{"group_complaint": yes(true)}
		got := p.Gate(policyv1.Act_ACT_REQUEST_CLAIM, holds(c.who), s)
		if c.because == 0 {
			require.Empty(t, got, c.ground)
			continue
		}
		require.Len(t, got, 1)
		require.Equal(t, c.because, got[0].Because)
	}
	s := claim(map[string]any{"ground": "group_compromise"})
	got := p.Gate(policyv1.Act_ACT_REQUEST_CLAIM, holds("anyone@marketing_customer_service"), s)
	require.Equal(t, []string{"group_complaint"}, got[0].Missing)
}

// Source: SCENARIOS.md P02-S5.
func TestP02FinanceChecksEverySignature(t *testing.T) {
	p := compiled(t, "property-developer-compensation")
	s := claim(map[string]any{"remedy": "property_fee_credit", "amount": yuan("30000.00")})
	s.Unsigned = map[string][]string{"compensation": {"director_review"}}
	got := p.Gate(policyv1.Act_ACT_PAY, holds("anyone@finance"), s)
	require.Len(t, got, 1)
	require.Equal(t, []string{"director_review"}, got[0].Missing)
	refusal := policy.Refusal(got)
	require.Equal(t, policy.ReasonGate, refusal.Reason)
	require.Equal(t, "complete_before_paying", refusal.Facts["rule"])
	got = p.Gate(policyv1.Act_ACT_PAY, holds("anyone@project"), s)
	require.Len(t, got, 2, "both the wrong person and the missing signature are named")
}

func TestDemoQuotesThePackARuleComesFrom(t *testing.T) {
	p := compiled(t, "demo")
	require.Equal(t, "generic-template", p.Rule("response").GetPack())
	require.Equal(t, "property-developer-compensation", p.Rule("complete_before_paying").GetPack())
	require.Equal(t, "3.3", p.Rule("complete_before_paying").GetClause())
	again, findings := policy.Compile(p.Pack(), policy.Options{})
	require.Empty(t, findings)
	require.Equal(t, p.Revision(), again.Revision(), "the resolved pack compiles to itself")
}
