// Package react decides what follows for cases from what happened elsewhere: to
// complaints, claims, corrective actions, notices and follow-ups, and when a clock
// falls due.
//
// Start reading at [Reactor.React], then [Reactor.Fire].
//
// Source: docs/architecture.md, obligations; DESIGN section 4.
package react

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/clocks"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/policy/trigger"
	"example.com/redress/services/routing/internal/app"
	"example.com/redress/services/routing/internal/domain"
)

// Reactor reacts. Safe for concurrent use.
type Reactor struct{ desk *app.Desk }

// New returns a reactor that works at the desk given.
func New(desk *app.Desk) *Reactor { return &Reactor{desk: desk} }

// React decides what follows from an event of another service, whose state was
// projected before. An event that comes before its complaint waits until the
// complaint has come: feeds of different services know no common order.
func (r *Reactor) React(u *journal.Unit, ev *eventv1.Event, change, state proto.Message) error {
	return r.react(u, ev, u.Time(), change, state)
}

func (r *Reactor) react(u *journal.Unit, ev *eventv1.Event, at time.Time, change, state proto.Message) error {
	if c, ok := state.(*intakev1.Complaint); ok {
		if _, made := change.(*intakev1.ComplaintRegistered); made {
			return r.open(u, c, at)
		}
	}
	if g, ok := state.(*compensationv1.Goods); ok {
		return r.goods(u, ev, g, at, change)
	}
	complaint, do := r.consequence(at, change, state)
	if do == nil || complaint == "" {
		return nil
	}
	name := domain.CaseName(complaint)
	if _, err := u.Get(name, &routingv1.Case{}); fault.ReasonOf(err) == journal.ReasonNotFound {
		return wait(u, ev, complaint)
	}
	return r.desk.Act(u, name, "", at, func(a *app.Acting) ([]domain.Trigger, error) { return do(a), nil })
}

// Foresee adds what [Reactor.React] reads of an event of a complaint: this, its case,
// and what waits for that.
func Foresee(w *journal.Work, ev *eventv1.Event, _ *eventv1.EventBody) {
	complaint := ev.GetComplaint()
	if complaint == "" {
		return
	}
	w.Reads = append(w.Reads, complaint, domain.CaseName(complaint))
	if ev.GetType() == string((*intakev1.ComplaintRegistered)(nil).ProtoReflect().Descriptor().FullName()) {
		w.Lookups = append(w.Lookups, journal.Lookup{Kind: waitingKind, Where: journal.Attr{Name: attrComplaint, Value: complaint}})
	}
}

// consequence returns what an event means to the case of which complaint; nil for
// events that mean nothing to a case.
func (r *Reactor) consequence(at time.Time, change, state proto.Message) (complaint string, do func(*app.Acting) []domain.Trigger) {
	switch m := state.(type) {
	case *intakev1.Complaint:
		return m.GetName(), onComplaint(m, at, change)
	case *compensationv1.Claim:
		return m.GetComplaint(), onClaim(m, at, change)
	case *compensationv1.Allocation:
		return m.GetComplaint(), onAllocation(m, at, change)
	case *correctiveactionv1.Action:
		return m.GetComplaint(), onAction(m, at, change)
	case *notificationv1.FollowUp:
		return m.GetComplaint(), onFollowUp(m, at, change)
	case *notificationv1.Notice:
		return m.GetComplaint(), onNotice(m, at, change)
	}
	return "", nil
}

// open makes the case of a complaint and then takes in what came before it.
func (r *Reactor) open(u *journal.Unit, c *intakev1.Complaint, at time.Time) error {
	made, err := r.desk.Open(u, c, at)
	if err != nil || !made {
		return err
	}
	rows, err := u.Projections(waitingKind, journal.Attr{Name: attrComplaint, Value: c.GetName()})
	if err != nil {
		return err
	}
	for _, row := range rows {
		ev := &eventv1.Event{}
		if err := proto.Unmarshal(row.State, ev); err != nil {
			return fmt.Errorf("waiting event %s: %w", row.Name, err)
		}
		body, err := journal.Body(ev)
		if err != nil {
			return err
		}
		change, err := body.GetChange().UnmarshalNew()
		if err != nil {
			return fmt.Errorf("waiting event %s: %w", row.Name, err)
		}
		state, err := body.GetState().UnmarshalNew()
		if err != nil {
			return fmt.Errorf("waiting event %s: %w", row.Name, err)
		}
		if err := r.react(u, ev, body.GetOccurTime().AsTime(), change, state); err != nil {
			return err
		}
		if err := u.DeleteProjection(row.Name); err != nil {
			return err
		}
	}
	return nil
}

// Events that wait for their complaint are kept beside the projections.
const (
	waitingKind   = "waiting/*"
	attrComplaint = "complaint"
)

// wait keeps an event until its complaint has come.
func wait(u *journal.Unit, ev *eventv1.Event, complaint string) error {
	name := fmt.Sprintf("waiting/%s-%04d-%020d", ev.GetService(), ev.GetShard(), ev.GetSequence())
	return u.SetProjection(name, waitingKind, 1, ev, journal.Attr{Name: attrComplaint, Value: complaint})
}

func onComplaint(c *intakev1.Complaint, at time.Time, change proto.Message) func(*app.Acting) []domain.Trigger {
	switch change.(type) {
	case *intakev1.ComplaintUpdated, *intakev1.FormFilled, *intakev1.ComplaintVerified:
		return func(a *app.Acting) []domain.Trigger {
			a.FactsChanged(c)
			if _, verified := change.(*intakev1.ComplaintVerified); verified {
				a.Verified()
			}
			a.Recompute(a.Sheet())
			triggers := of(change, c, domain.Trigger{At: at})
			for i := range triggers {
				if triggers[i].Event == policyv1.Event_EVENT_FORM_FILLED && len(c.GetForms()) > 0 {
					triggers[i].By = c.GetForms()[len(c.GetForms())-1].GetPrincipal()
				}
			}
			return triggers
		}
	case *intakev1.ComplaintWithdrawn:
		return func(a *app.Acting) []domain.Trigger {
			a.Withdraw()
			return of(change, c, domain.Trigger{At: at})
		}
	}
	return onFinding(c, at, change)
}

func onClaim(c *compensationv1.Claim, at time.Time, change proto.Message) func(*app.Acting) []domain.Trigger {
	key := c.GetObligation()
	if key == "" {
		key = c.GetName()
	}
	return func(a *app.Acting) []domain.Trigger {
		switch change.(type) {
		case *compensationv1.ClaimApproved:
			a.Approved(c.GetApproval())
			a.OweTelephonePapers(c.GetApproval(), a.Sheet())
		case *compensationv1.ClaimPaid:
			a.Discharge(key, typev1.Obligation_STATE_DONE)
			a.MeasureDone(key)
		case *compensationv1.ClaimRefused:
			a.Discharge(key, typev1.Obligation_STATE_REFUSED)
			a.MeasureRefused(key)
		case *compensationv1.ClaimWithdrawn:
			a.Discharge(key, typev1.Obligation_STATE_WITHDRAWN)
			a.MeasureRefused(key)
		}
		return of(change, c, domain.Trigger{At: at, Resource: c.GetName(), Subject: c, Approval: c.GetApproval()})
	}
}

func onAction(c *correctiveactionv1.Action, at time.Time, change proto.Message) func(*app.Acting) []domain.Trigger {
	key := c.GetObligation()
	if key == "" {
		key = c.GetName()
	}
	return func(a *app.Acting) []domain.Trigger {
		switch change.(type) {
		case *correctiveactionv1.ActionOpened:
			if c.GetObligation() == "" {
				a.OweAction(c.GetName(), c.GetPolicyKind())
			}
		case *correctiveactionv1.ActionImplemented:
			a.MeasureDone(key)
		case *correctiveactionv1.ActionVerified:
			if c.GetState() == correctiveactionv1.Action_STATE_VERIFIED {
				a.Discharge(key, typev1.Obligation_STATE_DONE)
			}
		case *correctiveactionv1.ActionClosed:
			a.Discharge(key, typev1.Obligation_STATE_DONE)
		case *correctiveactionv1.ActionCancelled:
			a.Discharge(key, typev1.Obligation_STATE_WITHDRAWN)
			a.MeasureCancelled(key)
		}
		return of(change, c, domain.Trigger{At: at, Resource: c.GetName(), Subject: c})
	}
}

func onFollowUp(f *notificationv1.FollowUp, at time.Time, change proto.Message) func(*app.Acting) []domain.Trigger {
	return func(a *app.Acting) []domain.Trigger {
		switch change.(type) {
		case *notificationv1.FollowUpAnswered:
			if a.Answered(f.GetName(), f.GetSatisfied(), f.GetRound(), f.GetAnswerTime().AsTime()) {
				return of(change, f, domain.Trigger{At: at, Resource: f.GetName(), Subject: f})
			}
		case *notificationv1.FollowUpCancelled:
			a.Discharge(f.GetName(), typev1.Obligation_STATE_WITHDRAWN)
		}
		return nil
	}
}

func onNotice(n *notificationv1.Notice, at time.Time, change proto.Message) func(*app.Acting) []domain.Trigger {
	switch change.(type) {
	case *notificationv1.NoticeIssued, *notificationv1.NoticeAnswered:
	default:
		return nil
	}
	return func(a *app.Acting) []domain.Trigger {
		a.NoticeIssued(n.GetKind())
		return of(change, n, domain.Trigger{At: at, Resource: n.GetName(), Subject: n})
	}
}

// of returns what an event means to the pack, each as base says otherwise.
func of(change, state proto.Message, base domain.Trigger) []domain.Trigger {
	var out []domain.Trigger
	for _, t := range trigger.Of(change, state) {
		base.Trigger = t
		out = append(out, base)
	}
	return out
}

// Fire does what falls on the timer of a case's clock, notes a breach in the case
// and lets follow what the pack says about it. A stale timer has no effect.
func (r *Reactor) Fire(u *journal.Unit, t journal.Timer) error {
	c, changes, err := clocks.Fire(u, t)
	if err != nil || c == nil {
		return err
	}
	return r.desk.ClockChanged(u, c, changes)
}
