package compensation

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/approval"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/authz"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/kittest"
	"example.com/redress/services/kit/rpcserver"
	"example.com/redress/services/kit/seal/sealtest"
	"example.com/redress/services/kit/timerindex"
	"example.com/redress/services/policy"
)

const (
	organization = "acme"
	complaint    = "complaints/c1"
	credit       = "property_fee_credit"
)

// bundle is compensation over SQLite behind its interceptors, with the demo pack, a
// directory and a virtual clock; events of other services are handed in as their feeds
// would. A token is the name of a person.
type bundle struct {
	t        testing.TB
	clock    *clock.Virtual
	host     *host.Host
	service  *service
	server   *rpcserver.Server
	revision string
	sequence int64
}

func setup(t testing.TB) *bundle {
	t.Helper()
	b := &bundle{t: t, clock: clock.NewVirtual(time.Date(2026, 4, 13, 1, 0, 0, 0, time.UTC))}
	deps := host.Deps{
		DB: kittest.SQLite(t), Clock: b.clock, Timers: func(string) timerindex.Index { return timerindex.NewLocal() },
		Keys: &sealtest.Keys{}, DigestKey: make([]byte, 32),
	}
	b.service = newService()
	def := b.service.definition()
	def.Consumes = nil // events are handed in
	var err error
	b.host, err = host.New(t.Context(), def, deps)
	require.NoError(t, err)
	t.Cleanup(b.host.Journal.Close)
	require.NoError(t, b.service.bind(b.host))
	catalogue, err := fault.NewCatalogue(slices.Concat(rpcserver.Reasons(), Reasons())...)
	require.NoError(t, err)
	b.server, err = rpcserver.New(rpcserver.Options{
		Name: Name, Config: rpcserver.Config{Clients: []string{"intake", "gateway"}}, Catalogue: catalogue, Tokens: names{}, Functions: b.host.Functions,
	})
	require.NoError(t, err)
	b.host.Register(b.server)
	require.NoError(t, b.server.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, b.server.Stop(context.WithoutCancel(t.Context()))) })
	b.people()
	b.activate("demo")
	return b
}

// names takes the token for the name of a person.
type names struct{}

func (names) Verify(_ context.Context, token string) (authn.Identity, error) {
	return authn.Identity{Principal: "people/" + token, Organization: organization}, nil
}

// as returns the service as the person reaches it.
func (b *bundle) as(person string) (context.Context, compensationv1.CompensationServiceClient) {
	return metadata.AppendToOutgoingContext(b.t.Context(), "authorization", "Bearer "+person), compensationv1.NewCompensationServiceClient(b.server.Conn("gateway"))
}

// asIntake returns the service as intake reaches it.
func (b *bundle) asIntake() (context.Context, compensationv1.CompensationServiceClient) {
	return authn.OnBehalf(b.t.Context(), organization), compensationv1.NewCompensationServiceClient(b.server.Conn("intake"))
}

func (b *bundle) project(kind, name string, version int64, state proto.Message, attrs ...journal.Attr) {
	b.t.Helper()
	_, err := b.host.Journal.Write(b.t.Context(), journal.Work{Organization: organization, Key: name, Actor: &eventv1.Actor{Principal: "services/routing"}}, func(u *journal.Unit) error {
		if err := u.SetProjection(name, kind, version, state, attrs...); err != nil {
			return err
		}
		return directory.Touch(u)
	})
	require.NoError(b.t, err)
}

func (b *bundle) people() {
	agent, approver, finance := typev1.Function_FUNCTION_AGENT, typev1.Function_FUNCTION_APPROVER, typev1.Function_FUNCTION_FINANCE
	for person, is := range map[string]struct {
		role, department string
		function         typev1.Function
	}{
		"agent":    {"member", "departments/marketing_customer_service", agent},
		"engineer": {"head", "departments/engineering", approver},
		"director": {"marketing_director", "", approver}, "legal": {"legal_officer", "", approver},
		"manager": {"general_manager", "", approver}, "chairman": {"chairman", "", approver},
		"cashier": {"member", "departments/finance", finance}, "handler": {"member", "departments/engineering", agent},
	} {
		b.employ(person, is.role, is.department, 1, is.function)
	}
	for _, d := range []string{"marketing_customer_service", "engineering", "finance"} {
		b.project(directory.DepartmentsPattern, "departments/"+d, 1, &directoryv1.Department{Name: "departments/" + d})
	}
}

func (b *bundle) employ(person, role, department string, version int64, functions ...typev1.Function) {
	name := "people/" + person
	b.project(directory.PeoplePattern, name, version, &directoryv1.Person{Name: name, State: directoryv1.Person_STATE_ACTIVE, Functions: functions})
	b.project(directory.AssignmentsPattern, name+"/assignments/a1", version, &directoryv1.Assignment{Name: name + "/assignments/a1", Role: role, Department: department})
}

func (b *bundle) activate(pack string) {
	p, _, err := policy.LoadShipped(pack)
	require.NoError(b.t, err)
	compiled, findings := policy.Compile(p, policy.Options{})
	require.NotNil(b.t, compiled, "%v", findings)
	resolved, err := proto.Marshal(compiled.Pack())
	require.NoError(b.t, err)
	b.revision = "packs/" + pack + "/revisions/" + compiled.Revision()[:32]
	r := &policyv1.Revision{Name: b.revision, Pack: pack, State: policyv1.Revision_STATE_ACTIVE, Digest: compiled.Revision(), Resolved: resolved}
	b.project(host.Pattern(b.revision), b.revision, 1, r, host.RevisionIndex(r)...)
}

// hear hands in an event of another service, as its consumer does.
func (b *bundle) hear(service, resource string, change, state proto.Message) {
	b.t.Helper()
	b.sequence++
	body, err := proto.Marshal(&eventv1.EventBody{OccurTime: timestamppb.New(b.clock.Now()), Change: anyOf(change), State: anyOf(state)})
	require.NoError(b.t, err)
	ev := &eventv1.Event{Service: service, Sequence: b.sequence, Organization: organization, Resource: resource, Version: b.sequence, Complaint: complaint, Body: body}
	_, err = b.host.Journal.Write(b.t.Context(), journal.Work{Organization: organization, Key: complaint, Actor: &eventv1.Actor{Principal: "services/" + service}}, func(u *journal.Unit) error {
		if err := u.SetProjection(resource, host.Pattern(resource), b.sequence, state); err != nil {
			return err
		}
		return b.service.reactor.React(u, ev, change, state)
	})
	require.NoError(b.t, err)
}

func anyOf(m proto.Message) *anypb.Any {
	a, err := anypb.New(m)
	if err != nil {
		panic(err)
	}
	return a
}

func (b *bundle) on() *intakev1.Complaint {
	return &intakev1.Complaint{Name: complaint, Number: "C20260413-000001", State: intakev1.Complaint_STATE_VERIFIED, PolicyRevision: b.revision, Subject: "subjects/s1"}
}

func (b *bundle) register() {
	b.hear("intake", complaint, &intakev1.ComplaintRegistered{}, b.on())
}

func id() string { return uuid.NewString() }

func yuan(amount string) *typev1.Money {
	return &typev1.Money{CurrencyCode: "CNY", Amount: amount}
}

func words(s string) *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Text{Text: s}} }

func terms(amount, remedy string, causes ...string) *compensationv1.Claim {
	return &compensationv1.Claim{
		Complaint: complaint, Ground: "warranty_works", Remedy: remedy, Amount: yuan(amount), Causes: causes,
		Payee: &compensationv1.Payee{DisplayName: "王五", Account: "6222 0000"}, Justification: "墙面渗水",
		Facts: map[string]*typev1.Fact{"demanded": words("赔偿"), "claim_basis": words("两书")},
	}
}

func (b *bundle) create(person string, claim *compensationv1.Claim) (*compensationv1.Claim, error) {
	ctx, c := b.as(person)
	resp, err := c.CreateClaim(ctx, &compensationv1.CreateClaimRequest{Claim: claim, RequestId: id()})
	return resp.GetClaim(), err
}

func (b *bundle) sign(c *compensationv1.Claim, person string, facts map[string]*typev1.Fact) (*compensationv1.Claim, error) {
	ctx, client := b.as(person)
	resp, err := client.SignClaim(ctx, &compensationv1.SignClaimRequest{
		Name: c.GetName(), Decision: typev1.Decision_DECISION_APPROVE, Facts: facts, SealedDigest: c.GetApproval().GetSealedDigest(), Etag: c.GetEtag(), RequestId: id(),
	})
	return resp.GetClaim(), err
}

// signed lets everybody sign in turn.
func (b *bundle) signed(c *compensationv1.Claim, people ...string) *compensationv1.Claim {
	b.t.Helper()
	for _, p := range people {
		var err error
		c, err = b.sign(c, p, nil)
		require.NoError(b.t, err, p)
	}
	return c
}

func (b *bundle) check(c *compensationv1.Claim) *compensationv1.CheckPayableResponse {
	b.t.Helper()
	ctx, client := b.as("cashier")
	resp, err := client.CheckPayable(ctx, &compensationv1.CheckPayableRequest{Name: c.GetName(), Etag: c.GetEtag(), RequestId: id()})
	require.NoError(b.t, err)
	return resp
}

func (b *bundle) execute(c *compensationv1.Claim) (*compensationv1.Claim, error) {
	ctx, client := b.as("cashier")
	resp, err := client.ExecutePayout(ctx, &compensationv1.ExecutePayoutRequest{Name: c.GetName(), Etag: c.GetEtag(), RequestId: id()})
	return resp.GetClaim(), err
}

func (b *bundle) hold(request string, release bool) *compensationv1.HoldClaimsResponse {
	b.t.Helper()
	ctx, client := b.asIntake()
	resp, err := client.HoldClaims(ctx, &compensationv1.HoldClaimsRequest{Organization: organization, Complaint: complaint, Reason: "withdrawal", RequestId: request, Release: release})
	require.NoError(b.t, err)
	return resp
}

func (b *bundle) get(name, person string) *compensationv1.Claim {
	b.t.Helper()
	ctx, client := b.as(person)
	resp, err := client.GetClaim(ctx, &compensationv1.GetClaimRequest{Name: name})
	require.NoError(b.t, err)
	return resp.GetClaim()
}

func TestAClaimGoesFromTheRequestToTheVoucher(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.register()
	_, err := b.create("handler", terms("80000", credit, "engineering"))
	require.Equal(t, "INITIATOR", fault.ReasonOf(err))
	c, err := b.create("agent", terms("80000", credit, "engineering"))
	require.NoError(t, err)
	require.Equal(t, compensationv1.Claim_STATE_SUBMITTED, c.GetState())
	require.Regexp(t, `^K20260413-\d{6}$`, c.GetNumber())
	require.Equal(t, "80000.00", c.GetAmount().GetAmount())
	require.Equal(t, "***", c.GetPayee().GetAccount(), "the payee is finance's to see")
	require.Equal(t, "墙面渗水", c.GetJustification())
	stored := &compensationv1.Claim{}
	_, err = b.host.Journal.Get(t.Context(), organization, c.GetName(), stored)
	require.NoError(t, err)
	require.Regexp(t, "^~s1", stored.GetPayee().GetAccount())
	require.Regexp(t, "^~s1", stored.GetFacts()["demanded"].GetText())

	_, err = b.sign(c, "chairman", nil)
	require.Equal(t, approval.ReasonOrder, fault.ReasonOf(err))
	_, err = b.sign(c, "cashier", nil)
	require.Equal(t, authz.ReasonDenied, fault.ReasonOf(err), "who is no approver signs nothing")
	incomplete := b.check(c)
	require.Equal(t, compensationv1.CheckPayableResponse_RESULT_INCOMPLETE, incomplete.GetResult())
	require.Equal(t, []string{"director_review", "legal", "engineering_countersign", "tier"}, incomplete.GetMissing())
	_, err = b.execute(incomplete.GetClaim())
	f, _ := fault.As(err)
	require.Equal(t, "GATE_CLOSED", f.Reason)
	require.Equal(t, "director_review, legal, engineering_countersign, tier", f.Facts["missing"])

	c = b.signed(incomplete.GetClaim(), "director", "engineer", "legal", "chairman")
	require.Equal(t, compensationv1.Claim_STATE_APPROVED, c.GetState())
	ctx, finance := b.as("cashier")
	payables, err := finance.ListPayables(ctx, &compensationv1.ListPayablesRequest{})
	require.NoError(t, err)
	require.Len(t, payables.GetPayables(), 1)
	require.True(t, payables.GetPayables()[0].GetComplete())
	require.Equal(t, "6222 0000", payables.GetPayables()[0].GetClaim().GetPayee().GetAccount())

	_, err = b.execute(c)
	require.Equal(t, "CLAIM_STATE", fault.ReasonOf(err), "finance checks first")
	checked := b.check(c)
	require.Equal(t, compensationv1.CheckPayableResponse_RESULT_COMPLETE, checked.GetResult())
	req := &compensationv1.ExecutePayoutRequest{Name: c.GetName(), Etag: checked.GetClaim().GetEtag(), RequestId: id()}
	first, err := finance.ExecutePayout(ctx, req)
	require.NoError(t, err)
	again, err := finance.ExecutePayout(ctx, req)
	require.NoError(t, err)
	require.True(t, proto.Equal(first, again), "the same order, not another one")
	_, err = b.execute(first.GetClaim())
	require.Equal(t, "CLAIM_STATE", fault.ReasonOf(err))
	paid, err := finance.ConfirmPayout(ctx, &compensationv1.ConfirmPayoutRequest{Name: c.GetName(), Voucher: "V-1", Etag: first.GetClaim().GetEtag(), RequestId: id()})
	require.NoError(t, err)
	require.Equal(t, compensationv1.Claim_STATE_PAID, paid.GetClaim().GetState())
	require.Equal(t, "V-1", paid.GetClaim().GetPayout().GetVoucher())

	require.Equal(t, compensationv1.HoldClaimsResponse_RESULT_ALREADY_PAID, b.hold(id(), false).GetResult())
	report, err := b.host.Journal.Verify(t.Context(), journal.VerifyOptions{})
	require.NoError(t, err)
	require.Empty(t, report.Problems)
}

func TestASignatoryWhoLeftIsFoundAtPayment(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.register()
	c, err := b.create("agent", terms("30000.00", credit))
	require.NoError(t, err)
	c = b.check(b.signed(c, "director", "legal", "manager")).GetClaim()
	b.employ("legal", "marketing_director", "", 2, typev1.Function_FUNCTION_APPROVER)
	_, err = b.execute(c)
	f, _ := fault.As(err)
	require.Equal(t, "GATE_CLOSED", f.Reason)
	require.Equal(t, "legal", f.Facts["missing"])
}

func TestCashIsDecidedByTheTier(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.register()
	c, err := b.create("agent", terms("120000.00", credit))
	require.NoError(t, err)
	ctx, agent := b.as("agent")
	_, err = agent.SetRemedy(ctx, &compensationv1.SetRemedyRequest{Name: c.GetName(), Remedy: "cash", Etag: c.GetEtag(), RequestId: id()})
	require.Equal(t, "GATE_CLOSED", fault.ReasonOf(err))
	refused, err := agent.RecordRefusal(ctx, &compensationv1.RecordRefusalRequest{Name: c.GetName(), Note: "只要现金", Etag: c.GetEtag(), RequestId: id()})
	require.NoError(t, err)
	set, err := agent.SetRemedy(ctx, &compensationv1.SetRemedyRequest{Name: c.GetName(), Remedy: "cash", Etag: refused.GetClaim().GetEtag(), RequestId: id()})
	require.NoError(t, err)
	require.Equal(t, compensationv1.Claim_STATE_RETURNED, set.GetClaim().GetState())
	again, err := agent.SubmitClaim(ctx, &compensationv1.SubmitClaimRequest{Name: c.GetName(), Etag: set.GetClaim().GetEtag(), RequestId: id()})
	require.NoError(t, err)
	c = b.signed(again.GetClaim(), "director", "legal", "chairman")
	incomplete := b.check(c)
	require.Equal(t, compensationv1.CheckPayableResponse_RESULT_INCOMPLETE, incomplete.GetResult())
	_, err = b.execute(incomplete.GetClaim())
	require.Equal(t, "REMEDY_NOT_ALLOWED", fault.ReasonOf(err))
	back, err := agent.SetRemedy(ctx, &compensationv1.SetRemedyRequest{Name: c.GetName(), Remedy: credit, Etag: incomplete.GetClaim().GetEtag(), RequestId: id()})
	require.NoError(t, err)
	done, err := b.execute(b.check(back.GetClaim()).GetClaim())
	require.NoError(t, err)
	require.Equal(t, credit, done.GetPayout().GetRemedy())
}

func (b *bundle) plan() *routingv1.Plan {
	return &routingv1.Plan{Name: "cases/c1/plans/1", Complaint: complaint, State: routingv1.Plan_STATE_RUNNING, Measures: []*routingv1.Measure{
		{Id: "exchange", Kind: routingv1.Measure_KIND_WORK},
		{Id: "goodwill", Kind: routingv1.Measure_KIND_COMPENSATION, Amount: yuan("500"), Ground: "deviation", Remedy: credit, Obligation: "cases/c1#compensation-1"},
	}}
}

func owed() string {
	return "claims/" + uuid.NewSHA1(uuid.NameSpaceURL, []byte("cases/c1#compensation-1")).String()
}

func TestAPlanDraftsTheClaimItOwesWhateverComesFirst(t *testing.T) {
	t.Parallel()
	for _, planFirst := range []bool{false, true} {
		b := setup(t)
		if !planFirst {
			b.register()
		}
		b.hear("routing", "cases/c1/plans/1", &routingv1.PlanStarted{}, b.plan())
		if planFirst {
			b.register()
		}
		b.hear("routing", "cases/c1/plans/1", &routingv1.PlanStarted{}, b.plan())
		c := b.get(owed(), "agent")
		require.Equal(t, compensationv1.Claim_STATE_DRAFT, c.GetState())
		require.Equal(t, "cases/c1#compensation-1", c.GetObligation())
		require.Equal(t, "500.00", c.GetAmount().GetAmount())
		require.Equal(t, "1", c.GetEtag(), "a second start makes no second claim")
		ctx, agent := b.as("agent")
		submitted, err := agent.SubmitClaim(ctx, &compensationv1.SubmitClaimRequest{Name: c.GetName(), Facts: terms("1", credit).GetFacts(), Etag: c.GetEtag(), RequestId: id()})
		require.NoError(t, err)
		require.Equal(t, compensationv1.Claim_STATE_SUBMITTED, submitted.GetClaim().GetState())
	}
}

func TestAWithdrawnComplaintEndsItsClaims(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.register()
	c, err := b.create("agent", terms("30000.00", credit))
	require.NoError(t, err)
	got := b.hold(id(), false)
	require.Equal(t, compensationv1.HoldClaimsResponse_RESULT_HELD, got.GetResult())
	require.Equal(t, []string{c.GetName()}, got.GetClaims())
	_, err = b.create("agent", terms("1", credit))
	require.Equal(t, "CLAIM_HELD", fault.ReasonOf(err))
	b.hear("routing", "cases/c1/plans/1", &routingv1.PlanStarted{}, b.plan())
	require.Equal(t, compensationv1.Claim_STATE_HELD, b.get(owed(), "agent").GetState())

	on := b.on()
	on.State = intakev1.Complaint_STATE_WITHDRAWN
	b.hear("intake", complaint, &intakev1.ComplaintWithdrawn{}, on)
	for _, name := range []string{c.GetName(), owed()} {
		require.Equal(t, compensationv1.Claim_STATE_WITHDRAWN, b.get(name, "agent").GetState())
	}
	b.hear("intake", complaint, &intakev1.ComplaintWithdrawn{}, on)
	_, err = b.create("agent", terms("1", credit))
	require.Equal(t, "CLAIM_HELD", fault.ReasonOf(err))
}

func TestAHoldIsLiftedAndHeldAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.Equal(t, compensationv1.HoldClaimsResponse_RESULT_HELD, b.hold(id(), false).GetResult(), "a hold comes before what it stops")
	b.register()
	require.Equal(t, compensationv1.HoldClaimsResponse_RESULT_RELEASED, b.hold(id(), true).GetResult())
	c, err := b.create("agent", terms("30000.00", credit))
	require.NoError(t, err)
	request := id()
	require.Equal(t, []string{c.GetName()}, b.hold(request, false).GetClaims())
	require.Equal(t, []string{c.GetName()}, b.hold(request, false).GetClaims(), "asked again it answers the same")
	lifted := id()
	b.hold(lifted, true)
	require.Equal(t, compensationv1.Claim_STATE_SUBMITTED, b.get(c.GetName(), "agent").GetState())
	b.hold(request, false)
	require.Equal(t, compensationv1.Claim_STATE_HELD, b.get(c.GetName(), "agent").GetState(), "who asks again relies on it")
	b.hold(lifted, true)
	require.Equal(t, compensationv1.Claim_STATE_HELD, b.get(c.GetName(), "agent").GetState(), "a late release lifts nothing")
}

func TestClaimsForOneCauseAreReported(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.register()
	first, err := b.create("agent", terms("30000.00", credit, "engineering"))
	require.NoError(t, err)
	second, err := b.create("agent", terms("30000.00", credit, "engineering", "design"))
	require.NoError(t, err)
	_, err = b.create("agent", terms("30000.00", credit, "project"))
	require.NoError(t, err)
	require.Equal(t, []string{first.GetName()}, second.GetRelatedClaims())
	require.Equal(t, []string{second.GetName()}, b.get(first.GetName(), "agent").GetRelatedClaims())

	ctx, agent := b.as("agent")
	page1, err := agent.ListClaims(ctx, &compensationv1.ListClaimsRequest{Complaint: complaint, State: compensationv1.Claim_STATE_SUBMITTED, PageSize: 2})
	require.NoError(t, err)
	require.Len(t, page1.GetClaims(), 2)
	page2, err := agent.ListClaims(ctx, &compensationv1.ListClaimsRequest{Complaint: complaint, State: compensationv1.Claim_STATE_SUBMITTED, PageSize: 2, PageToken: page1.GetNextPageToken()})
	require.NoError(t, err)
	require.Equal(t, first.GetName(), page2.GetClaims()[0].GetName())
	require.Empty(t, page2.GetNextPageToken())
}

func TestOfAnErasedPersonNothingCanBeReadOrTriedOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.register()
	c, err := b.create("agent", terms("30000.00", credit))
	require.NoError(t, err)
	ctx, client := b.asIntake()
	export, err := client.ExportPerson(ctx, &compensationv1.ExportPersonRequest{Organization: organization, Subject: "s1"})
	require.NoError(t, err)
	require.Equal(t, "6222 0000", export.GetClaims()[0].GetPayee().GetAccount())

	require.NoError(t, b.host.Keys.(*sealtest.Keys).Destroy(t.Context(), organization, "s1"))
	payeeKey := func() string {
		stored := &compensationv1.Claim{}
		_, err := b.host.Journal.Get(t.Context(), organization, c.GetName(), stored)
		require.NoError(t, err)
		return stored.GetPayeeKey()
	}
	require.NotEmpty(t, payeeKey())
	_, err = b.host.Journal.Write(t.Context(), journal.Work{Organization: organization, Key: complaint}, func(u *journal.Unit) error {
		return b.service.definition().Forget(u, "s1")
	})
	require.NoError(t, err)
	require.Empty(t, payeeKey(), "an account could be tried out")
	require.Equal(t, "[erased]", b.get(c.GetName(), "cashier").GetPayee().GetAccount())
	require.Equal(t, "[erased]", b.get(c.GetName(), "agent").GetJustification())
}

func TestTheReasonsMakeACatalogue(t *testing.T) {
	t.Parallel()
	_, err := fault.NewCatalogue(slices.Concat(Reasons(), journal.Reasons())...)
	require.NoError(t, err)
}
