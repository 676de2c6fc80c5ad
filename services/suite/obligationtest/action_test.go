package obligationtest_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/suite/suitetest"
)

func correctiveActionRow() row {
	const kind = "corrective_action"
	return row{id: kind, proofs: []proof{
		{cause, "StartPlan, measure CORRECTIVE_ACTION (routing)", func(t *testing.T, b *bed) {
			c := b.verified(t)
			plan := b.approved(t, c, seams())
			require.Empty(t, b.owed(t, c, kind))
			b.start(t, plan)
			o := b.theOne(t, c, kind)
			require.Equal(t, typev1.Obligation_STATE_OPEN, o.GetState())
			require.Equal(t, o.GetId(), b.plan(t, plan).GetMeasures()[0].GetObligation())
		}},
		{obligation, "`corrective_action`, actions/{id}, blocks closing", func(t *testing.T, b *bed) {
			c, plan := b.started(t, seams())
			o := b.theOne(t, c, kind)
			require.Equal(t, "corrective-action", o.GetService())
			require.Regexp(t, `^actions/[0-9a-f-]{36}$`, o.GetResource())
			require.Equal(t, o.GetId(), b.action(t, o.GetResource()).GetObligation())
			b.implemented(t, o.GetResource())
			require.Equal(t, routingv1.Plan_STATE_CARRIED_OUT, b.plan(t, plan).GetState())
			b.answered(t, b.theOne(t, c, "follow_up").GetResource(), "satisfied")
			named := refused(t, b, "OBLIGATION_OPEN", agent, b.routing.CloseCase, b.closing(t, c))
			require.Len(t, named, 1)
			require.Equal(t, o.GetResource(), named[0].Field)
			require.False(t, b.waits(t, c, reportingv1.WorkItem_KIND_CLOSE))
			b.judged(t, o.GetResource(), true)
			require.True(t, b.waits(t, c, reportingv1.WorkItem_KIND_CLOSE))
			do(t, b, agent, b.routing.CloseCase, b.closing(t, c))
		}},
		{discharge, "ActionImplemented: measure DONE; ActionVerified, effective: obligation DONE", func(t *testing.T, b *bed) {
			c, plan := b.started(t, seams())
			o := b.theOne(t, c, kind)
			b.implemented(t, o.GetResource())
			require.Equal(t, routingv1.Measure_STATE_DONE, b.stateOf(t, plan, "seams"))
			require.Equal(t, typev1.Obligation_STATE_OPEN, b.theOne(t, c, kind).GetState())
			b.judged(t, o.GetResource(), true)
			o = b.theOne(t, c, kind)
			require.Equal(t, typev1.Obligation_STATE_DONE, o.GetState())
			require.Equal(t, b.Now(), o.GetDischargeTime().AsTime())
		}},
		{refusal, "ActionCancelled: measure CANCELLED, obligation WITHDRAWN; ActionVerified, not effective: the action is OPEN again, the obligation stays OPEN", func(t *testing.T, b *bed) {
			c, plan := b.started(t, seams())
			o := b.theOne(t, c, kind)
			b.implemented(t, o.GetResource())
			b.judged(t, o.GetResource(), false)
			require.Equal(t, correctiveactionv1.Action_STATE_OPEN, b.action(t, o.GetResource()).GetState())
			require.Equal(t, typev1.Obligation_STATE_OPEN, b.theOne(t, c, kind).GetState())
			require.Equal(t, routingv1.Measure_STATE_DONE, b.stateOf(t, plan, "seams"), "what was done was done")
			require.True(t, b.waits(t, c, reportingv1.WorkItem_KIND_ACTION), "it is to be implemented again")
			b.implemented(t, o.GetResource())
			b.judged(t, o.GetResource(), true)
			require.Equal(t, typev1.Obligation_STATE_DONE, b.theOne(t, c, kind).GetState())
			require.Len(t, b.actions(t, c), 1)

			c, plan = b.started(t, work(), seams())
			o = b.theOne(t, c, kind)
			_, err := b.corrective.CancelAction(b.As(verifier), &correctiveactionv1.CancelActionRequest{
				Name: o.GetResource(), Reason: "工艺已由总部统一修订", Etag: b.action(t, o.GetResource()).GetEtag(), RequestId: suitetest.ID(),
			})
			if status.Code(err) == codes.Unimplemented {
				return // declared, and not served yet
			}
			require.NoError(t, err)
			b.Settled()
			require.Equal(t, typev1.Obligation_STATE_WITHDRAWN, b.theOne(t, c, kind).GetState())
			require.Equal(t, routingv1.Measure_STATE_CANCELLED, b.stateOf(t, plan, "seams"))
			require.Equal(t, routingv1.Plan_STATE_RUNNING, b.plan(t, plan).GetState(), "the rest goes on")
		}},
		{outage, "the action appears when corrective-action is back", func(t *testing.T, b *bed) {
			c := b.verified(t)
			plan := b.approved(t, c, work(), seams())
			b.without(t, "corrective-action", func() {
				b.start(t, plan)
				b.worked(t, plan)
				require.Equal(t, typev1.Obligation_STATE_OPEN, b.theOne(t, c, kind).GetState())
				require.Equal(t, routingv1.Plan_STATE_RUNNING, b.plan(t, plan).GetState(), "the measure waits")
			})
			o := b.theOne(t, c, kind)
			require.Equal(t, correctiveactionv1.Action_STATE_OPEN, b.action(t, o.GetResource()).GetState())
			b.implemented(t, o.GetResource())
			require.Equal(t, routingv1.Plan_STATE_CARRIED_OUT, b.plan(t, plan).GetState())
		}},
		{twice, "", func(t *testing.T, b *bed) {
			open, _ := b.started(t, seams())
			ineffective, _ := b.started(t, work(), seams())
			b.implemented(t, b.theOne(t, ineffective, kind).GetResource())
			b.judged(t, b.theOne(t, ineffective, kind).GetResource(), false)
			done, _ := b.started(t, seams())
			b.implemented(t, b.theOne(t, done, kind).GetResource())
			b.judged(t, b.theOne(t, done, kind).GetResource(), true)
			nothingChanges(t, b, []string{open, ineffective, done}, [][2]string{{"corrective-action", "routing"}, {"routing", "corrective-action"}})
		}},
	}}
}
