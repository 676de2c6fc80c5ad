package view

import (
	"context"
	"maps"
	"slices"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/policy"
	"example.com/redress/services/reporting/internal/domain"
)

// Policies returns the policy a resource falls under, nil if it has not arrived.
type Policies func(revision string) *policy.Policy

// board gathers matters by complaint.
type board struct {
	Reader

	policies Policies
	matters  map[string]*domain.Matter
}

func (r Reader) board(p Policies) *board {
	return &board{Reader: r, policies: p, matters: map[string]*domain.Matter{}}
}

// of returns the matter of a complaint, made on first use.
func (b *board) of(complaint string) *domain.Matter {
	m := b.matters[complaint]
	if m == nil {
		m = &domain.Matter{}
		b.matters[complaint] = m
	}
	return m
}

// gather adds to the matters what has the attributes.
func (b *board) gather(ctx context.Context, where ...journal.Attr) error {
	for _, get := range []func() error{
		func() error {
			return each(ctx, b, Complaints, where, func(c *intakev1.Complaint) { b.of(c.GetName()).Complaint = c })
		},
		func() error {
			return each(ctx, b, Cases, where, func(k *routingv1.Case) { b.of(k.GetComplaint()).Case = k })
		},
		func() error {
			return each(ctx, b, Claims, where, func(c *compensationv1.Claim) { m := b.of(c.GetComplaint()); m.Claims = append(m.Claims, c) })
		},
		func() error {
			return each(ctx, b, Actions, where, func(a *correctiveactionv1.Action) { m := b.of(a.GetComplaint()); m.Actions = append(m.Actions, a) })
		},
		func() error {
			return each(ctx, b, FollowUps, where, func(f *notificationv1.FollowUp) { m := b.of(f.GetComplaint()); m.FollowUps = append(m.FollowUps, f) })
		},
		func() error {
			return each(ctx, b, Notices, where, func(n *notificationv1.Notice) { m := b.of(n.GetComplaint()); m.Notices = append(m.Notices, n) })
		},
	} {
		if err := get(); err != nil {
			return err
		}
	}
	for _, kind := range clockKinds() {
		if err := each(ctx, b, kind, where, func(k *clockv1.Clock) { m := b.of(k.GetComplaint()); m.Clocks = append(m.Clocks, k) }); err != nil {
			return err
		}
	}
	return nil
}

func each[T any, M interface {
	*T
	message
}](ctx context.Context, b *board, kind string, where []journal.Attr, add func(M)) error {
	found, err := all[T, M](ctx, b.Reader, kind, where...)
	for _, m := range found {
		add(m)
	}
	return err
}

// complete adds complaint, case, newest plan and policy to every matter.
func (b *board) complete(ctx context.Context) error {
	for name, m := range b.matters {
		var err error
		if m.Complaint == nil {
			if m.Complaint, err = one[intakev1.Complaint](ctx, b.Reader, name); err != nil {
				return err
			}
		}
		if m.Case == nil {
			if m.Case, err = one[routingv1.Case](ctx, b.Reader, caseOf(name)); err != nil {
				return err
			}
		}
		if m.Plan, err = one[routingv1.Plan](ctx, b.Reader, m.Case.GetCurrentPlan()); err != nil {
			return err
		}
		revision := m.Complaint.GetPolicyRevision()
		if revision == "" {
			revision = m.Case.GetPolicyRevision()
		}
		m.Policy = b.policies(revision)
	}
	return nil
}

// sorted returns the matters in order of their complaints, so that what is made
// of them does not depend on chance.
func (b *board) sorted() []*domain.Matter {
	out := make([]*domain.Matter, 0, len(b.matters))
	for _, name := range slices.Sorted(maps.Keys(b.matters)) {
		out = append(out, b.matters[name])
	}
	return out
}

// Board returns the matters in which something may wait for a person, with what
// is still open in them; of one complaint only unless the name is empty. Cost:
// reads in proportion to what is open, not to what there is.
func (r Reader) Board(ctx context.Context, name string, p Policies) ([]*domain.Matter, error) {
	b := r.board(p)
	where := append(attrs{open()}, of(name)...)
	if err := b.gather(ctx, where...); err != nil {
		return nil, err
	}
	delete(b.matters, "") // test sends belong to no complaint
	if err := b.complete(ctx); err != nil {
		return nil, err
	}
	return b.sorted(), nil
}
