package compensation

import (
	"context"
	"slices"

	"google.golang.org/protobuf/proto"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/compensation/internal/app"
	"example.com/redress/services/compensation/internal/domain"
	"example.com/redress/services/compensation/internal/react"
	"example.com/redress/services/compensation/internal/rpc"
	"example.com/redress/services/kit/approval"
	"example.com/redress/services/kit/clocks"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/money"
	"example.com/redress/services/kit/page"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/revisions"
)

// Name of the service.
const Name = "compensation"

// Config of the service; it needs none of its own yet.
type Config struct{}

// New returns the service, ready to be registered and started.
func New(ctx context.Context, deps host.Deps, _ Config) (*host.Host, error) {
	s := newService()
	h, err := host.New(ctx, s.definition(), deps)
	if err != nil {
		return nil, err
	}
	return h, s.bind(h)
}

// service is what the definition is made of. Its parts know their host only after it
// was made from the definition.
type service struct {
	desk    *app.Desk
	server  *rpc.Server
	reactor *react.Reactor
}

func newService() *service {
	desk := app.New(revisions.New())
	return &service{desk: desk, server: rpc.New(desk)}
}

func (s *service) bind(h *host.Host) (err error) {
	s.server.Bind(h)
	s.reactor, err = react.New(s.desk, h.Journal.ShardOf)
	return err
}

func (s *service) definition() host.Definition {
	return host.Definition{
		Name:     Name,
		Kinds:    app.Kinds(),
		Consumes: []string{"intake", "routing"},
		Project:  app.Project(),
		React: func(u *journal.Unit, ev *eventv1.Event, change, state proto.Message) error {
			return s.reactor.React(u, ev, change, state)
		},
		Fire: map[string]func(*journal.Unit, journal.Timer) error{app.Clocks: func(u *journal.Unit, t journal.Timer) error {
			_, _, err := clocks.Fire(u, t)
			return err
		}},
		Foresee:  react.Foresee,
		Register: s.server.Register,
		Forget:   react.Forget,
		Reasons:  Reasons(),
	}
}

// Reasons returns the catalogue entries of the service.
func Reasons() []fault.Entry {
	return slices.Concat(domain.Reasons(), approval.Reasons(), clocks.Reasons(), money.Reasons(), page.Reasons(),
		policy.Reasons(), revisions.Reasons())
}
