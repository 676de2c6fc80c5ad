package view

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
)

// File returns everything known about a complaint, texts sealed, each list in
// order of time; nil if nothing is. Cost: one read for each kind of resource.
func (r Reader) File(ctx context.Context, name string) (*reportingv1.CaseFile, error) {
	f := &reportingv1.CaseFile{}
	var err error
	if f.Complaint, err = one[intakev1.Complaint](ctx, r, name); err != nil {
		return nil, err
	}
	if f.Case, err = one[routingv1.Case](ctx, r, caseOf(name)); err != nil {
		return nil, err
	}
	if f.Complaint == nil && f.Case == nil {
		return nil, nil
	}
	if f.Clocks, err = r.clocks(ctx, name); err != nil {
		return nil, err
	}
	of := complaint(name)
	for _, fill := range []func() error{
		func() (err error) { f.Plans, err = all[routingv1.Plan](ctx, r, Plans, of); return },
		func() (err error) { f.Findings, err = all[routingv1.Finding](ctx, r, Findings, of); return },
		func() (err error) { f.Progress, err = all[routingv1.Progress](ctx, r, Progress, of); return },
		func() (err error) { f.Replies, err = all[routingv1.Reply](ctx, r, Replies, of); return },
		func() (err error) { f.Claims, err = all[compensationv1.Claim](ctx, r, Claims, of); return },
		func() (err error) { f.Actions, err = all[correctiveactionv1.Action](ctx, r, Actions, of); return },
		func() (err error) { f.Notices, err = all[notificationv1.Notice](ctx, r, Notices, of); return },
		func() (err error) { f.FollowUps, err = all[notificationv1.FollowUp](ctx, r, FollowUps, of); return },
		func() (err error) { f.Evidence, err = all[intakev1.Evidence](ctx, r, Evidence, of); return },
		func() (err error) { f.Timeline, err = all[reportingv1.TimelineItem](ctx, r, Timeline, of); return },
	} {
		if err := fill(); err != nil {
			return nil, err
		}
	}
	order(f)
	for _, e := range f.GetEvidence() {
		e.Blob = "" // a key of the blob store, nobody's but intake's
	}
	for _, u := range f.GetFollowUps() {
		u.TokenDigest = ""
	}
	return f, nil
}

// order sorts the lists by time, plans by their number; names decide between equals.
func order(f *reportingv1.CaseFile) {
	slices.SortStableFunc(f.Plans, func(a, b *routingv1.Plan) int { return cmp.Compare(planNumber(a), planNumber(b)) })
	byTime(f.Findings, (*routingv1.Finding).GetRecordTime)
	byTime(f.Progress, (*routingv1.Progress).GetRecordTime)
	byTime(f.Replies, (*routingv1.Reply).GetSendTime)
	byTime(f.Claims, (*compensationv1.Claim).GetCreateTime)
	byTime(f.Actions, (*correctiveactionv1.Action).GetCreateTime)
	byTime(f.Notices, (*notificationv1.Notice).GetCreateTime)
	byTime(f.FollowUps, (*notificationv1.FollowUp).GetOpenTime)
	byTime(f.Clocks, (*clockv1.Clock).GetStartTime)
	byTime(f.Evidence, (*intakev1.Evidence).GetCreateTime)
}

func byTime[M any](all []M, at func(M) *timestamppb.Timestamp) {
	slices.SortStableFunc(all, func(a, b M) int { return at(a).AsTime().Compare(at(b).AsTime()) })
}

func planNumber(p *routingv1.Plan) int {
	n, err := strconv.Atoi(p.GetName()[strings.LastIndexByte(p.GetName(), '/')+1:])
	if err != nil {
		return 0 // a name of another make stands first
	}
	return n
}

// caseOf returns the case of a complaint: it carries the same id.
func caseOf(complaint string) string { return "cases/" + strings.TrimPrefix(complaint, "complaints/") }

// clocks returns the clocks of a complaint, of all services.
func (r Reader) clocks(ctx context.Context, name string) ([]*clockv1.Clock, error) {
	var out []*clockv1.Clock
	for _, kind := range clockKinds() {
		found, err := all[clockv1.Clock](ctx, r, kind, complaint(name))
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// Overdue returns the clocks that are breached and not stopped, the oldest breach first.
func (r Reader) Overdue(ctx context.Context) ([]*clockv1.Clock, error) {
	var out []*clockv1.Clock
	for _, kind := range clockKinds() {
		found, err := all[clockv1.Clock](ctx, r, kind, breached())
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	slices.SortFunc(out, func(a, b *clockv1.Clock) int {
		return cmp.Or(a.GetBreachTime().AsTime().Compare(b.GetBreachTime().AsTime()), cmp.Compare(a.GetName(), b.GetName()))
	})
	return out, nil
}
