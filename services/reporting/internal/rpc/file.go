package rpc

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/seal"
	"example.com/redress/services/reporting/internal/domain"
)

// freshWait is how long an answer waits until a position has been read. Source:
// ReportingService.GetCaseFile.
const freshWait = 2 * time.Second

// GetCaseFile returns everything known about a complaint, its contact masked, without
// what packs hide from the caller.
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
	if err := s.withhold(ctx, file); err != nil {
		return nil, err
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

// withhold takes out of a file what the packs of its complaint and of its actions hide
// from the caller. Of a pack that has not arrived nobody knows what it hides: then
// every fact is withheld.
func (s *Server) withhold(ctx context.Context, file *reportingv1.CaseFile) error {
	caller := host.Caller(ctx)
	d, err := s.host.Directory.At(ctx, caller.Organization)
	if err != nil {
		return err
	}
	policies := s.policyOf(ctx)
	hide := func(revision string, from proto.Message) {
		if revision == "" {
			return
		}
		p := policies(revision)
		places := directory.Places{
			Responsible: file.GetCase().GetDepartments(), Owner: file.GetCase().GetOwner(), Respondent: file.GetComplaint().GetRespondent(),
			Designees: designees(p),
		}
		hidden := domain.Hidden(p, func(who string) bool {
			ok, _ := d.Match(caller.Principal, who, s.host.Clock.Now(), places)
			return ok
		})
		if hidden != nil {
			domain.Withhold(from, hidden)
		}
	}
	hide(file.GetComplaint().GetPolicyRevision(), file)
	if file.GetCase().GetPolicyRevision() != file.GetComplaint().GetPolicyRevision() {
		hide(file.GetCase().GetPolicyRevision(), file)
	}
	for _, a := range file.GetActions() {
		hide(a.GetPolicyRevision(), a)
	}
	return nil
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
