package policy

import (
	"maps"
	"slices"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// Concerned returns the people whom the complaint on the sheet is about, people/{person}, sorted: those
// named in a field of a form that recuses. They and those above them sign nothing about it.
func (p *Policy) Concerned(s *Sheet) []string {
	if s == nil {
		return nil
	}
	out := map[string]bool{}
	for id, f := range s.Facts {
		if !p.words.facts[id].field.GetRecuses() {
			continue
		}
		if x, ok := f.GetValue().(*typev1.Fact_Person); ok && x.Person != "" {
			out[x.Person] = true
		}
	}
	return slices.Sorted(maps.Keys(out))
}

// checkRecusal: only a person can be complained about.
func (c *checker) checkRecusal(path string, f *policyv1.Field) {
	if f.GetRecuses() && f.GetType() != policyv1.FieldType_FIELD_TYPE_PERSON {
		c.report(f, "recuses", path, "L03", "只有 PERSON 字段可写 recuses。", "Only a PERSON can be recused.", nil)
	}
}
