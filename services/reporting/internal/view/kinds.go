// Package view is what reporting keeps of the feeds: the states of the other
// services as projections, found by complaint, by what is still open, and by
// month; and the timeline. It reads them back as the domain wants them.
//
// Start reading at [Project], then [File] and [Board].
package view

import (
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/reporting/internal/domain"
)

// Kinds of projections: patterns of the names, and the timeline.
const (
	Complaints = "complaints/*"
	Evidence   = "complaints/*/evidence/*"
	Cases      = "cases/*"
	Plans      = "cases/*/plans/*"
	Findings   = "cases/*/findings/*"
	Progress   = "cases/*/progress/*"
	Replies    = "cases/*/replies/*"
	Claims     = "claims/*"
	Actions    = "actions/*"
	Notices    = "notices/*"
	FollowUps  = "followUps/*"
	Timeline   = "timeline/*"
)

// clockKinds are the collections that may have clocks: every service keeps those
// of its own resources.
func clockKinds() []string {
	owners := []string{Complaints, Cases, Claims, Actions, Notices, FollowUps, "entries/*", "duties/*"}
	for i := range owners {
		owners[i] += "/clocks/*"
	}
	return owners
}

// Attributes of projections.
const (
	attrComplaint = "complaint"
	attrOpen      = "open"     // "yes" while somebody may have to act
	attrBreached  = "breached" // "yes" of a clock that is late and not stopped
	attrMonth     = "month"    // followed by ":" and what fell into that month of UTC
)

func complaint(name string) journal.Attr { return journal.Attr{Name: attrComplaint, Value: name} }
func open() journal.Attr                 { return journal.Attr{Name: attrOpen, Value: "yes"} }
func breached() journal.Attr             { return journal.Attr{Name: attrBreached, Value: "yes"} }
func month(what, value string) journal.Attr {
	return journal.Attr{Name: attrMonth + ":" + what, Value: value}
}

// attrs collects attributes of a state.
type attrs []journal.Attr

func of(name string) attrs {
	if name == "" {
		return nil
	}
	return attrs{complaint(name)}
}

func (a attrs) open(is bool) attrs {
	if is {
		return append(a, open())
	}
	return a
}

func (a attrs) month(what string, at *timestamppb.Timestamp) attrs {
	if m := domain.MonthOf(at); m != "" {
		return append(a, month(what, m))
	}
	return a
}

// complaintOf returns the complaint of a child's name: complaints/1/evidence/2
// and cases/1/plans/2 are of complaints/1; "" of a name without an id.
func complaintOf(name string) string {
	parts := strings.SplitN(name, "/", 3)
	if len(parts) < 2 {
		return ""
	}
	return "complaints/" + parts[1]
}

func ofChild(name string) attrs { return of(complaintOf(name)) }

// Project says which states of the other services are kept and how they are found.
func Project() map[string]func(proto.Message) []journal.Attr {
	out := map[string]func(proto.Message) []journal.Attr{}
	keep(out, func(m *intakev1.Complaint) attrs {
		return of(m.GetName()).open(m.GetState() == intakev1.Complaint_STATE_REGISTERED).month(domain.DatedReceived, m.GetReceiveTime())
	})
	keep(out, func(m *intakev1.Evidence) attrs { return ofChild(m.GetName()) })
	keep(out, func(m *routingv1.Case) attrs {
		done := m.GetState() == routingv1.Case_STATE_CLOSED || m.GetState() == routingv1.Case_STATE_WITHDRAWN
		return of(m.GetComplaint()).open(!done).month(domain.DatedClosed, m.GetCloseTime()).month(domain.DatedCompleted, m.GetHandleTime())
	})
	keep(out, func(m *routingv1.Plan) attrs {
		return ofChild(m.GetName()).month(domain.DatedCompleted, m.GetCompleteTime())
	})
	keep(out, func(m *routingv1.Finding) attrs { return ofChild(m.GetName()) })
	keep(out, func(m *routingv1.Progress) attrs { return ofChild(m.GetName()) })
	keep(out, func(m *routingv1.Reply) attrs {
		return ofChild(m.GetName()).month(domain.DatedAnswered, m.GetSendTime())
	})
	keep(out, clockAttrs)
	keep(out, claimAttrs)
	keep(out, func(m *correctiveactionv1.Action) attrs {
		return of(m.GetComplaint()).open(m.GetState() == correctiveactionv1.Action_STATE_OPEN || m.GetState() == correctiveactionv1.Action_STATE_IMPLEMENTED)
	})
	keep(out, func(m *notificationv1.Notice) attrs {
		stuck := m.GetState() == notificationv1.Notice_STATE_FAILED || m.GetState() == notificationv1.Notice_STATE_NO_ADDRESS
		return of(m.GetComplaint()).open(stuck && m.GetComplaint() != "")
	})
	keep(out, func(m *notificationv1.FollowUp) attrs {
		return of(m.GetComplaint()).open(m.GetState() == notificationv1.FollowUp_STATE_OPEN).
			month(domain.DatedAsked, m.GetOpenTime()).month(domain.DatedAnswered, m.GetAnswerTime())
	})
	return out
}

// keep adds the index of one kind of state.
func keep[M proto.Message](out map[string]func(proto.Message) []journal.Attr, index func(M) attrs) {
	var zero M
	out[string(zero.ProtoReflect().Descriptor().FullName())] = func(m proto.Message) []journal.Attr {
		if state, ok := m.(M); ok {
			return index(state)
		}
		return nil
	}
}

func clockAttrs(m *clockv1.Clock) attrs {
	out := of(m.GetComplaint()).open(m.GetState() != clockv1.Clock_STATE_STOPPED)
	if m.GetState() == clockv1.Clock_STATE_BREACHED {
		out = append(out, breached())
	}
	return out
}

func claimAttrs(m *compensationv1.Claim) attrs {
	switch m.GetState() {
	case compensationv1.Claim_STATE_PAID, compensationv1.Claim_STATE_REFUSED, compensationv1.Claim_STATE_WITHDRAWN, compensationv1.Claim_STATE_HELD:
		return of(m.GetComplaint())
	default:
		return of(m.GetComplaint()).open(true)
	}
}
