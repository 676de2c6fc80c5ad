package domain_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/compensation/internal/domain"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/money"
)

const (
	loss         = policyv1.Base_BASE_LOSS
	compensation = policyv1.Base_BASE_COMPENSATION
	costs        = policyv1.Base_BASE_COSTS
	fuel         = policyv1.Base_BASE_FUEL
	inDispute    = policyv1.Base_BASE_DISPUTED
)

// bears is who bears how much; with a star what no cause assigns.
func bears(a *compensationv1.Allocation) map[string]string {
	out := map[string]string{}
	for _, t := range a.GetTotals() {
		out[t.GetParty()] = t.GetAmount().GetAmount()
		if t.GetUnallocated().GetAmount() != "0.00" {
			out[t.GetParty()+"*"] = t.GetUnallocated().GetAmount()
		}
	}
	return out
}

// Source: SCENARIOS P27-S5, P27-S2 (mixed batches).
func TestP27S5WhoBearsHowMuch(t *testing.T) {
	for name, row := range map[string]struct {
		clause string
		bases  []*compensationv1.Basis
		want   map[string]string
	}{
		"ChangedWithoutConfirmation": {"unconfirmed_change", []*compensationv1.Basis{of(loss, "12500.00")}, map[string]string{"marketing": "5000.00", "company": "7500.00", "company*": "7500.00"}},
		"InaccurateForm":             {"inaccurate_form", []*compensationv1.Basis{of(compensation, "3600.00")}, map[string]string{"representative": "360.00", "company": "3240.00", "company*": "3240.00"}},
		"Fraud":                      {"fraud", []*compensationv1.Basis{of(loss, "8000.00"), of(costs, "640.00")}, map[string]string{"representative": "6048.00", "marketing": "2592.00"}},
		"NotLoaded":                  {"not_loaded", []*compensationv1.Basis{of(loss, "4300.00")}, map[string]string{"representative": "4300.00"}},
		"CustomersFault":             {"customer_fault", []*compensationv1.Basis{of(loss, "2100.00")}, map[string]string{"customer": "2100.00"}},
		"Fuel":                       {"fraud", []*compensationv1.Basis{of(fuel, "260.00")}, map[string]string{"company": "208.00", "representative": "52.00"}},
		"MixedBatches":               {"mixed_batches", []*compensationv1.Basis{of(inDispute, "1700.00")}, map[string]string{"representative": "1700.00"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := cartonMaker(t)
			require.NoError(t, c.allocate(inspector, caused(row.clause), row.bases...))
			require.Equal(t, row.want, bears(c.allocation))
			require.False(t, c.allocation.GetProvisional())
		})
	}
	t.Run("TheCompanyBearsACustomersFaultByApprovalOnly", func(t *testing.T) {
		c := cartonMaker(t)
		c.kase = &routingv1.Case{Approved: []string{"bear_fault"}}
		require.NoError(t, c.allocate(inspector, caused("customer_fault"), of(loss, "2100.00")))
		require.Equal(t, map[string]string{"company": "2100.00"}, bears(c.allocation))
		require.Equal(t, "company_bears", c.allocation.GetShares()[0].GetRule().GetRule())
		require.Equal(t, "100%", c.allocation.GetShares()[0].GetShare())
	})
}

// Source: SCENARIOS P27-S5 (the dispute goes to the supervisor of that system).
func TestADisputedAllocationIsProvisionalUntilItIsDecided(t *testing.T) {
	begin := func(t *testing.T) *carton {
		c := cartonMaker(t)
		require.NoError(t, c.allocate(inspector, caused("unconfirmed_change"), of(loss, "12500.00")))
		require.NoError(t, c.shared(domain.DisputeAllocation(c.allocation, "marketing", "~s1.1.why", c.act(market))))
		require.True(t, c.allocation.GetProvisional())
		require.IsType(t, &compensationv1.LiabilityDisputed{}, c.told[len(c.told)-1])
		return c
	}
	decide := func(c *carton, person string, in *compensationv1.DecideDisputeRequest) error {
		return c.shared(domain.DecideDispute(c.allocation, in, c.act(person)))
	}
	stands := &compensationv1.DecideDisputeRequest{Verdict: compensationv1.Verdict_VERDICT_STANDS, Note: "~s1.1.note"}
	t.Run("ItStands", func(t *testing.T) {
		c := begin(t)
		shares := c.allocation.GetShares()
		require.NoError(t, decide(c, marketHead, stands))
		require.False(t, c.allocation.GetProvisional())
		require.Equal(t, compensationv1.Allocation_STATE_DECIDED, c.allocation.GetState())
		require.Equal(t, marketHead, c.allocation.GetDisputes()[0].GetDecider())
		require.True(t, proto.Equal(shares[0], c.allocation.GetShares()[0]))
		refused(t, decide(c, marketHead, stands), domain.ReasonAllocationState)
		require.NoError(t, c.shared(domain.DisputeAllocation(c.allocation, "company", "~s1.1.why", c.act(keeper))), "another party may still object")
	})
	t.Run("ItIsMadeAgain", func(t *testing.T) {
		c := begin(t)
		require.NoError(t, decide(c, marketHead, &compensationv1.DecideDisputeRequest{Verdict: compensationv1.Verdict_VERDICT_CHANGED, Facts: caused("not_loaded")}))
		require.Equal(t, map[string]string{"representative": "12500.00"}, bears(c.allocation))
		require.Len(t, c.allocation.GetFormer(), 1)
		require.Equal(t, "5000.00", c.allocation.GetFormer()[0].GetShares()[0].GetAmount().GetAmount())
		require.IsType(t, &compensationv1.LiabilityAllocated{}, c.told[len(c.told)-1])
	})
	t.Run("ByItsSupervisorAndNobodyWhoTookPart", func(t *testing.T) {
		c := begin(t)
		f := refusal(t, decide(c, quality, stands), domain.ReasonAllocationAuthority)
		require.Equal(t, []string{"head@disputing"}, fields(f))
		for _, person := range []string{market, inspector} {
			c.roles[person] = append(c.roles[person], "head@disputing")
			refused(t, decide(c, person, stands), domain.ReasonAllocationAuthority)
		}
	})
	t.Run("AVerdictAndItsChangesGoTogether", func(t *testing.T) {
		c := begin(t)
		refused(t, decide(c, marketHead, &compensationv1.DecideDisputeRequest{Verdict: compensationv1.Verdict_VERDICT_CHANGED}), domain.ReasonBasis)
		refused(t, decide(c, marketHead, &compensationv1.DecideDisputeRequest{Verdict: compensationv1.Verdict_VERDICT_STANDS, Facts: caused("fraud")}), domain.ReasonBasis)
	})
	t.Run("OnlyItsPeopleSpeakForADepartment", func(t *testing.T) {
		c := cartonMaker(t)
		require.NoError(t, c.allocate(inspector, caused("unconfirmed_change"), of(loss, "12500.00")))
		f := refusal(t, c.shared(domain.DisputeAllocation(c.allocation, "marketing", "x", c.act(keeper))), domain.ReasonDisputeParty)
		require.Equal(t, []string{"anyone@marketing"}, fields(f))
		refused(t, c.shared(domain.DisputeAllocation(c.allocation, "carrier", "x", c.act(keeper))), domain.ReasonPartyUnknown)
	})
	t.Run("NothingIsSharedOutAnewMeanwhile", func(t *testing.T) {
		c := begin(t)
		refused(t, c.allocate(inspector, caused("fraud"), of(loss, "12500.00")), domain.ReasonDisputeOpen)
	})
}

func TestANewAllocationTakesThePlaceOfTheOld(t *testing.T) {
	c := cartonMaker(t)
	require.NoError(t, c.allocate(inspector, caused("fraud"), of(loss, "8000.00"), of(costs, "640.00")))
	first := c.allocation
	f := refusal(t, c.allocate(inspector, caused("fraud"), of(loss, "9000.00")), domain.ReasonBasisAllocated)
	require.Equal(t, first.GetName(), f.Facts["name"], "half of it cannot be shared out anew")
	require.NoError(t, c.allocate(inspector, nil, of(fuel, "10.00")), "another base is another matter")
	c.allocation = first
	events, err := domain.Allocate("allocations/3", "L3", c.on, &compensationv1.AllocateLiabilityRequest{
		Bases: []*compensationv1.Basis{of(loss, "9000.00"), of(costs, "640.00")}, Facts: caused("fraud"),
	}, []*compensationv1.Allocation{first}, c.act(inspector))
	require.NoError(t, err)
	require.Len(t, events, 2)
	require.Equal(t, first.GetName(), events[1].State.GetName())
	require.Equal(t, compensationv1.Allocation_STATE_SUPERSEDED, events[1].State.GetState())
}

func TestWhatCannotBeSharedOut(t *testing.T) {
	for name, row := range map[string]struct {
		person string
		facts  map[string]*typev1.Fact
		bases  []*compensationv1.Basis
		reason string
	}{
		"ByAStranger":       {keeper, caused("fraud"), []*compensationv1.Basis{of(loss, "1.00")}, domain.ReasonAllocationAuthority},
		"NoAmount":          {inspector, caused("fraud"), []*compensationv1.Basis{{Base: loss}}, domain.ReasonBasis},
		"Nothing":           {inspector, caused("fraud"), []*compensationv1.Basis{of(loss, "0.00")}, domain.ReasonBasis},
		"Twice":             {inspector, caused("fraud"), []*compensationv1.Basis{of(loss, "1.00"), of(loss, "2.00")}, domain.ReasonBasis},
		"ALineThatIsNot":    {inspector, caused("fraud"), []*compensationv1.Basis{{Base: loss, Amount: yuan("1.00"), Line: 2}}, domain.ReasonBasis},
		"AnUnknownCause":    {inspector, caused("weather"), []*compensationv1.Basis{of(loss, "1.00")}, domain.ReasonForm},
		"AFactOfAnother":    {inspector, map[string]*typev1.Fact{"colour": choice("red")}, []*compensationv1.Basis{of(loss, "1.00")}, domain.ReasonForm},
		"WithoutTheCause":   {inspector, nil, []*compensationv1.Basis{of(loss, "1.00")}, domain.ReasonGate},
		"CostsWithoutProof": {inspector, map[string]*typev1.Fact{"fuel": {Value: &typev1.Fact_Money{Money: yuan("260.00")}}}, []*compensationv1.Basis{of(fuel, "260.00")}, domain.ReasonGate},
	} {
		t.Run(name, func(t *testing.T) {
			c := cartonMaker(t)
			refused(t, c.allocate(row.person, row.facts, row.bases...), row.reason)
			require.Nil(t, c.allocation)
		})
	}
	t.Run("WhatIsMissingIsNamed", func(t *testing.T) {
		f := refusal(t, cartonMaker(t).allocate(inspector, nil, of(loss, "1.00")), domain.ReasonGate)
		require.Equal(t, []string{"cause_clause"}, fields(f))
		require.Equal(t, "INCOMPLETE", f.Facts["because"])
	})
}

// Causes that are decided line by line read the line. Source: PACK-SKETCH 2.8 G3.
func TestALineIsDecidedByItsOwnFacts(t *testing.T) {
	c := cartonMaker(t, func(p *policyv1.Pack) {
		p.Liability.Causes = append([]*policyv1.Cause{{
			Id: "print_of_a_batch", Clause: "4.6.2 d", Text: &typev1.Text{Zh: "印刷", En: "print"}, Each: "lines", If: `line.reason == "print"`, Of: []policyv1.Base{loss}, Shares: map[string]string{"marketing": "40%"},
		}}, p.GetLiability().GetCauses()...)
	})
	row := func(batch, reason string) *typev1.Row {
		return &typev1.Row{Values: map[string]*typev1.Fact{"batch": words("~s1.1." + batch), "reason": choice(reason)}}
	}
	c.on.Facts = map[string]*typev1.Fact{"lines": {Value: &typev1.Fact_Rows{Rows: &typev1.Rows{Values: []*typev1.Row{row("a", "size"), row("b", "print")}}}}}
	line := func(n int32, amount string) *compensationv1.Basis {
		return &compensationv1.Basis{Base: loss, Amount: yuan(amount), Line: n}
	}
	require.NoError(t, c.allocate(inspector, caused("not_loaded"), line(1, "100.00"), line(2, "1000.00"), of(loss, "10.00")))
	require.Equal(t, map[string]string{"representative": "110.00", "marketing": "400.00", "company": "600.00", "company*": "600.00"}, bears(c.allocation))
}

// Shares add up to the whole, to the fen, whatever the amounts and whatever the cause;
// nobody bears less than nothing and only the party of the remainder bears what is left.
// Source: PROCEDURES K8, P27-A6.
func TestSharesSumToTheWhole(t *testing.T) {
	c := cartonMaker(t)
	clauses := c.p.Rules().GetForms()[slices.IndexFunc(c.p.Rules().GetForms(), func(f *policyv1.Form) bool { return f.GetId() == "appraisal" })]
	var options []string
	for _, f := range clauses.GetFields() {
		if f.GetId() == "cause_clause" {
			options = f.GetOptions()
		}
	}
	require.NotEmpty(t, options)
	rapid.Check(t, func(t *rapid.T) {
		facts := caused(rapid.SampledFrom(options).Draw(t, "cause"))
		if rapid.Bool().Draw(t, "refuses") {
			facts["customer_refuses"] = flag(true)
		} else {
			facts["customer_refuses"] = flag(false)
		}
		all := rapid.SliceOfNDistinct(rapid.SampledFrom([]policyv1.Base{loss, compensation, costs, fuel, inDispute}), 1, 5, rapid.ID).Draw(t, "bases")
		var bases []*compensationv1.Basis
		whole := map[policyv1.Base]int64{}
		for _, b := range all {
			fen := rapid.Int64Range(1, 99_999_999_999).Draw(t, b.String())
			whole[b] = fen
			bases = append(bases, of(b, fmt.Sprintf("%d.%02d", fen/100, fen%100)))
		}
		x := *c
		x.allocation, x.on = nil, &intakev1.Complaint{Name: "complaints/1", State: intakev1.Complaint_STATE_VERIFIED}
		require.NoError(t, x.allocate(inspector, facts, bases...))
		sum := map[policyv1.Base]money.Amount{}
		for _, s := range x.allocation.GetShares() {
			amount, err := money.Parse(s.GetAmount())
			require.NoError(t, err)
			require.False(t, amount.IsZero())
			if s.GetUnallocated() {
				require.Equal(t, "company", s.GetParty())
			}
			before, ok := sum[s.GetBase()]
			if !ok {
				before = money.Zero(money.CNY)
			}
			sum[s.GetBase()], err = before.Add(amount)
			require.NoError(t, err)
		}
		for b, fen := range whole {
			require.Equal(t, fmt.Sprintf("%d.%02d", fen/100, fen%100), sum[b].Text(), b.String())
		}
		total := money.Zero(money.CNY)
		for _, p := range x.allocation.GetTotals() {
			amount, err := money.Parse(p.GetAmount())
			require.NoError(t, err)
			total, err = total.Add(amount)
			require.NoError(t, err)
		}
		of, err := money.Sum(money.CNY, slices.Collect(maps.Values(sum))...)
		require.NoError(t, err)
		require.Equal(t, of.Text(), total.Text())
	})
}

func TestAPackWithoutLiabilitySharesNothing(t *testing.T) {
	c := cartonMaker(t, func(p *policyv1.Pack) { p.Liability = nil })
	require.Equal(t, domain.ReasonNoLiability, fault.ReasonOf(c.allocate(inspector, nil, of(loss, "1.00"))))
}
