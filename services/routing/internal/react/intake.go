package react

import (
	"time"

	"google.golang.org/protobuf/proto"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/policy/trigger"
	"example.com/redress/services/routing/internal/app"
	"example.com/redress/services/routing/internal/domain"
)

// onFinding returns what is to be done when something is found about a complaint
// after its registration: that it stands or not, repeats another, is counted, has
// new papers, or is none of the procedure's.
func onFinding(c *intakev1.Complaint, at time.Time, change proto.Message) func(*app.Acting) []domain.Trigger {
	base := domain.Trigger{At: at}
	switch m := change.(type) {
	case *intakev1.ComplaintRepeated:
		base.Subject = m
	case *intakev1.ComplaintJudged, *intakev1.ComplaintOutside, *intakev1.ComplaintAccepted, *intakev1.DocumentsProvided, *intakev1.CounterReached:
	default:
		return nil
	}
	return func(a *app.Acting) []domain.Trigger {
		a.FactsChanged(c)
		s := a.Sheet()
		a.Recompute(s)
		a.Apply(a.Policy().Follows(a.Policy().Found(trigger.Found(change, c)), s), base, s)
		if m, outside := change.(*intakev1.ComplaintOutside); outside {
			a.CloseOutside(m.GetOutcome(), c.GetOutside())
		}
		return of(change, c, base)
	}
}
