package obligationtest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/suite/suitetest"
)

func followUpRow() row {
	const kind = "follow_up"
	return row{id: kind, proofs: []proof{
		{cause, "PLAN_CARRIED_OUT, pack has a follow-up (routing)", func(t *testing.T, b *bed) {
			c, plan := b.started(t, work())
			require.Empty(t, b.owed(t, c, kind))
			b.worked(t, plan)
			o := b.theOne(t, c, kind)
			require.Equal(t, typev1.Obligation_STATE_OPEN, o.GetState())
			require.Equal(t, "survey", o.GetRule().GetRule())
		}},
		{obligation, "`follow_up`, followUps/{id}, blocks closing", func(t *testing.T, _ *bed) {
			b := on(suitetest.New(t)).ungated(t)
			c, _ := b.carriedOut(t)
			o := b.theOne(t, c, kind)
			require.Equal(t, "notification", o.GetService())
			require.Regexp(t, `^followUps/[0-9a-f-]{36}$`, o.GetResource())
			all := b.followUps(t, c)
			require.Len(t, all, 1)
			require.Equal(t, o.GetResource(), all[0].GetName())
			require.Equal(t, o.GetId(), all[0].GetObligation())
			named := refused(t, b, "OBLIGATION_OPEN", agent, b.routing.CloseCase, b.closing(t, c))
			require.Len(t, named, 1)
			require.Equal(t, o.GetResource(), named[0].Field)
			b.answered(t, o.GetResource(), "satisfied")
			do(t, b, agent, b.routing.CloseCase, b.closing(t, c))
		}},
		{discharge, "FollowUpAnswered: obligation DONE; not satisfied starts the pack's round with fresh clocks", func(t *testing.T, b *bed) {
			c, _ := b.carriedOut(t)
			b.answered(t, b.theOne(t, c, kind).GetResource(), "satisfied")
			require.Equal(t, typev1.Obligation_STATE_DONE, b.theOne(t, c, kind).GetState())
			require.Equal(t, int32(1), b.caseOf(t, c).GetRound())

			c, plan := b.carriedOut(t)
			require.Empty(t, b.clocks(t, c, "response_again"))
			b.Pass(day)
			b.answered(t, b.theOne(t, c, kind).GetResource(), "not_satisfied")
			require.Equal(t, typev1.Obligation_STATE_DONE, b.theOne(t, c, kind).GetState())
			k := b.caseOf(t, c)
			require.Equal(t, int32(2), k.GetRound())
			require.Equal(t, "planning", k.GetStage())
			fresh := b.clocks(t, c, "response_again")
			require.Len(t, fresh, 1)
			require.Equal(t, clockv1.Clock_STATE_RUNNING, fresh[0].GetState())
			require.Equal(t, b.Now(), fresh[0].GetStartTime().AsTime())
			require.Equal(t, b.Now().Add(day), fresh[0].GetDueTime().AsTime())
			next := b.approved(t, c, work())
			require.NotEqual(t, plan, next)
			b.start(t, next)
			b.worked(t, next)
			all := b.owed(t, c, kind)
			require.Len(t, all, 2, "the customer is asked again")
			require.Equal(t, typev1.Obligation_STATE_OPEN, all[1].GetState())
		}},
		{refusal, "FollowUpCancelled, as the complaint is withdrawn: WITHDRAWN", func(t *testing.T, b *bed) {
			c, _ := b.carriedOut(t)
			o := b.theOne(t, c, kind)
			got := do(t, b, customer, b.intake.WithdrawComplaint, b.withdrawal(t, c))
			require.Equal(t, intakev1.Withdrawal_STATE_EFFECTIVE, got.GetComplaint().GetWithdrawal().GetState())
			require.Equal(t, notificationv1.FollowUp_STATE_CANCELLED, b.followUps(t, c)[0].GetState())
			require.Equal(t, typev1.Obligation_STATE_WITHDRAWN, b.theOne(t, c, kind).GetState())
			refused(t, b, "FOLLOW_UP_STATE", asker, b.notification.RecordFollowUp, &notificationv1.RecordFollowUpRequest{
				Name: o.GetResource(), Mode: "telephone", Etag: b.followUps(t, c)[0].GetEtag(), RequestId: suitetest.ID(),
				Facts: map[string]*typev1.Fact{"confirmed": choice("satisfied")},
			})
		}},
		{outage, "the survey goes out when notification is back; until then the case cannot be closed", func(t *testing.T, b *bed) {
			c, plan := b.started(t, work())
			b.without(t, "notification", func() {
				b.worked(t, plan)
				require.Equal(t, typev1.Obligation_STATE_OPEN, b.theOne(t, c, kind).GetState())
				refused(t, b, "GATE_CLOSED", agent, b.routing.CloseCase, b.closing(t, c))
			})
			f := b.followUps(t, c)
			require.Len(t, f, 1)
			require.Equal(t, notificationv1.FollowUp_STATE_OPEN, f[0].GetState())
			require.Contains(t, b.delivered(t, c), "survey")
			b.answered(t, f[0].GetName(), "satisfied")
			do(t, b, agent, b.routing.CloseCase, b.closing(t, c))
		}},
		{twice, "", func(t *testing.T, b *bed) {
			open, _ := b.carriedOut(t)
			dissatisfied, _ := b.carriedOut(t)
			b.answered(t, b.theOne(t, dissatisfied, kind).GetResource(), "not_satisfied")
			satisfied, _ := b.carriedOut(t)
			b.answered(t, b.theOne(t, satisfied, kind).GetResource(), "satisfied")
			nothingChanges(t, b, []string{open, dissatisfied, satisfied}, [][2]string{{"notification", "routing"}, {"routing", "notification"}})
		}},
	}}
}

// clocks returns the clocks of a kind of the case.
func (b *bed) clocks(t *testing.T, complaint, kind string) []*clockv1.Clock {
	t.Helper()
	got, err := clockv1.NewClockServiceClient(b.Conn).ListClocks(b.As(agent), &clockv1.ListClocksRequest{Parent: b.caseOf(t, complaint).GetName()})
	require.NoError(t, err)
	var out []*clockv1.Clock
	for _, c := range got.GetClocks() {
		if c.GetKind() == kind {
			out = append(out, c)
		}
	}
	return out
}

// delivered returns the kinds of the notices that were delivered.
func (b *bed) delivered(t *testing.T, complaint string) []string {
	t.Helper()
	got, err := b.notification.ListNotices(b.As(agent), &notificationv1.ListNoticesRequest{Complaint: complaint})
	require.NoError(t, err)
	var out []string
	for _, n := range got.GetNotices() {
		if n.GetState() == notificationv1.Notice_STATE_DELIVERED {
			out = append(out, n.GetKind())
		}
	}
	return out
}
