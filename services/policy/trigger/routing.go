package trigger

import (
	"google.golang.org/protobuf/proto"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// ofHandling names what people do with a case between classification and plan.
func ofHandling(change, state proto.Message) []Trigger {
	switch c := change.(type) {
	case *routingv1.CasePassedOn:
		return of(policyv1.Event_EVENT_CASE_PASSED_ON)
	case *routingv1.CaseSignedFor:
		return of(policyv1.Event_EVENT_CASE_SIGNED_FOR)
	case *routingv1.HandlingCompleted:
		return of(policyv1.Event_EVENT_CASE_HANDLING_COMPLETED)
	case *routingv1.OfferMade:
		return of(policyv1.Event_EVENT_OFFER_MADE)
	case *routingv1.OfferAnswered:
		return of(policyv1.Event_EVENT_OFFER_ANSWERED)
	case *routingv1.CaseDiagnosed:
		return of(policyv1.Event_EVENT_CASE_DIAGNOSED)
	case *routingv1.WorkOrderDone:
		return of(policyv1.Event_EVENT_CASE_WORK_ORDER_DONE)
	case *routingv1.NewsPublished:
		return of(policyv1.Event_EVENT_NEWS_RECEIVED)
	case *routingv1.CaseApprovalAsked:
		return one(policyv1.Event_EVENT_APPROVAL_ASKED, as[*routingv1.CaseApproval](state).GetApproval().GetId())
	case *routingv1.CaseApprovalSigned:
		return ofSignature(c.GetSign() != "", as[*routingv1.CaseApproval](state).GetApproval())
	}
	return nil
}

// ofSignature names what a decision of a signatory means: that a signature was given, and where it
// was the last, how the approval ended.
func ofSignature(signed bool, a *typev1.Approval) []Trigger {
	var out []Trigger
	if signed {
		out = one(policyv1.Event_EVENT_APPROVAL_SIGNED, a.GetId())
	}
	switch a.GetState() {
	case typev1.Approval_STATE_GRANTED:
		out = append(out, Trigger{policyv1.Event_EVENT_APPROVAL_GRANTED, a.GetId()})
	case typev1.Approval_STATE_REFUSED:
		out = append(out, Trigger{policyv1.Event_EVENT_APPROVAL_REFUSED, a.GetId()})
	}
	return out
}
