package rpc

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/compensation/internal/app"
	"example.com/redress/services/compensation/internal/domain"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/telemetry"
)

// HoldClaims stops every claim of a complaint that is not executed, or says that one
// was. It needs not to have heard of the complaint: a hold comes before the claims it
// stops.
//
// A repeated call holds again rather than repeating an answer: who asks once more is
// about to rely on it, and between the two the hold may have been lifted. Lifting is
// not repeated, for the same reason.
//
// Source: DESIGN section 4 (money is fenced).
func (s *Server) HoldClaims(ctx context.Context, req *compensationv1.HoldClaimsRequest) (*compensationv1.HoldClaimsResponse, error) {
	out := &compensationv1.HoldClaimsResponse{}
	decide := func(u *journal.Unit) (err error) {
		out, err = hold(u, req)
		return err
	}
	receipt, err := host.Run(ctx, s.host, req, host.Command{Organization: req.GetOrganization(), Key: req.GetComplaint()},
		func(u *journal.Unit, _ *compensationv1.HoldClaimsRequest) error { return decide(u) })
	if err != nil {
		return nil, err
	}
	if !receipt.Replayed {
		return out, nil
	}
	if req.GetRelease() {
		return &compensationv1.HoldClaimsResponse{Result: compensationv1.HoldClaimsResponse_RESULT_RELEASED}, nil
	}
	_, err = s.host.Journal.Write(ctx, journal.Work{
		Organization: req.GetOrganization(), Key: req.GetComplaint(), Actor: &eventv1.Actor{Principal: host.Caller(ctx).Principal},
		Traceparent: telemetry.Traceparent(ctx),
	}, decide)
	return out, err
}

// hold puts up the fence round a complaint's money or takes it down.
func hold(u *journal.Unit, req *compensationv1.HoldClaimsRequest) (*compensationv1.HoldClaimsResponse, error) {
	out := &compensationv1.HoldClaimsResponse{Result: compensationv1.HoldClaimsResponse_RESULT_HELD}
	fence, err := app.HoldOf(u, req.GetComplaint())
	if err != nil {
		return nil, err
	}
	claims, err := app.ClaimsOf(u, req.GetComplaint())
	if err != nil {
		return nil, err
	}
	if req.GetRelease() {
		out.Result = compensationv1.HoldClaimsResponse_RESULT_RELEASED
		fence = &compensationv1.Hold{}
	} else {
		for _, c := range claims {
			if domain.Executed(c) {
				out.Result = compensationv1.HoldClaimsResponse_RESULT_ALREADY_PAID
				out.Claims = append(out.Claims, c.GetName())
			}
		}
		if out.GetResult() == compensationv1.HoldClaimsResponse_RESULT_ALREADY_PAID {
			return out, nil
		}
		if fence.GetReason() == "" {
			fence = &compensationv1.Hold{Reason: req.GetReason(), HoldTime: timestamppb.New(u.Time())}
		}
	}
	for _, c := range claims {
		events := domain.Hold(c, req.GetReason(), u.Time())
		if req.GetRelease() {
			events = domain.Release(c, u.Time())
		}
		if err := app.Store(u, false, events); err != nil {
			return nil, err
		}
		if len(events) > 0 || c.GetState() == compensationv1.Claim_STATE_HELD {
			out.Claims = append(out.Claims, c.GetName())
		}
	}
	return out, app.SetHold(u, req.GetComplaint(), fence)
}
