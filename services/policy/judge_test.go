package policy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/policy"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func instant(at time.Time) *typev1.Fact {
	return &typev1.Fact{Value: &typev1.Fact_Instant{Instant: timestamppb.New(at)}}
}

func carton(demand string, approved ...string) *policy.Sheet {
	return &policy.Sheet{Complaint: &policy.ComplaintFacts{Category: new("print")}, Approved: approved, Facts: map[string]*typev1.Fact{
		"goods_arrived": date("2026-01-10"), "unused_60_days": yes(false), "found_in_use": yes(false), "demand": choice(demand), "concrete_demand": yes(true),
	}}
}

// Source: SCENARIOS.md P27-S2, P27-A12: consent and one of the papers.
func TestP27ClaimNeedsConsentAndOneOfThePapers(t *testing.T) {
	p := rules(t, "carton", nil)
	on := shanghai(t, "2026-01-20 09:00:00")
	for _, c := range []struct {
		name   string
		sheet  *policy.Sheet
		docs   []policy.Document
		stands string
		gap    *policy.EvidenceGap
	}{
		{"consent without paper", carton("claim", "consent"), nil, "INVALID", &policy.EvidenceGap{AnyOf: []string{"stamped_statement", "settlement_agreement"}}},
		{"consent and agreement", carton("claim", "consent"), []policy.Document{{ID: "settlement_agreement"}}, "VALID", nil},
		{"paper without consent", carton("claim"), []policy.Document{{ID: "stamped_statement"}}, "INVALID", &policy.EvidenceGap{Approval: "consent"}},
		{"a paper that came too late", carton("claim", "consent"), []policy.Document{{ID: "stamped_statement", Late: true}}, "INVALID", &policy.EvidenceGap{AnyOf: []string{"stamped_statement", "settlement_agreement"}}},
		{"a replacement needs none", carton("replacement"), nil, "VALID", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := p.Judge(c.sheet, c.docs, "", on)
			require.Equal(t, c.stands, j.Stands)
			gaps := p.Evidence(policyv1.Act_ACT_JUDGE, c.docs, c.sheet)
			if c.gap == nil {
				require.Empty(t, gaps)
				return
			}
			require.Len(t, gaps, 1)
			require.Equal(t, c.gap.AnyOf, gaps[0].AnyOf)
			require.Equal(t, c.gap.Approval, gaps[0].Approval)
			require.Equal(t, "claim_papers", j.Why["evidence"])
			require.Equal(t, "4.2.2 b", j.Rule.GetClause())
		})
	}
}

// Source: SCENARIOS.md P27-S2.
func TestP27NoteWithoutTheCarriersSignatureIsNone(t *testing.T) {
	p := rules(t, "carton", nil)
	s := carton("replacement")
	s.Complaint.Category = new("delivery_shortage")
	docs := []policy.Document{{ID: "outbound_note", SignedBy: []string{"customer", "anyone@finished_goods_store"}}}
	gaps := p.Evidence(policyv1.Act_ACT_JUDGE, docs, s)
	require.Len(t, gaps, 1)
	require.Equal(t, []string{"carrier_driver"}, gaps[0].Signers["outbound_note"])
	require.Equal(t, []string{"outbound_note", "inbound_note"}, gaps[0].AnyOf)
	require.Equal(t, "INVALID", p.Judge(s, docs, "VALID", shanghai(t, "2026-01-20 09:00:00")).Stands)
	docs = append(docs, policy.Document{ID: "inbound_note", SignedBy: []string{"carrier_driver"}})
	require.Equal(t, "VALID", p.Judge(s, docs, "", shanghai(t, "2026-01-20 09:00:00")).Stands)
}

// Source: SCENARIOS.md P27-S2; PROCEDURES.md P27 4.3 c, d.
func TestJudgementFollowsTheRulesBeforeThePersonsWord(t *testing.T) {
	p := rules(t, "carton", nil)
	on := shanghai(t, "2026-01-20 09:00:00")
	s := carton("replacement")
	s.Facts["concrete_demand"] = yes(false)
	j := p.Judge(s, nil, "VALID", on)
	require.Equal(t, "INVALID", j.Stands)
	require.Equal(t, map[string]string{"window": "standard", "check": "demand_stated"}, j.Why)
	require.Equal(t, "NOT_UPHELD", p.Judge(s, nil, "UPHELD", on).Stands)

	j = p.Judge(carton("replacement"), nil, "INVALID", on)
	require.Equal(t, "INVALID", j.Stands, "a person may find it untrue")
	require.Equal(t, policyv1.Outcome_OUTCOME_INVALID, j.Outcome)
	require.Nil(t, j.Rule)
	require.Equal(t, "UPHELD", p.Judge(carton("replacement"), nil, "UPHELD", on).Stands)

	// What is certain decides, whatever else is unknown.
	late := carton("replacement")
	delete(late.Facts, "concrete_demand")
	require.Equal(t, []string{"concrete_demand"}, p.Judge(late, nil, "", on).Missing)
	j = p.Judge(late, nil, "", shanghai(t, "2026-03-01 09:00:00"))
	require.Equal(t, "INVALID", j.Stands)
	require.Empty(t, j.Missing)
}
