package policy

import (
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// choice is one rule of a menu with its condition, looked up when the pack is compiled.
type choice[T any] struct {
	rule T
	cond *condition // nil: always
}

// scale is a scale of gravity with what its levels are quoted by.
type scale struct {
	*policyv1.Scale
	levels []choice[*policyv1.Item]
	// quoted by level; a level without words of its own is not here.
	quoted map[string]*typev1.RuleRef
}

// menus are the lists of rules that decisions go through.
type menus struct {
	scales    map[string]*scale
	assign    []choice[*policyv1.Assign]
	approvals []choice[*policyv1.Approval]
	marks     []choice[*policyv1.Item]
	outside   []choice[*policyv1.Outside]
}

func (p *Policy) indexMenus() {
	p.menus = menus{
		scales: map[string]*scale{}, assign: menu(p, p.live.GetRouting().GetAssign()), approvals: menu(p, p.live.GetApprovals()),
		marks: menu(p, p.live.GetAcceptance().GetMarks()), outside: menu(p, p.live.GetAcceptance().GetOutside()),
	}
	for _, sc := range p.live.GetGrades() {
		s := &scale{Scale: sc, levels: menu(p, sc.GetLevels()), quoted: map[string]*typev1.RuleRef{}}
		p.menus.scales[sc.GetId()] = s
		for _, l := range sc.GetLevels() {
			if l.GetText() != nil {
				ref := quote(sc)
				ref.Pack, ref.Text = p.Rule(sc.GetId()).GetPack(), l.GetText()
				s.quoted[l.GetId()] = ref
			}
		}
	}
}

func menu[T interface{ GetIf() string }](p *Policy, rules []T) []choice[T] {
	out := make([]choice[T], len(rules))
	for i, r := range rules {
		out[i] = choice[T]{r, p.condition(r.GetIf())}
	}
	return out
}

// condition returns a condition of the pack; nil for the empty text, which always holds, and one that
// nobody can answer for a text that the pack does not hold.
func (p *Policy) condition(text string) *condition {
	if text == "" {
		return nil
	}
	if c, ok := p.conds[text]; ok {
		return c
	}
	return &condition{text: text}
}
