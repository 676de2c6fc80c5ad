// Package trigger names, in the words of policy packs, what an event of the
// suite means: ComplaintVerified is COMPLAINT_VERIFIED, a met response clock is
// CLOCK_MET response. It is the one table between the journal's events and the
// closed list that packs may react to.
//
// Start reading at [Of].
//
// Source: PACK-SKETCH 2.4.
package trigger

import (
	"google.golang.org/protobuf/proto"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
)

// Trigger is an event as packs name it.
type Trigger struct {
	// Event is one of the closed list.
	Event policyv1.Event
	// ID narrows it to one step, clock, approval, form, notice or kind of action; empty where there is none.
	ID string
}

// Of returns what a change means to packs, in the order it takes effect; nothing
// for changes that packs cannot react to. state is the resource after the change.
// It is pure and safe for concurrent use.
func Of(change, state proto.Message) []Trigger {
	switch c := change.(type) {
	case *intakev1.ComplaintRegistered:
		return of(policyv1.Event_EVENT_COMPLAINT_RECEIVED, policyv1.Event_EVENT_COMPLAINT_REGISTERED)
	case *intakev1.FormFilled:
		return one(policyv1.Event_EVENT_FORM_FILLED, c.GetForm())
	case *intakev1.ComplaintVerified:
		return of(policyv1.Event_EVENT_COMPLAINT_VERIFIED)
	case *intakev1.ComplaintWithdrawn:
		return of(policyv1.Event_EVENT_COMPLAINT_WITHDRAWN)
	case *clockv1.ClockChanged:
		return ofClock(c, state)
	case *notificationv1.NoticeIssued:
		return one(policyv1.Event_EVENT_NOTICE_ISSUED, as[*notificationv1.Notice](state).GetKind())
	case *notificationv1.NoticeAnswered:
		return one(policyv1.Event_EVENT_NOTICE_ANSWERED, as[*notificationv1.Notice](state).GetKind())
	case *reportingv1.WatchTripped:
		return one(policyv1.Event_EVENT_WATCH_TRIPPED, as[*reportingv1.Watched](state).GetWatch())
	case *notificationv1.FollowUpAnswered:
		return one(policyv1.Event_EVENT_FOLLOW_UP_ANSWERED, as[*notificationv1.FollowUp](state).GetKind())
	}
	if t := ofIntake(change); t != nil {
		return t
	}
	if t := ofCase(change, state); t != nil {
		return t
	}
	if t := ofHandling(change, state); t != nil {
		return t
	}
	if t := ofClaim(change, state); t != nil {
		return t
	}
	if t := ofCompensation(change, state); t != nil {
		return t
	}
	return ofAction(change, state)
}

// Found returns the rule of the pack that a change found to apply and that no event names: a window
// that closed, an outside case, a tree that ended without a diagnosis; empty for none. state is the
// resource after the change.
func Found(change, state proto.Message) string {
	switch c := change.(type) {
	case *intakev1.ComplaintJudged:
		return c.GetRule()
	case *intakev1.ComplaintOutside:
		return c.GetOutside()
	case *routingv1.CaseDiagnosed:
		if c.GetDiagnosis() == "" {
			return as[*routingv1.Case](state).GetDiagnosis().GetTree()
		}
	}
	return ""
}

func ofCase(change, state proto.Message) []Trigger {
	switch c := change.(type) {
	case *routingv1.GradeSet:
		return of(policyv1.Event_EVENT_GRADE_SET)
	case *routingv1.DepartmentsAssigned:
		return of(policyv1.Event_EVENT_CASE_DEPARTMENT_ASSIGNED)
	case *routingv1.OwnerNamed:
		return of(policyv1.Event_EVENT_CASE_OWNER_NAMED)
	case *routingv1.StageEntered:
		return one(policyv1.Event_EVENT_CASE_STAGE_ENTERED, as[*routingv1.Case](state).GetStage())
	case *routingv1.CauseRecorded:
		return of(policyv1.Event_EVENT_CASE_CAUSE_RECORDED)
	case *routingv1.StepChanged:
		if c.GetState() != routingv1.Step_STATE_DONE {
			return nil
		}
		return one(policyv1.Event_EVENT_STEP_DONE, c.GetStep())
	case *routingv1.PlanProposed:
		asked := as[*routingv1.Plan](state).GetApproval()
		t := of(policyv1.Event_EVENT_PLAN_PROPOSED)
		if asked != nil {
			t = append(t, Trigger{policyv1.Event_EVENT_APPROVAL_ASKED, asked.GetId()})
		}
		return t
	case *routingv1.PlanApproved:
		return one(policyv1.Event_EVENT_APPROVAL_GRANTED, as[*routingv1.Plan](state).GetApproval().GetId())
	case *routingv1.MeasureCompleted:
		return of(policyv1.Event_EVENT_MEASURE_CARRIED_OUT)
	case *routingv1.PlanCarriedOut:
		return of(policyv1.Event_EVENT_PLAN_CARRIED_OUT)
	case *routingv1.ReplySent:
		return of(policyv1.Event_EVENT_REPLY_SENT)
	case *routingv1.RoundStarted:
		return of(policyv1.Event_EVENT_CASE_ROUND_STARTED)
	case *routingv1.CaseClosed:
		return of(policyv1.Event_EVENT_CASE_CLOSED)
	}
	return nil
}

func ofClaim(change, state proto.Message) []Trigger {
	approval := as[*compensationv1.Claim](state).GetApproval().GetId()
	switch change.(type) {
	case *compensationv1.ClaimRequested:
		t := of(policyv1.Event_EVENT_CLAIM_REQUESTED)
		if approval != "" {
			t = append(t, Trigger{policyv1.Event_EVENT_APPROVAL_ASKED, approval})
		}
		return t
	case *compensationv1.ClaimApproved:
		return one(policyv1.Event_EVENT_APPROVAL_GRANTED, approval)
	case *compensationv1.ClaimRefused:
		return one(policyv1.Event_EVENT_APPROVAL_REFUSED, approval)
	case *compensationv1.ClaimPaid:
		return of(policyv1.Event_EVENT_CLAIM_PAID)
	}
	return nil
}

func ofClock(c *clockv1.ClockChanged, state proto.Message) []Trigger {
	kind := as[*clockv1.Clock](state).GetKind()
	switch c.GetKind() {
	case clockv1.ClockChanged_KIND_WARNED:
		return one(policyv1.Event_EVENT_CLOCK_WARNED, kind)
	case clockv1.ClockChanged_KIND_BREACHED:
		return one(policyv1.Event_EVENT_CLOCK_BREACHED, kind)
	case clockv1.ClockChanged_KIND_LATE:
		return one(policyv1.Event_EVENT_CLOCK_LATE, kind)
	case clockv1.ClockChanged_KIND_MET:
		return one(policyv1.Event_EVENT_CLOCK_MET, kind)
	}
	return nil
}

func of(events ...policyv1.Event) []Trigger {
	out := make([]Trigger, len(events))
	for i, e := range events {
		out[i].Event = e
	}
	return out
}

func one(event policyv1.Event, id string) []Trigger { return []Trigger{{event, id}} }

// as returns m as T, or an empty T.
func as[T proto.Message](m proto.Message) T {
	t, _ := m.(T)
	return t
}
