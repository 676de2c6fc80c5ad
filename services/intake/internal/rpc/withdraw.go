package rpc

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/intake/internal/domain"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/telemetry"
	"example.com/redress/services/policy"
)

// WithdrawComplaint records the wish, then asks compensation to hold the money.
// While compensation is away the answer shows REQUESTED; [Server.SettleWithdrawals]
// asks again until it is answered. Source: DESIGN section 4.
func (s *Server) WithdrawComplaint(ctx context.Context, req *intakev1.WithdrawComplaintRequest) (*intakev1.WithdrawComplaintResponse, error) {
	who := host.Caller(ctx).Principal
	c, err := change(ctx, s, req, req.GetEtag(), func(c *intakev1.Complaint, _ *policy.Policy, in *intakev1.WithdrawComplaintRequest, now time.Time) (*intakev1.Complaint, proto.Message, error) {
		next, err := domain.RequestWithdrawal(c, in.GetReason(), who, now)
		return next, &intakev1.WithdrawalRequested{}, err
	})
	if err != nil {
		return nil, err
	}
	if c.GetWithdrawal().GetState() == intakev1.Withdrawal_STATE_REQUESTED {
		if err := s.settle(ctx, host.Caller(ctx).Organization, req.GetName()); err == nil {
			c, err = host.Read(ctx, s.host, req.GetName(), &intakev1.Complaint{}, host.View(ctx))
			if err != nil {
				return nil, err
			}
		}
	}
	return &intakev1.WithdrawComplaintResponse{Complaint: c}, nil
}

// settle asks compensation about one withdrawal and records the answer. Where the case
// was closed meanwhile it asks to release instead; if that happens in between, the
// withdrawal waits on and is settled so the next time.
func (s *Server) settle(ctx context.Context, organization, name string) error {
	now := &intakev1.Complaint{}
	if _, err := s.host.Journal.Get(ctx, organization, name, now); err != nil {
		return err
	}
	held, err := s.holdClaims(ctx, organization, name, domain.Overtaken(now))
	if err != nil {
		return err
	}
	_, err = s.host.Journal.Write(ctx, journal.Work{
		Organization: organization, Key: name, Reads: []string{name}, Actor: &eventv1.Actor{Principal: "services/intake"},
		Traceparent: telemetry.Traceparent(ctx),
	}, func(u *journal.Unit) error {
		c := &intakev1.Complaint{}
		if _, err := u.Get(name, c); err != nil {
			return err
		}
		next := domain.DecideWithdrawal(c, held, u.Time())
		switch {
		case next == nil:
			return nil
		case held:
			return u.Update(name, next, &intakev1.ComplaintWithdrawn{})
		default:
			return u.Update(name, next, &intakev1.WithdrawalTooLate{})
		}
	})
	return err
}

// settleEvery is how often withdrawals that wait for compensation are asked about again.
const settleEvery = time.Second

// SettleWithdrawals asks about withdrawals that wait, until ctx ends.
func (s *Server) SettleWithdrawals(ctx context.Context) error {
	for clock.System().Pause(ctx, settleEvery) == nil {
		waiting, err := s.waiting(ctx)
		if err != nil {
			s.host.Logger.WarnContext(ctx, "withdrawals cannot be listed", "error", err)
			continue
		}
		for _, w := range waiting {
			if err := s.settle(ctx, w.Organization, w.Name); err != nil && ctx.Err() == nil {
				s.host.Logger.InfoContext(ctx, "withdrawal waits for compensation", "complaint", w.Name, "error", err)
				break
			}
		}
	}
	return nil
}

// Settled reports that no withdrawal waits for compensation.
func (s *Server) Settled(ctx context.Context) (bool, error) {
	waiting, err := s.waiting(ctx)
	return len(waiting) == 0, err
}

// waiting returns the complaints, of all organisations, whose withdrawal waits:
// their timer says so. Nothing fires for them; this is who looks at it.
func (s *Server) waiting(ctx context.Context) ([]journal.Timer, error) {
	return s.host.Due(ctx, Complaints, maxWaiting)
}

const maxWaiting = 100
