// Package react keeps what follows from the events of the other services: the
// timeline of complaints, and what is owed to a person who was erased.
package react

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/reporting/internal/domain"
	"example.com/redress/services/reporting/internal/view"
)

// Kind returns the journal's kind for erasures. Their timer lets the background
// find, in all organisations, those not confirmed yet.
func Kind() journal.Kind {
	return journal.Kind{
		Pattern: domain.Erasures, New: func() proto.Message { return &intakev1.DataSubject{} }, Background: true,
		Timer: func(m proto.Message) (time.Time, int64, bool) {
			s, ok := m.(*intakev1.DataSubject)
			return s.GetEraseTime().AsTime(), 1, ok && len(s.GetErasuresConfirmed()) == 0
		},
	}
}

// React returns what stores what happened in the timeline of its complaint, notes an
// erasure that is to be confirmed, and tells open of a pack that has come into force.
func React(open func(u *journal.Unit, revision string) error) func(u *journal.Unit, ev *eventv1.Event, change, state proto.Message) error {
	return func(u *journal.Unit, ev *eventv1.Event, change, state proto.Message) error {
		if r, ok := state.(*policyv1.Revision); ok && r.GetState() == policyv1.Revision_STATE_ACTIVE {
			if err := open(u, r.GetName()); err != nil {
				return err
			}
		}
		return react(u, ev, change, state)
	}
}

func react(u *journal.Unit, ev *eventv1.Event, change, state proto.Message) error {
	if _, ok := change.(*intakev1.PersonErased); ok {
		return erased(u, ev, state)
	}
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

// TimelineName returns the name of an event's row: rows sort by complaint, when it
// happened, how many causes lie before, and where it is recorded. A consequence
// happens at the instant of its cause and stands after it.
func TimelineName(ev *eventv1.Event, body *eventv1.EventBody) string {
	return fmt.Sprintf("timeline/%s/%019d/%02d/%s/%04d/%019d", strings.TrimPrefix(ev.GetComplaint(), "complaints/"),
		max(body.GetOccurTime().AsTime().UnixMicro(), 0), ev.GetDepth(), ev.GetService(), ev.GetShard(), ev.GetSequence())
}

// ErasureName returns the name of the erasure of subjects/{subject}.
func ErasureName(subject string) string {
	return "erasures/" + strings.TrimPrefix(subject, "subjects/")
}

// erased notes that intake waits for this service's word; the others tell of their own
// notes with the same change. Nothing else is to be dropped: what is stored is sealed,
// and unreadable without the key.
func erased(u *journal.Unit, ev *eventv1.Event, state proto.Message) error {
	subject, ok := state.(*intakev1.DataSubject)
	if !ok || ev.GetService() != "intake" {
		return nil
	}
	name := ErasureName(ev.GetResource())
	_, err := u.Get(name, &intakev1.DataSubject{})
	if fault.KindOf(err) != fault.NotFound {
		return err // noted before, or it cannot be known
	}
	return u.Create(name, &intakev1.DataSubject{Name: name, State: intakev1.DataSubject_STATE_ERASED, EraseTime: subject.GetEraseTime()}, &intakev1.PersonErased{})
}
