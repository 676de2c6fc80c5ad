package domain

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/approval"
	"example.com/redress/services/kit/planted"
)

// Executed tells that the order to pay was given: nothing can be held any more.
func Executed(c *compensationv1.Claim) bool {
	return c.GetState() == executed || c.GetState() == paid
}

// previous are the states a claim can be held in, and lead back to.
func previous() map[compensationv1.Claim_State]compensationv1.Hold_State {
	return map[compensationv1.Claim_State]compensationv1.Hold_State{
		draft: compensationv1.Hold_STATE_DRAFT, submitted: compensationv1.Hold_STATE_SUBMITTED, approved: compensationv1.Hold_STATE_APPROVED,
		checked: compensationv1.Hold_STATE_CHECKED, returned: compensationv1.Hold_STATE_RETURNED,
	}
}

// Hold stops a claim that is not executed; nothing if it has ended or is held already.
//
// Source: DESIGN section 4 (money is fenced).
func Hold(c *compensationv1.Claim, reason string, now time.Time) []Event {
	before, can := previous()[c.GetState()]
	if !can || planted.Is("withdrawn claim still paid") {
		return nil
	}
	d := begin(Act{Now: now}, c)
	d.claim.State = held
	d.claim.Hold = &compensationv1.Hold{Reason: reason, HoldTime: timestamppb.New(now), Previous: before}
	d.tell(&compensationv1.ClaimHeld{})
	return d.events
}

// Release lets a held claim go on where it stood; nothing for any other.
func Release(c *compensationv1.Claim, now time.Time) []Event {
	if c.GetState() != held {
		return nil
	}
	d := begin(Act{Now: now}, c)
	for state, before := range previous() {
		if before == c.GetHold().GetPrevious() {
			d.claim.State = state
		}
	}
	d.claim.Hold = nil
	d.tell(&compensationv1.ClaimReleased{})
	return d.events
}

// Withdraw takes a claim back before it is executed. Faults: CLAIM_STATE, CLAIM_HELD, INITIATOR.
func Withdraw(c *compensationv1.Claim, reason string, a Act) ([]Event, error) {
	if err := expect(c, draft, submitted, returned, approved, checked); err != nil {
		return nil, err
	}
	d := begin(a, c)
	if err := d.initiator(); err != nil {
		return nil, err
	}
	d.end(reason)
	return d.events, nil
}

// End takes a claim back because its complaint was withdrawn; nothing if it has ended
// or was executed.
//
// Source: docs/architecture.md, obligations (ComplaintWithdrawn).
func End(c *compensationv1.Claim, principal string, now time.Time) []Event {
	if _, open := previous()[c.GetState()]; !open && c.GetState() != held {
		return nil
	}
	d := begin(Act{Now: now, By: Person{Name: principal}}, c)
	d.end("")
	return d.events
}

func (d *decision) end(reason string) {
	d.claim.State = withdrawn
	d.claim.Withdrawal = &compensationv1.ClaimWithdrawal{Principal: d.By.Name, WithdrawTime: timestamppb.New(d.Now), Reason: reason}
	chain := d.claim.GetApproval()
	next, err := approval.Withdraw(chain, d.By.Name, d.Now)
	if err != nil {
		next, err = approval.Void(chain, d.Now)
	}
	if err == nil && chain != nil {
		d.claim.Approval = next
	}
	d.tell(&compensationv1.ClaimWithdrawn{}, ruleOf(chain)...)
}

func ruleOf(a *typev1.Approval) []*typev1.RuleRef {
	if a.GetRule() == nil {
		return nil
	}
	return []*typev1.RuleRef{a.GetRule()}
}
