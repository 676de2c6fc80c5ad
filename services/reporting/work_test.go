package reporting_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// office makes a complaint in every situation that waits for somebody, at noon of
// 9 April.
func office(t *testing.T) *bed {
	t.Helper()
	b := newBed(t, "04-09 12:00:00")
	verified := func(c *intakev1.Complaint, k *routingv1.Case) {
		c.State, k.State = intakev1.Complaint_STATE_VERIFIED, routingv1.Case_STATE_HANDLING
		c.Verification = &intakev1.Verification{VerifyTime: stamp(t, "04-08 10:30:00")}
		k.Departments = []string{"departments/product"}
	}
	// a: to verify, a duty owed, and a late answer.
	b.complaint("a", "04-08 10:00:00", func(_ *intakev1.Complaint, k *routingv1.Case) {
		k.Steps = []*routingv1.Step{
			{Id: "obtain_records", State: routingv1.Step_STATE_OPEN, By: []string{"customer_service_specialist"}, OpenTime: stamp(t, "04-08 10:00:00"), Rule: b.policy.Rule("obtain_records"), Round: 1},
			{Id: "classify", State: routingv1.Step_STATE_DONE, By: []string{"customer_service_specialist"}},
		}
	})
	b.response("a", "04-08 10:00:00", "04-09 10:00:00", clockv1.Clock_STATE_BREACHED)
	// b: waits for a plan; its grade for a signature.
	b.complaint("b", "04-09 09:00:00", func(c *intakev1.Complaint, k *routingv1.Case) {
		verified(c, k)
		k.GradeProposal = &routingv1.GradeProposal{Scale: "severity", Level: "major", Approval: &typev1.Approval{
			Id: "grade", State: typev1.Approval_STATE_OPEN, AskedBy: "people/group", AskTime: stamp(t, "04-09 10:00:00"), Rule: b.policy.Rule("grade"),
			Steps: []*typev1.ApprovalStep{{Id: "approve_grade", Kind: typev1.ApprovalStep_KIND_APPROVE, State: typev1.ApprovalStep_STATE_OPEN, Who: []string{"department_director"}}},
		}}
	})
	b.response("b", "04-09 09:00:00", "04-10 09:00:00", clockv1.Clock_STATE_RUNNING)
	// c: a proposed plan, asked for by the owner.
	b.complaint("c", "04-08 11:00:00", func(c *intakev1.Complaint, k *routingv1.Case) {
		verified(c, k)
		k.Owner, k.CurrentPlan = "people/owner", "cases/c/plans/1"
	})
	b.plan("c", routingv1.Plan_STATE_PROPOSED, &typev1.Approval{
		Id: "plan", State: typev1.Approval_STATE_OPEN, AskedBy: "people/owner", AskTime: stamp(t, "04-08 12:00:00"),
		Steps: []*typev1.ApprovalStep{
			{Id: "group", Kind: typev1.ApprovalStep_KIND_REVIEW, State: typev1.ApprovalStep_STATE_OPEN, Who: []string{"anyone@complaint_handling_group"}},
			{Id: "director", Kind: typev1.ApprovalStep_KIND_APPROVE, State: typev1.ApprovalStep_STATE_WAITING, Who: []string{"operations_director"}},
		},
	})
	// d: a running plan with a measure of the owner and a claim owed, and money.
	b.complaint("d", "04-08 12:00:00", func(c *intakev1.Complaint, k *routingv1.Case) {
		verified(c, k)
		k.Owner, k.CurrentPlan = "people/owner", "cases/d/plans/1"
	})
	b.plan("d", routingv1.Plan_STATE_RUNNING, nil,
		&routingv1.Measure{Id: "exchange", Person: "people/owner", State: routingv1.Measure_STATE_RUNNING, Clock: "cases/d/clocks/measure-1"},
		&routingv1.Measure{Id: "done", Person: "people/owner", State: routingv1.Measure_STATE_DONE},
		&routingv1.Measure{Id: "pay", Kind: routingv1.Measure_KIND_COMPENSATION, State: routingv1.Measure_STATE_RUNNING},
	)
	b.put("routing", "cases/d/clocks/measure-1", &clockv1.Clock{
		Name: "cases/d/clocks/measure-1", Subject: "cases/d", Complaint: "complaints/d", Kind: "measure", State: clockv1.Clock_STATE_RUNNING,
		StartTime: stamp(t, "04-08 13:00:00"), DueTime: stamp(t, "04-15 18:00:00"),
	}, &clockv1.ClockChanged{Kind: clockv1.ClockChanged_KIND_STARTED}, at(t, "04-08 13:00:00"))
	for id, state := range map[string]compensationv1.Claim_State{
		"draft": compensationv1.Claim_STATE_DRAFT, "approved": compensationv1.Claim_STATE_APPROVED, "paid": compensationv1.Claim_STATE_PAID,
	} {
		b.put("compensation", "claims/"+id, &compensationv1.Claim{
			Name: "claims/" + id, Complaint: "complaints/d", State: state, Initiator: "people/specialist", UpdateTime: stamp(t, "04-08 14:00:00"),
		}, &compensationv1.ClaimDrafted{}, at(t, "04-08 14:00:00"))
	}
	// e: closed, its action goes on; one more is to be verified by another than who did it.
	b.complaint("e", "04-01 12:00:00", func(c *intakev1.Complaint, k *routingv1.Case) {
		c.State, k.State = intakev1.Complaint_STATE_ARCHIVED, routingv1.Case_STATE_CLOSED
	})
	b.put("corrective-action", "actions/open", &correctiveactionv1.Action{
		Name: "actions/open", Complaint: "complaints/e", State: correctiveactionv1.Action_STATE_OPEN, Owner: "people/owner",
		CreateTime: stamp(t, "04-01 13:00:00"), DueTime: stamp(t, "04-09 11:59:59"),
	}, &correctiveactionv1.ActionOpened{}, at(t, "04-01 13:00:00"))
	b.put("corrective-action", "actions/done", &correctiveactionv1.Action{
		Name: "actions/done", Complaint: "complaints/e", State: correctiveactionv1.Action_STATE_IMPLEMENTED, Owner: "people/owner",
		Implementation: &correctiveactionv1.Implementation{Principal: "people/owner", ImplementTime: stamp(t, "04-02 13:00:00")},
	}, &correctiveactionv1.ActionImplemented{}, at(t, "04-02 13:00:00"))
	// f: answered, the customer is to be asked; a notice found nobody.
	b.complaint("f", "04-07 12:00:00", func(c *intakev1.Complaint, k *routingv1.Case) {
		verified(c, k)
		k.State, k.Owner, k.CurrentPlan = routingv1.Case_STATE_ANSWERED, "people/owner", "cases/f/plans/1"
		k.Obligations = []*typev1.Obligation{{Kind: "follow_up", State: typev1.Obligation_STATE_OPEN, BlocksClose: true}}
	})
	b.plan("f", routingv1.Plan_STATE_CARRIED_OUT, nil)
	b.put("notification", "followUps/f", &notificationv1.FollowUp{
		Name: "followUps/f", Complaint: "complaints/f", Number: "C-f", Kind: "survey", State: notificationv1.FollowUp_STATE_OPEN,
		OpenTime: stamp(t, "04-08 16:00:00"), Round: 1, Handlers: []string{"people/owner"},
	}, &notificationv1.FollowUpOpened{}, at(t, "04-08 16:00:00"))
	for id, state := range map[string]notificationv1.Notice_State{"lost": notificationv1.Notice_STATE_NO_ADDRESS, "sent": notificationv1.Notice_STATE_DELIVERED} {
		b.put("notification", "notices/"+id, &notificationv1.Notice{
			Name: "notices/" + id, Complaint: "complaints/f", Kind: "result", State: state, CreateTime: stamp(t, "04-08 16:00:01"),
		}, &notificationv1.NoticeIssued{}, at(t, "04-08 16:00:01"))
	}
	// g: the customer is satisfied.
	b.complaint("g", "04-06 12:00:00", func(c *intakev1.Complaint, k *routingv1.Case) {
		verified(c, k)
		k.State, k.Owner, k.CurrentPlan = routingv1.Case_STATE_ANSWERED, "people/owner", "cases/g/plans/1"
		k.Satisfaction = &routingv1.SatisfactionResult{Satisfied: true, Round: 1, AnswerTime: stamp(t, "04-08 17:00:00")}
	})
	b.plan("g", routingv1.Plan_STATE_CARRIED_OUT, nil)
	b.caughtUp()
	return b
}

func (b *bed) response(id, from, due string, state clockv1.Clock_State) {
	b.t.Helper()
	c := &clockv1.Clock{
		Name: "cases/" + id + "/clocks/response-1", Subject: "cases/" + id, Complaint: "complaints/" + id, Kind: "response", State: state,
		StartTime: stamp(b.t, from), DueTime: stamp(b.t, due), Rule: b.policy.Rule("response"), OwedBy: []string{"customer_service_specialist"},
	}
	kind := clockv1.ClockChanged_KIND_STARTED
	if state == clockv1.Clock_STATE_BREACHED {
		kind, c.BreachTime = clockv1.ClockChanged_KIND_BREACHED, timestamppb.New(at(b.t, due).Add(1e9))
	}
	b.put("routing", c.Name, c, &clockv1.ClockChanged{Kind: kind}, at(b.t, from))
}

func (b *bed) plan(id string, state routingv1.Plan_State, a *typev1.Approval, measures ...*routingv1.Measure) {
	b.t.Helper()
	p := &routingv1.Plan{
		Name: "cases/" + id + "/plans/1", Complaint: "complaints/" + id, State: state, Approval: a, Measures: measures, Round: 1,
		ProposedBy: "people/owner", ProposeTime: stamp(b.t, "04-08 12:00:00"), StartTime: stamp(b.t, "04-08 13:00:00"),
	}
	b.put("routing", p.Name, p, &routingv1.PlanProposed{}, at(b.t, "04-08 12:00:00"))
}

// list returns kind, resource and who of the work, in its order.
func (b *bed) list(person string, req *reportingv1.ListWorkRequest) []string {
	b.t.Helper()
	got, err := b.ListWork(b.as(person), req)
	require.NoError(b.t, err)
	var out []string
	for _, w := range got.GetItems() {
		line := fmt.Sprintf("%s %s", w.GetKind().String()[len("KIND_"):], w.GetResource())
		for _, who := range w.GetWho() {
			line += " " + who
		}
		if w.GetLate() {
			line += " late"
		}
		out = append(out, line)
	}
	require.Len(b.t, out, int(got.GetTotal()))
	return out
}

func TestWork(t *testing.T) {
	t.Parallel()
	b := office(t)

	t.Run("ListsEveryKindTheMostUrgentFirst", func(t *testing.T) {
		require.Equal(t, []string{
			"REPLY cases/a customer_service_specialist late",
			"ACTION actions/open people/owner late",
			"REPLY cases/b customer_service_specialist",
			"MEASURE cases/d/plans/1 people/owner",
			"ACTION actions/done",
			"VERIFY complaints/a customer_service_specialist customer_service_supervisor",
			"STEP cases/a customer_service_specialist",
			"PLAN cases/b department@responsible",
			"SIGN cases/c/plans/1 anyone@complaint_handling_group",
			"CLAIM claims/draft people/specialist",
			"PAYABLE claims/approved",
			"FOLLOW_UP followUps/f customer_service_specialist",
			"DELIVERY notices/lost people/owner",
			"CLOSE cases/g people/owner",
			"SIGN cases/b department_director",
		}, b.list("nobody", &reportingv1.ListWorkRequest{}))
	})

	t.Run("MineIsWhatTheCallerMayDo", func(t *testing.T) {
		for person, want := range map[string][]string{
			"specialist": {
				"REPLY cases/a customer_service_specialist late", "REPLY cases/b customer_service_specialist",
				"VERIFY complaints/a customer_service_specialist customer_service_supervisor", "STEP cases/a customer_service_specialist",
				"CLAIM claims/draft people/specialist", "FOLLOW_UP followUps/f customer_service_specialist",
			},
			"owner": {
				"ACTION actions/open people/owner late", "MEASURE cases/d/plans/1 people/owner", "DELIVERY notices/lost people/owner",
				"CLOSE cases/g people/owner", "PLAN cases/b department@responsible",
			},
			"group":      {"SIGN cases/c/plans/1 anyone@complaint_handling_group"},
			"director":   {"SIGN cases/b department_director"},
			"operations": nil, // the group comes first
			"finance":    {"PAYABLE claims/approved"},
			"quality":    {"ACTION actions/done"},
			"nobody":     nil,
		} {
			require.ElementsMatch(t, want, b.list(person, &reportingv1.ListWorkRequest{Mine: true}), person)
		}
	})

	t.Run("FiltersAndPages", func(t *testing.T) {
		require.Equal(t, []string{"CLOSE cases/g people/owner"}, b.list("nobody", &reportingv1.ListWorkRequest{Kind: reportingv1.WorkItem_KIND_CLOSE}))
		require.Len(t, b.list("nobody", &reportingv1.ListWorkRequest{Complaint: "complaints/a"}), 3)
		require.Len(t, b.list("nobody", &reportingv1.ListWorkRequest{Late: true}), 2)

		all, err := b.ListWork(b.as("nobody"), &reportingv1.ListWorkRequest{})
		require.NoError(t, err)
		var paged []*reportingv1.WorkItem
		for token := ""; ; {
			got, err := b.ListWork(b.as("nobody"), &reportingv1.ListWorkRequest{PageSize: 4, PageToken: token})
			require.NoError(t, err)
			require.EqualValues(t, 15, got.GetTotal())
			paged = append(paged, got.GetItems()...)
			if token = got.GetNextPageToken(); token == "" {
				break
			}
		}
		require.Len(t, paged, 15)
		for i, w := range paged {
			require.Equal(t, all.GetItems()[i].String(), w.String())
		}
	})

	t.Run("SaysWhatIsToBeDoneAndWhy", func(t *testing.T) {
		got, err := b.ListWork(b.as("nobody"), &reportingv1.ListWorkRequest{Complaint: "complaints/a", Kind: reportingv1.WorkItem_KIND_REPLY})
		require.NoError(t, err)
		w := got.GetItems()[0]
		require.Equal(t, "C-a", w.GetNumber())
		require.Equal(t, "general", w.GetGrade())
		require.Equal(t, "(一)", w.GetRule().GetClause())
		require.Equal(t, "答复客户：首次实质性回复", w.GetText().GetZh())
		require.Equal(t, at(t, "04-09 10:00:00"), w.GetDueTime().AsTime())
	})

	t.Run("AnotherOrganisationHasNone", func(t *testing.T) {
		got, err := b.ListWork(b.from("nobody", "other"), &reportingv1.ListWorkRequest{})
		require.NoError(t, err)
		require.Empty(t, got.GetItems())
	})
}

func TestOverdue(t *testing.T) {
	t.Parallel()
	b := office(t)
	b.put("corrective-action", "actions/open/clocks/action-1", &clockv1.Clock{
		Name: "actions/open/clocks/action-1", Subject: "actions/open", Complaint: "complaints/e", Kind: "action", State: clockv1.Clock_STATE_BREACHED,
		BreachTime: stamp(t, "04-09 09:00:01"),
	}, &clockv1.ClockChanged{Kind: clockv1.ClockChanged_KIND_BREACHED}, at(t, "04-09 09:00:01"))
	b.settle()
	names := func(size int32, token string) (out []string, next string) {
		got, err := b.ListOverdue(b.as("nobody"), &reportingv1.ListOverdueRequest{PageSize: size, PageToken: token})
		require.NoError(t, err)
		for _, c := range got.GetClocks() {
			out = append(out, c.GetName())
		}
		return out, got.GetNextPageToken()
	}
	first, token := names(1, "")
	require.Equal(t, []string{"actions/open/clocks/action-1"}, first, "the oldest breach first, of whatever service")
	second, token := names(1, token)
	require.Equal(t, []string{"cases/a/clocks/response-1"}, second)
	require.Empty(t, token)

	// Met late: not overdue any more.
	b.response("a", "04-08 10:00:00", "04-09 10:00:00", clockv1.Clock_STATE_STOPPED)
	b.settle()
	left, _ := names(0, "")
	require.Equal(t, first, left)
}
