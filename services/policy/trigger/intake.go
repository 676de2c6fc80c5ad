package trigger

import (
	"google.golang.org/protobuf/proto"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
)

// ofIntake names what is found about a complaint after its registration, and praise.
func ofIntake(change proto.Message) []Trigger {
	switch c := change.(type) {
	case *intakev1.ComplaintJudged:
		return of(policyv1.Event_EVENT_COMPLAINT_JUDGED)
	case *intakev1.ComplaintAccepted:
		return of(policyv1.Event_EVENT_COMPLAINT_ACCEPTED)
	case *intakev1.ComplaintRepeated:
		return of(policyv1.Event_EVENT_REPEAT_FOUND)
	case *intakev1.PraiseRecorded:
		return of(policyv1.Event_EVENT_PRAISE_RECORDED)
	case *intakev1.CounterReached:
		return one(policyv1.Event_EVENT_COUNTER_REACHED, c.GetCounter())
	}
	return nil
}
