package rpc

import (
	"context"

	"google.golang.org/protobuf/proto"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/corrective-action/internal/app"
	"example.com/redress/services/corrective-action/internal/domain"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/policy/revisions"
)

func noDuty() *correctiveactionv1.Duty           { return &correctiveactionv1.Duty{} }
func noFile() *correctiveactionv1.DepartmentFile { return &correctiveactionv1.DepartmentFile{} }

// GetDuty returns one duty outside complaints.
func (s *Server) GetDuty(ctx context.Context, req *correctiveactionv1.GetDutyRequest) (*correctiveactionv1.GetDutyResponse, error) {
	d, err := host.Read(ctx, s.host, req.GetName(), noDuty(), host.View(ctx))
	return &correctiveactionv1.GetDutyResponse{Duty: d}, err
}

// ListDuties lists duties, the newest first.
func (s *Server) ListDuties(ctx context.Context, req *correctiveactionv1.ListDutiesRequest) (*correctiveactionv1.ListDutiesResponse, error) {
	found, next, err := list(ctx, s, req, app.Duties, map[string]string{
		app.AttrComplaint: req.GetComplaint(), app.AttrState: stateOf(req.GetState()), app.AttrStep: req.GetStep(),
	}, noDuty)
	return &correctiveactionv1.ListDutiesResponse{Duties: found, NextPageToken: next}, err
}

// DoDuty records that a duty was done.
func (s *Server) DoDuty(ctx context.Context, req *correctiveactionv1.DoDutyRequest) (*correctiveactionv1.DoDutyResponse, error) {
	d, err := end(ctx, s, req, &correctiveactionv1.DutyDone{}, func(d *correctiveactionv1.Duty, act domain.Act, in *correctiveactionv1.DoDutyRequest) (*correctiveactionv1.Duty, error) {
		return domain.DoDuty(d, in.GetNote(), in.GetFacts(), act)
	})
	return &correctiveactionv1.DoDutyResponse{Duty: d}, err
}

// SkipDuty records that an optional duty is not needed, and who decided.
func (s *Server) SkipDuty(ctx context.Context, req *correctiveactionv1.SkipDutyRequest) (*correctiveactionv1.SkipDutyResponse, error) {
	d, err := end(ctx, s, req, &correctiveactionv1.DutySkipped{}, func(d *correctiveactionv1.Duty, act domain.Act, in *correctiveactionv1.SkipDutyRequest) (*correctiveactionv1.Duty, error) {
		return domain.SkipDuty(d, in.GetNote(), act)
	})
	return &correctiveactionv1.SkipDutyResponse{Duty: d}, err
}

// end runs a request that ends one duty.
func end[R named](ctx context.Context, s *Server, req R, change proto.Message, decide func(*correctiveactionv1.Duty, domain.Act, R) (*correctiveactionv1.Duty, error)) (*correctiveactionv1.Duty, error) {
	seen := noDuty()
	if _, err := s.host.Journal.Get(ctx, host.Caller(ctx).Organization, req.GetName(), seen); err != nil {
		return nil, err
	}
	of, err := s.subjectOf(ctx, seen.GetComplaint())
	if err != nil {
		return nil, err
	}
	caller := host.Caller(ctx).Principal
	receipt, err := host.Run(ctx, s.host, req, host.Command{
		Key: or(seen.GetComplaint(), req.GetName()), Subject: subject(ctx, of), Reads: []string{req.GetName(), seen.GetPolicyRevision()},
	}, func(u *journal.Unit, in R) error {
		d := noDuty()
		version, err := u.Get(in.GetName(), d)
		if err != nil {
			return err
		}
		if err := journal.CheckEtag(version, in.GetEtag()); err != nil {
			return err
		}
		sc, err := s.desk.OfDuty(u, d)
		if err != nil {
			return err
		}
		sc.By = caller
		next, err := decide(d, s.desk.Act(u, sc, caller), in)
		if err != nil {
			return err
		}
		u.Answer(in.GetName())
		return s.desk.EndDuty(u, sc, next, change)
	})
	if err != nil {
		return nil, err
	}
	return host.Answer(ctx, s.host, receipt, noDuty(), host.View(ctx))
}

// GetDepartmentFile returns one form about a department.
func (s *Server) GetDepartmentFile(ctx context.Context, req *correctiveactionv1.GetDepartmentFileRequest) (*correctiveactionv1.GetDepartmentFileResponse, error) {
	f, err := host.Read(ctx, s.host, req.GetName(), noFile(), host.View(ctx))
	return &correctiveactionv1.GetDepartmentFileResponse{DepartmentFile: f}, err
}

// ListDepartmentFiles lists forms about departments, the newest first.
func (s *Server) ListDepartmentFiles(ctx context.Context, req *correctiveactionv1.ListDepartmentFilesRequest) (*correctiveactionv1.ListDepartmentFilesResponse, error) {
	found, next, err := list(ctx, s, req, app.DepartmentFiles, map[string]string{app.AttrDepartment: req.GetDepartment(), app.AttrForm: req.GetForm()}, noFile)
	return &correctiveactionv1.ListDepartmentFilesResponse{DepartmentFiles: found, NextPageToken: next}, err
}

// ListMissingFiles lists departments that owe a form and have none on file.
//
// Source: PROCEDURES P15 R5.
func (s *Server) ListMissingFiles(ctx context.Context, req *correctiveactionv1.ListMissingFilesRequest) (*correctiveactionv1.ListMissingFilesResponse, error) {
	organization := host.Caller(ctx).Organization
	p, _, err := s.desk.Policies().Active(revisions.Journal{Context: ctx, J: s.host.Journal, Organization: organization})
	if err != nil {
		return nil, err
	}
	d, err := s.directory(ctx)
	if err != nil {
		return nil, err
	}
	out := &correctiveactionv1.ListMissingFilesResponse{}
	for _, form := range p.Rules().GetForms() {
		if form.GetAbout() != policyv1.About_ABOUT_DEPARTMENT || req.GetForm() != "" && req.GetForm() != form.GetId() {
			continue
		}
		files, err := all(ctx, s, organization, app.DepartmentFiles, []journal.Attr{{Name: app.AttrForm, Value: form.GetId()}}, host.View(ctx), noFile)
		if err != nil {
			return nil, err
		}
		filed := map[string]bool{}
		for _, f := range files {
			filed[f.GetDepartment()] = true
		}
		for _, code := range domain.Owing(p, d.Departments()) {
			if name := "departments/" + code; !filed[name] {
				out.MissingFiles = append(out.MissingFiles, &correctiveactionv1.MissingFile{Department: name, Form: form.GetId(), Rule: proto.CloneOf(p.Rule(form.GetId()))})
			}
		}
	}
	return out, nil
}

// FileDepartmentForm puts a form about a department on file.
func (s *Server) FileDepartmentForm(ctx context.Context, req *correctiveactionv1.FileDepartmentFormRequest) (*correctiveactionv1.FileDepartmentFormResponse, error) {
	if err := s.known(ctx, req.GetParent()); err != nil {
		return nil, err
	}
	name, err := newName("departmentFiles")
	if err != nil {
		return nil, err
	}
	caller := host.Caller(ctx).Principal
	receipt, err := host.Run(ctx, s.host, req, host.Command{Key: name, Subject: subject(ctx, "")}, func(u *journal.Unit, in *correctiveactionv1.FileDepartmentFormRequest) error {
		sc, err := s.desk.Scene(u, "", "", u.Time())
		if err != nil {
			return err
		}
		sc.By, sc.Outside = caller, true
		sc.Places.Respondent = in.GetParent()
		sc = sc.Of(in.GetParent())
		f, err := domain.File(name, sc.Revision, in.GetParent(), in.GetForm(), in.GetFacts(), s.desk.Act(u, sc, caller))
		if err != nil {
			return err
		}
		u.Answer(name)
		return s.desk.StoreFile(u, sc, f)
	})
	if err != nil {
		return nil, err
	}
	f, err := host.Answer(ctx, s.host, receipt, noFile(), host.View(ctx))
	return &correctiveactionv1.FileDepartmentFormResponse{DepartmentFile: f}, err
}
