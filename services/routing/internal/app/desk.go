// Package app carries decisions on cases out: it reads what a decision needs from
// a journal's unit, stores what it asks for, and turns its commands to clocks into
// clocks. It decides nothing.
//
// Package rpc uses it for acts of people, package react for events and timers.
// Start reading at [Desk.Act].
//
// Source: DESIGN section 3.
package app

import (
	"context"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/kit/clocks"
	"example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/revisions"
	"example.com/redress/services/policy/sheet"
	"example.com/redress/services/policy/trigger"
	"example.com/redress/services/routing/internal/domain"
)

// Desk runs decisions. Safe for concurrent use.
type Desk struct{ policies *revisions.Revisions }

// New returns a desk that takes its policies from the cache given.
func New(policies *revisions.Revisions) *Desk { return &Desk{policies: policies} }

// Acting is one act on one case, inside a unit.
type Acting struct {
	*domain.Decision
	// Version of the case as it was read, for its etag.
	Version int64
	// PlanVersion is that of the plan, 0 if there is none.
	PlanVersion int64
	// Complaint as last heard of; nil if unknown.
	Complaint *intakev1.Complaint

	unit *journal.Unit
	book *domain.ClockBook
	made bool
}

// Sheet returns what conditions read about the case as decided so far.
func (a *Acting) Sheet() *policy.Sheet { return a.Decision.Sheet(a.Complaint) }

// Get reads what belongs to the case, and returns its version. It fails with
// RESOURCE_NOT_FOUND if there is no such thing.
func (a *Acting) Get(name string, into proto.Message) (int64, error) { return a.unit.Get(name, into) }

// Act decides one act on the named case and stores everything that follows from
// it. plan names the plan it is about; empty means the newest. do says what the
// act means to the pack beyond its events, as a rule nothing.
//
// at is when the act happened. It fails with RESOURCE_NOT_FOUND if there is no
// such case or plan, and with what do refuses.
func (k *Desk) Act(u *journal.Unit, name, plan string, at time.Time, do func(*Acting) ([]domain.Trigger, error)) error {
	a := &Acting{unit: u}
	kase := &routingv1.Case{}
	var err error
	if a.Version, err = u.Get(name, kase); err != nil {
		return err
	}
	if plan == "" {
		plan = kase.GetCurrentPlan()
	}
	var p *routingv1.Plan
	if plan != "" {
		p = &routingv1.Plan{}
		if a.PlanVersion, err = u.Get(plan, p); err != nil {
			return err
		}
	}
	pack, err := k.policies.Get(revisions.Unit{U: u, Own: true}, kase.GetPolicyRevision())
	if err != nil {
		return err
	}
	complaint, goods := &intakev1.Complaint{}, &compensationv1.Goods{}
	if kase.GetComplaint() != "" {
		if _, ok, err := u.Projection(kase.GetComplaint(), complaint); err != nil {
			return err
		} else if ok {
			a.Complaint = complaint
		}
	}
	a.Decision = domain.Begin(pack, at, kase, p)
	a.Warn(u.Warn)
	if kase.GetGoods() != "" {
		if _, ok, err := u.Projection(kase.GetGoods(), goods); err != nil {
			return err
		} else if ok {
			a.Concern(goods)
		}
	}
	for _, name := range kase.GetOpenApprovals() {
		open := &routingv1.CaseApproval{}
		if _, err := u.Get(name, open); err != nil {
			return err
		}
		a.Await(open)
	}
	triggers, err := do(a)
	if err != nil {
		return err
	}
	return domain.Follow(a.Decision, hands{a}, triggers...)
}

// Open makes the case of a registered complaint and lets follow what the pack says
// about its receipt. It tells whether it did: a case that is there is left alone.
func (k *Desk) Open(u *journal.Unit, c *intakev1.Complaint, at time.Time) (bool, error) {
	if _, err := u.Get(domain.CaseName(c.GetName()), &routingv1.Case{}); fault.KindOf(err) != fault.NotFound {
		return false, err
	}
	pack, err := k.policies.Get(revisions.Unit{U: u, Own: true}, c.GetPolicyRevision())
	if err != nil {
		return false, err
	}
	a := &Acting{unit: u, Complaint: c, made: true, Decision: domain.Open(pack, at, c)}
	a.Warn(u.Warn)
	return true, domain.Follow(a.Decision, hands{a},
		domain.Trigger{Trigger: trigger.Trigger{Event: policyv1.Event_EVENT_COMPLAINT_RECEIVED}, At: c.GetReceiveTime().AsTime()},
		domain.Trigger{Trigger: trigger.Trigger{Event: policyv1.Event_EVENT_COMPLAINT_REGISTERED}, At: at},
	)
}

// OpenReturn makes the return file of goods that no complaint is linked to, and tells
// whether it did: one that is there is left alone.
func (k *Desk) OpenReturn(u *journal.Unit, g *compensationv1.Goods, at time.Time) error {
	if _, err := u.Get(g.GetCase(), &routingv1.Case{}); fault.KindOf(err) != fault.NotFound {
		return err
	}
	pack, err := k.policies.Get(revisions.Unit{U: u, Own: true}, g.GetPolicyRevision())
	if err != nil {
		return err
	}
	a := &Acting{unit: u, made: true, Decision: domain.OpenReturn(pack, at, g)}
	a.Warn(u.Warn)
	return domain.Follow(a.Decision, hands{a})
}

// ClockChanged notes what a clock of a case did that was stored already: by its
// timer, or because somebody paused or extended it.
func (k *Desk) ClockChanged(u *journal.Unit, c *clockv1.Clock, changes []*clockv1.ClockChanged) error {
	return k.Act(u, c.GetSubject(), "", u.Time(), func(a *Acting) ([]domain.Trigger, error) {
		var triggers []domain.Trigger
		for _, change := range changes {
			o := domain.ClockOutcome{Clock: c, Change: change}
			a.Decision.ClockChanged(o)
			triggers = append(triggers, domain.ClockTriggers(o, domain.Trigger{At: u.Time()})...)
		}
		return triggers, nil
	})
}

// Policy returns the pack a case falls under, outside a unit.
func (k *Desk) Policy(ctx context.Context, j *journal.Journal, organization, revision string) (*policy.Policy, error) {
	return k.policies.Get(revisions.Journal{Context: ctx, J: j, Organization: organization, Own: true}, revision)
}

// InForce returns the pack that is in force in the unit's organisation.
func (k *Desk) InForce(u *journal.Unit) (*policy.Policy, error) {
	p, _, err := k.policies.Active(revisions.Unit{U: u, Own: true})
	return p, err
}

// See returns a case and what conditions read about it as they stand, outside a unit: for
// reading, and for asking what is asked before an act is decided.
func (k *Desk) See(ctx context.Context, j *journal.Journal, organization, name string, at time.Time) (*Acting, error) {
	a := &Acting{}
	kase := &routingv1.Case{}
	var err error
	if a.Version, err = j.Get(ctx, organization, name, kase); err != nil {
		return nil, err
	}
	var plan *routingv1.Plan
	if newest := kase.GetCurrentPlan(); newest != "" {
		plan = &routingv1.Plan{}
		if a.PlanVersion, err = j.Get(ctx, organization, newest, plan); err != nil {
			return nil, err
		}
	}
	pack, err := k.Policy(ctx, j, organization, kase.GetPolicyRevision())
	if err != nil {
		return nil, err
	}
	complaint, goods := &intakev1.Complaint{}, &compensationv1.Goods{}
	if _, ok, err := j.Projection(ctx, organization, kase.GetComplaint(), complaint); err != nil {
		return nil, err
	} else if ok {
		a.Complaint = complaint
	}
	a.Decision = domain.Begin(pack, at, kase, plan)
	if _, ok, err := j.Projection(ctx, organization, kase.GetGoods(), goods); err != nil {
		return nil, err
	} else if ok {
		a.Concern(goods)
	}
	return a, nil
}

// Person returns somebody as the directory knows them in the case at an instant.
func (a *Acting) Person(d *directory.Directory, name string, at time.Time) domain.Person {
	kase, pack := a.Case(), a.Policy()
	places := directory.Places{
		Responsible: kase.GetDepartments(), Owner: kase.GetOwner(), Respondent: a.Complaint.GetRespondent(), Persons: a.persons(),
		Designees: func(role string) bool {
			for _, r := range pack.Rules().GetRoles() {
				if r.GetId() == role {
					return r.GetDesignee()
				}
			}
			return false
		},
	}
	return domain.Person{Name: name, Matches: func(who string) (bool, string) { return d.Match(name, who, at, places) }}
}

// persons are the people that PERSON fields of forms name, by field.
func (a *Acting) persons() map[string][]string {
	out := map[string][]string{}
	facts := a.Sheet().Facts
	for _, form := range a.Policy().Rules().GetForms() {
		for _, field := range form.GetFields() {
			if found := sheet.Line([]*policyv1.Field{field}, field.GetId(), facts); len(found) > 0 {
				out[field.GetId()] = found
			}
		}
	}
	return out
}

// hands carries out what the act asks for.
type hands struct{ a *Acting }

// Complaint implements [domain.Surroundings].
func (h hands) Complaint() *intakev1.Complaint { return h.a.Complaint }

// Store implements [domain.Surroundings].
func (h hands) Store(e domain.Event) error {
	a := h.a
	a.unit.Because(e.Rules...)
	if e.New {
		return a.unit.Create(e.Name, e.State, e.Change)
	}
	return a.unit.Update(e.Name, e.State, e.Change)
}

// Clock implements [domain.Surroundings].
func (h hands) Clock(c domain.ClockCommand) ([]domain.ClockOutcome, error) {
	a := h.a
	if a.book == nil {
		var all []*clockv1.Clock
		if !a.made {
			var err error
			if all, err = clocks.All(a.unit, a.Case().GetName()); err != nil {
				return nil, err
			}
		}
		a.book = domain.NewClockBook(all, a.Policy().Calendar(), clocks.Calendar)
	}
	out, err := a.book.Do(c)
	if err != nil {
		return nil, err
	}
	for _, o := range out {
		if rule := o.Clock.GetRule(); rule != nil {
			a.unit.Because(rule)
		} else {
			a.unit.Because()
		}
		if o.New {
			err = a.unit.Create(o.Clock.GetName(), o.Clock, o.Change)
		} else {
			err = a.unit.Update(o.Clock.GetName(), o.Clock, o.Change)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Subject implements [domain.Surroundings]: what is the case's own is read, what
// belongs to other services is as last heard of.
func (h hands) Subject(name string) (proto.Message, error) {
	collection, _, _ := strings.Cut(name, "/")
	var m proto.Message
	switch {
	case strings.Contains(name, "/plans/"):
		m = &routingv1.Plan{}
	case strings.Contains(name, "/replies/"):
		m = &routingv1.Reply{}
	case strings.Contains(name, "/offers/"):
		m = &routingv1.Offer{}
	case strings.Contains(name, "/approvals/"):
		m = &routingv1.CaseApproval{}
	case strings.Contains(name, "/shares/"):
		m = &routingv1.Share{}
	case strings.Contains(name, "/clocks/"):
		m = &clockv1.Clock{}
	case Projected(collection) != nil:
		m = Projected(collection)
		_, ok, err := h.a.unit.Projection(name, m)
		if err != nil || !ok {
			return nil, err
		}
		return m, nil
	default:
		return nil, nil
	}
	_, err := h.a.unit.Get(name, m)
	if fault.KindOf(err) == fault.NotFound {
		return nil, nil
	}
	return m, err
}
