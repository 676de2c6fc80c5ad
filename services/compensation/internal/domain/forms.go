package domain

import (
	"slices"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/sheet"
)

// forms checks the forms about the claim that its facts fill or its approval needs,
// and returns those that are filled.
//
// Forms that a signatory or a duty fills are none of these: what only the approver of
// the tier may say cannot be said by who asks.
func (d *decision) forms(p *problems, s *policy.Sheet, def *policyv1.Approval) (filled []string) {
	known := map[string]bool{}
	for _, form := range requestForms(d.Policy) {
		own := map[string]*typev1.Fact{}
		for _, field := range form.GetFields() {
			known[field.GetId()] = true
			if f := d.claim.GetFacts()[field.GetId()]; f != nil {
				own[field.GetId()] = f
			}
		}
		needed := slices.ContainsFunc(def.GetNeeds(), func(n *policyv1.Need) bool { return n.GetForm() == form.GetId() })
		if len(own) == 0 && !needed {
			continue
		}
		p.gate(d.Policy.Gate(policyv1.Act_ACT_FILL, d.subject(form.GetId()), sheet.WithForm(s, form.GetId(), d.By.Name)))
		if wrong := d.Policy.CheckForm(form.GetId(), own, s, d.Warned); len(wrong) > 0 {
			p.forms = append(p.forms, form.GetId())
			p.fault(fault.New(fault.Invalid, ReasonForm, "form", form.GetId()).With(d.Policy.Rule(form.GetId())).WithViolations(wrong...))
			continue
		}
		filled = append(filled, form.GetId())
	}
	var unknown []fault.Violation
	for id := range d.claim.GetFacts() {
		if !known[id] {
			unknown = append(unknown, fault.Violation{Field: "facts." + id, Reason: policy.FieldUnknown})
		}
	}
	if len(unknown) > 0 {
		slices.SortFunc(unknown, func(a, b fault.Violation) int { return compare(a.Field, b.Field) })
		p.fault(fault.New(fault.Invalid, ReasonForm, "form", "claim").WithViolations(unknown...))
	}
	return filled
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// requestForms returns the forms about claims that who asks fills: all but those of a
// signature or of a step.
func requestForms(p *policy.Policy) []*policyv1.Form {
	others := map[string]bool{}
	for _, a := range p.Rules().GetApprovals() {
		for _, sign := range a.GetSigns() {
			others[sign.GetForm()] = true
			others[sign.GetInstead().GetForm()] = true
		}
		others[a.GetUrgent().GetForm()] = true
	}
	for _, step := range allSteps(p) {
		others[step.GetForm()] = true
	}
	var out []*policyv1.Form
	for _, f := range p.Rules().GetForms() {
		if f.GetAbout() == policyv1.About_ABOUT_CLAIM && !others[f.GetId()] {
			out = append(out, f)
		}
	}
	return out
}

func allSteps(p *policy.Policy) []*policyv1.Step {
	out := slices.Clone(p.Rules().GetDuties())
	for _, stage := range p.Rules().GetStages() {
		out = append(out, stage.GetSteps()...)
	}
	return out
}

func findStep(p *policy.Policy, id string) *policyv1.Step { return policy.ByID(allSteps(p), id) }

// refusalSteps returns the steps by which a refusal of non-cash is recorded: those
// that stand before the choice of a remedy, or before one is given. In compensation
// no other act can be done by a step, so these are what RecordRefusal does.
//
// Source: PROCEDURES P02-A2 (a).
func refusalSteps(p *policy.Policy) []string {
	var out []string
	collect := func(needs []*policyv1.Need) {
		for _, n := range needs {
			if id := n.GetStep(); id != "" && !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	for _, g := range p.Rules().GetGates() {
		if slices.Contains(g.GetBefore(), policyv1.Act_ACT_SET_METHOD) {
			collect(g.GetNeeds())
		}
	}
	for _, r := range p.Rules().GetCompensation().GetRemedies() {
		collect(r.GetNeeds())
	}
	return out
}
