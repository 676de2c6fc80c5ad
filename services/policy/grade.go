package policy

import (
	"slices"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// GradeResult is the level that the facts give.
type GradeResult struct {
	// Level is the level's id; empty if none applies yet.
	Level string
	// Rule quotes the level and its scale. It is shared: callers must not change it.
	Rule *typev1.RuleRef
	// MayRise names the facts that are not recorded and could change the level, sorted.
	MayRise []string
	// SetBy and Approval say who may set another level, and which approval that needs.
	SetBy    []string
	Approval string
}

// Grade returns the gravest level of a scale whose condition holds, or the scale's otherwise. A
// level that cannot be decided yet does not match; MayRise names what it waits for. An unknown
// scale gives the zero result.
//
// Source: PACK-SKETCH.md 2.2 Scale, 2.7.
func (p *Policy) Grade(scale string, s *Sheet) GradeResult {
	sc := p.menus.scales[scale]
	if sc == nil {
		return GradeResult{}
	}
	out := GradeResult{Rule: p.Rule(scale), SetBy: sc.GetSetBy(), Approval: sc.GetApproval(), Level: sc.GetOtherwise()}
	r := p.words.over(s)
	for _, l := range slices.Backward(sc.levels) {
		if l.cond == nil {
			continue // set by a person only
		}
		t, missing := r.holds(l.cond)
		if t == Unknown {
			out.MayRise = append(out.MayRise, missing...)
		}
		if t == True {
			out.Level = l.rule.GetId()
			break
		}
	}
	if ref := sc.quoted[out.Level]; ref != nil {
		out.Rule = ref
	}
	slices.Sort(out.MayRise)
	out.MayRise = slices.Compact(out.MayRise)
	return out
}

// Marks returns the marks whose condition holds, in the order of the pack.
func (p *Policy) Marks(s *Sheet) []string {
	var out []string
	r := p.words.over(s)
	for _, m := range p.menus.marks {
		if t, _ := r.holds(m.cond); t == True {
			out = append(out, m.rule.GetId())
		}
	}
	return out
}

// Outside returns the first case that the procedure does not handle, or nil. One that cannot be
// decided does not apply yet.
func (p *Policy) Outside(s *Sheet) (*policyv1.Outside, *typev1.RuleRef) {
	r := p.words.over(s)
	for _, o := range p.menus.outside {
		if t, _ := r.holds(o.cond); t == True {
			return o.rule, p.Rule(o.rule.GetId())
		}
	}
	return nil, nil
}

// Satisfied tells whether the answers of a follow-up count as satisfied. It is unknown for a
// follow-up without such a condition.
//
// Source: PROCEDURES.md P26-A2 for the template: the customer's explicit confirmation, not the
// scores.
func (p *Policy) Satisfied(followUp string, s *Sheet) (Tri, []string) {
	f := ByID(p.live.GetFollowUp(), followUp)
	if f.GetSatisfied() == "" {
		return Unknown, nil
	}
	return p.holds(f.GetSatisfied(), s)
}

// Assess reads one row of a measure. among says whether the row is one of the measure's, counts
// whether it counts; a row that cannot be assessed is to be listed with what is missing.
func (p *Policy) Assess(measure string, s *Sheet) (among, counts Tri, missing []string) {
	m := ByID(p.live.GetReports().GetMeasures(), measure)
	if m == nil {
		return False, False, nil
	}
	among, missing = p.holds(m.GetAmong(), s)
	if among != True {
		return among, Unknown, missing
	}
	if m.GetCounts() == "" {
		return True, True, nil
	}
	counts, missing = p.holds(m.GetCounts(), s)
	return among, counts, missing
}

// ByID returns the item of that id, or nil; nil also for the empty id. Cost: it
// looks at every item, which in a pack are a few dozen.
func ByID[T any, P interface {
	*T
	GetId() string
}](items []P, id string) P {
	for _, i := range items {
		if i.GetId() == id && id != "" {
			return i
		}
	}
	return nil
}
