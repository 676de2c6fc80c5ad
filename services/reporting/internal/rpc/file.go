package rpc

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/seal"
)

// freshWait is how long an answer waits until a position has been read. Source:
// ReportingService.GetCaseFile.
const freshWait = 2 * time.Second

// GetCaseFile returns everything known about a complaint, its contact masked.
func (s *Server) GetCaseFile(ctx context.Context, req *reportingv1.GetCaseFileRequest) (*reportingv1.GetCaseFileResponse, error) {
	if err := s.waitFor(ctx, req.GetFresh()); err != nil {
		return nil, err
	}
	fresh, known := s.watch.Fresh()
	file, err := s.reader(ctx).File(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	if file == nil {
		return nil, host.NotFound(req.GetName())
	}
	shown := seal.View{FreeText: true, MaskUnavailable: true}
	if err := seal.Open(ctx, patient{s.host.Keys}, host.Caller(ctx).Organization, file, shown); err != nil {
		return nil, err
	}
	if known {
		file.FreshTime = timestamppb.New(fresh)
	}
	return &reportingv1.GetCaseFileResponse{File: file}, nil
}

// waitFor waits until the position has been read here; of this service's own
// nothing has to be.
func (s *Server) waitFor(ctx context.Context, p *eventv1.Position) error {
	if p == nil || p.GetService() == s.host.Name() {
		return nil
	}
	ctx, cancel := clock.System().WithTimeout(ctx, freshWait)
	defer cancel()
	return s.host.WaitFor(ctx, p)
}
