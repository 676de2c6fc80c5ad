package rpc

import (
	"context"
	"time"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/compensation/internal/app"
	"example.com/redress/services/compensation/internal/domain"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
)

// CreateClaim asks for compensation. Cost: reads of complaint, case, policy and the
// complaint's other claims; one commit of claim, event, request, number and fence.
func (s *Server) CreateClaim(ctx context.Context, req *compensationv1.CreateClaimRequest) (*compensationv1.CreateClaimResponse, error) {
	complaint := req.GetClaim().GetComplaint()
	on := &intakev1.Complaint{}
	ok, err := s.outside(ctx).Heard(complaint, on)
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
	name, err := newName("claims")
	if err != nil {
		return nil, err
	}
	payee, err := s.payeeKey(ctx, req.GetClaim().GetPayee())
	if err != nil {
		return nil, err
	}
	shard := s.host.Journal.ShardOf(complaint)
	receipt, err := host.Run(ctx, s.host, req, host.Command{
		Key: complaint, Subject: app.SubjectID(on.GetSubject()),
		Reads: []string{complaint, app.CaseOf(complaint), on.GetPolicyRevision()},
	}, func(u *journal.Unit, in *compensationv1.CreateClaimRequest) error {
		act, on, err := s.desk.Act(app.InUnit(u), complaint, "", app.Actor{Directory: d, Principal: host.Caller(ctx).Principal, Now: u.Time()})
		if err != nil {
			return err
		}
		if err := app.Fence(u, complaint); err != nil {
			return err
		}
		others, err := app.ClaimsOf(u, complaint)
		if err != nil {
			return err
		}
		number, err := app.Number(u, act.Policy.Calendar().Location(), shard, app.ClaimNumbers)
		if err != nil {
			return err
		}
		act.Sums = app.Sums(u)
		id := domain.Identity{Name: name, Number: number, Related: app.Related(name, in.GetClaim(), others)}
		in.GetClaim().PayeeKey = payee
		events, err := domain.Request(id, on, in.GetClaim(), act)
		if err != nil {
			return err
		}
		return app.Store(u, true, events)
	})
	if err != nil {
		return nil, err
	}
	c, err := host.Answer(ctx, s.host, receipt, &compensationv1.Claim{}, view(ctx))
	if err != nil {
		return nil, err
	}
	return &compensationv1.CreateClaimResponse{Claim: c}, nil
}

// SubmitClaim puts a claim forward, with corrections.
func (s *Server) SubmitClaim(ctx context.Context, req *compensationv1.SubmitClaimRequest) (*compensationv1.SubmitClaimResponse, error) {
	payee, err := s.payeeKey(ctx, req.GetPayee())
	if err != nil {
		return nil, err
	}
	c, err := change(ctx, s, req, false, func(d deciding, in *compensationv1.SubmitClaimRequest) ([]domain.Event, error) {
		if err := app.Fence(d.unit, d.claim.GetComplaint()); err != nil {
			return nil, err
		}
		others, err := app.ClaimsOf(d.unit, d.claim.GetComplaint())
		if err != nil {
			return nil, err
		}
		terms := &compensationv1.Claim{
			Ground: in.GetGround(), Remedy: in.GetRemedy(), Amount: in.GetAmount(), Causes: in.GetCauses(),
			Payee: in.GetPayee(), Facts: in.GetFacts(), Justification: in.GetJustification(), Units: in.GetUnits(), Batch: in.GetBatch(), PayeeKey: payee,
		}
		like := &compensationv1.Claim{Ground: terms.GetGround(), Causes: terms.GetCauses()}
		if like.GetGround() == "" {
			like.Ground = d.claim.GetGround()
		}
		if len(like.GetCauses()) == 0 {
			like.Causes = d.claim.GetCauses()
		}
		return domain.Submit(d.claim, terms, app.Related(d.claim.GetName(), like, others), d.Act)
	})
	if err != nil {
		return nil, err
	}
	return &compensationv1.SubmitClaimResponse{Claim: c}, nil
}

// SignClaim gives a signature.
func (s *Server) SignClaim(ctx context.Context, req *compensationv1.SignClaimRequest) (*compensationv1.SignClaimResponse, error) {
	c, err := change(ctx, s, req, false, func(d deciding, in *compensationv1.SignClaimRequest) ([]domain.Event, error) {
		return domain.Sign(d.claim, domain.Signature{
			Decision: in.GetDecision(), Comment: in.GetComment(), Facts: in.GetFacts(), Digest: in.GetSealedDigest(),
			ToStep: in.GetToStep(), Person: d.person(in.GetPerson()), ByTelephone: in.GetByTelephone(),
		}, d.Act)
	})
	if err != nil {
		return nil, err
	}
	return &compensationv1.SignClaimResponse{Claim: c}, nil
}

// RecordRefusal records that the customer does not accept a non-cash remedy.
func (s *Server) RecordRefusal(ctx context.Context, req *compensationv1.RecordRefusalRequest) (*compensationv1.RecordRefusalResponse, error) {
	c, err := change(ctx, s, req, false, func(d deciding, in *compensationv1.RecordRefusalRequest) ([]domain.Event, error) {
		var when time.Time
		if in.GetRefuseTime() != nil {
			when = in.GetRefuseTime().AsTime()
		}
		return domain.RecordRefusal(d.claim, in.GetNote(), when, d.Act)
	})
	if err != nil {
		return nil, err
	}
	return &compensationv1.RecordRefusalResponse{Claim: c}, nil
}

// SetRemedy chooses another remedy.
func (s *Server) SetRemedy(ctx context.Context, req *compensationv1.SetRemedyRequest) (*compensationv1.SetRemedyResponse, error) {
	c, err := change(ctx, s, req, false, func(d deciding, in *compensationv1.SetRemedyRequest) ([]domain.Event, error) {
		return domain.SetRemedy(d.claim, in.GetRemedy(), in.GetAmount(), in.GetUnits(), d.Act)
	})
	if err != nil {
		return nil, err
	}
	return &compensationv1.SetRemedyResponse{Claim: c}, nil
}

// WithdrawClaim takes a claim back.
func (s *Server) WithdrawClaim(ctx context.Context, req *compensationv1.WithdrawClaimRequest) (*compensationv1.WithdrawClaimResponse, error) {
	c, err := change(ctx, s, req, false, func(d deciding, in *compensationv1.WithdrawClaimRequest) ([]domain.Event, error) {
		return domain.Withdraw(d.claim, in.GetReason(), d.Act)
	})
	if err != nil {
		return nil, err
	}
	return &compensationv1.WithdrawClaimResponse{Claim: c}, nil
}
