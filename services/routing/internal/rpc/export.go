package rpc

import (
	"context"

	"google.golang.org/protobuf/proto"

	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/page"
	"example.com/redress/services/kit/seal"
	"example.com/redress/services/routing/internal/app"
)

// ExportPerson returns the cases of a data subject and what was written for them, in clear.
// Cost: a page of reads per case and kind.
func (s *Server) ExportPerson(ctx context.Context, req *routingv1.ExportPersonRequest) (*routingv1.ExportPersonResponse, error) {
	organization := req.GetOrganization()
	out := &routingv1.ExportPersonResponse{}
	var err error
	out.Cases, err = every(ctx, s, journal.Query{
		Organization: organization, Kind: app.Cases, Where: []journal.Attr{{Name: app.AttrSubject, Value: "subjects/" + req.GetSubject()}},
	}, func() *routingv1.Case { return &routingv1.Case{} })
	if err != nil {
		return nil, err
	}
	for _, k := range out.GetCases() {
		if err := s.ofCase(ctx, organization, k.GetName(), out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ofCase adds what belongs to one case.
func (s *Server) ofCase(ctx context.Context, organization, kase string, out *routingv1.ExportPersonResponse) error {
	of := func(kind string) journal.Query {
		return journal.Query{Organization: organization, Kind: kind, Parent: kase}
	}
	plans, err := every(ctx, s, of(app.Plans), func() *routingv1.Plan { return &routingv1.Plan{} })
	if err != nil {
		return err
	}
	findings, err := every(ctx, s, of(app.Findings), func() *routingv1.Finding { return &routingv1.Finding{} })
	if err != nil {
		return err
	}
	progress, err := every(ctx, s, of(app.Progress), func() *routingv1.Progress { return &routingv1.Progress{} })
	if err != nil {
		return err
	}
	replies, err := every(ctx, s, of(app.Replies), func() *routingv1.Reply { return &routingv1.Reply{} })
	if err != nil {
		return err
	}
	out.Plans, out.Findings = append(out.Plans, plans...), append(out.Findings, findings...)
	out.Progress, out.Replies = append(out.Progress, progress...), append(out.Replies, replies...)
	return nil
}

// every returns all resources that q finds, in clear.
func every[T proto.Message](ctx context.Context, s *Server, q journal.Query, empty func() T) ([]T, error) {
	var out []T
	for q.Limit = page.MaxSize; ; {
		found, err := s.host.Journal.List(ctx, q)
		if err != nil {
			return nil, err
		}
		all, err := host.Rows(ctx, s.host, found.Rows, empty, seal.All())
		if err != nil {
			return nil, err
		}
		out = append(out, all...)
		if q.After = found.Next; q.After == "" {
			return out, nil
		}
	}
}
