package domain

import (
	"maps"

	"google.golang.org/protobuf/proto"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/approval"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/sheet"
)

// Sheet returns what conditions read about a complaint, its case and the newest
// plan: the category as the case classified it, the plan in scope, the forms that
// were filled with a duty, and the signatures that approvals still miss. complaint
// and plan may be nil.
func Sheet(p *policy.Policy, complaint *intakev1.Complaint, kase *routingv1.Case, plan *routingv1.Plan) *policy.Sheet {
	s := sheet.Of(complaint, kase)
	if c := kase.GetCategory(); c != "" && s.Complaint != nil {
		s.Complaint.Category = &c
	}
	for _, done := range s.Done {
		if form := step(p, done).GetForm(); form != "" {
			s.Filled = append(s.Filled, form)
		}
	}
	s.Unsigned = map[string][]string{}
	for _, a := range []*typev1.Approval{kase.GetGradeProposal().GetApproval(), plan.GetApproval()} {
		if a.GetState() == typev1.Approval_STATE_OPEN {
			s.Unsigned[a.GetId()] = approval.Missing(a)
		}
	}
	if plan != nil {
		s = sheet.WithPlan(s, plan)
	}
	return s
}

// Scoped adds what an event is about: a reply, an offer, an approval, a clock, an
// answer, a notice, a claim or an action. Other subjects add nothing.
func Scoped(s *policy.Sheet, subject proto.Message) *policy.Sheet {
	switch m := subject.(type) {
	case *intakev1.ComplaintRepeated:
		return sheet.WithRepeat(s, m)
	case *routingv1.Reply:
		return sheet.WithReply(s, m)
	case *routingv1.Plan:
		return sheet.WithPlan(s, m)
	case *clockv1.Clock:
		return sheet.WithClock(s, m)
	case *notificationv1.FollowUp:
		return sheet.WithFollowUp(s, m)
	case *notificationv1.Notice:
		return sheet.WithNotice(s, m)
	case *compensationv1.Claim:
		return sheet.WithClaim(s, m)
	case *compensationv1.Goods:
		return sheet.WithGoods(s, m)
	case *compensationv1.Allocation:
		return sheet.WithAllocation(s, m)
	case *correctiveactionv1.Action:
		return sheet.WithAction(s, m)
	case *routingv1.Offer:
		return sheet.WithOffer(s, m)
	case *routingv1.CaseApproval:
		return sheet.WithCaseApproval(s, m)
	}
	return s
}

// merged returns the facts of a sheet with others added.
func merged(s *policy.Sheet, facts map[string]*typev1.Fact) *policy.Sheet {
	c := *s
	if c.Facts = maps.Clone(s.Facts); c.Facts == nil {
		c.Facts = map[string]*typev1.Fact{}
	}
	maps.Copy(c.Facts, facts)
	return &c
}
