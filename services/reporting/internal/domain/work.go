package domain

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// Work is something that waits, with what decides for whom.
type Work struct {
	*reportingv1.QueuedWork

	// part tells items of one kind and resource apart.
	part string
}

// Doer is a person who looks for work.
type Doer struct {
	// Name is people/{person} or apps/{app}.
	Name string
	// May reports whether one of the person's functions opens the RPC.
	May func(method string) bool
	// Is reports whether the person is meant by an entry of who of the work, in
	// their own right or on behalf of another.
	Is func(w *reportingv1.QueuedWork, who string) (ok bool, onBehalfOf string)
}

// IsFor reports whether the person may do it. Work that names nobody is open to
// everybody whose functions open its RPC.
func IsFor(w *reportingv1.QueuedWork, d Doer) bool {
	if !d.May(w.GetMethod()) || slices.Contains(w.GetBarred(), d.Name) {
		return false
	}
	if len(w.GetItem().GetWho()) == 0 {
		return true
	}
	return slices.ContainsFunc(w.GetItem().GetWho(), func(who string) bool {
		ok, behalf := d.Is(w, who)
		return ok && (behalf == "" || !slices.Contains(w.GetBarred(), behalf))
	})
}

// Judge says of an item as it is kept whether it is late at the instant, to the second.
func Judge(w *reportingv1.WorkItem, now time.Time) {
	past := w.GetDueTime() != nil && now.Truncate(time.Second).After(w.GetDueTime().AsTime())
	w.Late = w.GetLate() || past
}

// Waiting returns what waits for a person in the matter, in no order.
//
// Source: DESIGN section 7 (ListWork).
func Waiting(m *Matter) []Work {
	c := &collector{m: m}
	c.verify()
	if ongoing(m.Case) {
		c.steps()
		c.grade()
		c.plan()
		c.measures()
		c.replies()
		c.close()
	}
	c.claims()
	c.actions()
	c.followUps()
	c.deliveries()
	return c.out
}

// Key is the place of the item in the order of work: by due_time, what has none last,
// then by age; among equals by kind and name, so that pages are stable. It says nothing
// of now, so it stays as long as the item does: what is late has the earliest due times.
func (w Work) Key() string {
	due := int64(9e18)
	switch {
	case w.GetItem().GetDueTime() != nil:
		due = w.GetItem().GetDueTime().AsTime().UnixMicro()
	case w.GetItem().GetLate():
		due = 0
	}
	return fmt.Sprintf("%019d/%019d/%02d/%s#%s", max(due, 0), max(w.GetItem().GetSinceTime().AsTime().UnixMicro(), 0), w.GetItem().GetKind(), w.GetItem().GetResource(), w.part)
}

// collector gathers the work of one matter.
type collector struct {
	m   *Matter
	out []Work
}

// add completes an item with what it has from the matter.
func (c *collector) add(kind reportingv1.WorkItem_Kind, method string, w Work) {
	i := w.Item
	i.Kind, w.Method = kind, method
	i.Complaint, i.Number = cmp.Or(i.GetComplaint(), c.m.name()), cmp.Or(i.GetNumber(), c.m.number())
	i.Grade = c.m.grade()
	w.Owner, w.Departments, w.PolicyRevision = c.m.Case.GetOwner(), c.m.Case.GetDepartments(), c.m.Revision()
	c.out = append(c.out, w)
}

// item begins an item.
func item(resource string, since *timestamppb.Timestamp, rule *typev1.RuleRef, text *typev1.Text, who ...string) Work {
	return Work{QueuedWork: &reportingv1.QueuedWork{Item: &reportingv1.WorkItem{Resource: resource, SinceTime: since, Rule: rule, Text: text, Who: who}}}
}

// by lets the clock say until when it is owed, and whether that has passed.
func (w Work) by(k *clockv1.Clock) Work {
	if k != nil {
		w.Item.DueTime, w.Item.Late = k.GetDueTime(), k.GetState() == clockv1.Clock_STATE_BREACHED
	}
	return w
}

// words are a sentence in both languages.
func words(zh, en string) *typev1.Text { return &typev1.Text{Zh: zh, En: en} }

// titled puts the title of a rule behind words, or id where it has none.
func titled(zh, en string, title *typev1.Text, id string) *typev1.Text {
	return words(zh+cmp.Or(title.GetZh(), id), en+cmp.Or(title.GetEn(), id))
}
