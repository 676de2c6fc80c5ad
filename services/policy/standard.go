package policy

import (
	"fmt"
	"strconv"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// StandardResult is how much of a remedy is given by rule.
type StandardResult struct {
	// Rule quotes the standard; nil if the pack fixes nothing for this remedy here.
	Rule *typev1.RuleRef
	// None: no standard applies, so that any figure may be given.
	None bool
	// Units is how many are given, by the ratio; 0 if the standard is an amount.
	Units int64
	// Amount is what is given in money; nil if the standard is a number of units.
	Amount *typev1.Money
	// Along is the notice owed with it.
	Along string
	// Approval is the approval it needs; Deviation the one that another figure needs, empty if none is
	// allowed.
	Approval, Deviation string
	// Missing names the facts without which it cannot be told.
	Missing []string
}

// Fits tells whether the figures asked for are those of the standard. What the standard does not fix
// (units of a standard in money, and the other way round) is not compared. A standard that waits for
// facts fits nothing.
func (r StandardResult) Fits(units int64, amount *typev1.Money) bool {
	switch {
	case r.None:
		return true
	case len(r.Missing) > 0:
		return false
	case r.Amount != nil:
		want, ok1 := fen(r.Amount.GetAmount())
		have, ok2 := fen(amount.GetAmount())
		return ok1 && ok2 && want == have && amount.GetCurrencyCode() == r.Amount.GetCurrencyCode()
	}
	return units == r.Units
}

// Standard returns the first standard of a remedy whose condition holds. A ratio "10 for 1" gives ten
// for each unit; where a ratio does not come out even, the fraction of a unit is not given.
//
// Source: PACK-SKETCH.md 2.2 Standard; PROCEDURES.md P14 9.2, P14-A2.
func (p *Policy) Standard(remedy string, s *Sheet) StandardResult {
	if s == nil {
		s = &Sheet{}
	}
	for _, st := range p.live.GetCompensation().GetStandards() {
		if st.GetRemedy() != remedy {
			continue
		}
		out := StandardResult{Rule: p.Rule(st.GetId()), Along: st.GetAlong(), Approval: st.GetApproval(), Deviation: st.GetDeviation()}
		switch t, missing := p.holds(st.GetIf(), s); t {
		case Unknown:
			out.Missing = missing
			return out
		case False:
			continue
		}
		p.figure(&out, st, s)
		return out
	}
	return StandardResult{None: true}
}

func (p *Policy) figure(out *StandardResult, st *policyv1.Standard, s *Sheet) {
	switch {
	case st.GetAmount() != "":
		out.Amount = cny(st.GetAmount())
	case st.GetActual() != "":
		m, ok := s.Facts[st.GetActual()].GetValue().(*typev1.Fact_Money)
		if !ok {
			out.Missing = []string{st.GetActual()}
			return
		}
		out.Amount = m.Money
	case st.GetRatio() != "":
		n, ok := s.Facts[st.GetUnits()].GetValue().(*typev1.Fact_Count)
		if !ok {
			out.Missing = []string{st.GetUnits()}
			return
		}
		var give, of int64
		if _, err := fmt.Sscanf(st.GetRatio(), "%d for %d", &give, &of); err != nil || of == 0 {
			out.Missing = []string{st.GetRatio()}
			return
		}
		out.Units = n.Count * give / of
	}
}

func cny(amount string) *typev1.Money {
	n, ok := fen(amount)
	if !ok {
		return nil
	}
	return &typev1.Money{CurrencyCode: currency, Amount: yuanText(n)}
}

// countOf reads a figure of the grammar count; ok is false for an empty one.
func countOf(s string) (n int64, ok bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}
