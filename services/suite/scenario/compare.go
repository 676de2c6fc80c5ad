package scenario

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// miss is one value that is not as wanted.
type miss struct {
	path      []any
	want, got string
}

// compare returns where seen is not as wanted. Maps are compared by the keys wanted;
// lists element by element, so their order and length count. A word alone stands for a
// quoted rule by its id and for a ranked value by its name; a list alone for what a
// measure ranks.
func compare(want, seen any, path []any) []miss {
	switch want := want.(type) {
	case map[string]any:
		got, ok := seen.(map[string]any)
		if !ok {
			return []miss{{path, show(want), show(seen)}}
		}
		var out []miss
		for _, k := range slices.Sorted(maps.Keys(want)) {
			below := append(slices.Clone(path), k)
			if v, there := got[k]; there {
				out = append(out, compare(want[k], v, below)...)
			} else {
				out = append(out, miss{below, show(want[k]), "nothing"})
			}
		}
		return out
	case []any:
		if m, ok := seen.(map[string]any); ok && m["top"] != nil {
			seen = m["top"]
		}
		got, ok := seen.([]any)
		if !ok || len(got) != len(want) {
			return []miss{{path, show(want), show(seen)}}
		}
		var out []miss
		for i := range want {
			out = append(out, compare(want[i], got[i], append(slices.Clone(path), i))...)
		}
		return out
	}
	if m, ok := seen.(map[string]any); ok {
		for _, name := range []string{"rule", "value"} {
			if v, there := m[name]; there {
				seen = v
				break
			}
		}
	}
	if want == seen {
		return nil
	}
	return []miss{{path, show(want), show(seen)}}
}

func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case string:
		return v
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// differences writes what is not as wanted, each with its place.
func (s sighting) differences() []string {
	var out []string
	for _, m := range compare(s.want, s.seen, nil) {
		out = append(out, fmt.Sprintf("%s: %s: want %s, got %s", s.at.at(m.path...), pathText(m.path), m.want, m.got))
	}
	return out
}

func pathText(path []any) string {
	parts := make([]string, len(path))
	for i, p := range path {
		parts[i] = fmt.Sprint(p)
	}
	return strings.Join(parts, ".")
}
