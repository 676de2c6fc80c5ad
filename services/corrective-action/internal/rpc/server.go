// Package rpc answers corrective-action's RPCs: it takes a request, lets the domain
// decide, and shows the result. Nothing is decided here.
//
// Start reading at [New], then action.go.
package rpc

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	"example.com/redress/services/corrective-action/internal/app"
	"example.com/redress/services/corrective-action/internal/domain"
	"example.com/redress/services/kit/clocks"
	"example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/seal"
)

// Server implements CorrectiveActionService. Safe for concurrent use.
type Server struct {
	correctiveactionv1.UnimplementedCorrectiveActionServiceServer

	desk *app.Desk
	host *host.Host
}

// New returns the handlers; [Server.Bind] gives them their host before the first call.
func New(desk *app.Desk) *Server { return &Server{desk: desk} }

// Bind gives the handlers the host they run in. It is called once, before Start.
func (s *Server) Bind(h *host.Host) { s.host = h }

// Register adds the services to r. It is called after [Server.Bind].
func (s *Server) Register(r grpc.ServiceRegistrar) {
	correctiveactionv1.RegisterCorrectiveActionServiceServer(r, s)
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
			a, err := s.load(ctx, c.GetSubject())
			return app.SubjectID(a.GetSubject()), err
		},
	}))
}

// load returns an action as stored: texts sealed.
func (s *Server) load(ctx context.Context, name string) (*correctiveactionv1.Action, error) {
	a := &correctiveactionv1.Action{}
	_, err := s.host.Journal.Get(ctx, host.Caller(ctx).Organization, name, a)
	return a, err
}

func (s *Server) directory(ctx context.Context) (*directory.Directory, error) {
	return s.host.Directory.At(ctx, host.Caller(ctx).Organization)
}

// named is a request about one action as it was last seen.
type named interface {
	proto.Message
	GetName() string
	GetEtag() string
}

// change runs a request that changes one action and returns it as the caller may see it.
func change[R named](ctx context.Context, s *Server, req R, decide func(a *correctiveactionv1.Action, act domain.Act, in R) (domain.Event, error)) (*correctiveactionv1.Action, error) {
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
		Key: complaint, Subject: app.SubjectID(seen.GetSubject()),
		Reads: []string{req.GetName(), complaint, app.CaseOf(complaint), seen.GetPolicyRevision()},
	}, func(u *journal.Unit, in R) error {
		a := &correctiveactionv1.Action{}
		version, err := u.Get(req.GetName(), a)
		if err != nil {
			return err
		}
		if err := journal.CheckEtag(version, req.GetEtag()); err != nil {
			return err
		}
		act, _, err := s.desk.Act(u, complaint, a.GetPolicyRevision(), app.Actor{Directory: d, Principal: host.Caller(ctx).Principal, Now: u.Time()})
		if err != nil {
			return err
		}
		event, err := decide(a, act, in)
		if err != nil {
			return err
		}
		u.Answer(req.GetName())
		return app.Store(u, event)
	})
	if err != nil {
		return nil, err
	}
	return host.Answer(ctx, s.host, receipt, empty(), host.View(ctx))
}

func newName() (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("new id: %w", err)
	}
	return "actions/" + id.String(), nil
}

func empty() *correctiveactionv1.Action { return &correctiveactionv1.Action{} }
