package sheet

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/approval"
	"example.com/redress/services/policy"
)

// WithAction adds a corrective or preventive action, its facts, its forms and the state
// of its approval.
func WithAction(s *policy.Sheet, a *correctiveactionv1.Action) *policy.Sheet {
	verified := false
	for _, v := range a.GetVerifications() {
		verified = v.GetEffective()
	}
	late := a.GetDueTime() != nil && a.GetImplementation() != nil && a.GetImplementation().GetImplementTime().AsTime().After(a.GetDueTime().AsTime())
	out := With(s, "action", map[string]any{
		"id": a.GetPolicyKind(), "kind": strings.TrimPrefix(a.GetKind().String(), "KIND_"),
		"department": strings.TrimPrefix(a.GetDepartment(), "departments/"), "verified": verified, "late": late,
	})
	out = WithFacts(out, a.GetFacts())
	out.Filled = slices.Clone(out.Filled)
	for _, f := range a.GetForms() {
		out.Filled = append(out.Filled, f.GetForm())
	}
	return withChain(out, a.GetApproval())
}

// withChain adds an approval: granted, or with the signatures it still misses.
func withChain(s *policy.Sheet, a *typev1.Approval) *policy.Sheet {
	switch a.GetState() {
	case typev1.Approval_STATE_GRANTED:
		s.Approved = append(slices.Clone(s.Approved), a.GetId())
	case typev1.Approval_STATE_OPEN:
		unsigned := map[string][]string{a.GetId(): approval.Missing(a)}
		for id, missing := range s.Unsigned {
			if id != a.GetId() {
				unsigned[id] = missing
			}
		}
		s.Unsigned = unsigned
	}
	return s
}

// WithSigned adds the approval that was signed, with the place in the chain and what was
// decided there.
func WithSigned(s *policy.Sheet, a *typev1.Approval, step string, telephone bool) *policy.Sheet {
	return With(s, "approval", map[string]any{
		"id": a.GetId(), "outcome": strings.TrimPrefix(a.GetState().String(), "STATE_"), "sign": approval.SignID(step), "by_telephone": telephone,
	})
}

// WithEntry adds an entry of the ledger and the facts its decider recorded.
func WithEntry(s *policy.Sheet, e *correctiveactionv1.Entry) *policy.Sheet {
	out := With(s, "entry", map[string]any{
		"id": e.GetEntry(), "person": e.GetTo(), "points": int64(e.GetPoints()), "occurrence": int64(e.GetOccurrence()),
	})
	return WithFacts(out, e.GetFacts())
}

// WithPenalty adds a penalty notice: its facts, its form and its approval.
func WithPenalty(s *policy.Sheet, p *correctiveactionv1.Penalty) *policy.Sheet {
	out := WithFacts(With(s, "entry", map[string]any{"id": p.GetForm()}), p.GetFacts())
	out.Filled = append(slices.Clone(out.Filled), p.GetForm())
	return withChain(out, p.GetApproval())
}

// WithDuty adds a duty outside complaints that was done.
func WithDuty(s *policy.Sheet, d *correctiveactionv1.Duty) *policy.Sheet {
	out := WithFacts(WithStep(s, d.GetStep(), d.GetPrincipal()), d.GetFacts())
	if d.GetState() == correctiveactionv1.Duty_STATE_DONE {
		out.Done = append(slices.Clone(out.Done), d.GetStep())
	}
	return out
}

// WithDepartmentFile adds a form about a department that went on file.
func WithDepartmentFile(s *policy.Sheet, f *correctiveactionv1.DepartmentFile) *policy.Sheet {
	return WithFacts(WithForm(s, f.GetForm(), f.GetCreator()), f.GetFacts())
}

// WithCorrective adds what an event of corrective-action brings; a state of another
// service leaves the sheet as it is. change is the event's, or nil.
func WithCorrective(s *policy.Sheet, change, state proto.Message) *policy.Sheet {
	switch m := state.(type) {
	case *correctiveactionv1.Action:
		s = WithAction(s, m)
		if c, ok := change.(*correctiveactionv1.ActionFormFilled); ok {
			s = WithForm(s, c.GetForm(), "")
		}
		return approvalOf(s, change, m.GetApproval())
	case *correctiveactionv1.Entry:
		return WithEntry(s, m)
	case *correctiveactionv1.Penalty:
		s = WithPenalty(s, m)
		if _, ok := change.(*correctiveactionv1.PenaltyRaised); ok {
			s = WithForm(s, m.GetForm(), m.GetCreator())
		}
		return approvalOf(s, change, m.GetApproval())
	case *correctiveactionv1.Duty:
		return WithDuty(s, m)
	case *correctiveactionv1.DepartmentFile:
		return WithDepartmentFile(s, m)
	case *clockv1.Clock:
		return WithClock(s, m)
	}
	return s
}

// approvalOf adds the row of an approval where the event is about one.
func approvalOf(s *policy.Sheet, change proto.Message, a *typev1.Approval) *policy.Sheet {
	switch c := change.(type) {
	case *correctiveactionv1.ActionSigned:
		return WithSigned(s, a, c.GetStep(), c.GetByTelephone())
	case *correctiveactionv1.PenaltySigned:
		return WithSigned(s, a, c.GetStep(), c.GetByTelephone())
	}
	if a != nil {
		return WithApproval(s, a)
	}
	return s
}

// Line returns the people that a PERSON field or the PERSON items of a LIST field name.
func Line(fields []*policyv1.Field, id string, facts map[string]*typev1.Fact) []string {
	var out []string
	f := facts[id]
	if p := f.GetPerson(); p != "" {
		return []string{p}
	}
	for _, field := range fields {
		if field.GetId() != id {
			continue
		}
		for _, row := range f.GetRows().GetValues() {
			for _, item := range field.GetItems() {
				if p := row.GetValues()[item.GetId()].GetPerson(); p != "" && !slices.Contains(out, p) {
					out = append(out, p)
				}
			}
		}
	}
	return out
}
