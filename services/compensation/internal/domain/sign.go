package domain

import (
	"slices"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/approval"
	"example.com/redress/services/kit/fault"
)

// Signature is a decision on a claim.
type Signature struct {
	Decision typev1.Decision
	// Comment is what was written, sealed.
	Comment string
	// Facts fill the form of the sign: the board's resolution, the decision on cash.
	Facts map[string]*typev1.Fact
	// Digest seals what was seen; empty means what the claim holds now.
	Digest string
}

// Sign records a person's decision. The last signature approves the claim; whoever
// rejects or returns it sends it back to its initiator, with a comment.
//
// Nobody signs what they ever asked for: also not after somebody else has put the
// same claim forward again. Faults: CLAIM_HELD, CLAIM_STATE for a claim without a
// chain, and those of approval.Sign.
//
// Source: PROCEDURES P02 5, P02-A5; PACK-SKETCH 1 principle 10.
func Sign(c *compensationv1.Claim, in Signature, a Act) ([]Event, error) {
	if c.GetState() == held || c.GetApproval() == nil {
		return nil, expect(c, submitted)
	}
	d := begin(a, c)
	askers := formerAskers(c)
	if slices.Contains(askers, a.By.Name) {
		return nil, fault.New(fault.FailedPrecondition, approval.ReasonOwnRequest, "approval", c.GetApproval().GetId(), "person", a.By.Name).
			With(c.GetApproval().GetRule())
	}
	digest := in.Digest
	if digest == "" {
		digest = c.GetApproval().GetSealedDigest()
	}
	s := d.sheet()
	next, err := approval.Sign(c.GetApproval(), approval.SignRequest{
		Person: approval.Person{Name: a.By.Name, Matches: func(who string) (bool, string) {
			if a.By.Matches == nil {
				return false, ""
			}
			ok, behalf := a.By.Matches(who)
			if slices.Contains(askers, behalf) {
				return false, ""
			}
			return ok, behalf
		}},
		Decision: in.Decision, Digest: digest, Comment: in.Comment, Facts: in.Facts, Time: a.Now,
		Check: func(form string, facts map[string]*typev1.Fact) []fault.Violation {
			return a.Policy.CheckForm(form, facts, s)
		},
	})
	if err != nil {
		return nil, err
	}
	d.claim.Approval = next
	rule := next.GetRule()
	switch next.GetState() {
	case typev1.Approval_STATE_GRANTED:
		d.tell(&compensationv1.ClaimSigned{}, rule)
		d.claim.State = approved
		d.claim.CashAllowed = d.cashAllowed()
		d.tell(&compensationv1.ClaimApproved{}, rule)
	case typev1.Approval_STATE_OPEN:
		d.tell(&compensationv1.ClaimSigned{}, rule)
	default:
		d.claim.State = returned
		d.tell(&compensationv1.ClaimReturned{}, rule)
	}
	return d.events, nil
}

// cashAllowedFact is the field of a sign's form by which the approver of the tier
// allows cash. Source: PROCEDURES P02-A2 (b).
const cashAllowedFact = "cash_allowed"

// cashAllowed tells whether an approver, not a reviewer or countersigner, has allowed
// cash. It means something for a remedy in money only.
func (d *decision) cashAllowed() bool {
	if kindOf(d.Policy.Rules().GetCompensation(), d.claim.GetRemedy()) != policyv1.RemedyKind_REMEDY_KIND_MONEY {
		return false
	}
	for _, step := range d.claim.GetApproval().GetSteps() {
		if step.GetKind() != typev1.ApprovalStep_KIND_APPROVE {
			continue
		}
		for _, s := range step.GetSignatures() {
			if s.GetDecision() == typev1.Decision_DECISION_APPROVE && s.GetFacts()[cashAllowedFact].GetFlag() {
				return true
			}
		}
	}
	return false
}

func kindOf(c *policyv1.Compensation, remedy string) policyv1.RemedyKind {
	return find(c.GetRemedies(), remedy).GetKind()
}

// formerAskers are the people who put the claim forward before.
func formerAskers(c *compensationv1.Claim) []string {
	out := make([]string, 0, len(c.GetFormerApprovals()))
	for _, a := range c.GetFormerApprovals() {
		out = append(out, a.GetAskedBy())
	}
	return out
}

// void ends the signatures, because what was seen is no longer so, and sends the
// claim back to its initiator.
func (d *decision) void() {
	if next, err := approval.Void(d.claim.GetApproval(), d.Now); err == nil {
		d.claim.Approval = next
	}
	d.claim.State, d.claim.CashAllowed, d.claim.Check = returned, false, nil
	d.tell(&compensationv1.ClaimReturned{}, d.claim.GetApproval().GetRule())
}
