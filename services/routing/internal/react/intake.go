package react

import (
	"time"

	"google.golang.org/protobuf/proto"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/policy"
	"example.com/redress/services/routing/internal/app"
	"example.com/redress/services/routing/internal/domain"
)

// onFinding returns what is to be done when something is found about a complaint
// after its registration: that it stands or not, repeats another, is counted, has
// new papers, or is none of the procedure's.
func onFinding(c *intakev1.Complaint, at time.Time, change proto.Message) func(*app.Acting) []domain.Trigger {
	base := domain.Trigger{At: at}
	var rule string
	switch m := change.(type) {
	case *intakev1.ComplaintJudged:
		rule = m.GetRule()
	case *intakev1.ComplaintOutside:
		rule = m.GetOutside()
	case *intakev1.ComplaintRepeated:
		base.Subject = m
	case *intakev1.ComplaintAccepted, *intakev1.DocumentsProvided, *intakev1.CounterReached:
	default:
		return nil
	}
	return func(a *app.Acting) []domain.Trigger {
		a.FactsChanged(c)
		s := a.Sheet()
		a.Recompute(s)
		a.Apply(a.Policy().Follows(consequences(a.Policy(), rule), s), base, s)
		if m, outside := change.(*intakev1.ComplaintOutside); outside {
			a.CloseOutside(m.GetOutcome(), c.GetOutside())
		}
		return of(change, c, base)
	}
}

// consequences returns what the pack says to do when a window has closed or a
// complaint is outside; nothing for other rules.
func consequences(p *policy.Policy, rule string) []policy.RuleDo {
	if rule == "" {
		return nil
	}
	var do []*policyv1.Do
	for _, w := range p.Rules().GetAcceptance().GetWindows() {
		if w.GetId() == rule {
			do = w.GetDo()
		}
	}
	for _, o := range p.Rules().GetAcceptance().GetOutside() {
		if o.GetId() == rule {
			do = o.GetDo()
		}
	}
	out := make([]policy.RuleDo, len(do))
	for i, d := range do {
		out[i] = policy.RuleDo{Rule: p.Rule(rule), Do: d}
	}
	return out
}
