package policy

import typev1 "example.com/redress/proto/gen/redress/type/v1"

// AssignResult is who is responsible.
type AssignResult struct {
	// Departments are ids of the pack; empty if a person must choose.
	Departments []string
	// Person: a person must choose, because the row says so, no row applies, or facts are missing.
	Person bool
	// Grade holds the levels that the rule sets, by scale.
	Grade map[string]string
	// Rule quotes the row; nil if no row applies.
	Rule *typev1.RuleRef
	// Missing names the facts without which the first rows cannot be decided.
	Missing []string
}

// Assign returns the first row of the responsibility matrix that applies. If a row before it is
// unknown nothing is guessed: a person chooses.
//
// Source: PACK-SKETCH.md 2.2 Assign, 2.7; PROCEDURES.md P14 10, P14-A7.
func (p *Policy) Assign(s *Sheet) AssignResult {
	r := p.words.over(s)
	for _, row := range p.menus.assign {
		a := row.rule
		switch t, missing := r.holds(row.cond); t {
		case Unknown:
			return AssignResult{Rule: p.Rule(a.GetId()), Missing: missing, Person: true}
		case True:
			return AssignResult{Departments: a.GetTo(), Grade: a.GetGrade(), Rule: p.Rule(a.GetId()), Person: len(a.GetTo()) == 0}
		}
	}
	return AssignResult{Person: true}
}
