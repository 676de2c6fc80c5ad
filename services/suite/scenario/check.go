package scenario

import (
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
)

// check looks at a row before it is played: whatever can be known to be wrong is
// reported with its place, all at once.
func (e *expander) check(p *play) {
	if len(p.moves) == 0 {
		e.wrong.add(p.spot, "no move is left to play in %s", p.name)
		return
	}
	actor, placed := "", false
	for _, m := range p.moves {
		if m.GetAs() != "" {
			actor = m.GetAs()
			if err := p.pack.words.actor(actor); err != nil {
				e.wrong.add(m.spot.at("as"), "%v", err)
			}
		}
		if m.GetAt() != "" {
			if err := checkTime(m.GetAt(), placed); err != nil {
				e.wrong.add(m.spot.at("at"), "%v", err)
			}
			placed = true
		}
		e.checkMove(p, m, actor)
	}
	if !placed {
		e.wrong.add(p.spot, "%s never says when: give the first move an at", p.name)
	}
	for i, v := range p.scenario.GetVacant() {
		if !p.pack.words.mayBeVacant(v) {
			e.wrong.add(p.spot.at("vacant", i), "%q is no role, no members of a department and no channel of the pack", v)
		}
	}
}

func (e *expander) checkMove(p *play, m *move, actor string) {
	switch {
	case len(m.GetReceivers().GetFields()) > 0:
		e.wrong.add(m.spot.at("receivers"), "this release has no receivers in scenarios")
	}
	e.checkAnswers(p, m)
	e.checkForce(p, m, actor)
	if m.GetCall() == policyv1.Act_ACT_UNSPECIFIED {
		switch {
		case m.GetActivate() != nil || m.GetDesignate() != nil:
		case m.GetRefused() != nil:
			e.wrong.add(m.spot.at("refused"), "nothing is called here that could be refused")
		case len(m.GetWith().GetFields()) > 0:
			e.wrong.add(m.spot.at("with"), "nothing is called here that takes values")
		case m.GetAt() == "" && m.GetAs() == "" && m.GetExpect() == nil && len(m.GetAnswers().GetFields()) == 0:
			e.wrong.add(m.spot, "this move does nothing")
		}
	} else {
		e.checkCall(p, m, actor)
	}
	if r := m.GetRefused(); r != nil && m.GetActivate() == nil {
		if choice := r.GetBecause() == policyv1.Because_BECAUSE_CHOICE; r.GetBecause() == policyv1.Because_BECAUSE_UNSPECIFIED || r.GetRule() == "" && !choice {
			e.wrong.add(m.spot.at("refused"), "a refusal names because and rule; only what is none of the choices may be refused without a rule")
		} else if r.GetRule() != "" && p.pack.policy.Rule(r.GetRule()) == nil {
			e.wrong.add(m.spot.at("refused", "rule"), "the pack has no rule %q", r.GetRule())
		}
		if m.GetName() != "" {
			e.wrong.add(m.spot.at("name"), "what is refused makes nothing that could have a name")
		}
	}
	if x := m.GetExpect(); x != nil {
		e.checkExpect(p, m, x)
	}
}

// checkForce looks at a move that puts the pack in force or names a designee.
func (e *expander) checkForce(p *play, m *move, actor string) {
	w := p.pack.words
	if a := m.GetActivate(); a != nil {
		if m.GetCall() != policyv1.Act_ACT_UNSPECIFIED {
			e.wrong.add(m.spot, "a move either activates the pack or calls an act")
		}
		for _, id := range slices.Sorted(maps.Keys(a.GetParameters())) {
			if !ids(w.pack.GetParameters())[id] {
				e.wrong.add(m.spot.at("activate", "parameters", id), "the pack has no parameter %q", id)
			}
		}
		switch r := m.GetRefused(); {
		case r == nil:
		case r.GetBecause() == policyv1.Because_BECAUSE_UNSPECIFIED || r.GetRule() == "" && len(r.GetMissing()) == 0:
			e.wrong.add(m.spot.at("refused"), "a pack is refused because of a rule of lint or of parameters that are missing")
		}
	}
	if d := m.GetDesignate(); d != nil {
		if actor == "" || actor == customer {
			e.wrong.add(m.spot.at("designate"), "nobody acts who could name a designee: say as")
		}
		if !w.roles[d.GetRole()] {
			e.wrong.add(m.spot.at("designate", "role"), "the pack has no role %q", d.GetRole())
		}
		if err := w.actor(d.GetTo()); err != nil {
			e.wrong.add(m.spot.at("designate", "to"), "%v", err)
		}
	}
}

func (e *expander) checkCall(p *play, m *move, actor string) {
	a, ok := p.pack.words.act(m.GetCall(), m.GetWith().GetFields())
	if !ok {
		e.wrong.add(m.spot.at("call"), "this release has no RPC for %s", word(m.GetCall()))
		return
	}
	if actor == "" {
		e.wrong.add(m.spot, "nobody acts yet: say as")
	}
	for _, k := range slices.Sorted(maps.Keys(m.GetWith().GetFields())) {
		v := m.GetWith().GetFields()[k]
		if n := v.GetNumberValue(); n != float64(int64(n)) {
			e.wrong.add(m.spot.at("with", k), "%v is not a whole number; write amounts in quotes", n)
		}
		if !a.accepts(k, p.pack.words) {
			e.wrong.add(m.spot.at("with", k), "%s takes no %q and no form of the pack has such a field", word(m.GetCall()), k)
		}
	}
	known := func(key, what string, has func(string) bool) {
		v, ok := m.GetWith().GetFields()[key]
		if ok && !has(v.GetStringValue()) {
			e.wrong.add(m.spot.at("with", key), "the pack has no %s %q", what, v.GetStringValue())
		}
	}
	w := p.pack.words
	known("form", "form", func(s string) bool { return w.forms[s] != nil })
	known("step", "step", func(s string) bool { return w.steps[s] })
	known("approval", "approval", func(s string) bool { return w.approvals[s] != nil })
}

func (e *expander) checkExpect(p *play, m *move, x *policyv1.Expect) {
	w := p.pack.words
	all := func(field string, keys []string, has func(string) bool) {
		slices.Sort(keys)
		for _, k := range keys {
			if !has(k) {
				e.wrong.add(m.spot.at("expect", field, k), "the pack has no %s %q", strings.TrimSuffix(field, "s"), k)
			}
		}
	}
	before := func(k string) string { head, _, _ := strings.Cut(k, "."); return head }
	all("clocks", slices.Collect(maps.Keys(x.GetClocks())), func(k string) bool { return w.clocks[before(k)] })
	all("steps", slices.Collect(maps.Keys(x.GetSteps())), func(k string) bool { return w.steps[k] })
	all("approvals", slices.Collect(maps.Keys(x.GetApprovals())), func(k string) bool { return w.approvals[k] != nil })
	all("notices", slices.Collect(maps.Keys(x.GetNotices())), func(k string) bool { return w.notices[before(k)] })
	all("report", slices.Collect(maps.Keys(x.GetReport().GetFields())), func(k string) bool { return w.measures[k] })
	all("newest", slices.Collect(maps.Keys(x.GetNewest().GetFields())), func(k string) bool { return patternOfCollection(k) != "" })
	for i, c := range x.GetCounts() {
		m1 := listOf(c.GetOf())
		if m1 == nil {
			e.wrong.add(m.spot.at("expect", "counts", i, "of"), "no RPC lists %q", c.GetOf())
			continue
		}
		for _, field := range slices.Sorted(maps.Keys(c.GetWhere().GetFields())) {
			if rowsOf(m1.desc.Output()).Message().Fields().ByName(protoreflect.Name(field)) == nil {
				e.wrong.add(m.spot.at("expect", "counts", i, "where", field), "%s have no %q", c.GetOf(), field)
			}
		}
	}
	for i, b := range x.GetEntries() {
		if b.GetTo() == "" {
			e.wrong.add(m.spot.at("expect", "entries", i), "an entry says to whom it is booked")
		}
	}
	if len(expected(x)) == 0 {
		e.wrong.add(m.spot.at("expect"), "nothing is expected here")
	}
}

// word returns an enum value as scenarios write it: ACT_SIGN is SIGN.
func word(e protoreflect.Enum) string {
	v := e.Descriptor().Values().ByNumber(e.Number())
	if v == nil {
		return ""
	}
	prefix := strings.TrimSuffix(string(e.Descriptor().Values().Get(0).Name()), "UNSPECIFIED")
	return strings.TrimPrefix(string(v.Name()), prefix)
}
