package policy

import (
	"slices"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// Card is a piece of guidance that is shown now.
type Card struct {
	Card *policyv1.Card
	Rule *typev1.RuleRef
	// Tried: it was tried in vain already; it stays in view.
	Tried bool
	// Repeat is how often to do it again at the level that the facts give, a limit of the pack; empty
	// if once is enough or the level is not recorded. Level is that level.
	Repeat, Level string
}

// Cards returns the guidance for a stage in the order of the pack: cards without a stage are shown in
// every one. A card whose condition is unknown is not shown; one with after is shown when all the
// cards it names were tried in vain.
//
// Source: PACK-SKETCH.md 2.2 Card; PROCEDURES.md P08, P08-A1.
func (p *Policy) Cards(stage string, s *Sheet, tried []string) []Card {
	var out []Card
	for _, c := range p.live.GetGuidance() {
		if c.GetStage() != "" && c.GetStage() != stage {
			continue
		}
		if t, _ := p.holds(c.GetIf(), s); t != True {
			continue
		}
		if slices.ContainsFunc(c.GetAfter(), func(id string) bool { return !slices.Contains(tried, id) }) {
			continue
		}
		card := Card{Card: c, Rule: p.Rule(c.GetId()), Tried: slices.Contains(tried, c.GetId())}
		card.Level = p.levelOf(c, s)
		card.Repeat = c.GetRepeat()[card.Level]
		out = append(out, card)
	}
	return out
}

// levelOf returns the level by which a card is repeated: of the scale, or the option of the CHOICE
// fact, that has all the levels the card names.
func (p *Policy) levelOf(c *policyv1.Card, s *Sheet) string {
	if s == nil || len(c.GetRepeat()) == 0 {
		return ""
	}
	scale, fact, _ := repeatLevels(p.live, c)
	if scale != "" {
		return s.Grade[scale]
	}
	return s.Facts[fact].GetChoice()
}

// repeatLevels finds what the levels of a card's repeat belong to, with all of them from mild to
// grave; levels is nil if to nothing.
func repeatLevels(p *policyv1.Pack, c *policyv1.Card) (scale, fact string, levels []string) {
	all := func(have []string) bool {
		for level := range c.GetRepeat() {
			if !slices.Contains(have, level) {
				return false
			}
		}
		return true
	}
	for _, sc := range p.GetGrades() {
		if ids := idsOf(sc.GetLevels()); all(ids) {
			return sc.GetId(), "", ids
		}
	}
	for _, form := range p.GetForms() {
		for _, f := range form.GetFields() {
			if f.GetType() == policyv1.FieldType_FIELD_TYPE_CHOICE && all(f.GetOptions()) {
				return "", f.GetId(), f.GetOptions()
			}
		}
	}
	return "", "", nil
}
