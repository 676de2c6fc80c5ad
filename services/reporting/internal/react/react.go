// Package react keeps what follows from the events of the other services: the
// timeline of complaints, and that their work is to be queued anew.
package react

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/reporting/internal/domain"
	"example.com/redress/services/reporting/internal/queue"
	"example.com/redress/services/reporting/internal/view"
)

// React returns what stores what happened in the timeline of its complaint and tells
// heard of it, and open of a pack that has come into force.
func React(open, heard func(u *journal.Unit, name string) error) func(u *journal.Unit, ev *eventv1.Event, change, state proto.Message) error {
	return func(u *journal.Unit, ev *eventv1.Event, change, state proto.Message) error {
		if r, ok := state.(*policyv1.Revision); ok && r.GetState() == policyv1.Revision_STATE_ACTIVE {
			if err := open(u, r.GetName()); err != nil {
				return err
			}
		}
		if err := heard(u, ev.GetComplaint()); err != nil {
			return err
		}
		return react(u, ev, change, state)
	}
}

func react(u *journal.Unit, ev *eventv1.Event, change, state proto.Message) error {
	body, err := journal.Body(ev)
	if err != nil {
		return err
	}
	item, ok := domain.Item(ev, body, change, state)
	if !ok {
		return nil
	}
	return u.SetProjection(TimelineName(ev, body), view.Timeline, 1, item, journal.Attr{Name: "complaint", Value: ev.GetComplaint()})
}

// Foresee adds the row that React makes of an event of a complaint, and what it marks.
func Foresee(w *journal.Work, ev *eventv1.Event, body *eventv1.EventBody) {
	if ev.GetComplaint() != "" {
		w.Creates = append(w.Creates, TimelineName(ev, body))
		queue.Foresee(w, ev.GetComplaint())
	}
}

// TimelineName returns the name of an event's row: rows sort by complaint, when it
// happened, how many causes lie before, and where it is recorded. A consequence
// happens at the instant of its cause and stands after it.
func TimelineName(ev *eventv1.Event, body *eventv1.EventBody) string {
	return fmt.Sprintf("timeline/%s/%019d/%02d/%s/%04d/%019d", strings.TrimPrefix(ev.GetComplaint(), "complaints/"),
		max(body.GetOccurTime().AsTime().UnixMicro(), 0), ev.GetDepth(), ev.GetService(), ev.GetShard(), ev.GetSequence())
}
