package domain

import (
	"slices"
	"time"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/approval"
	"example.com/redress/services/kit/calendar"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
)

// applies decides the conditions of a chain on a sheet.
func (a Act) applies(s *policy.Sheet) func(cond string) (bool, []string, error) {
	return func(cond string) (bool, []string, error) {
		t, missing, err := a.Policy.Eval(cond, s)
		return t == policy.True, missing, err
	}
}

// urgent tells whether an approval may be given by telephone on what the sheet says.
func urgent(p *policy.Policy, def *policyv1.Approval, s *policy.Sheet) bool {
	u := def.GetUrgent()
	if u == nil {
		return false
	}
	if u.GetIf() == "" {
		return true
	}
	t, _, err := p.Eval(u.GetIf(), s)
	return err == nil && t == policy.True
}

// signing is a decision on a chain with what it is judged by.
type signing struct {
	Signature

	// sheet decides conditions and forms.
	sheet *policy.Sheet
	// former are the chains that have ended; who asked for them signs none.
	former []*typev1.Approval
}

// sign records a decision on a chain of any subject: a signature, also by telephone, or
// one of the acts beside it (return to a place, add a signer, hand over, remind, withdraw).
//
// Nobody signs what they ever asked for: also not after somebody else has put the same
// thing forward again.
func (a Act) sign(chain *typev1.Approval, in signing) (*typev1.Approval, error) {
	askers := make([]string, 0, len(in.former))
	for _, f := range in.former {
		askers = append(askers, f.GetAskedBy())
	}
	beside := in.Decision == typev1.Decision_DECISION_REMIND || in.Decision == typev1.Decision_DECISION_WITHDRAW
	if slices.Contains(askers, a.By.Name) && !beside {
		return nil, fault.New(fault.FailedPrecondition, approval.ReasonOwnRequest, "approval", chain.GetId(), "person", a.By.Name).With(chain.GetRule())
	}
	digest := in.Digest
	if digest == "" {
		digest = chain.GetSealedDigest()
	}
	req := approval.SignRequest{
		Person: approval.Person{Name: a.By.Name, Matches: except(a.By.Matches, askers)}, ToStep: in.ToStep, Recused: a.Recused,
		Decision: in.Decision, Digest: digest, Comment: in.Comment, Facts: in.Facts, Time: a.Now,
		Check: func(form string, facts map[string]*typev1.Fact) []fault.Violation {
			return a.Policy.CheckForm(form, facts, in.sheet, a.Warned)
		},
	}
	if in.Person.Name != "" {
		req.Target = approval.Person{Name: in.Person.Name, Matches: except(in.Person.Matches, askers)}
	}
	if in.ByTelephone {
		req.Urgent = &approval.Urgent{Rule: a.Policy.Approval(chain.GetId()).GetUrgent(), Applies: a.applies(in.sheet), Due: a.due}
	}
	return approval.Sign(chain, req)
}

// except admits nobody in the place of the people given.
func except(matches func(who string) (bool, string), askers []string) func(who string) (bool, string) {
	if matches == nil || len(askers) == 0 {
		return matches
	}
	return func(who string) (bool, string) {
		ok, behalf := matches(who)
		if slices.Contains(askers, behalf) {
			return false, ""
		}
		return ok, behalf
	}
}

// due returns when a limit of the pack that starts now falls due.
func (a Act) due(limit string) (time.Time, error) {
	l, err := calendar.ParseLimit(limit)
	if err != nil {
		return time.Time{}, err
	}
	due, err := a.Policy.Calendar().Due(a.Now, l)
	return due.Time, err
}
