package directory

import (
	"context"

	"google.golang.org/protobuf/proto"

	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	kit "example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
)

func isAbsent(err error) bool { return fault.ReasonOf(err) == journal.ReasonNotFound }

// ListAssignments lists the roles of one person, or of everybody.
func (s *Server) ListAssignments(ctx context.Context, req *directoryv1.ListAssignmentsRequest) (*directoryv1.ListAssignmentsResponse, error) {
	found, next, err := list(ctx, s, req, kit.AssignmentsPattern, parentOf(req.GetParent()))
	if err != nil {
		return nil, err
	}
	all, err := host.Rows(ctx, s.host, found.Rows, func() *directoryv1.Assignment { return &directoryv1.Assignment{} }, host.View(ctx))
	if err != nil {
		return nil, err
	}
	return &directoryv1.ListAssignmentsResponse{Assignments: all, NextPageToken: next}, nil
}

// CreateAssignment gives a person a role. Nobody gives one to themselves.
func (s *Server) CreateAssignment(ctx context.Context, req *directoryv1.CreateAssignmentRequest) (*directoryv1.CreateAssignmentResponse, error) {
	name, err := newName(req.GetParent(), "assignments")
	if err != nil {
		return nil, err
	}
	caller := host.Caller(ctx)
	receipt, err := run(ctx, s, req, "", []string{req.GetParent()}, func(u *journal.Unit, in *directoryv1.CreateAssignmentRequest) error {
		a := in.GetAssignment()
		if err := existing(u, in.GetParent(), &directoryv1.Person{}); err != nil {
			return err
		}
		if in.GetParent() == caller.Principal {
			return fault.New(fault.FailedPrecondition, ReasonOwnFunctions)
		}
		if a.GetDepartment() != "" {
			if err := existing(u, a.GetDepartment(), &directoryv1.Department{}); err != nil {
				return err
			}
		}
		if err := checkPeriod(a.GetStartTime(), a.GetEndTime()); err != nil {
			return err
		}
		return u.Create(name, &directoryv1.Assignment{
			Name: name, Role: a.GetRole(), Department: a.GetDepartment(), StartTime: a.GetStartTime(), EndTime: a.GetEndTime(),
		}, &directoryv1.AssignmentChanged{})
	})
	if err != nil {
		return nil, err
	}
	a, err := host.Answer(ctx, s.host, receipt, &directoryv1.Assignment{}, host.View(ctx))
	if err != nil {
		return nil, err
	}
	return &directoryv1.CreateAssignmentResponse{Assignment: a}, nil
}

// EndAssignment ends a role now; one that ended before stays as it is.
func (s *Server) EndAssignment(ctx context.Context, req *directoryv1.EndAssignmentRequest) (*directoryv1.EndAssignmentResponse, error) {
	name := req.GetName()
	receipt, err := run(ctx, s, req, "", []string{name}, func(u *journal.Unit, in *directoryv1.EndAssignmentRequest) error {
		a := &directoryv1.Assignment{}
		version, err := u.Get(name, a)
		if err != nil {
			return err
		}
		if err := journal.CheckEtag(version, in.GetEtag()); err != nil {
			return err
		}
		if over(a.GetEndTime(), u.Time()) {
			u.Answer(name)
			return nil
		}
		next := proto.CloneOf(a)
		next.EndTime = ended(a.GetStartTime(), u.Time())
		return u.Update(name, next, &directoryv1.AssignmentChanged{})
	})
	if err != nil {
		return nil, err
	}
	a, err := host.Answer(ctx, s.host, receipt, &directoryv1.Assignment{}, host.View(ctx))
	if err != nil {
		return nil, err
	}
	return &directoryv1.EndAssignmentResponse{Assignment: a}, nil
}

// ListDelegations lists the delegations a person has given, or everybody's.
func (s *Server) ListDelegations(ctx context.Context, req *directoryv1.ListDelegationsRequest) (*directoryv1.ListDelegationsResponse, error) {
	found, next, err := list(ctx, s, req, kit.DelegationsPattern, parentOf(req.GetParent()))
	if err != nil {
		return nil, err
	}
	all, err := host.Rows(ctx, s.host, found.Rows, func() *directoryv1.Delegation { return &directoryv1.Delegation{} }, host.View(ctx))
	if err != nil {
		return nil, err
	}
	return &directoryv1.ListDelegationsResponse{Delegations: all, NextPageToken: next}, nil
}

// CreateDelegation lets somebody act in another's place. The reason is sealed
// under the key of who is represented.
func (s *Server) CreateDelegation(ctx context.Context, req *directoryv1.CreateDelegationRequest) (*directoryv1.CreateDelegationResponse, error) {
	parent := req.GetParent()
	if err := checkName("parent", parent, people, isPerson); err != nil {
		return nil, err
	}
	caller := host.Caller(ctx)
	// An administrator who could delegate anybody's roles to themselves would have them all.
	if caller.Principal != parent && (!mayKeep(caller) || req.GetDelegation().GetDelegate() == caller.Principal) {
		return nil, fault.New(fault.FailedPrecondition, ReasonNotOwn, "person", parent)
	}
	name, err := newName(parent, "delegations")
	if err != nil {
		return nil, err
	}
	// Fetched together; what came meanwhile is found in the unit and read one by one.
	reads, err := s.names(ctx, kit.DelegationsPattern)
	if err != nil {
		return nil, err
	}
	reads = append(reads, parent, req.GetDelegation().GetDelegate())
	receipt, err := run(ctx, s, req, subjectOf(parent), reads, func(u *journal.Unit, in *directoryv1.CreateDelegationRequest) error {
		d := in.GetDelegation()
		next := &directoryv1.Delegation{
			Name: name, Delegate: d.GetDelegate(), Role: d.GetRole(), StartTime: d.GetStartTime(), EndTime: d.GetEndTime(),
			Designation: d.GetDesignation(), Reason: d.GetReason(),
		}
		for _, person := range []string{parent, d.GetDelegate()} {
			if err := existing(u, person, &directoryv1.Person{}); err != nil {
				return err
			}
		}
		if d.GetStartTime() == nil || d.GetEndTime() == nil && !d.GetDesignation() {
			return fault.New(fault.Invalid, ReasonPeriod).WithViolations(fault.Violation{Field: "delegation.end_time", Reason: ReasonPeriod})
		}
		if err := checkPeriod(d.GetStartTime(), d.GetEndTime()); err != nil {
			return err
		}
		others, err := delegations(u)
		if err != nil {
			return err
		}
		if err := kit.LoopCheck(others, next); err != nil {
			return err
		}
		return u.Create(name, next, &directoryv1.DelegationChanged{})
	})
	if err != nil {
		return nil, err
	}
	d, err := host.Answer(ctx, s.host, receipt, &directoryv1.Delegation{}, host.View(ctx))
	if err != nil {
		return nil, err
	}
	return &directoryv1.CreateDelegationResponse{Delegation: d}, nil
}

// delegations returns all delegations of the organisation.
func delegations(u *journal.Unit) ([]*directoryv1.Delegation, error) {
	names, err := u.Find(kit.DelegationsPattern)
	if err != nil {
		return nil, err
	}
	out := make([]*directoryv1.Delegation, 0, len(names))
	for _, name := range names {
		d := &directoryv1.Delegation{}
		if err := existing(u, name, d); err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

// names returns the names of a collection of the caller's organisation.
func (s *Server) names(ctx context.Context, pattern string) ([]string, error) {
	rows, err := kit.FromResources(s.host.Journal).States(ctx, host.Caller(ctx).Organization, pattern)
	names := make([]string, len(rows))
	for i, r := range rows {
		names[i] = r.Name
	}
	return names, err
}

// EndDelegation ends a delegation now; one that ended before stays as it is.
func (s *Server) EndDelegation(ctx context.Context, req *directoryv1.EndDelegationRequest) (*directoryv1.EndDelegationResponse, error) {
	name, caller := req.GetName(), host.Caller(ctx)
	receipt, err := run(ctx, s, req, "", []string{name}, func(u *journal.Unit, in *directoryv1.EndDelegationRequest) error {
		d := &directoryv1.Delegation{}
		version, err := u.Get(name, d)
		if err != nil {
			return err
		}
		if owner := kit.Owner(name); caller.Principal != owner && !mayKeep(caller) {
			return fault.New(fault.FailedPrecondition, ReasonNotOwn, "person", owner)
		}
		if err := journal.CheckEtag(version, in.GetEtag()); err != nil {
			return err
		}
		if over(d.GetEndTime(), u.Time()) {
			u.Answer(name)
			return nil
		}
		next := proto.CloneOf(d)
		next.EndTime = ended(d.GetStartTime(), u.Time())
		return u.Update(name, next, &directoryv1.DelegationChanged{})
	})
	if err != nil {
		return nil, err
	}
	d, err := host.Answer(ctx, s.host, receipt, &directoryv1.Delegation{}, host.View(ctx))
	if err != nil {
		return nil, err
	}
	return &directoryv1.EndDelegationResponse{Delegation: d}, nil
}
