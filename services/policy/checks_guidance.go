package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/kit/calendar"
)

// checkGuidance: cards wait for each other in no circle, and what is to be repeated becomes no rarer
// as the level rises.
//
// Source: SCENARIOS.md P08-S2; PROCEDURES.md P08-A1.
func (c *checker) checkGuidance() {
	waits := map[string][]string{}
	for _, card := range c.pack.GetGuidance() {
		waits[card.GetId()] = card.GetAfter()
	}
	for _, card := range c.pack.GetGuidance() {
		path := "guidance." + card.GetId()
		if way := circle(waits, card.GetId()); way != nil && card.GetId() == slices.Min(way) {
			c.report(card, "after", path, "L28", "互相等待："+strings.Join(append(way, card.GetId()), " → ")+"。", "These wait for each other: "+strings.Join(append(way, card.GetId()), " → ")+".", words("请去掉其中一项。", "Drop one."))
		}
		if len(card.GetRepeat()) > 0 {
			c.checkRepeat(path, card)
		}
	}
}

func (c *checker) checkRepeat(path string, card *policyv1.Card) {
	_, _, levels := repeatLevels(c.pack, card)
	if levels == nil {
		c.report(card, "repeat", path, "L06", "没有等级标尺或选项含有这些级别。", "No scale and no choice has all of these levels: "+strings.Join(slices.Sorted(maps.Keys(card.GetRepeat())), ", ")+".",
			words("请用一个标尺或选项的级别。", "Use the levels of one scale, or the options of one choice."))
		return
	}
	last, mild := time.Duration(0), ""
	for _, level := range levels {
		l, err := calendar.ParseLimit(card.GetRepeat()[level])
		span, ok := l.Span()
		if err != nil || !ok {
			continue // a parameter without value, or reported as a figure
		}
		if mild != "" && span > last {
			c.report(card, "repeat."+level, path, "L37", fmt.Sprintf("%s 每 %s 重复，而 %s 每 %s。", level, card.GetRepeat()[level], mild, card.GetRepeat()[mild]),
				fmt.Sprintf("%s every %s at %s, but every %s at %s.", card.GetId(), card.GetRepeat()[level], level, card.GetRepeat()[mild], mild),
				words("级别越高不得越少。", "It must not become rarer as the level rises."))
		}
		last, mild = span, level
	}
}
