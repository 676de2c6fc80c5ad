package rpc

import (
	"context"

	"google.golang.org/protobuf/proto"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/intake/internal/domain"
	"example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/page"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/sheet"
)

// Praises is the pattern of praise.
const Praises = "praises/*"

// RecordPraise puts praise on file and lets the pack's counters count it.
func (s *Server) RecordPraise(ctx context.Context, req *intakev1.RecordPraiseRequest) (*intakev1.RecordPraiseResponse, error) {
	caller := host.Caller(ctx)
	p, revision, err := s.policies.Active(s.revisionSource(ctx))
	if err != nil {
		return nil, err
	}
	is, err := s.is(ctx)
	if err != nil {
		return nil, err
	}
	d, err := s.host.Directory.At(ctx, caller.Organization)
	if err != nil {
		return nil, err
	}
	if err := knownTo(d, req.GetPraise()); err != nil {
		return nil, err
	}
	id, err := s.host.Journal.NewID("praises")
	if err != nil {
		return nil, err
	}
	name, subject := "praises/"+id, ""
	if about := req.GetPraise().GetComplaint(); about != "" {
		c, err := s.load(ctx, about)
		if err != nil {
			return nil, err
		}
		subject = SubjectID(c)
	} else if subject, err = s.cfg.Keys.Reserve(ctx, caller.Organization); err != nil {
		return nil, err
	}
	receipt, err := host.Run(ctx, s.host, req, host.Command{Key: name, Subject: subject}, func(u *journal.Unit, in *intakev1.RecordPraiseRequest) error {
		praise, err := domain.RecordPraise(in.GetPraise(), domain.PraiseRegistration{
			Name: name, Subject: "subjects/" + subject, Revision: revision.GetName(), Registrar: caller.Principal, Policy: p, Is: is, Now: u.Time(), Warned: u.Warn,
		})
		if err != nil {
			return err
		}
		if err := u.Create(name, praise, &intakev1.PraiseRecorded{}); err != nil {
			return err
		}
		return countPraise(u, p, praise)
	})
	if err != nil {
		return nil, err
	}
	praise, err := host.Answer(ctx, s.host, receipt, &intakev1.Praise{}, host.View(ctx))
	if err != nil {
		return nil, err
	}
	return &intakev1.RecordPraiseResponse{Praise: praise}, nil
}

// knownTo refuses praise of somebody the directory does not know: it could lead to nothing.
func knownTo(d *directory.Directory, p *intakev1.Praise) error {
	if _, ok := d.Person(p.GetEmployee()); p.GetEmployee() != "" && !ok {
		return fault.New(fault.Invalid, domain.ReasonPraiseUnknown, "name", p.GetEmployee()).
			WithViolations(fault.Violation{Field: "praise.employee", Reason: domain.ReasonPraiseUnknown})
	}
	if _, ok := d.Department(p.GetDepartment()); p.GetDepartment() != "" && !ok {
		return fault.New(fault.Invalid, domain.ReasonPraiseUnknown, "name", p.GetDepartment()).
			WithViolations(fault.Violation{Field: "praise.department", Reason: domain.ReasonPraiseUnknown})
	}
	return nil
}

// countPraise lets the pack's counters count praise.
func countPraise(u *journal.Unit, p *policy.Policy, praise *intakev1.Praise) error {
	s := sheet.WithPraise(sheet.Of(nil, nil), praise)
	for _, counter := range p.Counters(policyv1.Of_OF_PRAISES) {
		reached, err := count(u, p, counter, s, nil, praise.GetName(), praise.GetReceiveTime().AsTime())
		if err != nil {
			return err
		}
		if reached == nil {
			continue
		}
		next := proto.CloneOf(praise)
		next.CountersReached = append(next.CountersReached, counter.GetId())
		u.Because(p.Rule(counter.GetId()))
		if err := u.Update(praise.GetName(), next, reached); err != nil {
			return err
		}
		praise = next
	}
	return nil
}

// GetPraise returns one praise.
func (s *Server) GetPraise(ctx context.Context, req *intakev1.GetPraiseRequest) (*intakev1.GetPraiseResponse, error) {
	p, err := host.Read(ctx, s.host, req.GetName(), &intakev1.Praise{}, host.View(ctx))
	if err != nil {
		return nil, err
	}
	return &intakev1.GetPraiseResponse{Praise: p}, nil
}

// ListPraises lists praise, the newest first.
func (s *Server) ListPraises(ctx context.Context, req *intakev1.ListPraisesRequest) (*intakev1.ListPraisesResponse, error) {
	caller := host.Caller(ctx)
	size, err := page.Size(req.GetPageSize())
	if err != nil {
		return nil, err
	}
	scope := []string{caller.Organization, caller.Principal}
	after, err := page.After(req.GetPageToken(), req, scope...)
	if err != nil {
		return nil, err
	}
	q := journal.Query{Organization: caller.Organization, Kind: Praises, Limit: size, After: after, Descending: true}
	for name, value := range map[string]string{"employee": req.GetEmployee(), "department": req.GetDepartment(), "complaint": req.GetComplaint()} {
		if value != "" {
			q.Where = append(q.Where, journal.Attr{Name: name, Value: value})
		}
	}
	found, err := s.host.Journal.List(ctx, q)
	if err != nil {
		return nil, err
	}
	all, err := host.Rows(ctx, s.host, found.Rows, func() *intakev1.Praise { return &intakev1.Praise{} }, host.View(ctx))
	if err != nil {
		return nil, err
	}
	return &intakev1.ListPraisesResponse{Praises: all, NextPageToken: page.Token(found.Next, req, scope...)}, nil
}
