package rpc

import (
	"context"

	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/policy"
	"example.com/redress/services/routing/internal/app"
	"example.com/redress/services/routing/internal/domain"
)

// ProposePlan implements RoutingService.
func (s *Server) ProposePlan(ctx context.Context, req *routingv1.ProposePlanRequest) (*routingv1.ProposePlanResponse, error) {
	if err := s.doersKnown(ctx, req.GetPlan().GetMeasures()); err != nil {
		return nil, err
	}
	plan, err := run(ctx, s, req, act[*routingv1.ProposePlanRequest]{
		name: req.GetParent(), newest: true,
		do: func(a *app.Acting, in *routingv1.ProposePlanRequest, by domain.Person, sheet *policy.Sheet) error {
			return a.ProposePlan(domain.Proposed{
				Measures: in.GetPlan().GetMeasures(), Summary: in.GetPlan().GetSummary(), Draft: in.GetPlan().GetDraft(), Facts: in.GetPlan().GetFacts(), By: by,
			}, sheet)
		},
	}, &routingv1.Plan{})
	if err != nil {
		return nil, err
	}
	return &routingv1.ProposePlanResponse{Plan: plan}, nil
}

// doersKnown refuses people and departments that the directory does not know.
func (s *Server) doersKnown(ctx context.Context, measures []*routingv1.Measure) error {
	d, err := s.directory(ctx)
	if err != nil {
		return err
	}
	for _, m := range measures {
		if p := m.GetPerson(); p != "" && !d.Active(p) {
			return host.NotFound(p)
		}
		if dep := m.GetDepartment(); dep != "" {
			if _, ok := d.Department(dep); !ok {
				return host.NotFound(dep)
			}
		}
	}
	return nil
}

// SignPlan implements RoutingService.
func (s *Server) SignPlan(ctx context.Context, req *routingv1.SignPlanRequest) (*routingv1.SignPlanResponse, error) {
	d, err := s.directory(ctx)
	if err != nil {
		return nil, err
	}
	plan, err := run(ctx, s, req, act[*routingv1.SignPlanRequest]{
		name: req.GetName(), etag: req.GetEtag(),
		do: func(a *app.Acting, in *routingv1.SignPlanRequest, by domain.Person, sheet *policy.Sheet) error {
			return a.SignPlan(signature(a, d, in, by), sheet)
		},
	}, &routingv1.Plan{})
	if err != nil {
		return nil, err
	}
	return &routingv1.SignPlanResponse{Plan: plan}, nil
}

// StartPlan implements RoutingService.
func (s *Server) StartPlan(ctx context.Context, req *routingv1.StartPlanRequest) (*routingv1.StartPlanResponse, error) {
	plan, err := run(ctx, s, req, act[*routingv1.StartPlanRequest]{
		name: req.GetName(), etag: req.GetEtag(),
		do: func(a *app.Acting, _ *routingv1.StartPlanRequest, by domain.Person, sheet *policy.Sheet) error {
			return a.StartPlan(by, sheet)
		},
	}, &routingv1.Plan{})
	if err != nil {
		return nil, err
	}
	return &routingv1.StartPlanResponse{Plan: plan}, nil
}

// CompleteMeasure implements RoutingService. Its note goes to the execution log.
func (s *Server) CompleteMeasure(ctx context.Context, req *routingv1.CompleteMeasureRequest) (*routingv1.CompleteMeasureResponse, error) {
	note, err := newName(caseOf(req.GetName()), "progress")
	if err != nil {
		return nil, err
	}
	plan, err := run(ctx, s, req, act[*routingv1.CompleteMeasureRequest]{
		name: req.GetName(), etag: req.GetEtag(),
		do: func(a *app.Acting, in *routingv1.CompleteMeasureRequest, by domain.Person, sheet *policy.Sheet) error {
			if err := a.CompleteMeasure(in.GetMeasure(), by, sheet); err != nil {
				return err
			}
			a.Note(note, in.GetMeasure(), in.GetNote(), by)
			return nil
		},
	}, &routingv1.Plan{})
	if err != nil {
		return nil, err
	}
	return &routingv1.CompleteMeasureResponse{Plan: plan}, nil
}

// DelayMeasure implements RoutingService.
func (s *Server) DelayMeasure(ctx context.Context, req *routingv1.DelayMeasureRequest) (*routingv1.DelayMeasureResponse, error) {
	plan, err := run(ctx, s, req, act[*routingv1.DelayMeasureRequest]{
		name: req.GetName(), etag: req.GetEtag(),
		do: func(a *app.Acting, in *routingv1.DelayMeasureRequest, by domain.Person, sheet *policy.Sheet) error {
			return a.DelayMeasure(domain.Delay{Measure: in.GetMeasure(), Reason: in.GetReason(), Due: in.GetDueTime().AsTime(), By: by}, sheet)
		},
	}, &routingv1.Plan{})
	if err != nil {
		return nil, err
	}
	return &routingv1.DelayMeasureResponse{Plan: plan}, nil
}
