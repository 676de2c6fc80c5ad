package view

import (
	"context"
	"maps"
	"slices"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/reporting/internal/domain"
)

// board gathers matters by complaint.
type board struct {
	Reader

	matters map[string]*domain.Matter
}

func (r Reader) board() *board { return &board{Reader: r, matters: map[string]*domain.Matter{}} }

// of returns the matter of a complaint, made on first use.
func (b *board) of(complaint string) *domain.Matter {
	m := b.matters[complaint]
	if m == nil {
		m = &domain.Matter{}
		b.matters[complaint] = m
	}
	return m
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

// complete adds complaint, case and newest plan to every matter.
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
