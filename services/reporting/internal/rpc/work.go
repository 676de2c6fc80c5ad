package rpc

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/page"
	"example.com/redress/services/policy"
	"example.com/redress/services/reporting/internal/domain"
	"example.com/redress/services/reporting/internal/view"
)

// counted is how far work is counted; a page may show more.
const counted = 200

// ListWork lists what waits for a person, the most urgent first. Cost: reads in
// proportion to the page, and to what waits under the caller's posts for others only.
func (s *Server) ListWork(ctx context.Context, req *reportingv1.ListWorkRequest) (*reportingv1.ListWorkResponse, error) {
	caller := host.Caller(ctx)
	size, err := page.Size(req.GetPageSize())
	if err != nil {
		return nil, err
	}
	token, err := page.After(req.GetPageToken(), req, caller.Organization, caller.Principal)
	if err != nil {
		return nil, err
	}
	// The token holds the total, which the first page has counted, and the last item.
	total, after, _ := strings.Cut(token, " ")
	want := size + 1
	if token == "" {
		want = max(want, counted)
	}
	found, err := s.work(ctx, req, caller, after, want)
	if err != nil {
		return nil, err
	}
	if token == "" {
		total = strconv.Itoa(min(len(found), counted))
	}
	n, err := strconv.ParseInt(total, 10, 32)
	if err != nil {
		return nil, err
	}
	out := &reportingv1.ListWorkResponse{Total: int32(n)}
	for _, w := range found[:min(size, len(found))] {
		out.Items = append(out.Items, w.item)
	}
	if len(found) > size {
		out.NextPageToken = page.Token(total+" "+found[size-1].name, req, caller.Organization, caller.Principal)
	}
	return out, nil
}

// queued is an item with the name of its row, which says its place.
type queued struct {
	name string
	item *reportingv1.WorkItem
}

// work returns so much of the work the request is about, in order, after the row of that name.
func (s *Server) work(ctx context.Context, req *reportingv1.ListWorkRequest, caller authn.Caller, after string, want int) ([]queued, error) {
	d, err := s.host.Directory.At(ctx, caller.Organization)
	if err != nil {
		return nil, err
	}
	now := s.host.Clock.Now()
	doer := doerOf(caller, d, now, s.policyOf(ctx))
	q := workQuery(req, d, doer, now)
	q.Organization, q.After, q.Limit = caller.Organization, cmp.Or(after, view.WorkNames), want
	var out []queued
	for {
		rows, err := s.host.Journal.Projections(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, row := range rows.Rows {
			w := &reportingv1.QueuedWork{}
			if err := proto.Unmarshal(row.State, w); err != nil {
				return nil, fmt.Errorf("projection %s: %w", row.Name, err)
			}
			domain.Judge(w.GetItem(), now)
			switch i := w.GetItem(); {
			case req.GetLate() && !i.GetLate():
				return out, nil // what is late comes first
			case req.GetKind() != reportingv1.WorkItem_KIND_UNSPECIFIED && i.GetKind() != req.GetKind():
			case req.GetComplaint() != "" && i.GetComplaint() != req.GetComplaint():
			case req.GetMine() && !domain.IsFor(w, doer):
			default:
				if out = append(out, queued{row.Name, i}); len(out) == want {
					return out, nil
				}
			}
		}
		if q.After = rows.Next; q.After == "" {
			return out, nil
		}
	}
}

// workQuery returns what is read for a request: the rows with the attribute that is
// there least often.
func workQuery(req *reportingv1.ListWorkRequest, d *directory.Directory, doer domain.Doer, now time.Time) journal.Query {
	q := journal.Query{Kind: view.Work}
	switch {
	case req.GetComplaint() != "":
		q.Any = append(q.Any, view.OfComplaint(req.GetComplaint()))
	case req.GetMine():
		q.Any = []journal.Attr{}
		for _, post := range d.PostsOf(doer.Name, now) {
			q.Any = append(q.Any, view.ForPost(post))
		}
		for _, method := range domain.Methods() {
			if doer.May(method) {
				q.Any = append(q.Any, view.ForMethod(method))
			}
		}
	case req.GetKind() != reportingv1.WorkItem_KIND_UNSPECIFIED:
		q.Any = append(q.Any, view.OfKind(req.GetKind()))
	}
	return q
}

// doerOf returns the caller as somebody who looks for work: the directory says who
// they are now, the RPCs say which functions open them.
func doerOf(caller authn.Caller, d *directory.Directory, now time.Time, policies func(revision string) *policy.Policy) domain.Doer {
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
		Is: func(w *reportingv1.QueuedWork, who string) (bool, string) {
			places := view.PlacesOf(w, who)
			places.Designees = func(role string) bool { return designees(policies(w.GetPolicyRevision()))(role) }
			return d.Match(caller.Principal, view.WhoOf(who), now, places)
		},
	}
}

// designees says which roles of a policy admit designees; none of one that is not known.
func designees(p *policy.Policy) func(role string) bool {
	return func(role string) bool {
		return p != nil && slices.ContainsFunc(p.Rules().GetRoles(), func(r *policyv1.Role) bool { return r.GetId() == role && r.GetDesignee() })
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
