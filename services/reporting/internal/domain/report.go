package domain

import (
	"cmp"
	"slices"
	"strconv"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/policy"
)

// Row is one thing a measure looks at.
type Row struct {
	// Number names it to people who look into a report.
	Number string
	// Sheet is what conditions see of it.
	Sheet *policy.Sheet
}

// Figure computes a measure of the pack from the rows of its period.
//
// Rows of which a condition, the ranked key or the averaged score is not known
// are listed and left out of every figure: nothing is guessed. A share stands
// only where the measure says what counts among its rows.
//
// Source: PROCEDURES P26 (七), P26-A5; PACK-SKETCH 2.2 (Measure).
func Figure(p *policy.Policy, m *policyv1.Measure, rows []Row) *reportingv1.Measurement {
	out := &reportingv1.Measurement{Id: m.GetId(), Title: m.GetText(), Rule: p.Rule(m.GetId())}
	ranking := map[string]int64{}
	var sum int64
	for _, r := range rows {
		among, counted, _ := p.Assess(m.GetId(), r.Sheet)
		if among == policy.False {
			continue
		}
		keys, known := keysOf(m.GetTopBy(), r.Sheet)
		score, scored := scoreOf(m.GetMean(), r.Sheet)
		if among == policy.Unknown || counted == policy.Unknown || m.GetTopBy() != "" && !known || m.GetMean() != "" && !scored {
			out.NotAssessable = append(out.NotAssessable, r.Number)
			continue
		}
		out.Among++
		if counted != policy.True {
			continue
		}
		out.Counts++
		sum += score
		for _, k := range keys {
			ranking[k]++
		}
	}
	slices.Sort(out.NotAssessable)
	if m.GetCounts() != "" {
		out.Share = Percent(out.Counts, out.Among)
	}
	if m.GetMean() != "" {
		out.Mean = Mean(sum, out.Counts)
	}
	out.Top = top(ranking, out.Counts, m.GetTop())
	return out
}

// top ranks the values, the most frequent first, equal counts by their id.
func top(ranking map[string]int64, of int64, limit string) []*reportingv1.Ranked {
	var out []*reportingv1.Ranked
	for value, n := range ranking {
		out = append(out, &reportingv1.Ranked{Value: value, Count: n, Share: Percent(n, of)})
	}
	slices.SortFunc(out, func(a, b *reportingv1.Ranked) int {
		return cmp.Or(cmp.Compare(b.GetCount(), a.GetCount()), cmp.Compare(a.GetValue(), b.GetValue()))
	})
	if n, err := strconv.Atoi(limit); err == nil && n < len(out) {
		out = out[:n]
	}
	return out
}

// keysOf returns the values of a row under the key it is ranked by: a field of
// the complaint, its departments or stage, the level on a scale of the pack, or
// a fact that is chosen from options. ok is false if it is not known.
func keysOf(key string, s *policy.Sheet) (values []string, ok bool) {
	if key == "" {
		return nil, true
	}
	var one *string
	switch key {
	case "category", "ground", "channel", "medium", "origin", "expression", "customer_kind":
		if c := s.Complaint; c != nil {
			one = map[string]*string{
				"category": c.Category, "ground": c.Ground, "channel": c.Channel, "medium": c.Medium,
				"origin": c.Origin, "expression": c.Expression, "customer_kind": c.CustomerKind,
			}[key]
		}
	case "department", "departments":
		if s.Case != nil && len(s.Case.Departments) > 0 {
			return s.Case.Departments, true
		}
	case "stage":
		if s.Case != nil {
			one = s.Case.Stage
		}
	default:
		if level := s.Grade[key]; level != "" {
			return []string{level}, true
		}
		return chosen(s.Facts[key])
	}
	if one == nil || *one == "" {
		return nil, false
	}
	return []string{*one}, true
}

func chosen(f *typev1.Fact) ([]string, bool) {
	switch v := f.GetValue().(type) {
	case *typev1.Fact_Choice:
		return []string{v.Choice}, true
	case *typev1.Fact_Choices:
		return v.Choices.GetValues(), true
	case *typev1.Fact_Flag:
		return []string{strconv.FormatBool(v.Flag)}, true
	case *typev1.Fact_Department:
		return []string{v.Department}, true
	default:
		return nil, false
	}
}

// scoreOf returns the score or count that is averaged; ok is false if it is not known.
func scoreOf(fact string, s *policy.Sheet) (int64, bool) {
	switch v := s.Facts[fact].GetValue().(type) {
	case *typev1.Fact_Score:
		return int64(v.Score), true
	case *typev1.Fact_Count:
		return v.Count, true
	default:
		return 0, false
	}
}

// Percent returns part ÷ whole in percent with one decimal, half rounded up:
// 36 of 40 is "90.0%". "" if there is nothing to divide. Both are 0 or more, part
// is at most whole, and whole is far below 2^52.
func Percent(part, whole int64) string {
	if whole <= 0 {
		return ""
	}
	tenths := (2*1000*part + whole) / (2 * whole)
	return strconv.FormatInt(tenths/10, 10) + "." + strconv.FormatInt(tenths%10, 10) + "%"
}

// Mean returns sum ÷ n with two decimals, half rounded away from zero; "" for none.
func Mean(sum, n int64) string {
	if n <= 0 {
		return ""
	}
	sign := ""
	if sum < 0 {
		sign, sum = "-", -sum
	}
	hundredths := (2*100*sum + n) / (2 * n)
	if hundredths == 0 {
		sign = ""
	}
	rest := strconv.FormatInt(hundredths%100, 10)
	if len(rest) == 1 {
		rest = "0" + rest
	}
	return sign + strconv.FormatInt(hundredths/100, 10) + "." + rest
}
