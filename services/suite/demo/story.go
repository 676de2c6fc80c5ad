package demo

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// The people of the sample directory who play a part.
const (
	agent      = "people/li-na"
	supervisor = "people/wang-fang"
	asker      = "people/qian-mei" // asks customers by telephone; handles no case here
	group      = "people/zhang-wei"
	operations = "people/zhao-lei"
	director   = "people/liu-yang"
	marketing  = "people/chen-jing"
	customer   = "customers/zhao-qian"
)

// story holds what the steps hand on.
type story struct {
	*World
	intake       intakev1.IntakeServiceClient
	routing      routingv1.RoutingServiceClient
	compensation compensationv1.CompensationServiceClient
	corrective   correctiveactionv1.CorrectiveActionServiceClient
	notification notificationv1.NotificationServiceClient
	reporting    reportingv1.ReportingServiceClient
	clocks       clockv1.ClockServiceClient

	complaint *intakev1.Complaint
	kase      string
	plan      *routingv1.Plan
}

// Run tells the story and returns the first thing that did not go as it must.
func Run(ctx context.Context, w *World) error {
	s := &story{
		World:        w,
		intake:       intakev1.NewIntakeServiceClient(w.GRPC("intake")),
		routing:      routingv1.NewRoutingServiceClient(w.GRPC("routing")),
		compensation: compensationv1.NewCompensationServiceClient(w.GRPC("compensation")),
		corrective:   correctiveactionv1.NewCorrectiveActionServiceClient(w.GRPC("corrective-action")),
		notification: notificationv1.NewNotificationServiceClient(w.GRPC("notification")),
		reporting:    reportingv1.NewReportingServiceClient(w.GRPC("reporting")),
		clocks:       clockv1.NewClockServiceClient(w.GRPC("routing")),
	}
	for _, step := range []func(context.Context) error{
		s.register, s.acknowledged, s.mobile, s.verify, s.assign, s.regrade, s.reply,
		s.propose, s.claim, s.pay, s.carryOut, s.survey, s.close, s.file,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *story) register(ctx context.Context) error {
	s.part("一、受理", "1. The first call")
	got, err := call(ctx, s.World, agent, s.intake.CreateComplaint, &intakev1.CreateComplaintRequest{RequestId: id(), Complaint: &intakev1.Complaint{
		Channel: "telephone", Medium: intakev1.Medium_MEDIUM_TELEPHONE, Category: "product_quality",
		Complainant: &intakev1.Complainant{DisplayName: "赵倩", Telephone: "13800138000", Email: "zhao.qian@customer.example", Customer: customer},
		Description: "新房客厅墙面渗水，家具受潮，无法使用。", ComplaintObject: "8 号楼 2 单元 301",
		Facts: map[string]*typev1.Fact{"demand": choices("refund", "apology"), "cannot_be_used": yes()},
	}})
	if err != nil {
		return err
	}
	s.complaint = got.GetComplaint()
	s.kase = strings.Replace(s.complaint.GetName(), "complaints/", "cases/", 1)
	if len(s.complaint.GetPromisedLimits()) == 0 {
		return fmt.Errorf("no limit was promised")
	}
	p := s.complaint.GetPromisedLimits()[0]
	s.say(fmt.Sprintf("呼叫中心登记投诉 %s，定级 %s，承诺 %s 前答复（条款 %s）", s.complaint.GetNumber(), p.GetGrade(), local(p.GetDueTime().AsTime()), p.GetRule().GetClause()),
		fmt.Sprintf("the call centre registers %s over gRPC; grade %s, answer promised by %s (clause %s)", s.complaint.GetNumber(), p.GetGrade(), local(p.GetDueTime().AsTime()), p.GetRule().GetClause()))
	return nil
}

func (s *story) acknowledged(ctx context.Context) error {
	if err := s.until(ctx, "the acknowledgement is delivered", func(ctx context.Context) (bool, error) {
		got, err := call(ctx, s.World, agent, s.notification.ListNotices, &notificationv1.ListNoticesRequest{Complaint: s.complaint.GetName()})
		for _, n := range got.GetNotices() {
			if n.GetKind() == "acknowledgement" && n.GetState() == notificationv1.Notice_STATE_DELIVERED {
				return true, err
			}
		}
		return false, err
	}); err != nil {
		return err
	}
	s.say("受理通知已送达客户邮箱", "the acknowledgement reached the customer's mailbox")
	return nil
}

// picture is a PNG of one pixel: the photograph of the wall.
const picture = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

func (s *story) mobile(ctx context.Context) error {
	seen, err := s.json(ctx, customer, http.MethodGet, "/v1/"+s.complaint.GetName(), nil, "")
	if err != nil {
		return err
	}
	if seen["number"] != s.complaint.GetNumber() {
		return fmt.Errorf("the mobile client sees %v instead of %s", seen["number"], s.complaint.GetNumber())
	}
	raw, err := base64.StdEncoding.DecodeString(picture)
	if err != nil {
		return err
	}
	file, err := s.json(ctx, customer, http.MethodPost, "/v1/"+s.complaint.GetName()+"/evidence?file_name=wall.png&document=picture", raw, "image/png")
	if err != nil {
		return err
	}
	s.say("客户在手机上查看进度，并上传照片 "+fmt.Sprint(file["mediaType"]), "the customer follows on the mobile client and uploads a photograph over JSON")
	return nil
}

func (s *story) verify(ctx context.Context) error {
	s.part("二、核实与定级", "2. Verification and grade")
	current, err := call(ctx, s.World, agent, s.intake.GetComplaint, &intakev1.GetComplaintRequest{Name: s.complaint.GetName()})
	if err != nil {
		return err
	}
	filled, err := call(ctx, s.World, agent, s.intake.FillForm, &intakev1.FillFormRequest{
		Name: s.complaint.GetName(), Form: "verification", Etag: current.GetComplaint().GetEtag(), RequestId: id(),
		Facts: map[string]*typev1.Fact{
			"facts_confirmed": yes(), "demand_confirmed": yes(), "process_explained": yes(), "findings": text("现场确认渗水，来自外墙接缝。"),
		},
	})
	if err != nil {
		return err
	}
	verified, err := call(ctx, s.World, agent, s.intake.VerifyComplaint, &intakev1.VerifyComplaintRequest{
		Name: s.complaint.GetName(), Note: "已与客户逐项核对。", Etag: filled.GetComplaint().GetEtag(), RequestId: id(),
	})
	if err != nil {
		return err
	}
	s.complaint = verified.GetComplaint()
	s.say("客服核实事实：已核实", "the agent verifies the facts with the customer")
	return nil
}

// current returns the case, once routing knows that it stands in the stage wanted ("" for any).
func (s *story) current(ctx context.Context, stage string) (k *routingv1.Case, err error) {
	err = s.until(ctx, "the case is in stage "+stage, func(ctx context.Context) (bool, error) {
		got, err := call(ctx, s.World, agent, s.routing.GetCase, &routingv1.GetCaseRequest{Name: s.kase})
		k = got.GetCase()
		if absent(err) {
			return false, nil
		}
		return stage == "" || k.GetStage() == stage, err
	})
	return k, err
}

// onCase repeats an act on the case until it meets the newest version: what
// other services report about the case raises it too.
func (s *story) onCase(ctx context.Context, what string, act func(context.Context, *routingv1.Case) (*routingv1.Case, error)) (k *routingv1.Case, err error) {
	err = s.until(ctx, what, func(ctx context.Context) (bool, error) {
		now, err := s.current(ctx, "")
		if err != nil {
			return false, err
		}
		k, err = act(ctx, now)
		if notYet(err) {
			return false, nil
		}
		return err == nil, err
	})
	return k, err
}

func (s *story) assign(ctx context.Context) error {
	if _, err := s.current(ctx, "planning"); err != nil {
		return err
	}
	if _, err := s.onCase(ctx, "the case is assigned", func(ctx context.Context, k *routingv1.Case) (*routingv1.Case, error) {
		got, err := call(ctx, s.World, supervisor, s.routing.AssignCase, &routingv1.AssignCaseRequest{Name: s.kase, Etag: k.GetEtag(), RequestId: id()})
		return got.GetCase(), err
	}); err != nil {
		return err
	}
	owned, err := s.onCase(ctx, "the case has an owner", func(ctx context.Context, k *routingv1.Case) (*routingv1.Case, error) {
		got, err := call(ctx, s.World, supervisor, s.routing.NameOwner, &routingv1.NameOwnerRequest{Name: s.kase, Owner: agent, Etag: k.GetEtag(), RequestId: id()})
		return got.GetCase(), err
	})
	if err != nil {
		return err
	}
	s.say(fmt.Sprintf("按责任矩阵派给 %s，案件负责人 %s", strings.Join(owned.GetDepartments(), "、"), owned.GetOwner()),
		fmt.Sprintf("the pack's matrix assigns %s; %s owns the case", strings.Join(owned.GetDepartments(), ", "), owned.GetOwner()))
	return nil
}

func (s *story) regrade(ctx context.Context) error {
	if err := s.Pass(ctx, 20*time.Minute); err != nil {
		return err
	}
	current, err := call(ctx, s.World, agent, s.intake.GetComplaint, &intakev1.GetComplaintRequest{Name: s.complaint.GetName()})
	if err != nil {
		return err
	}
	if _, err := call(ctx, s.World, group, s.intake.FillForm, &intakev1.FillFormRequest{
		Name: s.complaint.GetName(), Form: "grading", Etag: current.GetComplaint().GetEtag(), RequestId: id(),
		Facts: map[string]*typev1.Fact{"basis": text("同栋已有三户反映"), "grading_reason": text("可能为批量质量问题")},
	}); err != nil {
		return err
	}
	if _, err := s.onCase(ctx, "another grade is proposed", func(ctx context.Context, k *routingv1.Case) (*routingv1.Case, error) {
		got, err := call(ctx, s.World, group, s.routing.ProposeGrade, &routingv1.ProposeGradeRequest{
			Name: s.kase, Etag: k.GetEtag(), RequestId: id(),
			Proposal: &routingv1.GradeProposal{Scale: "severity", Level: "major", Basis: "同栋已有三户反映渗水"},
		})
		return got.GetCase(), err
	}); err != nil {
		return err
	}
	signed, err := s.onCase(ctx, "the grade is signed", func(ctx context.Context, k *routingv1.Case) (*routingv1.Case, error) {
		got, err := call(ctx, s.World, director, s.routing.SignGrade, &routingv1.SignGradeRequest{
			Name: s.kase, Decision: typev1.Decision_DECISION_APPROVE, Etag: k.GetEtag(), RequestId: id(),
		})
		return got.GetCase(), err
	})
	if err != nil {
		return err
	}
	response, err := s.clock(ctx, "response")
	if err != nil {
		return err
	}
	s.say(fmt.Sprintf("小组提议、部门总监批准：定级改为 %s，答复时限按接收时间重算为 %s", signed.GetGrades()["severity"].GetLevel(), local(response.GetDueTime().AsTime())),
		fmt.Sprintf("the group proposes and the director approves %s; the limit is recomputed from the receipt: %s", signed.GetGrades()["severity"].GetLevel(), local(response.GetDueTime().AsTime())))
	return nil
}

func (s *story) clock(ctx context.Context, kind string) (*clockv1.Clock, error) {
	got, err := call(ctx, s.World, agent, s.clocks.ListClocks, &clockv1.ListClocksRequest{Parent: s.kase})
	if err != nil {
		return nil, err
	}
	for _, c := range got.GetClocks() {
		if c.GetKind() == kind {
			return c, nil
		}
	}
	return nil, fmt.Errorf("the case has no clock %s", kind)
}

func (s *story) reply(ctx context.Context) error {
	if _, err := call(ctx, s.World, agent, s.routing.RecordReply, &routingv1.RecordReplyRequest{Parent: s.kase, RequestId: id(), Reply: &routingv1.Reply{
		Medium: "telephone", Substantive: true, Content: "已确认为外墙接缝渗水，将维修外墙并补偿受损家具。",
	}}); err != nil {
		return err
	}
	response, err := s.clock(ctx, "response")
	if err != nil {
		return err
	}
	if response.GetOutcome() != clockv1.Clock_OUTCOME_MET {
		return fmt.Errorf("the response clock is %s instead of MET", response.GetOutcome())
	}
	s.say("客服作出实质性答复，答复时限达标", "the agent answers in substance; the response clock is met")
	return nil
}

// local shows an instant as the organisation's clocks do.
func local(t time.Time) string {
	l, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		return t.UTC().Format(time.DateTime) + " UTC"
	}
	return t.In(l).Format(time.DateTime)
}

// form encodes answers of the survey page.
func form(values map[string]string) string {
	v := url.Values{}
	for key, value := range values {
		v.Set(key, value)
	}
	return v.Encode()
}
