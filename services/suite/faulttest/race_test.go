package faulttest_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/suite/suitetest"
)

// TestAWithdrawalAndAPaymentNeverBothWinThroughTheSuite lets the customer take the
// complaint back while finance pays, two hundred times.
func TestAWithdrawalAndAPaymentNeverBothWinThroughTheSuite(t *testing.T) {
	t.Parallel()
	const rounds, atOnce = 200, 16
	s := suitetest.New(t)
	by := as(s)
	intake, money := intakev1.NewIntakeServiceClient(s.Conn), compensationv1.NewCompensationServiceClient(s.Conn)
	complaints, claims := make([]*intakev1.Complaint, rounds), make([]*compensationv1.Claim, rounds)
	each(t, rounds, atOnce, func(i int) error {
		got, err := intake.CreateComplaint(by(agent), &intakev1.CreateComplaintRequest{Complaint: suitetest.Complaint(), RequestId: suitetest.ID()})
		complaints[i] = got.GetComplaint()
		return err
	})
	s.Settled()
	each(t, rounds, atOnce, func(i int) error {
		got, err := money.CreateClaim(by(marketing), &compensationv1.CreateClaimRequest{RequestId: suitetest.ID(), Claim: claimOn(complaints[i].GetName())})
		if err != nil {
			return err
		}
		c := got.GetClaim()
		for _, who := range []string{"people/sun-bo", "people/gao-jun", "people/he-min", "people/lin-tao"} {
			signed, err := money.SignClaim(by(who), &compensationv1.SignClaimRequest{
				Name: c.GetName(), Decision: typev1.Decision_DECISION_APPROVE, SealedDigest: c.GetApproval().GetSealedDigest(), Etag: c.GetEtag(), RequestId: suitetest.ID(),
			})
			if err != nil {
				return err
			}
			c = signed.GetClaim()
		}
		checked, err := money.CheckPayable(by(finance), &compensationv1.CheckPayableRequest{Name: c.GetName(), Etag: c.GetEtag(), RequestId: suitetest.ID()})
		claims[i] = checked.GetClaim()
		return err
	})
	s.Settled()

	// Who wins gets a later start the next time, so that the two meet where either may
	// win, however long each of them takes on this machine.
	var mu sync.Mutex
	var handicap time.Duration // of the payment; of the withdrawal where it is negative
	const step = time.Millisecond / 2
	outcomes := map[string]int{}
	each(t, rounds, 4, func(i int) error {
		fresh, err := intake.GetComplaint(by(agent), &intakev1.GetComplaintRequest{Name: complaints[i].GetName()})
		if err != nil {
			return err
		}
		mu.Lock()
		late := handicap
		mu.Unlock()
		start := make(chan struct{})
		var both sync.WaitGroup
		var withdrawal *intakev1.WithdrawComplaintResponse
		var failed, refused error
		both.Go(func() {
			<-start
			pause(t, -late)
			withdrawal, failed = intake.WithdrawComplaint(by(agent), &intakev1.WithdrawComplaintRequest{
				Name: complaints[i].GetName(), Reason: "客户撤回", Etag: fresh.GetComplaint().GetEtag(), RequestId: suitetest.ID(),
			})
		})
		both.Go(func() {
			<-start
			pause(t, late)
			_, refused = money.ExecutePayout(by(finance), &compensationv1.ExecutePayoutRequest{Name: claims[i].GetName(), Etag: claims[i].GetEtag(), RequestId: suitetest.ID()})
		})
		close(start)
		both.Wait()
		if failed != nil {
			return failed
		}
		if refused != nil && status.Code(refused) != codes.FailedPrecondition && status.Code(refused) != codes.Aborted {
			return refused
		}
		mu.Lock()
		defer mu.Unlock()
		outcome := "refused"
		if handicap -= step; refused == nil {
			outcome = "paid"
			handicap += 2 * step
		}
		outcomes[withdrawal.GetComplaint().GetWithdrawal().GetState().String()+" "+outcome]++
		return nil
	})
	s.Settled()
	t.Log(outcomes)
	held, paid := 0, 0
	for i := range rounds {
		complaint, err := intake.GetComplaint(by(agent), &intakev1.GetComplaintRequest{Name: complaints[i].GetName()})
		require.NoError(t, err)
		claim, err := money.GetClaim(by(finance), &compensationv1.GetClaimRequest{Name: claims[i].GetName()})
		require.NoError(t, err)
		switch state := complaint.GetComplaint().GetWithdrawal().GetState(); state {
		case intakev1.Withdrawal_STATE_EFFECTIVE:
			// Held when asked, and withdrawn once compensation has heard that it counts.
			require.Equal(t, compensationv1.Claim_STATE_WITHDRAWN, claim.GetClaim().GetState(), "round %d", i)
			require.Empty(t, claim.GetClaim().GetPayout().GetOrder(), "round %d", i)
			held++
		case intakev1.Withdrawal_STATE_TOO_LATE:
			require.Equal(t, compensationv1.Claim_STATE_EXECUTED, claim.GetClaim().GetState(), "round %d", i)
			require.NotEqual(t, intakev1.Complaint_STATE_WITHDRAWN, complaint.GetComplaint().GetState(), "round %d", i)
			paid++
		default:
			require.Fail(t, "undecided", "round %d: %s", i, state)
		}
	}
	t.Logf("withdrawn %d times, paid %d times", held, paid)
	require.Equal(t, rounds, held+paid)
	require.NotZero(t, held)
	require.NotZero(t, paid)
}

// claimOn asks for what the general manager may approve.
func claimOn(complaint string) *compensationv1.Claim {
	text := func(s string) *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Text{Text: s}} }
	return &compensationv1.Claim{
		Complaint: complaint, Ground: "warranty_works", Remedy: "property_fee_credit", Causes: []string{"engineering"},
		Amount: &typev1.Money{CurrencyCode: "CNY", Amount: "30000.00"}, Justification: "质保期内渗水，家具受损有照片为证。",
		Payee: &compensationv1.Payee{DisplayName: "赵倩", Account: "WY-301"},
		Facts: map[string]*typev1.Fact{"demanded": text("赔偿家具损失"), "claim_basis": text("购房合同质保条款")},
	}
}

// pause waits; not at all for nothing or less.
func pause(t *testing.T, d time.Duration) {
	t.Helper()
	if d > 0 {
		assert.NoError(t, clock.System().Pause(t.Context(), d))
	}
}
