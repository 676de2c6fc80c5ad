package policy

import (
	"slices"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// Conforms compares a reply with the notice that asks for it: conforms is whether it was sent by one
// of the notice's media, normal whether one of by (roles of who replied) is among those who normally
// issue it. Another replier is recorded, not refused. WRITTEN in a notice means letter, e-mail or fax.
//
// notice names the notice replied with; empty means the first notice to the customer that says who
// replies or how, that no event issues by itself, and whose condition holds. Where there is none,
// every reply conforms and rule is nil.
//
// Source: PACK-SKETCH.md 2.4 (reply.conforms); PROCEDURES.md P13, P15 1.
func (p *Policy) Conforms(notice, medium string, by []string, s *Sheet) (conforms, normal bool, rule *typev1.RuleRef) {
	n := ByID(p.live.GetNotices(), notice)
	if notice == "" {
		n = p.asked(s)
	}
	if n == nil {
		return true, true, nil
	}
	m := policyv1.Medium(policyv1.Medium_value["MEDIUM_"+medium])
	conforms = len(n.GetMedia()) == 0 || slices.ContainsFunc(n.GetMedia(), func(want policyv1.Medium) bool { return covers(want, m) })
	normal = len(n.GetNormally()) == 0 || slices.ContainsFunc(n.GetNormally(), func(who string) bool { return slices.Contains(by, who) })
	return conforms, normal, p.Rule(n.GetId())
}

func (p *Policy) asked(s *Sheet) *policyv1.Notice {
	for _, n := range p.live.GetNotices() {
		if len(n.GetIssue()) > 0 || len(n.GetMedia())+len(n.GetNormally()) == 0 || !slices.Contains(n.GetTo(), "customer") {
			continue
		}
		if t, _ := p.holds(n.GetIf(), s); t == True {
			return n
		}
	}
	return nil
}

func covers(want, have policyv1.Medium) bool {
	if want == policyv1.Medium_MEDIUM_WRITTEN {
		return slices.Contains([]policyv1.Medium{want, policyv1.Medium_MEDIUM_LETTER, policyv1.Medium_MEDIUM_EMAIL, policyv1.Medium_MEDIUM_FAX}, have)
	}
	return want == have && want != policyv1.Medium_MEDIUM_UNSPECIFIED
}
