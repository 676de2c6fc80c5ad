package policyservice

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/policy/compare"
)

// CompareRevisions says in what a revision differs from another, or from the one
// in force. Faults: RESOURCE_NOT_FOUND, NO_ACTIVE_POLICY. Cost: two reads and some
// milliseconds; nothing is compiled.
func (s *Server) CompareRevisions(ctx context.Context, req *policyv1.CompareRevisionsRequest) (*policyv1.CompareRevisionsResponse, error) {
	out := &policyv1.CompareRevisionsResponse{Before: req.GetBefore(), After: req.GetAfter()}
	if out.GetBefore() == "" {
		name, err := s.inForce(ctx)
		if err != nil {
			return nil, err
		}
		out.Before = name
	}
	var packs [2]*policyv1.Pack
	for i, name := range []string{out.GetBefore(), out.GetAfter()} {
		r, err := host.Read(ctx, s.host, name, &policyv1.Revision{}, host.View(ctx))
		if err != nil {
			return nil, err
		}
		packs[i] = &policyv1.Pack{}
		if err := proto.Unmarshal(r.GetResolved(), packs[i]); err != nil {
			return nil, fmt.Errorf("pack of %s: %w", name, err)
		}
	}
	out.Differences = compare.Messages(compare.Packs(packs[0], packs[1]), host.Caller(ctx).Locale != fault.English)
	return out, nil
}
