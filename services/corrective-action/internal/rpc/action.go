package rpc

import (
	"context"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/corrective-action/internal/app"
	"example.com/redress/services/corrective-action/internal/domain"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/page"
	"example.com/redress/services/kit/seal"
	"example.com/redress/services/policy/sheet"
)

// GetAction returns one action.
func (s *Server) GetAction(ctx context.Context, req *correctiveactionv1.GetActionRequest) (*correctiveactionv1.GetActionResponse, error) {
	a, err := host.Read(ctx, s.host, req.GetName(), empty(), host.View(ctx))
	if err != nil {
		return nil, err
	}
	return &correctiveactionv1.GetActionResponse{Action: a}, s.withhold(ctx, a)
}

// ListActions lists actions, the newest first.
func (s *Server) ListActions(ctx context.Context, req *correctiveactionv1.ListActionsRequest) (*correctiveactionv1.ListActionsResponse, error) {
	actions, next, err := list(ctx, s, req, app.Actions, map[string]string{app.AttrComplaint: req.GetComplaint(), app.AttrState: stateOf(req.GetState())}, empty)
	if err != nil {
		return nil, err
	}
	return &correctiveactionv1.ListActionsResponse{Actions: actions, NextPageToken: next}, s.withhold(ctx, actions...)
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
	if err := s.known(ctx, req.GetAction().GetDepartment(), req.GetAction().GetOwner()); err != nil {
		return nil, err
	}
	name, err := newName("actions")
	if err != nil {
		return nil, err
	}
	shard := s.host.Journal.ShardOf(complaint)
	receipt, err := host.Run(ctx, s.host, req, host.Command{
		Key: complaint, Subject: app.SubjectID(on.GetSubject()),
		Reads: []string{complaint, app.CaseOf(complaint), on.GetPolicyRevision()},
	}, func(u *journal.Unit, in *correctiveactionv1.CreateActionRequest) error {
		sc, err := s.desk.Scene(u, complaint, "", u.Time())
		if err != nil {
			return err
		}
		sc.By = caller.Principal
		number, err := app.Number(u, sc.Policy.Calendar().Location(), shard)
		if err != nil {
			return err
		}
		sc = sc.Of(in.GetAction().GetDepartment())
		act := s.desk.Act(u, sc.With(sheet.WithAction(sc.Sheet, in.GetAction())), caller.Principal)
		act.Sheet = sc.Sheet
		events, err := domain.Open(domain.Identity{Name: name, Number: number}, sc.Complaint, in.GetAction(), act)
		if err != nil {
			return err
		}
		return s.desk.Open(u, sc, events)
	})
	if err != nil {
		return nil, err
	}
	a, err := s.answer(ctx, receipt)
	return &correctiveactionv1.CreateActionResponse{Action: a}, err
}

// AmendAction changes what an open action says.
func (s *Server) AmendAction(ctx context.Context, req *correctiveactionv1.AmendActionRequest) (*correctiveactionv1.AmendActionResponse, error) {
	if err := s.known(ctx, req.GetDepartment(), req.GetOwner()); err != nil {
		return nil, err
	}
	a, err := change(ctx, s, req, func(a *correctiveactionv1.Action, act domain.Act, in *correctiveactionv1.AmendActionRequest) ([]domain.Event, error) {
		return domain.Amend(a, &correctiveactionv1.Action{Description: in.GetDescription(), Department: in.GetDepartment(), Owner: in.GetOwner(), DueTime: in.GetDueTime()}, act)
	})
	return &correctiveactionv1.AmendActionResponse{Action: a}, err
}

// FillActionForm fills a form of the pack about the action.
func (s *Server) FillActionForm(ctx context.Context, req *correctiveactionv1.FillActionFormRequest) (*correctiveactionv1.FillActionFormResponse, error) {
	a, err := change(ctx, s, req, func(a *correctiveactionv1.Action, act domain.Act, in *correctiveactionv1.FillActionFormRequest) ([]domain.Event, error) {
		return domain.FillForm(a, in.GetForm(), in.GetFacts(), act)
	})
	return &correctiveactionv1.FillActionFormResponse{Action: a}, err
}

// RequestActionApproval asks for the approval of an action.
func (s *Server) RequestActionApproval(ctx context.Context, req *correctiveactionv1.RequestActionApprovalRequest) (*correctiveactionv1.RequestActionApprovalResponse, error) {
	a, err := change(ctx, s, req, func(a *correctiveactionv1.Action, act domain.Act, in *correctiveactionv1.RequestActionApprovalRequest) ([]domain.Event, error) {
		return domain.Ask(a, in.GetApproval(), act)
	})
	return &correctiveactionv1.RequestActionApprovalResponse{Action: a}, err
}

// SignAction records what a signatory does.
func (s *Server) SignAction(ctx context.Context, req *correctiveactionv1.SignActionRequest) (*correctiveactionv1.SignActionResponse, error) {
	a, err := change(ctx, s, req, func(a *correctiveactionv1.Action, act domain.Act, in *correctiveactionv1.SignActionRequest) ([]domain.Event, error) {
		return domain.Sign(a, signature(in), act)
	})
	return &correctiveactionv1.SignActionResponse{Action: a}, err
}

// signing is a request to sign, of whatever.
type signing interface {
	GetDecision() typev1.Decision
	GetComment() string
	GetFacts() map[string]*typev1.Fact
	GetToStep() string
	GetPerson() string
	GetByTelephone() bool
	GetSealedDigest() string
}

func signature(in signing) domain.Signature {
	return domain.Signature{
		Decision: in.GetDecision(), Comment: in.GetComment(), Facts: in.GetFacts(), ToStep: in.GetToStep(), Person: in.GetPerson(),
		Telephone: in.GetByTelephone(), Digest: in.GetSealedDigest(),
	}
}

// ImplementAction records that an action was carried out.
func (s *Server) ImplementAction(ctx context.Context, req *correctiveactionv1.ImplementActionRequest) (*correctiveactionv1.ImplementActionResponse, error) {
	a, err := change(ctx, s, req, func(a *correctiveactionv1.Action, act domain.Act, in *correctiveactionv1.ImplementActionRequest) ([]domain.Event, error) {
		return domain.Implement(a, in.GetNote(), in.GetFacts(), act)
	})
	return &correctiveactionv1.ImplementActionResponse{Action: a}, err
}

// VerifyAction records whether an action was effective.
func (s *Server) VerifyAction(ctx context.Context, req *correctiveactionv1.VerifyActionRequest) (*correctiveactionv1.VerifyActionResponse, error) {
	a, err := change(ctx, s, req, func(a *correctiveactionv1.Action, act domain.Act, in *correctiveactionv1.VerifyActionRequest) ([]domain.Event, error) {
		return domain.Verify(a, in.GetEffective(), in.GetNote(), act)
	})
	return &correctiveactionv1.VerifyActionResponse{Action: a}, err
}

// CloseAction puts a verified action on file.
func (s *Server) CloseAction(ctx context.Context, req *correctiveactionv1.CloseActionRequest) (*correctiveactionv1.CloseActionResponse, error) {
	a, err := change(ctx, s, req, func(a *correctiveactionv1.Action, act domain.Act, _ *correctiveactionv1.CloseActionRequest) ([]domain.Event, error) {
		return domain.Close(a, act)
	})
	return &correctiveactionv1.CloseActionResponse{Action: a}, err
}

// CancelAction ends an action that is no longer owed.
func (s *Server) CancelAction(ctx context.Context, req *correctiveactionv1.CancelActionRequest) (*correctiveactionv1.CancelActionResponse, error) {
	a, err := change(ctx, s, req, func(a *correctiveactionv1.Action, act domain.Act, in *correctiveactionv1.CancelActionRequest) ([]domain.Event, error) {
		return domain.Cancel(a, in.GetReason(), act)
	})
	return &correctiveactionv1.CancelActionResponse{Action: a}, err
}

// ExportPerson returns everything whose texts are sealed under the subject's key, in clear.
func (s *Server) ExportPerson(ctx context.Context, req *correctiveactionv1.ExportPersonRequest) (*correctiveactionv1.ExportPersonResponse, error) {
	out, of := &correctiveactionv1.ExportPersonResponse{}, []journal.Attr{{Name: app.AttrSubject, Value: req.GetSubject()}}
	var err error
	if out.Actions, err = all(ctx, s, req.GetOrganization(), app.Actions, of, seal.All(), empty); err != nil {
		return nil, err
	}
	if out.Entries, err = all(ctx, s, req.GetOrganization(), app.Entries, of, seal.All(), noEntry); err != nil {
		return nil, err
	}
	out.Penalties, err = all(ctx, s, req.GetOrganization(), app.Penalties, of, seal.All(), noPenalty)
	return out, err
}

// all returns every resource of a kind that has the attributes.
func all[T proto.Message](ctx context.Context, s *Server, organization, kind string, where []journal.Attr, v seal.View, make func() T) ([]T, error) {
	var out []T
	q := journal.Query{Organization: organization, Kind: kind, Limit: page.MaxSize, Where: where}
	for {
		found, err := s.host.Journal.List(ctx, q)
		if err != nil {
			return nil, err
		}
		rows, err := host.Rows(ctx, s.host, found.Rows, make, v)
		if err != nil {
			return nil, err
		}
		out = append(out, rows...)
		if q.After = found.Next; q.After == "" {
			return out, nil
		}
	}
}

// listing is a request for a page of resources.
type listing interface {
	proto.Message
	GetPageSize() int32
	GetPageToken() string
}

// list returns a page of resources, the newest first; where maps attributes to values
// wanted, those without a value ask for nothing.
func list[T proto.Message](ctx context.Context, s *Server, req listing, kind string, where map[string]string, make func() T) ([]T, string, error) {
	organization := host.Caller(ctx).Organization
	size, err := page.Size(req.GetPageSize())
	if err != nil {
		return nil, "", err
	}
	after, err := page.After(req.GetPageToken(), req, organization)
	if err != nil {
		return nil, "", err
	}
	q := journal.Query{Organization: organization, Kind: kind, Limit: size, After: after, Descending: true}
	for _, name := range slices.Sorted(maps.Keys(where)) {
		if where[name] != "" {
			q.Where = append(q.Where, journal.Attr{Name: name, Value: where[name]})
		}
	}
	found, err := s.host.Journal.List(ctx, q)
	if err != nil {
		return nil, "", err
	}
	rows, err := host.Rows(ctx, s.host, found.Rows, make, host.View(ctx))
	return rows, page.Token(found.Next, req, organization), err
}

// stateOf is the value by which a state is looked for; none for any.
func stateOf(e protoreflect.Enum) string {
	if e.Number() == 0 {
		return ""
	}
	return string(e.Descriptor().Values().ByNumber(e.Number()).Name())
}
