package rpc

import (
	"context"
	"strconv"

	"google.golang.org/protobuf/proto"

	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/page"
	"example.com/redress/services/routing/internal/app"
	"example.com/redress/services/routing/internal/domain"
)

// GetCase implements RoutingService.
func (s *Server) GetCase(ctx context.Context, req *routingv1.GetCaseRequest) (*routingv1.GetCaseResponse, error) {
	k, err := host.Read(ctx, s.host, req.GetName(), &routingv1.Case{}, host.View(ctx))
	if err != nil {
		return nil, err
	}
	return &routingv1.GetCaseResponse{Case: k}, nil
}

// GetPlan implements RoutingService.
func (s *Server) GetPlan(ctx context.Context, req *routingv1.GetPlanRequest) (*routingv1.GetPlanResponse, error) {
	p, err := host.Read(ctx, s.host, req.GetName(), &routingv1.Plan{}, host.View(ctx))
	if err != nil {
		return nil, err
	}
	return &routingv1.GetPlanResponse{Plan: p}, nil
}

// ListCases implements RoutingService.
func (s *Server) ListCases(ctx context.Context, req *routingv1.ListCasesRequest) (*routingv1.ListCasesResponse, error) {
	q := journal.Query{Kind: app.Cases, Descending: true}
	if st := req.GetState(); st != routingv1.Case_STATE_UNSPECIFIED {
		q.Where = append(q.Where, journal.Attr{Name: app.AttrState, Value: st.String()})
	}
	if d := req.GetDepartment(); d != "" {
		q.Where = append(q.Where, journal.Attr{Name: app.AttrDepartment, Value: d})
	}
	if o := req.GetOwner(); o != "" {
		q.Where = append(q.Where, journal.Attr{Name: app.AttrOwner, Value: o})
	}
	cases, next, err := list(ctx, s, req, q, func() *routingv1.Case { return &routingv1.Case{} })
	if err != nil {
		return nil, err
	}
	return &routingv1.ListCasesResponse{Cases: cases, NextPageToken: next}, nil
}

// ListFindings implements RoutingService.
func (s *Server) ListFindings(ctx context.Context, req *routingv1.ListFindingsRequest) (*routingv1.ListFindingsResponse, error) {
	all, next, err := children(ctx, s, req, app.Findings, func() *routingv1.Finding { return &routingv1.Finding{} })
	if err != nil {
		return nil, err
	}
	return &routingv1.ListFindingsResponse{Findings: all, NextPageToken: next}, nil
}

// ListProgress implements RoutingService.
func (s *Server) ListProgress(ctx context.Context, req *routingv1.ListProgressRequest) (*routingv1.ListProgressResponse, error) {
	all, next, err := children(ctx, s, req, app.Progress, func() *routingv1.Progress { return &routingv1.Progress{} })
	if err != nil {
		return nil, err
	}
	return &routingv1.ListProgressResponse{Progress: all, NextPageToken: next}, nil
}

// ListReplies implements RoutingService.
func (s *Server) ListReplies(ctx context.Context, req *routingv1.ListRepliesRequest) (*routingv1.ListRepliesResponse, error) {
	all, next, err := children(ctx, s, req, app.Replies, func() *routingv1.Reply { return &routingv1.Reply{} })
	if err != nil {
		return nil, err
	}
	return &routingv1.ListRepliesResponse{Replies: all, NextPageToken: next}, nil
}

// ListPlans implements RoutingService.
func (s *Server) ListPlans(ctx context.Context, req *routingv1.ListPlansRequest) (*routingv1.ListPlansResponse, error) {
	all, next, err := numbered(ctx, s, req, domain.PlanNumber, domain.PlanName, func() *routingv1.Plan { return &routingv1.Plan{} })
	if err != nil {
		return nil, err
	}
	return &routingv1.ListPlansResponse{Plans: all, NextPageToken: next}, nil
}

// numbered lists what belongs to a case and is numbered without gaps, by number: the
// order of names would put 10 before 2. newest is the last number.
func numbered[R interface {
	paged
	GetParent() string
}, T proto.Message](ctx context.Context, s *Server, req R, newest func(*routingv1.Case) int32, name func(kase string, number int32) string, empty func() T) ([]T, string, error) {
	organization := host.Caller(ctx).Organization
	size, err := page.Size(req.GetPageSize())
	if err != nil {
		return nil, "", err
	}
	after, err := page.After(req.GetPageToken(), req, organization)
	if err != nil {
		return nil, "", err
	}
	kase, err := s.kase(ctx, req.GetParent())
	if err != nil {
		return nil, "", err
	}
	n := int32(1)
	if last, err := strconv.ParseInt(after, 10, 32); err == nil {
		n = int32(last) + 1
	}
	var out []T
	for ; n <= newest(kase) && len(out) < size; n++ {
		m, err := host.Read(ctx, s.host, name(kase.GetName(), n), empty(), host.View(ctx))
		if err != nil {
			return nil, "", err
		}
		out = append(out, m)
	}
	if n <= newest(kase) {
		return out, page.Token(strconv.Itoa(int(n-1)), req, organization), nil
	}
	return out, "", nil
}

// paged is a request for a page.
type paged interface {
	proto.Message
	GetPageSize() int32
	GetPageToken() string
}

// children lists what belongs to a case, oldest first. A case that is not there is
// RESOURCE_NOT_FOUND, not an empty list.
func children[R interface {
	paged
	GetParent() string
}, T proto.Message](ctx context.Context, s *Server, req R, kind string, empty func() T) ([]T, string, error) {
	if _, err := s.kase(ctx, req.GetParent()); err != nil {
		return nil, "", err
	}
	return list(ctx, s, req, journal.Query{Kind: kind, Parent: req.GetParent()}, empty)
}

// list returns a page of the caller's organisation and the token of the next.
func list[R paged, T proto.Message](ctx context.Context, s *Server, req R, q journal.Query, empty func() T) ([]T, string, error) {
	q.Organization = host.Caller(ctx).Organization
	var err error
	if q.Limit, err = page.Size(req.GetPageSize()); err != nil {
		return nil, "", err
	}
	if q.After, err = page.After(req.GetPageToken(), req, q.Organization); err != nil {
		return nil, "", err
	}
	found, err := s.host.Journal.List(ctx, q)
	if err != nil {
		return nil, "", err
	}
	all, err := host.Rows(ctx, s.host, found.Rows, empty, host.View(ctx))
	return all, page.Token(found.Next, req, q.Organization), err
}
