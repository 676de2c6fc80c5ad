package edgetest_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/sqldb"
	"example.com/redress/services/policy"
	"example.com/redress/services/suite"
	"example.com/redress/services/suite/suitetest"
)

// More of the people who act.
const (
	admin      = "people/admin"
	supervisor = "people/wang-fang"
	group      = "people/zhang-wei"
	director   = "people/liu-yang"
	operations = "people/zhao-lei"
	marketing  = "people/chen-jing"
	finance    = "people/zhou-hui"
	quality    = "people/wu-di"
	verifier   = "people/xu-rui"
	officer    = "people/privacy"
)

// walk plays a story over one edge.
type walk struct {
	*suitetest.Suite

	t        *testing.T
	carry    carrier
	shapes   map[string][]string // what is filled in the first answer, by RPC
	readBack int

	broken atomic.Bool // nothing is written for corrective actions
	gone   atomic.Bool // the receiver refuses
	hook   *httptest.Server

	complaint, kase, plan, claim string
}

// as calls as somebody and returns the answer in its own type.
func as[R proto.Message](w *walk, who string, in proto.Message) R {
	w.t.Helper()
	out, ok := w.called(who, in).(R)
	require.True(w.t, ok, "%T", in)
	return out
}

func text(s string) *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Text{Text: s}} }

func yes() *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Flag{Flag: true}} }

func score(n int32) *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Score{Score: n}} }

// story calls every public RPC.
func (w *walk) story() {
	w.t.Helper()
	w.hook = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
		if w.gone.Load() {
			out.WriteHeader(http.StatusGone)
		}
	}))
	w.t.Cleanup(w.hook.Close)
	w.Suite = suitetest.New(w.t, func(c *suite.Config) {
		c.Faults = func(service string) journal.FaultHook {
			return func(op string) error {
				if service != "corrective-action" || op != "resources.insert" || !w.broken.Load() {
					return nil
				}
				return sqldb.NewError(sqldb.Other, op, "it cannot be written")
			}
		}
	})
	for _, part := range []func(){
		w.directory, w.policies, w.receivers, w.registers, w.verifies, w.judges, w.goods, w.clocks, w.plans, w.pays, w.rehearses, w.carriesOut, w.prevents, w.penalises, w.files, w.proposes, w.asks, w.closes, w.repairs, w.resends, w.reports, w.watched, w.handles, w.privacy,
	} {
		part()
	}
}

func (w *walk) directory() {
	as[*directoryv1.GetDepartmentResponse](w, admin, &directoryv1.GetDepartmentRequest{Name: as[*directoryv1.CreateDepartmentResponse](w, admin, &directoryv1.CreateDepartmentRequest{
		Department: &directoryv1.Department{Name: "departments/returns", Title: &typev1.Text{Zh: "退换货部", En: "Returns"}, Parent: "departments/after_sales"},
	}).GetDepartment().GetName()})
	as[*directoryv1.ListDepartmentsResponse](w, admin, &directoryv1.ListDepartmentsRequest{PageSize: 5})
	p := as[*directoryv1.CreatePersonResponse](w, admin, &directoryv1.CreatePersonRequest{Person: &directoryv1.Person{
		Name: "people/new-hand", DisplayName: "新人", Email: "new-hand@demo.example", Functions: []typev1.Function{typev1.Function_FUNCTION_AGENT}, Superior: supervisor,
	}}).GetPerson()
	p.DisplayName = "新同事"
	p = as[*directoryv1.UpdatePersonResponse](w, admin, &directoryv1.UpdatePersonRequest{Person: p, Etag: p.GetEtag()}).GetPerson()
	require.Equal(w.t, "新同事", p.GetDisplayName())
	as[*directoryv1.GetPersonResponse](w, admin, &directoryv1.GetPersonRequest{Name: p.GetName()})
	as[*directoryv1.ListPeopleResponse](w, admin, &directoryv1.ListPeopleRequest{PageSize: 5})
	a := as[*directoryv1.CreateAssignmentResponse](w, admin, &directoryv1.CreateAssignmentRequest{
		Parent: p.GetName(), Assignment: &directoryv1.Assignment{Role: "customer_service_specialist", Department: "departments/customer_service"},
	}).GetAssignment()
	as[*directoryv1.ListAssignmentsResponse](w, admin, &directoryv1.ListAssignmentsRequest{Parent: p.GetName()})
	d := as[*directoryv1.CreateDelegationResponse](w, operations, &directoryv1.CreateDelegationRequest{Parent: operations, Delegation: &directoryv1.Delegation{
		Delegate: director, Role: "operations_director", StartTime: timestamppb.New(w.Now().Add(time.Hour)), EndTime: timestamppb.New(w.Now().Add(9000 * time.Hour)), Reason: "出差",
	}}).GetDelegation()
	as[*directoryv1.ListDelegationsResponse](w, operations, &directoryv1.ListDelegationsRequest{Parent: operations})
	as[*directoryv1.EndDelegationResponse](w, operations, &directoryv1.EndDelegationRequest{Name: d.GetName(), Etag: d.GetEtag()})
	as[*directoryv1.EndAssignmentResponse](w, admin, &directoryv1.EndAssignmentRequest{Name: a.GetName(), Etag: a.GetEtag()})
	p = as[*directoryv1.GetPersonResponse](w, admin, &directoryv1.GetPersonRequest{Name: p.GetName()}).GetPerson()
	as[*directoryv1.DeactivatePersonResponse](w, admin, &directoryv1.DeactivatePersonRequest{Name: p.GetName(), Etag: p.GetEtag()})
	as[*directoryv1.GetChannelResponse](w, admin, &directoryv1.GetChannelRequest{Name: as[*directoryv1.SetChannelOwnerResponse](w, admin, &directoryv1.SetChannelOwnerRequest{
		Channel: &directoryv1.Channel{Name: "channels/online", Owner: agent},
	}).GetChannel().GetName()})
	as[*directoryv1.ListChannelsResponse](w, admin, &directoryv1.ListChannelsRequest{})
	got := as[*directoryv1.ImportDirectoryResponse](w, admin, &directoryv1.ImportDirectoryRequest{Csv: suite.SampleDirectory(), DryRun: true})
	require.Empty(w.t, got.GetViolations())
}

func (w *walk) policies() {
	source, err := policy.Shipped("demo", "")
	require.NoError(w.t, err)
	source = bytes.Replace(source, []byte("Demo pack"), []byte("Demo pack once more"), 1)
	beyond, err := os.ReadFile(filepath.Join("testdata", "beyond_demo.yaml"))
	require.NoError(w.t, err)
	source = append(source, beyond...)
	require.Empty(w.t, as[*policyv1.ValidatePackResponse](w, admin, &policyv1.ValidatePackRequest{Source: source}).GetFindings())
	r := as[*policyv1.CreateRevisionResponse](w, "people/author", &policyv1.CreateRevisionRequest{Source: source}).GetRevision()
	require.NotEmpty(w.t, as[*policyv1.DraftPackResponse](w, "people/author", &policyv1.DraftPackRequest{Pack: "our-own"}).GetFiles())
	require.Len(w.t, as[*policyv1.CompareRevisionsResponse](w, admin, &policyv1.CompareRevisionsRequest{After: r.GetName()}).GetDifferences()[0].GetFields(), 1, "the title")
	r = as[*policyv1.RecordTestRunResponse](w, "people/author", &policyv1.RecordTestRunRequest{
		Name: r.GetName(), TestRun: &policyv1.TestRun{Digest: r.GetDigest(), ScenariosDigest: r.GetDigest(), Passed: 1, Tool: "edgetest"},
	}).GetRevision()
	as[*policyv1.ActivateRevisionResponse](w, admin, &policyv1.ActivateRevisionRequest{Name: r.GetName(), Etag: r.GetEtag()})
	as[*policyv1.GetRevisionResponse](w, admin, &policyv1.GetRevisionRequest{Name: r.GetName()})
	require.Len(w.t, as[*policyv1.ListRevisionsResponse](w, admin, &policyv1.ListRevisionsRequest{}).GetRevisions(), 2)
	require.Equal(w.t, r.GetName(), as[*policyv1.GetActiveRevisionResponse](w, admin, &policyv1.GetActiveRevisionRequest{}).GetRevision().GetName())
}

func (w *walk) receivers() {
	r := as[*notificationv1.CreateReceiverResponse](w, admin, &notificationv1.CreateReceiverRequest{Receiver: &notificationv1.Receiver{
		Name: "receivers/crm", Url: w.hook.URL + "/redress", AllowPrivate: true, Kinds: []string{"result"},
	}}).GetReceiver()
	r = as[*notificationv1.GetReceiverResponse](w, admin, &notificationv1.GetReceiverRequest{Name: r.GetName()}).GetReceiver()
	r.Kinds = []string{"acknowledgement"}
	as[*notificationv1.UpdateReceiverResponse](w, admin, &notificationv1.UpdateReceiverRequest{Receiver: r, Etag: r.GetEtag()})
	require.Len(w.t, as[*notificationv1.ListReceiversResponse](w, admin, &notificationv1.ListReceiversRequest{}).GetReceivers(), 1)
	require.True(w.t, as[*notificationv1.TestReceiverResponse](w, admin, &notificationv1.TestReceiverRequest{Name: r.GetName()}).GetDelivered())
	w.gone.Store(true) // so that a notice fails
}

func (w *walk) current() *intakev1.Complaint {
	return as[*intakev1.GetComplaintResponse](w, agent, &intakev1.GetComplaintRequest{Name: w.complaint}).GetComplaint()
}

func (w *walk) now() *routingv1.Case {
	return as[*routingv1.GetCaseResponse](w, agent, &routingv1.GetCaseRequest{Name: w.kase}).GetCase()
}

func (w *walk) registers() {
	c := as[*intakev1.CreateComplaintResponse](w, agent, &intakev1.CreateComplaintRequest{Complaint: suitetest.Complaint()}).GetComplaint()
	w.complaint, w.kase = c.GetName(), strings.Replace(c.GetName(), "complaints/", "cases/", 1)
	c.ComplaintObject = "8 号楼 2 单元 301"
	c = as[*intakev1.UpdateComplaintResponse](w, agent, &intakev1.UpdateComplaintRequest{Complaint: &intakev1.Complaint{
		Name: w.complaint, Channel: c.GetChannel(), Medium: c.GetMedium(), Category: c.GetCategory(), Complainant: suitetest.Complaint().GetComplainant(),
		Description: c.GetDescription(), ComplaintObject: c.GetComplaintObject(), Facts: c.GetFacts(),
	}, Etag: c.GetEtag()}).GetComplaint()
	require.Equal(w.t, "8 号楼 2 单元 301", c.GetComplaintObject())
	require.Len(w.t, as[*intakev1.ListComplaintsResponse](w, customer, &intakev1.ListComplaintsRequest{}).GetComplaints(), 1)
	w.Settled()
	found := as[*intakev1.SearchComplaintsResponse](w, agent, &intakev1.SearchComplaintsRequest{Query: "号楼 单元"}).GetComplaints()
	require.Len(w.t, found, 1)
	require.Equal(w.t, w.complaint, found[0].GetName())
	file, err := upload(w.t, w.Suite, customer, w.complaint, "wall.png", picture(4000), "")
	require.NoError(w.t, err)
	as[*intakev1.GetEvidenceResponse](w, customer, &intakev1.GetEvidenceRequest{Name: file.GetName()})
	require.Len(w.t, as[*intakev1.ListEvidenceResponse](w, agent, &intakev1.ListEvidenceRequest{Parent: w.complaint}).GetEvidence(), 1)
	as[*intakev1.WatchComplaintResponse](w, customer, &intakev1.WatchComplaintRequest{Name: w.complaint})
	require.Equal(w.t, c.GetNumber(), as[*intakev1.GetStatusResponse](w, "", &intakev1.GetStatusRequest{Token: w.link("status")}).GetNumber())
}

// link returns the token of the newest link of the kind in the mailbox.
func (w *walk) link(kind string) string {
	w.t.Helper()
	list := w.JSON("", http.MethodGet, "/mailbox/", nil)
	for _, m := range regexp.MustCompile(`href="(?:/mailbox/)?([^"/]+)"`).FindAllSubmatch(list.Raw, -1) {
		mail := w.JSON("", http.MethodGet, "/mailbox/"+string(m[1]), nil)
		if link := regexp.MustCompile(`/` + kind + `/([A-Za-z0-9_.-]{20,200})`).FindSubmatch(mail.Raw); link != nil {
			return strings.TrimRight(string(link[1]), ".")
		}
	}
	require.Fail(w.t, "no mail has a link", "%s: %s", kind, list.Raw)
	return ""
}

func (w *walk) verifies() {
	as[*routingv1.DoStepResponse](w, agent, &routingv1.DoStepRequest{Name: w.kase, Step: "obtain_records", Note: "已调取", Etag: w.now().GetEtag()})
	as[*intakev1.FillFormResponse](w, agent, &intakev1.FillFormRequest{Name: w.complaint, Form: "verification", Etag: w.current().GetEtag(), Facts: map[string]*typev1.Fact{
		"facts_confirmed": yes(), "demand_confirmed": yes(), "process_explained": yes(), "findings": text("现场确认渗水"),
	}})
	as[*intakev1.VerifyComplaintResponse](w, agent, &intakev1.VerifyComplaintRequest{Name: w.complaint, Note: "已核对", Etag: w.current().GetEtag()})
	as[*intakev1.ListComplaintEventsResponse](w, agent, &intakev1.ListComplaintEventsRequest{Parent: w.complaint})
	as[*routingv1.AssignCaseResponse](w, supervisor, &routingv1.AssignCaseRequest{Name: w.kase, Etag: w.now().GetEtag()})
	as[*routingv1.NameOwnerResponse](w, supervisor, &routingv1.NameOwnerRequest{Name: w.kase, Owner: agent, Etag: w.now().GetEtag()})
	as[*intakev1.FillFormResponse](w, group, &intakev1.FillFormRequest{Name: w.complaint, Form: "grading", Etag: w.current().GetEtag(), Facts: map[string]*typev1.Fact{
		"basis": text("同栋多户"), "grading_reason": text("可能为批量问题"),
	}})
	k := as[*routingv1.ProposeGradeResponse](w, group, &routingv1.ProposeGradeRequest{
		Name: w.kase, Etag: w.now().GetEtag(), Proposal: &routingv1.GradeProposal{Scale: "severity", Level: "major", Basis: "同栋多户"},
	}).GetCase()
	as[*routingv1.SignGradeResponse](w, director, &routingv1.SignGradeRequest{
		Name: w.kase, Decision: typev1.Decision_DECISION_APPROVE, SealedDigest: k.GetGradeProposal().GetApproval().GetSealedDigest(), Etag: w.now().GetEtag(),
	})
	as[*routingv1.RecordFindingResponse](w, agent, &routingv1.RecordFindingRequest{Parent: w.kase, Finding: &routingv1.Finding{Content: "外墙接缝开裂", Cause: true}})
	as[*routingv1.ListFindingsResponse](w, agent, &routingv1.ListFindingsRequest{Parent: w.kase})
	require.Len(w.t, as[*routingv1.ListCasesResponse](w, agent, &routingv1.ListCasesRequest{Owner: agent, State: routingv1.Case_STATE_HANDLING}).GetCases(), 1)
}

func (w *walk) clocks() {
	all := as[*clockv1.ListClocksResponse](w, agent, &clockv1.ListClocksRequest{Parent: w.kase}).GetClocks()
	require.NotEmpty(w.t, all)
	c := as[*clockv1.GetClockResponse](w, agent, &clockv1.GetClockRequest{Name: all[0].GetName()}).GetClock()
	as[*clockv1.ExplainClockResponse](w, agent, &clockv1.ExplainClockRequest{Name: c.GetName()})
	c = as[*clockv1.PauseClockResponse](w, supervisor, &clockv1.PauseClockRequest{Name: c.GetName(), Reason: "客户请求暂缓", Etag: c.GetEtag()}).GetClock()
	as[*clockv1.ResumeClockResponse](w, supervisor, &clockv1.ResumeClockRequest{Name: c.GetName(), Etag: c.GetEtag()})
	as[*routingv1.RecordReplyResponse](w, agent, &routingv1.RecordReplyRequest{Parent: w.kase, Reply: &routingv1.Reply{Medium: "telephone", Substantive: true, Content: "将维修并补偿"}})
	as[*routingv1.ListRepliesResponse](w, agent, &routingv1.ListRepliesRequest{Parent: w.kase})
}

func (w *walk) thePlan() *routingv1.Plan {
	return as[*routingv1.GetPlanResponse](w, agent, &routingv1.GetPlanRequest{Name: w.plan}).GetPlan()
}

func (w *walk) plans() {
	w.plan = as[*routingv1.ProposePlanResponse](w, agent, &routingv1.ProposePlanRequest{Parent: w.kase, Plan: &routingv1.Plan{Summary: "维修外墙并补偿", Measures: []*routingv1.Measure{
		{Id: "repair", Description: "维修外墙接缝", Person: quality, Department: "departments/product", Limit: "5 working days", Resources: "维修班组"},
		{
			Id: "credit", Kind: routingv1.Measure_KIND_COMPENSATION, Description: "以物业费抵扣", Amount: &typev1.Money{CurrencyCode: "CNY", Amount: "30000.00"},
			Remedy: "property_fee_credit", Ground: "warranty_works", Causes: []string{"engineering"},
		},
		{Id: "seams", Kind: routingv1.Measure_KIND_CORRECTIVE_ACTION, Description: "修订工艺", Person: quality, Department: "departments/quality"},
	}}}).GetPlan().GetName()
	for _, who := range []string{group, operations} {
		p := w.thePlan()
		as[*routingv1.SignPlanResponse](w, who, &routingv1.SignPlanRequest{
			Name: w.plan, Decision: typev1.Decision_DECISION_APPROVE, Comment: "同意", SealedDigest: p.GetApproval().GetSealedDigest(), Etag: p.GetEtag(),
		})
	}
	as[*routingv1.StartPlanResponse](w, agent, &routingv1.StartPlanRequest{Name: w.plan, Etag: w.thePlan().GetEtag()})
	require.Len(w.t, as[*routingv1.ListPlansResponse](w, agent, &routingv1.ListPlansRequest{Parent: w.kase}).GetPlans(), 1)
	for _, m := range w.thePlan().GetMeasures() {
		if m.GetClock() != "" {
			c := as[*clockv1.GetClockResponse](w, agent, &clockv1.GetClockRequest{Name: m.GetClock()}).GetClock()
			as[*clockv1.ExtendClockResponse](w, agent, &clockv1.ExtendClockRequest{
				Name: m.GetClock(), DueTime: timestamppb.New(c.GetDueTime().AsTime().Add(24 * time.Hour)), Reason: "连日降雨", Etag: c.GetEtag(),
			})
		}
	}
	as[*routingv1.DelayMeasureResponse](w, agent, &routingv1.DelayMeasureRequest{
		Name: w.plan, Measure: "repair", Reason: "连日降雨", DueTime: timestamppb.New(w.Now().Add(400 * time.Hour)), Etag: w.thePlan().GetEtag(),
	})
}

func (w *walk) theClaim() *compensationv1.Claim {
	return as[*compensationv1.GetClaimResponse](w, finance, &compensationv1.GetClaimRequest{Name: w.claim}).GetClaim()
}

func (w *walk) pays() {
	payee := &compensationv1.Payee{DisplayName: "赵倩", Account: "WY-301"}
	papers := map[string]*typev1.Fact{"demanded": text("赔偿家具损失"), "claim_basis": text("质保条款")}
	w.claim = as[*compensationv1.ListClaimsResponse](w, finance, &compensationv1.ListClaimsRequest{Complaint: w.complaint}).GetClaims()[0].GetName()
	as[*compensationv1.SubmitClaimResponse](w, marketing, &compensationv1.SubmitClaimRequest{Name: w.claim, Etag: w.theClaim().GetEtag(), Justification: "质保期内渗水", Payee: payee, Facts: papers})
	second := as[*compensationv1.CreateClaimResponse](w, marketing, &compensationv1.CreateClaimRequest{Claim: &compensationv1.Claim{
		Complaint: w.complaint, Ground: "warranty_works", Remedy: "property_fee_credit", Causes: []string{"engineering"}, Justification: "另一处家具",
		Amount: &typev1.Money{CurrencyCode: "CNY", Amount: "10.00"}, Payee: payee, Facts: papers,
	}}).GetClaim()
	second = as[*compensationv1.SetRemedyResponse](w, marketing, &compensationv1.SetRemedyRequest{Name: second.GetName(), Remedy: "repurchase_discount", Etag: second.GetEtag()}).GetClaim()
	second = as[*compensationv1.RecordRefusalResponse](w, marketing, &compensationv1.RecordRefusalRequest{Name: second.GetName(), Note: "业主不接受", Etag: second.GetEtag()}).GetClaim()
	as[*compensationv1.WithdrawClaimResponse](w, marketing, &compensationv1.WithdrawClaimRequest{Name: second.GetName(), Reason: "合并处理", Etag: second.GetEtag()})
	as[*routingv1.SkipStepResponse](w, marketing, &routingv1.SkipStepRequest{Name: w.kase, Step: "owner_refuses", Note: "已选非现金方式", Etag: w.now().GetEtag()})
	for _, who := range []string{"people/sun-bo", "people/gao-jun", "people/he-min", "people/lin-tao"} {
		c := w.theClaim()
		as[*compensationv1.SignClaimResponse](w, who, &compensationv1.SignClaimRequest{
			Name: w.claim, Decision: typev1.Decision_DECISION_APPROVE, SealedDigest: c.GetApproval().GetSealedDigest(), Etag: c.GetEtag(),
		})
	}
	require.Len(w.t, as[*compensationv1.ListPayablesResponse](w, finance, &compensationv1.ListPayablesRequest{}).GetPayables(), 1)
	as[*compensationv1.CheckPayableResponse](w, finance, &compensationv1.CheckPayableRequest{Name: w.claim, Etag: w.theClaim().GetEtag()})
	as[*compensationv1.ExecutePayoutResponse](w, finance, &compensationv1.ExecutePayoutRequest{Name: w.claim, Etag: w.theClaim().GetEtag()})
	as[*compensationv1.ConfirmPayoutResponse](w, finance, &compensationv1.ConfirmPayoutRequest{Name: w.claim, Voucher: "V-2026-0412", Etag: w.theClaim().GetEtag()})
}

func (w *walk) carriesOut() {
	as[*routingv1.RecordProgressResponse](w, agent, &routingv1.RecordProgressRequest{Parent: w.kase, Progress: &routingv1.Progress{Measure: "repair", Content: "接缝已重做"}})
	as[*routingv1.ListProgressResponse](w, agent, &routingv1.ListProgressRequest{Parent: w.kase})
	own := as[*correctiveactionv1.CreateActionResponse](w, quality, &correctiveactionv1.CreateActionRequest{Action: &correctiveactionv1.Action{
		Complaint: w.complaint, Description: "巡检同类接缝", Owner: quality, Department: "departments/quality", DueTime: timestamppb.New(w.Now().Add(900 * time.Hour)),
	}}).GetAction()
	for _, a := range as[*correctiveactionv1.ListActionsResponse](w, quality, &correctiveactionv1.ListActionsRequest{Complaint: w.complaint}).GetActions() {
		a = as[*correctiveactionv1.ImplementActionResponse](w, quality, &correctiveactionv1.ImplementActionRequest{Name: a.GetName(), Note: "已完成", Etag: a.GetEtag()}).GetAction()
		a = as[*correctiveactionv1.VerifyActionResponse](w, verifier, &correctiveactionv1.VerifyActionRequest{Name: a.GetName(), Effective: true, Note: "抽查合格", Etag: a.GetEtag()}).GetAction()
		if a.GetName() == own.GetName() {
			as[*correctiveactionv1.CloseActionResponse](w, verifier, &correctiveactionv1.CloseActionRequest{Name: a.GetName(), Etag: a.GetEtag()})
		}
	}
	as[*correctiveactionv1.GetActionResponse](w, quality, &correctiveactionv1.GetActionRequest{Name: own.GetName()})
	as[*routingv1.CompleteMeasureResponse](w, quality, &routingv1.CompleteMeasureRequest{Name: w.plan, Measure: "repair", Note: "完工", Etag: w.thePlan().GetEtag()})
}

// asks has the customer say twice how it was: over the link, dissatisfied, and on the
// telephone after another round.
func (w *walk) asks() {
	answers := func(word string) map[string]*typev1.Fact {
		return map[string]*typev1.Fact{
			"efficiency": score(4), "resolution": score(5), "attitude": score(4), "reasonable": score(3), "confirmed": {Value: &typev1.Fact_Choice{Choice: word}},
		}
	}
	token := w.link("survey")
	require.NotEmpty(w.t, as[*notificationv1.GetSurveyResponse](w, "", &notificationv1.GetSurveyRequest{Token: token}).GetItems())
	require.False(w.t, as[*notificationv1.SubmitSurveyResponse](w, "", &notificationv1.SubmitSurveyRequest{Token: token, Facts: answers("not_satisfied")}).GetSatisfied())
	w.plan = as[*routingv1.ProposePlanResponse](w, agent, &routingv1.ProposePlanRequest{Parent: w.kase, Plan: &routingv1.Plan{Summary: "再次上门", Measures: []*routingv1.Measure{
		{Id: "visit", Description: "上门致歉", Person: quality, Department: "departments/product"},
	}}}).GetPlan().GetName()
	for _, who := range []string{group, operations} {
		p := w.thePlan()
		as[*routingv1.SignPlanResponse](w, who, &routingv1.SignPlanRequest{Name: w.plan, Decision: typev1.Decision_DECISION_APPROVE, SealedDigest: p.GetApproval().GetSealedDigest(), Etag: p.GetEtag()})
	}
	as[*routingv1.StartPlanResponse](w, agent, &routingv1.StartPlanRequest{Name: w.plan, Etag: w.thePlan().GetEtag()})
	as[*routingv1.CompleteMeasureResponse](w, quality, &routingv1.CompleteMeasureRequest{Name: w.plan, Measure: "visit", Etag: w.thePlan().GetEtag()})
	open := as[*notificationv1.ListFollowUpsResponse](w, agent, &notificationv1.ListFollowUpsRequest{Complaint: w.complaint, State: notificationv1.FollowUp_STATE_OPEN}).GetFollowUps()
	require.Len(w.t, open, 1)
	f := as[*notificationv1.GetFollowUpResponse](w, agent, &notificationv1.GetFollowUpRequest{Name: open[0].GetName()}).GetFollowUp()
	as[*notificationv1.RecordFollowUpResponse](w, "people/qian-mei", &notificationv1.RecordFollowUpRequest{Name: f.GetName(), Mode: "telephone", Etag: f.GetEtag(), Facts: answers("satisfied")})
}

func (w *walk) closes() {
	as[*routingv1.CloseCaseResponse](w, agent, &routingv1.CloseCaseRequest{Name: w.kase, Note: "归档", Etag: w.now().GetEtag()})
	require.Equal(w.t, intakev1.Complaint_STATE_ARCHIVED, w.current().GetState())
	other := as[*intakev1.CreateComplaintResponse](w, agent, &intakev1.CreateComplaintRequest{Complaint: suitetest.Complaint()}).GetComplaint()
	got := as[*intakev1.WithdrawComplaintResponse](w, customer, &intakev1.WithdrawComplaintRequest{Name: other.GetName(), Reason: "已解决", Etag: other.GetEtag()}).GetComplaint()
	require.Equal(w.t, intakev1.Complaint_STATE_WITHDRAWN, got.GetState())
}

// repairs applies an event again that could not be applied.
func (w *walk) repairs() {
	w.broken.Store(true)
	c := as[*intakev1.CreateComplaintResponse](w, agent, &intakev1.CreateComplaintRequest{Complaint: suitetest.Complaint()}).GetComplaint()
	erased := suitetest.Complaint()
	erased.Complainant.Customer = "customers/somebody-else"
	other := as[*intakev1.CreateComplaintResponse](w, agent, &intakev1.CreateComplaintRequest{Complaint: erased}).GetComplaint()
	subject := as[*intakev1.ErasePersonResponse](w, officer, &intakev1.ErasePersonRequest{Name: other.GetName(), Reason: "本人要求"}).GetSubject()
	require.Equal(w.t, intakev1.DataSubject_STATE_ERASED, subject.GetState())
	parked := as[*eventv1.ListParkedEventsResponse](w, admin, &eventv1.ListParkedEventsRequest{Service: "corrective-action"}).GetParkedEvents()
	require.NotEmpty(w.t, parked)
	w.broken.Store(false)
	require.Positive(w.t, as[*eventv1.RetryParkedEventResponse](w, admin, &eventv1.RetryParkedEventRequest{Service: "corrective-action", Position: parked[0].GetPosition()}).GetApplied())
	require.NotEmpty(w.t, c.GetName())
}

// resends sends a notice again that the receiver refused.
func (w *walk) resends() {
	for _, n := range as[*notificationv1.ListNoticesResponse](w, agent, &notificationv1.ListNoticesRequest{Complaint: w.complaint}).GetNotices() {
		if n.GetState() != notificationv1.Notice_STATE_FAILED {
			continue
		}
		w.gone.Store(false)
		n = as[*notificationv1.GetNoticeResponse](w, admin, &notificationv1.GetNoticeRequest{Name: n.GetName()}).GetNotice()
		as[*notificationv1.ResendNoticeResponse](w, agent, &notificationv1.ResendNoticeRequest{Name: n.GetName(), Etag: n.GetEtag()})
		n = as[*notificationv1.GetNoticeResponse](w, admin, &notificationv1.GetNoticeRequest{Name: n.GetName()}).GetNotice()
		require.Equal(w.t, notificationv1.Notice_STATE_DELIVERED, n.GetState())
		return
	}
	require.Fail(w.t, "no notice has failed")
}

// rehearses asks why a case was decided so, and what another pack would have decided.
func (w *walk) rehearses() {
	require.NotEmpty(w.t, as[*policyv1.ExplainCaseResponse](w, agent, &policyv1.ExplainCaseRequest{Name: w.kase}).GetExplanations())
	source, err := policy.Shipped("generic-template", "")
	require.NoError(w.t, err)
	source = bytes.Replace(source, []byte("by_grade: {general: 24 h,"), []byte("by_grade: {general: 6 h,"), 1)
	got := as[*policyv1.SimulateRevisionResponse](w, admin, &policyv1.SimulateRevisionRequest{Source: source, PageSize: 5})
	require.Positive(w.t, got.GetReplayed())
	require.Positive(w.t, got.GetChanged())
}

func (w *walk) reports() {
	as[*reportingv1.GetCaseFileResponse](w, operations, &reportingv1.GetCaseFileRequest{Name: w.complaint})
	require.NotEmpty(w.t, as[*reportingv1.ListWorkResponse](w, operations, &reportingv1.ListWorkRequest{Kind: reportingv1.WorkItem_KIND_REPLY}).GetItems())
	w.Pass(30 * 24 * time.Hour)
	require.NotEmpty(w.t, as[*reportingv1.ListOverdueResponse](w, operations, &reportingv1.ListOverdueRequest{}).GetClocks())
	r := as[*reportingv1.GenerateReportResponse](w, operations, &reportingv1.GenerateReportRequest{Report: "monthly_analysis", Period: "2026-04"}).GetReport()
	as[*reportingv1.GetReportResponse](w, operations, &reportingv1.GetReportRequest{Name: r.GetName()})
	require.Len(w.t, as[*reportingv1.ListReportsResponse](w, operations, &reportingv1.ListReportsRequest{}).GetReports(), 1)
	require.Len(w.t, as[*correctiveactionv1.ListEntriesResponse](w, operations, &correctiveactionv1.ListEntriesRequest{Fund: "welfare"}).GetEntries(), 2)
	require.Len(w.t, as[*correctiveactionv1.ListPenaltiesResponse](w, operations, &correctiveactionv1.ListPenaltiesRequest{State: correctiveactionv1.Penalty_STATE_IN_FORCE}).GetPenalties(), 1)
	require.Len(w.t, as[*correctiveactionv1.ListDepartmentFilesResponse](w, operations, &correctiveactionv1.ListDepartmentFilesRequest{Form: "own_rules"}).GetDepartmentFiles(), 1)
	require.Positive(w.t, as[*reportingv1.RebuildReportingResponse](w, admin, &reportingv1.RebuildReportingRequest{}).GetEvents())
}

func (w *walk) privacy() {
	got := as[*intakev1.RevealContactResponse](w, agent, &intakev1.RevealContactRequest{Name: w.complaint, Reason: "回电"})
	require.Equal(w.t, "13800138000", got.GetComplainant().GetTelephone())
	out := as[*intakev1.ExportPersonResponse](w, officer, &intakev1.ExportPersonRequest{Name: w.complaint, Reason: "本人申请"})
	require.Empty(w.t, out.GetMissingServices())
	require.NotEmpty(w.t, out.GetClaims())
}
