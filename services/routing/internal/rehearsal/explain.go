package rehearsal

import (
	"context"
	"slices"
	"strings"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/policy/rehearse"
	"example.com/redress/services/policy/sheet"
)

// ExplainCase implements PolicyService.
func (s *Rehearsal) ExplainCase(ctx context.Context, req *policyv1.ExplainCaseRequest) (*policyv1.ExplainCaseResponse, error) {
	organization := host.Caller(ctx).Organization
	seen, err := s.desk.See(ctx, s.host.Journal, organization, req.GetName(), s.host.Clock.Now())
	if err != nil {
		return nil, err
	}
	pack, facts, kase := seen.Policy(), seen.Sheet(), seen.Case()
	all, err := rehearse.Explain(pack, facts)
	if err != nil {
		return nil, err
	}
	out := &policyv1.ExplainCaseResponse{Revision: kase.GetPolicyRevision()}
	for _, a := range all {
		x := explained(a)
		if x.InForce = inForce(kase, a); x.InForce == x.Outcome {
			x.InForce = ""
		}
		out.Explanations = append(out.Explanations, x)
	}
	r := &Record{Case: kase}
	if kase.GetComplaint() == "" {
		return out, nil
	}
	if err := (reader{s.host.Journal, organization}).heard(ctx, r); err != nil {
		return nil, err
	}
	for _, claim := range r.claims {
		answers, err := rehearse.ExplainClaim(pack, sheet.WithClaim(facts, unsigned(claim)))
		if err != nil {
			return nil, err
		}
		for _, a := range answers {
			x := explained(a)
			x.Claim = claim.GetName()
			out.Explanations = append(out.Explanations, x)
		}
	}
	return out, nil
}

// inForce is what stands in the case for an answer; empty where the case holds nothing of the kind.
func inForce(k *routingv1.Case, a rehearse.Answer) string {
	switch a.Kind {
	case rehearse.Grade:
		return k.GetGrades()[a.Subject].GetLevel()
	case rehearse.Department:
		return departments(k).Value
	case rehearse.Mark:
		if slices.Contains(k.GetMarks(), a.Subject) {
			return "yes"
		}
	}
	return ""
}

func explained(a rehearse.Answer) *policyv1.Explanation {
	out := &policyv1.Explanation{Kind: string(a.Kind), Subject: a.Subject, Outcome: a.Outcome, Rule: a.Rule}
	for _, in := range a.Inputs {
		out.Inputs = append(out.Inputs, &policyv1.FactInput{Fact: in.Fact, Value: in.Value, Known: in.Known})
	}
	for _, o := range a.Others {
		other := &policyv1.AlternativeOutcome{Outcome: o.Outcome, Rule: o.Rule, Opaque: o.Opaque, Unreachable: o.Unreachable}
		for _, c := range o.Changes {
			other.Changes = append(other.Changes, &policyv1.FactChange{
				Fact: c.Fact, Is: c.Is, Known: c.Known, Not: c.Not, Values: c.Values, Suppose: c.Suppose,
				Relation: policyv1.FactRelation(policyv1.FactRelation_value["FACT_RELATION_"+strings.ToUpper(string(c.Relation))]),
			})
		}
		out.Others = append(out.Others, other)
	}
	return out
}
