package rpc

import (
	"context"
	"slices"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	"example.com/redress/services/compensation/internal/app"
	"example.com/redress/services/compensation/internal/domain"
	"example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
)

// AllocateLiability shares a loss out. Cost: reads of complaint, case, policy and the
// complaint's other allocations; one commit.
func (s *Server) AllocateLiability(ctx context.Context, req *compensationv1.AllocateLiabilityRequest) (*compensationv1.AllocateLiabilityResponse, error) {
	d, err := s.directory(ctx)
	if err != nil {
		return nil, err
	}
	name, err := newName("allocations")
	if err != nil {
		return nil, err
	}
	complaint := req.GetComplaint()
	by := app.Actor{Directory: d, Principal: host.Caller(ctx).Principal, Now: s.host.Clock.Now()}
	_, seen, err := s.desk.Act(s.outside(ctx), complaint, "", by)
	if err != nil {
		return nil, err
	}
	shard := s.host.Journal.ShardOf(complaint)
	receipt, err := host.Run(ctx, s.host, req, host.Command{
		Key: complaint, Subject: app.SubjectID(seen.GetSubject()), Reads: []string{complaint, app.CaseOf(complaint), seen.GetPolicyRevision()},
	}, func(u *journal.Unit, in *compensationv1.AllocateLiabilityRequest) error {
		at := by
		at.Now = u.Time()
		act, on, err := s.desk.Act(app.InUnit(u), complaint, "", at)
		if err != nil {
			return err
		}
		earlier, err := app.AllocationsOf(u, complaint)
		if err != nil {
			return err
		}
		number, err := app.Number(u, act.Policy.Calendar().Location(), shard, app.AllocationNumbers)
		if err != nil {
			return err
		}
		events, err := domain.Allocate(name, number, on, in, earlier, act)
		if err != nil {
			return err
		}
		return app.Store(u, true, events)
	})
	if err != nil {
		return nil, err
	}
	a, err := host.Answer(ctx, s.host, receipt, &compensationv1.Allocation{}, view(ctx))
	return &compensationv1.AllocateLiabilityResponse{Allocation: a}, err
}

// judge runs a request that changes an allocation. party names who disputes, so that
// who@disputing means its department.
func judge[R named](ctx context.Context, s *Server, req R, party func(a *compensationv1.Allocation, in R) (party, disputer string),
	decide func(a *compensationv1.Allocation, in R, act domain.Act) ([]domain.AllocationEvent, error),
) (*compensationv1.Allocation, error) {
	seen := &compensationv1.Allocation{}
	if _, err := s.host.Journal.Get(ctx, host.Caller(ctx).Organization, req.GetName(), seen); err != nil {
		return nil, err
	}
	d, err := s.directory(ctx)
	if err != nil {
		return nil, err
	}
	complaint := seen.GetComplaint()
	receipt, err := host.Run(ctx, s.host, req, host.Command{
		Key: complaint, Subject: app.SubjectID(seen.GetSubject()),
		Reads: []string{req.GetName(), complaint, app.CaseOf(complaint), seen.GetPolicyRevision()},
	}, func(u *journal.Unit, in R) error {
		a := &compensationv1.Allocation{}
		if err := asSeen(u, req, a); err != nil {
			return err
		}
		by := app.Actor{Directory: d, Principal: host.Caller(ctx).Principal, Now: u.Time()}
		by.Disputing = disputing(d, by, party, a, in)
		act, _, err := s.desk.Act(app.InUnit(u), complaint, a.GetPolicyRevision(), by)
		if err != nil {
			return err
		}
		u.Answer(req.GetName())
		events, err := decide(a, in, act)
		if err != nil {
			return err
		}
		return app.Store(u, false, events)
	})
	if err != nil {
		return nil, err
	}
	return host.Answer(ctx, s.host, receipt, &compensationv1.Allocation{}, view(ctx))
}

// disputing returns the department of a dispute: the party itself where it is one, else
// that of who speaks for the party.
func disputing[R named](d *directory.Directory, by app.Actor, party func(*compensationv1.Allocation, R) (string, string), a *compensationv1.Allocation, in R) string {
	name, disputer := party(a, in)
	if _, ok := d.Department("departments/" + name); ok {
		return "departments/" + name
	}
	of := slices.Sorted(slices.Values(d.DepartmentsOf(disputer, by.Now)))
	if len(of) == 0 {
		return ""
	}
	return of[0]
}

// DisputeAllocation records that a party objects.
func (s *Server) DisputeAllocation(ctx context.Context, req *compensationv1.DisputeAllocationRequest) (*compensationv1.DisputeAllocationResponse, error) {
	a, err := judge(ctx, s, req, func(_ *compensationv1.Allocation, in *compensationv1.DisputeAllocationRequest) (string, string) {
		return in.GetParty(), host.Caller(ctx).Principal
	}, func(a *compensationv1.Allocation, in *compensationv1.DisputeAllocationRequest, act domain.Act) ([]domain.AllocationEvent, error) {
		return domain.DisputeAllocation(a, in.GetParty(), in.GetReason(), act)
	})
	return &compensationv1.DisputeAllocationResponse{Allocation: a}, err
}

// DecideDispute ends the open dispute.
func (s *Server) DecideDispute(ctx context.Context, req *compensationv1.DecideDisputeRequest) (*compensationv1.DecideDisputeResponse, error) {
	a, err := judge(ctx, s, req, func(a *compensationv1.Allocation, _ *compensationv1.DecideDisputeRequest) (string, string) {
		if n := len(a.GetDisputes()); n > 0 {
			return a.GetDisputes()[n-1].GetParty(), a.GetDisputes()[n-1].GetDisputer()
		}
		return "", ""
	}, domain.DecideDispute)
	return &compensationv1.DecideDisputeResponse{Allocation: a}, err
}

// GetAllocation returns one allocation.
func (s *Server) GetAllocation(ctx context.Context, req *compensationv1.GetAllocationRequest) (*compensationv1.GetAllocationResponse, error) {
	a, err := host.Read(ctx, s.host, req.GetName(), &compensationv1.Allocation{}, view(ctx))
	if err != nil {
		return nil, err
	}
	return &compensationv1.GetAllocationResponse{Allocation: a}, nil
}

// ListAllocations lists allocations, the newest first.
func (s *Server) ListAllocations(ctx context.Context, req *compensationv1.ListAllocationsRequest) (*compensationv1.ListAllocationsResponse, error) {
	state := ""
	if req.GetState() != compensationv1.Allocation_STATE_UNSPECIFIED {
		state = req.GetState().String()
	}
	found, token, err := s.page(ctx, req, app.Allocations, state)
	if err != nil {
		return nil, err
	}
	allocations, err := host.Rows(ctx, s.host, found.Rows, func() *compensationv1.Allocation { return &compensationv1.Allocation{} }, view(ctx))
	if err != nil {
		return nil, err
	}
	return &compensationv1.ListAllocationsResponse{Allocations: allocations, NextPageToken: token}, nil
}
