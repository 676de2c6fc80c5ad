package obligationtest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/suite/suitetest"
)

func yes() *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Flag{Flag: true}} }

func text(s string) *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Text{Text: s}} }

func choice(s string) *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Choice{Choice: s}} }

// Measures of the plans here.
func work() *routingv1.Measure {
	return &routingv1.Measure{Id: "work", Description: "维修外墙接缝", Person: quality, Department: "departments/product", Limit: "5 working days"}
}

func credit() *routingv1.Measure {
	return &routingv1.Measure{
		Id: "credit", Kind: routingv1.Measure_KIND_COMPENSATION, Description: "以物业费抵扣补偿家具损失", Remedy: "property_fee_credit",
		Amount: &typev1.Money{CurrencyCode: "CNY", Amount: "30000.00"}, Ground: "warranty_works", Causes: []string{"engineering"},
	}
}

func seams() *routingv1.Measure {
	return &routingv1.Measure{
		Id: "seams", Kind: routingv1.Measure_KIND_CORRECTIVE_ACTION, Description: "修订接缝施工工艺", Person: quality, Department: "departments/quality",
	}
}

// verified registers a complaint and verifies it.
func (b *bed) verified(t *testing.T) string {
	t.Helper()
	c := b.Register()
	filled := do(t, b, agent, b.intake.FillForm, &intakev1.FillFormRequest{
		Name: c.GetName(), Form: "verification", Etag: c.GetEtag(), RequestId: suitetest.ID(),
		Facts: map[string]*typev1.Fact{"facts_confirmed": yes(), "demand_confirmed": yes(), "process_explained": yes(), "findings": text("现场确认渗水")},
	})
	do(t, b, agent, b.intake.VerifyComplaint, &intakev1.VerifyComplaintRequest{Name: c.GetName(), Etag: filled.GetComplaint().GetEtag(), RequestId: suitetest.ID()})
	return c.GetName()
}

// approved returns the name of a plan with the measures that both signatories approved.
func (b *bed) approved(t *testing.T, complaint string, measures ...*routingv1.Measure) string {
	t.Helper()
	p := do(t, b, agent, b.routing.ProposePlan, &routingv1.ProposePlanRequest{
		Parent: b.caseOf(t, complaint).GetName(), RequestId: suitetest.ID(), Plan: &routingv1.Plan{Summary: "维修并补偿", Measures: measures},
	}).GetPlan()
	for _, who := range []string{group, operations} {
		p = do(t, b, who, b.routing.SignPlan, &routingv1.SignPlanRequest{
			Name: p.GetName(), Decision: typev1.Decision_DECISION_APPROVE, SealedDigest: p.GetApproval().GetSealedDigest(), Etag: p.GetEtag(), RequestId: suitetest.ID(),
		}).GetPlan()
	}
	return p.GetName()
}

func (b *bed) start(t *testing.T, plan string) {
	t.Helper()
	do(t, b, agent, b.routing.StartPlan, &routingv1.StartPlanRequest{Name: plan, Etag: b.plan(t, plan).GetEtag(), RequestId: suitetest.ID()})
}

// started returns a complaint whose plan with the measures runs, and the plan.
func (b *bed) started(t *testing.T, measures ...*routingv1.Measure) (complaint, plan string) {
	t.Helper()
	complaint = b.verified(t)
	plan = b.approved(t, complaint, measures...)
	b.start(t, plan)
	return complaint, plan
}

// worked completes the measure that people do themselves.
func (b *bed) worked(t *testing.T, plan string) {
	t.Helper()
	do(t, b, quality, b.routing.CompleteMeasure, &routingv1.CompleteMeasureRequest{Name: plan, Measure: "work", Etag: b.plan(t, plan).GetEtag(), RequestId: suitetest.ID()})
}

// carriedOut returns a complaint whose plan is carried out.
func (b *bed) carriedOut(t *testing.T) (complaint, plan string) {
	t.Helper()
	complaint, plan = b.started(t, work())
	b.worked(t, plan)
	require.Equal(t, routingv1.Plan_STATE_CARRIED_OUT, b.plan(t, plan).GetState())
	return complaint, plan
}

func (b *bed) claim(t *testing.T, name string) *compensationv1.Claim {
	t.Helper()
	got, err := b.compensation.GetClaim(b.As(finance), &compensationv1.GetClaimRequest{Name: name})
	require.NoError(t, err)
	return got.GetClaim()
}

func (b *bed) submitted(t *testing.T, claim string) {
	t.Helper()
	do(t, b, marketing, b.compensation.SubmitClaim, &compensationv1.SubmitClaimRequest{
		Name: claim, Etag: b.claim(t, claim).GetEtag(), RequestId: suitetest.ID(), Justification: "质保期内渗水，家具受损有照片为证。",
		Facts: map[string]*typev1.Fact{"demanded": text("赔偿家具损失"), "claim_basis": text("购房合同质保条款")},
		Payee: &compensationv1.Payee{DisplayName: "赵倩", Account: "WY-301"},
	})
}

func (b *bed) sign(t *testing.T, claim, who string, d typev1.Decision) {
	t.Helper()
	c := b.claim(t, claim)
	do(t, b, who, b.compensation.SignClaim, &compensationv1.SignClaimRequest{
		Name: claim, Decision: d, Comment: "已阅", SealedDigest: c.GetApproval().GetSealedDigest(), Etag: c.GetEtag(), RequestId: suitetest.ID(),
	})
}

// executed brings a claim of a plan to where nothing can be held any more.
func (b *bed) executed(t *testing.T, claim string) {
	t.Helper()
	b.submitted(t, claim)
	for _, who := range []string{"people/sun-bo", "people/gao-jun", "people/he-min", "people/lin-tao"} {
		b.sign(t, claim, who, typev1.Decision_DECISION_APPROVE)
	}
	do(t, b, finance, b.compensation.CheckPayable, &compensationv1.CheckPayableRequest{Name: claim, Etag: b.claim(t, claim).GetEtag(), RequestId: suitetest.ID()})
	do(t, b, finance, b.compensation.ExecutePayout, &compensationv1.ExecutePayoutRequest{Name: claim, Etag: b.claim(t, claim).GetEtag(), RequestId: suitetest.ID()})
}

func (b *bed) paid(t *testing.T, claim string) {
	t.Helper()
	b.executed(t, claim)
	do(t, b, finance, b.compensation.ConfirmPayout, &compensationv1.ConfirmPayoutRequest{Name: claim, Voucher: "V-2026-0412", Etag: b.claim(t, claim).GetEtag(), RequestId: suitetest.ID()})
	require.Equal(t, compensationv1.Claim_STATE_PAID, b.claim(t, claim).GetState())
}

func (b *bed) action(t *testing.T, name string) *correctiveactionv1.Action {
	t.Helper()
	got, err := b.corrective.GetAction(b.As(quality), &correctiveactionv1.GetActionRequest{Name: name})
	require.NoError(t, err)
	return got.GetAction()
}

func (b *bed) implemented(t *testing.T, action string) {
	t.Helper()
	do(t, b, quality, b.corrective.ImplementAction, &correctiveactionv1.ImplementActionRequest{Name: action, Note: "工艺卡已修订", Etag: b.action(t, action).GetEtag(), RequestId: suitetest.ID()})
}

func (b *bed) judged(t *testing.T, action string, effective bool) {
	t.Helper()
	do(t, b, verifier, b.corrective.VerifyAction, &correctiveactionv1.VerifyActionRequest{
		Name: action, Effective: effective, Note: "抽查三户", Etag: b.action(t, action).GetEtag(), RequestId: suitetest.ID(),
	})
}

func (b *bed) answered(t *testing.T, followUp, word string) {
	t.Helper()
	got, err := b.notification.GetFollowUp(b.As(agent), &notificationv1.GetFollowUpRequest{Name: followUp})
	require.NoError(t, err)
	score := &typev1.Fact{Value: &typev1.Fact_Score{Score: 4}}
	do(t, b, asker, b.notification.RecordFollowUp, &notificationv1.RecordFollowUpRequest{
		Name: followUp, Mode: "telephone", Etag: got.GetFollowUp().GetEtag(), RequestId: suitetest.ID(),
		Facts: map[string]*typev1.Fact{"efficiency": score, "resolution": score, "attitude": score, "reasonable": score, "confirmed": choice(word)},
	})
}

func (b *bed) closing(t *testing.T, complaint string) *routingv1.CloseCaseRequest {
	t.Helper()
	k := b.caseOf(t, complaint)
	return &routingv1.CloseCaseRequest{Name: k.GetName(), Etag: k.GetEtag(), RequestId: suitetest.ID()}
}

// withdrawal is the customer's wish to take the complaint back.
func (b *bed) withdrawal(t *testing.T, complaint string) *intakev1.WithdrawComplaintRequest {
	t.Helper()
	return &intakev1.WithdrawComplaintRequest{Name: complaint, Reason: "客户撤回", Etag: b.complaint(t, complaint).GetEtag(), RequestId: suitetest.ID()}
}

// asked returns a claim that somebody asks for on a complaint without a plan.
func (b *bed) asked(t *testing.T, complaint string) string {
	t.Helper()
	return do(t, b, marketing, b.compensation.CreateClaim, &compensationv1.CreateClaimRequest{RequestId: suitetest.ID(), Claim: &compensationv1.Claim{
		Complaint: complaint, Ground: "warranty_works", Remedy: "property_fee_credit", Causes: []string{"engineering"},
		Amount: &typev1.Money{CurrencyCode: "CNY", Amount: "30000.00"}, Justification: "质保期内渗水，家具受损有照片为证。",
		Payee: &compensationv1.Payee{DisplayName: "赵倩", Account: "WY-301"},
		Facts: map[string]*typev1.Fact{"demanded": text("赔偿家具损失"), "claim_basis": text("购房合同质保条款")},
	}}).GetClaim().GetName()
}

func (b *bed) nothingParked(t *testing.T, service string) {
	t.Helper()
	got, err := eventv1.NewConsumerServiceClient(b.Conn).ListParkedEvents(b.As(admin), &eventv1.ListParkedEventsRequest{Service: service})
	require.NoError(t, err)
	require.Empty(t, got.GetParkedEvents())
}
