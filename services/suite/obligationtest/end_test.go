package obligationtest_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/sqldb"
	"example.com/redress/services/suite"
	"example.com/redress/services/suite/suitetest"
)

func (b *bed) withdrawalOf(t *testing.T, complaint string) intakev1.Withdrawal_State {
	t.Helper()
	return b.complaint(t, complaint).GetWithdrawal().GetState()
}

func withdrawalRow() row {
	return row{id: "withdrawal", proofs: []proof{
		{cause, "WithdrawComplaint (intake)", func(t *testing.T, b *bed) {
			c := b.verified(t)
			require.Nil(t, b.complaint(t, c).GetWithdrawal())
			do(t, b, customer, b.intake.WithdrawComplaint, b.withdrawal(t, c))
			w := b.complaint(t, c).GetWithdrawal()
			require.Equal(t, customer, w.GetPrincipal())
			require.Equal(t, b.Now(), w.GetRequestTime().AsTime())
		}},
		{obligation, "the withdrawal stands REQUESTED", func(t *testing.T, b *bed) {
			c := b.verified(t)
			b.without(t, "compensation", func() {
				do(t, b, customer, b.intake.WithdrawComplaint, b.withdrawal(t, c))
				require.Equal(t, intakev1.Withdrawal_STATE_REQUESTED, b.withdrawalOf(t, c))
				require.Equal(t, intakev1.Complaint_STATE_VERIFIED, b.complaint(t, c).GetState(), "it counts once the money is held")
				refused(t, b, "COMPLAINT_STATE", customer, b.intake.WithdrawComplaint, b.withdrawal(t, c))
			})
		}},
		{discharge, "HoldClaims answers HELD: the complaint is WITHDRAWN", func(t *testing.T, b *bed) {
			c, plan := b.started(t, credit())
			claim := b.theOne(t, c, "compensation").GetResource()
			b.submitted(t, claim)
			do(t, b, customer, b.intake.WithdrawComplaint, b.withdrawal(t, c))
			require.Equal(t, intakev1.Withdrawal_STATE_EFFECTIVE, b.withdrawalOf(t, c))
			require.Equal(t, intakev1.Complaint_STATE_WITHDRAWN, b.complaint(t, c).GetState())
			require.Equal(t, compensationv1.Claim_STATE_WITHDRAWN, b.claim(t, claim).GetState())
			require.Equal(t, routingv1.Case_STATE_WITHDRAWN, b.caseOf(t, c).GetState())
			require.Equal(t, typev1.Obligation_STATE_WITHDRAWN, b.theOne(t, c, "compensation").GetState())
			require.Equal(t, routingv1.Plan_STATE_VOID, b.plan(t, plan).GetState())
			refused(t, b, "CLAIM_HELD", marketing, b.compensation.CreateClaim, &compensationv1.CreateClaimRequest{RequestId: suitetest.ID(), Claim: &compensationv1.Claim{
				Complaint: c, Ground: "warranty_works", Remedy: "property_fee_credit", Amount: &typev1.Money{CurrencyCode: "CNY", Amount: "10.00"},
			}})
		}},
		{refusal, "ALREADY_PAID: TOO_LATE, the complaint goes on; the case closed meanwhile: TOO_LATE, no claim stays held", func(t *testing.T, b *bed) {
			for _, pay := range []func(*testing.T, string){b.executed, b.paid} {
				c, plan := b.started(t, work(), credit())
				claim := b.theOne(t, c, "compensation").GetResource()
				pay(t, claim)
				before := b.claim(t, claim)
				do(t, b, customer, b.intake.WithdrawComplaint, b.withdrawal(t, c))
				require.Equal(t, intakev1.Withdrawal_STATE_TOO_LATE, b.withdrawalOf(t, c))
				require.Equal(t, intakev1.Complaint_STATE_VERIFIED, b.complaint(t, c).GetState())
				require.Equal(t, before.GetEtag(), b.claim(t, claim).GetEtag(), "what was paid is as it was")
				b.worked(t, plan)
				if before.GetState() == compensationv1.Claim_STATE_PAID {
					b.closed(t, c)
					require.Equal(t, intakev1.Complaint_STATE_ARCHIVED, b.complaint(t, c).GetState())
				}
			}
			b.closedMeanwhile(t)
		}},
		{outage, "asked again each second; the answer says REQUESTED meanwhile", func(t *testing.T, b *bed) {
			c := b.verified(t)
			claim := b.asked(t, c)
			asked := func() int { return strings.Count(b.Log.String(), "withdrawal waits for compensation") }
			b.without(t, "compensation", func() {
				before := asked()
				got := do(t, b, customer, b.intake.WithdrawComplaint, b.withdrawal(t, c))
				require.Equal(t, intakev1.Withdrawal_STATE_REQUESTED, got.GetComplaint().GetWithdrawal().GetState())
				eventually(t, "it is asked again", func() bool { return asked() >= before+2 })
				require.Equal(t, intakev1.Withdrawal_STATE_REQUESTED, b.withdrawalOf(t, c))
			})
			eventually(t, "the withdrawal counts", func() bool { return b.withdrawalOf(t, c) == intakev1.Withdrawal_STATE_EFFECTIVE })
			b.Settled()
			require.Equal(t, compensationv1.Claim_STATE_WITHDRAWN, b.claim(t, claim).GetState())
		}},
		{twice, "", func(t *testing.T, b *bed) {
			c := b.verified(t)
			b.asked(t, c)
			req := b.withdrawal(t, c)
			first := do(t, b, customer, b.intake.WithdrawComplaint, req)
			second := do(t, b, customer, b.intake.WithdrawComplaint, req)
			require.Equal(t, intakev1.Withdrawal_STATE_EFFECTIVE, second.GetComplaint().GetWithdrawal().GetState())
			require.Equal(t, first.GetComplaint().GetEtag(), second.GetComplaint().GetEtag())
			nothingChanges(t, b, []string{c}, [][2]string{{"compensation", "intake"}, {"routing", "intake"}, {"notification", "intake"}})
		}},
	}}
}

// closed answers the survey as satisfied and closes the case.
func (b *bed) closed(t *testing.T, complaint string) {
	t.Helper()
	b.answered(t, b.theOne(t, complaint, "follow_up").GetResource(), "satisfied")
	do(t, b, agent, b.routing.CloseCase, b.closing(t, complaint))
}

// closedMeanwhile closes a case while the withdrawal of its complaint waits for
// compensation, and returns the complaint.
func (b *bed) closedMeanwhile(t *testing.T) string {
	t.Helper()
	c, _ := b.carriedOut(t)
	claim := b.asked(t, c)
	b.answered(t, b.theOne(t, c, "follow_up").GetResource(), "satisfied")
	b.without(t, "compensation", func() {
		do(t, b, customer, b.intake.WithdrawComplaint, b.withdrawal(t, c))
		require.Equal(t, intakev1.Withdrawal_STATE_REQUESTED, b.withdrawalOf(t, c))
		do(t, b, agent, b.routing.CloseCase, b.closing(t, c))
		require.Equal(t, intakev1.Complaint_STATE_ARCHIVED, b.complaint(t, c).GetState())
	})
	eventually(t, "the withdrawal is decided", func() bool { return b.withdrawalOf(t, c) == intakev1.Withdrawal_STATE_TOO_LATE })
	b.Settled()
	require.Equal(t, intakev1.Complaint_STATE_ARCHIVED, b.complaint(t, c).GetState())
	require.Equal(t, compensationv1.Claim_STATE_SUBMITTED, b.claim(t, claim).GetState())
	b.sign(t, claim, "people/sun-bo", typev1.Decision_DECISION_APPROVE)
	return c
}

// begun is when business time begins at a suite's start; later is a day later.
func later(t *testing.T) func(*suite.Config) {
	t.Helper()
	at, err := time.Parse(time.RFC3339, suitetest.Begin)
	require.NoError(t, err)
	return func(c *suite.Config) { c.VirtualClock = at.Add(2 * day).Format(time.RFC3339) }
}

func closingRow() row {
	return row{id: "closing", proofs: []proof{
		{cause, "CaseClosed (routing)", func(t *testing.T, b *bed) {
			c, _ := b.carriedOut(t)
			b.answered(t, b.theOne(t, c, "follow_up").GetResource(), "satisfied")
			require.Equal(t, intakev1.Complaint_STATE_VERIFIED, b.complaint(t, c).GetState())
			do(t, b, agent, b.routing.CloseCase, b.closing(t, c))
			require.Equal(t, routingv1.Case_STATE_CLOSED, b.caseOf(t, c).GetState())
			require.NotEqual(t, intakev1.Complaint_STATE_VERIFIED, b.complaint(t, c).GetState())
		}},
		{obligation, "none: the event is all there is", func(t *testing.T, b *bed) {
			c, _ := b.carriedOut(t)
			b.closed(t, c)
			for _, o := range b.caseOf(t, c).GetObligations() {
				require.NotEqual(t, typev1.Obligation_STATE_OPEN, o.GetState(), "a closed case owes nothing")
				require.NotEqual(t, "intake", o.GetService())
			}
		}},
		{discharge, "intake closes and archives the complaint", func(t *testing.T, b *bed) {
			c, _ := b.carriedOut(t)
			b.closed(t, c)
			got := b.complaint(t, c)
			require.Equal(t, intakev1.Complaint_STATE_ARCHIVED, got.GetState())
			require.Equal(t, b.Now(), got.GetCloseTime().AsTime())
			entries, err := b.intake.ListComplaintEvents(b.As(agent), &intakev1.ListComplaintEventsRequest{Parent: c})
			require.NoError(t, err)
			var types []string
			for _, e := range entries.GetEntries() {
				types = append(types, e.GetType())
			}
			require.Contains(t, types, "redress.intake.v1.ComplaintClosed")
			require.Contains(t, types, "redress.intake.v1.ComplaintArchived")
		}},
		{refusal, "none: a complaint whose withdrawal waits is archived all the same", func(t *testing.T, b *bed) { b.closedMeanwhile(t) }},
		{outage, "archived when intake is back", func(t *testing.T, _ *bed) {
			folder, c, closed := t.TempDir(), "", time.Time{}
			t.Run("intake's store is gone", func(t *testing.T) {
				var gone atomic.Bool
				b := on(suitetest.In(t, folder, func(c *suite.Config) {
					c.Faults = func(service string) journal.FaultHook {
						return func(op string) error {
							if service != "intake" || !gone.Load() {
								return nil
							}
							return sqldb.NewError(sqldb.Unavailable, op, "the disk is gone")
						}
					}
				}))
				c, _ = b.carriedOut(t)
				b.answered(t, b.theOne(t, c, "follow_up").GetResource(), "satisfied")
				req := b.closing(t, c)
				closed = b.Now()
				gone.Store(true)
				got, err := b.routing.CloseCase(b.As(agent), req)
				require.NoError(t, err, "a case is closed without intake")
				require.Equal(t, routingv1.Case_STATE_CLOSED, got.GetCase().GetState())
			})
			t.Run("a day later", func(t *testing.T) {
				b := on(suitetest.In(t, folder, later(t)))
				b.Settled()
				got := b.complaint(t, c)
				require.Equal(t, intakev1.Complaint_STATE_ARCHIVED, got.GetState())
				require.Equal(t, closed, got.GetCloseTime().AsTime(), "when the case was closed, not when intake heard of it")
			})
		}},
		{twice, "", func(t *testing.T, _ *bed) {
			folder := t.TempDir()
			var open, done string
			var before [2][]string
			t.Run("once", func(t *testing.T) {
				b := on(suitetest.In(t, folder))
				open, _ = b.carriedOut(t)
				done, _ = b.carriedOut(t)
				b.closed(t, done)
				before = [2][]string{b.standing(t, open), b.standing(t, done)}
			})
			rewind(t, folder+"/db/intake.db", "routing")
			t.Run("twice", func(t *testing.T) {
				b := on(suitetest.In(t, folder))
				b.Settled()
				b.nothingParked(t, "intake")
				require.Equal(t, before[0], b.standing(t, open))
				require.Equal(t, before[1], b.standing(t, done))
			})
		}},
	}}
}

func erasureRow() row {
	others := []string{"compensation", "corrective-action", "notification", "reporting", "routing"}
	everybody := []string{"compensation", "corrective-action", "intake", "notification", "reporting", "routing"}
	erase := func(t *testing.T, b *bed, complaint string) *intakev1.DataSubject {
		t.Helper()
		return do(t, b, officer, b.intake.ErasePerson, &intakev1.ErasePersonRequest{Name: complaint, Reason: "本人要求", RequestId: suitetest.ID()}).GetSubject()
	}
	return row{id: "erasure", proofs: []proof{
		{cause, "ErasePerson (intake)", func(t *testing.T, b *bed) {
			c := b.another(t)
			require.Equal(t, intakev1.DataSubject_STATE_ERASED, erase(t, b, c).GetState())
			require.Contains(t, b.complaint(t, c).GetDescription(), "[erased]")
		}},
		{obligation, "DataSubject.erasures_confirmed", func(t *testing.T, b *bed) {
			require.Equal(t, []string{"intake"}, erase(t, b, b.another(t)).GetErasuresConfirmed(), "the others owe theirs")
		}},
		{discharge, "each service's ConfirmErasure", func(t *testing.T, b *bed) {
			c := b.another(t)
			erase(t, b, c)
			b.confirmed(t, c, everybody)
		}},
		{refusal, "none: acts that need no text go on, those that write one are refused", func(t *testing.T, b *bed) {
			c, plan := b.started(t, work(), credit(), seams())
			erase(t, b, c)
			b.confirmed(t, c, everybody)
			require.Equal(t, routingv1.Plan_STATE_RUNNING, b.plan(t, plan).GetState())
			require.Equal(t, compensationv1.Claim_STATE_DRAFT, b.claims(t, c)[0].GetState())
			b.worked(t, plan)
			action := b.theOne(t, c, "corrective_action").GetResource()
			refused(t, b, "SUBJECT_ERASED", quality, b.corrective.ImplementAction, &correctiveactionv1.ImplementActionRequest{
				Name: action, Note: "工艺卡已修订", Etag: b.action(t, action).GetEtag(), RequestId: suitetest.ID(),
			})
			req := b.withdrawal(t, c)
			req.Reason = ""
			do(t, b, agent, b.intake.WithdrawComplaint, req)
			require.Equal(t, intakev1.Complaint_STATE_WITHDRAWN, b.complaint(t, c).GetState(), "and so it ends")
			require.Equal(t, typev1.Obligation_STATE_WITHDRAWN, b.theOne(t, c, "corrective_action").GetState())
		}},
		{outage, "the key is gone at once; the confirmation follows", func(t *testing.T, b *bed) {
			for _, service := range others {
				c := b.another(t)
				b.without(t, service, func() {
					erase(t, b, c)
					require.Contains(t, b.complaint(t, c).GetDescription(), "[erased]")
					left := make([]string, 0, len(others))
					for _, s := range everybody {
						if s != service {
							left = append(left, s)
						}
					}
					b.confirmed(t, c, left)
				})
				b.confirmed(t, c, everybody)
			}
		}},
		{twice, "", func(t *testing.T, b *bed) {
			c := b.another(t)
			erase(t, b, c)
			b.confirmed(t, c, everybody)
			before := b.standing(t, c)
			for _, service := range others {
				b.again(t, service, "intake")
				require.Equal(t, before, b.standing(t, c), service)
			}
			again := erase(t, b, c)
			require.Equal(t, everybody, again.GetErasuresConfirmed())
			require.Equal(t, before, b.standing(t, c))
		}},
	}}
}

// another registers a complaint of somebody of their own: a person is erased once.
func (b *bed) another(t *testing.T) string {
	t.Helper()
	c := suitetest.Complaint()
	c.Complainant.Customer = "customers/" + suitetest.ID()
	return do(t, b, agent, b.intake.CreateComplaint, &intakev1.CreateComplaintRequest{Complaint: c, RequestId: suitetest.ID()}).GetComplaint().GetName()
}

// confirmed waits until exactly these services have confirmed the erasure.
func (b *bed) confirmed(t *testing.T, complaint string, services []string) {
	t.Helper()
	var got []string
	eventually(t, "the erasure is confirmed", func() bool {
		answer, err := b.intake.ErasePerson(b.As(officer), &intakev1.ErasePersonRequest{Name: complaint, Reason: "查询", RequestId: suitetest.ID()})
		require.NoError(t, err)
		got = answer.GetSubject().GetErasuresConfirmed()
		return len(got) >= len(services)
	})
	b.Settled()
	require.Equal(t, services, got)
}
