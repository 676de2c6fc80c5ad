package rpc

import (
	"cmp"
	"context"
	"slices"
	"strings"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/notification/internal/app"
	"example.com/redress/services/notification/internal/domain"
	"example.com/redress/services/policy/revisions"
)

// GetFollowUp returns one follow-up.
func (s *Server) GetFollowUp(ctx context.Context, req *notificationv1.GetFollowUpRequest) (*notificationv1.GetFollowUpResponse, error) {
	f, err := host.Read(ctx, s.host, req.GetName(), &notificationv1.FollowUp{}, host.View(ctx))
	if err != nil {
		return nil, err
	}
	f.TokenDigest = ""
	return &notificationv1.GetFollowUpResponse{FollowUp: f}, nil
}

// ListFollowUps lists follow-ups. Their ids come from obligations and know no time,
// so the newest come first within a page only.
func (s *Server) ListFollowUps(ctx context.Context, req *notificationv1.ListFollowUpsRequest) (*notificationv1.ListFollowUpsResponse, error) {
	state := ""
	if req.GetState() != notificationv1.FollowUp_STATE_UNSPECIFIED {
		state = req.GetState().String()
	}
	found, token, err := s.list(ctx, req, req.GetPageSize(), req.GetPageToken(), app.FollowUps, true,
		where(app.AttrComplaint, req.GetComplaint(), app.AttrState, state))
	if err != nil {
		return nil, err
	}
	all, err := host.Rows(ctx, s.host, found, func() *notificationv1.FollowUp { return &notificationv1.FollowUp{} }, host.View(ctx))
	if err != nil {
		return nil, err
	}
	for _, f := range all {
		f.TokenDigest = ""
	}
	slices.SortStableFunc(all, func(a, b *notificationv1.FollowUp) int {
		return b.GetOpenTime().AsTime().Compare(a.GetOpenTime().AsTime())
	})
	return &notificationv1.ListFollowUpsResponse{FollowUps: all, NextPageToken: token}, nil
}

// RecordFollowUp enters what the customer said to a member of staff.
func (s *Server) RecordFollowUp(ctx context.Context, req *notificationv1.RecordFollowUpRequest) (*notificationv1.RecordFollowUpResponse, error) {
	caller := host.Caller(ctx)
	seen := &notificationv1.FollowUp{}
	if _, err := s.host.Journal.Get(ctx, caller.Organization, req.GetName(), seen); err != nil {
		return nil, err
	}
	if req.GetMode() == domain.ModePage {
		return nil, fault.New(fault.Invalid, domain.ReasonMode).WithViolations(fault.Violation{Field: "mode", Reason: domain.ReasonMode})
	}
	command := host.Command{Key: cmp.Or(seen.GetComplaint(), seen.GetName()), Reads: app.Reads(seen), Subject: last(seen.GetSubject())}
	if seen.GetComplaint() == "" && command.Subject == "" {
		command.Subject = strings.ReplaceAll(caller.Principal, "/", "-") // what staff write outside complaints is sealed with their own key
	}
	receipt, err := host.Run(ctx, s.host, req, command, func(u *journal.Unit, in *notificationv1.RecordFollowUpRequest) error {
		return s.desk.Answer(u, in.GetName(), app.Given{Facts: in.GetFacts(), Mode: in.GetMode(), Recorder: caller.Principal, Etag: in.GetEtag(), Subject: "subjects/" + command.Subject, Time: u.Time()})
	})
	if err != nil {
		return nil, err
	}
	f, err := host.Answer(ctx, s.host, receipt, &notificationv1.FollowUp{}, host.View(ctx))
	if err != nil {
		return nil, err
	}
	f.TokenDigest = ""
	return &notificationv1.RecordFollowUpResponse{FollowUp: f}, nil
}

// invalid is the one refusal of a link; it never says why.
func invalid(err error) error {
	f := fault.New(fault.NotFound, domain.ReasonLink)
	if err != nil {
		f = f.Wrap(err)
	}
	return f
}

// behind returns the follow-up that a token opens, whatever its state.
func (s *Server) behind(ctx context.Context, token string) (organization string, f *notificationv1.FollowUp, err error) {
	organization, name, ok := s.desk.Links().Read(token)
	if !ok {
		return "", nil, invalid(nil)
	}
	f = &notificationv1.FollowUp{}
	if _, err := s.host.Journal.Get(ctx, organization, name, f); err != nil {
		if fault.KindOf(err) == fault.NotFound {
			return "", nil, invalid(err)
		}
		return "", nil, err
	}
	return organization, f, nil
}

// GetSurvey returns the questions behind a link. Opening it changes nothing, so
// programs that look at links do no harm.
func (s *Server) GetSurvey(ctx context.Context, req *notificationv1.GetSurveyRequest) (*notificationv1.GetSurveyResponse, error) {
	organization, f, err := s.behind(ctx, req.GetToken())
	if err != nil {
		return nil, err
	}
	if err := domain.TakesLink(f, app.Digest(req.GetToken()), s.host.Clock.Now()); err != nil {
		return nil, err
	}
	p, err := s.desk.Policies().Get(revisions.Journal{Context: ctx, J: s.host.Journal, Organization: organization}, f.GetPolicyRevision())
	if err != nil {
		return nil, err
	}
	c := &intakev1.Complaint{}
	if _, _, err := s.host.Journal.Projection(ctx, organization, f.GetComplaint(), c); err != nil {
		return nil, err
	}
	return &notificationv1.GetSurveyResponse{
		Number: f.GetNumber(), Items: domain.Questions(domain.FormOf(p, f.GetForm())), Locale: domain.Locale(c.GetComplainant().GetLocale()),
	}, nil
}

// SubmitSurvey takes the answers behind a link, once. The link says for which
// organisation the caller, whom nobody knows, acts.
func (s *Server) SubmitSurvey(ctx context.Context, req *notificationv1.SubmitSurveyRequest) (*notificationv1.SubmitSurveyResponse, error) {
	organization, f, err := s.behind(ctx, req.GetToken())
	if err != nil {
		return nil, err
	}
	// Requests are remembered for each link by itself: their ids are made by browsers.
	ctx = authn.With(ctx, authn.Caller{Principal: "customers/by-link-" + last(f.GetName()), Organization: organization, Customer: true, Locale: authn.Locale(ctx)})
	digest := app.Digest(req.GetToken())
	command := host.Command{Key: f.GetComplaint(), Reads: []string{f.GetName(), f.GetComplaint()}, Subject: last(f.GetSubject())}
	receipt, err := host.Run(ctx, s.host, req, command, func(u *journal.Unit, in *notificationv1.SubmitSurveyRequest) error {
		return s.desk.Answer(u, f.GetName(), app.Given{Facts: in.GetFacts(), Mode: domain.ModePage, Recorder: domain.Customer, TokenDigest: digest, Time: u.Time()})
	})
	if err != nil {
		return nil, err
	}
	answered, err := host.Answer(ctx, s.host, receipt, &notificationv1.FollowUp{}, host.View(ctx))
	if err != nil {
		return nil, err
	}
	return &notificationv1.SubmitSurveyResponse{Satisfied: answered.GetSatisfied()}, nil
}

func last(name string) string {
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '/' {
			return name[i+1:]
		}
	}
	return name
}
