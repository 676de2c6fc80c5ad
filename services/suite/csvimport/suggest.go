package csvimport

import (
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
)

// Suggester suggests a category of a pack for a text, by the names that the pack
// gives to categories and to those below them. It is made for a person to confirm,
// never to decide.
type Suggester struct {
	top    []string // ids of categories without parent, in the order of the pack
	weight map[string]map[string]float64
}

// NewSuggester reads the categories of a pack. Two neighbouring characters of a
// name count the more, the fewer top categories have them.
func NewSuggester(categories []*policyv1.Category) *Suggester {
	s := &Suggester{weight: map[string]map[string]float64{}}
	parent := map[string]string{}
	for _, c := range categories {
		parent[c.GetId()] = c.GetParent()
		if c.GetParent() == "" {
			s.top = append(s.top, c.GetId())
		}
	}
	names := map[string]map[string]bool{}
	for _, c := range categories {
		id := c.GetId()
		for depth := 0; parent[id] != "" && depth < len(categories); depth++ {
			id = parent[id]
		}
		if names[id] == nil {
			names[id] = map[string]bool{}
		}
		for pair := range pairs(c.GetText().GetZh() + " " + c.GetText().GetEn()) {
			names[id][pair] = true
		}
	}
	for _, id := range s.top {
		s.weight[id] = map[string]float64{}
		for pair := range names[id] {
			in := 0
			for _, other := range s.top {
				if names[other][pair] {
					in++
				}
			}
			s.weight[id][pair] = math.Log(1 + float64(len(s.top))/float64(in))
		}
	}
	return s
}

// Suggest returns the id of the top category whose names the text shares most
// with; empty if it shares nothing with any.
func (s *Suggester) Suggest(text string) string {
	said := pairs(text)
	best, most := "", 0.0
	for _, id := range s.top {
		score := 0.0
		for _, pair := range slices.Sorted(maps.Keys(s.weight[id])) { // in one order: sums of floats depend on it
			if n := said[pair]; n > 0 {
				score += s.weight[id][pair] * (1 + math.Log(float64(n)))
			}
		}
		if score /= math.Sqrt(float64(len(s.weight[id]) + 1)); score > most {
			best, most = id, score
		}
	}
	return best
}

// pairs counts neighbouring characters, words of letters as they stand.
func pairs(text string) map[string]int {
	out := map[string]int{}
	for _, word := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) }) {
		runes := []rune(word)
		if len(runes) > 0 && runes[0] < 0x2e80 {
			out[word]++
			continue
		}
		for i := 1; i < len(runes); i++ {
			out[string(runes[i-1:i+1])]++
		}
	}
	return out
}
