package obligationtest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/suite/suitetest"
)

func compensationRow() row {
	const kind = "compensation"
	return row{id: kind, proofs: []proof{
		{cause, "StartPlan, measure COMPENSATION (routing)", func(t *testing.T, b *bed) {
			c := b.verified(t)
			plan := b.approved(t, c, work(), credit())
			require.Empty(t, b.owed(t, c, kind), "an approved plan owes nothing yet")
			b.start(t, plan)
			o := b.theOne(t, c, kind)
			require.Equal(t, typev1.Obligation_STATE_OPEN, o.GetState())
			for _, m := range b.plan(t, plan).GetMeasures() {
				want := ""
				if m.GetId() == "credit" {
					want = o.GetId()
				}
				require.Equal(t, want, m.GetObligation(), m.GetId())
			}
		}},
		{obligation, "`compensation`, claims/{id}, blocks closing", func(t *testing.T, _ *bed) {
			b := on(suitetest.New(t)).ungated(t)
			c, _ := b.started(t, credit())
			o := b.theOne(t, c, kind)
			require.Equal(t, "compensation", o.GetService())
			require.Regexp(t, `^claims/[0-9a-f-]{36}$`, o.GetResource())
			require.Equal(t, o.GetId(), b.claim(t, o.GetResource()).GetObligation())
			require.True(t, o.GetBlocksClose())
			named := refused(t, b, "OBLIGATION_OPEN", agent, b.routing.CloseCase, b.closing(t, c))
			require.Len(t, named, 1)
			require.Equal(t, o.GetResource(), named[0].Field)
			b.paid(t, o.GetResource())
			// The plan is carried out with its last measure, and its survey is owed next.
			named = refused(t, b, "OBLIGATION_OPEN", agent, b.routing.CloseCase, b.closing(t, c))
			require.NotEqual(t, o.GetResource(), named[0].Field)
		}},
		{discharge, "ClaimPaid: measure DONE", func(t *testing.T, b *bed) {
			c, plan := b.started(t, work(), credit())
			o := b.theOne(t, c, kind)
			b.executed(t, o.GetResource())
			require.Equal(t, routingv1.Measure_STATE_RUNNING, b.stateOf(t, plan, "credit"), "an order to pay is no payment")
			require.Equal(t, typev1.Obligation_STATE_OPEN, b.theOne(t, c, kind).GetState())

			c, plan = b.started(t, work(), credit())
			o = b.theOne(t, c, kind)
			b.paid(t, o.GetResource())
			require.Equal(t, routingv1.Measure_STATE_DONE, b.stateOf(t, plan, "credit"))
			require.Equal(t, routingv1.Measure_STATE_RUNNING, b.stateOf(t, plan, "work"))
			o = b.theOne(t, c, kind)
			require.Equal(t, typev1.Obligation_STATE_DONE, o.GetState())
			require.Equal(t, b.Now(), o.GetDischargeTime().AsTime())
		}},
		{refusal, "a signature against it: the claim is RETURNED, the measure waits; ClaimWithdrawn: measure CANCELLED, plan VOID, another plan is asked", func(t *testing.T, b *bed) {
			c, plan := b.started(t, work(), credit())
			claim := b.theOne(t, c, kind).GetResource()
			b.submitted(t, claim)
			b.sign(t, claim, "people/sun-bo", typev1.Decision_DECISION_REJECT)
			require.Equal(t, compensationv1.Claim_STATE_RETURNED, b.claim(t, claim).GetState())
			require.Equal(t, typev1.Obligation_STATE_OPEN, b.theOne(t, c, kind).GetState())
			require.Equal(t, routingv1.Measure_STATE_RUNNING, b.stateOf(t, plan, "credit"))
			require.True(t, b.waits(t, c, reportingv1.WorkItem_KIND_CLAIM), "its initiator asks again, or takes it back")
			require.False(t, b.waits(t, c, reportingv1.WorkItem_KIND_PLAN))

			do(t, b, marketing, b.compensation.WithdrawClaim, &compensationv1.WithdrawClaimRequest{Name: claim, Reason: "客户改要求维修", Etag: b.claim(t, claim).GetEtag(), RequestId: suitetest.ID()})
			require.Equal(t, typev1.Obligation_STATE_WITHDRAWN, b.theOne(t, c, kind).GetState())
			require.Equal(t, routingv1.Measure_STATE_CANCELLED, b.stateOf(t, plan, "credit"))
			require.Equal(t, routingv1.Plan_STATE_VOID, b.plan(t, plan).GetState())
			require.True(t, b.waits(t, c, reportingv1.WorkItem_KIND_PLAN), "the work list asks for another plan")
			next := b.approved(t, c, credit())
			require.NotEqual(t, plan, next)
			b.start(t, next)
			all := b.owed(t, c, kind)
			require.Len(t, all, 2, "the next plan owes again")
			b.paid(t, all[1].GetResource())
			require.Equal(t, routingv1.Measure_STATE_DONE, b.stateOf(t, next, "credit"))
		}},
		{outage, "the claim appears as DRAFT when compensation is back; nothing is lost, the measure waits", func(t *testing.T, b *bed) {
			c := b.verified(t)
			plan := b.approved(t, c, credit())
			b.without(t, "compensation", func() {
				b.start(t, plan)
				require.Equal(t, typev1.Obligation_STATE_OPEN, b.theOne(t, c, kind).GetState())
				require.Equal(t, routingv1.Measure_STATE_RUNNING, b.stateOf(t, plan, "credit"))
				_, err := b.compensation.GetClaim(b.As(finance), &compensationv1.GetClaimRequest{Name: b.theOne(t, c, kind).GetResource()})
				require.Error(t, err)
			})
			o := b.theOne(t, c, kind)
			require.Equal(t, compensationv1.Claim_STATE_DRAFT, b.claim(t, o.GetResource()).GetState())
			require.Equal(t, routingv1.Measure_STATE_RUNNING, b.stateOf(t, plan, "credit"))
			b.paid(t, o.GetResource())
			require.Equal(t, routingv1.Measure_STATE_DONE, b.stateOf(t, plan, "credit"))
		}},
		{twice, "", func(t *testing.T, b *bed) {
			open, _ := b.started(t, credit())
			paid, _ := b.started(t, credit())
			b.paid(t, b.theOne(t, paid, kind).GetResource())
			gone, _ := b.started(t, work(), credit())
			claim := b.theOne(t, gone, kind).GetResource()
			do(t, b, marketing, b.compensation.WithdrawClaim, &compensationv1.WithdrawClaimRequest{Name: claim, Reason: "重复申请", Etag: b.claim(t, claim).GetEtag(), RequestId: suitetest.ID()})
			nothingChanges(t, b, []string{open, paid, gone}, [][2]string{{"compensation", "routing"}, {"routing", "compensation"}})
		}},
	}}
}

// nothingChanges lets services receive what they received once more, and requires that
// the complaints and all that belongs to them stay as they are.
func nothingChanges(t *testing.T, b *bed, complaints []string, feeds [][2]string) {
	t.Helper()
	var before [][]string
	for _, c := range complaints {
		before = append(before, b.standing(t, c))
	}
	for _, f := range feeds {
		b.again(t, f[0], f[1])
		for i, c := range complaints {
			require.Equal(t, before[i], b.standing(t, c), "%s heard of %s twice", f[0], f[1])
		}
	}
}
