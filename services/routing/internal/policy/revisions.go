package policyservice

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/page"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/revisions"
)

// ValidatePack checks a pack as redress policy lint does and stores nothing. Cost:
// some 100 ms for a large pack, most of it in trying the rows of the matrix.
func (s *Server) ValidatePack(ctx context.Context, req *policyv1.ValidatePackRequest) (*policyv1.ValidatePackResponse, error) {
	r := resolve(fileName, req.GetSource(), req.GetParameters())
	if r.pack != nil {
		_, r.findings = policy.Lint(fileName, req.GetSource(), policy.Shipped, policy.LintOptions{Year: s.host.Clock.Now().Year()})
	}
	return &policyv1.ValidatePackResponse{
		Findings: messages(r.findings, host.Caller(ctx).Locale), Digest: r.digest, UnsetParameters: r.unset,
	}, nil
}

// CreateRevision stores a pack as a draft; the same text with the same values is
// one revision, whoever stores it again and whatever became of it.
func (s *Server) CreateRevision(ctx context.Context, req *policyv1.CreateRevisionRequest) (*policyv1.CreateRevisionResponse, error) {
	caller := host.Caller(ctx)
	r := resolve(fileName, req.GetSource(), req.GetParameters())
	if r.pack == nil {
		return nil, invalid(r.findings)
	}
	draft, err := r.revision(req.GetSource(), req.GetParameters(), caller.Locale)
	if err != nil {
		return nil, err
	}
	answer, err := run(ctx, s, req, caller.Organization, []string{draft.GetName()}, func(u *journal.Unit, _ *policyv1.CreateRevisionRequest) error {
		_, err := store(u, draft, caller.Principal)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &policyv1.CreateRevisionResponse{Revision: answer}, nil
}

// store returns the revision as it stands after it was stored, now or before.
func store(u *journal.Unit, draft *policyv1.Revision, author string) (*policyv1.Revision, error) {
	stands := &policyv1.Revision{}
	_, err := u.Get(draft.GetName(), stands)
	if err == nil {
		u.Answer(draft.GetName())
		return stands, nil
	}
	if fault.KindOf(err) != fault.NotFound {
		return nil, err
	}
	next := proto.CloneOf(draft)
	next.Author, next.CreateTime = author, timestamppb.New(u.Time())
	return next, u.Create(next.GetName(), next, &policyv1.RevisionStored{})
}

// ActivateRevision puts a revision in force and retires the one before it in the
// same transaction. It is compiled once more, which finds every error of lint: a
// newer binary may read less or more.
func (s *Server) ActivateRevision(ctx context.Context, req *policyv1.ActivateRevisionRequest) (*policyv1.ActivateRevisionResponse, error) {
	caller, name := host.Caller(ctx), req.GetName()
	seen := &policyv1.Revision{}
	if _, err := s.host.Journal.Get(ctx, caller.Organization, name, seen); err != nil {
		return nil, err
	}
	fit := executable(seen) // what is compiled never changes, so it is done outside the transaction
	answer, err := run(ctx, s, req, caller.Organization, []string{name}, func(u *journal.Unit, in *policyv1.ActivateRevisionRequest) error {
		r := &policyv1.Revision{}
		version, err := u.Get(name, r)
		if err != nil {
			return err
		}
		if err := journal.CheckEtag(version, in.GetEtag()); err != nil {
			return err
		}
		switch {
		case r.GetState() == policyv1.Revision_STATE_ACTIVE:
			return fault.New(fault.FailedPrecondition, ReasonRevisionActive, "name", name)
		case r.GetAuthor() == caller.Principal:
			return fault.New(fault.FailedPrecondition, ReasonOwnRevision)
		case fit != nil:
			return fit
		}
		if err := tested(r); err != nil {
			return err
		}
		return activate(u, r, caller.Principal)
	})
	if err != nil {
		return nil, err
	}
	return &policyv1.ActivateRevisionResponse{Revision: answer}, nil
}

// executable returns why a stored revision cannot be put in force: PARAMETER_UNSET
// or PACK_INVALID; nil if it can.
func executable(r *policyv1.Revision) error {
	pack := &policyv1.Pack{}
	if err := proto.Unmarshal(r.GetResolved(), pack); err != nil {
		broken := policy.Finding{Path: "resolved", Severity: policy.Error, Text: &typev1.Text{Zh: "已存的规则包无法读取。", En: "The stored pack cannot be read."}}
		return invalid([]policy.Finding{broken})
	}
	texts := map[string]*typev1.Text{}
	for _, q := range pack.GetParameters() {
		texts[q.GetId()] = q.GetText()
	}
	if err := unset(r.GetUnsetParameters(), texts); err != nil {
		return err
	}
	if p, findings := policy.Compile(pack, policy.Options{Parameters: r.GetParameters()}); p == nil {
		return invalid(findings)
	}
	return nil
}

// activate puts r in force in place of what is: nothing else retires a revision. The
// two lie in shards of their own, so other services hear of them in any order
// (package revisions).
func activate(u *journal.Unit, r *policyv1.Revision, by string) error {
	before, err := inForce(u)
	if err != nil {
		return err
	}
	change := &policyv1.PolicyRevisionActivated{}
	if len(before) > 0 {
		change.Previous = before[0]
	}
	next := proto.CloneOf(r)
	next.State, next.Activator, next.ActivateTime = policyv1.Revision_STATE_ACTIVE, by, timestamppb.New(u.Time())
	if err := u.Update(next.GetName(), next, change); err != nil {
		return err
	}
	for _, name := range before {
		old := &policyv1.Revision{}
		if _, err := u.Get(name, old); err != nil {
			return err
		}
		retired := proto.CloneOf(old)
		retired.State = policyv1.Revision_STATE_RETIRED
		if err := u.Update(name, retired, &policyv1.RevisionRetired{}); err != nil {
			return err
		}
	}
	return nil
}

// InstallPack puts a shipped pack in force where no policy is. It needs no second
// person: there is nobody yet, and nobody wrote it here.
func (s *Server) InstallPack(ctx context.Context, req *policyv1.InstallPackRequest) (*policyv1.InstallPackResponse, error) {
	caller, pack := host.Caller(ctx), req.GetPack()
	source, err := policy.Shipped(pack, "")
	switch {
	case errors.Is(err, policy.ErrNoPack):
		return nil, host.NotFound("packs/" + pack)
	case err != nil:
		return nil, fmt.Errorf("pack %s: %w", pack, err)
	}
	r := resolve("packs/"+pack+"/"+fileName, source, req.GetParameters())
	if r.pack == nil {
		return nil, invalid(r.findings)
	}
	draft, err := r.revision(source, req.GetParameters(), caller.Locale)
	if err != nil {
		return nil, err
	}
	answer, err := run(ctx, s, req, req.GetOrganization(), []string{draft.GetName()}, func(u *journal.Unit, _ *policyv1.InstallPackRequest) error {
		before, err := inForce(u)
		switch {
		case err != nil:
			return err
		case len(before) > 0:
			return fault.New(fault.AlreadyExists, ReasonPolicyExists, "name", before[0])
		}
		if err := unset(r.unset, r.texts); err != nil {
			return err
		}
		stored, err := store(u, draft, caller.Principal)
		if err != nil {
			return err
		}
		return activate(u, stored, caller.Principal)
	})
	if err != nil {
		return nil, err
	}
	return &policyv1.InstallPackResponse{Revision: answer}, nil
}

// GetRevision returns one revision with its source and the resolved whole.
func (s *Server) GetRevision(ctx context.Context, req *policyv1.GetRevisionRequest) (*policyv1.GetRevisionResponse, error) {
	r, err := host.Read(ctx, s.host, req.GetName(), &policyv1.Revision{}, host.View(ctx))
	if err != nil {
		return nil, err
	}
	return &policyv1.GetRevisionResponse{Revision: r}, nil
}

// ListRevisions lists revisions in order of name, without source and resolved bytes.
func (s *Server) ListRevisions(ctx context.Context, req *policyv1.ListRevisionsRequest) (*policyv1.ListRevisionsResponse, error) {
	caller := host.Caller(ctx)
	size, err := page.Size(req.GetPageSize())
	if err != nil {
		return nil, err
	}
	scope := []string{caller.Organization, caller.Principal}
	after, err := page.After(req.GetPageToken(), req, scope...)
	if err != nil {
		return nil, err
	}
	found, err := s.host.Journal.List(ctx, journal.Query{Organization: caller.Organization, Kind: revisions.Pattern, Limit: size, After: after})
	if err != nil {
		return nil, err
	}
	all, err := host.Rows(ctx, s.host, found.Rows, func() *policyv1.Revision { return &policyv1.Revision{} }, host.View(ctx))
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		r.Source, r.Resolved = nil, nil
	}
	return &policyv1.ListRevisionsResponse{Revisions: all, NextPageToken: page.Token(found.Next, req, scope...)}, nil
}

// GetActiveRevision returns the revision in force of the caller's organisation;
// for a service, of the one it acts for. Faults: NO_ACTIVE_POLICY.
func (s *Server) GetActiveRevision(ctx context.Context, _ *policyv1.GetActiveRevisionRequest) (*policyv1.GetActiveRevisionResponse, error) {
	name, err := s.inForce(ctx)
	if err != nil {
		return nil, err
	}
	r, err := host.Read(ctx, s.host, name, &policyv1.Revision{}, host.View(ctx))
	if err != nil {
		return nil, err
	}
	return &policyv1.GetActiveRevisionResponse{Revision: r}, nil
}

// inForce returns the name of the caller's revision in force; the fault NO_ACTIVE_POLICY if there is none.
func (s *Server) inForce(ctx context.Context) (string, error) {
	source := revisions.Journal{Context: ctx, J: s.host.Journal, Organization: host.Caller(ctx).Organization, Own: true}
	names, err := source.Active()
	switch {
	case err != nil:
		return "", err
	case len(names) == 0:
		return "", fault.New(fault.FailedPrecondition, revisions.ReasonNoActive)
	}
	return names[0], nil
}
