package rpc

import (
	"context"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/page"
	"example.com/redress/services/reporting/internal/domain"
)

// ListWork lists what waits for a person, the most urgent first.
func (s *Server) ListWork(ctx context.Context, req *reportingv1.ListWorkRequest) (*reportingv1.ListWorkResponse, error) {
	caller := host.Caller(ctx)
	size, err := page.Size(req.GetPageSize())
	if err != nil {
		return nil, err
	}
	after, err := page.After(req.GetPageToken(), req, caller.Organization, caller.Principal)
	if err != nil {
		return nil, err
	}
	found, err := s.work(ctx, req, caller)
	if err != nil {
		return nil, err
	}
	out := &reportingv1.ListWorkResponse{Total: int32(min(len(found), 1<<31-1))}
	begin, _ := slices.BinarySearchFunc(found, after, func(w domain.Work, after string) int {
		if w.Key() <= after {
			return -1
		}
		return 1
	})
	rest := found[begin:]
	for _, w := range rest[:min(size, len(rest))] {
		out.Items = append(out.Items, w.WorkItem)
	}
	if len(rest) > size {
		out.NextPageToken = page.Token(rest[size-1].Key(), req, caller.Organization, caller.Principal)
	}
	return out, nil
}

// work returns all work the request is about, in order.
func (s *Server) work(ctx context.Context, req *reportingv1.ListWorkRequest, caller authn.Caller) ([]domain.Work, error) {
	matters, err := s.reader(ctx).Board(ctx, req.GetComplaint(), s.policyOf(ctx))
	if err != nil {
		return nil, err
	}
	d, err := s.host.Directory.At(ctx, caller.Organization)
	if err != nil {
		return nil, err
	}
	now := s.host.Clock.Now()
	doer := doerOf(caller, d, now)
	var out []domain.Work
	for _, m := range matters {
		for _, w := range domain.Waiting(m, now) {
			switch {
			case req.GetKind() != reportingv1.WorkItem_KIND_UNSPECIFIED && w.GetKind() != req.GetKind():
			case req.GetLate() && !w.GetLate():
			case req.GetMine() && !w.For(doer):
			default:
				out = append(out, w)
			}
		}
	}
	domain.Sort(out)
	return out, nil
}

// doerOf returns the caller as somebody who looks for work: the directory says who
// they are now, the RPCs say which functions open them.
func doerOf(caller authn.Caller, d *directory.Directory, now time.Time) domain.Doer {
	opens := map[string]bool{}
	return domain.Doer{
		Name: caller.Principal,
		May: func(method string) bool {
			may, known := opens[method]
			if !known {
				may = slices.ContainsFunc(Functions(method), func(f typev1.Function) bool { return slices.Contains(caller.Functions, f) })
				opens[method] = may
			}
			return may
		},
		Is: func(m *domain.Matter, who string) (bool, string) {
			places := placesOf(m)
			if strings.Contains(who, "/") { // a person by name, whose delegate may act too
				places.Owner, who = who, "owner"
			}
			return d.Match(caller.Principal, who, now, places)
		},
	}
}

// placesOf says what the variable words of a who stand for in the matter, as routing does.
func placesOf(m *domain.Matter) directory.Places {
	return directory.Places{
		Responsible: m.Case.GetDepartments(), Owner: m.Case.GetOwner(),
		Designees: func(role string) bool {
			if m.Policy == nil {
				return false
			}
			for _, r := range m.Policy.Rules().GetRoles() {
				if r.GetId() == role {
					return r.GetDesignee()
				}
			}
			return false
		},
	}
}

// Functions returns the functions that open an RPC, by its full name, as it
// declares them; none for one that does not exist.
func Functions(method string) []typev1.Function {
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(method))
	if err != nil {
		return nil
	}
	options, ok := d.Options().(*descriptorpb.MethodOptions)
	if !ok {
		return nil
	}
	access, _ := proto.GetExtension(options, typev1.E_Access).(*typev1.Access)
	return access.GetFunctions()
}
