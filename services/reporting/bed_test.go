package reporting_test

import (
	"context"
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
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/feed"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/inproc"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/kittest"
	"example.com/redress/services/kit/rpcerr"
	"example.com/redress/services/kit/rpcserver"
	"example.com/redress/services/kit/seal"
	"example.com/redress/services/kit/seal/sealtest"
	"example.com/redress/services/kit/sqldb"
	"example.com/redress/services/kit/timerindex"
	"example.com/redress/services/policy"
	"example.com/redress/services/reporting"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const organization = "acme"

// bed is reporting over SQLite, fed by five journals that say what the other
// services would.
type bed struct {
	reportingv1.ReportingServiceClient

	t        *testing.T
	clock    *clock.Virtual
	host     *host.Host
	db       *sqldb.DB
	end      func() // of the process that runs
	errs     *rpcerr.Table
	sources  map[string]*source
	keys     *keyService
	revision string
	policy   *policy.Policy
}

// source is another service: its journal and the server of its feed.
type source struct {
	journal *journal.Journal
	server  *inproc.Server
	conn    *inproc.Conn
	stop    func()
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

func stamp(t testing.TB, text string) *timestamppb.Timestamp { return timestamppb.New(at(t, text)) }

func newBed(t *testing.T, now string) *bed {
	t.Helper()
	b := &bed{t: t, clock: clock.NewVirtual(at(t, now)), sources: map[string]*source{}, keys: &keyService{}}
	catalogue, err := fault.NewCatalogue(slices.Concat(reporting.Reasons(), host.OwnReasons(), journal.Reasons(), feed.Reasons(), seal.Reasons())...)
	require.NoError(t, err)
	b.errs = rpcerr.New(catalogue)
	for name, kinds := range kinds() {
		b.source(name, kinds)
	}
	b.db = kittest.SQLite(t)
	b.begin()
	t.Cleanup(func() { b.end() })
	b.people()
	b.activate("generic-template")
	return b
}

// begin starts reporting on the data there are.
func (b *bed) begin() {
	b.t.Helper()
	t := b.t
	var err error
	b.host, err = reporting.New(t.Context(), host.Deps{
		DB: b.db, Clock: b.clock, Timers: func(string) timerindex.Index { return timerindex.NewLocal() },
		Dial: func(name string) grpc.ClientConnInterface { return b.sources[name].conn },
		Keys: seal.NewCache(lender{intakev1.NewKeyServiceClient(b.sources["intake"].conn)}, seal.CacheOptions{}), DigestKey: make([]byte, 32),
	}, reporting.Config{})
	require.NoError(t, err)
	_, err = fault.NewCatalogue(slices.Concat(rpcserver.Reasons(), b.host.Reasons())...)
	require.NoError(t, err, "what a server answers with has one meaning each")
	server := inproc.NewServer(inproc.Options{Name: "reporting", Unary: []grpc.UnaryServerInterceptor{b.statuses, b.whoCalls}})
	b.host.Register(server)
	server.Serve()
	conn := server.Dial(inproc.ConnOptions{Caller: "gateway"})
	b.ReportingServiceClient = reportingv1.NewReportingServiceClient(conn)
	require.NoError(t, b.host.Start(t.Context()))
	b.end = func() {
		select {
		case <-b.host.Done():
			require.Fail(t, "reporting ended by itself", "%v", b.host.Err())
		default:
		}
		require.NoError(t, conn.Close())
		server.Stop()
		require.NoError(t, b.host.Stop(context.Background()))
	}
}

func kinds() map[string][]journal.Kind {
	kind := func(pattern string, empty proto.Message, complaint func(string, proto.Message) string) journal.Kind {
		return journal.Kind{Pattern: pattern, New: func() proto.Message { return proto.Clone(empty) }, Complaint: complaint}
	}
	ofName := func(name string, _ proto.Message) string { return "complaints/" + strings.Split(name, "/")[1] }
	ofState := func(_ string, m proto.Message) string { return m.(interface{ GetComplaint() string }).GetComplaint() }
	return map[string][]journal.Kind{
		"intake": {
			kind("complaints/*", &intakev1.Complaint{}, ofName), kind("complaints/*/evidence/*", &intakev1.Evidence{}, ofName),
			kind("subjects/*", &intakev1.DataSubject{}, nil),
		},
		"routing": {
			kind("cases/*", &routingv1.Case{}, ofName), kind("cases/*/plans/*", &routingv1.Plan{}, ofName), kind("cases/*/replies/*", &routingv1.Reply{}, ofName),
			kind("cases/*/clocks/*", &clockv1.Clock{}, ofState), kind("people/*", &directoryv1.Person{}, nil),
			kind("people/*/assignments/*", &directoryv1.Assignment{}, nil), kind("packs/*/revisions/*", &policyv1.Revision{}, nil),
		},
		"compensation":      {kind("claims/*", &compensationv1.Claim{}, ofState)},
		"corrective-action": {kind("actions/*", &correctiveactionv1.Action{}, ofState), kind("actions/*/clocks/*", &clockv1.Clock{}, ofState)},
		"notification":      {kind("notices/*", &notificationv1.Notice{}, ofState), kind("followUps/*", &notificationv1.FollowUp{}, ofState)},
	}
}

func (b *bed) source(name string, kinds []journal.Kind) {
	b.t.Helper()
	j, err := journal.Open(b.t.Context(), kittest.SQLite(b.t), journal.Options{Service: name, Kinds: kinds, Clock: b.clock, Shards: 4})
	require.NoError(b.t, err)
	f := feed.NewServer(j, feed.ServerOptions{Poll: -1})
	s := &source{journal: j, server: inproc.NewServer(inproc.Options{Name: name, Unary: []grpc.UnaryServerInterceptor{b.statuses}})}
	eventv1.RegisterFeedServiceServer(s.server, f)
	intakev1.RegisterKeyServiceServer(s.server, b.keys)
	s.server.Serve()
	s.conn = s.server.Dial(inproc.ConnOptions{Caller: "reporting"})
	s.stop = sync.OnceFunc(func() {
		f.Close()
		s.server.Stop()
	})
	b.sources[name] = s
	b.t.Cleanup(func() {
		s.stop()
		require.NoError(b.t, s.conn.Close())
		j.Close()
	})
}

// statuses turns faults into statuses as every server does.
func (b *bed) statuses(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	resp, err := next(ctx, req)
	return resp, b.errs.Status("en", err).Err()
}

const callerHeader = "test-caller"

// whoCalls makes the caller of the header, with the functions of the directory.
func (b *bed) whoCalls(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	c := authn.For(md.Get(callerHeader)[0], md.Get(callerHeader)[1])
	var err error
	// The server would refuse somebody unknown; here the handlers show what they would give them.
	if c.Functions, err = b.host.Functions(ctx, c.Organization, c.Principal); err != nil && fault.KindOf(err) != fault.NotFound {
		return nil, err
	}
	return next(authn.With(ctx, c), req)
}

// as is a call of a person.
func (b *bed) as(person string) context.Context { return b.from(person, organization) }

// from is a call of a person of some organisation.
func (b *bed) from(person, organization string) context.Context {
	return metadata.AppendToOutgoingContext(b.t.Context(), callerHeader, "people/"+person, callerHeader, organization)
}

func reason(err error) string { return fault.ReasonOf(rpcerr.FromStatus(err)) }

// keyService lends keys as intake does and remembers which erasures were confirmed.
type keyService struct {
	intakev1.UnimplementedKeyServiceServer
	sealtest.Keys

	mu        sync.Mutex
	confirmed []string
	away      bool
}

func (k *keyService) LendKey(ctx context.Context, req *intakev1.LendKeyRequest) (*intakev1.LendKeyResponse, error) {
	key, err := k.Key(ctx, req.GetOrganization(), req.GetSubject(), req.GetCreate())
	return &intakev1.LendKeyResponse{Key: key}, err
}

func (k *keyService) ConfirmErasure(_ context.Context, req *intakev1.ConfirmErasureRequest) (*intakev1.ConfirmErasureResponse, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.away {
		return nil, fault.New(fault.Unavailable, fault.ReasonUnavailable)
	}
	k.confirmed = append(k.confirmed, req.GetOrganization()+"/"+req.GetSubject())
	return &intakev1.ConfirmErasureResponse{}, nil
}

func (k *keyService) told() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.confirmed)
}

func (k *keyService) goAway(away bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.away = away
}

// lender fetches keys over the connection, as a process does.
type lender struct{ client intakev1.KeyServiceClient }

func (l lender) Key(ctx context.Context, organization, subject string, create bool) ([]byte, error) {
	got, err := l.client.LendKey(ctx, &intakev1.LendKeyRequest{Organization: organization, Subject: subject, Create: create})
	return got.GetKey(), rpcerr.FromStatus(err)
}

// put makes a service say that a resource has another state since the instant.
func (b *bed) put(service, name string, state, change proto.Message, when time.Time) *eventv1.Position {
	b.t.Helper()
	key := name
	if k := kinds()[service]; k != nil {
		for _, k := range k {
			if host.Pattern(name) == k.Pattern && k.Complaint != nil {
				key = k.Complaint(name, state)
			}
		}
	}
	receipt, err := b.sources[service].journal.Write(b.t.Context(), journal.Work{
		Organization: organization, Key: key, Time: when, Actor: &eventv1.Actor{Principal: "people/specialist"},
	}, func(u *journal.Unit) error {
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
	return receipt.Position
}

// settle returns once reporting has applied everything that was said.
func (b *bed) settle() {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 20*time.Second)
	defer cancel()
	for name, s := range b.sources {
		heads, err := s.journal.Heads(ctx)
		require.NoError(b.t, err)
		for _, h := range heads {
			require.NoError(b.t, b.host.WaitFor(ctx, &eventv1.Position{Service: name, Shard: h.Shard, Sequence: h.Sequence}))
		}
	}
}

// caughtUp returns once the host says that it has read everything and owes nothing.
// It asks again and again, as the virtual clock of the suite does: after a rebuild
// no position tells when the feeds have begun anew.
func (b *bed) caughtUp() {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 20*time.Second)
	defer cancel()
	for {
		ok, err := b.host.CaughtUp(ctx)
		require.NoError(b.t, err)
		if ok {
			return
		}
		require.NoError(b.t, clock.System().Pause(ctx, time.Millisecond), "reporting does not catch up")
	}
}

// people fills the directory.
func (b *bed) people() {
	b.t.Helper()
	f := func(functions ...typev1.Function) []typev1.Function { return functions }
	for person, is := range map[string]struct {
		role, department string
		functions        []typev1.Function
	}{
		"specialist": {"customer_service_specialist", "", f(typev1.Function_FUNCTION_AGENT)},
		"owner":      {"member", "departments/product", f(typev1.Function_FUNCTION_HANDLER)},
		"group":      {"member", "departments/complaint_handling_group", f(typev1.Function_FUNCTION_HANDLER, typev1.Function_FUNCTION_APPROVER)},
		"operations": {"operations_director", "", f(typev1.Function_FUNCTION_APPROVER)},
		"director":   {"department_director", "", f(typev1.Function_FUNCTION_APPROVER)},
		"finance":    {"", "", f(typev1.Function_FUNCTION_FINANCE)},
		"quality":    {"", "", f(typev1.Function_FUNCTION_QUALITY)},
		"manager":    {"", "", f(typev1.Function_FUNCTION_MANAGER)},
		"operator":   {"", "", f(typev1.Function_FUNCTION_OPERATOR)},
		"nobody":     {"", "", nil},
	} {
		name := "people/" + person
		b.put("routing", name, &directoryv1.Person{Name: name, State: directoryv1.Person_STATE_ACTIVE, Functions: is.functions}, &directoryv1.PersonChanged{}, b.clock.Now())
		if is.role != "" {
			a := &directoryv1.Assignment{Name: name + "/assignments/a1", Role: is.role, Department: is.department}
			b.put("routing", a.Name, a, &directoryv1.AssignmentChanged{}, b.clock.Now())
		}
	}
}

// activate puts a shipped pack in force.
func (b *bed) activate(pack string) {
	b.t.Helper()
	p, _, err := policy.LoadShipped(pack)
	require.NoError(b.t, err)
	compiled, findings := policy.Compile(p, policy.Options{})
	require.NotNil(b.t, compiled, "%v", findings)
	b.policy, b.revision = compiled, "packs/"+pack+"/revisions/"+compiled.Revision()[:32]
	b.arrives(b.revision, pack, compiled)
}

// arrives puts a revision in force under the name.
func (b *bed) arrives(name, pack string, compiled *policy.Policy) {
	b.t.Helper()
	resolved, err := proto.Marshal(compiled.Pack())
	require.NoError(b.t, err)
	b.put("routing", name, &policyv1.Revision{
		Name: name, Pack: pack, State: policyv1.Revision_STATE_ACTIVE, Digest: compiled.Revision(), Resolved: resolved,
	}, &policyv1.PolicyRevisionActivated{}, b.clock.Now())
}

// complaint makes a complaint and its case, as far as the state says.
func (b *bed) complaint(id, received string, change func(c *intakev1.Complaint, k *routingv1.Case)) {
	b.t.Helper()
	c := &intakev1.Complaint{
		Name: "complaints/" + id, Number: "C-" + id, State: intakev1.Complaint_STATE_REGISTERED, Channel: "telephone", ChannelOwner: "people/specialist",
		ReceiveTime: stamp(b.t, received), PolicyRevision: b.revision, Subject: "subjects/" + id, Category: "damage",
	}
	k := &routingv1.Case{
		Name: "cases/" + id, Complaint: c.GetName(), Number: c.GetNumber(), State: routingv1.Case_STATE_ACCEPTED, Round: 1,
		ReceiveTime: c.GetReceiveTime(), PolicyRevision: b.revision, Grades: map[string]*routingv1.Grade{"severity": {Level: "general"}},
	}
	if change != nil {
		change(c, k)
	}
	b.put("intake", c.Name, c, &intakev1.ComplaintRegistered{}, at(b.t, received))
	b.put("routing", k.Name, k, &routingv1.CaseOpened{}, at(b.t, received))
}

func requestID() string { return uuid.NewString() }
