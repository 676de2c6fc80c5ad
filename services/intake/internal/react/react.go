// Package react decides what follows for complaints from what happened elsewhere.
package react

import (
	"google.golang.org/protobuf/proto"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/intake/internal/domain"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
)

// React closes and archives the complaint of a case that was closed; nothing
// else concerns intake. Source: P26 (六).
func React(u *journal.Unit, _ *eventv1.Event, change, state proto.Message) error {
	if _, ok := change.(*routingv1.CaseClosed); !ok {
		return nil
	}
	kase, ok := state.(*routingv1.Case)
	if !ok {
		return nil
	}
	c := &intakev1.Complaint{}
	if _, err := u.Get(kase.GetComplaint(), c); err != nil {
		if fault.KindOf(err) == fault.NotFound {
			return nil // a case of another store's complaint: nothing of ours
		}
		return err
	}
	closed := domain.Close(c, u.Time())
	if closed == nil {
		return nil
	}
	if err := u.Update(c.GetName(), closed, &intakev1.ComplaintClosed{}); err != nil {
		return err
	}
	return u.Update(c.GetName(), domain.Archive(closed, u.Time()), &intakev1.ComplaintArchived{})
}
