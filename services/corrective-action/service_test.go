package correctiveaction

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

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
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
	"example.com/redress/services/kit/rpcserver"
	"example.com/redress/services/kit/seal/sealtest"
	"example.com/redress/services/kit/timerindex"
	"example.com/redress/services/policy"
)

const (
	organization = "acme"
	complaint    = "complaints/c1"
)

// opening is a pack whose rule opens an action when a complaint was verified.
const opening = `
pack: sample
title: {zh: 样例, en: Sample}
source: sample
departments: [{id: quality, clause: "1", text: {zh: 质量部, en: quality department}}]
corrective_action: [{id: recheck, clause: "4", kind: PREVENTIVE, opens: [COMPLAINT_VERIFIED], text: {zh: 复查, en: check again}}]
`

// bundle is corrective-action over SQLite behind its interceptors, with a pack, a
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
	resolved *policyv1.Revision
}

func setup(t testing.TB, source string) *bundle {
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
	b.service.bind(b.host)
	catalogue, err := fault.NewCatalogue(slices.Concat(rpcserver.Reasons(), Reasons())...)
	require.NoError(t, err)
	b.server, err = rpcserver.New(rpcserver.Options{
		Name: Name, Config: rpcserver.Config{Clients: []string{"intake", "gateway"}}, Catalogue: catalogue, Tokens: names{}, Functions: b.host.Functions,
	})
	require.NoError(t, err)
	b.host.Register(b.server)
	require.NoError(t, b.server.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, b.server.Stop(context.WithoutCancel(t.Context()))) })
	b.compile(source)
	for person, function := range map[string]typev1.Function{"quality": typev1.Function_FUNCTION_QUALITY, "second": typev1.Function_FUNCTION_QUALITY, "handler": typev1.Function_FUNCTION_HANDLER} {
		name := "people/" + person
		b.project(directory.PeoplePattern, name, &directoryv1.Person{Name: name, State: directoryv1.Person_STATE_ACTIVE, Functions: []typev1.Function{function}})
	}
	b.project(directory.DepartmentsPattern, "departments/product", &directoryv1.Department{Name: "departments/product"})
	return b
}

// names takes the token for the name of a person.
type names struct{}

func (names) Verify(_ context.Context, token string) (authn.Identity, error) {
	return authn.Identity{Principal: "people/" + token, Organization: organization}, nil
}

func (b *bundle) compile(source string) {
	b.t.Helper()
	pack, _, err := policy.LoadShipped("demo")
	require.NoError(b.t, err)
	if source != "" {
		var findings []policy.Finding
		pack, findings = policy.Load("sample.yaml", []byte(source), nil)
		require.False(b.t, policy.HasErrors(findings), "%v", findings)
	}
	compiled, findings := policy.Compile(pack, policy.Options{})
	require.NotNil(b.t, compiled, "%v", findings)
	resolved, err := proto.Marshal(compiled.Pack())
	require.NoError(b.t, err)
	b.revision = "packs/p/revisions/" + compiled.Revision()[:32]
	b.resolved = &policyv1.Revision{Name: b.revision, Pack: "p", State: policyv1.Revision_STATE_ACTIVE, Digest: compiled.Revision(), Resolved: resolved}
}

func (b *bundle) activate() {
	b.project(host.Pattern(b.revision), b.revision, b.resolved, host.RevisionIndex(b.resolved)...)
}

func (b *bundle) project(kind, name string, state proto.Message, attrs ...journal.Attr) {
	b.t.Helper()
	_, err := b.host.Journal.Write(b.t.Context(), journal.Work{Organization: organization, Key: name, Actor: &eventv1.Actor{Principal: "services/routing"}}, func(u *journal.Unit) error {
		if err := u.SetProjection(name, kind, 1, state, attrs...); err != nil {
			return err
		}
		return directory.Touch(u)
	})
	require.NoError(b.t, err)
}

// hear hands in an event of another service, as its consumer does.
func (b *bundle) hear(service, resource string, change, state proto.Message) {
	b.t.Helper()
	b.sequence++
	any1, err := anypb.New(change)
	require.NoError(b.t, err)
	any2, err := anypb.New(state)
	require.NoError(b.t, err)
	body, err := proto.Marshal(&eventv1.EventBody{OccurTime: timestamppb.New(b.clock.Now()), Change: any1, State: any2})
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

func (b *bundle) on() *intakev1.Complaint {
	return &intakev1.Complaint{Name: complaint, Number: "C20260413-000001", State: intakev1.Complaint_STATE_VERIFIED, PolicyRevision: b.revision, Subject: "subjects/s1"}
}

func (b *bundle) register() {
	b.hear("intake", complaint, &intakev1.ComplaintRegistered{}, b.on())
}

func (b *bundle) as(person string) (context.Context, correctiveactionv1.CorrectiveActionServiceClient) {
	return metadata.AppendToOutgoingContext(b.t.Context(), "authorization", "Bearer "+person), correctiveactionv1.NewCorrectiveActionServiceClient(b.server.Conn("gateway"))
}

func id() string { return uuid.NewString() }

func (b *bundle) create(person string, a *correctiveactionv1.Action) (*correctiveactionv1.Action, error) {
	ctx, c := b.as(person)
	resp, err := c.CreateAction(ctx, &correctiveactionv1.CreateActionRequest{Action: a, RequestId: id()})
	return resp.GetAction(), err
}

func (b *bundle) clockOf(name string) *clockv1.Clock {
	b.t.Helper()
	ctx, _ := b.as("quality")
	got, err := clockv1.NewClockServiceClient(b.server.Conn("gateway")).GetClock(ctx, &clockv1.GetClockRequest{Name: name})
	require.NoError(b.t, err)
	return got.GetClock()
}

func TestAnActionGoesFromTheRequestToTheFile(t *testing.T) {
	t.Parallel()
	b := setup(t, "")
	b.activate()
	_, err := b.create("quality", &correctiveactionv1.Action{Complaint: complaint, Description: "换供应商"})
	require.Equal(t, journal.ReasonNotFound, fault.ReasonOf(err))
	b.register()
	_, err = b.create("quality", &correctiveactionv1.Action{Complaint: complaint, Description: "换供应商", Owner: "people/nobody"})
	require.Equal(t, journal.ReasonNotFound, fault.ReasonOf(err))
	due := time.Date(2026, 4, 20, 10, 0, 0, 0, time.UTC)
	a, err := b.create("quality", &correctiveactionv1.Action{
		Complaint: complaint, Description: "换供应商", Department: "departments/product", Owner: "people/handler", DueTime: timestamppb.New(due),
	})
	require.NoError(t, err)
	require.Regexp(t, `^CA20260413-\d{6}$`, a.GetNumber())
	require.Equal(t, "换供应商", a.GetDescription())
	require.Equal(t, due, b.clockOf(a.GetClock()).GetDueTime().AsTime())

	ctx, handler := b.as("handler")
	done, err := handler.ImplementAction(ctx, &correctiveactionv1.ImplementActionRequest{Name: a.GetName(), Note: "已换", Etag: a.GetEtag(), RequestId: id()})
	require.NoError(t, err)
	require.Equal(t, clockv1.Clock_OUTCOME_MET, b.clockOf(a.GetClock()).GetOutcome())
	ctx, quality := b.as("quality")
	poor, err := quality.VerifyAction(ctx, &correctiveactionv1.VerifyActionRequest{Name: a.GetName(), Note: "仍有缺陷", Etag: done.GetAction().GetEtag(), RequestId: id()})
	require.NoError(t, err)
	require.Equal(t, correctiveactionv1.Action_STATE_OPEN, poor.GetAction().GetState())
	done2, err := quality.ImplementAction(ctx, &correctiveactionv1.ImplementActionRequest{Name: a.GetName(), Note: "再换", Etag: poor.GetAction().GetEtag(), RequestId: id()})
	require.NoError(t, err)
	verify := &correctiveactionv1.VerifyActionRequest{Name: a.GetName(), Effective: true, Note: "合格", Etag: done2.GetAction().GetEtag(), RequestId: id()}
	_, err = quality.VerifyAction(ctx, verify)
	require.Equal(t, "VERIFY_OWN", fault.ReasonOf(err))
	ctx2, second := b.as("second")
	good, err := second.VerifyAction(ctx2, verify)
	require.NoError(t, err)
	closed, err := second.CloseAction(ctx2, &correctiveactionv1.CloseActionRequest{Name: a.GetName(), Etag: good.GetAction().GetEtag(), RequestId: id()})
	require.NoError(t, err)
	require.Equal(t, correctiveactionv1.Action_STATE_CLOSED, closed.GetAction().GetState())

	listed, err := second.ListActions(ctx2, &correctiveactionv1.ListActionsRequest{Complaint: complaint, State: correctiveactionv1.Action_STATE_CLOSED})
	require.NoError(t, err)
	require.Len(t, listed.GetActions(), 1)
	exported, err := correctiveactionv1.NewCorrectiveActionServiceClient(b.server.Conn("intake")).ExportPerson(
		authn.OnBehalf(t.Context(), organization), &correctiveactionv1.ExportPersonRequest{Organization: organization, Subject: "s1"})
	require.NoError(t, err)
	require.Equal(t, "合格", exported.GetActions()[0].GetVerifications()[1].GetNote())
	report, err := b.host.Journal.Verify(t.Context(), journal.VerifyOptions{})
	require.NoError(t, err)
	require.Empty(t, report.Problems)
}

func TestAnActionThatIsLateBreachesItsClock(t *testing.T) {
	t.Parallel()
	b := setup(t, "")
	b.activate()
	b.register()
	due := time.Date(2026, 4, 13, 2, 0, 0, 0, time.UTC)
	a, err := b.create("quality", &correctiveactionv1.Action{Complaint: complaint, Description: "检查", DueTime: timestamppb.New(due)})
	require.NoError(t, err)
	require.NoError(t, b.clock.Advance(due))
	_, _, err = b.host.FireDue(t.Context())
	require.NoError(t, err)
	require.Nil(t, b.clockOf(a.GetClock()).GetBreachTime(), "the due instant itself is on time")
	require.NoError(t, b.clock.Advance(due.Add(time.Second)))
	_, _, err = b.host.FireDue(t.Context())
	require.NoError(t, err)
	require.Equal(t, due.Add(time.Second), b.clockOf(a.GetClock()).GetBreachTime().AsTime())
}

func plan() *routingv1.Plan {
	return &routingv1.Plan{Name: "cases/c1/plans/1", Complaint: complaint, State: routingv1.Plan_STATE_RUNNING, Measures: []*routingv1.Measure{
		{Id: "exchange", Kind: routingv1.Measure_KIND_WORK},
		{
			Id: "supplier", Kind: routingv1.Measure_KIND_CORRECTIVE_ACTION, Description: "~", Person: "people/handler", Department: "departments/product",
			DueTime: timestamppb.New(time.Date(2026, 4, 20, 10, 0, 0, 0, time.UTC)), Obligation: "cases/c1#corrective_action-1",
		},
	}}
}

func TestAPlanOpensTheActionItOwesWhateverComesFirst(t *testing.T) {
	t.Parallel()
	owed := "actions/" + uuid.NewSHA1(uuid.NameSpaceURL, []byte("cases/c1#corrective_action-1")).String()
	start := func(b *bundle) { b.hear("routing", "cases/c1/plans/1", &routingv1.PlanStarted{}, plan()) }
	for name, order := range map[string][]func(*bundle){
		"PolicyComplaintPlan": {(*bundle).activate, (*bundle).register, start},
		"PlanPolicyComplaint": {start, (*bundle).activate, (*bundle).register},
		"PlanComplaintPolicy": {start, (*bundle).register, (*bundle).activate, func(b *bundle) {
			b.hear("routing", "cases/c1", &routingv1.CaseUpdated{}, &routingv1.Case{Name: "cases/c1", Complaint: complaint})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, "")
			for _, step := range order {
				step(b)
			}
			start(b)
			ctx, quality := b.as("quality")
			got, err := quality.GetAction(ctx, &correctiveactionv1.GetActionRequest{Name: owed})
			require.NoError(t, err)
			a := got.GetAction()
			require.Equal(t, "1", a.GetEtag(), "a second start opens no second action")
			require.Equal(t, "cases/c1#corrective_action-1", a.GetObligation())
			require.Equal(t, "people/handler", a.GetOwner())
			require.Equal(t, "services/corrective-action", a.GetCreator())
			require.NotEmpty(t, a.GetClock())
		})
	}
}

func TestARuleOfThePackOpensAnActionOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, opening)
	b.hear("intake", complaint, &intakev1.ComplaintVerified{}, b.on()) // before the policy is known
	b.activate()
	b.hear("intake", complaint, &intakev1.ComplaintUpdated{}, b.on())
	b.hear("intake", complaint, &intakev1.ComplaintUpdated{}, b.on())
	ctx, quality := b.as("quality")
	listed, err := quality.ListActions(ctx, &correctiveactionv1.ListActionsRequest{Complaint: complaint})
	require.NoError(t, err)
	require.Len(t, listed.GetActions(), 1)
	require.Equal(t, "recheck", listed.GetActions()[0].GetPolicyKind())
	require.Equal(t, correctiveactionv1.Action_KIND_PREVENTIVE, listed.GetActions()[0].GetKind())
}
