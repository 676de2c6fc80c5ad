package domain

import (
	"slices"
	"strings"

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
// warns does not refuse; it is put on file.
//
// Source: PACK-SKETCH 2.2 (Gate); PROCEDURES K13.
func (d *Decision) gate(act policy.Act, id string, by Person, s *policy.Sheet) error {
	return closed(d.unmet(act, id, by, s))
}

func (d *Decision) unmet(act policy.Act, id string, by Person, s *policy.Sheet) []policy.Unmet {
	return d.policy.Gate(act, policy.Subject{ID: id, Is: is(by), Warned: d.warned}, s)
}

// closed turns what is unmet into a refusal; nil if nothing is.
func closed(unmet []policy.Unmet) error {
	if f := refusal(ReasonGate, unmet); f != nil {
		return f
	}
	return nil
}

// refusal lists everything that is unmet under one reason, nil if nothing is. Its
// rule and the facts rule, clause and because are those of the first.
func refusal(reason string, unmet []policy.Unmet) *fault.Error {
	if len(unmet) == 0 {
		return nil
	}
	var missing []string
	violations := make([]fault.Violation, 0, len(unmet))
	for _, u := range unmet {
		text := u.Text
		if text == nil {
			text = u.Gate.GetText()
		}
		for _, field := range wanting(u) {
			violations = append(violations, fault.Violation{Field: field, Reason: string(u.Need), Text: text})
			missing = append(missing, field)
		}
	}
	slices.Sort(missing)
	rule := unmet[0].Gate
	return fault.New(fault.FailedPrecondition, reason,
		"missing", strings.Join(slices.Compact(missing), ", "), "rule", rule.GetRule(), "clause", rule.GetClause(),
		"because", strings.TrimPrefix(unmet[0].Because.String(), "BECAUSE_")).
		With(rule).WithViolations(violations...)
}

// wanting names what is missing: signatures, facts, who may act, or the rule itself.
func wanting(u policy.Unmet) []string {
	switch {
	case len(u.Missing) > 0:
		return u.Missing
	case len(u.Who) > 0:
		return u.Who
	case u.ID != "":
		return []string{u.ID}
	}
	return []string{u.Gate.GetRule()}
}
