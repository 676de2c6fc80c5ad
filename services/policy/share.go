package policy

import (
	"maps"
	"slices"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	kitmoney "example.com/redress/services/kit/money"
)

// Share is what one party bears of one base.
type Share struct {
	Base policyv1.Base
	// Party is one of the pack's parties.
	Party  string
	Amount *typev1.Money
	// Rule quotes the cause; that of the liability itself where no cause applies.
	Rule *typev1.RuleRef
	// Unallocated: no cause assigns it, it is left to the party of the remainder.
	Unallocated bool
	// Mark is what the complaint is marked with; empty if nothing.
	Mark string
}

// Allocate divides each base among the parties, by the first cause of that base whose condition
// holds; what no cause gives out goes to the party of the remainder. The shares of a base add up to
// it exactly; odd fen go to the largest fractions, among equals to the party that the pack names
// first. A party that bears nothing is left out.
//
// missing names the facts without which a cause that comes first cannot be decided; then nothing is
// allocated. Causes that are decided line by line apply only on a sheet of OnLine.
//
// Source: PACK-SKETCH.md 2.2 Liability and Cause; PROCEDURES.md K8, P27 4.6, P27-A6.
func (p *Policy) Allocate(bases map[policyv1.Base]*typev1.Money, s *Sheet) (shares []Share, missing []string, err error) {
	liability := p.live.GetLiability()
	for _, base := range slices.Sorted(maps.Keys(bases)) {
		whole, err := kitmoney.Parse(bases[base])
		if err != nil {
			return nil, nil, err
		}
		cause, waits := p.cause(base, s)
		if len(waits) > 0 {
			missing = append(missing, waits...)
			continue
		}
		of, err := p.divide(liability, cause, base, whole)
		if err != nil {
			return nil, nil, err
		}
		shares = append(shares, of...)
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return nil, slices.Compact(missing), nil
	}
	return shares, nil, nil
}

func (p *Policy) cause(base policyv1.Base, s *Sheet) (*policyv1.Cause, []string) {
	for _, c := range p.live.GetLiability().GetCauses() {
		if !slices.Contains(c.GetOf(), base) || c.GetEach() != "" && (s == nil || s.line == nil) {
			continue
		}
		switch t, missing := p.holds(c.GetIf(), s); t {
		case True:
			return c, nil
		case Unknown:
			return nil, missing
		}
	}
	return nil, nil
}

func (p *Policy) divide(l *policyv1.Liability, c *policyv1.Cause, base policyv1.Base, whole kitmoney.Amount) ([]Share, error) {
	rule := p.Rule(c.GetId())
	if c == nil {
		rule = p.Rule(l.GetId())
	}
	var parties []string
	var figures []kitmoney.Share
	for _, party := range l.GetParties() {
		text, ok := c.GetShares()[party]
		if !ok {
			continue
		}
		share, err := kitmoney.ParseShare(text)
		if err != nil {
			return nil, err
		}
		parties, figures = append(parties, party), append(figures, share)
	}
	parts, rest, err := whole.Shares(figures...)
	if err != nil {
		return nil, err
	}
	var out []Share
	for i, part := range parts {
		if !part.IsZero() {
			out = append(out, Share{Base: base, Party: parties[i], Amount: part.Format(), Rule: rule, Mark: c.GetMark()})
		}
	}
	if !rest.IsZero() {
		out = append(out, Share{Base: base, Party: l.GetRemainder(), Amount: rest.Format(), Rule: rule, Unallocated: true, Mark: c.GetMark()})
	}
	return out, nil
}
