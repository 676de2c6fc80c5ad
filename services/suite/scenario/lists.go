package scenario

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
)

// pageSize is the largest page there is.
const pageSize = 500

// all reads a list to its end.
func all[T any](page func(token string) ([]T, string, error)) ([]T, error) {
	var out []T
	for token := ""; ; {
		items, next, err := page(token)
		if err != nil {
			return nil, err
		}
		out = append(out, items...)
		if next == "" {
			return out, nil
		}
		token = next
	}
}

// oldest brings a list into the order of time.
func oldest[T interface{ GetName() string }](items []T, at func(T) *timestamppb.Timestamp) []T {
	slices.SortStableFunc(items, func(a, b T) int {
		return cmp.Or(at(a).AsTime().Compare(at(b).AsTime()), cmp.Compare(a.GetName(), b.GetName()))
	})
	return items
}

func (w *world) clocks(ctx context.Context, subject string) ([]*clockv1.Clock, error) {
	service := "routing"
	switch collection, _, _ := strings.Cut(subject, "/"); collection {
	case "claims":
		service = "compensation"
	case "actions", "entries", "duties":
		service = "corrective-action"
	}
	found, err := all(func(token string) ([]*clockv1.Clock, string, error) {
		p, err := clockv1.NewClockServiceClient(w.conn(service)).ListClocks(w.reading(ctx), &clockv1.ListClocksRequest{Parent: subject, PageSize: pageSize, PageToken: token})
		return p.GetClocks(), p.GetNextPageToken(), err
	})
	slices.SortStableFunc(found, func(a, b *clockv1.Clock) int {
		return cmp.Or(cmp.Compare(a.GetRound(), b.GetRound()), a.GetStartTime().AsTime().Compare(b.GetStartTime().AsTime()))
	})
	return found, err
}

func (w *world) claims(ctx context.Context, complaint string) ([]*compensationv1.Claim, error) {
	found, err := all(func(token string) ([]*compensationv1.Claim, string, error) {
		p, err := w.compensation().ListClaims(w.reading(ctx), &compensationv1.ListClaimsRequest{Complaint: complaint, PageSize: pageSize, PageToken: token})
		return p.GetClaims(), p.GetNextPageToken(), err
	})
	return oldest(found, (*compensationv1.Claim).GetCreateTime), err
}

// notices of one instant are in the order in which they were first seen, so that
// what came after an expectation is newer than what it looked at.
func (w *world) notices(ctx context.Context, complaint string) ([]*notificationv1.Notice, error) {
	found, err := all(func(token string) ([]*notificationv1.Notice, string, error) {
		p, err := w.notification().ListNotices(w.reading(ctx), &notificationv1.ListNoticesRequest{Complaint: complaint, PageSize: pageSize, PageToken: token})
		return p.GetNotices(), p.GetNextPageToken(), err
	})
	for _, n := range oldest(found, (*notificationv1.Notice).GetCreateTime) {
		if _, seen := w.sighted[n.GetName()]; !seen {
			w.sighted[n.GetName()] = len(w.sighted)
		}
	}
	slices.SortFunc(found, func(a, b *notificationv1.Notice) int {
		return cmp.Or(a.GetCreateTime().AsTime().Compare(b.GetCreateTime().AsTime()), w.sighted[a.GetName()]-w.sighted[b.GetName()])
	})
	return found, err
}

func (w *world) followUps(ctx context.Context, complaint string) ([]*notificationv1.FollowUp, error) {
	found, err := all(func(token string) ([]*notificationv1.FollowUp, string, error) {
		p, err := w.notification().ListFollowUps(w.reading(ctx), &notificationv1.ListFollowUpsRequest{Complaint: complaint, PageSize: pageSize, PageToken: token})
		return p.GetFollowUps(), p.GetNextPageToken(), err
	})
	return oldest(found, (*notificationv1.FollowUp).GetOpenTime), err
}

// versioned is a resource of the API.
type versioned interface {
	GetName() string
	GetEtag() string
}

// versions returns the version of every resource of the organisation that the API
// shows, by name: what must be the same before and after a refusal.
func (w *world) versions(ctx context.Context) (map[string]string, error) {
	out := map[string]string{}
	complaints, err := all(func(token string) ([]*intakev1.Complaint, string, error) {
		p, err := w.intake().ListComplaints(w.reading(ctx), &intakev1.ListComplaintsRequest{PageSize: pageSize, PageToken: token})
		return p.GetComplaints(), p.GetNextPageToken(), err
	})
	if err != nil {
		return nil, err
	}
	note(out, complaints)
	for _, c := range complaints {
		if err := w.versionsOfCase(ctx, caseName(c.GetName()), out); err != nil {
			return nil, fmt.Errorf("versions of %s: %w", c.GetName(), err)
		}
	}
	return out, w.versionsBeside(ctx, out)
}

func note[T versioned](out map[string]string, items []T) {
	for _, i := range items {
		out[i.GetName()] = i.GetEtag()
	}
}

func (w *world) versionsOfCase(ctx context.Context, name string, out map[string]string) error {
	k, err := w.routing().GetCase(w.reading(ctx), &routingv1.GetCaseRequest{Name: name})
	if err != nil {
		return err
	}
	out[name] = k.GetCase().GetEtag()
	clocks, err := w.clocks(ctx, name)
	if err != nil {
		return err
	}
	note(out, clocks)
	plans, err := all(func(token string) ([]*routingv1.Plan, string, error) {
		p, err := w.routing().ListPlans(w.reading(ctx), &routingv1.ListPlansRequest{Parent: name, PageSize: pageSize, PageToken: token})
		return p.GetPlans(), p.GetNextPageToken(), err
	})
	if err != nil {
		return err
	}
	note(out, plans)
	replies, err := all(func(token string) ([]*routingv1.Reply, string, error) {
		p, err := w.routing().ListReplies(w.reading(ctx), &routingv1.ListRepliesRequest{Parent: name, PageSize: pageSize, PageToken: token})
		return p.GetReplies(), p.GetNextPageToken(), err
	})
	if err != nil {
		return err
	}
	note(out, replies)
	progress, err := all(func(token string) ([]*routingv1.Progress, string, error) {
		p, err := w.routing().ListProgress(w.reading(ctx), &routingv1.ListProgressRequest{Parent: name, PageSize: pageSize, PageToken: token})
		return p.GetProgress(), p.GetNextPageToken(), err
	})
	if err != nil {
		return err
	}
	note(out, progress)
	findings, err := all(func(token string) ([]*routingv1.Finding, string, error) {
		p, err := w.routing().ListFindings(w.reading(ctx), &routingv1.ListFindingsRequest{Parent: name, PageSize: pageSize, PageToken: token})
		return p.GetFindings(), p.GetNextPageToken(), err
	})
	note(out, findings)
	return err
}

// versionsBeside adds what other services keep.
func (w *world) versionsBeside(ctx context.Context, out map[string]string) error {
	claims, err := w.claims(ctx, "")
	if err != nil {
		return err
	}
	note(out, claims)
	notices, err := w.notices(ctx, "")
	if err != nil {
		return err
	}
	note(out, notices)
	followUps, err := w.followUps(ctx, "")
	if err != nil {
		return err
	}
	note(out, followUps)
	actions, err := all(func(token string) ([]*correctiveactionv1.Action, string, error) {
		p, err := correctiveactionv1.NewCorrectiveActionServiceClient(w.conn("corrective-action")).ListActions(w.reading(ctx), &correctiveactionv1.ListActionsRequest{PageSize: pageSize, PageToken: token})
		return p.GetActions(), p.GetNextPageToken(), err
	})
	note(out, actions)
	return err
}
