package scenario

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// mutate changes each expected value once and counts the changes; those that the
// comparison does not notice are survivors.
//
// A mutant differs from its scenario in what it expects and in nothing it does, so the
// suite would show it exactly what it has shown the scenario. One run of the row
// therefore serves all its mutants: they are compared with what was recorded at each
// expectation and refusal.
func mutate(seen []sighting) (mutants int, survivors []string) {
	for _, s := range seen {
		each(s.want, nil, func(path []any, change string, mutant any) {
			mutants++
			if len(compare(replace(s.want, path, mutant), s.seen, nil)) == 0 {
				survivors = append(survivors, fmt.Sprintf("%s: %s: %s", s.at.at(path...), pathText(path), change))
			}
		})
	}
	return mutants, survivors
}

// each calls visit with every change of every value below v.
func each(v any, path []any, visit func(path []any, change string, mutant any)) {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			each(v[k], append(slices.Clone(path), k), visit)
		}
	case []any:
		visit(path, "one element more", append(slices.Clone(v), "nobody"))
		if len(v) > 0 {
			visit(path, "the last element left out", slices.Clone(v[:len(v)-1]))
		}
		if len(v) > 1 {
			turned := slices.Clone(v)
			slices.Reverse(turned)
			if !slices.EqualFunc(turned, v, func(a, b any) bool { return len(compare(a, b, nil)) == 0 }) {
				visit(path, "the other way round", turned)
			}
		}
		for i := range v {
			each(v[i], append(slices.Clone(path), i), visit)
		}
	default:
		other := another(v)
		visit(path, fmt.Sprintf("%s instead of %s", show(other), show(v)), other)
	}
}

// another returns a value that differs from v by as little as its kind allows: the next
// second, cent, tenth of a percent or number, the other truth value, another word.
func another(v any) any {
	switch v := v.(type) {
	case bool:
		return !v
	case float64:
		return v + 1
	case string:
		if at, err := time.Parse(time.DateTime, v); err == nil {
			return at.Add(time.Second).Format(time.DateTime)
		}
		if share, ok := strings.CutSuffix(v, "%"); ok {
			if next, ok := bump(share); ok {
				return next + "%"
			}
		}
		if next, ok := bump(v); ok {
			return next
		}
		for _, set := range states() {
			if i := slices.Index(set, v); i >= 0 {
				return set[(i+1)%len(set)]
			}
		}
		return v + "_"
	}
	return "something"
}

// bump raises the last digit of a decimal number.
func bump(s string) (string, bool) {
	whole, places, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole+places, 10, 64)
	if err != nil || strings.HasPrefix(s, "+") {
		return "", false
	}
	next := strconv.FormatInt(n+1, 10)
	for len(next) <= len(places) {
		next = "0" + next
	}
	if places == "" {
		return next, true
	}
	return next[:len(next)-len(places)] + "." + next[len(next)-len(places):], true
}

// states are the words that are mistaken for each other most easily.
func states() [][]string {
	return [][]string{
		{"RUNNING", "MET", "MET_LATE", "BREACHED", "CANCELLED"},
		{"OPEN", "GRANTED", "REFUSED", "RETURNED", "VOID"},
		{"INCOMPLETE", "GATE", "ORDER", "ROLE", "AUTHORITY", "WINDOW", "AMOUNT", "CHOICE", "STATE", "LINT"},
		{"PENDING", "DELIVERED", "FAILED", "EXPIRED", "NO_ADDRESS"},
	}
}

// replace returns a copy of v with the value at path replaced; what is not on the way
// is shared.
func replace(v any, path []any, with any) map[string]any {
	return put(v, path, with).(map[string]any)
}

func put(v any, path []any, with any) any {
	if len(path) == 0 {
		return with
	}
	switch v := v.(type) {
	case map[string]any:
		out := maps.Clone(v)
		key := path[0].(string)
		out[key] = put(v[key], path[1:], with)
		return out
	case []any:
		out := slices.Clone(v)
		i := path[0].(int)
		out[i] = put(v[i], path[1:], with)
		return out
	}
	return with
}
