// Package react lets events of the other services lead to notices and follow-ups.
//
// Feeds of different services know no common order. An event that lacks something
// (its complaint, the case, the pack's revision, a fact of the pack) is kept beside
// the projections and considered again when the missing thing has come; what was
// done for it before is not done twice. Start reading at [Reactor.React].
//
// Source: DESIGN section 4; SERVICES (order independence).
package react

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/notification/internal/app"
)

// Reactor reacts. Safe for concurrent use.
type Reactor struct{ desk *app.Desk }

// New returns a reactor that works at the desk given.
func New(desk *app.Desk) *Reactor { return &Reactor{desk: desk} }

// React decides what follows from an event whose state was projected before.
func (r *Reactor) React(u *journal.Unit, ev *eventv1.Event, change, state proto.Message) error {
	if m, ok := state.(*policyv1.Revision); ok {
		if err := touch(u, m.GetName()); err != nil {
			return err
		}
		if m.GetState() == policyv1.Revision_STATE_ACTIVE {
			if err := r.desk.OpenCampaigns(u, m.GetName()); err != nil {
				return err
			}
		}
		return r.again(u, attrRevision, m.GetName())
	}
	o := occasion(ev, u.Time(), change, state, true)
	complaint := o.Complaint()
	if complaint == "" {
		if app.Concerns(o) {
			return r.consider(u, ev, o)
		}
		return nil
	}
	if brings(change, state) {
		if err := touch(u, complaint); err != nil {
			return err
		}
	}
	if app.Concerns(o) {
		if err := r.consider(u, ev, o); err != nil {
			return err
		}
	}
	return r.again(u, attrComplaint, complaint)
}

// Foresee adds what [Reactor.React] reads of an event of a complaint.
func Foresee(w *journal.Work, ev *eventv1.Event, _ *eventv1.EventBody) {
	complaint := ev.GetComplaint()
	if complaint == "" {
		return
	}
	w.Reads = append(w.Reads, complaint, app.CaseName(complaint), directory.VersionRow)
	w.Creates = append(w.Creates, waitingName(seed(ev)))
	w.Tallies = append(w.Tallies, order+complaint)
	w.Lookups = append(w.Lookups, journal.Lookup{Kind: waitingKind, Where: journal.Attr{Name: attrComplaint, Value: complaint}})
	if ev.GetType() == string((*intakev1.ComplaintRegistered)(nil).ProtoReflect().Descriptor().FullName()) { // most packs write to the customer then
		w.Lookups = append(w.Lookups, app.Issuing(complaint)...)
	}
}

// brings reports whether an event brings what others may wait for: the complaint
// and its facts, or the case.
func brings(change, state proto.Message) bool {
	_, complaint := state.(*intakev1.Complaint)
	_, kase := change.(*routingv1.CaseOpened)
	return complaint || kase
}

func occasion(ev *eventv1.Event, at time.Time, change, state proto.Message, first bool) app.Occasion {
	return app.Occasion{Seed: seed(ev), At: at, Change: change, State: state, First: first}
}

func seed(ev *eventv1.Event) string {
	return fmt.Sprintf("%s/%d/%d", ev.GetService(), ev.GetShard(), ev.GetSequence())
}

func waitingName(seed string) string { return "waiting/" + seed }

// consider lets follow what can, and keeps the event as long as something is missing.
func (r *Reactor) consider(u *journal.Unit, ev *eventv1.Event, o app.Occasion) error {
	need, err := r.desk.Consider(u, o)
	if err != nil {
		return err
	}
	name := waitingName(o.Seed)
	switch {
	case need.Nothing() && !o.First:
		return u.DeleteProjection(name)
	case need.Nothing():
		return nil
	}
	var attrs []journal.Attr
	if o.Complaint() != "" {
		attrs = append(attrs, journal.Attr{Name: attrComplaint, Value: o.Complaint()})
	}
	if need.Revision != "" {
		attrs = append(attrs, journal.Attr{Name: attrRevision, Value: need.Revision})
	}
	for _, a := range attrs {
		if err := touch(u, a.Value); err != nil {
			return err
		}
	}
	return u.SetProjection(name, waitingKind, 1, ev, attrs...)
}

// Events that wait are kept beside the projections.
const (
	waitingKind   = "waiting/*/*/*"
	attrComplaint = "complaint"
	attrRevision  = "revision"
)

// again considers the events that wait for something which has just changed.
func (r *Reactor) again(u *journal.Unit, attr, value string) error {
	rows, err := u.Projections(waitingKind, journal.Attr{Name: attr, Value: value})
	if err != nil || len(rows) == 0 {
		return err
	}
	for _, row := range rows {
		ev := &eventv1.Event{}
		if err := proto.Unmarshal(row.State, ev); err != nil {
			return fmt.Errorf("%s: %w", row.Name, err)
		}
		body, err := journal.Body(ev)
		if err != nil {
			return fmt.Errorf("%s: %w", row.Name, err)
		}
		change, err := body.GetChange().UnmarshalNew()
		if err != nil {
			return fmt.Errorf("%s: %w", row.Name, err)
		}
		state, err := body.GetState().UnmarshalNew()
		if err != nil {
			return fmt.Errorf("%s: %w", row.Name, err)
		}
		if err := r.consider(u, ev, occasion(ev, body.GetOccurTime().AsTime(), change, state, false)); err != nil {
			return err
		}
	}
	return nil
}

// order begins the keys of touch.
const order = "order/"

// touch makes who begins to wait for something and who brings it notice each other,
// should they decide at the same time in transactions of their own: one of them then
// decides again. Source: DESIGN section 3 (tallies).
func touch(u *journal.Unit, what string) error {
	count := &wrapperspb.Int64Value{}
	if err := u.Tally(order+what, count); err != nil {
		return err
	}
	return u.SetTally(order+what, wrapperspb.Int64(count.GetValue()+1))
}
