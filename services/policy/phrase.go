package policy

import (
	"slices"
	"strings"
)

// Phrases returns the phrases of the pack that a text holds, sorted, letters compared without case.
// They are all that conditions may know of words: put them on the sheet as reply.text before the text
// is sealed, and no decision sees more. The answer is never nil: a text without any is known to hold
// none.
//
// Source: PACK-SKETCH.md 2.8 G4; PROCEDURES.md P08 item 5.
func (p *Policy) Phrases(text string) []string {
	text = strings.ToLower(text)
	out := []string{}
	for _, c := range p.conds {
		for _, phrase := range c.phrases {
			if strings.Contains(text, strings.ToLower(phrase)) {
				out = append(out, phrase)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
