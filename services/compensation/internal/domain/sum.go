package domain

import (
	"maps"
	"slices"
	"time"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/money"
)

// Kinds of things whose amounts are added up.
const (
	KindClaims = "claims"
	KindGoods  = "goods"
)

// Earlier is something that was put forward before, with its amount.
type Earlier struct {
	// Name of the claim or the goods.
	Name string
	// Amount asked for; nil counts nothing.
	Amount *typev1.Money
}

// Sums returns what of a kind was put forward at or after an instant and neither ended
// nor was refused, with the values given of all keys. The zero instant means ever.
type Sums func(kind string, keys map[string]string, since time.Time) ([]Earlier, error)

// ClaimKeys are the values by which claims can be added up, by the word of packs; a key
// without value adds nothing up.
func ClaimKeys(c *compensationv1.Claim) map[string][]string {
	return map[string][]string{
		"customer": {c.GetCustomer()}, "complaint": {c.GetComplaint()}, "batch": {c.GetBatch()}, "payee": {c.GetPayeeKey()},
		"ground": {c.GetGround()}, "remedy": {c.GetRemedy()}, "cause": c.GetCauses(),
	}
}

func goodsKeys(g *compensationv1.Goods) map[string][]string {
	return map[string][]string{"customer": {g.GetSubject()}, "complaint": {g.GetComplaint()}, "origin": {g.GetOrigin()}}
}

// sum returns the amount that chooses the band of an approval: that of the thing itself
// and, where the pack adds up, of what was put forward before with the same keys, itself
// not counted; and the names of what was added. nil stays nil: an unknown amount.
//
// Where a key has several values (the causes of a claim), what has any of them in common
// is added, each thing once. A key without value adds nothing.
//
// Source: pack.proto Approval.summed_by, summed_within; PROCEDURES P02-A6.
func (a Act) sum(def *policyv1.Approval, own *typev1.Money, keys map[string][]string, kind, name string) (*typev1.Money, []string, error) {
	if own == nil || len(def.GetSummedBy()) == 0 || a.Sums == nil {
		return own, nil, nil
	}
	total, err := money.Parse(own)
	if err != nil {
		return nil, nil, err
	}
	var since time.Time
	if from, bounded := a.Policy.Back(def.GetSummedWithin(), a.Now); bounded {
		since = from
	}
	var names []string
	for _, wanted := range combinations(def.GetSummedBy(), keys) {
		found, err := a.Sums(kind, wanted, since)
		if err != nil {
			return nil, nil, err
		}
		for _, e := range found {
			if e.Name == name || slices.Contains(names, e.Name) {
				continue
			}
			amount, err := money.Parse(e.Amount)
			if err != nil {
				continue // counted in units, or not known yet
			}
			if total, err = total.Add(amount); err != nil {
				return nil, nil, err
			}
			names = append(names, e.Name)
		}
	}
	slices.Sort(names)
	return total.Format(), names, nil
}

// combinations returns every choice of one value for each key; none if a key has no value.
func combinations(by []string, keys map[string][]string) []map[string]string {
	out := []map[string]string{{}}
	for _, key := range by {
		var next []map[string]string
		for _, value := range keys[key] {
			if value == "" {
				continue
			}
			for _, chosen := range out {
				with := maps.Clone(chosen)
				with[key] = value
				next = append(next, with)
			}
		}
		out = next
	}
	return out
}
