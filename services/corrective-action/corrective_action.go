package correctiveaction

import (
	"context"
	"slices"

	"google.golang.org/protobuf/proto"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/corrective-action/internal/app"
	"example.com/redress/services/corrective-action/internal/domain"
	"example.com/redress/services/corrective-action/internal/react"
	"example.com/redress/services/corrective-action/internal/rpc"
	"example.com/redress/services/kit/approval"
	"example.com/redress/services/kit/calendar"
	"example.com/redress/services/kit/clocks"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/page"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/revisions"
)

// Name of the service.
const Name = "corrective-action"

// Config of the service; it needs none of its own yet.
type Config struct{}

// New returns the service, ready to be registered and started.
func New(ctx context.Context, deps host.Deps, _ Config) (*host.Host, error) {
	s := newService()
	h, err := host.New(ctx, s.definition(), deps)
	if err != nil {
		return nil, err
	}
	s.bind(h)
	return h, nil
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

func (s *service) bind(h *host.Host) {
	s.server.Bind(h)
	s.desk.Bind(h.Journal.ShardOf)
	s.reactor = react.New(s.desk)
}

func (s *service) definition() host.Definition {
	return host.Definition{
		Name:     Name,
		Kinds:    app.Kinds(),
		Consumes: []string{"intake", "routing", "compensation", "notification", "reporting"},
		Project:  app.Project(),
		React: func(u *journal.Unit, ev *eventv1.Event, change, state proto.Message) error {
			return s.reactor.React(u, ev, change, state)
		},
		Foresee: react.Foresee,
		Fire: map[string]func(*journal.Unit, journal.Timer) error{
			app.ActionClocks: fireClock, app.EntryClocks: fireClock, app.DutyClocks: fireClock, app.Periods: s.desk.ClosePeriod,
		},
		Register: s.server.Register,
		Forget:   host.OnlyTheKey,
		Reasons:  Reasons(),
	}
}

// fireClock does what falls on the timer of a clock.
func fireClock(u *journal.Unit, t journal.Timer) error {
	_, _, err := clocks.Fire(u, t)
	return err
}

// Reasons returns the catalogue entries of the service.
func Reasons() []fault.Entry {
	return slices.Concat(domain.Reasons(), approval.Reasons(), calendar.Reasons(), clocks.Reasons(), page.Reasons(), policy.Reasons(), revisions.Reasons())
}
