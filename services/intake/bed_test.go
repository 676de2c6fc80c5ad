package intake_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/intake"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/feed"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/inproc"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/kittest"
	"example.com/redress/services/kit/rpcerr"
	"example.com/redress/services/kit/sqldb"
	"example.com/redress/services/kit/timerindex"
	"example.com/redress/services/policy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const organization = "acme"

// bed is intake over a database, fed by a journal that says what routing would.
type bed struct {
	intakev1.IntakeServiceClient

	t       testing.TB
	clock   *clock.Virtual
	intake  *intake.Intake
	errs    *rpcerr.Table
	routing *journal.Journal
}

// at returns an instant of 2026 in the pack's zone: "06-01 09:00:00".
func at(t testing.TB, text string) time.Time {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	require.NoError(t, err)
	instant, err := time.ParseInLocation("2006-01-02 15:04:05", "2026-"+text, zone)
	require.NoError(t, err)
	return instant.UTC()
}

func newBed(t testing.TB, now string) *bed { return newBedOn(t, kittest.SQLite(t), now) }

func newBedOn(t testing.TB, db *sqldb.DB, now string) *bed {
	t.Helper()
	b := &bed{t: t, clock: clock.NewVirtual(at(t, now))}
	folder := t.TempDir()
	config := intake.Config{Keys: folder + "/keys", Blobs: folder + "/blobs", Master: make([]byte, 32)}
	keys, err := intake.OpenKeys(config)
	require.NoError(t, err)
	served := b.serveRouting()
	b.intake, err = intake.New(t.Context(), host.Deps{
		DB: db, Clock: b.clock, Timers: func(string) timerindex.Index { return timerindex.NewLocal() },
		Dial: func(string) grpc.ClientConnInterface { return served }, DigestKey: make([]byte, 32),
	}, config, keys)
	require.NoError(t, err)
	catalogue, err := fault.NewCatalogue(b.intake.Reasons()...)
	require.NoError(t, err)
	b.errs = rpcerr.New(catalogue)
	server := inproc.NewServer(inproc.Options{Name: "intake", Unary: []grpc.UnaryServerInterceptor{b.statuses, b.whoCalls}})
	b.intake.Register(server)
	server.Serve()
	conn := server.Dial(inproc.ConnOptions{Caller: "gateway"})
	b.IntakeServiceClient = intakev1.NewIntakeServiceClient(conn)
	require.NoError(t, b.intake.Start(t.Context()))
	t.Cleanup(func() {
		require.NoError(t, conn.Close())
		server.Stop()
		require.NoError(t, b.intake.Stop(context.Background()))
		require.NoError(t, keys.Close())
	})
	b.people()
	b.activate("testdata/judging.yaml")
	b.settle()
	return b
}

// serveRouting serves the feed of a journal that stands for routing's.
func (b *bed) serveRouting() *inproc.Conn {
	b.t.Helper()
	kind := func(pattern string, empty proto.Message) journal.Kind {
		return journal.Kind{Pattern: pattern, New: func() proto.Message { return proto.Clone(empty) }}
	}
	j, err := journal.Open(b.t.Context(), kittest.SQLite(b.t), journal.Options{Service: "routing", Clock: b.clock, Shards: 4, Kinds: []journal.Kind{
		kind("cases/*", &routingv1.Case{}), kind("people/*", &directoryv1.Person{}), kind("people/*/assignments/*", &directoryv1.Assignment{}),
		kind("channels/*", &directoryv1.Channel{}), kind("departments/*", &directoryv1.Department{}), kind("packs/*/revisions/*", &policyv1.Revision{}),
	}})
	require.NoError(b.t, err)
	f := feed.NewServer(j, feed.ServerOptions{Poll: -1})
	server := inproc.NewServer(inproc.Options{Name: "routing"})
	eventv1.RegisterFeedServiceServer(server, f)
	server.Serve()
	conn := server.Dial(inproc.ConnOptions{Caller: "intake"})
	b.routing = j
	stop := sync.OnceFunc(func() {
		f.Close()
		server.Stop()
	})
	b.t.Cleanup(func() {
		stop()
		require.NoError(b.t, conn.Close())
		j.Close()
	})
	return conn
}

// statuses turns faults into statuses as every server does.
func (b *bed) statuses(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	resp, err := next(ctx, req)
	return resp, b.errs.Status("en", err).Err()
}

const (
	callerHeader       = "test-caller"
	organizationHeader = "test-organization" // where it is not the usual one
)

func (b *bed) whoCalls(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	of := organization
	if other := md.Get(organizationHeader); len(other) > 0 {
		of = other[0]
	}
	return next(authn.With(ctx, authn.For(md.Get(callerHeader)[0], of)), req)
}

// as is a call of a person.
func (b *bed) as(person string) context.Context {
	return metadata.AppendToOutgoingContext(b.t.Context(), callerHeader, "people/"+person)
}

func reason(err error) string { return fault.ReasonOf(rpcerr.FromStatus(err)) }

// put makes routing say that a resource has another state.
func (b *bed) put(name string, state, change proto.Message) {
	b.t.Helper()
	_, err := b.routing.Write(b.t.Context(), journal.Work{Organization: organization, Key: name, Actor: &eventv1.Actor{Principal: "people/agent"}}, func(u *journal.Unit) error {
		_, err := u.Get(name, state.ProtoReflect().New().Interface())
		if fault.KindOf(err) == fault.NotFound {
			return u.Create(name, state, change)
		}
		if err != nil {
			return err
		}
		return u.Update(name, state, change)
	})
	require.NoError(b.t, err)
}

// settle returns once intake has applied everything that was said, by itself too.
func (b *bed) settle() {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 20*time.Second)
	defer cancel()
	heads, err := b.routing.Heads(ctx)
	require.NoError(b.t, err)
	for _, h := range heads {
		require.NoError(b.t, b.intake.WaitFor(ctx, &eventv1.Position{Service: "routing", Shard: h.Shard, Sequence: h.Sequence}))
	}
	own, err := b.intake.Heads(ctx)
	require.NoError(b.t, err)
	for shard, sequence := range own {
		require.NoError(b.t, b.intake.WaitFor(ctx, &eventv1.Position{Service: "intake", Shard: shard, Sequence: sequence}))
	}
}

func (b *bed) people() {
	b.t.Helper()
	for person, role := range map[string]string{"agent": "agent", "tester": "tester", "employee": "", "other": ""} {
		name := "people/" + person
		b.put(name, &directoryv1.Person{Name: name, State: directoryv1.Person_STATE_ACTIVE, Functions: []typev1.Function{typev1.Function_FUNCTION_AGENT}}, &directoryv1.PersonChanged{})
		if role != "" {
			a := &directoryv1.Assignment{Name: name + "/assignments/a1", Role: role}
			b.put(a.Name, a, &directoryv1.AssignmentChanged{})
		}
	}
	b.put("channels/hotline", &directoryv1.Channel{Name: "channels/hotline", Owner: "people/agent"}, &directoryv1.ChannelChanged{})
}

// activate puts a pack of a file in force.
func (b *bed) activate(file string) {
	b.t.Helper()
	source, err := os.ReadFile(file)
	require.NoError(b.t, err)
	p, findings := policy.Load(file, source, policy.Shipped)
	require.NotNil(b.t, p, "%v", findings)
	compiled, findings := policy.Compile(p, policy.Options{})
	require.NotNil(b.t, compiled, "%v", findings)
	resolved, err := proto.Marshal(compiled.Pack())
	require.NoError(b.t, err)
	name := "packs/" + p.GetPack() + "/revisions/" + compiled.Revision()[:32]
	b.put(name, &policyv1.Revision{Name: name, Pack: p.GetPack(), State: policyv1.Revision_STATE_ACTIVE, Digest: compiled.Revision(), Resolved: resolved}, &policyv1.PolicyRevisionActivated{})
}

// asked is a complaint that meets every rule; change alters it.
func asked(t testing.TB, received string, change ...func(*intakev1.Complaint)) *intakev1.CreateComplaintRequest {
	c := &intakev1.Complaint{
		Channel: "hotline", Medium: intakev1.Medium_MEDIUM_TELEPHONE, ReceiveTime: timestamppb.New(at(t, received)), Category: "quality",
		Complainant: &intakev1.Complainant{DisplayName: "顾客", Telephone: "13800138000"}, Description: "…",
		Facts: map[string]*typev1.Fact{"arrived": date("2026-01-10"), "claims": flag(false), "settled_on_spot": flag(false)},
	}
	for _, f := range change {
		f(c)
	}
	return &intakev1.CreateComplaintRequest{Complaint: c, RequestId: uuid.NewString()}
}

func flag(b bool) *typev1.Fact    { return &typev1.Fact{Value: &typev1.Fact_Flag{Flag: b}} }
func date(d string) *typev1.Fact  { return &typev1.Fact{Value: &typev1.Fact_Date{Date: d}} }
func words(s string) *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Text{Text: s}} }
func amount(s string) *typev1.Fact {
	return &typev1.Fact{Value: &typev1.Fact_Money{Money: &typev1.Money{CurrencyCode: "CNY", Amount: s}}}
}

func (b *bed) register(received string, change ...func(*intakev1.Complaint)) *intakev1.Complaint {
	b.t.Helper()
	got, err := b.CreateComplaint(b.as("agent"), asked(b.t, received, change...))
	require.NoError(b.t, err)
	return got.GetComplaint()
}

func (b *bed) judge(c *intakev1.Complaint, stands intakev1.Judgement_Stands) (*intakev1.Complaint, error) {
	b.t.Helper()
	got, err := b.JudgeComplaint(b.as("agent"), &intakev1.JudgeComplaintRequest{Name: c.GetName(), Stands: stands, Reason: "看过了", Etag: c.GetEtag(), RequestId: uuid.NewString()})
	return got.GetComplaint(), err
}

func (b *bed) provide(c *intakev1.Complaint, document string, signed ...string) (*intakev1.Complaint, error) {
	b.t.Helper()
	got, err := b.ProvideDocuments(b.as("agent"), &intakev1.ProvideDocumentsRequest{
		Name: c.GetName(), Documents: []*intakev1.ProvidedDocument{{Document: document, SignedBy: signed}}, Etag: c.GetEtag(), RequestId: uuid.NewString(),
	})
	return got.GetComplaint(), err
}

func (b *bed) get(name, as string) *intakev1.Complaint {
	b.t.Helper()
	got, err := b.GetComplaint(b.as(as), &intakev1.GetComplaintRequest{Name: name})
	require.NoError(b.t, err)
	return got.GetComplaint()
}

// told lists what happened to a resource, by the last word of the type.
func (b *bed) told(name string) []string {
	b.t.Helper()
	events, err := b.intake.Journal.History(b.t.Context(), organization, name, 0, 500)
	require.NoError(b.t, err)
	out := make([]string, len(events))
	for i, ev := range events {
		out[i] = ev.GetType()[strings.LastIndexByte(ev.GetType(), '.')+1:]
	}
	return slices.Clip(out)
}

// advance moves business time on.
func (b *bed) advance(to string) {
	b.t.Helper()
	require.NoError(b.t, b.clock.Advance(at(b.t, to)))
}
