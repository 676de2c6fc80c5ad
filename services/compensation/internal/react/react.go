// Package react decides what follows for claims from what happened elsewhere: plans
// that owe compensation, complaints that are withdrawn, people who are erased.
//
// Start reading at [Reactor.React].
//
// Source: docs/architecture.md, obligations; DESIGN section 4.
package react

import (
	"fmt"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/compensation/internal/app"
	"example.com/redress/services/compensation/internal/domain"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
)

// Reactor reacts. Safe for concurrent use.
type Reactor struct {
	desk  *app.Desk
	shard func(key string) int
	zone  *time.Location
}

// New returns a reactor that works at the desk given; shard is that of a complaint in the
// service's store.
func New(desk *app.Desk, shard func(key string) int) (*Reactor, error) {
	// A draft may come before the policy that would name the zone of its number.
	// Source: PROCEDURES K11.
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		return nil, fmt.Errorf("zone of numbers: %w", err)
	}
	return &Reactor{desk: desk, shard: shard, zone: zone}, nil
}

// React decides what follows from an event of another service. A plan that comes
// before its complaint waits for it: feeds of different services know no common order.
func (r *Reactor) React(u *journal.Unit, ev *eventv1.Event, change, state proto.Message) error {
	switch m := state.(type) {
	case *routingv1.Plan:
		if _, started := change.(*routingv1.PlanStarted); started {
			return r.plan(u, ev.GetResource(), m)
		}
	case *routingv1.Case:
		if _, opened := change.(*routingv1.ObligationOpened); opened {
			return r.owed(u, m)
		}
	case *intakev1.Complaint:
		switch change.(type) {
		case *intakev1.ComplaintRegistered:
			return r.arrived(u, m)
		case *intakev1.ComplaintWithdrawn:
			return r.withdrawn(u, m)
		}
	}
	return nil
}

// Foresee adds what [Reactor.React] reads of a new complaint.
func Foresee(w *journal.Work, ev *eventv1.Event, _ *eventv1.EventBody) {
	if ev.GetType() == string((*intakev1.ComplaintRegistered)(nil).ProtoReflect().Descriptor().FullName()) {
		w.Lookups = append(w.Lookups, journal.Lookup{Kind: waitingKind, Where: journal.Attr{Name: app.AttrComplaint, Value: ev.GetComplaint()}})
	}
}

// Plans that wait for their complaint are kept beside the projections.
const waitingKind = "waiting/*"

func waitingName(plan string) string {
	return "waiting/" + uuid.NewSHA1(uuid.NameSpaceURL, []byte(plan)).String()
}

// plan drafts the claims that a running plan owes, each under the name derived from
// its obligation, so that it can be asked for at once.
func (r *Reactor) plan(u *journal.Unit, name string, p *routingv1.Plan) error {
	if !owes(p) {
		return nil
	}
	on := &intakev1.Complaint{}
	_, ok, err := u.Projection(p.GetComplaint(), on)
	if err != nil {
		return err
	}
	if !ok {
		return u.SetProjection(waitingName(name), waitingKind, 1, p, journal.Attr{Name: app.AttrComplaint, Value: p.GetComplaint()})
	}
	return r.draft(u, on, p)
}

// owed drafts the claims that rules of the pack opened: an obligation that names a remedy, and no
// plan. They are put to the same test as those of a plan: a plan of their own with one measure each.
func (r *Reactor) owed(u *journal.Unit, k *routingv1.Case) error {
	p := &routingv1.Plan{Complaint: k.GetComplaint()}
	for _, o := range k.GetObligations() {
		if o.GetKind() == obligationKind && o.GetObject() != "" && o.GetState() == typev1.Obligation_STATE_OPEN {
			p.Measures = append(p.Measures, &routingv1.Measure{Kind: routingv1.Measure_KIND_COMPENSATION, Obligation: o.GetId(), Remedy: o.GetObject()})
		}
	}
	return r.plan(u, k.GetName()+"/owed", p)
}

// obligationKind is the kind of obligations that ask for a claim.
const obligationKind = "compensation"

func owes(p *routingv1.Plan) bool {
	for _, m := range p.GetMeasures() {
		if m.GetKind() == routingv1.Measure_KIND_COMPENSATION && m.GetObligation() != "" {
			return true
		}
	}
	return false
}

// arrived lets the plans go on that waited for the complaint.
func (r *Reactor) arrived(u *journal.Unit, on *intakev1.Complaint) error {
	rows, err := u.Projections(waitingKind, journal.Attr{Name: app.AttrComplaint, Value: on.GetName()})
	if err != nil {
		return err
	}
	for _, row := range rows {
		p := &routingv1.Plan{}
		if err := proto.Unmarshal(row.State, p); err != nil {
			return fmt.Errorf("waiting plan %s: %w", row.Name, err)
		}
		if err := r.draft(u, on, p); err != nil {
			return err
		}
		if err := u.DeleteProjection(row.Name); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reactor) draft(u *journal.Unit, on *intakev1.Complaint, p *routingv1.Plan) error {
	if on.GetState() == intakev1.Complaint_STATE_WITHDRAWN {
		return nil // routing has taken the obligation back
	}
	existing, err := app.ClaimsOf(u, on.GetName())
	if err != nil {
		return err
	}
	hold, err := app.HoldOf(u, on.GetName())
	if err != nil {
		return err
	}
	// Written as read: a hold that comes at the same time finds this draft, or is found by it.
	if err := app.SetHold(u, on.GetName(), hold); err != nil {
		return err
	}
	act, err := r.act(u, on)
	if err != nil {
		return err
	}
	for _, m := range p.GetMeasures() {
		if m.GetKind() != routingv1.Measure_KIND_COMPENSATION || m.GetObligation() == "" {
			continue
		}
		name := "claims/" + uuid.NewSHA1(uuid.NameSpaceURL, []byte(m.GetObligation())).String()
		if known(existing, name) {
			continue
		}
		number, err := app.Number(u, r.zone, r.shard(on.GetName()), app.ClaimNumbers)
		if err != nil {
			return err
		}
		terms := &compensationv1.Claim{
			Ground: m.GetGround(), Remedy: m.GetRemedy(), Amount: m.GetAmount(), Causes: m.GetCauses(), Justification: m.GetDescription(),
		}
		offer, err := accepted(u, on.GetName(), m.GetRemedy())
		if err != nil {
			return err
		}
		if terms.GetAmount() == nil {
			terms.Amount = offer.GetAmount()
		}
		events := domain.Draft(domain.Identity{
			Name: name, Number: number, Obligation: m.GetObligation(), Related: app.Related(name, terms, existing), Offer: offer.GetName(),
		}, on, terms, act)
		if hold.GetReason() != "" {
			events = append(events, domain.Hold(events[0].State, hold.GetReason(), u.Time())...)
		}
		if err := app.Store(u, true, events); err != nil {
			return err
		}
		existing = append(existing, events[len(events)-1].State)
	}
	return nil
}

// act is what drafting looks at; without policy while the revision has not come yet.
func (r *Reactor) act(u *journal.Unit, on *intakev1.Complaint) (domain.Act, error) {
	act, _, err := r.desk.Act(app.InUnit(u), on.GetName(), "", app.Actor{Now: u.Time()})
	if fault.KindOf(err) == fault.NotFound {
		return domain.Act{Now: u.Time()}, nil
	}
	return act, err
}

// accepted returns the newest offer of that remedy that the customer accepted: what was
// negotiated is what is asked for. Empty if there is none.
//
// Source: PROCEDURES P12 6 (compensation by negotiation), P18.
func accepted(u *journal.Unit, complaint, remedy string) (*routingv1.Offer, error) {
	rows, err := u.Projections(app.Offers, journal.Attr{Name: app.AttrComplaint, Value: complaint})
	if err != nil {
		return nil, err
	}
	var newest *routingv1.Offer
	for _, row := range rows {
		o := &routingv1.Offer{}
		if err := proto.Unmarshal(row.State, o); err != nil {
			return nil, fmt.Errorf("offer %s: %w", row.Name, err)
		}
		if o.GetState() == routingv1.Offer_STATE_ACCEPTED && o.GetRemedy() == remedy && o.GetNumber() > newest.GetNumber() {
			newest = o
		}
	}
	return newest, nil
}

func known(claims []*compensationv1.Claim, name string) bool {
	for _, c := range claims {
		if c.GetName() == name {
			return true
		}
	}
	return false
}

// withdrawn ends the claims of a withdrawn complaint, and keeps the fence up for what
// may still be asked for. What was executed stays: intake would not have withdrawn.
func (r *Reactor) withdrawn(u *journal.Unit, on *intakev1.Complaint) error {
	claims, err := app.ClaimsOf(u, on.GetName())
	if err != nil {
		return err
	}
	for _, c := range claims {
		if err := app.Store(u, false, domain.End(c, "services/intake", u.Time())); err != nil {
			return err
		}
	}
	hold, err := app.HoldOf(u, on.GetName())
	if err != nil || hold.GetReason() != "" {
		return err
	}
	return app.SetHold(u, on.GetName(), &compensationv1.Hold{Reason: "withdrawal", HoldTime: timestamppb.New(u.Time())})
}
