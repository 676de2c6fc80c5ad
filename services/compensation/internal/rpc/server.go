// Package rpc answers compensation's RPCs: it takes a request, lets the domain
// decide, and shows the result. Nothing is decided here.
//
// Start reading at [New], then claim.go and payable.go.
package rpc

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/compensation/internal/app"
	"example.com/redress/services/compensation/internal/domain"
	"example.com/redress/services/kit/clocks"
	"example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/seal"
	"example.com/redress/services/policy/revisions"
)

// Server implements CompensationService. Safe for concurrent use.
type Server struct {
	compensationv1.UnimplementedCompensationServiceServer

	desk *app.Desk
	host *host.Host
}

// New returns the handlers; [Server.Bind] gives them their host before the first call.
func New(desk *app.Desk) *Server { return &Server{desk: desk} }

// Bind gives the handlers the host they run in. It is called once, before Start.
func (s *Server) Bind(h *host.Host) { s.host = h }

// Register adds the services to r. It is called after [Server.Bind].
func (s *Server) Register(r grpc.ServiceRegistrar) {
	compensationv1.RegisterCompensationServiceServer(r, s)
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
			claim, err := s.load(ctx, c.GetSubject())
			return app.SubjectID(claim.GetSubject()), err
		},
	}))
}

// view shows the payee to finance only; the words of a claim to all staff.
func view(ctx context.Context) seal.View {
	v := host.View(ctx)
	if slices.Contains(host.Caller(ctx).Functions, typev1.Function_FUNCTION_FINANCE) {
		v.Personal = true
	}
	return v
}

// load returns a claim as stored: texts sealed.
func (s *Server) load(ctx context.Context, name string) (*compensationv1.Claim, error) {
	c := &compensationv1.Claim{}
	_, err := s.host.Journal.Get(ctx, host.Caller(ctx).Organization, name, c)
	return c, err
}

func (s *Server) directory(ctx context.Context) (*directory.Directory, error) {
	return s.host.Directory.At(ctx, host.Caller(ctx).Organization)
}

func (s *Server) outside(ctx context.Context) app.Source {
	return app.Outside(revisions.Journal{Context: ctx, J: s.host.Journal, Organization: host.Caller(ctx).Organization})
}

// named is a request about one claim as it was last seen.
type named interface {
	proto.Message
	GetName() string
	GetEtag() string
}

// deciding is one act on one claim, inside a unit.
type deciding struct {
	domain.Act

	unit  *journal.Unit
	claim *compensationv1.Claim
	still domain.Still
	// person is somebody as the directory knows them now.
	person func(name string) domain.Person
}

// change runs a request that changes one claim and returns it as the caller may see it.
// forever says that money moves: the request is remembered without end.
func change[R named](ctx context.Context, s *Server, req R, forever bool, decide func(d deciding, in R) ([]domain.Event, error)) (*compensationv1.Claim, error) {
	seen, err := s.load(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	d, err := s.directory(ctx)
	if err != nil {
		return nil, err
	}
	complaint := seen.GetComplaint()
	receipt, err := host.Run(ctx, s.host, req, host.Command{
		Key: complaint, Subject: app.SubjectID(seen.GetSubject()), Forever: forever,
		Reads: []string{req.GetName(), complaint, app.CaseOf(complaint), seen.GetPolicyRevision()},
	}, func(u *journal.Unit, in R) error {
		c := &compensationv1.Claim{}
		if err := asSeen(u, req, c); err != nil {
			return err
		}
		x, err := s.deciding(u, c, d, host.Caller(ctx).Principal)
		if err != nil {
			return err
		}
		u.Answer(req.GetName())
		events, err := decide(x, in)
		if err != nil {
			return err
		}
		return app.Store(u, false, events)
	})
	if err != nil {
		return nil, err
	}
	return host.Answer(ctx, s.host, receipt, &compensationv1.Claim{}, view(ctx))
}

// asSeen puts the resource that a request is about into m, unless it is another version
// than the caller saw.
func asSeen(u *journal.Unit, req named, m proto.Message) error {
	version, err := u.Get(req.GetName(), m)
	if err != nil {
		return err
	}
	return journal.CheckEtag(version, req.GetEtag())
}

func (s *Server) deciding(u *journal.Unit, c *compensationv1.Claim, d *directory.Directory, principal string) (deciding, error) {
	source := app.InUnit(u)
	by := app.Actor{Directory: d, Principal: principal, Now: u.Time()}
	act, _, err := s.desk.Act(source, c.GetComplaint(), c.GetPolicyRevision(), by)
	if err != nil {
		return deciding{}, err
	}
	act.Sums = app.Sums(u)
	kase := &routingv1.Case{}
	if _, err := source.Heard(app.CaseOf(c.GetComplaint()), kase); err != nil {
		return deciding{}, err
	}
	places := app.Places(act.Policy, kase)
	return deciding{
		Act: act, unit: u, claim: c, still: app.Still(d, act.Now, places),
		person: func(name string) domain.Person { return app.Person(by, name, places) },
	}, nil
}

// newName returns a new name in a collection, the younger the greater.
func newName(collection string) (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("new id: %w", err)
	}
	return collection + "/" + id.String(), nil
}
