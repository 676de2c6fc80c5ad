package policy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/policy"
)

// Source: SCENARIOS.md P07-S3: exactly four ways.
func TestP07MenuOffersExactlyWhatMayBeGiven(t *testing.T) {
	p := compiled(t, "complaint-method-guidance")
	var remedies []string
	for _, r := range p.Rules().GetCompensation().GetRemedies() {
		remedies = append(remedies, r.GetId())
	}
	require.Equal(t, []string{"discount", "free_gift", "recognition", "personal_care"}, remedies)
	for _, c := range p.Cards("checklist", &policy.Sheet{Complaint: &policy.ComplaintFacts{Medium: new("ON_SITE")}}, nil) {
		if c.Card.GetId() == "menu" {
			require.Equal(t, remedies, c.Card.GetOffers())
			return
		}
	}
	t.Fatal("there is no menu")
}

// Source: SCENARIOS.md P08-S2: 10, 5 and 7 minutes are refused.
func TestP08PackIsRefusedWhereRestatingBecomesRarer(t *testing.T) {
	pack, findings, err := policy.LoadShipped("de-escalation-guidance")
	require.NoError(t, err)
	require.Empty(t, findings)
	set := func(agitated string) (*policy.Policy, []policy.Finding) {
		return policy.Compile(pack, policy.Options{Parameters: map[string]string{"calm_gap": "10 min", "upset_gap": "5 min", "agitated_gap": agitated}})
	}
	pol, findings := set("7 min")
	require.Nil(t, pol)
	require.Len(t, findings, 1)
	require.Equal(t, "L37", findings[0].Rule)
	pol, findings = set("2 min")
	require.Empty(t, findings)
	require.Equal(t, "2 min", pol.Cards("", &policy.Sheet{Facts: map[string]*typev1.Fact{"emotion": choice("agitated")}}, nil)[2].Repeat)
}
