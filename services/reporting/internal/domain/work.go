package domain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// Work is something that waits, and what decides for whom.
type Work struct {
	*reportingv1.WorkItem

	// Method is the RPC that does it, by full name: who may not call it may not do it.
	Method string
	// Barred are people who may not do it although who names them: they asked for
	// it, signed before, or handled the case.
	Barred []string
	// Matter it belongs to.
	Matter *Matter
	// part tells items of one kind and resource apart.
	part string
}

// Doer is a person who looks for work.
type Doer struct {
	// Name is people/{person} or apps/{app}.
	Name string
	// May reports whether one of the person's functions opens the RPC.
	May func(method string) bool
	// Is reports whether the person is meant by an entry of who in the matter, in
	// their own right or on behalf of another.
	Is func(m *Matter, who string) (ok bool, onBehalfOf string)
}

// For reports whether the person may do it. Work that names nobody is open to
// everybody whose functions open its RPC.
func (w Work) For(d Doer) bool {
	if !d.May(w.Method) || slices.Contains(w.Barred, d.Name) {
		return false
	}
	if len(w.Who) == 0 {
		return true
	}
	return slices.ContainsFunc(w.Who, func(who string) bool {
		ok, behalf := d.Is(w.Matter, who)
		return ok && (behalf == "" || !slices.Contains(w.Barred, behalf))
	})
}

// Waiting returns what waits for a person in the matter at the instant.
//
// Source: DESIGN section 7 (ListWork).
func Waiting(m *Matter, now time.Time) []Work {
	c := &collector{m: m, now: now.Truncate(time.Second)}
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

// Sort puts work in its order: late first, then by due_time, what has none last,
// then by age; among equals by kind and name, so that pages are stable.
func Sort(all []Work) {
	slices.SortStableFunc(all, func(a, b Work) int { return strings.Compare(a.Key(), b.Key()) })
}

// Key is the place of the item in the order of [Sort].
func (w Work) Key() string {
	late, due := 1, int64(9e18)
	if w.Late {
		late = 0
	}
	if w.DueTime != nil {
		due = w.DueTime.AsTime().UnixMicro()
	}
	return fmt.Sprintf("%d/%019d/%019d/%02d/%s#%s", late, due, max(w.SinceTime.AsTime().UnixMicro(), 0), w.Kind, w.Resource, w.part)
}

// collector gathers the work of one matter.
type collector struct {
	m   *Matter
	now time.Time
	out []Work
}

// add completes an item with what it has from the matter.
func (c *collector) add(kind reportingv1.WorkItem_Kind, method string, w Work) {
	w.Kind, w.Method, w.Matter = kind, method, c.m
	w.Complaint, w.Number = cmp.Or(w.Complaint, c.m.name()), cmp.Or(w.Number, c.m.number())
	w.Grade = c.m.grade()
	if w.DueTime != nil && c.now.After(w.DueTime.AsTime()) {
		w.Late = true
	}
	c.out = append(c.out, w)
}

// item begins an item.
func item(resource string, since *timestamppb.Timestamp, rule *typev1.RuleRef, text *typev1.Text, who ...string) Work {
	return Work{WorkItem: &reportingv1.WorkItem{Resource: resource, SinceTime: since, Rule: rule, Text: text, Who: who}}
}

// by lets the clock say until when it is owed, and whether that has passed.
func (w Work) by(k *clockv1.Clock) Work {
	if k != nil {
		w.DueTime, w.Late = k.GetDueTime(), k.GetState() == clockv1.Clock_STATE_BREACHED
	}
	return w
}

// words are a sentence in both languages.
func words(zh, en string) *typev1.Text { return &typev1.Text{Zh: zh, En: en} }

// titled puts the title of a rule behind words, or id where it has none.
func titled(zh, en string, title *typev1.Text, id string) *typev1.Text {
	return words(zh+cmp.Or(title.GetZh(), id), en+cmp.Or(title.GetEn(), id))
}
