package rpc

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/intake/internal/domain"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/seal"
	"example.com/redress/services/policy"
)

// CreateComplaint registers a complaint. Cost: reads of the policy in force and
// the directory's version, one commit of complaint, event, request and number.
func (s *Server) CreateComplaint(ctx context.Context, req *intakev1.CreateComplaintRequest) (*intakev1.CreateComplaintResponse, error) {
	ctx = seal.Remember(ctx)
	caller := host.Caller(ctx)
	p, revision, err := s.policies.Active(s.revisionSource(ctx))
	if err != nil {
		return nil, err
	}
	d, err := s.host.Directory.At(ctx, caller.Organization)
	if err != nil {
		return nil, err
	}
	owner, _ := d.ChannelOwner("channels/" + req.GetComplaint().GetChannel())
	id, err := s.host.Journal.NewID("complaints")
	if err != nil {
		return nil, err
	}
	name := "complaints/" + id
	customer := req.GetComplaint().GetComplainant().GetCustomer()
	if caller.Customer {
		customer = caller.Principal
	}
	if original := req.GetComplaint().GetRepeatOf(); original != "" {
		if _, err := s.load(ctx, original); err != nil {
			return nil, fault.New(fault.Invalid, domain.ReasonRepeat, "complaint", original).
				WithViolations(fault.Violation{Field: "complaint.repeat_of", Reason: domain.ReasonRepeat})
		}
	}
	subject, err := s.subjectFor(ctx, caller.Organization, customer)
	if err != nil {
		return nil, err
	}
	shard := s.host.Journal.ShardOf(name)
	prints := s.prints(caller, p, req)
	received := s.host.Clock.Now()
	if t := req.GetComplaint().GetReceiveTime(); t != nil {
		received = t.AsTime()
	}
	command := host.Command{Key: name, Creates: []string{name}, Serials: []string{serialKey(day(p, received), shard)}, Subject: subject}
	receipt, err := host.Run(ctx, s.host, req, command, func(u *journal.Unit, in *intakev1.CreateComplaintRequest) error {
		registration := domain.Registration{
			Name: name, Subject: "subjects/" + subject, Revision: revision.GetName(), Policy: p,
			Registrar: caller.Principal, Customer: customer, ChannelOwner: owner, Now: u.Time(), Warned: u.Warn,
		}
		c, err := domain.Register(in.GetComplaint(), registration)
		if err != nil {
			return err
		}
		date := day(p, c.GetReceiveTime().AsTime())
		serial, err := u.Serial(serialKey(date, shard))
		if err != nil {
			return err
		}
		c.Number = fmt.Sprintf("C%s-%02d%04d", date, shard, serial)
		if err := numberForms(u, p, c); err != nil {
			return err
		}
		u.Because(p.Rule(domain.RegistrationForm(p)))
		if err := u.Create(name, c, &intakev1.ComplaintRegistered{}); err != nil {
			return err
		}
		return follow(u, p, c, nil, prints)
	})
	if err != nil {
		return nil, err
	}
	c, err := s.answer(ctx, receipt)
	if err != nil {
		return nil, err
	}
	return &intakev1.CreateComplaintResponse{Complaint: c, Position: receipt.Position}, nil
}

// day returns the date of the instant where the pack's calendar is, as digits.
func day(p *policy.Policy, at time.Time) string {
	if cal := p.Calendar(); cal != nil {
		at = at.In(cal.Location())
	}
	return at.Format("20060102")
}

// serialKey counts complaints within day and shard: one count for the whole day
// would make all lanes wait for each other.
func serialKey(day string, shard int) string {
	return fmt.Sprintf("number/complaint/%s/%02d", day, shard)
}

// subjectFor returns the data subject of a complaint: one for all complaints of
// a customer with an account, else one for this complaint alone.
func (s *Server) subjectFor(ctx context.Context, organization, customer string) (string, error) {
	if customer == "" {
		return s.cfg.Keys.Reserve(ctx, organization)
	}
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("subject/"+organization+"/"+customer)).String(), nil
}
