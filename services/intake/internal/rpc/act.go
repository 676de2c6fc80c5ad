package rpc

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/intake/internal/domain"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/policy"
)

// acting is one act on one complaint, inside a unit.
type acting struct {
	domain.File
	u *journal.Unit
}

// store stores the next version of the complaint with what happened, by the rules given.
func (a *acting) store(next *intakev1.Complaint, change proto.Message, because ...*typev1.RuleRef) error {
	a.u.Because(because...)
	if err := a.u.Update(next.GetName(), next, change); err != nil {
		return err
	}
	a.Complaint = next
	return nil
}

// act runs a request on one complaint that may lead to several events: decide
// gets the complaint with what is known around it and stores what follows. What
// the pack finds in what was recorded follows after it, in the same commit.
func act[R named](ctx context.Context, s *Server, req R, etag string, decide func(a *acting, in R) error) (*intakev1.Complaint, error) {
	seen, err := s.load(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	p, err := s.policyOf(ctx, seen)
	if err != nil {
		return nil, err
	}
	is, err := s.is(ctx, seen)
	if err != nil {
		return nil, err
	}
	who, name, prints := host.Caller(ctx).Principal, req.GetName(), s.prints(host.Caller(ctx), p, req)
	reads := []string{name}
	receipt, err := host.Run(ctx, s.host, req, host.Command{Key: name, Reads: reads, Subject: SubjectID(seen)}, func(u *journal.Unit, in R) error {
		c := &intakev1.Complaint{}
		version, err := u.Get(name, c)
		if err != nil {
			return err
		}
		if err := journal.CheckEtag(version, etag); err != nil {
			return err
		}
		a := &acting{File: domain.File{Complaint: c, Policy: p, Who: who, Is: is, Now: u.Time(), Warned: u.Warn}, u: u}
		if a.Case, err = caseOf(u, p, name); err != nil {
			return err
		}
		if err := decide(a, in); err != nil {
			return err
		}
		return follow(u, p, a.Complaint, a.Case, prints)
	})
	if err != nil {
		return nil, err
	}
	return s.answer(ctx, receipt)
}

// caseOf returns the complaint's case as last heard of, where rules of the pack
// about the record may ask for it; nil otherwise. See react, which keeps it.
func caseOf(u *journal.Unit, p *policy.Policy, complaint string) (*routingv1.Case, error) {
	if !domain.AsksForCase(p) {
		return nil, nil
	}
	k := &routingv1.Case{}
	_, ok, err := u.Projection("cases/"+lastSegment(complaint), k)
	if err != nil || !ok {
		return nil, err
	}
	return k, nil
}

// JudgeComplaint decides whether a complaint stands.
func (s *Server) JudgeComplaint(ctx context.Context, req *intakev1.JudgeComplaintRequest) (*intakev1.JudgeComplaintResponse, error) {
	c, err := act(ctx, s, req, req.GetEtag(), func(a *acting, in *intakev1.JudgeComplaintRequest) error {
		next, accepted, err := domain.Judge(a.File, domain.Verdict{Stands: in.GetStands(), Reason: in.GetReason(), Facts: in.GetFacts()})
		if err != nil {
			return err
		}
		because := next.GetJudgement().GetApplied()
		if rule := next.GetJudgement().GetRule(); rule != nil {
			because = []*typev1.RuleRef{rule}
		}
		change := &intakev1.ComplaintJudged{Stands: next.GetJudgement().GetStands(), Rule: next.GetJudgement().GetRule().GetRule()}
		if err := a.store(next, change, because...); err != nil || !accepted {
			return err
		}
		return a.store(proto.CloneOf(next), &intakev1.ComplaintAccepted{}, because...)
	})
	if err != nil {
		return nil, err
	}
	return &intakev1.JudgeComplaintResponse{Complaint: c}, nil
}

// ProvideDocuments records papers handed in.
func (s *Server) ProvideDocuments(ctx context.Context, req *intakev1.ProvideDocumentsRequest) (*intakev1.ProvideDocumentsResponse, error) {
	c, err := act(ctx, s, req, req.GetEtag(), func(a *acting, in *intakev1.ProvideDocumentsRequest) error {
		before := len(a.Complaint.GetDocuments())
		next, err := domain.Provide(a.File, in.GetDocuments())
		if err != nil {
			return err
		}
		change := &intakev1.DocumentsProvided{}
		for _, d := range next.GetDocuments()[before:] {
			change.Documents, change.Late = append(change.Documents, d.GetDocument()), d.GetLate()
		}
		return a.store(next, change)
	})
	if err != nil {
		return nil, err
	}
	return &intakev1.ProvideDocumentsResponse{Complaint: c}, nil
}

// FillForm fills a form of the pack about the complaint.
func (s *Server) FillForm(ctx context.Context, req *intakev1.FillFormRequest) (*intakev1.FillFormResponse, error) {
	c, err := act(ctx, s, req, req.GetEtag(), func(a *acting, in *intakev1.FillFormRequest) error {
		number, err := formNumber(a.u, a.Policy, in.GetForm(), a.Now)
		if err != nil {
			return err
		}
		next, err := domain.FillForm(a.File, in.GetForm(), in.GetFacts(), number)
		if err != nil {
			return err
		}
		return a.store(next, &intakev1.FormFilled{Form: in.GetForm()}, a.Policy.Rule(in.GetForm()))
	})
	if err != nil {
		return nil, err
	}
	return &intakev1.FillFormResponse{Complaint: c}, nil
}

// local returns an instant in the zone of the pack's calendar.
func local(p *policy.Policy, at time.Time) time.Time {
	if cal := p.Calendar(); cal != nil {
		return at.In(cal.Location())
	}
	return at
}
