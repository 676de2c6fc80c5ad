package rpc

import (
	"context"

	"google.golang.org/protobuf/proto"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	"example.com/redress/services/compensation/internal/app"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/page"
	"example.com/redress/services/kit/seal"
)

// GetClaim returns one claim, with the claims related to it now.
func (s *Server) GetClaim(ctx context.Context, req *compensationv1.GetClaimRequest) (*compensationv1.GetClaimResponse, error) {
	c, err := host.Read(ctx, s.host, req.GetName(), &compensationv1.Claim{}, view(ctx))
	if err != nil {
		return nil, err
	}
	others, err := s.list(ctx, host.Caller(ctx).Organization, seal.View{}, journal.Attr{Name: app.AttrComplaint, Value: c.GetComplaint()})
	if err != nil {
		return nil, err
	}
	c.RelatedClaims = app.Related(c.GetName(), c, others)
	return &compensationv1.GetClaimResponse{Claim: c}, nil
}

// ListClaims lists claims, the newest first.
func (s *Server) ListClaims(ctx context.Context, req *compensationv1.ListClaimsRequest) (*compensationv1.ListClaimsResponse, error) {
	organization := host.Caller(ctx).Organization
	size, err := page.Size(req.GetPageSize())
	if err != nil {
		return nil, err
	}
	after, err := page.After(req.GetPageToken(), req, organization)
	if err != nil {
		return nil, err
	}
	q := journal.Query{Organization: organization, Kind: app.Claims, Limit: size, After: after, Descending: true}
	if req.GetComplaint() != "" {
		q.Where = append(q.Where, journal.Attr{Name: app.AttrComplaint, Value: req.GetComplaint()})
	}
	if req.GetState() != compensationv1.Claim_STATE_UNSPECIFIED {
		q.Where = append(q.Where, journal.Attr{Name: app.AttrState, Value: req.GetState().String()})
	}
	found, err := s.host.Journal.List(ctx, q)
	if err != nil {
		return nil, err
	}
	claims, err := host.Rows(ctx, s.host, found.Rows, empty, view(ctx))
	if err != nil {
		return nil, err
	}
	return &compensationv1.ListClaimsResponse{Claims: claims, NextPageToken: page.Token(found.Next, req, organization)}, nil
}

// ExportPerson returns everything whose texts are sealed under the subject's key, in clear.
func (s *Server) ExportPerson(ctx context.Context, req *compensationv1.ExportPersonRequest) (*compensationv1.ExportPersonResponse, error) {
	of := journal.Attr{Name: app.AttrSubject, Value: req.GetSubject()}
	claims, err := s.list(ctx, req.GetOrganization(), seal.All(), of)
	if err != nil {
		return nil, err
	}
	goods, err := everything(ctx, s, req.GetOrganization(), app.Goods, seal.All(), of, func() *compensationv1.Goods { return &compensationv1.Goods{} })
	if err != nil {
		return nil, err
	}
	allocations, err := everything(ctx, s, req.GetOrganization(), app.Allocations, seal.All(), of, func() *compensationv1.Allocation { return &compensationv1.Allocation{} })
	if err != nil {
		return nil, err
	}
	return &compensationv1.ExportPersonResponse{Claims: claims, Goods: goods, Allocations: allocations}, nil
}

// list returns all claims with the attribute, opened as far as v shows them.
func (s *Server) list(ctx context.Context, organization string, v seal.View, where journal.Attr) ([]*compensationv1.Claim, error) {
	return everything(ctx, s, organization, app.Claims, v, where, empty)
}

// everything returns all of a collection with the attribute, opened as far as v shows them.
func everything[T proto.Message](ctx context.Context, s *Server, organization, kind string, v seal.View, where journal.Attr, make func() T) ([]T, error) {
	var out []T
	q := journal.Query{Organization: organization, Kind: kind, Limit: page.MaxSize, Where: []journal.Attr{where}}
	for {
		found, err := s.host.Journal.List(ctx, q)
		if err != nil {
			return nil, err
		}
		items, err := host.Rows(ctx, s.host, found.Rows, make, v)
		if err != nil {
			return nil, err
		}
		out = append(out, items...)
		if q.After = found.Next; q.After == "" {
			return out, nil
		}
	}
}

func empty() *compensationv1.Claim { return &compensationv1.Claim{} }
