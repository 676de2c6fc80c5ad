package react

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/routing/internal/app"
	"example.com/redress/services/routing/internal/domain"
)

// goods lets follow for a case what happens to goods on their way back: that of their
// complaint, or the return file of goods that none is linked to.
//
// Source: PROCEDURES P27 4.5, P27-A10.
func (r *Reactor) goods(u *journal.Unit, ev *eventv1.Event, g *compensationv1.Goods, at time.Time, change proto.Message) error {
	if _, made := change.(*compensationv1.GoodsReported); made && g.GetComplaint() == "" {
		if err := r.desk.OpenReturn(u, g, at); err != nil {
			return err
		}
	}
	name := g.GetCase()
	if _, err := u.Get(name, &routingv1.Case{}); fault.ReasonOf(err) == journal.ReasonNotFound {
		if g.GetComplaint() == "" {
			return nil
		}
		return wait(u, ev, g.GetComplaint())
	}
	return r.desk.Act(u, name, "", at, func(a *app.Acting) ([]domain.Trigger, error) {
		a.Concern(g)
		if _, granted := change.(*compensationv1.GoodsAuthorised); granted {
			a.Approved(g.GetApproval())
			a.OweTelephonePapers(g.GetApproval(), a.Sheet())
		}
		a.Recompute(a.Sheet())
		return of(change, g, domain.Trigger{At: at, Resource: g.GetName(), Subject: g, Approval: approvalOf(change, g)}), nil
	})
}

// approvalOf is the approval that an event is about, nil for the others.
func approvalOf(change proto.Message, g *compensationv1.Goods) *typev1.Approval {
	switch change.(type) {
	case *compensationv1.GoodsPutForward, *compensationv1.GoodsSigned, *compensationv1.GoodsAuthorised, *compensationv1.GoodsRefused:
		return g.GetApproval()
	}
	return nil
}

// onAllocation returns what the shares of a loss mean to a case: they mark it, and what
// the pack says follows.
func onAllocation(m *compensationv1.Allocation, at time.Time, change proto.Message) func(*app.Acting) []domain.Trigger {
	return func(a *app.Acting) []domain.Trigger {
		if _, allocated := change.(*compensationv1.LiabilityAllocated); allocated {
			a.MarkAs(slices.Clone(m.GetMarks()))
		}
		return of(change, m, domain.Trigger{At: at, Resource: m.GetName(), Subject: m})
	}
}
