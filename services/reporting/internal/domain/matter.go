package domain

import (
	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/sheet"
)

// Matter is what is known about one complaint, as far as a question needs it.
// Everything may be missing: feeds arrive in any order.
type Matter struct {
	Complaint *intakev1.Complaint
	Case      *routingv1.Case
	// Plan is the case's newest.
	Plan      *routingv1.Plan
	Replies   []*routingv1.Reply
	Claims    []*compensationv1.Claim
	Actions   []*correctiveactionv1.Action
	FollowUps []*notificationv1.FollowUp
	Notices   []*notificationv1.Notice
	Clocks    []*clockv1.Clock
	Evidence  []*intakev1.Evidence
	// Policy the complaint falls under; nil if it has not arrived.
	Policy *policy.Policy
}

// Revision returns the name of the policy revision the complaint falls under, "" if it
// is not known.
func (m *Matter) Revision() string {
	if r := m.Complaint.GetPolicyRevision(); r != "" {
		return r
	}
	return m.Case.GetPolicyRevision()
}

// number returns the readable number of the complaint.
func (m *Matter) number() string {
	if n := m.Complaint.GetNumber(); n != "" {
		return n
	}
	return m.Case.GetNumber()
}

// name returns complaints/{complaint}.
func (m *Matter) name() string {
	if n := m.Complaint.GetName(); n != "" {
		return n
	}
	return m.Case.GetComplaint()
}

// sheet is what conditions of the pack see. The category is the one the case was
// classified with, once it was, as in routing.
func (m *Matter) sheet() *policy.Sheet {
	s := sheet.Of(m.Complaint, m.Case)
	if s.Complaint != nil {
		if c := m.Case.GetCategory(); c != "" {
			s.Complaint.Category = &c
		}
		s.Complaint.Documents = []string{}
		for _, e := range m.Evidence {
			s.Complaint.Documents = append(s.Complaint.Documents, e.GetDocument())
		}
	}
	return s
}

// grade returns the level in force on the pack's first scale.
func (m *Matter) grade() string {
	if m.Policy != nil {
		for _, scale := range m.Policy.Rules().GetGrades() {
			return m.Case.GetGrades()[scale.GetId()].GetLevel()
		}
	}
	return ""
}

// clock returns the clock of that name, or nil.
func (m *Matter) clock(name string) *clockv1.Clock {
	for _, c := range m.Clocks {
		if name != "" && c.GetName() == name {
			return c
		}
	}
	return nil
}

// counting returns the newest clock of a subject and kind that still counts, or nil.
func (m *Matter) counting(subject, kind string) (newest *clockv1.Clock) {
	for _, c := range m.Clocks {
		if c.GetSubject() == subject && c.GetKind() == kind && counts(c) &&
			(newest == nil || !c.GetStartTime().AsTime().Before(newest.GetStartTime().AsTime())) {
			newest = c
		}
	}
	return newest
}

// counts reports whether the duty of a clock is still owed.
func counts(c *clockv1.Clock) bool {
	switch c.GetState() {
	case clockv1.Clock_STATE_RUNNING, clockv1.Clock_STATE_PAUSED, clockv1.Clock_STATE_BREACHED:
		return true
	default:
		return false
	}
}
