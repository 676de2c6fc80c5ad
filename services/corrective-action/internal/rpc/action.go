package rpc

import (
	"context"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/corrective-action/internal/app"
	"example.com/redress/services/corrective-action/internal/domain"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/page"
	"example.com/redress/services/kit/seal"
)

// GetAction returns one action.
func (s *Server) GetAction(ctx context.Context, req *correctiveactionv1.GetActionRequest) (*correctiveactionv1.GetActionResponse, error) {
	a, err := host.Read(ctx, s.host, req.GetName(), empty(), host.View(ctx))
	if err != nil {
		return nil, err
	}
	return &correctiveactionv1.GetActionResponse{Action: a}, nil
}

// ListActions lists actions, the newest first.
func (s *Server) ListActions(ctx context.Context, req *correctiveactionv1.ListActionsRequest) (*correctiveactionv1.ListActionsResponse, error) {
	organization := host.Caller(ctx).Organization
	size, err := page.Size(req.GetPageSize())
	if err != nil {
		return nil, err
	}
	after, err := page.After(req.GetPageToken(), req, organization)
	if err != nil {
		return nil, err
	}
	q := journal.Query{Organization: organization, Kind: app.Actions, Limit: size, After: after, Descending: true}
	if req.GetComplaint() != "" {
		q.Where = append(q.Where, journal.Attr{Name: app.AttrComplaint, Value: req.GetComplaint()})
	}
	if req.GetState() != correctiveactionv1.Action_STATE_UNSPECIFIED {
		q.Where = append(q.Where, journal.Attr{Name: app.AttrState, Value: req.GetState().String()})
	}
	found, err := s.host.Journal.List(ctx, q)
	if err != nil {
		return nil, err
	}
	actions, err := host.Rows(ctx, s.host, found.Rows, empty, host.View(ctx))
	if err != nil {
		return nil, err
	}
	return &correctiveactionv1.ListActionsResponse{Actions: actions, NextPageToken: page.Token(found.Next, req, organization)}, nil
}

// CreateAction opens an action on a complaint. Cost: reads of complaint, case, policy
// and directory; one commit of action, clock, event, request and number.
func (s *Server) CreateAction(ctx context.Context, req *correctiveactionv1.CreateActionRequest) (*correctiveactionv1.CreateActionResponse, error) {
	caller, complaint := host.Caller(ctx), req.GetAction().GetComplaint()
	on := &intakev1.Complaint{}
	_, ok, err := s.host.Journal.Projection(ctx, caller.Organization, complaint, on)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, host.NotFound(complaint)
	}
	d, err := s.directory(ctx)
	if err != nil {
		return nil, err
	}
	if name := req.GetAction().GetDepartment(); name != "" {
		if _, ok := d.Department(name); !ok {
			return nil, host.NotFound(name)
		}
	}
	if name := req.GetAction().GetOwner(); name != "" {
		if _, ok := d.Person(name); !ok {
			return nil, host.NotFound(name)
		}
	}
	name, err := newName()
	if err != nil {
		return nil, err
	}
	shard := s.host.Journal.ShardOf(complaint)
	receipt, err := host.Run(ctx, s.host, req, host.Command{
		Key: complaint, Subject: app.SubjectID(on.GetSubject()),
		Reads: []string{complaint, app.CaseOf(complaint), on.GetPolicyRevision()},
	}, func(u *journal.Unit, in *correctiveactionv1.CreateActionRequest) error {
		act, on, err := s.desk.Act(u, complaint, "", app.Actor{Directory: d, Principal: caller.Principal, Now: u.Time()})
		if err != nil {
			return err
		}
		number, err := app.Number(u, act.Policy.Calendar().Location(), shard)
		if err != nil {
			return err
		}
		event, err := domain.Open(domain.Identity{Name: name, Number: number}, on, in.GetAction(), act)
		if err != nil {
			return err
		}
		return app.Open(u, event, act.Policy)
	})
	if err != nil {
		return nil, err
	}
	a, err := host.Answer(ctx, s.host, receipt, empty(), host.View(ctx))
	if err != nil {
		return nil, err
	}
	return &correctiveactionv1.CreateActionResponse{Action: a}, nil
}

// ImplementAction records that an action was carried out.
func (s *Server) ImplementAction(ctx context.Context, req *correctiveactionv1.ImplementActionRequest) (*correctiveactionv1.ImplementActionResponse, error) {
	a, err := change(ctx, s, req, func(a *correctiveactionv1.Action, act domain.Act, in *correctiveactionv1.ImplementActionRequest) (domain.Event, error) {
		return domain.Implement(a, in.GetNote(), in.GetFacts(), act)
	})
	if err != nil {
		return nil, err
	}
	return &correctiveactionv1.ImplementActionResponse{Action: a}, nil
}

// VerifyAction records whether an action was effective.
func (s *Server) VerifyAction(ctx context.Context, req *correctiveactionv1.VerifyActionRequest) (*correctiveactionv1.VerifyActionResponse, error) {
	a, err := change(ctx, s, req, func(a *correctiveactionv1.Action, act domain.Act, in *correctiveactionv1.VerifyActionRequest) (domain.Event, error) {
		return domain.Verify(a, in.GetEffective(), in.GetNote(), act)
	})
	if err != nil {
		return nil, err
	}
	return &correctiveactionv1.VerifyActionResponse{Action: a}, nil
}

// CloseAction puts a verified action on file.
func (s *Server) CloseAction(ctx context.Context, req *correctiveactionv1.CloseActionRequest) (*correctiveactionv1.CloseActionResponse, error) {
	a, err := change(ctx, s, req, func(a *correctiveactionv1.Action, act domain.Act, _ *correctiveactionv1.CloseActionRequest) (domain.Event, error) {
		return domain.Close(a, act)
	})
	if err != nil {
		return nil, err
	}
	return &correctiveactionv1.CloseActionResponse{Action: a}, nil
}

// ExportPerson returns every action whose texts are sealed under the subject's key, in clear.
func (s *Server) ExportPerson(ctx context.Context, req *correctiveactionv1.ExportPersonRequest) (*correctiveactionv1.ExportPersonResponse, error) {
	out := &correctiveactionv1.ExportPersonResponse{}
	q := journal.Query{
		Organization: req.GetOrganization(), Kind: app.Actions, Limit: page.MaxSize,
		Where: []journal.Attr{{Name: app.AttrSubject, Value: req.GetSubject()}},
	}
	for {
		found, err := s.host.Journal.List(ctx, q)
		if err != nil {
			return nil, err
		}
		actions, err := host.Rows(ctx, s.host, found.Rows, empty, seal.All())
		if err != nil {
			return nil, err
		}
		out.Actions = append(out.Actions, actions...)
		if q.After = found.Next; q.After == "" {
			return out, nil
		}
	}
}
