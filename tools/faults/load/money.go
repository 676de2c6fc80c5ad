package load

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/tools/faults/ledger"
	"example.com/redress/tools/faults/world"
)

// until repeats look until it says true, as what one service did reaches the next
// over its feed. False: ctx ended, or it took too long.
func until(ctx context.Context, r *rand.Rand, look func(context.Context) (bool, error)) bool {
	for range 300 {
		var seen bool
		err, _ := insist(ctx, r, func(ctx context.Context) (err error) {
			seen, err = look(ctx)
			return err
		})
		if err == nil && seen {
			return true
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return false
		}
	}
	return false
}

// amount of every claim: what the general manager may approve.
const amount = "30000.00"

func text(s string) *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Text{Text: s}} }

// headStart is by how much a withdrawal comes before the order to pay: somewhere
// below that, or, every third time, below twice that, four times and so on, for on a
// busy machine the word takes longer from intake to compensation.
const headStart = 150 * time.Millisecond

// compensate brings one claim from complaint to payment. Every second time the
// customer takes the complaint back while finance pays.
func (l *Load) compensate(ctx context.Context, r *rand.Rand) error {
	complaint, err := l.first(ctx, r, l.complaint(r))
	if complaint == nil || err != nil {
		return err
	}
	conn, err := l.World.Conn("compensation")
	if err != nil {
		return err
	}
	money := compensationv1.NewCompensationServiceClient(conn)
	claim, err := l.approved(ctx, r, money, complaint.GetName())
	if claim == nil || err != nil {
		return err
	}
	var both sync.WaitGroup
	var withdrawn, paid error
	one, two := rand.New(rand.NewPCG(r.Uint64(), 1)), rand.New(rand.NewPCG(r.Uint64(), 2))
	var later time.Duration
	if r.IntN(2) == 0 {
		// The word takes some time from intake to compensation: the order comes before, while, and after.
		later = time.Duration(r.IntN(int(headStart)))
		if r.IntN(3) == 0 {
			later <<= 1 + r.IntN(6)
		}
		both.Go(func() { withdrawn = l.withdraw(ctx, one, complaint.GetName()) })
	}
	both.Go(func() {
		time.Sleep(later)
		if later > headStart {
			l.ask(ctx, two, complaint.GetName())
		}
		paid = l.pay(ctx, two, money, claim)
	})
	both.Wait()
	if withdrawn != nil {
		return withdrawn
	}
	return paid
}

// ask notes whether a complaint has been taken back by now.
func (l *Load) ask(ctx context.Context, r *rand.Rand, complaint string) {
	intake, err := l.intake()
	if err != nil {
		return // who pays next is told the same
	}
	var now *intakev1.Complaint
	err, _ = insist(ctx, r, func(ctx context.Context) error {
		got, err := intake.GetComplaint(l.World.As(ctx, agent), &intakev1.GetComplaintRequest{Name: complaint})
		now = got.GetComplaint()
		return err
	})
	if err == nil && now.GetWithdrawal().GetState() == intakev1.Withdrawal_STATE_EFFECTIVE {
		l.note(OrderedTakenBack)
	}
}

// step writes down one answered step; others than refusals end a story.
func (l *Load) step(name, what string, err error) error {
	code := ""
	if err != nil {
		code = status.Code(err).String()
	}
	return l.add(ledger.Entry{Act: ledger.Step, ID: world.ID(), Name: name, Mark: what, Code: code})
}

// approved asks for compensation and has it signed and checked; nil if that did not go through.
func (l *Load) approved(ctx context.Context, r *rand.Rand, money compensationv1.CompensationServiceClient, complaint string) (c *compensationv1.Claim, err error) {
	asked := &compensationv1.CreateClaimRequest{RequestId: world.ID(), Claim: &compensationv1.Claim{
		Complaint: complaint, Ground: "warranty_works", Remedy: "property_fee_credit", Causes: []string{"engineering"},
		Amount: &typev1.Money{CurrencyCode: "CNY", Amount: amount}, Justification: "质保期内渗水，家具受损有照片为证。",
		Payee: &compensationv1.Payee{DisplayName: "赵倩", Account: "WY-301"},
		Facts: map[string]*typev1.Fact{"demanded": text("赔偿家具损失"), "claim_basis": text("购房合同质保条款")},
	}}
	// Compensation has perhaps not heard of the complaint yet.
	if !until(ctx, r, func(ctx context.Context) (bool, error) {
		got, err := money.CreateClaim(l.World.As(ctx, marketing), asked)
		c = got.GetClaim()
		if code := status.Code(err); code == codes.NotFound || code == codes.FailedPrecondition {
			return false, nil
		}
		return err == nil, err
	}) {
		return nil, nil
	}
	if err := l.step(c.GetName(), "created", nil); err != nil {
		return nil, err
	}
	for _, who := range []string{"people/sun-bo", "people/gao-jun", "people/he-min", "people/lin-tao"} {
		req := &compensationv1.SignClaimRequest{
			Name: c.GetName(), Decision: typev1.Decision_DECISION_APPROVE, SealedDigest: c.GetApproval().GetSealedDigest(), Etag: c.GetEtag(), RequestId: world.ID(),
		}
		err, answered := insist(ctx, r, func(ctx context.Context) error {
			got, err := money.SignClaim(l.World.As(ctx, who), req)
			if err == nil {
				c = got.GetClaim()
			}
			return err
		})
		if failed := l.step(c.GetName(), "signed", err); failed != nil || !answered {
			return nil, failed
		}
	}
	req := &compensationv1.CheckPayableRequest{Name: c.GetName(), Etag: c.GetEtag(), RequestId: world.ID()}
	err, answered := insist(ctx, r, func(ctx context.Context) error {
		got, err := money.CheckPayable(l.World.As(ctx, finance), req)
		if err == nil {
			c = got.GetClaim()
		}
		return err
	})
	if failed := l.step(c.GetName(), "checked", err); failed != nil || err != nil || !answered {
		return nil, failed
	}
	return c, nil
}

// pay orders the payment, several times at once as a nervous client does, and confirms it.
func (l *Load) pay(ctx context.Context, r *rand.Rand, money compensationv1.CompensationServiceClient, c *compensationv1.Claim) error {
	id := world.ID()
	var all sync.WaitGroup
	errs := make([]error, 2)
	for i := range errs {
		own := rand.New(rand.NewPCG(r.Uint64(), uint64(i)))
		all.Go(func() { errs[i] = l.order(ctx, own, money, c, id) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil || r.IntN(3) > 0 {
		return err
	}
	// Somebody orders it once more, of the claim as it is by now.
	err, answered := insist(ctx, r, func(ctx context.Context) error {
		got, err := money.GetClaim(l.World.As(ctx, finance), &compensationv1.GetClaimRequest{Name: c.GetName()})
		if err == nil {
			c = got.GetClaim()
		}
		return err
	})
	if err != nil || !answered {
		return l.step(c.GetName(), "read", err)
	}
	l.note(OrderedAgain)
	return l.order(ctx, r, money, c, world.ID())
}

// order orders the payment of a claim and writes down what was answered.
func (l *Load) order(ctx context.Context, r *rand.Rand, money compensationv1.CompensationServiceClient, c *compensationv1.Claim, id string) error {
	var got *compensationv1.Claim
	err, answered := insist(ctx, r, func(ctx context.Context) error {
		answer, err := money.ExecutePayout(l.World.As(ctx, finance), &compensationv1.ExecutePayoutRequest{Name: c.GetName(), Etag: c.GetEtag(), RequestId: id})
		got = answer.GetClaim()
		return err
	})
	if err != nil || !answered {
		return l.step(c.GetName(), "executed", err)
	}
	return l.add(ledger.Entry{Act: ledger.Paid, ID: id, Name: c.GetName(), Number: got.GetPayout().GetOrder(), Mark: got.GetPayout().GetAmount().GetAmount()})
}

// withdraw takes a complaint back.
func (l *Load) withdraw(ctx context.Context, r *rand.Rand, name string) error {
	intake, err := l.intake()
	if err != nil {
		return err
	}
	id := world.ID()
	err, answered := insist(ctx, r, func(ctx context.Context) error {
		now, err := intake.GetComplaint(l.World.As(ctx, agent), &intakev1.GetComplaintRequest{Name: name})
		if err != nil {
			return err
		}
		_, err = intake.WithdrawComplaint(l.World.As(ctx, agent), &intakev1.WithdrawComplaintRequest{Name: name, Reason: "客户撤回", Etag: now.GetComplaint().GetEtag(), RequestId: id})
		return err
	})
	if !answered || err != nil {
		return l.step(name, "withdrawal", err) // refused: a version that moved, a case that closed
	}
	return l.add(ledger.Entry{Act: ledger.Withdrawn, ID: id, Name: name})
}

// pause stops a clock and lets it run again.
func (l *Load) pause(ctx context.Context, r *rand.Rand) error {
	complaint, err := l.first(ctx, r, l.complaint(r))
	if complaint == nil || err != nil {
		return err
	}
	conn, err := l.World.Conn("routing")
	if err != nil {
		return err
	}
	clocks := clockv1.NewClockServiceClient(conn)
	parent := strings.Replace(complaint.GetName(), "complaints/", "cases/", 1)
	var c *clockv1.Clock
	if !until(ctx, r, func(ctx context.Context) (bool, error) {
		got, err := clocks.ListClocks(l.World.As(ctx, manager), &clockv1.ListClocksRequest{Parent: parent})
		for _, one := range got.GetClocks() {
			if one.GetKind() == "response" {
				c = one
			}
		}
		if status.Code(err) == codes.NotFound {
			return false, nil
		}
		return c != nil, err
	}) {
		return nil
	}
	limit := c.GetNextFireTime().AsTime()
	stop := &clockv1.PauseClockRequest{Name: c.GetName(), Reason: "等待客户补充材料", Etag: c.GetEtag(), RequestId: world.ID()}
	err, answered := insist(ctx, r, func(ctx context.Context) error {
		got, err := clocks.PauseClock(l.World.As(ctx, manager), stop)
		if err == nil {
			c = got.GetClock()
		}
		return err
	})
	if err != nil || !answered {
		return l.step(c.GetName(), "pause", err) // refused: it ran out first
	}
	if err := l.add(ledger.Entry{Act: ledger.Paused, ID: stop.GetRequestId(), Name: c.GetName()}); err != nil {
		return err
	}
	time.Sleep(time.Duration(500+r.IntN(4000)) * time.Millisecond)
	resume := &clockv1.ResumeClockRequest{Name: c.GetName(), Etag: c.GetEtag(), RequestId: world.ID()}
	err, answered = insist(ctx, r, func(ctx context.Context) error {
		_, err := clocks.ResumeClock(l.World.As(ctx, manager), resume)
		return err
	})
	if !answered {
		return nil
	}
	e := ledger.Entry{Act: ledger.Resumed, ID: resume.GetRequestId(), Name: c.GetName()}
	if err != nil {
		e.Code = status.Code(err).String()
	} else if time.Now().Before(limit) {
		l.note(PausedInTime)
	}
	return l.add(e)
}
