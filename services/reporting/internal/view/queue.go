package view

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/policy"
	"example.com/redress/services/reporting/internal/domain"
)

// Kinds of what waits: a row for each item, whose name says its place in the order of
// work, and one for each complaint, which says what is queued of it.
const (
	Work   = "work/*"
	Queues = "queues/*"
)

// WorkNames is what names of work begin with.
const WorkNames = "work/"

// Attributes of work and of queues.
const (
	attrFor   = "for"  // a post of those for whom the work is, or rpc: and the method of work for nobody by name
	attrKind  = "kind" // of the work
	attrStale = "stale"
)

// ForPost finds work for a post ([directory.Posts]).
func ForPost(post string) journal.Attr { return journal.Attr{Name: attrFor, Value: post} }

// ForMethod finds work that is for whoever may call the RPC.
func ForMethod(method string) journal.Attr {
	return journal.Attr{Name: attrFor, Value: "rpc:" + method}
}

// OfKind finds work of a kind, OfComplaint that of a complaint.
func OfKind(kind reportingv1.WorkItem_Kind) journal.Attr {
	return journal.Attr{Name: attrKind, Value: kind.String()}
}

// OfComplaint finds what belongs to a complaint.
func OfComplaint(name string) journal.Attr { return complaint(name) }

// Stale finds queues of complaints of which something was heard since.
func Stale() journal.Attr { return journal.Attr{Name: attrStale, Value: "yes"} }

// QueueOf returns the name of a complaint's queue.
func QueueOf(complaint string) string {
	return "queues/" + strings.TrimPrefix(complaint, "complaints/")
}

// ComplaintOf returns the complaint of a queue's name.
func ComplaintOf(queue string) string { return complaintOf(queue) }

// MarkStale notes in a complaint's queue that its work is to be worked out anew. It
// always writes, so that whoever works it out at the same time is found out.
func MarkStale(u *journal.Unit, complaint string) error {
	q := &reportingv1.WorkQueue{}
	if _, _, err := u.Projection(QueueOf(complaint), q); err != nil {
		return err
	}
	q.Stale = true
	return u.SetProjection(QueueOf(complaint), Queues, 1, q, Stale())
}

// Foresee adds to a write what Requeue will read.
func Foresee(w *journal.Work, complaint string) {
	w.Reads = append(w.Reads, QueueOf(complaint), complaint, caseOf(complaint))
	for _, kind := range slices.Concat([]string{Work, Claims, Actions, FollowUps, Notices}, countingKinds()) {
		w.Lookups = append(w.Lookups, journal.Lookup{Kind: kind, Where: OfComplaint(complaint)})
	}
}

// countingKinds are the collections of clocks by which work is owed.
func countingKinds() []string { return []string{Cases + "/clocks/*", Actions + "/clocks/*"} }

// Arrived returns the policy a complaint falls under, and whether it has arrived.
type Arrived func(revision string) (p *policy.Policy, ok bool)

// Requeue works out anew what waits in a complaint, and keeps what has changed; was is
// false if nothing was heard since the last time, and then it does nothing. unknown
// tells that the policy has not arrived: the queue stays stale.
func Requeue(u *journal.Unit, complaint string, p Arrived) (was, unknown bool, err error) {
	q := &reportingv1.WorkQueue{}
	if _, _, err := u.Projection(QueueOf(complaint), q); err != nil || !q.GetStale() {
		return false, false, err
	}
	m, err := matterOf(u, complaint)
	if err != nil {
		return true, false, err
	}
	if r := m.Revision(); r != "" {
		var ok bool
		m.Policy, ok = p(r)
		unknown = !ok
	}
	next := &reportingv1.WorkQueue{Stale: unknown}
	for _, w := range domain.Waiting(m) {
		name := WorkNames + w.Key()
		if slices.Contains(next.GetWork(), name) {
			continue
		}
		next.Work = append(next.Work, name)
		if slices.Contains(q.GetWork(), name) {
			kept := &reportingv1.QueuedWork{}
			_, ok, err := u.Projection(name, kept)
			if err != nil {
				return true, unknown, err
			}
			if ok && proto.Equal(kept, w.QueuedWork) {
				continue // what it is found by follows from it
			}
		} else {
			u.Creates(name)
		}
		if err := u.SetProjection(name, Work, 1, w.QueuedWork, attrsOf(w)...); err != nil {
			return true, unknown, err
		}
	}
	slices.Sort(next.GetWork())
	for _, name := range q.GetWork() {
		if _, still := slices.BinarySearch(next.GetWork(), name); !still {
			if err := u.DeleteProjection(name); err != nil {
				return true, unknown, err
			}
		}
	}
	var stale []journal.Attr
	if unknown {
		stale = append(stale, Stale())
	}
	return true, unknown, u.SetProjection(QueueOf(complaint), Queues, 1, next, stale...)
}

// attrsOf returns what work is found by.
func attrsOf(w domain.Work) []journal.Attr {
	out := []journal.Attr{OfKind(w.GetItem().GetKind()), OfComplaint(w.GetItem().GetComplaint())}
	who := w.GetItem().GetWho()
	if len(who) == 0 {
		return append(out, ForMethod(w.GetMethod()))
	}
	for _, one := range who {
		for _, post := range directory.Posts(WhoOf(one), PlacesOf(w.QueuedWork, one)) {
			out = append(out, ForPost(post))
		}
	}
	return out
}

// PlacesOf says what the variable words of a who stand for in the matter of the work, as
// routing does. A person named is one whose delegate may act too.
func PlacesOf(w *reportingv1.QueuedWork, who string) directory.Places {
	p := directory.Places{Responsible: w.GetDepartments(), Owner: w.GetOwner()}
	if strings.Contains(who, "/") {
		p.Owner = who
	}
	return p
}

// WhoOf returns who as the directory reads it in [PlacesOf].
func WhoOf(who string) string {
	if strings.Contains(who, "/") {
		return "owner"
	}
	return who
}

// matterOf reads what is known about a complaint as far as it decides what waits.
func matterOf(u *journal.Unit, name string) (*domain.Matter, error) {
	m := &domain.Matter{Complaint: &intakev1.Complaint{}, Case: &routingv1.Case{}, Plan: &routingv1.Plan{}}
	var err error
	if m.Complaint, err = oneIn(u, name, m.Complaint); err != nil {
		return nil, err
	}
	if m.Case, err = oneIn(u, caseOf(name), m.Case); err != nil {
		return nil, err
	}
	if m.Plan, err = oneIn(u, m.Case.GetCurrentPlan(), m.Plan); err != nil {
		return nil, err
	}
	for _, err := range []error{
		allIn(u, name, Claims, func(c *compensationv1.Claim) { m.Claims = append(m.Claims, c) }),
		allIn(u, name, Actions, func(a *correctiveactionv1.Action) { m.Actions = append(m.Actions, a) }),
		allIn(u, name, FollowUps, func(f *notificationv1.FollowUp) { m.FollowUps = append(m.FollowUps, f) }),
		allIn(u, name, Notices, func(n *notificationv1.Notice) { m.Notices = append(m.Notices, n) }),
	} {
		if err != nil {
			return nil, err
		}
	}
	for _, kind := range countingKinds() {
		if err := allIn(u, name, kind, func(k *clockv1.Clock) { m.Clocks = append(m.Clocks, k) }); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// oneIn reads a projection in a decision; the zero M if nothing was heard of it.
func oneIn[M proto.Message](u *journal.Unit, name string, into M) (out M, err error) {
	if name == "" {
		return out, nil
	}
	if _, ok, err := u.Projection(name, into); err != nil || !ok {
		return out, err
	}
	return into, nil
}

// allIn reads what belongs to a complaint in a decision, in order of names.
func allIn[T any, M interface {
	*T
	message
}](u *journal.Unit, complaint, kind string, add func(M)) error {
	rows, err := u.Projections(kind, OfComplaint(complaint))
	if err != nil {
		return err
	}
	for _, row := range rows {
		m := M(new(T))
		if err := proto.Unmarshal(row.State, m); err != nil {
			return fmt.Errorf("projection %s: %w", row.Name, err)
		}
		add(m)
	}
	return nil
}

// named is a state that says its name.
type named interface {
	proto.Message
	GetName() string
}

// openKinds are the kinds by which something may wait, each with an empty state.
func openKinds() map[string]named {
	return map[string]named{
		Complaints: &intakev1.Complaint{}, Cases: &routingv1.Case{}, Claims: &compensationv1.Claim{},
		Actions: &correctiveactionv1.Action{}, FollowUps: &notificationv1.FollowUp{}, Notices: &notificationv1.Notice{},
	}
}

// EachOpen calls each with the complaints in which something may wait, a page at a time;
// the same one may come several times. Cost: reads everything that is open.
func (r Reader) EachOpen(ctx context.Context, each func(complaints []string) error) error {
	for kind, state := range openKinds() {
		q := journal.Query{Organization: r.Organization, Kind: kind, Where: []journal.Attr{open()}, Limit: pageSize}
		for {
			got, err := r.J.Projections(ctx, q)
			if err != nil {
				return err
			}
			var names []string
			for _, row := range got.Rows {
				proto.Reset(state)
				if err := proto.Unmarshal(row.State, state); err != nil {
					return fmt.Errorf("projection %s: %w", row.Name, err)
				}
				name := state.GetName()
				if of, ok := state.(interface{ GetComplaint() string }); ok {
					name = of.GetComplaint()
				}
				if name != "" { // test sends belong to no complaint
					names = append(names, name)
				}
			}
			if err := each(names); err != nil {
				return err
			}
			if q.After = got.Next; got.Next == "" {
				break
			}
		}
	}
	return nil
}
