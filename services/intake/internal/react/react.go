// Package react decides what follows for complaints from what happened elsewhere.
package react

import (
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/intake/internal/domain"
	"example.com/redress/services/intake/internal/search"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/policy/revisions"
)

// Reactor reacts. Safe for concurrent use.
type Reactor struct {
	policies *revisions.Revisions
	index    *search.Index
	asks     sync.Map // by revision: whether rules about the record read the case
}

// New returns a reactor that takes its policies from the cache given.
func New(policies *revisions.Revisions, index *search.Index) *Reactor {
	return &Reactor{policies: policies, index: index}
}

// cases is the pattern of what is kept of routing.
const cases = "cases/*"

// React closes and archives the complaint of a case that was closed, and keeps
// the case where rules about the record read it. Of intake's own events it makes the
// texts of complaints findable. Nothing else concerns it.
// Source: P26 (六); docs/adr/0014.
func (r *Reactor) React(u *journal.Unit, ev *eventv1.Event, change, state proto.Message) error {
	if _, ok := state.(*intakev1.Complaint); ok {
		return r.index.Follow(u, ev.GetResource(), ev.GetVersion())
	}
	k, ok := state.(*routingv1.Case)
	if !ok {
		return nil
	}
	if _, closed := change.(*routingv1.CaseClosed); !closed {
		return r.keep(u, ev, k)
	}
	c := &intakev1.Complaint{}
	if _, err := u.Get(k.GetComplaint(), c); err != nil {
		if fault.KindOf(err) == fault.NotFound {
			return nil // a case of another store's complaint, or of none: nothing of ours
		}
		return err
	}
	if err := u.DeleteProjection(k.GetName()); err != nil {
		return err
	}
	closed := domain.Close(c, k.GetCloseOutcome(), u.Time())
	if closed == nil {
		return nil
	}
	if c.GetState() != intakev1.Complaint_STATE_CLOSED {
		if err := u.Update(c.GetName(), closed, &intakev1.ComplaintClosed{}); err != nil {
			return err
		}
	}
	return u.Update(c.GetName(), domain.Archive(closed, u.Time()), &intakev1.ComplaintArchived{})
}

// keep stores the case where the pack asks for it. What packs ask for is looked up
// once: a revision never changes.
func (r *Reactor) keep(u *journal.Unit, ev *eventv1.Event, k *routingv1.Case) error {
	revision := k.GetPolicyRevision()
	asks, known := r.asks.Load(revision)
	if !known {
		p, err := r.policies.Get(revisions.Unit{U: u}, revision)
		if fault.KindOf(err) == fault.NotFound {
			return nil // the revision has not come yet: nobody can act under it here
		}
		if err != nil {
			return err
		}
		asks = domain.AsksForCase(p)
		r.asks.Store(revision, asks)
	}
	if asks != true || strings.Count(k.GetName(), "/") != 1 {
		return nil
	}
	return u.SetProjection(k.GetName(), cases, ev.GetVersion(), k)
}
