package rpc

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/intake/internal/domain"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/page"
	"example.com/redress/services/policy"
)

// GetComplaint returns one complaint. Cost: one read.
func (s *Server) GetComplaint(ctx context.Context, req *intakev1.GetComplaintRequest) (*intakev1.GetComplaintResponse, error) {
	c, err := host.Read(ctx, s.host, req.GetName(), &intakev1.Complaint{}, host.View(ctx))
	if err != nil {
		return nil, err
	}
	if err := host.RequireCustomer(ctx, req.GetName(), c.GetComplainant().GetCustomer()); err != nil {
		return nil, err
	}
	if err := s.hide(ctx, c); err != nil {
		return nil, err
	}
	return &intakev1.GetComplaintResponse{Complaint: c}, nil
}

// ListComplaints lists complaints, the newest first.
func (s *Server) ListComplaints(ctx context.Context, req *intakev1.ListComplaintsRequest) (*intakev1.ListComplaintsResponse, error) {
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
	q := journal.Query{Organization: caller.Organization, Kind: Complaints, Limit: size, After: after, Descending: true}
	where := func(name, value string) {
		if value != "" {
			q.Where = append(q.Where, journal.Attr{Name: name, Value: value})
		}
	}
	if caller.Customer {
		where("customer", caller.Principal)
	}
	if req.GetState() != intakev1.Complaint_STATE_UNSPECIFIED {
		where("state", req.GetState().String())
	}
	where("category", req.GetCategory())
	where("channel", req.GetChannel())
	where("number", req.GetNumber())
	found, err := s.host.Journal.List(ctx, q)
	if err != nil {
		return nil, err
	}
	all, err := host.Rows(ctx, s.host, found.Rows, func() *intakev1.Complaint { return &intakev1.Complaint{} }, host.View(ctx))
	if err != nil {
		return nil, err
	}
	if err := s.hide(ctx, all...); err != nil {
		return nil, err
	}
	return &intakev1.ListComplaintsResponse{Complaints: all, NextPageToken: page.Token(found.Next, req, scope...)}, nil
}

// UpdateComplaint corrects the record.
func (s *Server) UpdateComplaint(ctx context.Context, req *intakev1.UpdateComplaintRequest) (*intakev1.UpdateComplaintResponse, error) {
	name := req.GetComplaint().GetName()
	if err := requireName(name); err != nil {
		return nil, err
	}
	c, err := changeNamed(ctx, s, req, name, req.GetEtag(), func(c *intakev1.Complaint, p *policy.Policy, in *intakev1.UpdateComplaintRequest, now time.Time) (*intakev1.Complaint, proto.Message, error) {
		next, err := domain.Update(c, in.GetComplaint(), p, now)
		return next, &intakev1.ComplaintUpdated{}, err
	})
	if err != nil {
		return nil, err
	}
	return &intakev1.UpdateComplaintResponse{Complaint: c}, nil
}

// VerifyComplaint records that the facts were verified with the customer.
func (s *Server) VerifyComplaint(ctx context.Context, req *intakev1.VerifyComplaintRequest) (*intakev1.VerifyComplaintResponse, error) {
	c, err := act(ctx, s, req, req.GetEtag(), func(a *acting, in *intakev1.VerifyComplaintRequest) error {
		next, err := domain.Verify(a.File, in.GetNote())
		if err != nil {
			return err
		}
		return a.store(next, &intakev1.ComplaintVerified{})
	})
	if err != nil {
		return nil, err
	}
	return &intakev1.VerifyComplaintResponse{Complaint: c}, nil
}

func requireName(name string) error {
	if _, ok := complaintID(name); !ok {
		return fault.New(fault.Invalid, fault.ReasonInvalidRequest).WithViolations(fault.Violation{Field: "complaint.name", Reason: "PATTERN"})
	}
	return nil
}

func complaintID(name string) (string, bool) {
	const prefix = "complaints/"
	if len(name) <= len(prefix) || name[:len(prefix)] != prefix || lastSegment(name) != name[len(prefix):] {
		return "", false
	}
	return name[len(prefix):], true
}
