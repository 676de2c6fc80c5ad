package policy

import (
	"maps"
	"slices"
	"time"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/calendar"
	"example.com/redress/services/kit/fault"
)

// CheckFacts returns what is wrong with facts that come without a form of their own, for example
// with a finding: fields that no form of the pack has, types, options and ranges. Field is
// "facts.<id>".
func (p *Policy) CheckFacts(facts map[string]*typev1.Fact) []fault.Violation {
	var all []*policyv1.Field
	for _, f := range p.live.GetForms() {
		all = append(all, f.GetFields()...)
	}
	return checkFacts(all, facts)
}

// CheckAnswers returns what is wrong with the answers of a connector, as [Policy.CheckFacts] does of
// the fields that the pack declares for it. A field that it leaves out is not wrong: it is unknown.
//
// Source: PACK-SKETCH.md 2.2 Connector.
func (p *Policy) CheckAnswers(connector string, answers map[string]*typev1.Fact) []fault.Violation {
	return checkFacts(p.Connector(connector).GetAnswers(), answers)
}

func checkFacts(fields []*policyv1.Field, facts map[string]*typev1.Fact) []fault.Violation {
	var out []fault.Violation
	for _, id := range slices.Sorted(maps.Keys(facts)) {
		field := ByID(fields, id)
		if field == nil {
			out = append(out, fault.Violation{Field: "facts." + id, Reason: FieldUnknown, Text: words("规则包没有这个字段。", "The pack has no such field.")})
			continue
		}
		out = append(out, checkFact("facts."+id, field, facts[id])...)
	}
	return out
}

// ExtendedDue returns the due instant that a clock gets by its extension: the fact the pack names. A
// date falls due at the hour that the clock's own unit would. ok is false if the clock names no fact,
// or nobody has recorded it.
//
// Source: PACK-SKETCH.md 2.2 Extension; PROCEDURES.md K4, P17 5 (3).
func (p *Policy) ExtendedDue(clock string, s *Sheet) (due time.Time, ok bool) {
	until := p.clocks[clock].GetExtend().GetUntil()
	if until == "" || s == nil {
		return time.Time{}, false
	}
	f := s.Facts[until]
	due, ok = p.instant(f)
	date, err := calendar.ParseDate(f.GetDate())
	if !ok || err != nil {
		return due, ok
	}
	limit, err := p.ClockLimit(clock, s)
	if err != nil {
		return due, ok
	}
	if at, err := p.calendar.At(date, limit.Basis); err == nil {
		return at, true
	}
	return due, ok
}
