package rpc

import (
	"context"

	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/policy"
	"example.com/redress/services/routing/internal/app"
	"example.com/redress/services/routing/internal/domain"
)

// MakeOffer implements HandlingService.
func (s *Server) MakeOffer(ctx context.Context, req *routingv1.MakeOfferRequest) (*routingv1.MakeOfferResponse, error) {
	o, err := run(ctx, s, req, act[*routingv1.MakeOfferRequest]{
		name: req.GetParent(), after: func(k *routingv1.Case) string { return k.GetCurrentOffer() },
		do: func(a *app.Acting, in *routingv1.MakeOfferRequest, by domain.Person, sheet *policy.Sheet) error {
			newest := &routingv1.Offer{}
			if name := a.Case().GetCurrentOffer(); name != "" {
				if _, err := a.Get(name, newest); err != nil {
					return err
				}
			}
			return a.MakeOffer(in.GetOffer(), newest, by, sheet)
		},
	}, &routingv1.Offer{})
	if err != nil {
		return nil, err
	}
	return &routingv1.MakeOfferResponse{Offer: o}, nil
}

// AnswerOffer implements HandlingService.
func (s *Server) AnswerOffer(ctx context.Context, req *routingv1.AnswerOfferRequest) (*routingv1.AnswerOfferResponse, error) {
	offer := &routingv1.Offer{}
	o, err := run(ctx, s, req, act[*routingv1.AnswerOfferRequest]{
		name: req.GetName(), etag: req.GetEtag(), child: offer,
		do: func(a *app.Acting, in *routingv1.AnswerOfferRequest, by domain.Person, sheet *policy.Sheet) error {
			accepted := in.GetAnswer() == routingv1.AnswerOfferRequest_ANSWER_ACCEPTED
			return a.AnswerOffer(offer, domain.Reaction{Accepted: accepted, Note: in.GetNote(), By: by}, sheet)
		},
	}, &routingv1.Offer{})
	if err != nil {
		return nil, err
	}
	return &routingv1.AnswerOfferResponse{Offer: o}, nil
}

// RequestApproval implements HandlingService.
func (s *Server) RequestApproval(ctx context.Context, req *routingv1.RequestApprovalRequest) (*routingv1.RequestApprovalResponse, error) {
	if err := s.departmentsKnown(ctx, req.GetDepartments()...); err != nil {
		return nil, err
	}
	asked := ""
	x := act[*routingv1.RequestApprovalRequest]{
		name: req.GetParent(), after: func(*routingv1.Case) string { return asked },
		do: func(a *app.Acting, in *routingv1.RequestApprovalRequest, by domain.Person, sheet *policy.Sheet) error {
			w := domain.Wanted{
				Approval: in.GetApproval(), Note: in.GetNote(), Facts: in.GetFacts(), Departments: in.GetDepartments(), Clock: in.GetClock(), By: by,
			}
			if in.GetUntil() != nil {
				w.Until = in.GetUntil().AsTime()
			}
			made, err := a.RequestApproval(w, sheet)
			asked = made.GetName()
			return err
		},
	}
	a, err := run(ctx, s, req, x, &routingv1.CaseApproval{})
	if err != nil {
		return nil, err
	}
	return &routingv1.RequestApprovalResponse{CaseApproval: a}, nil
}

// SignApproval implements HandlingService.
func (s *Server) SignApproval(ctx context.Context, req *routingv1.SignApprovalRequest) (*routingv1.SignApprovalResponse, error) {
	d, err := s.directory(ctx)
	if err != nil {
		return nil, err
	}
	on := &routingv1.CaseApproval{}
	a, err := run(ctx, s, req, act[*routingv1.SignApprovalRequest]{
		name: req.GetName(), etag: req.GetEtag(), child: on,
		do: func(a *app.Acting, in *routingv1.SignApprovalRequest, by domain.Person, sheet *policy.Sheet) error {
			return a.SignApproval(on, signature(a, d, in, by), sheet)
		},
	}, &routingv1.CaseApproval{})
	if err != nil {
		return nil, err
	}
	return &routingv1.SignApprovalResponse{CaseApproval: a}, nil
}

// GetContact implements HandlingService.
func (s *Server) GetContact(ctx context.Context, req *routingv1.GetContactRequest) (*routingv1.GetContactResponse, error) {
	c, err := host.Read(ctx, s.host, req.GetName(), &routingv1.Contact{}, host.View(ctx))
	if err != nil {
		return nil, err
	}
	return &routingv1.GetContactResponse{Contact: c}, nil
}

// GetOffer implements HandlingService.
func (s *Server) GetOffer(ctx context.Context, req *routingv1.GetOfferRequest) (*routingv1.GetOfferResponse, error) {
	o, err := host.Read(ctx, s.host, req.GetName(), &routingv1.Offer{}, host.View(ctx))
	if err != nil {
		return nil, err
	}
	return &routingv1.GetOfferResponse{Offer: o}, nil
}

// GetApproval implements HandlingService.
func (s *Server) GetApproval(ctx context.Context, req *routingv1.GetApprovalRequest) (*routingv1.GetApprovalResponse, error) {
	a, err := host.Read(ctx, s.host, req.GetName(), &routingv1.CaseApproval{}, host.View(ctx))
	if err != nil {
		return nil, err
	}
	return &routingv1.GetApprovalResponse{CaseApproval: a}, nil
}

// ListContacts implements HandlingService.
func (s *Server) ListContacts(ctx context.Context, req *routingv1.ListContactsRequest) (*routingv1.ListContactsResponse, error) {
	all, next, err := children(ctx, s, req, app.Contacts, func() *routingv1.Contact { return &routingv1.Contact{} })
	if err != nil {
		return nil, err
	}
	return &routingv1.ListContactsResponse{Contacts: all, NextPageToken: next}, nil
}

// ListOffers implements HandlingService.
func (s *Server) ListOffers(ctx context.Context, req *routingv1.ListOffersRequest) (*routingv1.ListOffersResponse, error) {
	all, next, err := numbered(ctx, s, req, func(k *routingv1.Case) int32 { return k.GetOffers() }, domain.OfferName, func() *routingv1.Offer { return &routingv1.Offer{} })
	if err != nil {
		return nil, err
	}
	return &routingv1.ListOffersResponse{Offers: all, NextPageToken: next}, nil
}

// ListApprovals implements HandlingService.
func (s *Server) ListApprovals(ctx context.Context, req *routingv1.ListApprovalsRequest) (*routingv1.ListApprovalsResponse, error) {
	all, next, err := numbered(ctx, s, req, func(k *routingv1.Case) int32 { return k.GetApprovalCount() }, domain.ApprovalName,
		func() *routingv1.CaseApproval { return &routingv1.CaseApproval{} })
	if err != nil {
		return nil, err
	}
	return &routingv1.ListApprovalsResponse{CaseApprovals: all, NextPageToken: next}, nil
}
