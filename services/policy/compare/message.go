package compare

import (
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// Messages says differences in one language, as PolicyService answers them.
func Messages(all []Difference, chinese bool) []*policyv1.Difference {
	say := func(t *typev1.Text) string {
		if chinese {
			return t.GetZh()
		}
		return t.GetEn()
	}
	out := make([]*policyv1.Difference, len(all))
	for i, d := range all {
		out[i] = &policyv1.Difference{
			Kind: d.Kind, Section: d.Section, SectionTitle: say(d.Title), Path: d.Path, Rule: d.Rule, Clause: d.Clause, Text: say(d.Text),
		}
		for _, f := range d.Fields {
			out[i].Fields = append(out[i].Fields, &policyv1.FieldDifference{Field: f.Name, Title: say(f.Title), Before: say(f.Before), After: say(f.After)})
		}
	}
	return out
}
