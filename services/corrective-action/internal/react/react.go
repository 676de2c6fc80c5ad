// Package react decides what follows for actions from what happened elsewhere: plans
// and rules of the pack that owe actions, and people who are erased. An action on a
// complaint that is withdrawn goes on: what is wrong at the root stays wrong.
//
// Start reading at [Reactor.React].
//
// Source: docs/architecture.md, obligations; DESIGN section 4.
package react

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/corrective-action/internal/app"
	"example.com/redress/services/corrective-action/internal/domain"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/sheet"
	"example.com/redress/services/policy/trigger"
)

// name under which the service acts.
const principal = "services/corrective-action"

// Reactor reacts. Safe for concurrent use.
type Reactor struct {
	desk  *app.Desk
	shard func(key string) int
}

// New returns a reactor; shard is that of a complaint in the service's store.
func New(desk *app.Desk, shard func(key string) int) *Reactor {
	return &Reactor{desk: desk, shard: shard}
}

// React decides what follows from an event of another service. An event that comes
// before its complaint, or before the policy that falls under, waits for both: feeds of
// different services and shards know no common order.
func (r *Reactor) React(u *journal.Unit, ev *eventv1.Event, change, state proto.Message) error {
	if s, ok := state.(*intakev1.DataSubject); ok {
		if _, erased := change.(*intakev1.PersonErased); erased && ev.GetService() == keeper {
			return erase(u, s)
		}
		return nil
	}
	if ev.GetComplaint() == "" {
		return nil
	}
	if err := r.again(u, ev.GetComplaint()); err != nil {
		return err
	}
	err := r.react(u, ev, u.Time(), change, state)
	if fault.KindOf(err) == fault.NotFound {
		return wait(u, ev)
	}
	return err
}

// react opens what the event owes. RESOURCE_NOT_FOUND if complaint or policy are
// missing; then nothing was opened.
func (r *Reactor) react(u *journal.Unit, ev *eventv1.Event, at time.Time, change, state proto.Message) error {
	plan := started(change, state)
	triggers := trigger.Of(change, state)
	if plan == nil && len(triggers) == 0 {
		return nil
	}
	act, on, err := r.desk.Act(u, ev.GetComplaint(), "", app.Actor{Principal: principal, Now: at})
	if err != nil {
		return err
	}
	for _, m := range plan.GetMeasures() {
		if m.GetKind() != routingv1.Measure_KIND_CORRECTIVE_ACTION || m.GetObligation() == "" {
			continue
		}
		if err := r.open(u, m.GetObligation(), domain.Identity{Obligation: m.GetObligation(), PolicyKind: m.GetActionKind()}, on, &correctiveactionv1.Action{
			Description: m.GetDescription(), Department: m.GetDepartment(), Owner: m.GetPerson(), DueTime: m.GetDueTime(),
		}, act); err != nil {
			return err
		}
	}
	if len(act.Policy.Rules().GetCorrectiveAction()) == 0 {
		return nil
	}
	for _, t := range triggers {
		effects := act.Policy.On(strings.TrimPrefix(t.Event.String(), "EVENT_"), t.ID, scope(act.Sheet, state))
		for _, kind := range effects.OpenActions {
			cause := fmt.Sprintf("%s@%d#%s", ev.GetResource(), ev.GetVersion(), kind.GetId())
			if err := r.open(u, cause, domain.Identity{PolicyKind: kind.GetId()}, on, &correctiveactionv1.Action{}, act); err != nil {
				return err
			}
		}
	}
	return nil
}

// started returns the plan that begins, or nil.
func started(change, state proto.Message) *routingv1.Plan {
	if _, ok := change.(*routingv1.PlanStarted); !ok {
		return nil
	}
	p, _ := state.(*routingv1.Plan)
	return p
}

// scope adds what the event brings to what is known of the complaint.
func scope(s *policy.Sheet, state proto.Message) *policy.Sheet {
	switch m := state.(type) {
	case *routingv1.Plan:
		return sheet.WithPlan(s, m)
	case *routingv1.Reply:
		return sheet.WithReply(s, m)
	case *clockv1.Clock:
		return sheet.WithClock(s, m)
	}
	return s
}

// open opens one action under a name derived from its cause, so that it can be asked
// for at once and comes into being once.
func (r *Reactor) open(u *journal.Unit, cause string, id domain.Identity, on *intakev1.Complaint, in *correctiveactionv1.Action, act domain.Act) error {
	id.Name = "actions/" + uuid.NewSHA1(uuid.NameSpaceURL, []byte(cause)).String()
	if _, err := u.Get(id.Name, &correctiveactionv1.Action{}); fault.KindOf(err) != fault.NotFound {
		return err
	}
	var err error
	if id.Number, err = app.Number(u, act.Policy.Calendar().Location(), r.shard(on.GetName())); err != nil {
		return err
	}
	return app.Open(u, domain.Owe(id, on, in, act), act.Policy)
}

// Events that wait are kept beside the projections.
const waitingKind = "waiting/*"

func wait(u *journal.Unit, ev *eventv1.Event) error {
	name := fmt.Sprintf("waiting/%s-%04d-%020d", ev.GetService(), ev.GetShard(), ev.GetSequence())
	return u.SetProjection(name, waitingKind, 1, ev, journal.Attr{Name: app.AttrComplaint, Value: ev.GetComplaint()})
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
		if err := r.react(u, ev, body.GetOccurTime().AsTime(), change, state); err != nil {
			if fault.KindOf(err) == fault.NotFound {
				return nil // it waits on
			}
			return err
		}
		if err := u.DeleteProjection(row.Name); err != nil {
			return err
		}
	}
	return nil
}
