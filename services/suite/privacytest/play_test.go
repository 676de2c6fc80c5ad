package privacytest_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/suite"
	"example.com/redress/services/suite/suitetest"
)

// The people of the sample directory who act here.
const (
	agent      = "people/li-na"
	supervisor = "people/wang-fang"
	asker      = "people/qian-mei"
	group      = "people/zhang-wei"
	operations = "people/zhao-lei"
	director   = "people/liu-yang"
	marketing  = "people/chen-jing"
	quality    = "people/wu-di"
	verifier   = "people/xu-rui"
	finance    = "people/zhou-hui"
	officer    = "people/privacy"
	admin      = "people/admin"
	customer   = "customers/zhao-qian"
	stranger   = "customers/somebody-else"
)

// What every canary holds: mark is Latin, bird Chinese, digits stands in telephones.
const (
	mark   = "qzkanari"
	bird   = "金丝雀"
	digits = "13977771"
)

// play plays the main job, planting a canary in every field that has a class.
type play struct {
	*suitetest.Suite
	t testing.TB

	intake       intakev1.IntakeServiceClient
	routing      routingv1.RoutingServiceClient
	compensation compensationv1.CompensationServiceClient
	corrective   correctiveactionv1.CorrectiveActionServiceClient
	notification notificationv1.NotificationServiceClient
	directory    directoryv1.DirectoryServiceClient
	clocks       clockv1.ClockServiceClient

	planted []string
	answers []string // what refusals said
	spans   *tracetest.InMemoryExporter

	complaint, number, kase, evidence string
	plan                              *routingv1.Plan
	claim                             string
}

func newPlay(t testing.TB) *play {
	t.Helper()
	spans := tracetest.NewInMemoryExporter()
	s := suitetest.New(t, func(c *suite.Config) {
		c.Process.Metrics = "127.0.0.1:0"
		c.Process.Telemetry.Exporter, c.Process.Telemetry.SampleRatio = spans, 1
	})
	return &play{
		spans: spans,
		Suite: s, t: t, intake: intakev1.NewIntakeServiceClient(s.Conn), routing: routingv1.NewRoutingServiceClient(s.Conn),
		compensation: compensationv1.NewCompensationServiceClient(s.Conn), corrective: correctiveactionv1.NewCorrectiveActionServiceClient(s.Conn),
		notification: notificationv1.NewNotificationServiceClient(s.Conn), directory: directoryv1.NewDirectoryServiceClient(s.Conn), clocks: clockv1.NewClockServiceClient(s.Conn),
	}
}

// c returns a new canary for a field.
func (p *play) c(field string) string {
	p.planted = append(p.planted, field)
	return fmt.Sprintf("%s%03d %s <&\"'> %s", mark, len(p.planted), field, bird)
}

// mail and phone are canaries in fields that notices are sent to.
func (p *play) mail() string {
	p.planted = append(p.planted, "email")
	return fmt.Sprintf("%s%03d@customer.example", mark, len(p.planted))
}

func (p *play) phone() string {
	p.planted = append(p.planted, "telephone")
	return fmt.Sprintf("%s%03d", digits, len(p.planted))
}

func (p *play) text(field string) *typev1.Fact {
	return &typev1.Fact{Value: &typev1.Fact_Text{Text: p.c(field)}}
}

func yes() *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Flag{Flag: true}} }

// try calls as the person, OUTPUT_ONLY fields filled too, and keeps what a refusal said.
func try[Q proto.Message, R any](p *play, who string, rpc func(context.Context, Q, ...grpc.CallOption) (R, error), req Q) (R, error) {
	p.t.Helper()
	p.stuff(req.ProtoReflect(), false, 3)
	got, err := rpc(p.As(who), req)
	if err != nil {
		p.answers = append(p.answers, status.Convert(err).Proto().String())
	}
	p.Settled()
	return got, err
}

// do is try for what must succeed.
func do[Q proto.Message, R any](p *play, who string, rpc func(context.Context, Q, ...grpc.CallOption) (R, error), req Q) R {
	p.t.Helper()
	got, err := try(p, who, rpc, req)
	require.NoError(p.t, err, "%s, %T", who, req)
	return got
}

// stuff fills strings that only the suite may set; below an OUTPUT_ONLY message all of them.
func (p *play) stuff(m protoreflect.Message, below bool, depth int) {
	if depth == 0 || strings.HasPrefix(string(m.Descriptor().FullName()), "google.") {
		return
	}
	for i := range m.Descriptor().Fields().Len() {
		f := m.Descriptor().Fields().Get(i)
		own := below || outputOnly(f)
		if n := f.Message(); n != nil && (n.Name() == "Money" || n.Name() == "Fact" || n.Name() == "ProvidedDocument") {
			continue // have rules of their own
		}
		switch {
		case f.IsMap():
		case f.IsList() && f.Message() != nil:
			for j := range m.Get(f).List().Len() {
				p.stuff(m.Mutable(f).List().Get(j).Message(), own, depth-1)
			}
			if own {
				p.stuff(m.Mutable(f).List().AppendMutable().Message(), own, depth-1)
			}
		case f.Message() != nil:
			if own || m.Has(f) {
				p.stuff(m.Mutable(f).Message(), own, depth-1)
			}
		case !own || f.Kind() != protoreflect.StringKind:
		case f.IsList():
			m.Mutable(f).List().Append(protoreflect.ValueOfString(p.c(string(f.FullName()))))
		default:
			m.Set(f, protoreflect.ValueOfString(p.c(string(f.FullName()))))
		}
	}
}

// send sends JSON to the edge and requires success.
func (p *play) send(who, method, path string, body any) map[string]any {
	p.t.Helper()
	got := p.JSON(who, method, path, body, "Content-Type", "application/json", "Idempotency-Key", suitetest.ID())
	require.Equal(p.t, http.StatusOK, got.Code, "%s: %s", path, got.Raw)
	p.Settled()
	return got.Body
}

func (p *play) current() *intakev1.Complaint {
	p.t.Helper()
	got, err := p.intake.GetComplaint(p.As(agent), &intakev1.GetComplaintRequest{Name: p.complaint})
	require.NoError(p.t, err)
	return got.GetComplaint()
}

func (p *play) now() *routingv1.Case {
	p.t.Helper()
	got, err := p.routing.GetCase(p.As(agent), &routingv1.GetCaseRequest{Name: p.kase})
	require.NoError(p.t, err)
	return got.GetCase()
}

// newest reads plan and claim as they stand.
func (p *play) newest() (*routingv1.Plan, *compensationv1.Claim) {
	p.t.Helper()
	var plan *routingv1.Plan
	if p.plan != nil {
		got, err := p.routing.GetPlan(p.As(agent), &routingv1.GetPlanRequest{Name: p.plan.GetName()})
		require.NoError(p.t, err)
		plan = got.GetPlan()
	}
	if p.claim == "" {
		return plan, nil
	}
	got, err := p.compensation.GetClaim(p.As(marketing), &compensationv1.GetClaimRequest{Name: p.claim})
	require.NoError(p.t, err)
	return plan, got.GetClaim()
}

// registered registers the complaint over JSON, corrects it and adds a file.
func (p *play) registered() {
	p.t.Helper()
	got := p.send(agent, http.MethodPost, "/v1/complaints", map[string]any{
		"channel": "telephone", "medium": "MEDIUM_TELEPHONE", "category": "product_quality", "description": p.c("description"), "complaintObject": p.c("object"),
		"complainant": map[string]any{"displayName": p.c("name"), "telephone": p.phone(), "email": p.mail(), "address": p.c("address"), "customer": customer},
		"facts":       map[string]any{"demand": map[string]any{"choices": map[string]any{"values": []string{"refund"}}}, "product_number": map[string]any{"text": p.c("product_number")}},
	})
	p.complaint, _ = got["name"].(string)
	p.number, _ = got["number"].(string)
	p.kase = strings.Replace(p.complaint, "complaints/", "cases/", 1)

	c := suitetest.Complaint()
	c.Name, c.Description, c.ComplaintObject = p.complaint, p.c("description corrected"), p.c("object corrected")
	c.Complainant = &intakev1.Complainant{DisplayName: p.c("name corrected"), Telephone: p.phone(), Email: p.mail(), Address: p.c("address corrected"), Customer: customer}
	do(p, agent, p.intake.UpdateComplaint, &intakev1.UpdateComplaintRequest{Complaint: c, Etag: p.current().GetEtag(), RequestId: suitetest.ID()})
	p.uploaded()
}

func (p *play) uploaded() {
	p.t.Helper()
	up, err := p.intake.UploadEvidence(p.As(customer))
	require.NoError(p.t, err)
	header := &intakev1.EvidenceHeader{Parent: p.complaint, Evidence: &intakev1.Evidence{FileName: mark + "-" + bird + ".png", Note: p.c("note of a file")}, RequestId: suitetest.ID()}
	p.stuff(header.ProtoReflect(), false, 3)
	require.NoError(p.t, up.Send(&intakev1.UploadEvidenceRequest{Part: &intakev1.UploadEvidenceRequest_Header{Header: header}}))
	png, err := base64.StdEncoding.DecodeString("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
	require.NoError(p.t, err)
	require.NoError(p.t, up.Send(&intakev1.UploadEvidenceRequest{Part: &intakev1.UploadEvidenceRequest_Chunk{Chunk: append(png, p.c("content of a file")...)}}))
	got, err := up.CloseAndRecv()
	require.NoError(p.t, err)
	p.evidence = got.GetEvidence().GetName()
	p.Settled()
}

// verified brings the case to planning, with grade and owner.
func (p *play) verified() {
	p.t.Helper()
	_, err := try(p, agent, p.routing.DoStep, &routingv1.DoStepRequest{Name: p.kase, Step: "obtain_records", Note: p.c("note of a step"), Etag: p.now().GetEtag(), RequestId: suitetest.ID()})
	assert.NoError(p.t, err)
	do(p, agent, p.intake.FillForm, &intakev1.FillFormRequest{Name: p.complaint, Form: "verification", Etag: p.current().GetEtag(), RequestId: suitetest.ID(), Facts: map[string]*typev1.Fact{
		"facts_confirmed": yes(), "demand_confirmed": yes(), "process_explained": yes(), "findings": p.text("findings"),
	}})
	p.send(agent, http.MethodPost, "/v1/"+p.complaint+":verify", map[string]any{"note": p.c("verification note"), "etag": p.current().GetEtag()})
	do(p, supervisor, p.routing.AssignCase, &routingv1.AssignCaseRequest{Name: p.kase, Etag: p.now().GetEtag(), RequestId: suitetest.ID()})
	do(p, supervisor, p.routing.NameOwner, &routingv1.NameOwnerRequest{Name: p.kase, Owner: agent, Etag: p.now().GetEtag(), RequestId: suitetest.ID()})
	do(p, group, p.intake.FillForm, &intakev1.FillFormRequest{Name: p.complaint, Form: "grading", Etag: p.current().GetEtag(), RequestId: suitetest.ID(), Facts: map[string]*typev1.Fact{
		"basis": p.text("grading basis"), "grading_reason": p.text("grading reason"),
	}})
	for _, d := range []typev1.Decision{typev1.Decision_DECISION_RETURN, typev1.Decision_DECISION_REJECT, typev1.Decision_DECISION_APPROVE} {
		do(p, group, p.routing.ProposeGrade, &routingv1.ProposeGradeRequest{
			Name: p.kase, Etag: p.now().GetEtag(), RequestId: suitetest.ID(),
			Proposal: &routingv1.GradeProposal{Scale: "severity", Level: "major", Basis: p.c("basis of a grade")},
		})
		do(p, director, p.routing.SignGrade, &routingv1.SignGradeRequest{Name: p.kase, Decision: d, Comment: p.c("comment on a grade"), Etag: p.now().GetEtag(), RequestId: suitetest.ID()})
	}
	do(p, agent, p.routing.RecordFinding, &routingv1.RecordFindingRequest{Parent: p.kase, RequestId: suitetest.ID(), Finding: &routingv1.Finding{Content: p.c("finding"), Cause: true}})
	p.held()
	p.send(agent, http.MethodPost, "/v1/"+p.kase+"/replies", map[string]any{"medium": "telephone", "substantive": true, "content": p.c("reply over JSON")})
	_, err = try(p, agent, p.routing.RecordReply, &routingv1.RecordReplyRequest{Parent: p.kase, RequestId: suitetest.ID(), Reply: &routingv1.Reply{Medium: "email", Content: p.c("reply by mail"), Deliver: true}})
	assert.NoError(p.t, err)
}

// held asks for pauses and extensions; the pack may refuse them.
func (p *play) held() {
	p.t.Helper()
	got, err := p.clocks.ListClocks(p.As(agent), &clockv1.ListClocksRequest{Parent: p.kase})
	require.NoError(p.t, err)
	for _, c := range got.GetClocks() {
		_, _ = try(p, supervisor, p.clocks.ExtendClock, &clockv1.ExtendClockRequest{Name: c.GetName(), DueTime: timestamppb.New(p.Now().Add(900 * time.Hour)), Reason: p.c("reason to extend"), Etag: c.GetEtag(), RequestId: suitetest.ID()})
		_, _ = try(p, supervisor, p.clocks.PauseClock, &clockv1.PauseClockRequest{Name: c.GetName(), Reason: p.c("reason to pause"), Etag: c.GetEtag(), RequestId: suitetest.ID()})
	}
}

func (p *play) proposed() {
	p.t.Helper()
	for _, d := range []typev1.Decision{typev1.Decision_DECISION_RETURN, typev1.Decision_DECISION_APPROVE} {
		p.plan = do(p, agent, p.routing.ProposePlan, &routingv1.ProposePlanRequest{Parent: p.kase, RequestId: suitetest.ID(), Plan: &routingv1.Plan{Summary: p.c("summary"), Measures: []*routingv1.Measure{
			{Id: "repair", Description: p.c("measure"), Person: quality, Department: "departments/product", Limit: "5 working days", Resources: p.c("resources")},
			{Id: "credit", Kind: routingv1.Measure_KIND_COMPENSATION, Description: p.c("compensation"), Amount: &typev1.Money{CurrencyCode: "CNY", Amount: "80000.00"}, Remedy: "property_fee_credit", Ground: "warranty_works", Causes: []string{"engineering"}},
			{Id: "seams", Kind: routingv1.Measure_KIND_CORRECTIVE_ACTION, Description: p.c("correction"), Person: quality, Department: "departments/quality"},
		}}}).GetPlan()
		for _, who := range []string{group, operations} {
			p.plan, _ = p.newest()
			do(p, who, p.routing.SignPlan, &routingv1.SignPlanRequest{Name: p.plan.GetName(), Decision: d, Comment: p.c("comment on a plan"), SealedDigest: p.plan.GetApproval().GetSealedDigest(), Etag: p.plan.GetEtag(), RequestId: suitetest.ID()})
			if d == typev1.Decision_DECISION_RETURN {
				break
			}
		}
	}
	p.plan, _ = p.newest()
	do(p, agent, p.routing.StartPlan, &routingv1.StartPlanRequest{Name: p.plan.GetName(), Etag: p.plan.GetEtag(), RequestId: suitetest.ID()})
	p.plan, _ = p.newest()
	_, err := try(p, agent, p.routing.DelayMeasure, &routingv1.DelayMeasureRequest{Name: p.plan.GetName(), Measure: "repair", Reason: p.c("reason of a delay"), DueTime: timestamppb.New(p.Now().Add(400 * time.Hour)), Etag: p.plan.GetEtag(), RequestId: suitetest.ID()})
	assert.NoError(p.t, err)
}

func (p *play) payee() *compensationv1.Payee {
	return &compensationv1.Payee{DisplayName: p.c("payee"), Account: p.c("account"), Institution: p.c("institution")}
}

func (p *play) claimed() {
	p.t.Helper()
	got, err := p.compensation.ListClaims(p.As(marketing), &compensationv1.ListClaimsRequest{Complaint: p.complaint})
	require.NoError(p.t, err)
	require.NotEmpty(p.t, got.GetClaims())
	p.claim = got.GetClaims()[0].GetName()
	submit := func() *compensationv1.Claim {
		_, c := p.newest()
		return do(p, marketing, p.compensation.SubmitClaim, &compensationv1.SubmitClaimRequest{
			Name: p.claim, Etag: c.GetEtag(), RequestId: suitetest.ID(), Justification: p.c("justification"), Payee: p.payee(),
			Facts: map[string]*typev1.Fact{"demanded": p.text("demanded"), "claim_basis": p.text("claim basis")},
		}).GetClaim()
	}
	sign := func(who string, d typev1.Decision) {
		_, c := p.newest()
		do(p, who, p.compensation.SignClaim, &compensationv1.SignClaimRequest{Name: p.claim, Decision: d, Comment: p.c("comment on a claim"), SealedDigest: c.GetApproval().GetSealedDigest(), Etag: c.GetEtag(), RequestId: suitetest.ID()})
	}
	submit()
	sign("people/sun-bo", typev1.Decision_DECISION_RETURN)
	_, c := p.newest()
	_, err = try(p, marketing, p.compensation.RecordRefusal, &compensationv1.RecordRefusalRequest{Name: p.claim, Note: p.c("refusal"), Etag: c.GetEtag(), RequestId: suitetest.ID()})
	assert.NoError(p.t, err)
	submit()
	for _, who := range []string{"people/sun-bo", "people/gao-jun", "people/he-min", "people/guo-qiang"} {
		sign(who, typev1.Decision_DECISION_APPROVE)
	}
	second := do(p, marketing, p.compensation.CreateClaim, &compensationv1.CreateClaimRequest{RequestId: suitetest.ID(), Claim: &compensationv1.Claim{
		Complaint: p.complaint, Ground: "warranty_works", Remedy: "property_fee_credit", Amount: &typev1.Money{CurrencyCode: "CNY", Amount: "10.00"}, Justification: p.c("second justification"), Payee: p.payee(),
		Facts: map[string]*typev1.Fact{"demanded": p.text("demanded"), "claim_basis": p.text("claim basis")},
	}}).GetClaim()
	do(p, marketing, p.compensation.WithdrawClaim, &compensationv1.WithdrawClaimRequest{Name: second.GetName(), Reason: p.c("reason to withdraw a claim"), Etag: second.GetEtag(), RequestId: suitetest.ID()})
}

func (p *play) paid() {
	p.t.Helper()
	_, c := p.newest()
	do(p, finance, p.compensation.CheckPayable, &compensationv1.CheckPayableRequest{Name: p.claim, Etag: c.GetEtag(), RequestId: suitetest.ID()})
	_, c = p.newest()
	do(p, finance, p.compensation.ExecutePayout, &compensationv1.ExecutePayoutRequest{Name: p.claim, Etag: c.GetEtag(), RequestId: suitetest.ID()})
	_, c = p.newest()
	do(p, finance, p.compensation.ConfirmPayout, &compensationv1.ConfirmPayoutRequest{Name: p.claim, Voucher: p.c("voucher"), Etag: c.GetEtag(), RequestId: suitetest.ID()})
}

func (p *play) carriedOut() {
	p.t.Helper()
	do(p, agent, p.routing.RecordProgress, &routingv1.RecordProgressRequest{Parent: p.kase, RequestId: suitetest.ID(), Progress: &routingv1.Progress{Measure: "repair", Content: p.c("progress")}})
	list, err := p.corrective.ListActions(p.As(quality), &correctiveactionv1.ListActionsRequest{Complaint: p.complaint})
	require.NoError(p.t, err)
	require.NotEmpty(p.t, list.GetActions())
	a := list.GetActions()[0]
	a = do(p, quality, p.corrective.ImplementAction, &correctiveactionv1.ImplementActionRequest{Name: a.GetName(), Note: p.c("implementation"), Etag: a.GetEtag(), RequestId: suitetest.ID()}).GetAction()
	do(p, verifier, p.corrective.VerifyAction, &correctiveactionv1.VerifyActionRequest{Name: a.GetName(), Effective: true, Note: p.c("verification of an action"), Etag: a.GetEtag(), RequestId: suitetest.ID()})
	p.plan, _ = p.newest()
	do(p, quality, p.routing.CompleteMeasure, &routingv1.CompleteMeasureRequest{Name: p.plan.GetName(), Measure: "repair", Note: p.c("note of a measure"), Etag: p.plan.GetEtag(), RequestId: suitetest.ID()})
}

func (p *play) surveyed() {
	p.t.Helper()
	list, err := p.notification.ListFollowUps(p.As(agent), &notificationv1.ListFollowUpsRequest{Complaint: p.complaint})
	require.NoError(p.t, err)
	require.NotEmpty(p.t, list.GetFollowUps())
	f := list.GetFollowUps()[0]
	score := func(n int32) *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Score{Score: n}} }
	do(p, asker, p.notification.RecordFollowUp, &notificationv1.RecordFollowUpRequest{Name: f.GetName(), Mode: "telephone", Etag: f.GetEtag(), RequestId: suitetest.ID(), Facts: map[string]*typev1.Fact{
		"efficiency": score(4), "resolution": score(5), "attitude": score(4), "reasonable": score(3), "remark": p.text("remark"), "confirmed": {Value: &typev1.Fact_Choice{Choice: "satisfied"}},
	}})
}

// whole plays the main job to its end.
func (p *play) whole() {
	p.t.Helper()
	p.registered()
	p.verified()
	p.proposed()
	open := func(kind string, n int) {
		p.t.Helper()
		require.Contains(p.t, p.metrics(), fmt.Sprintf("redress_obligations_open{kind=%q,service=\"routing\"} %d\n", kind, n))
	}
	open("compensation", 1)
	open("corrective_action", 1)
	p.claimed()
	p.paid()
	p.carriedOut()
	open("compensation", 0)
	open("corrective_action", 0)
	open("follow_up", 1)
	p.surveyed()
	open("follow_up", 0)
	do(p, agent, p.routing.CloseCase, &routingv1.CloseCaseRequest{Name: p.kase, Note: p.c("closing note"), Etag: p.now().GetEtag(), RequestId: suitetest.ID()})
}
