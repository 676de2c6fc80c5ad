package rpc

import (
	"context"
	"slices"

	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/policy"
	"example.com/redress/services/routing/internal/app"
	"example.com/redress/services/routing/internal/domain"
)

// AssignCase implements RoutingService.
func (s *Server) AssignCase(ctx context.Context, req *routingv1.AssignCaseRequest) (*routingv1.AssignCaseResponse, error) {
	d, err := s.directory(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range req.GetDepartments() {
		if _, ok := d.Department(name); !ok {
			return nil, host.NotFound(name)
		}
	}
	k, err := run(ctx, s, req, act[*routingv1.AssignCaseRequest]{
		name: req.GetName(), etag: req.GetEtag(),
		do: func(a *app.Acting, in *routingv1.AssignCaseRequest, by domain.Person, sheet *policy.Sheet) error {
			return a.Assign(domain.Assignment{Category: in.GetCategory(), Departments: slices.Clone(in.GetDepartments()), By: by}, sheet)
		},
	}, &routingv1.Case{})
	if err != nil {
		return nil, err
	}
	return &routingv1.AssignCaseResponse{Case: k}, nil
}

// NameOwner implements RoutingService.
func (s *Server) NameOwner(ctx context.Context, req *routingv1.NameOwnerRequest) (*routingv1.NameOwnerResponse, error) {
	d, err := s.directory(ctx)
	if err != nil {
		return nil, err
	}
	if !d.Active(req.GetOwner()) {
		return nil, host.NotFound(req.GetOwner())
	}
	k, err := run(ctx, s, req, act[*routingv1.NameOwnerRequest]{
		name: req.GetName(), etag: req.GetEtag(),
		do: func(a *app.Acting, in *routingv1.NameOwnerRequest, by domain.Person, sheet *policy.Sheet) error {
			return a.NameOwner(in.GetOwner(), by, sheet)
		},
	}, &routingv1.Case{})
	if err != nil {
		return nil, err
	}
	return &routingv1.NameOwnerResponse{Case: k}, nil
}

// ProposeGrade implements RoutingService.
func (s *Server) ProposeGrade(ctx context.Context, req *routingv1.ProposeGradeRequest) (*routingv1.ProposeGradeResponse, error) {
	k, err := run(ctx, s, req, act[*routingv1.ProposeGradeRequest]{
		name: req.GetName(), etag: req.GetEtag(),
		do: func(a *app.Acting, in *routingv1.ProposeGradeRequest, by domain.Person, sheet *policy.Sheet) error {
			p := in.GetProposal()
			return a.ProposeGrade(domain.Proposal{Scale: p.GetScale(), Level: p.GetLevel(), Basis: p.GetBasis(), By: by}, sheet)
		},
	}, &routingv1.Case{})
	if err != nil {
		return nil, err
	}
	return &routingv1.ProposeGradeResponse{Case: k}, nil
}

// SignGrade implements RoutingService.
func (s *Server) SignGrade(ctx context.Context, req *routingv1.SignGradeRequest) (*routingv1.SignGradeResponse, error) {
	d, err := s.directory(ctx)
	if err != nil {
		return nil, err
	}
	k, err := run(ctx, s, req, act[*routingv1.SignGradeRequest]{
		name: req.GetName(), etag: req.GetEtag(),
		do: func(a *app.Acting, in *routingv1.SignGradeRequest, by domain.Person, sheet *policy.Sheet) error {
			return a.SignGrade(signature(a, d, in, by), sheet)
		},
	}, &routingv1.Case{})
	if err != nil {
		return nil, err
	}
	return &routingv1.SignGradeResponse{Case: k}, nil
}

// DoStep implements RoutingService.
func (s *Server) DoStep(ctx context.Context, req *routingv1.DoStepRequest) (*routingv1.DoStepResponse, error) {
	k, err := run(ctx, s, req, act[*routingv1.DoStepRequest]{
		name: req.GetName(), etag: req.GetEtag(),
		do: func(a *app.Acting, in *routingv1.DoStepRequest, by domain.Person, sheet *policy.Sheet) error {
			return a.DoStep(domain.Duty{Step: in.GetStep(), Note: in.GetNote(), Facts: in.GetFacts(), By: by}, sheet)
		},
	}, &routingv1.Case{})
	if err != nil {
		return nil, err
	}
	return &routingv1.DoStepResponse{Case: k}, nil
}

// SkipStep implements RoutingService.
func (s *Server) SkipStep(ctx context.Context, req *routingv1.SkipStepRequest) (*routingv1.SkipStepResponse, error) {
	k, err := run(ctx, s, req, act[*routingv1.SkipStepRequest]{
		name: req.GetName(), etag: req.GetEtag(),
		do: func(a *app.Acting, in *routingv1.SkipStepRequest, by domain.Person, sheet *policy.Sheet) error {
			return a.SkipStep(domain.Duty{Step: in.GetStep(), Note: in.GetNote(), By: by}, sheet)
		},
	}, &routingv1.Case{})
	if err != nil {
		return nil, err
	}
	return &routingv1.SkipStepResponse{Case: k}, nil
}

// CloseCase implements RoutingService. Its remark goes to the execution log.
func (s *Server) CloseCase(ctx context.Context, req *routingv1.CloseCaseRequest) (*routingv1.CloseCaseResponse, error) {
	note, err := newName(req.GetName(), "progress")
	if err != nil {
		return nil, err
	}
	k, err := run(ctx, s, req, act[*routingv1.CloseCaseRequest]{
		name: req.GetName(), etag: req.GetEtag(),
		do: func(a *app.Acting, in *routingv1.CloseCaseRequest, by domain.Person, sheet *policy.Sheet) error {
			if err := a.Close(by, sheet); err != nil {
				return err
			}
			a.Note(note, "", in.GetNote(), by)
			return nil
		},
	}, &routingv1.Case{})
	if err != nil {
		return nil, err
	}
	return &routingv1.CloseCaseResponse{Case: k}, nil
}
