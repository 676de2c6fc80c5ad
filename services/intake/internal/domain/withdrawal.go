package domain

import (
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
)

// RequestWithdrawal returns the complaint with a withdrawal that waits for
// compensation's word: until money is held, nothing else changes. Asking again
// while one waits is refused. Source: DESIGN section 4 (money is fenced).
func RequestWithdrawal(c *intakev1.Complaint, reason, who string, now time.Time) (*intakev1.Complaint, error) {
	if err := open(c); err != nil {
		return nil, err
	}
	if c.GetWithdrawal().GetState() == intakev1.Withdrawal_STATE_REQUESTED {
		return nil, wrongState(c, "no withdrawal under way")
	}
	next := proto.CloneOf(c)
	next.Withdrawal = &intakev1.Withdrawal{
		State: intakev1.Withdrawal_STATE_REQUESTED, Principal: who, RequestTime: timestamppb.New(now), Reason: reason,
	}
	next.UpdateTime = timestamppb.New(now)
	return next, nil
}

// DecideWithdrawal returns the complaint after compensation has answered: WITHDRAWN
// if claims are held, else as before with the withdrawal TOO_LATE. nil if no
// withdrawal waits, so answering twice changes nothing, and nil if claims are held for
// a complaint whose case was closed meanwhile: they are to be released first.
func DecideWithdrawal(c *intakev1.Complaint, held bool, now time.Time) *intakev1.Complaint {
	if c.GetWithdrawal().GetState() != intakev1.Withdrawal_STATE_REQUESTED || held && Overtaken(c) {
		return nil
	}
	next := proto.CloneOf(c)
	next.Withdrawal.DecideTime, next.UpdateTime = timestamppb.New(now), timestamppb.New(now)
	if held {
		next.State = intakev1.Complaint_STATE_WITHDRAWN
		next.Withdrawal.State = intakev1.Withdrawal_STATE_EFFECTIVE
	} else {
		next.Withdrawal.State = intakev1.Withdrawal_STATE_TOO_LATE
	}
	return next
}

// Overtaken tells that a withdrawal waits and the case was closed before compensation
// answered: it is too late, and no claim may stay held for it.
//
// Source: docs/architecture.md, obligations (withdrawal).
func Overtaken(c *intakev1.Complaint) bool {
	return c.GetWithdrawal().GetState() == intakev1.Withdrawal_STATE_REQUESTED && open(c) != nil
}
