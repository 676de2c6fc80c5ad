package rpc

import (
	"context"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/corrective-action/internal/app"
	"example.com/redress/services/corrective-action/internal/domain"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/policy/sheet"
)

func noPenalty() *correctiveactionv1.Penalty { return &correctiveactionv1.Penalty{} }
func noComplaint() *intakev1.Complaint       { return &intakev1.Complaint{} }

// GetPenalty returns one penalty notice.
func (s *Server) GetPenalty(ctx context.Context, req *correctiveactionv1.GetPenaltyRequest) (*correctiveactionv1.GetPenaltyResponse, error) {
	p, err := host.Read(ctx, s.host, req.GetName(), noPenalty(), host.View(ctx))
	return &correctiveactionv1.GetPenaltyResponse{Penalty: p}, err
}

// ListPenalties lists penalty notices, the newest first.
func (s *Server) ListPenalties(ctx context.Context, req *correctiveactionv1.ListPenaltiesRequest) (*correctiveactionv1.ListPenaltiesResponse, error) {
	found, next, err := list(ctx, s, req, app.Penalties, map[string]string{app.AttrComplaint: req.GetComplaint(), app.AttrState: stateOf(req.GetState())}, noPenalty)
	return &correctiveactionv1.ListPenaltiesResponse{Penalties: found, NextPageToken: next}, err
}

// CreatePenalty puts a penalty notice forward.
func (s *Server) CreatePenalty(ctx context.Context, req *correctiveactionv1.CreatePenaltyRequest) (*correctiveactionv1.CreatePenaltyResponse, error) {
	complaint := req.GetPenalty().GetComplaint()
	of, err := s.subjectOf(ctx, complaint)
	if err != nil {
		return nil, err
	}
	name, err := newName("penalties")
	if err != nil {
		return nil, err
	}
	caller := host.Caller(ctx).Principal
	receipt, err := host.Run(ctx, s.host, req, host.Command{Key: or(complaint, name), Subject: subject(ctx, of), Reads: reads(complaint)},
		func(u *journal.Unit, in *correctiveactionv1.CreatePenaltyRequest) error {
			sc, err := s.desk.Scene(u, complaint, "", u.Time())
			if err != nil {
				return err
			}
			sc.By = caller
			events, err := domain.Raise(name, sc.Revision, sc.Complaint, in.GetPenalty(), s.act(u, sc, in.GetPenalty(), caller))
			if err != nil {
				return err
			}
			for _, e := range events {
				e.State.Subject = subjectName(ctx, of)
			}
			u.Answer(name)
			return s.desk.StorePenalty(u, sc, events, true)
		})
	if err != nil {
		return nil, err
	}
	p, err := host.Answer(ctx, s.host, receipt, noPenalty(), host.View(ctx))
	return &correctiveactionv1.CreatePenaltyResponse{Penalty: p}, err
}

// act is what a decision on a penalty looks at: the people it names are who they are.
func (s *Server) act(u *journal.Unit, sc *app.Scene, p *correctiveactionv1.Penalty, caller string) domain.Act {
	act := s.desk.Act(u, sc.With(sheet.WithPenalty(sc.Sheet, p)), caller)
	act.Sheet = sc.Sheet
	return act
}

// SignPenalty records what a signatory of a penalty does.
func (s *Server) SignPenalty(ctx context.Context, req *correctiveactionv1.SignPenaltyRequest) (*correctiveactionv1.SignPenaltyResponse, error) {
	seen := noPenalty()
	if _, err := s.host.Journal.Get(ctx, host.Caller(ctx).Organization, req.GetName(), seen); err != nil {
		return nil, err
	}
	caller := host.Caller(ctx).Principal
	receipt, err := host.Run(ctx, s.host, req, host.Command{
		Key: or(seen.GetComplaint(), req.GetName()), Subject: subject(ctx, seen.GetSubject()), Reads: append([]string{req.GetName(), seen.GetPolicyRevision()}, reads(seen.GetComplaint())...),
	}, func(u *journal.Unit, in *correctiveactionv1.SignPenaltyRequest) error {
		p := noPenalty()
		version, err := u.Get(in.GetName(), p)
		if err != nil {
			return err
		}
		if err := journal.CheckEtag(version, in.GetEtag()); err != nil {
			return err
		}
		sc, err := s.desk.Scene(u, p.GetComplaint(), p.GetPolicyRevision(), u.Time())
		if err != nil {
			return err
		}
		sc.By = caller
		events, err := domain.SignPenalty(p, signature(in), s.act(u, sc, p, caller))
		if err != nil {
			return err
		}
		u.Answer(in.GetName())
		return s.desk.StorePenalty(u, sc, events, false)
	})
	if err != nil {
		return nil, err
	}
	p, err := host.Answer(ctx, s.host, receipt, noPenalty(), host.View(ctx))
	return &correctiveactionv1.SignPenaltyResponse{Penalty: p}, err
}
