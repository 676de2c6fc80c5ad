package routing

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/routing/internal/domain"
)

func TestAGradeIsProposedByTheGroupAndSignedByTheDirector(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.register()
	b.now("04-08 18:00:00")
	b.verify()
	b.now("04-08 20:00:00")
	words := func(s string) *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Text{Text: s}} }
	done, err := b.server.DoStep(b.as("group"), &routingv1.DoStepRequest{
		Name: "cases/c1", Step: "classify", Etag: b.kase().GetEtag(), RequestId: id(),
		Facts: map[string]*typev1.Fact{"basis": words("多起同类"), "grading_reason": words("批量")},
	})
	require.NoError(t, err)
	proposal := &routingv1.GradeProposal{Scale: "severity", Level: "major", Basis: "批量质量问题"}
	_, err = b.server.ProposeGrade(b.as("specialist"), &routingv1.ProposeGradeRequest{Name: "cases/c1", Proposal: proposal, Etag: done.GetCase().GetEtag(), RequestId: id()})
	require.Equal(t, domain.ReasonGradeRole, fault.ReasonOf(err))
	asked, err := b.server.ProposeGrade(b.as("group"), &routingv1.ProposeGradeRequest{Name: "cases/c1", Proposal: proposal, Etag: done.GetCase().GetEtag(), RequestId: id()})
	require.NoError(t, err)
	require.Equal(t, "批量质量问题", asked.GetCase().GetGradeProposal().GetBasis())
	signed, err := b.server.SignGrade(b.as("director"), &routingv1.SignGradeRequest{
		Name: "cases/c1", Decision: typev1.Decision_DECISION_APPROVE, Etag: asked.GetCase().GetEtag(), RequestId: id(),
	})
	require.NoError(t, err)
	require.Equal(t, "major", signed.GetCase().GetGrades()["severity"].GetLevel())
	require.Equal(t, []string{"response"}, signed.GetCase().GetBreached())
	k := b.clockOf("response-1")
	require.Equal(t, clockv1.Clock_STATE_BREACHED, k.GetState())
	require.Equal(t, at(t, "04-08 19:20:00"), k.GetDueTime().AsTime())
	require.Equal(t, at(t, "04-08 20:00:00"), k.GetBreachTime().AsTime())
}

func TestADelayIsSealedIntoTheClock(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.running()
	b.now("04-15 10:00:00")
	delay := func(reason string) (*routingv1.Plan, error) {
		resp, err := b.server.DelayMeasure(b.as("specialist"), &routingv1.DelayMeasureRequest{
			Name: p.GetName(), Measure: "exchange", Reason: reason, DueTime: timestamppb.New(at(t, "04-20 18:00:00")), Etag: p.GetEtag(), RequestId: id(),
		})
		return resp.GetPlan(), err
	}
	_, err := delay("")
	require.Equal(t, domain.ReasonDelayReason, fault.ReasonOf(err))
	later, err := delay("供应商缺货")
	require.NoError(t, err)
	require.Equal(t, at(t, "04-20 18:00:00"), later.GetMeasures()[0].GetDueTime().AsTime())
	k := b.clockOf("measure-1-exchange")
	require.Equal(t, at(t, "04-20 18:00:00"), k.GetDueTime().AsTime())
	require.Regexp(t, "^~s1", k.GetExtensions()[0].GetReason())
	require.Equal(t, "people/specialist", k.GetExtensions()[0].GetPrincipal())
}

func TestADissatisfiedCustomerStartsARound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.register()
	b.now("04-09 09:00:00")
	b.verify()
	proposed, err := b.server.ProposePlan(b.as("specialist"), &routingv1.ProposePlanRequest{Parent: "cases/c1", RequestId: id(), Plan: &routingv1.Plan{
		Measures: []*routingv1.Measure{
			{Id: "exchange", Description: "换货", Limit: "5 working days", Person: "people/specialist"},
			{Id: "root", Kind: routingv1.Measure_KIND_CORRECTIVE_ACTION, Description: "整改"},
		},
	}})
	require.NoError(t, err)
	p, err := b.sign(proposed.GetPlan(), "group")
	require.NoError(t, err)
	p, err = b.sign(p, "operations")
	require.NoError(t, err)
	require.Equal(t, []string{"people/specialist"}, b.clockOf("measure-1-exchange").GetOwedBy())
	started, err := b.server.StartPlan(b.as("specialist"), &routingv1.StartPlanRequest{Name: p.GetName(), Etag: p.GetEtag(), RequestId: id()})
	require.NoError(t, err)
	_, err = b.server.CompleteMeasure(b.as("specialist"), &routingv1.CompleteMeasureRequest{Name: p.GetName(), Measure: "exchange", Etag: started.GetPlan().GetEtag(), RequestId: id()})
	require.NoError(t, err)
	owed := b.kase().GetObligations()[0]
	require.Equal(t, domain.CorrectiveAction, owed.GetKind())
	b.hear("corrective-action", "complaints/c1", owed.GetResource(), &correctiveactionv1.ActionImplemented{}, &correctiveactionv1.Action{
		Name: owed.GetResource(), Complaint: "complaints/c1", Obligation: owed.GetId(), State: correctiveactionv1.Action_STATE_IMPLEMENTED,
	})
	require.Equal(t, typev1.Obligation_STATE_OPEN, b.kase().GetObligations()[0].GetState(), "implemented is not verified")
	survey := b.kase().GetObligations()[1]
	b.now("04-11 10:00:00")
	b.hear("notification", "complaints/c1", survey.GetResource(), &notificationv1.FollowUpAnswered{}, &notificationv1.FollowUp{
		Name: survey.GetResource(), Complaint: "complaints/c1", Kind: "survey", Obligation: survey.GetId(), State: notificationv1.FollowUp_STATE_ANSWERED,
		Round: 1, AnswerTime: timestamppb.New(b.clock.Now()),
		Facts: map[string]*typev1.Fact{"confirmed": {Value: &typev1.Fact_Choice{Choice: "not_satisfied"}}},
	})
	k := b.kase()
	require.EqualValues(t, 2, k.GetRound())
	require.Equal(t, "planning", k.GetStage())
	require.Equal(t, at(t, "04-12 10:00:00"), b.clockOf("response_again-2").GetDueTime().AsTime(), "fresh clocks")
	b.hear("corrective-action", "complaints/c1", owed.GetResource(), &correctiveactionv1.ActionVerified{}, &correctiveactionv1.Action{
		Name: owed.GetResource(), Complaint: "complaints/c1", Obligation: owed.GetId(), State: correctiveactionv1.Action_STATE_VERIFIED,
	})
	require.Equal(t, typev1.Obligation_STATE_DONE, b.kase().GetObligations()[0].GetState())
}

func TestAReplyRecordedLateWithdrawsTheBreachInTheCaseToo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.register()
	b.now("04-09 17:20:01")
	_, _, err := b.host.FireDue(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"response"}, b.kase().GetBreached())
	b.now("04-10 09:00:00")
	_, err = b.server.RecordReply(b.as("specialist"), &routingv1.RecordReplyRequest{Parent: "cases/c1", RequestId: id(), Reply: &routingv1.Reply{
		Medium: "telephone", Substantive: true, Content: "已答复", SendTime: timestamppb.New(at(t, "04-09 10:00:00").Add(300 * time.Millisecond)),
	}})
	require.NoError(t, err)
	require.Empty(t, b.kase().GetBreached())
	require.Equal(t, clockv1.Clock_OUTCOME_MET, b.clockOf("response-1").GetOutcome())
	listed, err := b.server.ListReplies(b.as("specialist"), &routingv1.ListRepliesRequest{Parent: "cases/c1"})
	require.NoError(t, err)
	require.Equal(t, at(t, "04-09 10:00:00"), listed.GetReplies()[0].GetSendTime().AsTime())
	_, err = b.server.ListReplies(b.as("specialist"), &routingv1.ListRepliesRequest{Parent: "cases/none"})
	require.Equal(t, fault.NotFound, fault.KindOf(err))
}
