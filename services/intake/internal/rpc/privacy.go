package rpc

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/seal"
)

// RevealContact returns the contact in clear and records who saw it and why.
func (s *Server) RevealContact(ctx context.Context, req *intakev1.RevealContactRequest) (*intakev1.RevealContactResponse, error) {
	c, err := s.load(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	// The contact is opened first: a disclosure that fails is none.
	shown := proto.CloneOf(c.GetComplainant())
	if err := seal.Open(ctx, s.cfg.Keys, host.Caller(ctx).Organization, shown, seal.All()); err != nil {
		return nil, err
	}
	if err := disclose(ctx, s, req, c, intakev1.Disclosure_KIND_CONTACT, &intakev1.ContactRevealed{}, func(in *intakev1.RevealContactRequest) string { return in.GetReason() }); err != nil {
		return nil, err
	}
	return &intakev1.RevealContactResponse{Complainant: shown}, nil
}

// disclose records a disclosure as a resource of its own, under the complaint's subject.
func disclose[R proto.Message](ctx context.Context, s *Server, req R, c *intakev1.Complaint, kind intakev1.Disclosure_Kind, change proto.Message, reason func(R) string) error {
	id, err := newID()
	if err != nil {
		return err
	}
	name := c.GetName() + "/disclosures/" + id
	who := host.Caller(ctx).Principal
	_, err = host.Run(ctx, s.host, req, host.Command{Key: c.GetName(), Subject: SubjectID(c)}, func(u *journal.Unit, in R) error {
		return u.Create(name, &intakev1.Disclosure{
			Name: name, Kind: kind, Principal: who, DiscloseTime: timestamppb.New(u.Time()), Reason: reason(in),
		}, change)
	})
	return err
}

// ErasePerson destroys the key of the complaint's data subject. The key goes
// first: should the process die before the record is written, the person is
// erased all the same and repeating the call writes it.
func (s *Server) ErasePerson(ctx context.Context, req *intakev1.ErasePersonRequest) (*intakev1.ErasePersonResponse, error) {
	c, err := s.load(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	p, err := s.policyOf(ctx, c)
	if err != nil {
		return nil, err
	}
	caller := host.Caller(ctx)
	if err := s.cfg.Keys.Destroy(ctx, caller.Organization, SubjectID(c)); err != nil {
		return nil, err
	}
	name := c.GetSubject()
	// The reason is about the act of the officer, so it is sealed under the officer's key.
	receipt, err := host.Run(ctx, s.host, req, host.Command{Key: name, Reads: []string{name}, Subject: StaffSubject(caller)}, func(u *journal.Unit, _ *intakev1.ErasePersonRequest) error {
		subject := &intakev1.DataSubject{}
		_, err := u.Get(name, subject)
		if err == nil {
			u.Answer(name) // erased before; saying so again is no new event
			return nil
		}
		if fault.KindOf(err) != fault.NotFound {
			return err
		}
		if err := forget(u, p, name); err != nil {
			return err
		}
		if err := unfind(u, name); err != nil {
			return err
		}
		return u.Create(name, &intakev1.DataSubject{
			Name: name, State: intakev1.DataSubject_STATE_ERASED, EraseTime: timestamppb.New(u.Time()),
			ErasuresConfirmed: []string{"intake"}, Customer: c.GetComplainant().GetCustomer(),
		}, &intakev1.PersonErased{})
	})
	if err != nil {
		return nil, err
	}
	subject, err := host.Answer(ctx, s.host, receipt, &intakev1.DataSubject{}, host.View(ctx))
	if err != nil {
		return nil, err
	}
	return &intakev1.ErasePersonResponse{Subject: subject}, nil
}

// unfind takes away by which words the subject's complaints were found.
func unfind(u *journal.Unit, subject string) error {
	names, err := u.Find(Complaints, journal.Attr{Name: "subject", Value: subject})
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := u.ForgetTerms(name); err != nil {
			return err
		}
	}
	return nil
}

// StaffSubject returns the data subject of a member of staff, whose key seals
// what they write about their own acts.
func StaffSubject(c authn.Caller) string {
	return strings.ReplaceAll(c.Principal, "/", "-")
}

// ConfirmErasure records that a service has dropped everything of a subject.
func (s *Server) ConfirmErasure(ctx context.Context, req *intakev1.ConfirmErasureRequest) (*intakev1.ConfirmErasureResponse, error) {
	name := "subjects/" + req.GetSubject()
	service := strings.TrimPrefix(host.Caller(ctx).Principal, "services/")
	_, err := host.Run(ctx, s.host, req, host.Command{Organization: req.GetOrganization(), Key: name, Reads: []string{name}}, func(u *journal.Unit, _ *intakev1.ConfirmErasureRequest) error {
		subject := &intakev1.DataSubject{}
		if _, err := u.Get(name, subject); err != nil {
			return err
		}
		if slices.Contains(subject.GetErasuresConfirmed(), service) {
			u.Answer(name)
			return nil
		}
		next := proto.CloneOf(subject)
		next.ErasuresConfirmed = append(next.ErasuresConfirmed, service)
		slices.Sort(next.ErasuresConfirmed)
		return u.Update(name, next, &intakev1.PersonErased{})
	})
	if err != nil {
		return nil, err
	}
	return &intakev1.ConfirmErasureResponse{}, nil
}

// ExportPerson gathers what every service holds about the subject. A service
// that does not answer is named, never left out in silence.
func (s *Server) ExportPerson(ctx context.Context, req *intakev1.ExportPersonRequest) (*intakev1.ExportPersonResponse, error) {
	c, err := s.load(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	organization := host.Caller(ctx).Organization
	out, err := s.own(ctx, organization, c.GetSubject())
	if err != nil {
		return nil, err
	}
	if err := s.hide(ctx, out.GetComplaints()...); err != nil {
		return nil, err
	}
	s.others(ctx, organization, SubjectID(c), out)
	if err := disclose(ctx, s, req, c, intakev1.Disclosure_KIND_EXPORT, &intakev1.PersonExported{}, func(in *intakev1.ExportPersonRequest) string { return in.GetReason() }); err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Server) own(ctx context.Context, organization, subject string) (*intakev1.ExportPersonResponse, error) {
	if _, err := s.cfg.Keys.Key(ctx, organization, lastSegment(subject), false); err != nil {
		return nil, err
	}
	out := &intakev1.ExportPersonResponse{}
	for after := ""; ; {
		found, err := s.host.Journal.List(ctx, journal.Query{
			Organization: organization, Kind: Complaints, Where: []journal.Attr{{Name: "subject", Value: subject}}, Limit: page500, After: after,
		})
		if err != nil {
			return nil, err
		}
		complaints, err := host.Rows(ctx, s.host, found.Rows, func() *intakev1.Complaint { return &intakev1.Complaint{} }, seal.All())
		if err != nil {
			return nil, err
		}
		for _, c := range complaints {
			if err := s.ofComplaint(ctx, organization, c, out); err != nil {
				return nil, err
			}
		}
		if after = found.Next; after == "" {
			return out, nil
		}
	}
}

const page500 = 500

func (s *Server) ofComplaint(ctx context.Context, organization string, c *intakev1.Complaint, out *intakev1.ExportPersonResponse) error {
	out.Complaints = append(out.Complaints, c)
	files, err := s.host.Journal.List(ctx, journal.Query{Organization: organization, Kind: Evidence, Parent: c.GetName(), Limit: page500})
	if err != nil {
		return err
	}
	evidence, err := host.Rows(ctx, s.host, files.Rows, func() *intakev1.Evidence { return &intakev1.Evidence{} }, seal.All())
	if err != nil {
		return err
	}
	for _, e := range evidence {
		e.Blob = ""
	}
	out.Evidence = append(out.Evidence, evidence...)
	events, err := s.host.Journal.History(ctx, organization, c.GetName(), 0, page500)
	if err != nil {
		return err
	}
	for _, ev := range events {
		entry, shown, err := entryFor(ev, authn.Caller{Staff: true})
		if err != nil {
			return err
		}
		if shown {
			out.Entries = append(out.Entries, entry)
		}
	}
	return nil
}

func (s *Server) others(ctx context.Context, organization, subject string, out *intakev1.ExportPersonResponse) {
	ctx = authn.OnBehalf(ctx, organization)
	ask := func(service string, call func() error) {
		if err := call(); err != nil {
			s.host.Logger.WarnContext(ctx, "export without a service", "service", service, "error", err)
			out.MissingServices = append(out.MissingServices, service)
		}
	}
	ask("routing", func() error {
		got, err := routingv1.NewRoutingServiceClient(s.cfg.Dial("routing")).ExportPerson(ctx, &routingv1.ExportPersonRequest{Organization: organization, Subject: subject})
		out.Cases, out.Plans, out.Findings, out.Progress, out.Replies = got.GetCases(), got.GetPlans(), got.GetFindings(), got.GetProgress(), got.GetReplies()
		return err
	})
	ask("compensation", func() error {
		got, err := compensationv1.NewCompensationServiceClient(s.cfg.Dial("compensation")).ExportPerson(ctx, &compensationv1.ExportPersonRequest{Organization: organization, Subject: subject})
		out.Claims = got.GetClaims()
		return err
	})
	ask("corrective-action", func() error {
		got, err := correctiveactionv1.NewCorrectiveActionServiceClient(s.cfg.Dial("corrective-action")).ExportPerson(ctx, &correctiveactionv1.ExportPersonRequest{Organization: organization, Subject: subject})
		out.Actions = got.GetActions()
		return err
	})
	ask("notification", func() error {
		got, err := notificationv1.NewNotificationServiceClient(s.cfg.Dial("notification")).ExportPerson(ctx, &notificationv1.ExportPersonRequest{Organization: organization, Subject: subject})
		out.Notices, out.FollowUps = got.GetNotices(), got.GetFollowUps()
		return err
	})
}

// LendKey lends the key of a subject to a service of the suite.
func (s *Server) LendKey(ctx context.Context, req *intakev1.LendKeyRequest) (*intakev1.LendKeyResponse, error) {
	key, err := s.cfg.Keys.Key(ctx, req.GetOrganization(), req.GetSubject(), req.GetCreate())
	if err != nil {
		return nil, err
	}
	return &intakev1.LendKeyResponse{Key: key}, nil
}
