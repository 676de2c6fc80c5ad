package rpc

import (
	"context"

	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
)

// RebuildReporting drops the read model, of all organisations, and reads the
// feeds from their beginnings. Frozen reports and erasures owed stay. Until the
// directory has been read again nobody has a function here: the operator too.
func (s *Server) RebuildReporting(ctx context.Context, _ *reportingv1.RebuildReportingRequest) (*reportingv1.RebuildReportingResponse, error) {
	behind := int64(0)
	for _, n := range s.host.Lag() {
		behind += n
	}
	applied, err := s.host.Journal.ForgetFeeds(ctx)
	if err != nil {
		return nil, err
	}
	s.lines.Cut("")
	s.host.Logger.InfoContext(ctx, "read model dropped, reading the feeds again", "events", applied+behind)
	return &reportingv1.RebuildReportingResponse{Events: applied + behind}, nil
}
