package policy

import (
	"maps"
	"slices"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
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
		field := find(fields, id)
		if field == nil {
			out = append(out, fault.Violation{Field: "facts." + id, Reason: FieldUnknown, Text: words("规则包没有这个字段。", "The pack has no such field.")})
			continue
		}
		out = append(out, checkFact("facts."+id, field, facts[id])...)
	}
	return out
}
