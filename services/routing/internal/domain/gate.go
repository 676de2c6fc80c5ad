package domain

import (
	"example.com/redress/services/kit/approval"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
)

// Person is who acts, as the directory knows them at that instant.
type Person = approval.Person

// is tells whether the person is meant by a who of the pack.
func is(p Person) func(who string) bool {
	return func(who string) bool {
		if p.Matches == nil {
			return false
		}
		ok, _ := p.Matches(who)
		return ok
	}
}

// gate refuses an act that something stands before: GATE_CLOSED with the rule and
// clause of the first gate and every need that is not met, all at once. What only
// warns does not refuse.
//
// Source: PACK-SKETCH 2.2 (Gate); PROCEDURES K13.
func (d *Decision) gate(act policy.Act, id string, by Person, s *policy.Sheet) error {
	return closed(d.unmet(act, id, by, s))
}

func (d *Decision) unmet(act policy.Act, id string, by Person, s *policy.Sheet) []policy.Unmet {
	return d.policy.Gate(act, policy.Subject{ID: id, Is: is(by)}, s)
}

// closed turns what is unmet into a refusal; nil if all of it only warns.
func closed(unmet []policy.Unmet) error {
	r := policy.Refusal(unmet)
	if r == nil {
		return nil
	}
	f := fault.New(fault.FailedPrecondition, ReasonGate).With(r.Rule).WithViolations(r.Violations...)
	for key, value := range r.Facts {
		f = f.WithFacts(key, value)
	}
	return f.WithFacts("clause", r.Rule.GetClause())
}
