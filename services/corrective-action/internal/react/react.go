// Package react decides what follows for actions from what happened elsewhere: plans
// and rules of the pack that owe actions. An action on a complaint that is withdrawn goes on: what is wrong at the root stays wrong.
//
// Start reading at [Reactor.React].
//
// Source: docs/architecture.md, obligations; DESIGN section 4.
package react

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/corrective-action/internal/app"
	"example.com/redress/services/corrective-action/internal/domain"
	"example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/policy/sheet"
	"example.com/redress/services/policy/trigger"
)

// Reactor reacts. Safe for concurrent use.
type Reactor struct{ desk *app.Desk }

// New returns a reactor that works at the desk given.
func New(desk *app.Desk) *Reactor { return &Reactor{desk: desk} }

// React decides what follows from an event of another service. An event that comes
// before its complaint, or before the policy that falls under, waits for both: feeds of
// different services and shards know no common order. What the pack cannot decide for
// want of a fact waits until the next event of the complaint.
func (r *Reactor) React(u *journal.Unit, ev *eventv1.Event, change, state proto.Message) error {
	_, revision := state.(*policyv1.Revision)
	if ev.GetComplaint() != "" || revision {
		if err := r.again(u, ev.GetComplaint()); err != nil {
			return err
		}
	}
	waits, err := r.react(u, ev, u.Time(), change, state)
	if fault.KindOf(err) == fault.NotFound || err == nil && waits {
		return wait(u, ev)
	}
	return err
}

// Foresee adds what [Reactor.React] reads of an event of a complaint.
func Foresee(w *journal.Work, ev *eventv1.Event, _ *eventv1.EventBody) {
	w.Reads = append(w.Reads, directory.VersionRow)
	w.Creates = append(w.Creates, waitingName(ev))
	if complaint := ev.GetComplaint(); complaint != "" {
		w.Reads = append(w.Reads, complaint, app.CaseOf(complaint))
		w.Lookups = append(w.Lookups, journal.Lookup{Kind: waitingKind, Where: journal.Attr{Name: app.AttrComplaint, Value: complaint}})
	}
}

// react lets follow what the event owes; waits tells that something cannot be decided
// yet. RESOURCE_NOT_FOUND if complaint or policy are missing; then nothing was done.
func (r *Reactor) react(u *journal.Unit, ev *eventv1.Event, at time.Time, change, state proto.Message) (waits bool, err error) {
	plan := started(change, state)
	triggers := trigger.Of(change, state)
	if plan == nil && len(triggers) == 0 && trigger.Found(change, state) == "" {
		return false, nil
	}
	complaint, revision := ev.GetComplaint(), ""
	if complaint == "" {
		of, ok := state.(interface{ GetPolicyRevision() string })
		if !ok || of.GetPolicyRevision() == "" {
			return false, nil
		}
		revision = of.GetPolicyRevision()
	}
	sc, err := r.desk.Scene(u, complaint, revision, at)
	if err != nil {
		return false, err
	}
	for _, m := range plan.GetMeasures() {
		if m.GetKind() != routingv1.Measure_KIND_CORRECTIVE_ACTION || m.GetObligation() == "" {
			continue
		}
		if err := r.desk.Owe(u, sc, m.GetObligation(), domain.Identity{Obligation: m.GetObligation(), PolicyKind: m.GetActionKind()}, &correctiveactionv1.Action{
			Description: m.GetDescription(), Department: m.GetDepartment(), Owner: m.GetPerson(), DueTime: m.GetDueTime(),
		}); err != nil {
			return false, err
		}
	}
	sc = scope(sc, change, state)
	sc.Cause, sc.Source, sc.Outside = ev.GetResource(), fmt.Sprintf("%s@%d", ev.GetResource(), ev.GetVersion()), complaint == ""
	if f, ok := state.(*notificationv1.FollowUp); ok && len(f.GetBadItems()) > 0 {
		if err := r.desk.BadItems(u, sc, f); err != nil {
			return false, err
		}
	}
	for _, t := range triggers {
		pending, err := r.desk.Follow(u, sc, t)
		if err != nil {
			return false, err
		}
		waits = waits || pending
	}
	pending, err := r.desk.Found(u, sc, trigger.Found(change, state))
	return waits || pending, err
}

// started returns the plan that begins, or nil.
func started(change, state proto.Message) *routingv1.Plan {
	if _, ok := change.(*routingv1.PlanStarted); !ok {
		return nil
	}
	p, _ := state.(*routingv1.Plan)
	return p
}

// scope adds what the event brings to what is known, and at whom a count stands.
func scope(sc *app.Scene, change, state proto.Message) *app.Scene {
	s := sc.Sheet
	switch m := state.(type) {
	case *routingv1.Plan:
		s = sheet.WithPlan(s, m)
	case *routingv1.Reply:
		s = sheet.WithReply(s, m)
	case *routingv1.Offer:
		s = sheet.WithOffer(s, m)
	case *routingv1.News:
		s = sheet.WithNews(s, m)
	case *routingv1.CaseApproval:
		s = sheet.WithCaseApproval(s, m)
	case *clockv1.Clock:
		s = sheet.WithClock(s, m)
	case *compensationv1.Claim:
		s = sheet.WithClaim(s, m)
	case *compensationv1.Goods:
		s = sheet.WithGoods(s, m)
	case *compensationv1.Allocation:
		s = sheet.WithAllocation(s, m)
	case *notificationv1.FollowUp:
		s = sheet.WithFollowUp(s, m)
	case *notificationv1.Notice:
		s = sheet.WithNotice(s, m)
	case *reportingv1.Watched:
		next := counted(sc, map[string]string{"person": m.GetPer(), "unit": m.GetPer()})
		next.Period = m.GetPeriod()
		return next
	case *intakev1.Praise:
		return sc.With(sheet.WithPraise(s, m)).Count(m.GetEmployee(), m.GetDepartment())
	}
	switch c := change.(type) {
	case *intakev1.ComplaintRepeated:
		s = sheet.WithRepeat(s, c)
	case *intakev1.FormFilled:
		s = sheet.WithForm(s, c.GetForm(), "")
	case *routingv1.StepChanged:
		s = sheet.WithStep(s, c.GetStep(), "")
	case *intakev1.CounterReached:
		return counted(sc.With(s), c.GetKey())
	}
	return sc.With(s)
}

// counted is the scene of a count by its key: a person or department among the fields
// it is kept by.
func counted(sc *app.Scene, key map[string]string) *app.Scene {
	for _, field := range []string{"employee", "person"} {
		if name := key[field]; strings.HasPrefix(name, "people/") {
			return sc.Count(name, sc.Party(name, "").Department)
		}
	}
	for _, field := range []string{"department", "unit", "respondent"} {
		if code := key[field]; code != "" {
			return sc.Count("departments/"+strings.TrimPrefix(code, "departments/"), "")
		}
	}
	return sc
}

// Events that wait are kept beside the projections.
const waitingKind = "waiting/*"

func waitingName(ev *eventv1.Event) string {
	return fmt.Sprintf("waiting/%s-%04d-%020d", ev.GetService(), ev.GetShard(), ev.GetSequence())
}

func wait(u *journal.Unit, ev *eventv1.Event) error {
	return u.SetProjection(waitingName(ev), waitingKind, 1, ev, journal.Attr{Name: app.AttrComplaint, Value: ev.GetComplaint()})
}

// again takes up the events of the complaint that waited, as of when they happened.
func (r *Reactor) again(u *journal.Unit, complaint string) error {
	rows, err := u.Projections(waitingKind, journal.Attr{Name: app.AttrComplaint, Value: complaint})
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
		waits, err := r.react(u, ev, body.GetOccurTime().AsTime(), change, state)
		if fault.KindOf(err) == fault.NotFound {
			return nil // it waits on
		}
		if err != nil {
			return err
		}
		if waits {
			continue
		}
		if err := u.DeleteProjection(row.Name); err != nil {
			return err
		}
	}
	return nil
}
