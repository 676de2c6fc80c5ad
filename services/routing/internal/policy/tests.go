package policyservice

import (
	"context"
	"strconv"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
)

// RecordTestRun records what playing a revision's scenarios came to. The scenarios
// need the whole suite and stay with their author, so nothing is played here: a
// person vouches for the outcome, and the digest ties it to one content.
//
// Faults: RESOURCE_NOT_FOUND, PARAMETER_UNSET, TEST_RUN_ELSEWHERE.
//
// Source: ADR 0013.
func (s *Server) RecordTestRun(ctx context.Context, req *policyv1.RecordTestRunRequest) (*policyv1.RecordTestRunResponse, error) {
	caller, name := host.Caller(ctx), req.GetName()
	answer, err := run(ctx, s, req, caller.Organization, []string{name}, func(u *journal.Unit, in *policyv1.RecordTestRunRequest) error {
		r := &policyv1.Revision{}
		if _, err := u.Get(name, r); err != nil {
			return err
		}
		if err := unset(r.GetUnsetParameters(), map[string]*typev1.Text{}); err != nil {
			return err // it has no content yet that could be played
		}
		if played := in.GetTestRun().GetDigest(); played != r.GetDigest() {
			return fault.New(fault.FailedPrecondition, ReasonTestedElsewhere, "name", name, "played", played, "digest", r.GetDigest())
		}
		next := proto.CloneOf(r)
		next.TestRun = proto.CloneOf(in.GetTestRun())
		next.TestRun.Recorder, next.TestRun.RecordTime = caller.Principal, timestamppb.New(u.Time())
		return u.Update(name, next, &policyv1.RevisionTested{})
	})
	if err != nil {
		return nil, err
	}
	return &policyv1.RecordTestRunResponse{Revision: answer}, nil
}

// tested returns why the scenarios keep a revision from being put in force; nil if they do not. One
// that was in force before needs no run, since a shipped pack never had one here; but a red one counts.
func tested(r *policyv1.Revision) error {
	t := r.GetTestRun()
	switch {
	case t == nil && r.GetState() == policyv1.Revision_STATE_DRAFT:
		return fault.New(fault.FailedPrecondition, ReasonNotTested, "name", r.GetName())
	case t == nil || t.GetPassed() > 0 && t.GetFailed() == 0 && t.GetSurvivors() == 0:
		return nil
	}
	count := func(n int32) string { return strconv.Itoa(int(n)) }
	return fault.New(fault.FailedPrecondition, ReasonTestsFailed, "name", r.GetName(),
		"passed", count(t.GetPassed()), "failed", count(t.GetFailed()), "survivors", count(t.GetSurvivors()))
}
