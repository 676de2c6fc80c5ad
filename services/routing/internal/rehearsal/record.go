package rehearsal

import (
	"context"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/policy"
	"example.com/redress/services/routing/internal/app"
)

// Limits of what is read of one case. What lies beyond is not replayed, and the case says so.
const (
	maxEvents   = 2000
	maxChildren = 200
)

// Record is everything that routing holds of one case: how it stands, what happened to it, and what it
// heard of it from other services. It is only read.
type Record struct {
	Case      *routingv1.Case
	Complaint *intakev1.Complaint // nil if it was never heard of
	// Policy is the pack that the case fell under.
	Policy *policy.Policy
	// Until is how far it is replayed: the present instant.
	Until time.Time

	versions  []version
	plans     []*routingv1.Plan
	replies   []*routingv1.Reply
	offers    []*routingv1.Offer
	approvals []*routingv1.CaseApproval
	clocks    []*clockv1.Clock
	claims    []*compensationv1.Claim
	followUps map[string]*notificationv1.FollowUp
	cut       bool
}

// version is one event of the case with the state after it.
type version struct {
	at     time.Time
	change proto.Message
	state  *routingv1.Case
}

// asOf returns the case as it was recorded at an instant.
func (r *Record) asOf(at time.Time) *routingv1.Case {
	var out *routingv1.Case
	for _, v := range r.versions {
		if v.at.After(at) && out != nil {
			break
		}
		out = v.state
	}
	return out
}

// reader reads records outside a unit.
type reader struct {
	j            *journal.Journal
	organization string
}

// record reads what belongs to a case.
func (r reader) record(ctx context.Context, kase *routingv1.Case) (*Record, error) {
	out := &Record{Case: kase, followUps: map[string]*notificationv1.FollowUp{}}
	complaint := &intakev1.Complaint{}
	_, known, err := r.j.Projection(ctx, r.organization, kase.GetComplaint(), complaint)
	if err != nil || !known {
		return out, err
	}
	out.Complaint = complaint
	if err := r.history(ctx, out); err != nil {
		return nil, err
	}
	if kase.GetCurrentPlan() != "" {
		if out.plans, err = children(ctx, r, out, app.Plans, func() *routingv1.Plan { return &routingv1.Plan{} }); err != nil {
			return nil, err
		}
	}
	if out.replies, err = children(ctx, r, out, app.Replies, func() *routingv1.Reply { return &routingv1.Reply{} }); err != nil {
		return nil, err
	}
	if kase.GetOffers() > 0 {
		if out.offers, err = children(ctx, r, out, app.Offers, func() *routingv1.Offer { return &routingv1.Offer{} }); err != nil {
			return nil, err
		}
	}
	if kase.GetApprovalCount() > 0 {
		if out.approvals, err = children(ctx, r, out, app.Approvals, func() *routingv1.CaseApproval { return &routingv1.CaseApproval{} }); err != nil {
			return nil, err
		}
	}
	if out.clocks, err = children(ctx, r, out, app.Clocks, func() *clockv1.Clock { return &clockv1.Clock{} }); err != nil {
		return nil, err
	}
	return out, r.heard(ctx, out)
}

// history reads the events of the case.
func (r reader) history(ctx context.Context, out *Record) error {
	events, err := r.j.History(ctx, r.organization, out.Case.GetName(), 0, maxEvents+1)
	if err != nil {
		return err
	}
	if len(events) > maxEvents {
		events, out.cut = events[:maxEvents], true
	}
	for _, ev := range events {
		body, err := journal.Body(ev)
		if err != nil {
			return err
		}
		change, err := body.GetChange().UnmarshalNew()
		if err != nil {
			return err
		}
		state := &routingv1.Case{}
		if err := body.GetState().UnmarshalTo(state); err != nil {
			return err
		}
		out.versions = append(out.versions, version{body.GetOccurTime().AsTime(), change, state})
	}
	return nil
}

// heard reads what other services said about the case.
func (r reader) heard(ctx context.Context, out *Record) error {
	where := []journal.Attr{{Name: app.AttrComplaint, Value: out.Case.GetComplaint()}}
	found, err := r.j.Projections(ctx, journal.Query{Organization: r.organization, Kind: "claims/*", Where: where, Limit: maxChildren})
	if err != nil {
		return err
	}
	out.cut = out.cut || found.Next != ""
	for _, row := range found.Rows {
		claim := &compensationv1.Claim{}
		if err := proto.Unmarshal(row.State, claim); err != nil {
			return err
		}
		out.claims = append(out.claims, claim)
	}
	for _, v := range out.versions {
		name := v.state.GetSatisfaction().GetFollowUp()
		if _, told := v.change.(*routingv1.SatisfactionRecorded); !told || out.followUps[name] != nil {
			continue
		}
		f := &notificationv1.FollowUp{}
		if _, known, err := r.j.Projection(ctx, r.organization, name, f); err != nil {
			return err
		} else if known {
			out.followUps[name] = f
		}
	}
	return nil
}

// children reads what lies under the case, by name.
func children[T proto.Message](ctx context.Context, r reader, out *Record, kind string, empty func() T) ([]T, error) {
	found, err := r.j.List(ctx, journal.Query{Organization: r.organization, Kind: kind, Parent: out.Case.GetName(), Limit: maxChildren})
	if err != nil {
		return nil, err
	}
	out.cut = out.cut || found.Next != ""
	all := make([]T, 0, len(found.Rows))
	for _, row := range found.Rows {
		m := empty()
		if err := proto.Unmarshal(row.State, m); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return slices.Clip(all), nil
}
