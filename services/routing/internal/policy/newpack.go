package policyservice

import (
	"context"
	"errors"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy/draft"
)

// DraftPack returns the files of a small complete pack to begin with and stores
// nothing. Faults: PACK_INVALID with the option as its field.
func (s *Server) DraftPack(_ context.Context, req *policyv1.DraftPackRequest) (*policyv1.DraftPackResponse, error) {
	files, err := draft.Files(draft.Options{Pack: req.GetPack(), Title: req.GetTitle(), Include: req.GetInclude()})
	if wrong, ok := errors.AsType[*draft.Error](err); ok {
		return nil, fault.New(fault.Invalid, ReasonPackInvalid, "count", "1").WithViolations(fault.Violation{Field: wrong.Field, Reason: ReasonPackInvalid, Text: wrong.Text})
	}
	if err != nil {
		return nil, err
	}
	out := &policyv1.DraftPackResponse{}
	for _, f := range files {
		out.Files = append(out.Files, &policyv1.DraftPackResponse_File{Path: f.File, Content: f.YAML})
	}
	return out, nil
}
