package rpc

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/compensation/internal/app"
	"example.com/redress/services/compensation/internal/domain"
	"example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/page"
	"example.com/redress/services/kit/planted"
	"example.com/redress/services/kit/seal"
)

// still returns whether signatories of the claim hold their roles now.
func (s *Server) still(source app.Source, c *compensationv1.Claim, act domain.Act, d *directory.Directory) (domain.Still, error) {
	kase := &routingv1.Case{}
	if _, err := source.Heard(app.CaseOf(c.GetComplaint()), kase); err != nil {
		return nil, err
	}
	return app.Still(d, act.Now, app.Places(act.Policy, kase)), nil
}

// ListPayables lists what finance has to deal with, the oldest first, with what is
// missing. Cost: one page, and a look at complaint, case and policy for each claim.
func (s *Server) ListPayables(ctx context.Context, req *compensationv1.ListPayablesRequest) (*compensationv1.ListPayablesResponse, error) {
	organization := host.Caller(ctx).Organization
	size, err := page.Size(req.GetPageSize())
	if err != nil {
		return nil, err
	}
	after, err := page.After(req.GetPageToken(), req, organization)
	if err != nil {
		return nil, err
	}
	found, err := s.host.Journal.List(ctx, journal.Query{
		Organization: organization, Kind: app.Claims, Limit: size, After: after, Where: []journal.Attr{{Name: app.AttrPayable, Value: app.Payable}},
	})
	if err != nil {
		return nil, err
	}
	d, err := s.directory(ctx)
	if err != nil {
		return nil, err
	}
	out := &compensationv1.ListPayablesResponse{NextPageToken: page.Token(found.Next, req, organization)}
	for _, row := range found.Rows {
		c := &compensationv1.Claim{}
		if err := proto.Unmarshal(row.State, c); err != nil {
			return nil, fmt.Errorf("state of %s: %w", row.Name, err)
		}
		missing, err := s.missing(ctx, c, d)
		if err != nil {
			return nil, err
		}
		host.SetEtag(c, row.Version)
		if err := seal.Open(ctx, s.host.Keys, organization, c, view(ctx)); err != nil {
			return nil, err
		}
		out.Payables = append(out.Payables, &compensationv1.Payable{Claim: c, Complete: len(missing) == 0, Missing: missing})
	}
	return out, nil
}

func (s *Server) missing(ctx context.Context, c *compensationv1.Claim, d *directory.Directory) ([]string, error) {
	source := s.outside(ctx)
	act, _, err := s.desk.Act(source, c.GetComplaint(), c.GetPolicyRevision(), app.Actor{Directory: d, Principal: host.Caller(ctx).Principal, Now: s.host.Clock.Now()})
	if err != nil {
		return nil, err
	}
	still, err := s.still(source, c, act, d)
	if err != nil {
		return nil, err
	}
	return domain.Missing(c, still, act), nil
}

// CheckPayable records finance's look at the file.
func (s *Server) CheckPayable(ctx context.Context, req *compensationv1.CheckPayableRequest) (*compensationv1.CheckPayableResponse, error) {
	c, err := change(ctx, s, req, false, func(d deciding, _ *compensationv1.CheckPayableRequest) ([]domain.Event, error) {
		events, _, err := domain.Check(d.claim, d.still, d.Act)
		return events, err
	})
	if err != nil {
		return nil, err
	}
	out := &compensationv1.CheckPayableResponse{Claim: c, Missing: c.GetCheck().GetMissing(), Result: compensationv1.CheckPayableResponse_RESULT_INCOMPLETE}
	if c.GetCheck().GetComplete() {
		out.Result = compensationv1.CheckPayableResponse_RESULT_COMPLETE
	}
	return out, nil
}

// ExecutePayout gives the order to pay, once, inside the fence.
func (s *Server) ExecutePayout(ctx context.Context, req *compensationv1.ExecutePayoutRequest) (*compensationv1.ExecutePayoutResponse, error) {
	c, err := change(ctx, s, req, true, func(d deciding, _ *compensationv1.ExecutePayoutRequest) ([]domain.Event, error) {
		if err := app.Fence(d.unit, d.claim.GetComplaint()); err != nil && !planted.Is("withdrawn claim still paid") {
			return nil, err
		}
		return domain.Execute(d.claim, d.still, d.Act)
	})
	if err != nil {
		return nil, err
	}
	return &compensationv1.ExecutePayoutResponse{Claim: c}, nil
}

// ConfirmPayout records the voucher.
func (s *Server) ConfirmPayout(ctx context.Context, req *compensationv1.ConfirmPayoutRequest) (*compensationv1.ConfirmPayoutResponse, error) {
	c, err := change(ctx, s, req, true, func(d deciding, in *compensationv1.ConfirmPayoutRequest) ([]domain.Event, error) {
		return domain.Confirm(d.claim, in.GetVoucher(), d.Act)
	})
	if err != nil {
		return nil, err
	}
	return &compensationv1.ConfirmPayoutResponse{Claim: c}, nil
}
