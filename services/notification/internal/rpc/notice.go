package rpc

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"

	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/page"
	"example.com/redress/services/kit/seal"
	"example.com/redress/services/notification/internal/app"
	"example.com/redress/services/notification/internal/domain"
)

// staffView shows words, never where they go: the delivery log needs no address.
func staffView() seal.View { return seal.View{FreeText: true, MaskUnavailable: true} }

// GetNotice returns one notice with its delivery log.
func (s *Server) GetNotice(ctx context.Context, req *notificationv1.GetNoticeRequest) (*notificationv1.GetNoticeResponse, error) {
	n, err := s.notice(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	return &notificationv1.GetNoticeResponse{Notice: n}, nil
}

func (s *Server) notice(ctx context.Context, name string) (*notificationv1.Notice, error) {
	organization := host.Caller(ctx).Organization
	n := &notificationv1.Notice{}
	version, err := s.host.Journal.Get(ctx, organization, name, n)
	if err != nil {
		return nil, err
	}
	host.SetEtag(n, version)
	return n, app.Show(ctx, s.host.Keys, organization, n, staffView())
}

// ListNotices lists notices, the newest first: their names begin with the time.
func (s *Server) ListNotices(ctx context.Context, req *notificationv1.ListNoticesRequest) (*notificationv1.ListNoticesResponse, error) {
	state := ""
	if req.GetState() != notificationv1.Notice_STATE_UNSPECIFIED {
		state = req.GetState().String()
	}
	found, token, err := s.list(ctx, req, req.GetPageSize(), req.GetPageToken(), app.Notices, true,
		where(app.AttrComplaint, req.GetComplaint(), app.AttrState, state, app.AttrKind, req.GetKind()))
	if err != nil {
		return nil, err
	}
	out := &notificationv1.ListNoticesResponse{NextPageToken: token}
	for _, row := range found {
		n, err := s.open(ctx, row, staffView())
		if err != nil {
			return nil, err
		}
		out.Notices = append(out.Notices, n)
	}
	return out, nil
}

func (s *Server) open(ctx context.Context, row journal.Row, v seal.View) (*notificationv1.Notice, error) {
	n := &notificationv1.Notice{}
	if err := proto.Unmarshal(row.State, n); err != nil {
		return nil, fmt.Errorf("state of %s: %w", row.Name, err)
	}
	host.SetEtag(n, row.Version)
	return n, app.Show(ctx, s.host.Keys, row.Organization, n, v)
}

// list returns a page of a collection of the caller's organisation.
func (s *Server) list(ctx context.Context, req proto.Message, wish int32, token, kind string, newestFirst bool, where []journal.Attr) ([]journal.Row, string, error) {
	caller := host.Caller(ctx)
	size, err := page.Size(wish)
	if err != nil {
		return nil, "", err
	}
	scope := []string{caller.Organization, caller.Principal}
	after, err := page.After(token, req, scope...)
	if err != nil {
		return nil, "", err
	}
	found, err := s.host.Journal.List(ctx, journal.Query{
		Organization: caller.Organization, Kind: kind, Where: where, Limit: size, After: after, Descending: newestFirst,
	})
	if err != nil {
		return nil, "", err
	}
	return found.Rows, page.Token(found.Next, req, scope...), nil
}

// ResendNotice plans another attempt at once.
func (s *Server) ResendNotice(ctx context.Context, req *notificationv1.ResendNoticeRequest) (*notificationv1.ResendNoticeResponse, error) {
	seen := &notificationv1.Notice{}
	if _, err := s.host.Journal.Get(ctx, host.Caller(ctx).Organization, req.GetName(), seen); err != nil {
		return nil, err
	}
	key := seen.GetComplaint()
	if key == "" {
		key = req.GetName()
	}
	receipt, err := host.Run(ctx, s.host, req, host.Command{Key: key, Reads: []string{req.GetName()}}, func(u *journal.Unit, in *notificationv1.ResendNoticeRequest) error {
		n := &notificationv1.Notice{}
		version, err := u.Get(in.GetName(), n)
		if err != nil {
			return err
		}
		if err := journal.CheckEtag(version, in.GetEtag()); err != nil {
			return err
		}
		next, err := domain.Resend(n, u.Time())
		if err != nil {
			return err
		}
		return u.Update(in.GetName(), next, &notificationv1.NoticeResent{})
	})
	if err != nil {
		return nil, err
	}
	n, err := s.open(ctx, journal.Row{Organization: host.Caller(ctx).Organization, Name: receipt.Resource, Version: receipt.Version, State: receipt.State}, staffView())
	if err != nil {
		return nil, err
	}
	return &notificationv1.ResendNoticeResponse{Notice: n}, nil
}

// IssueNotice issues a notice that a person decided upon.
func (s *Server) IssueNotice(ctx context.Context, req *notificationv1.IssueNoticeRequest) (*notificationv1.IssueNoticeResponse, error) {
	caller := host.Caller(ctx)
	var names []string
	command := host.Command{Key: req.GetName(), Reads: []string{req.GetName()}}
	receipt, err := host.Run(ctx, s.host, req, command, func(u *journal.Unit, in *notificationv1.IssueNoticeRequest) (err error) {
		names, err = s.desk.IssueByPerson(u, app.Issue{Complaint: in.GetName(), Notice: in.GetNotice(), By: caller.Principal, Request: in.GetRequestId(), Time: u.Time()})
		if err == nil && len(names) > 0 {
			u.Answer(names[0])
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &notificationv1.IssueNoticeResponse{Count: int32(len(names))}
	if receipt.Resource == "" {
		return out, nil // it names nobody who could be found
	}
	out.Notice, err = s.open(ctx, journal.Row{Organization: caller.Organization, Name: receipt.Resource, Version: receipt.Version, State: receipt.State}, staffView())
	if out.Count == 0 {
		out.Count = 1 // the answer to a repeated request
	}
	return out, err
}

// AnswerNotice records the choice of a notice's receiver. A customer may answer what they received.
func (s *Server) AnswerNotice(ctx context.Context, req *notificationv1.AnswerNoticeRequest) (*notificationv1.AnswerNoticeResponse, error) {
	caller := host.Caller(ctx)
	seen := &notificationv1.Notice{}
	if _, err := s.host.Journal.Get(ctx, caller.Organization, req.GetName(), seen); err != nil {
		return nil, err
	}
	if caller.Customer && seen.GetRecipient() != caller.Principal {
		return nil, host.NotFound(req.GetName())
	}
	command := host.Command{Key: seen.GetComplaint(), Reads: []string{seen.GetName(), seen.GetComplaint()}}
	receipt, err := host.Run(ctx, s.host, req, command, func(u *journal.Unit, in *notificationv1.AnswerNoticeRequest) error {
		return s.desk.AnswerNotice(u, in.GetName(), in.GetEtag(), domain.Ticks{Choices: in.GetChoices(), By: caller.Principal, Time: u.Time()})
	})
	if err != nil {
		return nil, err
	}
	n, err := s.open(ctx, journal.Row{Organization: caller.Organization, Name: receipt.Resource, Version: receipt.Version, State: receipt.State}, staffView())
	if err != nil {
		return nil, err
	}
	return &notificationv1.AnswerNoticeResponse{Notice: n}, nil
}
