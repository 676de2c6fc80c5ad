package rehearse

import (
	"cmp"
	"slices"
	"strings"

	"example.com/redress/services/policy"
)

// maxWays bounds how many ways to one outcome are looked at. The 27 procedures need at most a few
// dozen.
const maxWays = 512

// want is what a condition has to be. A rule that waits for facts does not act, so that "not true" is
// less than "false".
type want int

const (
	isTrue want = iota
	isFalse
	notTrue
	notFalse
)

func (w want) met(t policy.Tri) bool {
	switch w {
	case isTrue:
		return t == policy.True
	case isFalse:
		return t == policy.False
	case notTrue:
		return t != policy.True
	}
	return t != policy.False
}

func (w want) negated() want { return [...]want{isFalse, isTrue, notFalse, notTrue}[w] }

// yes tells that an atom has to hold, rather than not to.
func (w want) yes() bool { return w == isTrue || w == notFalse }

// literal is one atom and what it has to be.
type literal struct {
	atom *policy.Part
	want want
}

// follows tells that another literal about the same fact says it already: that it is one certain value.
func (l literal) follows(o literal) bool {
	return o.atom != l.atom && o.want.yes() && o.atom.Relation == policy.RelationEqual && (l.atom.Relation != policy.RelationEqual || !l.want.yes())
}

// way is a set of literals that gives an outcome.
type way []literal

// ways returns the sets of literals each of which makes a condition as wanted; whole is false if there
// are more than are looked at.
func ways(part *policy.Part, w want) (out []way, whole bool) {
	switch part.Op {
	case policy.PartNot:
		return ways(part.Parts[0], w.negated())
	case policy.PartAtom:
		return []way{{{part, w}}}, true
	}
	// and is true if all are, false if one is; or the other way round.
	if all := part.Op == policy.PartAll; all == w.yes() {
		out, whole = []way{nil}, true
		for _, sub := range part.Parts {
			more, ok := ways(sub, w)
			out, whole = product(out, more), whole && ok
			if len(out) > maxWays {
				out, whole = out[:maxWays], false
			}
		}
		return out, whole
	}
	whole = true
	for _, sub := range part.Parts {
		more, ok := ways(sub, w)
		out, whole = append(out, more...), whole && ok
	}
	return out, whole
}

func product(a, b []way) []way {
	out := make([]way, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			if len(out) > maxWays {
				return out
			}
			out = append(out, append(slices.Clone(x), y...))
		}
	}
	return out
}

// solver looks for changes of one sheet.
type solver struct {
	p *policy.Policy
	s *policy.Sheet
}

// step is a way with what it would change.
type step struct {
	changes []Change
	opaque  []string
	sheet   *policy.Sheet
}

// solve returns the ways to make conditions as wanted, those with the fewest changed atoms first.
func (v solver) solve(all []literalOf) (out []step, whole bool) {
	sets := []way{nil}
	whole = true
	for _, c := range all {
		if c.part == nil { // the empty condition always holds
			if !c.want.met(policy.True) {
				return nil, whole
			}
			continue
		}
		more, ok := ways(c.part, c.want)
		sets, whole = product(sets, more), whole && ok && len(sets)*len(more) <= maxWays
	}
	for _, set := range sets {
		if st, ok := v.take(set); ok {
			out = append(out, st)
		}
	}
	slices.SortStableFunc(out, func(a, b step) int {
		return cmp.Or(cmp.Compare(len(a.opaque), len(b.opaque)), cmp.Compare(len(a.changes), len(b.changes)))
	})
	return out, whole
}

// literalOf is a condition and what it has to be.
type literalOf struct {
	part *policy.Part
	want want
}

// take works out one way: which atoms would have to change, and facts that change them without
// disturbing those that are right. ok is false if there are no such facts.
func (v solver) take(set way) (out step, ok bool) {
	out.sheet = v.s
	var facts []string
	for _, l := range set {
		switch {
		case l.want.met(v.p.Weigh(l.atom, v.s)):
		case !l.atom.Simple():
			if !slices.Contains(out.opaque, l.atom.Text) {
				out.opaque = append(out.opaque, l.atom.Text)
			}
		case !slices.Contains(facts, l.atom.Fact):
			facts = append(facts, l.atom.Fact)
		}
	}
	for _, fact := range facts {
		about := slices.DeleteFunc(slices.Clone(set), func(l literal) bool { return l.atom.Fact != fact })
		values, sheet, found := v.witness(fact, about, out.sheet)
		if !found {
			return out, false
		}
		out.sheet = sheet
		is, known := v.p.Shown(fact, v.s)
		for _, l := range about {
			if l.want.met(v.p.Weigh(l.atom, v.s)) {
				continue
			}
			if slices.ContainsFunc(about, func(o literal) bool { return l.follows(o) && !o.want.met(v.p.Weigh(o.atom, v.s)) }) {
				continue // the other one is told
			}
			c := Change{Fact: fact, Is: is, Known: known, Relation: l.atom.Relation, Not: !l.want.yes(), Values: l.atom.Values, Suppose: values}
			if !slices.ContainsFunc(out.changes, c.same) {
				out.changes = append(out.changes, c)
			}
		}
	}
	return out, true
}

// witness looks for values of one fact with which every statement about it is as wanted.
func (v solver) witness(fact string, about way, on *policy.Sheet) ([]string, *policy.Sheet, bool) {
	for _, values := range v.candidates(fact, about) {
		sheet, ok := v.p.Suppose(on, fact, values...)
		if !ok {
			continue
		}
		fits := !slices.ContainsFunc(about, func(l literal) bool { return !l.want.met(v.p.Weigh(l.atom, sheet)) })
		if fits {
			return values, sheet, true
		}
	}
	return nil, nil, false
}

// candidates are values worth trying: the constants that the fact is compared with and their
// neighbours, the other choices of the pack, nothing at all.
func (v solver) candidates(fact string, about way) [][]string {
	var out [][]string
	add := func(values ...string) { out = append(out, values) }
	var named []string
	for _, l := range about {
		switch l.atom.Relation {
		case policy.RelationIs:
			add("true")
			add("false")
		case policy.RelationContains:
			named = append(named, l.atom.Values...)
		case policy.RelationRecorded, policy.RelationPhrase:
			add()
			add("true")
			add("1")
			add("1.00")
		default:
			for _, value := range l.atom.Values {
				for _, near := range policy.Near(value) {
					add(near)
				}
			}
		}
	}
	if named != nil {
		return v.lists(fact, named, about)
	}
	for _, choice := range v.p.Choices(fact) {
		add(choice)
	}
	add("another") // where the pack does not close the list
	add()
	return out
}

// lists are the list as it is with the named ids in it or not, and no list at all.
func (v solver) lists(fact string, named []string, about way) [][]string {
	have := v.list(fact)
	yes, no := append([]string{}, have...), append([]string{}, have...)
	for _, l := range about {
		for _, id := range l.atom.Values {
			if l.atom.Relation != policy.RelationContains {
				continue
			}
			if l.want.yes() && !slices.Contains(yes, id) {
				yes = append(yes, id)
			}
			if !l.want.yes() {
				yes = slices.DeleteFunc(slices.Clone(yes), func(x string) bool { return x == id })
			}
		}
	}
	no = slices.DeleteFunc(no, func(x string) bool { return slices.Contains(named, x) })
	return [][]string{yes, no, {}, nil}
}

// list reads a list fact.
func (v solver) list(fact string) []string {
	text, known := v.p.Shown(fact, v.s)
	if !known || text == "" || text == policy.Sealed {
		return nil
	}
	return strings.Split(text, ", ")
}
