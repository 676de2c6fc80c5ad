// Package routing carries the case from classification to closing: who is
// responsible, how grave it is, what is planned, done and answered.
//
// The rules are in internal/domain; internal/app carries decisions out,
// internal/rpc and internal/react let people, events and timers in. The package
// itself only assembles: start reading at [New].
//
// Source: DESIGN section 7.
package routing

import (
	"context"
	"slices"

	"google.golang.org/grpc"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/kit/approval"
	"example.com/redress/services/kit/calendar"
	"example.com/redress/services/kit/clocks"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/page"
	"example.com/redress/services/kit/telemetry"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/revisions"
	"example.com/redress/services/routing/internal/app"
	"example.com/redress/services/routing/internal/directory"
	"example.com/redress/services/routing/internal/domain"
	policyservice "example.com/redress/services/routing/internal/policy"
	"example.com/redress/services/routing/internal/react"
	"example.com/redress/services/routing/internal/rehearsal"
	"example.com/redress/services/routing/internal/rpc"
)

// Name of the service.
const Name = "routing"

// New returns the service, ready to be registered and started.
func New(ctx context.Context, deps host.Deps, c Config) (*host.Host, error) {
	systems, err := c.open(deps)
	if err != nil {
		return nil, err
	}
	desk := app.New(revisions.New())
	cases, people := rpc.New(desk, systems), directory.New()
	policies := policyServer{policyservice.New(), rehearsal.New(desk)}
	definition := definition(desk, cases, people, policies)
	definition.Background = []func(context.Context) error{systems.Run}
	h, err := host.New(ctx, definition, deps)
	if err != nil {
		return nil, err
	}
	cases.Bind(h)
	people.Bind(h)
	policies.Server.Bind(h)
	policies.Rehearsal.Bind(h)
	return h, nil
}

// policyServer answers PolicyService: the keeping of revisions, and their rehearsal on stored cases.
type policyServer struct {
	*policyservice.Server
	*rehearsal.Rehearsal
}

func definition(desk *app.Desk, cases *rpc.Server, people *directory.Server, policies policyServer) host.Definition {
	reactor := react.New(desk)
	return host.Definition{
		Name:     Name,
		Kinds:    slices.Concat(app.Kinds(), directory.Kinds(), policyservice.Kinds()),
		Consumes: []string{"intake", "compensation", "corrective-action", "notification"},
		Project:  app.Project(),
		React:    reactor.React,
		Foresee:  react.Foresee,
		Fire:     map[string]func(*journal.Unit, journal.Timer) error{app.Clocks: reactor.Fire},
		Register: func(r grpc.ServiceRegistrar) {
			cases.Register(r)
			people.Register(r)
			policyv1.RegisterPolicyServiceServer(r, policies)
		},
		Forget:    host.OnlyTheKey,
		Directory: true,
		Tallies: []host.Tally{{Figure: telemetry.OpenObligations, Kind: app.Cases, Attribute: app.AttrOwes, Values: map[string]string{
			domain.Compensation: domain.Compensation, domain.CorrectiveAction: domain.CorrectiveAction, domain.FollowUp: domain.FollowUp,
		}}},
		Reasons: Reasons(),
	}
}

// Reasons returns the catalogue entries of the service.
func Reasons() []fault.Entry {
	return slices.Concat(domain.Reasons(), approval.Reasons(), calendar.Reasons(), clocks.Reasons(), page.Reasons(),
		policy.Reasons(), revisions.Reasons(), directory.Reasons(), policyservice.Reasons(), rehearsal.Reasons())
}
