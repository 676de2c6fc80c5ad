package domain

import (
	"slices"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
)

// papers returns the evidence that the pack asks for before an act and that is not on
// file, as needs like those of a gate: what is missing are the kinds of document, one of
// which is enough, and the approval asked for beside them.
//
// Source: PACK-SKETCH 2.2 (Evidence); PROCEDURES P27 4.2.2 d.
func (a Act) papers(act policyv1.Act, s *policy.Sheet) []policy.Unmet {
	var out []policy.Unmet
	for _, gap := range a.Policy.Evidence(act, a.Documents, s) {
		u := policy.Unmet{Gate: gap.Rule, Need: "DOCUMENT", Because: policyv1.Because_BECAUSE_GATE, Missing: slices.Clone(gap.AnyOf)}
		if len(gap.Missing) > 0 {
			u.Because, u.Missing = policyv1.Because_BECAUSE_INCOMPLETE, gap.Missing
		}
		if gap.Approval != "" {
			u.Missing = append(u.Missing, gap.Approval)
		}
		out = append(out, u)
	}
	return out
}

// inTime refuses what comes outside the windows given: too late, before its approval, or
// while nobody knows. subject is what comes, for the refusal.
//
// Source: PACK-SKETCH 2.2 (Window), 2.7; PROCEDURES P27 4.1.3, 4.3 e.
func inTime(windows []policy.WindowResult, subject string) error {
	for _, w := range windows {
		switch {
		case w.Open():
		case len(w.Missing) > 0:
			return closed(ReasonGate, []policy.Unmet{{Gate: w.Rule, Need: policy.NeedThat, Because: policyv1.Because_BECAUSE_INCOMPLETE, Missing: w.Missing}})
		case !w.In:
			return fault.New(fault.FailedPrecondition, ReasonWindow, "subject", subject, "last", w.Last.String(), "because", "WINDOW", "rule", w.Rule.GetRule(), "clause", w.Rule.GetClause()).
				With(w.Rule)
		default:
			return closed(ReasonGate, []policy.Unmet{{Gate: w.Rule, Need: policy.NeedApproval, ID: w.Approval, Because: policyv1.Because_BECAUSE_GATE, Missing: []string{w.Approval}}})
		}
	}
	return nil
}

// lacking is the refusal for want of facts.
func lacking(rule *typev1.RuleRef, facts []string) *fault.Error {
	return closed(ReasonGate, []policy.Unmet{{Gate: rule, Need: policy.NeedFact, Because: policyv1.Because_BECAUSE_INCOMPLETE, Missing: facts}})
}
