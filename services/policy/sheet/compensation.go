package sheet

import (
	"math/big"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/approval"
	"example.com/redress/services/policy"
)

// WithGoods adds goods on their way back: their facts, the forms filled about them and,
// once it is granted, on paper or by telephone, the authority to take them back.
func WithGoods(s *policy.Sheet, g *compensationv1.Goods) *policy.Sheet {
	fields := map[string]any{
		"origin": g.GetOrigin(), "disposition": g.GetDisposition(), "urgent": g.GetUrgent(), "bulk": g.GetBulk(),
		"complaint_linked": g.GetComplaint() != "",
	}
	if g.GetValue() != nil {
		fields["value"] = g.GetValue()
	}
	if g.GetQuantity() > 0 {
		fields["quantity"] = g.GetQuantity()
	}
	out := WithFacts(With(s, "goods", fields), g.GetFacts())
	out.Filled = append([]string{}, out.Filled...)
	for _, f := range g.GetForms() {
		out.Filled = append(out.Filled, f.GetForm())
	}
	switch a := g.GetApproval(); a.GetState() {
	case typev1.Approval_STATE_GRANTED:
		out.Approved = append(append([]string{}, out.Approved...), a.GetId())
	case typev1.Approval_STATE_OPEN:
		unsigned := map[string][]string{a.GetId(): approval.Missing(a)}
		for id, missing := range out.Unsigned {
			if id != a.GetId() {
				unsigned[id] = missing
			}
		}
		out.Unsigned = unsigned
	}
	return out
}

// WithAllocation adds the shares of a loss: the first cause found, and the party that
// disputes them, or else the one that bears most.
func WithAllocation(s *policy.Sheet, a *compensationv1.Allocation) *policy.Sheet {
	fields := map[string]any{"cause": "", "party": "", "provisional": a.GetProvisional()}
	for _, share := range a.GetShares() {
		if share.GetShare() != "" {
			fields["cause"] = share.GetRule().GetRule()
			break
		}
	}
	most := new(big.Rat)
	for _, t := range a.GetTotals() {
		if n, ok := new(big.Rat).SetString(t.GetAmount().GetAmount()); ok && n.Cmp(most) > 0 {
			most = n
			fields["party"] = t.GetParty()
		}
	}
	if n := len(a.GetDisputes()); n > 0 && a.GetProvisional() {
		fields["party"] = a.GetDisputes()[n-1].GetParty()
	}
	return WithFacts(With(s, "liability", fields), a.GetFacts())
}
