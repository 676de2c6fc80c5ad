package domain_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/compensation/internal/domain"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/sheet"
)

// The people of the carton maker.
const (
	rep        = "people/rep"
	keeper     = "people/keeper"
	sales      = "people/sales"      // manager of the sales company
	salesHead  = "people/saleshead"  // sales manager
	quality    = "people/quality"    // quality manager
	inspector  = "people/inspector"  // somebody of quality
	marketing  = "people/marketing"  // deputy general manager marketing
	general    = "people/general"    // general manager
	market     = "people/market"     // somebody of marketing
	marketHead = "people/markethead" // head of marketing
)

func cartonRoles() map[string][]string {
	return map[string][]string{
		rep: {"sales_representative"}, keeper: {"anyone@finished_goods_store"}, sales: {"sales_company_manager"}, salesHead: {"sales_manager"},
		quality: {"quality_manager", "anyone@quality"}, inspector: {"anyone@quality"}, marketing: {"deputy_gm_marketing"}, general: {"general_manager"},
		market: {"anyone@marketing"}, marketHead: {"anyone@marketing", "head@disputing"},
	}
}

// carton plays acts on goods and allocations of the carton maker.
type carton struct {
	t     testingT
	p     *policy.Policy
	now   time.Time
	on    *intakev1.Complaint
	kase  *routingv1.Case
	roles map[string][]string
	sums  domain.Sums

	goods      *compensationv1.Goods
	allocation *compensationv1.Allocation
	told       []proto.Message
}

func cartonMaker(t testing.TB, change ...func(*policyv1.Pack)) *carton {
	t.Helper()
	pack, _, err := policy.LoadShipped("carton-maker")
	require.NoError(t, err)
	for _, f := range change {
		f(pack)
	}
	p, findings := policy.Compile(pack, policy.Options{Parameters: map[string]string{"consenter": "deputy_gm_sales"}})
	require.NotNil(t, p, findings)
	return &carton{
		t: t, p: p, now: time.Date(2026, 6, 9, 5, 0, 0, 0, time.UTC), roles: cartonRoles(),
		on: &intakev1.Complaint{Name: "complaints/1", Number: "C20260609-000001", Subject: "subjects/1", PolicyRevision: "packs/p/revisions/1", State: intakev1.Complaint_STATE_VERIFIED},
	}
}

func (c *carton) act(person string) domain.Act {
	c.now = c.now.Add(time.Minute)
	return domain.Act{
		Policy: c.p, Sheet: sheet.Of(c.on, c.kase), Now: c.now, Sums: c.sums,
		By: domain.Person{Name: person, Matches: c.matches(person)},
	}
}

func (c *carton) matches(person string) func(string) (bool, string) {
	return func(who string) (bool, string) { return slices.Contains(c.roles[person], who), "" }
}

func (c *carton) took(events []domain.GoodsEvent, err error) error {
	if err != nil {
		return err
	}
	for _, e := range events {
		c.goods, c.told = e.State, append(c.told, e.Change)
	}
	return nil
}

func (c *carton) report(person string, in *compensationv1.Goods) error {
	return c.took(domain.Report(domain.GoodsIdentity{Name: "goods/1", Number: "G20260609-000001", Case: "cases/1", Subject: "subjects/1"}, in, c.act(person)))
}

func (c *carton) fill(person, form string, facts map[string]*typev1.Fact) error {
	return c.took(domain.FillGoods(c.goods, form, facts, c.act(person)))
}

func (c *carton) sign(person string, change ...func(*domain.Signature)) error {
	in := domain.Signature{Decision: typev1.Decision_DECISION_APPROVE}
	for _, f := range change {
		f(&in)
	}
	return c.took(domain.SignGoods(c.goods, in, c.act(person)))
}

func (c *carton) shared(events []domain.AllocationEvent, err error) error {
	if err == nil && len(events) > 0 {
		c.allocation = events[0].State
		for _, e := range events {
			if e.State.GetName() == c.allocation.GetName() {
				c.allocation = e.State
			}
			c.told = append(c.told, e.Change)
		}
	}
	return err
}

func (c *carton) allocate(person string, facts map[string]*typev1.Fact, bases ...*compensationv1.Basis) error {
	var earlier []*compensationv1.Allocation
	if c.allocation != nil {
		earlier = append(earlier, c.allocation)
	}
	in := &compensationv1.AllocateLiabilityRequest{Complaint: c.on.GetName(), Bases: bases, Facts: facts}
	return c.shared(domain.Allocate("allocations/"+c.now.Format("150405"), "L20260609-000001", c.on, in, earlier, c.act(person)))
}

func byTelephone(s *domain.Signature) { s.ByTelephone = true }

func decision(d typev1.Decision) func(*domain.Signature) {
	return func(s *domain.Signature) { s.Decision, s.Comment = d, "~s1.1.because" }
}

func rejected(value string, urgent bool) *compensationv1.Goods {
	return &compensationv1.Goods{Complaint: "complaints/1", Origin: "rejected_at_delivery", Value: yuan(value), Urgent: urgent, Facts: map[string]*typev1.Fact{
		"refused_at": instant(time.Date(2026, 6, 9, 5, 0, 0, 0, time.UTC)),
	}}
}

func instant(t time.Time) *typev1.Fact {
	return &typev1.Fact{Value: &typev1.Fact_Instant{Instant: timestamppb.New(t)}}
}

func choice(s string) *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Choice{Choice: s}} }

func caused(clause string) map[string]*typev1.Fact {
	return map[string]*typev1.Fact{"cause_clause": choice(clause)}
}

func of(base policyv1.Base, amount string) *compensationv1.Basis {
	return &compensationv1.Basis{Base: base, Amount: yuan(amount)}
}

// next is who may sign now.
func next(a *typev1.Approval) []string {
	var out []string
	for _, s := range a.GetSteps() {
		if s.GetState() == typev1.ApprovalStep_STATE_OPEN {
			out = append(out, s.GetWho()...)
		}
	}
	return out
}
