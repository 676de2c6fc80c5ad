package rpc

import (
	"context"

	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/policy"
	sheets "example.com/redress/services/policy/sheet"
	"example.com/redress/services/routing/internal/app"
	"example.com/redress/services/routing/internal/domain"
)

// RecordFinding implements RoutingService.
func (s *Server) RecordFinding(ctx context.Context, req *routingv1.RecordFindingRequest) (*routingv1.RecordFindingResponse, error) {
	name, err := newName(req.GetParent(), "findings")
	if err != nil {
		return nil, err
	}
	f, err := run(ctx, s, req, act[*routingv1.RecordFindingRequest]{
		name: req.GetParent(), answer: name,
		do: func(a *app.Acting, in *routingv1.RecordFindingRequest, by domain.Person, sheet *policy.Sheet) error {
			return a.RecordFinding(name, in.GetFinding(), by, sheet)
		},
	}, &routingv1.Finding{})
	if err != nil {
		return nil, err
	}
	return &routingv1.RecordFindingResponse{Finding: f}, nil
}

// RecordProgress implements RoutingService.
func (s *Server) RecordProgress(ctx context.Context, req *routingv1.RecordProgressRequest) (*routingv1.RecordProgressResponse, error) {
	name, err := newName(req.GetParent(), "progress")
	if err != nil {
		return nil, err
	}
	p, err := run(ctx, s, req, act[*routingv1.RecordProgressRequest]{
		name: req.GetParent(), answer: name,
		do: func(a *app.Acting, in *routingv1.RecordProgressRequest, by domain.Person, _ *policy.Sheet) error {
			return a.RecordProgress(name, in.GetProgress(), by)
		},
	}, &routingv1.Progress{})
	if err != nil {
		return nil, err
	}
	return &routingv1.RecordProgressResponse{Progress: p}, nil
}

// RecordReply implements RoutingService.
func (s *Server) RecordReply(ctx context.Context, req *routingv1.RecordReplyRequest) (*routingv1.RecordReplyResponse, error) {
	name, err := newName(req.GetParent(), "replies")
	if err != nil {
		return nil, err
	}
	r, err := run(ctx, s, req, act[*routingv1.RecordReplyRequest]{
		name: req.GetParent(), answer: name,
		do: func(a *app.Acting, in *routingv1.RecordReplyRequest, by domain.Person, sheet *policy.Sheet) error {
			return a.RecordReply(name, in.GetReply(), by, sheets.WithPhrases(sheet, a.Policy().Phrases(req.GetReply().GetContent())))
		},
	}, &routingv1.Reply{})
	if err != nil {
		return nil, err
	}
	return &routingv1.RecordReplyResponse{Reply: r}, nil
}
