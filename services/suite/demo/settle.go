package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

func (s *story) propose(ctx context.Context) error {
	s.part("三、处理方案", "3. The handling plan")
	if err := s.Pass(ctx, 15*time.Hour); err != nil {
		return err
	}
	got, err := call(ctx, s.World, agent, s.routing.ProposePlan, &routingv1.ProposePlanRequest{Parent: s.kase, RequestId: id(), Plan: &routingv1.Plan{
		Summary: "维修外墙，补偿家具损失，整改接缝工艺。",
		Measures: []*routingv1.Measure{
			{Id: "repair", Description: "维修外墙接缝并做闭水试验", Person: "people/wu-di", Department: "departments/product", Limit: "5 working days", Resources: "维修班组"},
			{Id: "credit", Kind: routingv1.Measure_KIND_COMPENSATION, Description: "以物业费抵扣补偿家具损失", Amount: &typev1.Money{CurrencyCode: "CNY", Amount: "80000.00"}, Remedy: "property_fee_credit", Ground: "warranty_works", Causes: []string{"engineering"}},
			{Id: "seams", Kind: routingv1.Measure_KIND_CORRECTIVE_ACTION, Description: "修订接缝施工工艺并培训", Person: "people/wu-di", Department: "departments/quality"},
		},
	}})
	if err != nil {
		return err
	}
	s.plan = got.GetPlan()
	for _, who := range []string{group, operations} {
		signed, err := call(ctx, s.World, who, s.routing.SignPlan, &routingv1.SignPlanRequest{
			Name: s.plan.GetName(), Decision: typev1.Decision_DECISION_APPROVE, SealedDigest: s.plan.GetApproval().GetSealedDigest(), Etag: s.plan.GetEtag(), RequestId: id(),
		})
		if err != nil {
			return err
		}
		s.plan = signed.GetPlan()
	}
	started, err := call(ctx, s.World, agent, s.routing.StartPlan, &routingv1.StartPlanRequest{Name: s.plan.GetName(), Etag: s.plan.GetEtag(), RequestId: id()})
	if err != nil {
		return err
	}
	s.plan = started.GetPlan()
	s.say("方案三项措施：维修、补偿 80,000.00 元、工艺整改；小组审核、运营总监批准后开始执行", "three measures: repair, 80,000.00 CNY, correction at the root; reviewed by the group, approved by the operations director, begun")
	return nil
}

// claimed returns the claim the plan owes, in the state wanted.
func (s *story) claimed(ctx context.Context, who string, state compensationv1.Claim_State) (c *compensationv1.Claim, err error) {
	err = s.until(ctx, "the claim is "+state.String(), func(ctx context.Context) (bool, error) {
		got, err := call(ctx, s.World, who, s.compensation.ListClaims, &compensationv1.ListClaimsRequest{Complaint: s.complaint.GetName()})
		if err != nil || len(got.GetClaims()) == 0 {
			return false, err
		}
		c = got.GetClaims()[0]
		return c.GetState() == state, nil
	})
	return c, err
}

func (s *story) claim(ctx context.Context) error {
	s.part("四、补偿审批与支付", "4. Compensation")
	c, err := s.claimed(ctx, marketing, compensationv1.Claim_STATE_DRAFT)
	if err != nil {
		return err
	}
	submitted, err := call(ctx, s.World, marketing, s.compensation.SubmitClaim, &compensationv1.SubmitClaimRequest{
		Name: c.GetName(), Etag: c.GetEtag(), RequestId: id(), Justification: "质保期内渗水，家具受损有照片为证。",
		Facts: map[string]*typev1.Fact{"demanded": text("赔偿家具损失"), "claim_basis": text("购房合同质保条款")},
		Payee: &compensationv1.Payee{DisplayName: "赵倩", Account: "WY-301"},
	})
	if err != nil {
		return err
	}
	c = submitted.GetClaim()
	s.say("营销客服部提出补偿申请 "+c.GetNumber(), "marketing customer service asks for compensation: "+c.GetNumber())
	for _, sign := range []struct{ who, zh, en string }{
		{"people/sun-bo", "营销总监审核", "the marketing director reviews"},
		{"people/gao-jun", "工程部会签", "engineering countersigns"},
		{"people/he-min", "法务会签（必选）", "legal countersigns, as always"},
		{"people/guo-qiang", "董事长审批（50,000.00 以上）", "the chairman approves (above 50,000.00)"},
	} {
		signed, err := call(ctx, s.World, sign.who, s.compensation.SignClaim, &compensationv1.SignClaimRequest{
			Name: c.GetName(), Decision: typev1.Decision_DECISION_APPROVE, SealedDigest: c.GetApproval().GetSealedDigest(), Etag: c.GetEtag(), RequestId: id(),
		})
		if err != nil {
			return err
		}
		c = signed.GetClaim()
		s.say(sign.zh, sign.en)
	}
	return nil
}

func (s *story) pay(ctx context.Context) error {
	const finance = "people/zhou-hui"
	listed, err := call(ctx, s.World, finance, s.compensation.ListPayables, &compensationv1.ListPayablesRequest{})
	if err != nil {
		return err
	}
	if len(listed.GetPayables()) == 0 {
		return errors.New("finance has nothing to pay")
	}
	c := listed.GetPayables()[0].GetClaim()
	checked, err := call(ctx, s.World, finance, s.compensation.CheckPayable, &compensationv1.CheckPayableRequest{Name: c.GetName(), Etag: c.GetEtag(), RequestId: id()})
	if err != nil {
		return err
	}
	if checked.GetResult() != compensationv1.CheckPayableResponse_RESULT_COMPLETE {
		return fmt.Errorf("finance misses %v", checked.GetMissing())
	}
	// The order is repeated as a client does whose answer was lost: it is given once.
	order := &compensationv1.ExecutePayoutRequest{Name: c.GetName(), Etag: checked.GetClaim().GetEtag(), RequestId: id()}
	executed, err := call(ctx, s.World, finance, s.compensation.ExecutePayout, order)
	if err != nil {
		return err
	}
	again, err := call(ctx, s.World, finance, s.compensation.ExecutePayout, order)
	if err != nil {
		return err
	}
	if again.GetClaim().GetPayout().GetOrder() != executed.GetClaim().GetPayout().GetOrder() {
		return errors.New("a repeated request gave a second order to pay")
	}
	if _, err := call(ctx, s.World, finance, s.compensation.ConfirmPayout, &compensationv1.ConfirmPayoutRequest{
		Name: c.GetName(), Voucher: "V-2026-0412", Etag: executed.GetClaim().GetEtag(), RequestId: id(),
	}); err != nil {
		return err
	}
	s.say("财务核对审批完整、执行一次（重复请求不重复付款）、凭证确认", "finance checks, executes once (a repeated request pays nothing twice) and confirms with a voucher")
	return nil
}

func (s *story) carryOut(ctx context.Context) error {
	s.part("五、执行、纠正与验证", "5. Carrying out, correction, verification")
	if err := s.Pass(ctx, 50*time.Hour); err != nil {
		return err
	}
	if _, err := call(ctx, s.World, agent, s.routing.RecordProgress, &routingv1.RecordProgressRequest{Parent: s.kase, RequestId: id(), Progress: &routingv1.Progress{
		Measure: "repair", Content: "外墙接缝已重做，闭水试验合格。",
	}}); err != nil {
		return err
	}
	if err := s.correct(ctx); err != nil {
		return err
	}
	if err := s.until(ctx, "the repair is recorded", func(ctx context.Context) (bool, error) {
		got, err := call(ctx, s.World, agent, s.routing.GetPlan, &routingv1.GetPlanRequest{Name: s.plan.GetName()})
		if err != nil {
			return false, err
		}
		_, err = call(ctx, s.World, "people/wu-di", s.routing.CompleteMeasure, &routingv1.CompleteMeasureRequest{
			Name: s.plan.GetName(), Measure: "repair", Note: "完工", Etag: got.GetPlan().GetEtag(), RequestId: id(),
		})
		if notYet(err) {
			return false, nil
		}
		return err == nil, err
	}); err != nil {
		return err
	}
	s.say("维修完成并记录进度", "the repair is done and recorded")
	if _, err := s.current(ctx, "answering"); err != nil {
		return err
	}
	s.say("方案全部措施完成，处理结果通知客户", "every measure is done; the customer is told the result")
	return nil
}

func (s *story) correct(ctx context.Context) error {
	var a *correctiveactionv1.Action
	if err := s.until(ctx, "the corrective action is open", func(ctx context.Context) (bool, error) {
		got, err := call(ctx, s.World, "people/wu-di", s.corrective.ListActions, &correctiveactionv1.ListActionsRequest{Complaint: s.complaint.GetName()})
		if err != nil || len(got.GetActions()) == 0 {
			return false, err
		}
		a = got.GetActions()[0]
		return true, nil
	}); err != nil {
		return err
	}
	done, err := call(ctx, s.World, "people/wu-di", s.corrective.ImplementAction, &correctiveactionv1.ImplementActionRequest{Name: a.GetName(), Note: "工艺卡已修订，班组已培训。", Etag: a.GetEtag(), RequestId: id()})
	if err != nil {
		return err
	}
	if _, err := call(ctx, s.World, "people/xu-rui", s.corrective.VerifyAction, &correctiveactionv1.VerifyActionRequest{Name: a.GetName(), Effective: true, Note: "抽查三户，无渗水。", Etag: done.GetAction().GetEtag(), RequestId: id()}); err != nil {
		return err
	}
	s.say("纠正措施实施，由他人验证有效", "the corrective action is implemented, and verified as effective by somebody else")
	return nil
}

func (s *story) survey(ctx context.Context) error {
	s.part("六、回访与关闭", "6. Follow-up and closing")
	var f *notificationv1.FollowUp
	if err := s.until(ctx, "the survey is open", func(ctx context.Context) (bool, error) {
		got, err := call(ctx, s.World, agent, s.notification.ListFollowUps, &notificationv1.ListFollowUpsRequest{Complaint: s.complaint.GetName()})
		if err != nil || len(got.GetFollowUps()) == 0 {
			return false, err
		}
		f = got.GetFollowUps()[0]
		return f.GetState() == notificationv1.FollowUp_STATE_OPEN, nil
	}); err != nil {
		return err
	}
	if s.SurveyToken == nil {
		_, err := call(ctx, s.World, asker, s.notification.RecordFollowUp, &notificationv1.RecordFollowUpRequest{
			Name: f.GetName(), Mode: "telephone", Etag: f.GetEtag(), RequestId: id(),
			Facts: map[string]*typev1.Fact{"efficiency": score(4), "resolution": score(5), "attitude": score(4), "reasonable": score(3), "confirmed": choice("satisfied")},
		})
		if err == nil {
			s.say("电话回访：客户满意", "asked by telephone, by somebody who did not handle the case: satisfied")
		}
		return err
	}
	return s.surveyPage(ctx)
}

func (s *story) surveyPage(ctx context.Context) error {
	var token string
	if err := s.until(ctx, "the survey link is in the mailbox", func(ctx context.Context) (ok bool, err error) {
		token, err = s.SurveyToken(ctx, s.complaint.GetNumber())
		return token != "", err
	}); err != nil {
		return err
	}
	body := form(map[string]string{"request_id": id(), "efficiency": "4", "resolution": "5", "attitude": "4", "reasonable": "3", "confirmed": "satisfied"})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Edge+"/survey/"+token, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if _, err := s.send(req); err != nil {
		return err
	}
	s.say("客户打开邮件中的链接，在页面上评分 4、5、4、3 并确认满意", "the customer opens the link in the mail and answers on the page: 4, 5, 4, 3, satisfied")
	return nil
}

func (s *story) close(ctx context.Context) error {
	if _, err := s.onCase(ctx, "the case may be closed", func(ctx context.Context, k *routingv1.Case) (*routingv1.Case, error) {
		got, err := call(ctx, s.World, agent, s.routing.CloseCase, &routingv1.CloseCaseRequest{Name: s.kase, Note: "客户满意，归档。", Etag: k.GetEtag(), RequestId: id()})
		return got.GetCase(), err
	}); err != nil {
		return err
	}
	return s.until(ctx, "the complaint is archived", func(ctx context.Context) (bool, error) {
		got, err := call(ctx, s.World, agent, s.intake.GetComplaint, &intakev1.GetComplaintRequest{Name: s.complaint.GetName()})
		return got.GetComplaint().GetState() == intakev1.Complaint_STATE_ARCHIVED, err
	})
}

func (s *story) file(ctx context.Context) error {
	var file *reportingv1.CaseFile
	if err := s.until(ctx, "the file shows the archive", func(ctx context.Context) (bool, error) {
		got, err := call(ctx, s.World, operations, s.reporting.GetCaseFile, &reportingv1.GetCaseFileRequest{Name: s.complaint.GetName()})
		file = got.GetFile()
		return file.GetComplaint().GetState() == intakev1.Complaint_STATE_ARCHIVED && file.GetCase().GetState() == routingv1.Case_STATE_CLOSED, err
	}); err != nil {
		return err
	}
	s.say(fmt.Sprintf("案件关闭并归档：%d 条记录、%d 个时限、%d 份通知", len(file.GetTimeline()), len(file.GetClocks()), len(file.GetNotices())),
		fmt.Sprintf("closed and archived: %d entries, %d clocks, %d notices on file", len(file.GetTimeline()), len(file.GetClocks()), len(file.GetNotices())))
	return nil
}

// absent reports that a resource is not there (yet).
func absent(err error) bool { return status.Code(unwrapped(err)) == codes.NotFound }

// unavailable tells an answer that asks to be tried again.
func unavailable(err error) bool { return status.Code(unwrapped(err)) == codes.Unavailable }

// notYet reports that an act was refused for a state that another service is
// about to change, or for a version that has just become stale.
func notYet(err error) bool {
	code := status.Code(unwrapped(err))
	return err != nil && (code == codes.FailedPrecondition || code == codes.Aborted)
}

// unwrapped returns the status inside an error that call has wrapped.
func unwrapped(err error) error {
	for err != nil {
		if _, ok := err.(interface{ GRPCStatus() *status.Status }); ok {
			return err
		}
		err = errors.Unwrap(err)
	}
	return nil
}
