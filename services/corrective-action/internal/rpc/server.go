// Package rpc answers corrective-action's RPCs: it takes a request, lets the domain
// decide, and shows the result. Nothing is decided here.
//
// Start reading at [New], then action.go.
package rpc

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	"example.com/redress/services/corrective-action/internal/app"
	"example.com/redress/services/corrective-action/internal/domain"
	"example.com/redress/services/kit/clocks"
	"example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/seal"
	"example.com/redress/services/policy/revisions"
	"example.com/redress/services/policy/sheet"
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
			if !strings.HasPrefix(c.GetSubject(), "actions/") {
				return subject(ctx, ""), nil
			}
			a, err := s.load(ctx, c.GetSubject())
			return subject(ctx, a.GetSubject()), err
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

// known refuses a department or person that the directory does not have; empty names pass.
func (s *Server) known(ctx context.Context, names ...string) error {
	d, err := s.directory(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		ok := true
		switch {
		case strings.HasPrefix(name, "departments/"):
			_, ok = d.Department(name)
		case strings.HasPrefix(name, "people/"):
			_, ok = d.Person(name)
		}
		if !ok {
			return host.NotFound(name)
		}
	}
	return nil
}

// named is a request about one resource as it was last seen.
type named interface {
	proto.Message
	GetName() string
	GetEtag() string
}

// subject is the id of the data subject whose key seals the texts of a request: that of
// the complaint, else that of who writes.
func subject(ctx context.Context, of string) string {
	if of != "" {
		return app.SubjectID(of)
	}
	return app.SubjectOf(host.Caller(ctx).Principal)
}

// change runs a request that changes one action and returns it as the caller may see it.
func change[R named](ctx context.Context, s *Server, req R, decide func(a *correctiveactionv1.Action, act domain.Act, in R) ([]domain.Event, error)) (*correctiveactionv1.Action, error) {
	seen, err := s.load(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	complaint, caller := seen.GetComplaint(), host.Caller(ctx).Principal
	receipt, err := host.Run(ctx, s.host, req, host.Command{
		Key: or(complaint, req.GetName()), Subject: subject(ctx, seen.GetSubject()),
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
		sc, err := s.desk.Scene(u, complaint, a.GetPolicyRevision(), u.Time())
		if err != nil {
			return err
		}
		sc.By = caller
		sc = sc.Of(a.GetDepartment())
		act := s.desk.Act(u, sc.With(sheet.WithAction(sc.Sheet, a)), caller)
		act.Sheet = sc.Sheet
		events, err := decide(a, act, in)
		if err != nil {
			return err
		}
		u.Answer(req.GetName())
		return s.desk.Store(u, sc, events)
	})
	if err != nil {
		return nil, err
	}
	return s.answer(ctx, receipt)
}

// answer is the action of a receipt as the caller may see it.
func (s *Server) answer(ctx context.Context, receipt journal.Receipt) (*correctiveactionv1.Action, error) {
	a, err := host.Answer(ctx, s.host, receipt, empty(), host.View(ctx))
	if err != nil {
		return nil, err
	}
	return a, s.withhold(ctx, a)
}

// withhold takes from actions what the pack hides from who calls.
func (s *Server) withhold(ctx context.Context, actions ...*correctiveactionv1.Action) error {
	caller := host.Caller(ctx)
	if caller.Service {
		return nil
	}
	for _, a := range actions {
		p, err := s.desk.Policies().Get(revisions.Journal{Context: ctx, J: s.host.Journal, Organization: caller.Organization}, a.GetPolicyRevision())
		if fault.KindOf(err) == fault.NotFound {
			continue // the action is older than the store's revisions
		}
		if err != nil {
			return err
		}
		if !domain.Hides(p) {
			continue
		}
		d, err := s.directory(ctx)
		if err != nil {
			return err
		}
		now, places := s.host.Clock.Now(), app.PlacesOf(p, a)
		domain.Withhold(a, p, func(who string) bool {
			ok, _ := d.Match(caller.Principal, who, now, places)
			return ok
		})
	}
	return nil
}

func or(s, instead string) string {
	if s != "" {
		return s
	}
	return instead
}

func newName(collection string) (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("new id: %w", err)
	}
	return collection + "/" + id.String(), nil
}

func empty() *correctiveactionv1.Action { return &correctiveactionv1.Action{} }
