package rpc

import (
	"context"
	"fmt"
	"slices"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/page"
	"example.com/redress/services/kit/seal"
)

// ListOverdue lists clocks that are breached and not stopped, the oldest breach first.
func (s *Server) ListOverdue(ctx context.Context, req *reportingv1.ListOverdueRequest) (*reportingv1.ListOverdueResponse, error) {
	caller := host.Caller(ctx)
	size, err := page.Size(req.GetPageSize())
	if err != nil {
		return nil, err
	}
	after, err := page.After(req.GetPageToken(), req, caller.Organization, caller.Principal)
	if err != nil {
		return nil, err
	}
	clocks, err := s.reader(ctx).Overdue(ctx)
	if err != nil {
		return nil, err
	}
	begin, _ := slices.BinarySearchFunc(clocks, after, func(c *clockv1.Clock, after string) int {
		if breachKey(c) <= after {
			return -1
		}
		return 1
	})
	rest := clocks[begin:]
	out := &reportingv1.ListOverdueResponse{Clocks: rest[:min(size, len(rest))]}
	if len(rest) > size {
		out.NextPageToken = page.Token(breachKey(rest[size-1]), req, caller.Organization, caller.Principal)
	}
	// Reasons of pauses and extensions are words somebody wrote.
	shown := seal.View{FreeText: true, MaskUnavailable: true}
	if err := seal.Open(ctx, patient{s.host.Keys}, caller.Organization, out, shown); err != nil {
		return nil, err
	}
	return out, nil
}

// breachKey is the place of a clock in the list: its breach, then its name.
func breachKey(c *clockv1.Clock) string {
	return fmt.Sprintf("%019d/%s", max(c.GetBreachTime().AsTime().UnixMicro(), 0), c.GetName())
}
