package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	kitmoney "example.com/redress/services/kit/money"
)

// checkMoney: standards fix one figure each, shares add up, and the remainder has an owner.
func (c *checker) checkMoney() {
	for i, s := range c.pack.GetCompensation().GetStandards() {
		path := "compensation.standards." + s.GetId()
		ways := 0
		for _, v := range []string{s.GetRatio(), s.GetActual(), s.GetAmount()} {
			if v != "" {
				ways++
			}
		}
		switch {
		case ways != 1:
			c.report(s, "", path, "L03", "须恰有 ratio、actual 或 amount 之一。", "A standard has exactly one of ratio, actual and amount.", nil)
		case (s.GetRatio() == "") != (s.GetUnits() == ""):
			c.report(s, "", path, "L03", "ratio 与 units 须同时写明。", "A ratio needs the units it is of.", words("请写 units。", "Name a COUNT fact: units."))
		}
		c.factType(s, "units", path, s.GetUnits(), policyv1.FieldType_FIELD_TYPE_COUNT)
		c.factType(s, "actual", path, s.GetActual(), policyv1.FieldType_FIELD_TYPE_MONEY)
		for _, before := range c.pack.GetCompensation().GetStandards()[:i] {
			if before.GetIf() == "" && before.GetRemedy() == s.GetRemedy() {
				c.unreached(s, path, before.GetId(), s.GetId())
				break
			}
		}
	}
	if l := c.pack.GetLiability(); l != nil {
		c.checkLiability(l)
	}
}

// factType reports a fact of another type than the field that names it asks for.
func (c *checker) factType(m rule, field, path, fact string, want policyv1.FieldType) {
	f := c.words.facts[fact].field
	if fact == "" || f == nil || f.GetType() == want {
		return
	}
	kind := strings.TrimPrefix(want.String(), "FIELD_TYPE_")
	c.report(m, field, path, "L03", fmt.Sprintf("%q 不是 %s。", fact, kind), fmt.Sprintf("%q is not a %s.", fact, kind), nil)
}

func (c *checker) checkLiability(l *policyv1.Liability) {
	if r := l.GetRemainder(); r != "" && !slices.Contains(l.GetParties(), r) {
		c.report(l, "remainder", "liability", "L06", fmt.Sprintf("没有承担方 %q。", r), fmt.Sprintf("Party %q is not declared.", r), didYouMean(r, l.GetParties()))
	}
	for i, cause := range l.GetCauses() {
		path := "liability.causes." + cause.GetId()
		if len(cause.GetOf()) == 0 {
			c.report(cause, "", path, "L02", "缺少 of。", "of is missing: shares of what?", didYouMean("", enumWords(policyv1.Base(0).Descriptor())))
		}
		c.checkShares(path, l, cause)
		for _, before := range l.GetCauses()[:i] {
			if before.GetIf() != "" || before.GetEach() != cause.GetEach() {
				continue
			}
			if all := !slices.ContainsFunc(cause.GetOf(), func(b policyv1.Base) bool { return !slices.Contains(before.GetOf(), b) }); all && len(cause.GetOf()) > 0 {
				c.unreached(cause, path, before.GetId(), cause.GetId())
				break
			}
		}
	}
}

func (c *checker) checkShares(path string, l *policyv1.Liability, cause *policyv1.Cause) {
	var sum kitmoney.Share
	for _, party := range slices.Sorted(maps.Keys(cause.GetShares())) {
		if !slices.Contains(l.GetParties(), party) {
			c.report(cause, "shares."+party, path, "L06", fmt.Sprintf("没有承担方 %q。", party), fmt.Sprintf("Party %q is not declared.", party), didYouMean(party, l.GetParties()))
		}
		share, err := kitmoney.ParseShare(cause.GetShares()[party])
		if err != nil {
			return // a parameter without value, or reported as a figure
		}
		sum += share
	}
	switch {
	case len(cause.GetShares()) == 0:
		c.report(cause, "", path, "L22", "没有写明份额。", "It gives out nothing: shares is missing.", nil)
	case sum > kitmoney.Whole:
		c.report(cause, "shares", path, "L22", fmt.Sprintf("%s 共分出 %s。", cause.GetId(), sum), fmt.Sprintf("%s gives out %s.", cause.GetId(), sum), words("请降低其中一份。", "Lower one share."))
	case sum < kitmoney.Whole && l.GetRemainder() == "":
		rest := kitmoney.Whole - sum
		c.report(cause, "shares", path, "L22", fmt.Sprintf("份额合计 %s，其余 %s 由谁承担？", sum, rest), fmt.Sprintf("The shares make %s; who bears %s?", sum, rest), words("请写 remainder。", "Name a remainder."))
	}
}
