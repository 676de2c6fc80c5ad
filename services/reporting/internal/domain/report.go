package domain

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

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
// only where the measure says what counts among its rows. A target is compared with
// the exact quotient; what it asks for and does not count is listed.
//
// Source: PROCEDURES P26 (七), P26-A5; PACK-SKETCH 2.2 (Measure).
func Figure(p *policy.Policy, m *policyv1.Measure, rows []Row) *reportingv1.Measurement {
	out := &reportingv1.Measurement{Id: m.GetId(), Title: m.GetText(), Rule: p.Rule(m.GetId())}
	ranking := map[string]int64{}
	var sum int64
	var missed []string
	for _, r := range rows {
		among, counted, _ := p.Assess(m.GetId(), r.Sheet)
		if among == policy.False {
			continue
		}
		keys, known := keysOf(p, m.GetTopBy(), r.Sheet)
		score, scored := scoreOf(m.GetMean(), r.Sheet)
		if among == policy.Unknown || counted == policy.Unknown || m.GetTopBy() != "" && !known || m.GetMean() != "" && !scored {
			out.NotAssessable = append(out.NotAssessable, r.Number)
			continue
		}
		out.Among++
		if counted != policy.True {
			missed = append(missed, r.Number)
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
	if out.Target = m.GetTarget(); out.Target != "" {
		out.BelowTarget = p.Below(m.GetTarget(), policy.Quotient{Counts: out.Counts, Among: out.Among})
		slices.Sort(missed)
		out.Outstanding = slices.Compact(missed)
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

// keysOf returns the values of a row under the key it is ranked or told apart by: a
// field of the complaint or case, its departments, the level on a scale of the pack,
// or a fact that is chosen from options. ok is false if it is not known.
func keysOf(p *policy.Policy, key string, s *policy.Sheet) (values []string, ok bool) {
	if key == "" {
		return nil, true
	}
	switch key {
	case "department", "departments", "unit":
		if s.Case != nil && len(s.Case.Departments) > 0 {
			return s.Case.Departments, true
		}
		return nil, false
	}
	if level := s.Grade[key]; level != "" {
		return []string{level}, true
	}
	if one := p.Key(key, s, nil); one != "" {
		return []string{one}, true
	}
	return chosen(s.Facts[key])
}

// Listed returns the numbers of the rows that a report lists, sorted: where its
// condition holds, and where that is not known, which nobody may lose sight of.
func Listed(p *policy.Policy, def *policyv1.Report, rows []Row) ([]string, error) {
	var out []string
	for _, r := range rows {
		t, _, err := p.Eval(def.GetLists(), r.Sheet)
		if err != nil {
			return nil, err
		}
		if t != policy.False {
			out = append(out, r.Number)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// Of returns the rows that have the value under a key, and the numbers of those of
// which it is not known: they belong to nobody. departments/x is x.
func Of(p *policy.Policy, rows []Row, key, value string) (of []Row, unknown []string) {
	for _, r := range rows {
		keys, known := keysOf(p, key, r.Sheet)
		if !known {
			unknown = append(unknown, r.Number)
		} else if slices.Contains(keys, bare(value)) {
			of = append(of, r)
		}
	}
	return of, unknown
}

// Values returns what stands under a key in the rows, sorted, each once.
func Values(p *policy.Policy, rows []Row, key string) []string {
	var out []string
	for _, r := range rows {
		keys, _ := keysOf(p, key, r.Sheet)
		out = append(out, keys...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// At returns what a value under a key stands for: departments/x where the key is of
// departments, else the value.
func At(key, value string) string {
	switch key {
	case "respondent", "department", "departments", "unit":
		return departmentPrefix + bare(value)
	}
	return value
}

const departmentPrefix = "departments/"

func bare(value string) string { return strings.TrimPrefix(value, departmentPrefix) }

func chosen(f *typev1.Fact) ([]string, bool) {
	switch v := f.GetValue().(type) {
	case *typev1.Fact_Choice:
		return []string{v.Choice}, true
	case *typev1.Fact_Choices:
		return v.Choices.GetValues(), true
	case *typev1.Fact_Flag:
		return []string{strconv.FormatBool(v.Flag)}, true
	case *typev1.Fact_Department:
		return []string{bare(v.Department)}, true
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
