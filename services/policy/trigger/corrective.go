package trigger

import (
	"google.golang.org/protobuf/proto"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
)

// ofAction returns what the events of corrective-action mean: of actions, and of what
// has a resource of its own outside any complaint.
func ofAction(change, state proto.Message) []Trigger {
	action := as[*correctiveactionv1.Action](state)
	switch c := change.(type) {
	case *correctiveactionv1.ActionOpened:
		return one(policyv1.Event_EVENT_ACTION_OPENED, action.GetPolicyKind())
	case *correctiveactionv1.ActionFormFilled:
		return one(policyv1.Event_EVENT_FORM_FILLED, c.GetForm())
	case *correctiveactionv1.ActionApprovalAsked:
		return one(policyv1.Event_EVENT_APPROVAL_ASKED, action.GetApproval().GetId())
	case *correctiveactionv1.ActionSigned:
		return one(policyv1.Event_EVENT_APPROVAL_SIGNED, action.GetApproval().GetId())
	case *correctiveactionv1.ActionApproved:
		return one(policyv1.Event_EVENT_APPROVAL_GRANTED, action.GetApproval().GetId())
	case *correctiveactionv1.ActionRefused:
		return one(policyv1.Event_EVENT_APPROVAL_REFUSED, action.GetApproval().GetId())
	case *correctiveactionv1.ActionImplemented:
		return one(policyv1.Event_EVENT_ACTION_CARRIED_OUT, action.GetPolicyKind())
	case *correctiveactionv1.ActionVerified:
		return one(policyv1.Event_EVENT_ACTION_VERIFIED, action.GetPolicyKind())
	}
	return ofLedger(change, state)
}

// ofLedger returns what happens to entries, penalties, duties and files of departments.
// An entry's counter is told of on the entry itself.
func ofLedger(change, state proto.Message) []Trigger {
	penalty := as[*correctiveactionv1.Penalty](state)
	switch c := change.(type) {
	case *correctiveactionv1.EntryMade:
		return one(policyv1.Event_EVENT_ENTRY_MADE, as[*correctiveactionv1.Entry](state).GetEntry())
	case *correctiveactionv1.CounterReached:
		return one(policyv1.Event_EVENT_COUNTER_REACHED, c.GetCounter())
	case *correctiveactionv1.PenaltyRaised:
		t := one(policyv1.Event_EVENT_FORM_FILLED, penalty.GetForm())
		if asked := penalty.GetApproval(); asked != nil {
			t = append(t, Trigger{policyv1.Event_EVENT_APPROVAL_ASKED, asked.GetId()})
		}
		return t
	case *correctiveactionv1.PenaltySigned:
		return one(policyv1.Event_EVENT_APPROVAL_SIGNED, penalty.GetApproval().GetId())
	case *correctiveactionv1.PenaltyApproved:
		if penalty.GetApproval() == nil {
			return nil
		}
		return one(policyv1.Event_EVENT_APPROVAL_GRANTED, penalty.GetApproval().GetId())
	case *correctiveactionv1.PenaltyRefused:
		return one(policyv1.Event_EVENT_APPROVAL_REFUSED, penalty.GetApproval().GetId())
	case *correctiveactionv1.DutyDone:
		return one(policyv1.Event_EVENT_STEP_DONE, as[*correctiveactionv1.Duty](state).GetStep())
	case *correctiveactionv1.DepartmentFormFiled:
		return one(policyv1.Event_EVENT_FORM_FILLED, as[*correctiveactionv1.DepartmentFile](state).GetForm())
	}
	return nil
}
