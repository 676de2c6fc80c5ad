package domain

import (
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/sheet"
)

// Outside applies the first of the pack's cases that the procedure does not
// handle. A complaint that is not registered at all is refused: NOT_REGISTERED,
// at registration only. Any other is CLOSED with its outcome; nil means that none
// applies, or that the complaint is closed already.
//
// Source: PACK-SKETCH 2.2 Outside; PROCEDURES P17, P19 (complaints settled on the
// spot, praise, matters of others).
func Outside(c *intakev1.Complaint, k *routingv1.Case, p *policy.Policy, now time.Time, registering bool) (*intakev1.Complaint, *intakev1.ComplaintOutside, error) {
	if !isOpen(c) || len(p.Rules().GetAcceptance().GetOutside()) == 0 {
		return nil, nil, nil
	}
	out, _ := p.Outside(sheet.Of(c, k))
	if out == nil {
		return nil, nil, nil
	}
	if out.GetOutcome() == policyv1.Outcome_OUTCOME_NOT_REGISTERED {
		if !registering {
			return nil, nil, nil // what is on file stays on file
		}
		return nil, nil, fault.New(fault.FailedPrecondition, ReasonNotRegistered, "rule", out.GetId()).With(p.Rule(out.GetId())).
			WithViolations(fault.Violation{Field: out.GetId(), Reason: ReasonNotRegistered, Text: out.GetText()})
	}
	next := proto.CloneOf(c)
	next.State = intakev1.Complaint_STATE_CLOSED
	next.Outcome = strings.TrimPrefix(out.GetOutcome().String(), "OUTCOME_")
	next.Outside = p.Rule(out.GetId())
	next.CloseTime, next.UpdateTime = timestamppb.New(now), timestamppb.New(now)
	return next, &intakev1.ComplaintOutside{Outside: out.GetId(), Outcome: next.Outcome}, nil
}

// Repeats returns the complaint linked to the earlier one that it repeats, and the
// earlier one that knows of it. The earlier complaint is the first of those that
// are still within the pack's limit.
//
// Source: PACK-SKETCH 2.2 Repeat; PROCEDURES P13 row 2, P19 10.
func Repeats(c, original *intakev1.Complaint, now time.Time) (next, known *intakev1.Complaint, change *intakev1.ComplaintRepeated) {
	next, known = proto.CloneOf(c), proto.CloneOf(original)
	next.RepeatOf = original.GetName()
	next.UpdateTime, known.UpdateTime = timestamppb.New(now), timestamppb.New(now)
	if !slices.Contains(known.GetRepeats(), c.GetName()) {
		known.Repeats = append(known.Repeats, c.GetName())
	}
	return next, known, &intakev1.ComplaintRepeated{Complaint: c.GetName(), Number: c.GetNumber(), ReceiveTime: c.GetReceiveTime()}
}
