// Package rpc answers RoutingService: it takes a request, lets the domain decide
// and shows the result. Nothing is decided here.
//
// Start reading at [New], then at the type act.
package rpc

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	connectorv1 "example.com/redress/proto/gen/redress/connector/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/kit/clocks"
	"example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/seal"
	"example.com/redress/services/policy"
	"example.com/redress/services/routing/internal/app"
	"example.com/redress/services/routing/internal/domain"
)

// Server implements RoutingService, HandlingService and DiagnosisService, and
// ClockService for the clocks of cases.
// Safe for concurrent use.
type Server struct {
	routingv1.UnimplementedRoutingServiceServer
	routingv1.UnimplementedHandlingServiceServer
	routingv1.UnimplementedDiagnosisServiceServer
	desk    *app.Desk
	host    *host.Host
	systems Systems
}

// Systems asks connectors: it returns what one answered, or that it is unavailable. A
// connector that hangs does not hang it.
type Systems interface {
	Ask(ctx context.Context, p *policy.Policy, connector string, question *connectorv1.LookUpRequest) *routingv1.LookUp
}

// New returns the handlers; [Server.Bind] gives them their host before the first call.
func New(desk *app.Desk, systems Systems) *Server { return &Server{desk: desk, systems: systems} }

// Bind gives the handlers the host they run in. It is called once, before Start.
func (s *Server) Bind(h *host.Host) { s.host = h }

// Register adds the services to r. It is called after [Server.Bind].
func (s *Server) Register(r grpc.ServiceRegistrar) {
	routingv1.RegisterRoutingServiceServer(r, s)
	routingv1.RegisterHandlingServiceServer(r, s)
	routingv1.RegisterDiagnosisServiceServer(r, s)
	clockv1.RegisterClockServiceServer(r, clocks.NewServer(s.host.Journal, clocks.Hooks{
		Caller: func(ctx context.Context) (string, string) {
			c := host.Caller(ctx)
			return c.Organization, c.Principal
		},
		Run: func(ctx context.Context, req proto.Message, c clocks.Command, decide func(*journal.Unit, proto.Message) error) (journal.Receipt, error) {
			return host.Run(ctx, s.host, req, host.Command{Key: c.Key, Reads: c.Reads, Subject: c.Subject}, decide)
		},
		Open: func(ctx context.Context, organization string, m proto.Message) error {
			return seal.Open(ctx, s.host.Keys, organization, m, host.View(ctx))
		},
		Subject: func(ctx context.Context, c *clockv1.Clock) (string, error) {
			kase, err := s.kase(ctx, c.GetSubject())
			return subjectOf(kase), err
		},
		MayExtend: s.mayExtend,
		Changed:   s.desk.ClockChanged,
	}))
}

// mayExtend asks the pack whether the caller may extend a clock of a case.
func (s *Server) mayExtend(ctx context.Context, u *journal.Unit, c *clockv1.Clock, due time.Time) error {
	d, err := s.directory(ctx)
	if err != nil {
		return err
	}
	return s.desk.Act(u, c.GetSubject(), "", u.Time(), func(a *app.Acting) ([]domain.Trigger, error) {
		by := a.Person(d, host.Caller(ctx).Principal, u.Time())
		if err := a.InTime(c, due); err != nil {
			return nil, err
		}
		return nil, a.MayExtend(c.GetKind(), c.GetName(), due, "given", by, a.Sheet())
	})
}

func (s *Server) directory(ctx context.Context) (*directory.Directory, error) {
	return s.host.Directory.At(ctx, host.Caller(ctx).Organization)
}

// kase returns a case as stored: texts sealed.
func (s *Server) kase(ctx context.Context, name string) (*routingv1.Case, error) {
	k := &routingv1.Case{}
	_, err := s.host.Journal.Get(ctx, host.Caller(ctx).Organization, name, k)
	return k, err
}

func subjectOf(k *routingv1.Case) string { return strings.TrimPrefix(k.GetSubject(), "subjects/") }

// caseOf returns the case that a name under it belongs to.
func caseOf(name string) string {
	i := strings.Index(name, "/")
	if j := strings.Index(name[i+1:], "/"); j >= 0 {
		return name[:i+1+j]
	}
	return name
}

// newName returns the name of a new child of a case: names are in order of time.
func newName(kase, collection string) (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("new id: %w", err)
	}
	return kase + "/" + collection + "/" + id.String(), nil
}

// act is an act of a person on a case or its plan.
type act[R proto.Message] struct {
	// name of the case or plan acted on, and its etag; without an etag it is not compared.
	name, etag string
	// answer names the resource to answer with; empty for name, or with newest the
	// case's newest plan after the act.
	answer string
	newest bool
	// after names the resource to answer with once the act is decided; nil for the above.
	after func(*routingv1.Case) string
	// child is where the resource acted on is read to, if it is neither the case nor a plan.
	child proto.Message
	// do decides, with the request's texts sealed.
	do func(a *app.Acting, in R, by domain.Person, s *policy.Sheet) error
}

// run decides an act and puts the resource it answers with into m.
func run[R, T proto.Message](ctx context.Context, s *Server, req R, x act[R], m T) (T, error) {
	name := caseOf(x.name)
	seen, err := s.kase(ctx, name)
	if err != nil {
		return m, err
	}
	d, err := s.directory(ctx)
	if err != nil {
		return m, err
	}
	plan := ""
	if x.name != name && x.child == nil {
		plan = x.name
	}
	command := host.Command{Key: cmp.Or(seen.GetComplaint(), seen.GetGoods(), name), Reads: []string{name}, Subject: subjectOf(seen)}
	for _, read := range append([]string{seen.GetComplaint(), seen.GetCurrentPlan()}, seen.GetOpenApprovals()...) {
		if read != "" {
			command.Reads = append(command.Reads, read)
		}
	}
	if x.child != nil && !slices.Contains(command.Reads, x.name) {
		command.Reads = append(command.Reads, x.name)
	}
	receipt, err := host.Run(ctx, s.host, req, command, func(u *journal.Unit, in R) error {
		return s.desk.Act(u, name, plan, u.Time(), func(a *app.Acting) ([]domain.Trigger, error) {
			version := a.Version
			switch {
			case plan != "":
				version = a.PlanVersion
			case x.child != nil:
				proto.Reset(x.child)
				if version, err = a.Get(x.name, x.child); err != nil {
					return nil, err
				}
			}
			if x.etag != "" {
				if err := journal.CheckEtag(version, x.etag); err != nil {
					return nil, err
				}
			}
			if err := x.do(a, in, a.Person(d, host.Caller(ctx).Principal, u.Time()), a.Sheet()); err != nil {
				return nil, err
			}
			switch {
			case x.after != nil:
				u.Answer(x.after(a.Case()))
			case x.newest:
				u.Answer(a.Case().GetCurrentPlan())
			case x.answer != "":
				u.Answer(x.answer)
			default:
				u.Answer(x.name)
			}
			return nil, nil
		})
	})
	if err != nil {
		return m, err
	}
	return host.Answer(ctx, s.host, receipt, m, host.View(ctx))
}
