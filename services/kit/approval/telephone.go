package approval

import (
	"fmt"
	"slices"
	"strings"
	"time"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Urgent lets the approvers decide by telephone, before anybody else has signed.
// When every place of kind APPROVE that must be signed has its signatures, the
// approval is GRANTED with by_telephone and the papers are owed: the places that
// were passed over may still be signed, and the form that the pack names is to be
// filled until paperwork_due_time.
//
// Source: PACK-SKETCH 2.2 (Urgent); PROCEDURES P27 4.5.2 d.
type Urgent struct {
	// Rule is the definition's urgent; nil if it has none.
	Rule *policyv1.Urgent
	// Applies decides its condition; missing facts mean it is unknown.
	Applies func(cond string) (applies bool, missing []string, err error)
	// Due returns when a limit that starts now falls due.
	Due func(limit string) (time.Time, error)
}

// check returns when the papers are owed, nil without a telephone.
func (u *Urgent) check(a *typev1.Approval) (*timestamppb.Timestamp, error) {
	if u == nil {
		return nil, nil
	}
	if u.Rule == nil || u.Due == nil || owesPapers(a) {
		return nil, refuse(a, ReasonNotUrgent)
	}
	if cond := u.Rule.GetIf(); cond != "" {
		if u.Applies == nil {
			return nil, definition(a, "", "a condition and nobody to decide it: "+cond)
		}
		ok, missing, err := u.Applies(cond)
		switch {
		case err != nil:
			return nil, fmt.Errorf("approval %s: condition %q: %w", a.GetId(), cond, err)
		case len(missing) > 0:
			violations := make([]fault.Violation, len(missing))
			for i, f := range missing {
				violations[i] = fault.Violation{Field: f, Reason: "FACT"}
			}
			return nil, refuse(a, ReasonFactsMissing, "missing", strings.Join(missing, ", ")).WithViolations(violations...)
		case !ok:
			return nil, refuse(a, ReasonNotUrgent)
		}
	}
	due, err := u.Due(u.Rule.GetPaperwork())
	if err != nil {
		return nil, fmt.Errorf("approval %s: paperwork: %w", a.GetId(), err)
	}
	return timestamppb.New(due), nil
}

// mayBeSigned tells whether a place takes a signature now: when it is its turn; for
// an approver by telephone out of turn; for a paper that is owed.
func mayBeSigned(a *typev1.Approval, step *typev1.ApprovalStep, s SignRequest) bool {
	switch {
	case s.Urgent != nil:
		return step.GetKind() == typev1.ApprovalStep_KIND_APPROVE &&
			(step.GetState() == typev1.ApprovalStep_STATE_OPEN || step.GetState() == typev1.ApprovalStep_STATE_WAITING) && !replaced(a, step)
	case owesPapers(a):
		return step.GetState() == typev1.ApprovalStep_STATE_WAITING && !replaced(a, step)
	}
	return step.GetState() == typev1.ApprovalStep_STATE_OPEN
}

// replaced tells whether the other of a place and the sign that may stand for it
// has been signed.
func replaced(a *typev1.Approval, step *typev1.ApprovalStep) bool {
	for _, group := range groups(a) {
		if slices.ContainsFunc(group, func(p place) bool { return (p.main == step || p.instead == step) && p.settled() }) {
			return true
		}
	}
	return false
}

// approversDecided tells whether every place that decides has its signatures.
func approversDecided(a *typev1.Approval) bool {
	some := false
	for _, group := range groups(a) {
		for _, p := range group {
			if p.main.GetKind() != typev1.ApprovalStep_KIND_APPROVE || p.main.GetOptional() {
				continue // who else was asked sees the papers
			}
			if !p.settled() {
				return false
			}
			some = true
		}
	}
	return some
}

// owesPapers tells whether an approval by telephone still takes the signatures of
// those who were passed over.
func owesPapers(a *typev1.Approval) bool {
	return a.GetState() == typev1.Approval_STATE_GRANTED && a.GetByTelephone() && len(Missing(a)) > 0
}
