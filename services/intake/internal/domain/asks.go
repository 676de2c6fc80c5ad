package domain

import (
	"slices"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/policy"
)

// AsksForCase tells whether rules of the pack about the record may read the case:
// windows, papers and checks, and gates before acts of intake. Only then does
// intake keep what it hears of cases.
func AsksForCase(p *policy.Policy) bool {
	if decides(p) {
		return true
	}
	own := []policyv1.Act{
		policyv1.Act_ACT_FILL, policyv1.Act_ACT_ADD_EVIDENCE, policyv1.Act_ACT_VERIFY, policyv1.Act_ACT_JUDGE, policyv1.Act_ACT_WITHDRAW,
	}
	for _, g := range p.Rules().GetGates() {
		if slices.ContainsFunc(g.GetBefore(), func(a policyv1.Act) bool { return slices.Contains(own, a) }) {
			return true
		}
	}
	return false
}

// KeyFields returns the fields by which the pack tells complaints and praise
// apart: those that counters count by or count once, and those of a repeat.
func KeyFields(p *policy.Policy) []string {
	var out []string
	for _, c := range p.Rules().GetCounters() {
		if c.GetOf() == policyv1.Of_OF_COMPLAINTS || c.GetOf() == policyv1.Of_OF_PRAISES {
			out = append(out, c.GetPer()...)
			if c.GetDistinct() != "" {
				out = append(out, c.GetDistinct())
			}
		}
	}
	out = append(out, p.Rules().GetAcceptance().GetRepeat().GetSame()...)
	slices.Sort(out)
	return slices.Compact(out)
}
