package domain_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/compensation/internal/domain"
	"example.com/redress/services/kit/approval"
	"example.com/redress/services/kit/fault"
)

// Source: SCENARIOS P27-S3.
func TestP27S3TheValueChoosesTheApprover(t *testing.T) {
	for _, row := range []struct {
		quantity     int64
		price, value string
		next         []string
	}{
		{799, "2.50", "1997.50", []string{"quality_manager", "sales_manager"}},
		{800, "2.50", "2000.00", []string{"deputy_gm_marketing"}},
		{1250, "4.00", "5000.00", []string{"deputy_gm_marketing"}},
		{1251, "4.00", "5004.00", []string{"general_manager"}},
	} {
		t.Run(row.value, func(t *testing.T) {
			c := cartonMaker(t)
			in := rejected("1", false)
			in.Value, in.Quantity, in.UnitPrice = nil, row.quantity, yuan(row.price)
			require.NoError(t, c.report(keeper, in))
			require.Equal(t, row.value, c.goods.GetValue().GetAmount())
			require.Nil(t, c.goods.GetApproval(), "goods that can wait are put forward by their papers")
			require.NoError(t, c.fill(rep, "return_application", nil))
			require.Equal(t, []string{"sales_company_manager"}, next(c.goods.GetApproval()))
			require.NoError(t, c.sign(sales))
			require.Equal(t, row.next, next(c.goods.GetApproval()))
		})
	}
	t.Run("InTheLowestBandOneSignatureIsNotEnough", func(t *testing.T) {
		c := cartonMaker(t)
		require.NoError(t, c.report(keeper, rejected("1999.99", false)))
		require.NoError(t, c.fill(rep, "return_application", nil))
		require.NoError(t, c.sign(sales))
		require.NoError(t, c.sign(salesHead))
		require.Equal(t, typev1.Approval_STATE_OPEN, c.goods.GetApproval().GetState())
		refused(t, c.took(domain.Announce(c.goods, "", c.act(rep))), domain.ReasonGate)
		require.NoError(t, c.sign(quality))
		require.Equal(t, typev1.Approval_STATE_GRANTED, c.goods.GetApproval().GetState())
		require.IsType(t, &compensationv1.GoodsAuthorised{}, c.told[len(c.told)-1])
		require.NoError(t, c.took(domain.Announce(c.goods, "", c.act(rep))))
	})
}

// Source: SCENARIOS P27-S4.
func TestP27S4ByTelephoneFirstAndThePapersWithinADay(t *testing.T) {
	c := cartonMaker(t)
	require.NoError(t, c.report(keeper, rejected("6200.00", true)))
	f := refusal(t, c.took(domain.Announce(c.goods, "", c.act(rep))), domain.ReasonGate)
	require.Equal(t, "approval_first", f.Rule.GetRule())
	f = refusal(t, c.sign(marketing, byTelephone), approval.ReasonAuthority)
	require.Equal(t, "return_authority", f.Rule.GetRule())
	require.NoError(t, c.sign(general, byTelephone))
	a := c.goods.GetApproval()
	require.Equal(t, typev1.Approval_STATE_GRANTED, a.GetState())
	require.True(t, a.GetByTelephone())
	require.Equal(t, c.now.Add(24*time.Hour), a.GetPaperworkDueTime().AsTime())
	require.NoError(t, c.took(domain.Announce(c.goods, "", c.act(rep))), "notice may be given before the papers")

	require.NoError(t, c.fill(rep, "return_application", map[string]*typev1.Fact{"efforts_made": words("~s1.1.efforts")}))
	require.Equal(t, typev1.Approval_STATE_GRANTED, c.goods.GetApproval().GetState(), "the papers void nothing")
	require.Equal(t, a.GetDecideTime().AsTime(), c.goods.GetApproval().GetDecideTime().AsTime())
	before := len(c.told)
	require.NoError(t, c.sign(sales), "who was passed over signs the papers")
	require.Len(t, c.told, before+1)
	require.IsType(t, &compensationv1.GoodsSigned{}, c.told[before], "and nothing is granted twice")
}

func TestTheTelephoneIsForUrgentGoodsOnly(t *testing.T) {
	c := cartonMaker(t)
	require.NoError(t, c.report(keeper, rejected("6200.00", false)))
	refused(t, c.sign(general, byTelephone), approval.ReasonNotOpen)
	require.NoError(t, c.fill(rep, "return_application", nil))
	refused(t, c.sign(general, byTelephone), approval.ReasonNotUrgent)
}

func TestGoodsOnlyComeFurther(t *testing.T) {
	c := cartonMaker(t)
	require.NoError(t, c.report(keeper, rejected("6200.00", true)))
	require.NoError(t, c.took(domain.Store(c.goods, "", c.act(keeper))), "they may be stored without a notice")
	refused(t, c.took(domain.BringBack(c.goods, "", c.act(keeper))), domain.ReasonGoodsState)
	refused(t, c.took(domain.Store(c.goods, "", c.act(keeper))), domain.ReasonGoodsState)
	require.Equal(t, compensationv1.Goods_STATE_STORED, c.goods.GetState())
	f := refusal(t, c.took(domain.Dispose(c.goods, "rework", "", c.act(inspector))), domain.ReasonGate)
	require.Equal(t, []string{"disposition"}, fields(f), "quality decides first")
	f = refusal(t, c.took(domain.Dispose(c.goods, "burn", "", c.act(inspector))), domain.ReasonDisposition)
	require.Equal(t, "rework, redeliver, scrap", f.Facts["allowed"])
}

func TestWhatIsReportedIsHeldToThePack(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*compensationv1.Goods)
		reason string
		field  string
	}{
		"AnotherOrigin":      {func(g *compensationv1.Goods) { g.Origin = "lost" }, domain.ReasonOrigin, "origin"},
		"AnotherValue":       {func(g *compensationv1.Goods) { g.Quantity, g.UnitPrice = 2, yuan("1.00") }, domain.ReasonGoodsValue, "goods.value"},
		"AnotherCurrency":    {func(g *compensationv1.Goods) { g.Value.CurrencyCode = "USD" }, domain.ReasonGoodsValue, "goods.value"},
		"PriceBeyondAll":     {func(g *compensationv1.Goods) { g.Quantity, g.UnitPrice = 1_000_000_000, yuan("999999999999.99") }, domain.ReasonGoodsValue, "goods.unit_price"},
		"AnUnknownFact":      {func(g *compensationv1.Goods) { g.Facts["colour"] = flag(true) }, domain.ReasonForm, "facts.colour"},
		"AFactOfAnotherType": {func(g *compensationv1.Goods) { g.Facts["refused_at"] = flag(true) }, domain.ReasonForm, "facts.refused_at"},
	} {
		t.Run(name, func(t *testing.T) {
			b := cartonMaker(t)
			in := rejected("6200.00", false)
			c.change(in)
			f := refusal(t, b.report(keeper, in), c.reason)
			require.Equal(t, fault.Invalid, f.Kind)
			require.Equal(t, []string{c.field}, fields(f))
			require.Nil(t, b.goods)
		})
	}
}

func TestOtherPapersAfterSignaturesAreSignedAnew(t *testing.T) {
	c := cartonMaker(t)
	require.NoError(t, c.report(keeper, rejected("6200.00", false)))
	require.NoError(t, c.fill(rep, "return_application", nil))
	require.NoError(t, c.sign(sales))
	require.NoError(t, c.fill(rep, "return_application", nil))
	require.Empty(t, c.goods.GetFormerApprovals(), "the same papers change nothing")
	require.NoError(t, c.fill(rep, "return_application", map[string]*typev1.Fact{"efforts_made": words("~s1.1.more")}))
	require.Len(t, c.goods.GetFormerApprovals(), 1)
	require.Equal(t, typev1.Approval_STATE_VOID, c.goods.GetFormerApprovals()[0].GetState())
	require.EqualValues(t, 2, c.goods.GetApproval().GetNumber())
	require.Equal(t, []string{"sales_company_manager"}, next(c.goods.GetApproval()))
}

func TestARefusedReturnMayBePutForwardAgain(t *testing.T) {
	c := cartonMaker(t)
	require.NoError(t, c.report(keeper, rejected("6200.00", false)))
	require.NoError(t, c.fill(rep, "return_application", nil))
	require.NoError(t, c.sign(sales, decision(typev1.Decision_DECISION_REJECT)))
	require.IsType(t, &compensationv1.GoodsRefused{}, c.told[len(c.told)-1])
	require.NoError(t, c.fill(rep, "return_application", map[string]*typev1.Fact{"efforts_made": words("~s1.1.more")}))
	require.Equal(t, typev1.Approval_STATE_OPEN, c.goods.GetApproval().GetState())
	c.roles[rep] = append(c.roles[rep], "sales_company_manager")
	refused(t, c.sign(rep), approval.ReasonOwnRequest)
	require.NoError(t, c.sign(sales))
	require.NoError(t, c.sign(general, decision(typev1.Decision_DECISION_RETURN), func(s *domain.Signature) { s.ToStep = "review" }))
	require.Equal(t, []string{"sales_company_manager"}, next(c.goods.GetApproval()), "sent back to a place, not to the initiator")
	require.NoError(t, c.sign(rep, decision(typev1.Decision_DECISION_WITHDRAW)))
	require.Equal(t, typev1.Approval_STATE_WITHDRAWN, c.goods.GetApproval().GetState())
	require.IsType(t, &compensationv1.GoodsSentBack{}, c.told[len(c.told)-1])
}

func TestAComplaintIsLinkedOnce(t *testing.T) {
	c := cartonMaker(t)
	in := rejected("6200.00", false)
	in.Complaint = ""
	require.NoError(t, c.report(keeper, in))
	require.NoError(t, c.took(domain.Link(c.goods, "complaints/2", "C2", "subjects/2", c.act(rep))))
	require.Equal(t, "cases/1", c.goods.GetCase(), "the duties run where they were reported")
	require.Equal(t, "subjects/2", c.goods.GetSubject())
	require.NoError(t, c.took(domain.Link(c.goods, "complaints/2", "C2", "subjects/2", c.act(rep))))
	refused(t, c.took(domain.Link(c.goods, "complaints/3", "C3", "subjects/3", c.act(rep))), domain.ReasonGoodsLinked)
}

func TestABulkReturnIsConfirmedFaceToFace(t *testing.T) {
	c := cartonMaker(t)
	in := rejected("6200.00", true)
	in.Bulk = true
	require.NoError(t, c.report(keeper, in))
	require.NoError(t, c.sign(general, byTelephone))
	f := refusal(t, c.took(domain.Announce(c.goods, "", c.act(rep))), domain.ReasonGate)
	require.Equal(t, "bulk_confirmed", f.Rule.GetRule())
	count := &typev1.Fact{Value: &typev1.Fact_Count{Count: 300}}
	facts := map[string]*typev1.Fact{"bulk_problem": words("~s1.1.x"), "bulk_quantity": count, "face_to_face": flag(false)}
	f = refusal(t, c.fill(rep, "bulk_confirmation", facts), domain.ReasonForm)
	require.Equal(t, []string{"representative_present"}, fields(f))
	facts["face_to_face"] = flag(true)
	f = refusal(t, c.fill(keeper, "bulk_confirmation", facts), domain.ReasonGate)
	require.Equal(t, []string{"sales_representative"}, fields(f))
	require.NoError(t, c.fill(rep, "bulk_confirmation", facts))
	require.NoError(t, c.took(domain.Announce(c.goods, "", c.act(rep))))
}

func TestAPackWithoutReturnsTakesNoGoods(t *testing.T) {
	c := cartonMaker(t, func(p *policyv1.Pack) {
		p.Returns = nil
		p.Approvals, p.Stages, p.Gates, p.Clocks, p.Reactions = nil, nil, nil, nil, nil
		p.Forms, p.Acceptance, p.Liability, p.Compensation, p.CorrectiveAction, p.Notices, p.Assessment, p.Reports = nil, nil, nil, nil, nil, nil, nil, nil
	})
	refused(t, c.report(keeper, rejected("1.00", false)), domain.ReasonNoReturns)
}

// Every value has exactly one approver, whatever it is: bands neither leave a gap nor
// overlap. Source: PROCEDURES P27-A3, K8.
func TestBandsNeverLeaveAGap(t *testing.T) {
	p := cartonMaker(t).p
	rapid.Check(t, func(t *rapid.T) {
		fen := rapid.OneOf(rapid.Int64Range(0, 1_000_000), rapid.SampledFrom([]int64{0, 199_999, 200_000, 200_001, 499_999, 500_000, 500_001, 99_999_999_999_999})).Draw(t, "fen")
		amount := yuan(fmt.Sprintf("%d.%02d", fen/100, fen%100))
		a, err := approval.Open(p.Approval("return_authority"), approval.Request{
			AskedBy: "people/x", Digest: approval.Digest("x"), Time: time.Unix(0, 0), Amount: amount,
			Applies: func(string) (bool, []string, error) { return true, nil, nil },
		})
		require.NoError(t, err)
		want := []string{"quality_manager", "sales_manager"}
		switch {
		case fen > 500_000:
			want = []string{"general_manager"}
		case fen >= 200_000:
			want = []string{"deputy_gm_marketing"}
		}
		require.Equal(t, want, a.GetSteps()[1].GetWho())
	})
}

// The value is quantity times price to the fen, and any other value is refused.
func TestTheValueIsQuantityTimesPrice(t *testing.T) {
	b := cartonMaker(t)
	rapid.Check(t, func(t *rapid.T) {
		quantity, fen := rapid.Int64Range(1, 100_000).Draw(t, "quantity"), rapid.Int64Range(0, 1_000_000).Draw(t, "price")
		in := rejected("1", false)
		in.Value, in.Quantity, in.UnitPrice = nil, quantity, yuan(fmt.Sprintf("%d.%02d", fen/100, fen%100))
		c := *b
		require.NoError(t, c.report(keeper, in))
		want := fmt.Sprintf("%d.%02d", quantity*fen/100, quantity*fen%100)
		require.Equal(t, want, c.goods.GetValue().GetAmount())
		in.Value = yuan(want)
		require.NoError(t, c.report(keeper, in))
		in.Value = yuan(fmt.Sprintf("%d.%02d", (quantity*fen+1)/100, (quantity*fen+1)%100))
		require.Equal(t, domain.ReasonGoodsValue, fault.ReasonOf(c.report(keeper, in)))
	})
}

func TestNothingGivenIsChanged(t *testing.T) {
	c := cartonMaker(t)
	require.NoError(t, c.report(keeper, rejected("6200.00", true)))
	before := proto.CloneOf(c.goods)
	_, err := domain.SignGoods(c.goods, domain.Signature{Decision: typev1.Decision_DECISION_APPROVE, ByTelephone: true}, c.act(general))
	require.NoError(t, err)
	_, err = domain.FillGoods(c.goods, "return_application", nil, c.act(rep))
	require.NoError(t, err)
	_, err = domain.Store(c.goods, "", c.act(keeper))
	require.NoError(t, err)
	require.True(t, proto.Equal(before, c.goods))
}
