package check

import (
	"context"
	"errors"
	"math/big"

	"google.golang.org/protobuf/proto"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/tools/faults/ledger"
)

// money checks M1, that a claim is paid at most once, by one order, and not above
// what was approved, and M7, that a complaint taken back in time is never paid.
func money(ctx context.Context, e *Evidence, f *Findings) error {
	orders := map[string]string{} // claim by order
	paid := map[string]string{}   // order by claim
	withdrawn := map[string]string{}
	if err := e.Rows(ctx, in("intake", `SELECT name, encode(state, 'hex') FROM @resources WHERE kind = 'complaints/*' AND name IN (
		SELECT complaint FROM redress_compensation.resources WHERE kind = 'claims/*')`), func(row []string) error {
		raw, err := unhex(row[1])
		if err != nil {
			return err
		}
		c := &intakev1.Complaint{}
		err = proto.Unmarshal(raw, c)
		if c.GetWithdrawal() != nil {
			withdrawn[row[0]] = c.GetWithdrawal().GetState().String()
		}
		return err
	}); err != nil {
		return err
	}
	claims := 0
	var before *compensationv1.Claim
	if err := e.Rows(ctx, in("compensation", `SELECT resource, type, encode(body, 'hex') FROM @events WHERE resource LIKE 'claims/%' AND resource NOT LIKE 'claims/%/%' ORDER BY organization, resource, version`), func(row []string) error {
		raw, err := unhex(row[2])
		if err != nil {
			return err
		}
		body, now := &eventv1.EventBody{}, &compensationv1.Claim{}
		if err := errors.Join(proto.Unmarshal(raw, body), body.GetState().UnmarshalTo(now)); err != nil {
			return err
		}
		if before.GetName() != now.GetName() {
			before = nil
			claims++
		}
		if row[1] == "redress.compensation.v1.PayoutExecuted" {
			if other, ok := paid[row[0]]; ok {
				f.wrong("M1", "%s was ordered to be paid twice, %s and %s", row[0], other, now.GetPayout().GetOrder())
			}
			if other, ok := orders[now.GetPayout().GetOrder()]; ok {
				f.wrong("M1", "order %s pays two claims, %s and %s", now.GetPayout().GetOrder(), other, row[0])
			}
			paid[row[0]], orders[now.GetPayout().GetOrder()] = now.GetPayout().GetOrder(), row[0]
			if before.GetState() != compensationv1.Claim_STATE_CHECKED {
				f.wrong("M1", "%s was paid out of %s", row[0], before.GetState())
			}
			if n := signatories(before.GetApproval()); n < signatures {
				f.wrong("M1", "%s was paid with the signatures of %d people instead of %d", row[0], n, signatures)
			}
			if above(now.GetPayout().GetAmount().GetAmount(), before.GetAmount().GetAmount()) {
				f.wrong("M1", "%s: %s was approved and %s was paid", row[0], before.GetAmount().GetAmount(), now.GetPayout().GetAmount().GetAmount())
			}
			if withdrawn[now.GetComplaint()] == intakev1.Withdrawal_STATE_EFFECTIVE.String() {
				f.wrong("M7", "%s was paid although %s was taken back in time", row[0], now.GetComplaint())
			}
		}
		before = now
		return nil
	}); err != nil {
		return err
	}
	f.count("claims", claims)
	f.count("payments ordered", len(paid))
	for _, l := range e.Ledger {
		switch l.Act {
		case ledger.Paid:
			if paid[l.Name] != l.Number {
				f.wrong("M1", "order %s of %s was answered and %q is on record", l.Number, l.Name, paid[l.Name])
			}
		case ledger.Withdrawn:
			f.count("withdrawals", 1)
			if s := withdrawn[l.Name]; s == "" || s == intakev1.Withdrawal_STATE_REQUESTED.String() {
				f.wrong("M7", "%s was taken back, which is still undecided: %q", l.Name, s)
			}
		}
	}
	return nil
}

// signatures is how many people must have signed a claim of the amount that the
// clients ask for. Source: PROCEDURES P02: review, two countersignatures, decision.
const signatures = 4

// signatories counts the people whose approval stands.
func signatories(a *typev1.Approval) int {
	people := map[string]bool{}
	for _, step := range a.GetSteps() {
		for _, s := range step.GetSignatures() {
			if s.GetDecision() == typev1.Decision_DECISION_APPROVE && !s.GetVoid() {
				people[s.GetPerson()] = true
			}
		}
	}
	return len(people)
}

// above compares two decimal amounts.
func above(a, b string) bool {
	x, ok := new(big.Rat).SetString(a)
	y, fine := new(big.Rat).SetString(b)
	return !ok || !fine || x.Cmp(y) > 0
}
