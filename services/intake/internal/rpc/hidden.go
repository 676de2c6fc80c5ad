package rpc

import (
	"context"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/intake/internal/domain"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
)

// answer returns the complaint of a write as the caller may see it, as a read
// would show it.
func (s *Server) answer(ctx context.Context, receipt journal.Receipt) (*intakev1.Complaint, error) {
	c, err := host.Answer(ctx, s.host, receipt, &intakev1.Complaint{}, host.View(ctx))
	if err != nil {
		return nil, err
	}
	return c, s.hide(ctx, c)
}

// hide takes out of complaints what their packs hide from the caller. What a pack
// hides is known per revision after its first use, so that reads under packs that
// hide nothing cost nothing more.
func (s *Server) hide(ctx context.Context, all ...*intakev1.Complaint) error {
	for _, c := range all {
		revision := c.GetPolicyRevision()
		hides, known := s.hides.Load(revision)
		if known && hides == false {
			continue
		}
		p, err := s.policyOf(ctx, c)
		if err != nil {
			return err
		}
		if !known {
			hides = domain.Hides(p)
			s.hides.Store(revision, hides)
		}
		if hides == false || host.Caller(ctx).Service {
			continue
		}
		is, err := s.is(ctx)
		if err != nil {
			return err
		}
		domain.Hide(c, p, is)
	}
	return nil
}
