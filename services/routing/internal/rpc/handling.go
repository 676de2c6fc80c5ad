package rpc

import (
	"context"
	"slices"

	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/policy"
	"example.com/redress/services/routing/internal/app"
	"example.com/redress/services/routing/internal/domain"
)

// signing is a request that decides on an approval.
type signing interface {
	GetDecision() typev1.Decision
	GetComment() string
	GetSealedDigest() string
	GetFacts() map[string]*typev1.Fact
	GetToStep() string
	GetPerson() string
	GetByTelephone() bool
}

// signature returns the decision that a request states.
func signature(a *app.Acting, d *directory.Directory, in signing, by domain.Person) domain.Signature {
	out := domain.Signature{
		By: by, Decision: in.GetDecision(), Comment: in.GetComment(), Digest: in.GetSealedDigest(), Facts: in.GetFacts(),
		ToStep: in.GetToStep(), Telephone: in.GetByTelephone(), Recused: d.Recused(a.Policy().Concerned(a.Sheet()), a.At()),
	}
	if in.GetPerson() != "" {
		out.Target = a.Person(d, in.GetPerson(), a.At())
	}
	return out
}

// departmentsKnown refuses departments that the directory does not know.
func (s *Server) departmentsKnown(ctx context.Context, names ...string) error {
	d, err := s.directory(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, ok := d.Department(name); name != "" && !ok {
			return host.NotFound(name)
		}
	}
	return nil
}

// PassOnCase implements HandlingService.
func (s *Server) PassOnCase(ctx context.Context, req *routingv1.PassOnCaseRequest) (*routingv1.PassOnCaseResponse, error) {
	if err := s.departmentsKnown(ctx, req.GetDepartments()...); err != nil {
		return nil, err
	}
	k, err := run(ctx, s, req, act[*routingv1.PassOnCaseRequest]{
		name: req.GetName(), etag: req.GetEtag(),
		do: func(a *app.Acting, in *routingv1.PassOnCaseRequest, by domain.Person, sheet *policy.Sheet) error {
			return a.PassOn(domain.Passing{
				Departments: slices.Clone(in.GetDepartments()), Note: in.GetNote(), By: by,
				Pass: domain.Pass{Gate: in.GetWaive(), Reason: in.GetWaiveReason()},
			}, sheet)
		},
	}, &routingv1.Case{})
	if err != nil {
		return nil, err
	}
	return &routingv1.PassOnCaseResponse{Case: k}, nil
}

// SignForCase implements HandlingService.
func (s *Server) SignForCase(ctx context.Context, req *routingv1.SignForCaseRequest) (*routingv1.SignForCaseResponse, error) {
	if err := s.departmentsKnown(ctx, req.GetDepartment()); err != nil {
		return nil, err
	}
	k, err := run(ctx, s, req, act[*routingv1.SignForCaseRequest]{
		name: req.GetName(), etag: req.GetEtag(),
		do: func(a *app.Acting, in *routingv1.SignForCaseRequest, by domain.Person, sheet *policy.Sheet) error {
			return a.SignFor(domain.Taking{Department: in.GetDepartment(), Note: in.GetNote(), By: by}, sheet)
		},
	}, &routingv1.Case{})
	if err != nil {
		return nil, err
	}
	return &routingv1.SignForCaseResponse{Case: k}, nil
}

// RecordContact implements HandlingService.
func (s *Server) RecordContact(ctx context.Context, req *routingv1.RecordContactRequest) (*routingv1.RecordContactResponse, error) {
	name, err := newName(req.GetParent(), "contacts")
	if err != nil {
		return nil, err
	}
	c, err := run(ctx, s, req, act[*routingv1.RecordContactRequest]{
		name: req.GetParent(), answer: name,
		do: func(a *app.Acting, in *routingv1.RecordContactRequest, by domain.Person, sheet *policy.Sheet) error {
			return a.RecordContact(name, in.GetContact(), by, sheet)
		},
	}, &routingv1.Contact{})
	if err != nil {
		return nil, err
	}
	return &routingv1.RecordContactResponse{Contact: c}, nil
}

// CompleteHandling implements HandlingService.
func (s *Server) CompleteHandling(ctx context.Context, req *routingv1.CompleteHandlingRequest) (*routingv1.CompleteHandlingResponse, error) {
	k, err := run(ctx, s, req, act[*routingv1.CompleteHandlingRequest]{
		name: req.GetName(), etag: req.GetEtag(),
		do: func(a *app.Acting, in *routingv1.CompleteHandlingRequest, by domain.Person, sheet *policy.Sheet) error {
			return a.CompleteHandling(in.GetResult(), by, sheet)
		},
	}, &routingv1.Case{})
	if err != nil {
		return nil, err
	}
	return &routingv1.CompleteHandlingResponse{Case: k}, nil
}

// InterveneCase implements HandlingService.
func (s *Server) InterveneCase(ctx context.Context, req *routingv1.InterveneCaseRequest) (*routingv1.InterveneCaseResponse, error) {
	k, err := run(ctx, s, req, act[*routingv1.InterveneCaseRequest]{
		name: req.GetName(), etag: req.GetEtag(),
		do: func(a *app.Acting, in *routingv1.InterveneCaseRequest, by domain.Person, sheet *policy.Sheet) error {
			return a.Intervene(in.GetReason(), by, sheet)
		},
	}, &routingv1.Case{})
	if err != nil {
		return nil, err
	}
	return &routingv1.InterveneCaseResponse{Case: k}, nil
}

// EscalateCase implements HandlingService.
func (s *Server) EscalateCase(ctx context.Context, req *routingv1.EscalateCaseRequest) (*routingv1.EscalateCaseResponse, error) {
	k, err := run(ctx, s, req, act[*routingv1.EscalateCaseRequest]{
		name: req.GetName(), etag: req.GetEtag(),
		do: func(a *app.Acting, in *routingv1.EscalateCaseRequest, by domain.Person, sheet *policy.Sheet) error {
			return a.Escalate(in.GetTo(), in.GetReason(), by, sheet)
		},
	}, &routingv1.Case{})
	if err != nil {
		return nil, err
	}
	return &routingv1.EscalateCaseResponse{Case: k}, nil
}

// TryCard implements HandlingService.
func (s *Server) TryCard(ctx context.Context, req *routingv1.TryCardRequest) (*routingv1.TryCardResponse, error) {
	k, err := run(ctx, s, req, act[*routingv1.TryCardRequest]{
		name: req.GetName(), etag: req.GetEtag(),
		do: func(a *app.Acting, in *routingv1.TryCardRequest, _ domain.Person, sheet *policy.Sheet) error {
			return a.TryCard(in.GetCard(), sheet)
		},
	}, &routingv1.Case{})
	if err != nil {
		return nil, err
	}
	return &routingv1.TryCardResponse{Case: k}, nil
}

// ListCards implements HandlingService. Nothing is kept of what was shown.
func (s *Server) ListCards(ctx context.Context, req *routingv1.ListCardsRequest) (*routingv1.ListCardsResponse, error) {
	a, err := s.seen(ctx, req.GetParent())
	if err != nil {
		return nil, err
	}
	out := &routingv1.ListCardsResponse{}
	for _, c := range a.Policy().Cards(a.Case().GetStage(), a.Sheet(), a.Case().GetTriedCards()) {
		out.Cards = append(out.Cards, &routingv1.Card{
			Card: c.Card.GetId(), Rule: c.Rule, Do: c.Card.GetDo(), Dont: c.Card.GetDont(), Say: c.Card.GetSay(), Choose: c.Card.GetChoose(),
			Offers: c.Card.GetOffers(), Repeat: c.Repeat, Tried: c.Tried,
		})
	}
	return out, nil
}

// seen returns a case with what conditions read about it, outside a transaction.
func (s *Server) seen(ctx context.Context, name string) (*app.Acting, error) {
	return s.desk.See(ctx, s.host.Journal, host.Caller(ctx).Organization, name, s.host.Clock.Now())
}
