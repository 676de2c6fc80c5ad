package compensation

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/compensation/internal/domain"
	"example.com/redress/services/kit/journal"
)

// TestAWithdrawalAndAPaymentNeverBothWin lets a hold and an order to pay meet, a
// thousand times: exactly one of them wins, and nothing held is ever paid.
func TestAWithdrawalAndAPaymentNeverBothWin(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.register()
	c, err := b.create("agent", terms("30000.00", credit))
	require.NoError(t, err)
	ready := b.check(b.signed(c, "director", "legal", "manager")).GetClaim()
	rounds := 1000
	if testing.Short() {
		rounds = 50
	}
	outcomes := map[bool]int{}
	for i := range rounds {
		name := fmt.Sprintf("complaints/r%d", i)
		claim := proto.CloneOf(ready)
		claim.Name, claim.Complaint, claim.Etag = fmt.Sprintf("claims/r%d", i), name, ""
		held, paid := b.race(i, claim)
		require.NotEqual(t, held, paid, "round %d: one of the two wins", i)
		outcomes[held]++
	}
	t.Logf("held %d times, paid %d times", outcomes[true], outcomes[false])
	require.NotZero(t, outcomes[true])
	require.NotZero(t, outcomes[false])
}

// race puts a payable claim on a complaint of its own, then pays it and holds it at
// the same time.
func (b *bundle) race(round int, c *compensationv1.Claim) (held, paid bool) {
	b.t.Helper()
	stored := &compensationv1.Claim{}
	_, err := b.host.Journal.Write(b.t.Context(), journal.Work{Organization: organization, Key: c.GetComplaint(), Actor: &eventv1.Actor{Principal: "services/test"}}, func(u *journal.Unit) error {
		on := b.on()
		on.Name = c.GetComplaint()
		if err := u.SetProjection(on.GetName(), "complaints/*", 1, on); err != nil {
			return err
		}
		return u.Create(c.GetName(), b.resealed(c), &compensationv1.ClaimChecked{})
	})
	require.NoError(b.t, err)
	start := make(chan struct{})
	var both sync.WaitGroup
	both.Go(func() {
		<-start
		ctx, finance := b.as("cashier")
		_, err := finance.ExecutePayout(ctx, &compensationv1.ExecutePayoutRequest{Name: c.GetName(), Etag: "1", RequestId: id()})
		paid = err == nil
	})
	both.Go(func() {
		<-start
		ctx, intake := b.asIntake()
		resp, err := intake.HoldClaims(ctx, &compensationv1.HoldClaimsRequest{Organization: organization, Complaint: c.GetComplaint(), Reason: "withdrawal", RequestId: id()})
		held = err == nil && resp.GetResult() == compensationv1.HoldClaimsResponse_RESULT_HELD
	})
	close(start)
	both.Wait()
	_, err = b.host.Journal.Get(b.t.Context(), organization, c.GetName(), stored)
	require.NoError(b.t, err)
	require.Equal(b.t, held, stored.GetState() == compensationv1.Claim_STATE_HELD, "round %d: %s", round, stored.GetState())
	require.Equal(b.t, paid, stored.GetState() == compensationv1.Claim_STATE_EXECUTED, "round %d: %s", round, stored.GetState())
	return held, paid
}

// resealed returns the claim with its signatures given on it as it is.
func (b *bundle) resealed(c *compensationv1.Claim) *compensationv1.Claim {
	next := proto.CloneOf(c)
	digest := domain.Seal(next)
	next.Approval.SealedDigest = digest
	for _, step := range next.GetApproval().GetSteps() {
		for _, s := range step.GetSignatures() {
			s.SealedDigest = digest
		}
	}
	return next
}
