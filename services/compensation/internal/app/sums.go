package app

import (
	"maps"
	"slices"
	"strings"
	"time"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/compensation/internal/domain"
	"example.com/redress/services/kit/journal"
)

// Sums finds what was put forward before, inside a decision. Whoever adds up by the same
// keys at the same time, in whatever process, takes effect one after the other: two halves
// of one claim cannot pass each other unseen.
//
// Cost: one look-up by attributes, and a read of each thing found.
//
// Source: pack.proto Approval.summed_by.
func Sums(u *journal.Unit) domain.Sums {
	return func(kind string, keys map[string]string, since time.Time) ([]domain.Earlier, error) {
		if err := serialize(u, kind, keys); err != nil {
			return nil, err
		}
		if kind == domain.KindGoods {
			return sumGoods(u, keys, since)
		}
		return sumClaims(u, keys, since)
	}
}

// serialize reads and writes a row of the keys, as [Fence] does.
func serialize(u *journal.Unit, kind string, keys map[string]string) error {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		parts = append(parts, k+"="+keys[k])
	}
	row, name := &compensationv1.Hold{}, "sum/"+kind+"/"+strings.Join(parts, "&")
	if err := u.Tally(name, row); err != nil {
		return err
	}
	return u.SetTally(name, row)
}

// where turns the keys of packs into attributes; a key that is none matches nothing.
func where(keys map[string]string) ([]journal.Attr, bool) {
	attributes := map[string]string{
		"customer": AttrSubject, "complaint": AttrComplaint, "batch": AttrBatch, "payee": AttrPayee,
		"ground": AttrGround, "remedy": AttrRemedy, "cause": AttrCause, "origin": AttrOrigin,
	}
	var out []journal.Attr
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		name, ok := attributes[k]
		if !ok {
			return nil, false
		}
		value := keys[k]
		if name == AttrSubject {
			value = SubjectID(value)
		}
		out = append(out, journal.Attr{Name: name, Value: value})
	}
	return out, true
}

func sumClaims(u *journal.Unit, keys map[string]string, since time.Time) ([]domain.Earlier, error) {
	attrs, ok := where(keys)
	if !ok {
		return nil, nil
	}
	names, err := u.Find(Claims, attrs...)
	if err != nil {
		return nil, err
	}
	var out []domain.Earlier
	for _, name := range names {
		c := &compensationv1.Claim{}
		if _, err := u.Get(name, c); err != nil {
			return nil, err
		}
		if counts(c) && !c.GetSubmitTime().AsTime().Before(since) {
			out = append(out, domain.Earlier{Name: name, Amount: c.GetAmount()})
		}
	}
	return out, nil
}

// counts tells that a claim was put forward and has not come back.
func counts(c *compensationv1.Claim) bool {
	switch c.GetState() {
	case compensationv1.Claim_STATE_SUBMITTED, compensationv1.Claim_STATE_APPROVED, compensationv1.Claim_STATE_CHECKED,
		compensationv1.Claim_STATE_EXECUTED, compensationv1.Claim_STATE_PAID:
		return true
	case compensationv1.Claim_STATE_HELD:
		return c.GetHold().GetPrevious() >= compensationv1.Hold_STATE_SUBMITTED && c.GetHold().GetPrevious() <= compensationv1.Hold_STATE_CHECKED
	}
	return false
}

func sumGoods(u *journal.Unit, keys map[string]string, since time.Time) ([]domain.Earlier, error) {
	attrs, ok := where(keys)
	if !ok {
		return nil, nil
	}
	names, err := u.Find(Goods, attrs...)
	if err != nil {
		return nil, err
	}
	var out []domain.Earlier
	for _, name := range names {
		g := &compensationv1.Goods{}
		if _, err := u.Get(name, g); err != nil {
			return nil, err
		}
		switch a := g.GetApproval(); a.GetState() {
		case typev1.Approval_STATE_OPEN, typev1.Approval_STATE_GRANTED:
			if !a.GetAskTime().AsTime().Before(since) {
				out = append(out, domain.Earlier{Name: name, Amount: g.GetValue()})
			}
		}
	}
	return out, nil
}

// AllocationsOf returns all allocations of a complaint as they are in the unit, so that
// they can be updated.
func AllocationsOf(u *journal.Unit, complaint string) ([]*compensationv1.Allocation, error) {
	names, err := u.Find(Allocations, journal.Attr{Name: AttrComplaint, Value: complaint})
	if err != nil {
		return nil, err
	}
	out := make([]*compensationv1.Allocation, 0, len(names))
	for _, name := range names {
		a := &compensationv1.Allocation{}
		if _, err := u.Get(name, a); err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}
