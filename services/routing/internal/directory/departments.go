package directory

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	kit "example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
)

// GetDepartment returns one department.
func (s *Server) GetDepartment(ctx context.Context, req *directoryv1.GetDepartmentRequest) (*directoryv1.GetDepartmentResponse, error) {
	d, err := host.Read(ctx, s.host, req.GetName(), &directoryv1.Department{}, host.View(ctx))
	if err != nil {
		return nil, err
	}
	return &directoryv1.GetDepartmentResponse{Department: d}, nil
}

// ListDepartments lists departments in order of name.
func (s *Server) ListDepartments(ctx context.Context, req *directoryv1.ListDepartmentsRequest) (*directoryv1.ListDepartmentsResponse, error) {
	found, next, err := list(ctx, s, req, kit.DepartmentsPattern, "")
	if err != nil {
		return nil, err
	}
	all, err := host.Rows(ctx, s.host, found.Rows, func() *directoryv1.Department { return &directoryv1.Department{} }, host.View(ctx))
	if err != nil {
		return nil, err
	}
	return &directoryv1.ListDepartmentsResponse{Departments: all, NextPageToken: next}, nil
}

// CreateDepartment adds a department. The one above must be there, so a new
// department closes no loop.
func (s *Server) CreateDepartment(ctx context.Context, req *directoryv1.CreateDepartmentRequest) (*directoryv1.CreateDepartmentResponse, error) {
	name := req.GetDepartment().GetName()
	if err := checkName("department.name", name, departments, isCode); err != nil {
		return nil, err
	}
	if err := checkTitle("department.title", req.GetDepartment().GetTitle()); err != nil {
		return nil, err
	}
	receipt, err := run(ctx, s, req, "", []string{name}, func(u *journal.Unit, in *directoryv1.CreateDepartmentRequest) error {
		d := in.GetDepartment()
		if d.GetParent() != "" {
			if err := existing(u, d.GetParent(), &directoryv1.Department{}); err != nil {
				return err
			}
		}
		return u.Create(name, &directoryv1.Department{
			Name: name, Title: d.GetTitle(), Parent: d.GetParent(), CreateTime: timestamppb.New(u.Time()),
		}, &directoryv1.DepartmentChanged{})
	})
	if err != nil {
		return nil, err
	}
	d, err := host.Answer(ctx, s.host, receipt, &directoryv1.Department{}, host.View(ctx))
	if err != nil {
		return nil, err
	}
	return &directoryv1.CreateDepartmentResponse{Department: d}, nil
}

// GetChannel returns one channel.
func (s *Server) GetChannel(ctx context.Context, req *directoryv1.GetChannelRequest) (*directoryv1.GetChannelResponse, error) {
	c, err := host.Read(ctx, s.host, req.GetName(), &directoryv1.Channel{}, host.View(ctx))
	if err != nil {
		return nil, err
	}
	return &directoryv1.GetChannelResponse{Channel: c}, nil
}

// ListChannels lists channels in order of name.
func (s *Server) ListChannels(ctx context.Context, req *directoryv1.ListChannelsRequest) (*directoryv1.ListChannelsResponse, error) {
	found, next, err := list(ctx, s, req, kit.ChannelsPattern, "")
	if err != nil {
		return nil, err
	}
	all, err := host.Rows(ctx, s.host, found.Rows, func() *directoryv1.Channel { return &directoryv1.Channel{} }, host.View(ctx))
	if err != nil {
		return nil, err
	}
	return &directoryv1.ListChannelsResponse{Channels: all, NextPageToken: next}, nil
}

// SetChannelOwner names the owner of a channel, which is made on first use.
// Naming the same owner again changes nothing.
func (s *Server) SetChannelOwner(ctx context.Context, req *directoryv1.SetChannelOwnerRequest) (*directoryv1.SetChannelOwnerResponse, error) {
	name, owner := req.GetChannel().GetName(), req.GetChannel().GetOwner()
	if err := checkName("channel.name", name, channels, isCode); err != nil {
		return nil, err
	}
	receipt, err := run(ctx, s, req, "", []string{name, owner}, func(u *journal.Unit, _ *directoryv1.SetChannelOwnerRequest) error {
		if err := existing(u, owner, &directoryv1.Person{}); err != nil {
			return err
		}
		old, next := &directoryv1.Channel{}, &directoryv1.Channel{Name: name, Owner: owner}
		err := existing(u, name, old)
		switch {
		case isAbsent(err):
			return u.Create(name, next, &directoryv1.ChannelChanged{})
		case err != nil:
			return err
		case old.GetOwner() == owner:
			u.Answer(name)
			return nil
		}
		return u.Update(name, next, &directoryv1.ChannelChanged{})
	})
	if err != nil {
		return nil, err
	}
	c, err := host.Answer(ctx, s.host, receipt, &directoryv1.Channel{}, host.View(ctx))
	if err != nil {
		return nil, err
	}
	return &directoryv1.SetChannelOwnerResponse{Channel: c}, nil
}
