package domain

import (
	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/approval"
	"example.com/redress/services/policy"
)

// Signature is a decision on a claim or on the return of goods.
type Signature struct {
	Decision typev1.Decision
	// Comment is what was written, sealed.
	Comment string
	// Facts fill the form of the sign: the board's resolution, the decision on cash.
	Facts map[string]*typev1.Fact
	// Digest seals what was seen; empty means what it holds now.
	Digest string
	// ToStep is the place that RETURN sends it back to; empty means its initiator.
	ToStep string
	// Person is asked to sign too, or takes over; without a name nobody.
	Person Person
	// ByTelephone says that the decision was given by telephone; the papers follow.
	ByTelephone bool
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
	next, err := a.sign(c.GetApproval(), signing{Signature: in, sheet: d.sheet(), former: c.GetFormerApprovals()})
	if err != nil {
		return nil, err
	}
	d.claim.Approval = next
	rule := next.GetRule()
	switch {
	case next.GetState() == c.GetApproval().GetState(): // also the papers of what was approved by telephone
		d.tell(&compensationv1.ClaimSigned{}, rule)
	case next.GetState() == typev1.Approval_STATE_GRANTED:
		d.tell(&compensationv1.ClaimSigned{}, rule)
		d.claim.State = approved
		d.claim.CashAllowed = d.cashAllowed()
		d.tell(&compensationv1.ClaimApproved{}, rule)
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
	return policy.ByID(c.GetRemedies(), remedy).GetKind()
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
