package view

import (
	"context"
	"slices"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/reporting/internal/domain"
)

// Rows returns what a measure looks at: the rows of its kind that its instant
// puts into the period. Cost: reads in proportion to the months touched; for
// actions, and for clocks, to all there are.
func (r Reader) Rows(ctx context.Context, of policyv1.Of, datedBy string, in domain.Period) ([]domain.Row, error) {
	b := r.board() // without policies: rows are judged by the pack in force
	if err := b.candidates(ctx, of, datedBy, in); err != nil {
		return nil, err
	}
	// What belongs to no complaint is kept as it was found.
	loose := b.matters[""]
	if delete(b.matters, ""); of == policyv1.Of_OF_COMPLAINTS {
		loose = nil
	}
	for name, m := range b.matters {
		// What the candidates were found by is read anew and whole.
		b.matters[name] = &domain.Matter{Complaint: m.Complaint, Case: m.Case}
		if err := b.rows(ctx, name, of, datedBy); err != nil {
			return nil, err
		}
	}
	if err := b.complete(ctx); err != nil {
		return nil, err
	}
	var out []domain.Row
	for _, m := range b.sorted() {
		out = append(out, domain.Rows(m, of, datedBy, in)...)
	}
	if loose != nil {
		out = append(out, domain.Rows(loose, of, datedBy, in)...)
	}
	return out, nil
}

// candidates finds the complaints that may have rows in the period: by the month
// of the instant, by which every state that has one is indexed.
func (b *board) candidates(ctx context.Context, of policyv1.Of, datedBy string, in domain.Period) error {
	ofRow := of == policyv1.Of_OF_CLOCKS || of == policyv1.Of_OF_ACTIONS
	if ofRow && datedBy != domain.DatedReceived {
		return b.gatherRows(ctx, of)
	}
	follow := of == policyv1.Of_OF_FOLLOW_UPS
	for _, m := range in.Months() {
		where := []journal.Attr{month(datedBy, m)}
		if follow && datedBy == domain.DatedCompleted {
			where[0] = month(domain.DatedAsked, m) // what it asks about was completed then
		}
		for _, get := range []func() error{
			func() error {
				return each(ctx, b, Complaints, where, func(c *intakev1.Complaint) { b.of(c.GetName()).Complaint = c })
			},
			func() error {
				return each(ctx, b, Cases, where, func(k *routingv1.Case) { b.of(k.GetComplaint()).Case = k })
			},
			func() error {
				return each(ctx, b, Plans, where, func(p *routingv1.Plan) { b.of(complaintOf(p.GetName())) })
			},
			func() error {
				return each(ctx, b, Replies, where, func(p *routingv1.Reply) { b.of(complaintOf(p.GetName())) })
			},
			func() error {
				return each(ctx, b, FollowUps, where, func(f *notificationv1.FollowUp) {
					m := b.of(f.GetComplaint())
					if !slices.ContainsFunc(m.FollowUps, func(g *notificationv1.FollowUp) bool { return g.GetName() == f.GetName() }) {
						m.FollowUps = append(m.FollowUps, f)
					}
				})
			},
		} {
			if err := get(); err != nil {
				return err
			}
		}
	}
	return nil
}

// gatherRows finds the complaints of all clocks or actions, whose own instants
// are not indexed by month.
func (b *board) gatherRows(ctx context.Context, of policyv1.Of) error {
	if of == policyv1.Of_OF_ACTIONS {
		return each(ctx, b, Actions, nil, func(a *correctiveactionv1.Action) {
			m := b.of(a.GetComplaint())
			m.Actions = append(m.Actions, a)
		})
	}
	for _, kind := range clockKinds() {
		if err := each(ctx, b, kind, nil, func(k *clockv1.Clock) {
			m := b.of(k.GetComplaint())
			m.Clocks = append(m.Clocks, k)
		}); err != nil {
			return err
		}
	}
	return nil
}

// rows adds to a matter what rows of that kind and instant are made of.
func (b *board) rows(ctx context.Context, name string, of policyv1.Of, datedBy string) (err error) {
	m := b.of(name)
	if m.Evidence, err = all[intakev1.Evidence](ctx, b.Reader, Evidence, complaint(name)); err != nil {
		return err
	}
	if of == policyv1.Of_OF_FOLLOW_UPS || datedBy == domain.DatedAsked {
		if m.FollowUps, err = all[notificationv1.FollowUp](ctx, b.Reader, FollowUps, complaint(name)); err != nil {
			return err
		}
	}
	if datedBy == domain.DatedAnswered {
		if m.Replies, err = all[routingv1.Reply](ctx, b.Reader, Replies, complaint(name)); err != nil {
			return err
		}
	}
	switch of {
	case policyv1.Of_OF_CLOCKS:
		m.Clocks, err = b.clocks(ctx, name)
	case policyv1.Of_OF_ACTIONS:
		m.Actions, err = all[correctiveactionv1.Action](ctx, b.Reader, Actions, complaint(name))
	case policyv1.Of_OF_UNSPECIFIED, policyv1.Of_OF_COMPLAINTS, policyv1.Of_OF_FOLLOW_UPS, policyv1.Of_OF_PRAISES,
		policyv1.Of_OF_ENTRIES, policyv1.Of_OF_DEPARTMENTS:
	}
	return err
}
