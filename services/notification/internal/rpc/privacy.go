package rpc

import (
	"context"

	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/page"
	"example.com/redress/services/kit/seal"
	"example.com/redress/services/notification/internal/app"
)

// ExportPerson returns what notification holds about a data subject, in clear.
func (s *Server) ExportPerson(ctx context.Context, req *notificationv1.ExportPersonRequest) (*notificationv1.ExportPersonResponse, error) {
	out := &notificationv1.ExportPersonResponse{}
	err := s.every(ctx, req, app.Notices, func(row journal.Row) error {
		n, err := s.open(ctx, row, seal.All())
		out.Notices = append(out.Notices, n)
		return err
	})
	if err != nil {
		return nil, err
	}
	err = s.every(ctx, req, app.FollowUps, func(row journal.Row) error {
		all, err := host.Rows(ctx, s.host, []journal.Row{row}, func() *notificationv1.FollowUp { return &notificationv1.FollowUp{} }, seal.All())
		for _, f := range all {
			f.TokenDigest = ""
		}
		out.FollowUps = append(out.FollowUps, all...)
		return err
	})
	return out, err
}

func (s *Server) every(ctx context.Context, req *notificationv1.ExportPersonRequest, kind string, visit func(journal.Row) error) error {
	q := journal.Query{Organization: req.GetOrganization(), Kind: kind, Where: where(app.AttrSubject, req.GetSubject()), Limit: page.MaxSize}
	for {
		found, err := s.host.Journal.List(ctx, q)
		if err != nil {
			return err
		}
		for _, row := range found.Rows {
			if err := visit(row); err != nil {
				return err
			}
		}
		if q.After = found.Next; q.After == "" {
			return nil
		}
	}
}
