package rehearse

import (
	"errors"
	"slices"
	"strings"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/money"
	"example.com/redress/services/policy"
)

// bandsOf says who signs in each place that is chosen by an amount, and which amounts would choose
// others.
func bandsOf(p *policy.Policy, s *policy.Sheet) []Answer {
	def, _ := p.ApprovalFor(policyv1.Subject_SUBJECT_CLAIM, s)
	fact := AmountOf(def)
	is, known := p.Shown(fact, s)
	var out []Answer
	for _, sign := range def.GetSigns() {
		if len(sign.GetBands()) == 0 {
			continue
		}
		a := Answer{Kind: Band, Subject: def.GetId() + "." + sign.GetId(), Rule: p.Rule(def.GetId()), Inputs: []Input{{fact, is, known}}}
		at := -1
		if known {
			at = slices.IndexFunc(sign.GetBands(), func(b *policyv1.Band) bool { return holds(b, is) })
		}
		if at >= 0 {
			a.Outcome = whoSigns(sign, sign.GetBands()[at])
		}
		for i, b := range sign.GetBands() {
			who := whoSigns(sign, b)
			if i == at || who == a.Outcome {
				continue
			}
			alt := Alternative{Outcome: who, Rule: a.Rule}
			for _, edge := range edges(b) {
				if known && edge.holds(is) {
					continue
				}
				alt.Changes = append(alt.Changes, Change{
					Fact: fact, Is: is, Known: known, Relation: edge.relation, Values: []string{edge.amount}, Suppose: inside(b),
				})
			}
			a.Others = append(a.Others, alt)
		}
		out = append(out, a)
	}
	return out
}

// AmountOf names the amount by which an approval chooses its bands: the fact or row the pack names, the
// claim's amount if it names none.
func AmountOf(def *policyv1.Approval) string {
	switch a := def.GetAmount(); {
	case a == "":
		return "claim.amount"
	case strings.Contains(a, "."):
		return a
	default:
		return "facts." + a
	}
}

func whoSigns(sign *policyv1.Sign, b *policyv1.Band) string {
	who := b.GetWho()
	if len(who) == 0 {
		who = sign.GetWho()
	}
	return strings.Join(who, ", ")
}

// edge is one bound of a band.
type edge struct {
	relation policy.Relation
	amount   string
	cmp      func(int) bool
}

func (e edge) holds(amount string) bool {
	is, err1 := money.ParseText(money.CNY, amount)
	bound, err2 := money.ParseText(money.CNY, e.amount)
	order, err3 := is.Cmp(bound)
	return errors.Join(err1, err2, err3) == nil && e.cmp(order)
}

func edges(b *policyv1.Band) []edge {
	var out []edge
	for _, e := range []edge{
		{policy.RelationMore, b.GetAbove(), func(c int) bool { return c > 0 }},
		{policy.RelationAtLeast, b.GetFrom(), func(c int) bool { return c >= 0 }},
		{policy.RelationAtMost, b.GetUpTo(), func(c int) bool { return c <= 0 }},
		{policy.RelationLess, b.GetBelow(), func(c int) bool { return c < 0 }},
	} {
		if e.amount != "" {
			out = append(out, e)
		}
	}
	return out
}

func holds(b *policyv1.Band, amount string) bool {
	return !slices.ContainsFunc(edges(b), func(e edge) bool { return !e.holds(amount) })
}

// inside is an amount that the band holds: one at its edge.
func inside(b *policyv1.Band) []string {
	for _, e := range edges(b) {
		for _, near := range policy.Near(e.amount) {
			if holds(b, near) {
				return []string{near}
			}
		}
	}
	return nil
}

// Chain puts the places of a chain into words: one line a place, "decide: vice_president".
func Chain(a *typev1.Approval) []string {
	var out []string
	for _, s := range a.GetSteps() {
		line := s.GetId() + ": " + strings.Join(s.GetWho(), ", ")
		if s.GetEnough() != "" {
			line += " (" + s.GetEnough() + ")"
		}
		out = append(out, line)
	}
	return out
}
