package routing

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/kittest"
	"example.com/redress/services/kit/seal/sealtest"
	"example.com/redress/services/kit/timerindex"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/revisions"
	"example.com/redress/services/routing/internal/app"
	"example.com/redress/services/routing/internal/react"
)

const organization = "acme"

// bundle is routing over SQLite with the demo pack, a directory and a virtual
// clock; events of other services are handed in as their feeds would.
type bundle struct {
	t        *testing.T
	clock    *clock.Virtual
	host     *host.Host
	server   routingv1.RoutingServiceServer
	react    func(*journal.Unit, *eventv1.Event, proto.Message, proto.Message) error
	revision string
	sequence int64
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{t: t, clock: clock.NewVirtual(at(t, "04-08 17:20:00"))}
	b.react = react.New(app.New(revisions.New())).React
	var err error
	b.host, err = New(t.Context(), host.Deps{
		DB: kittest.SQLite(t), Clock: b.clock, Timers: func(string) timerindex.Index { return timerindex.NewLocal() },
		Dial: func(string) grpc.ClientConnInterface { return nil }, // never started: events are handed in
		Keys: &sealtest.Keys{}, DigestKey: make([]byte, 32),
	}, Config{})
	require.NoError(t, err)
	t.Cleanup(b.host.Journal.Close)
	b.host.Register(b)
	b.people()
	b.activate("demo")
	return b
}

// RegisterService takes the handlers as a server would.
func (b *bundle) RegisterService(_ *grpc.ServiceDesc, impl any) {
	if s, ok := impl.(routingv1.RoutingServiceServer); ok {
		b.server = s
	}
}

func at(t *testing.T, text string) time.Time {
	zone, err := time.LoadLocation("Asia/Shanghai")
	require.NoError(t, err)
	instant, err := time.ParseInLocation("2006-01-02 15:04:05", "2026-"+text, zone)
	require.NoError(t, err)
	return instant.UTC()
}

func (b *bundle) write(key string, do func(u *journal.Unit) error) {
	b.t.Helper()
	_, err := b.host.Journal.Write(b.t.Context(), journal.Work{Organization: organization, Key: key, Actor: &eventv1.Actor{Principal: "services/test"}}, do)
	require.NoError(b.t, err)
}

func (b *bundle) people() {
	b.write("directory", func(u *journal.Unit) error {
		for _, d := range []string{"product", "customer_service", "complaint_handling_group", "marketing_customer_service"} {
			if err := u.Create("departments/"+d, &directoryv1.Department{Name: "departments/" + d}, &directoryv1.DepartmentChanged{}); err != nil {
				return err
			}
		}
		for person, held := range map[string][2]string{
			"specialist": {"customer_service_specialist", ""}, "group": {"member", "departments/complaint_handling_group"},
			"operations": {"operations_director", ""}, "director": {"department_director", ""},
		} {
			name := "people/" + person
			if err := u.Create(name, &directoryv1.Person{Name: name, State: directoryv1.Person_STATE_ACTIVE}, &directoryv1.PersonChanged{}); err != nil {
				return err
			}
			a := &directoryv1.Assignment{Name: name + "/assignments/a1", Role: held[0], Department: held[1]}
			if err := u.Create(a.Name, a, &directoryv1.AssignmentChanged{}); err != nil {
				return err
			}
		}
		return directory.Touch(u)
	})
}

func (b *bundle) activate(pack string) {
	p, _, err := policy.LoadShipped(pack)
	require.NoError(b.t, err)
	compiled, findings := policy.Compile(p, policy.Options{})
	require.NotNil(b.t, compiled, "%v", findings)
	resolved, err := proto.Marshal(compiled.Pack())
	require.NoError(b.t, err)
	b.revision = "packs/" + pack + "/revisions/" + compiled.Revision()[:32]
	b.write(b.revision, func(u *journal.Unit) error {
		return u.Create(b.revision, &policyv1.Revision{
			Name: b.revision, Pack: pack, State: policyv1.Revision_STATE_ACTIVE, Digest: compiled.Revision(), Resolved: resolved,
		}, &policyv1.PolicyRevisionActivated{})
	})
}

// as is a call of a person.
func (b *bundle) as(person string) context.Context {
	return authn.With(b.t.Context(), authn.Caller{Principal: "people/" + person, Organization: organization, Staff: true})
}

func (b *bundle) now(text string) {
	b.t.Helper()
	require.NoError(b.t, b.clock.Advance(at(b.t, text)))
}

func id() string { return uuid.NewString() }

// hear hands in an event of another service, as its consumer does.
func (b *bundle) hear(service, complaint, resource string, change, state proto.Message) {
	b.t.Helper()
	b.sequence++
	body, err := eventBody(b.clock.Now(), change, state)
	require.NoError(b.t, err)
	ev := &eventv1.Event{Service: service, Sequence: b.sequence, Organization: organization, Resource: resource, Version: b.sequence, Complaint: complaint, Body: body}
	b.write(complaint, func(u *journal.Unit) error {
		if err := u.SetProjection(resource, host.Pattern(resource), b.sequence, state); err != nil {
			return err
		}
		return b.react(u, ev, change, state)
	})
}

func eventBody(at time.Time, change, state proto.Message) ([]byte, error) {
	body := &eventv1.EventBody{OccurTime: timestamppb.New(at), Change: anyOf(change), State: anyOf(state)}
	return proto.Marshal(body)
}

func (b *bundle) complaint() *intakev1.Complaint {
	return &intakev1.Complaint{
		Name: "complaints/c1", Number: "C20260408-0001", State: intakev1.Complaint_STATE_REGISTERED, Channel: "telephone",
		ReceiveTime: timestamppb.New(at(b.t, "04-08 17:20:00")), Category: "product_quality", Pack: "demo", PolicyRevision: b.revision,
		Subject: "subjects/s1", Forms: []*intakev1.FilledForm{{Form: "registration"}}, Complainant: &intakev1.Complainant{Telephone: "~"},
	}
}

func (b *bundle) register() {
	b.hear("intake", "complaints/c1", "complaints/c1", &intakev1.ComplaintRegistered{}, b.complaint())
}

func (b *bundle) verify() {
	c := b.complaint()
	c.State, c.Verification = intakev1.Complaint_STATE_VERIFIED, &intakev1.Verification{VerifyTime: timestamppb.New(b.clock.Now())}
	b.hear("intake", "complaints/c1", "complaints/c1", &intakev1.ComplaintVerified{}, c)
}

func (b *bundle) kase() *routingv1.Case {
	b.t.Helper()
	resp, err := b.server.GetCase(b.as("specialist"), &routingv1.GetCaseRequest{Name: "cases/c1"})
	require.NoError(b.t, err)
	return resp.GetCase()
}

func (b *bundle) clockOf(name string) *clockv1.Clock {
	b.t.Helper()
	c := &clockv1.Clock{}
	_, err := b.host.Journal.Get(b.t.Context(), organization, "cases/c1/clocks/"+name, c)
	require.NoError(b.t, err)
	return c
}

func (b *bundle) sign(p *routingv1.Plan, person string) (*routingv1.Plan, error) {
	resp, err := b.server.SignPlan(b.as(person), &routingv1.SignPlanRequest{
		Name: p.GetName(), Decision: typev1.Decision_DECISION_APPROVE, SealedDigest: p.GetApproval().GetSealedDigest(), Etag: p.GetEtag(), RequestId: id(),
	})
	return resp.GetPlan(), err
}

// running brings the case to a running plan of work and compensation.
func (b *bundle) running() *routingv1.Plan {
	b.t.Helper()
	b.register()
	b.now("04-09 09:00:00")
	b.verify()
	b.now("04-09 11:00:00")
	proposed, err := b.server.ProposePlan(b.as("specialist"), &routingv1.ProposePlanRequest{Parent: "cases/c1", RequestId: id(), Plan: &routingv1.Plan{
		Summary: "换货并补偿", Measures: []*routingv1.Measure{
			{Id: "exchange", Description: "换货", Limit: "5 working days"},
			{Id: "goodwill", Kind: routingv1.Measure_KIND_COMPENSATION, Description: "补偿", Amount: &typev1.Money{CurrencyCode: "CNY", Amount: "500.00"}, Ground: "deviation", Remedy: "property_fee_credit"},
		},
	}})
	require.NoError(b.t, err)
	p, err := b.sign(proposed.GetPlan(), "group")
	require.NoError(b.t, err)
	_, err = b.server.StartPlan(b.as("specialist"), &routingv1.StartPlanRequest{Name: p.GetName(), Etag: p.GetEtag(), RequestId: id()})
	require.Equal(b.t, "GATE_CLOSED", fault.ReasonOf(err))
	p, err = b.sign(p, "operations")
	require.NoError(b.t, err)
	started, err := b.server.StartPlan(b.as("specialist"), &routingv1.StartPlanRequest{Name: p.GetName(), Etag: p.GetEtag(), RequestId: id()})
	require.NoError(b.t, err)
	return started.GetPlan()
}

func (b *bundle) claim(p *routingv1.Plan, change proto.Message, state compensationv1.Claim_State) {
	b.t.Helper()
	obligation := b.kase().GetObligations()[0]
	require.Equal(b.t, p.GetMeasures()[1].GetObligation(), obligation.GetId())
	b.hear("compensation", "complaints/c1", obligation.GetResource(), change, &compensationv1.Claim{
		Name: obligation.GetResource(), Complaint: "complaints/c1", Obligation: obligation.GetId(), State: state,
		Ground: "deviation", Remedy: "property_fee_credit", Amount: &typev1.Money{CurrencyCode: "CNY", Amount: "500.00"},
	})
}

func TestACaseGoesFromTheReceiptToItsClosing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.running()
	require.Equal(t, "换货", p.GetMeasures()[0].GetDescription(), "texts are opened for staff")
	stored := &routingv1.Plan{}
	_, err := b.host.Journal.Get(t.Context(), organization, p.GetName(), stored)
	require.NoError(t, err)
	require.Regexp(t, "^~s1", stored.GetMeasures()[0].GetDescription(), "and stored sealed")
	require.Equal(t, at(t, "04-16 18:00:00"), b.clockOf("measure-1-exchange").GetDueTime().AsTime())

	b.now("04-09 17:20:00")
	_, err = b.server.RecordReply(b.as("specialist"), &routingv1.RecordReplyRequest{Parent: "cases/c1", RequestId: id(), Reply: &routingv1.Reply{
		Medium: "telephone", Substantive: true, Content: "已安排换货", SendTime: timestamppb.New(at(t, "04-09 17:20:00")),
	}})
	require.NoError(t, err)
	require.Equal(t, clockv1.Clock_OUTCOME_MET, b.clockOf("response-1").GetOutcome())

	b.now("04-10 10:00:00")
	completed, err := b.server.CompleteMeasure(b.as("specialist"), &routingv1.CompleteMeasureRequest{Name: p.GetName(), Measure: "exchange", Note: "已寄出", Etag: p.GetEtag(), RequestId: id()})
	require.NoError(t, err)
	require.Equal(t, routingv1.Plan_STATE_RUNNING, completed.GetPlan().GetState(), "compensation is owed still")
	b.claim(p, &compensationv1.ClaimPaid{}, compensationv1.Claim_STATE_PAID)
	k := b.kase()
	require.Equal(t, typev1.Obligation_STATE_DONE, k.GetObligations()[0].GetState())
	require.Equal(t, "answering", k.GetStage())
	owed := k.GetObligations()[1]
	require.Equal(t, "follow_up", owed.GetKind())

	closing := func(k *routingv1.Case) (*routingv1.Case, error) {
		resp, err := b.server.CloseCase(b.as("specialist"), &routingv1.CloseCaseRequest{Name: k.GetName(), Note: "客户满意", Etag: k.GetEtag(), RequestId: id()})
		return resp.GetCase(), err
	}
	_, err = closing(k)
	require.Equal(t, "GATE_CLOSED", fault.ReasonOf(err))
	b.now("04-11 10:00:00")
	b.hear("notification", "complaints/c1", owed.GetResource(), &notificationv1.FollowUpAnswered{}, &notificationv1.FollowUp{
		Name: owed.GetResource(), Complaint: "complaints/c1", Kind: "survey", Obligation: owed.GetId(), State: notificationv1.FollowUp_STATE_ANSWERED,
		Satisfied: true, Round: 1, AnswerTime: timestamppb.New(b.clock.Now()),
		Facts: map[string]*typev1.Fact{"confirmed": {Value: &typev1.Fact_Choice{Choice: "satisfied"}}},
	})
	_, err = closing(k)
	require.Equal(t, journal.ReasonEtagMismatch, fault.ReasonOf(err))
	closed, err := closing(b.kase())
	require.NoError(t, err)
	require.Equal(t, routingv1.Case_STATE_CLOSED, closed.GetState())
	require.Equal(t, "filed", closed.GetStage())

	log, err := b.server.ListProgress(b.as("specialist"), &routingv1.ListProgressRequest{Parent: "cases/c1"})
	require.NoError(t, err)
	require.Len(t, log.GetProgress(), 2)
	require.Equal(t, "exchange", log.GetProgress()[0].GetMeasure())
	require.Equal(t, "客户满意", log.GetProgress()[1].GetContent())

	report, err := b.host.Journal.Verify(t.Context(), journal.VerifyOptions{})
	require.NoError(t, err)
	require.Empty(t, report.Problems)
}

func TestARefusedClaimVoidsThePlanAndAsksForANewOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.running()
	b.claim(p, &compensationv1.ClaimRefused{}, compensationv1.Claim_STATE_REFUSED)
	got, err := b.server.GetPlan(b.as("specialist"), &routingv1.GetPlanRequest{Name: p.GetName()})
	require.NoError(t, err)
	require.Equal(t, routingv1.Plan_STATE_VOID, got.GetPlan().GetState())
	require.Equal(t, clockv1.Clock_OUTCOME_CANCELLED, b.clockOf("measure-1-exchange").GetOutcome())
	require.Empty(t, b.kase().GetApproved())
	again, err := b.server.ProposePlan(b.as("specialist"), &routingv1.ProposePlanRequest{Parent: "cases/c1", RequestId: id(), Plan: &routingv1.Plan{
		Measures: []*routingv1.Measure{{Description: "换货", Limit: "5 working days"}},
	}})
	require.NoError(t, err)
	require.Equal(t, "cases/c1/plans/2", again.GetPlan().GetName())
	require.Equal(t, "m1", again.GetPlan().GetMeasures()[0].GetId())
	all, err := b.server.ListPlans(b.as("specialist"), &routingv1.ListPlansRequest{Parent: "cases/c1", PageSize: 1})
	require.NoError(t, err)
	require.Len(t, all.GetPlans(), 1)
	all, err = b.server.ListPlans(b.as("specialist"), &routingv1.ListPlansRequest{Parent: "cases/c1", PageSize: 1, PageToken: all.GetNextPageToken()})
	require.NoError(t, err)
	require.Equal(t, "cases/c1/plans/2", all.GetPlans()[0].GetName())
	require.Empty(t, all.GetNextPageToken())
}

func TestAClockThatFallsDueBreachesTheCase(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.register()
	b.now("04-09 17:20:00")
	_, _, err := b.host.FireDue(t.Context())
	require.NoError(t, err)
	require.Empty(t, b.kase().GetBreached(), "the due instant itself is on time")
	b.now("04-09 17:20:01")
	_, _, err = b.host.FireDue(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"response"}, b.kase().GetBreached())
	require.Equal(t, at(t, "04-09 17:20:01"), b.clockOf("response-1").GetBreachTime().AsTime())
}

func TestAnEventThatComesBeforeItsComplaintWaitsForIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.hear("notification", "complaints/c1", "notices/n1", &notificationv1.NoticeIssued{}, &notificationv1.Notice{Name: "notices/n1", Complaint: "complaints/c1", Kind: "acknowledgement"})
	b.register()
	require.Equal(t, []string{"acknowledgement"}, b.kase().GetIssued())
}

func TestAWithdrawnComplaintEndsItsCase(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := b.running()
	c := b.complaint()
	c.State = intakev1.Complaint_STATE_WITHDRAWN
	b.hear("intake", "complaints/c1", "complaints/c1", &intakev1.ComplaintWithdrawn{}, c)
	k := b.kase()
	require.Equal(t, routingv1.Case_STATE_WITHDRAWN, k.GetState())
	require.Equal(t, typev1.Obligation_STATE_WITHDRAWN, k.GetObligations()[0].GetState())
	require.Equal(t, clockv1.Clock_OUTCOME_CANCELLED, b.clockOf("response-1").GetOutcome())
	require.Equal(t, clockv1.Clock_OUTCOME_CANCELLED, b.clockOf("measure-1-exchange").GetOutcome())
	b.claim(p, &compensationv1.ClaimWithdrawn{}, compensationv1.Claim_STATE_WITHDRAWN)
	require.Equal(t, routingv1.Case_STATE_WITHDRAWN, b.kase().GetState())
}

func TestCallsAreRepeatableBoundToAVersionAndToAnOrganisation(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.register()
	k := b.kase()
	req := &routingv1.AssignCaseRequest{Name: k.GetName(), Etag: k.GetEtag(), RequestId: id()}
	first, err := b.server.AssignCase(b.as("specialist"), req)
	require.NoError(t, err)
	require.Equal(t, []string{"departments/product"}, first.GetCase().GetDepartments())
	again, err := b.server.AssignCase(b.as("specialist"), req)
	require.NoError(t, err)
	require.True(t, proto.Equal(first, again))
	other := proto.CloneOf(req)
	other.RequestId = id()
	_, err = b.server.AssignCase(b.as("specialist"), other)
	require.Equal(t, journal.ReasonEtagMismatch, fault.ReasonOf(err))
	other.Category, other.RequestId = "unheard_of", req.GetRequestId()
	_, err = b.server.AssignCase(b.as("specialist"), other)
	require.Equal(t, journal.ReasonRequestReused, fault.ReasonOf(err))

	listed, err := b.server.ListCases(b.as("specialist"), &routingv1.ListCasesRequest{Department: "departments/product", State: routingv1.Case_STATE_ACCEPTED})
	require.NoError(t, err)
	require.Len(t, listed.GetCases(), 1)
	stranger := authn.With(t.Context(), authn.Caller{Principal: "people/x", Organization: "other", Staff: true})
	_, err = b.server.GetCase(stranger, &routingv1.GetCaseRequest{Name: k.GetName()})
	require.Equal(t, fault.NotFound, fault.KindOf(err))
	listed, err = b.server.ListCases(stranger, &routingv1.ListCasesRequest{})
	require.NoError(t, err)
	require.Empty(t, listed.GetCases())
}

func TestTheReasonsMakeACatalogue(t *testing.T) {
	t.Parallel()
	_, err := fault.NewCatalogue(slices.Concat(Reasons(), journal.Reasons())...)
	require.NoError(t, err)
}

func anyOf(m proto.Message) *anypb.Any {
	a, err := anypb.New(m)
	if err != nil {
		panic(err)
	}
	return a
}
