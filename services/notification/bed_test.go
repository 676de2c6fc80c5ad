package notification_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
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
	"example.com/redress/services/kit/config"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/feed"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/inproc"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/kittest"
	"example.com/redress/services/kit/rpcerr"
	"example.com/redress/services/kit/seal"
	"example.com/redress/services/kit/seal/sealtest"
	"example.com/redress/services/kit/sqldb"
	"example.com/redress/services/kit/timerindex"
	"example.com/redress/services/notification"
	"example.com/redress/services/policy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	org      = "acme"
	revision = "packs/generic-template/revisions/r1"
)

// local returns an instant of 2026 in Shanghai, written "04-08 17:20".
func local(t *testing.T, text string) time.Time {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	require.NoError(t, err)
	at, err := time.ParseInLocation("2006-01-02 15:04", "2026-"+text, zone)
	require.NoError(t, err)
	return at.UTC()
}

// bed is notification among services whose journals a test writes.
type bed struct {
	*notification.Notification
	t         *testing.T
	clock     *clock.Virtual
	keys      *sealtest.Keys
	sources   map[string]*journal.Journal
	intake    *fakeIntake
	client    notificationv1.NotificationServiceClient
	numbering int
}

// fakeIntake mints links and hears of confirmed erasures.
type fakeIntake struct {
	intakev1.UnimplementedKeyServiceServer
	mu        sync.Mutex
	away      bool
	confirmed []string
	told      chan string
}

func (f *fakeIntake) MintStatusLink(_ context.Context, req *intakev1.MintStatusLinkRequest) (*intakev1.MintStatusLinkResponse, error) {
	return &intakev1.MintStatusLinkResponse{Token: "status-of-" + strings.TrimPrefix(req.GetName(), "complaints/")}, nil
}

func (f *fakeIntake) ConfirmErasure(_ context.Context, req *intakev1.ConfirmErasureRequest) (*intakev1.ConfirmErasureResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away {
		f.away = false
		return nil, fault.New(fault.Unavailable, journal.ReasonUnavailable)
	}
	f.confirmed = append(f.confirmed, req.GetSubject())
	f.told <- req.GetSubject()
	return &intakev1.ConfirmErasureResponse{}, nil
}

func (f *fakeIntake) heard() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string{}, f.confirmed...)
}

// withCaller makes the caller that a test names in the metadata, and statuses of faults.
func withCaller(t *testing.T, reasons []fault.Entry) (grpc.UnaryServerInterceptor, grpc.StreamServerInterceptor) {
	t.Helper()
	catalogue, err := fault.NewCatalogue(reasons...)
	require.NoError(t, err)
	table := rpcerr.New(catalogue)
	return func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			if md, ok := metadata.FromIncomingContext(ctx); ok && len(md.Get("test-caller")) > 0 {
				ctx = authn.With(ctx, authn.For(md.Get("test-caller")[0], org))
			}
			resp, err := next(ctx, req)
			return resp, table.Status("en", err).Err()
		}, func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			return table.Status("en", next(srv, ss)).Err()
		}
}

func serve(t *testing.T, name string, reasons []fault.Entry, register func(grpc.ServiceRegistrar)) *inproc.Conn {
	t.Helper()
	unary, stream := withCaller(t, reasons)
	s := inproc.NewServer(inproc.Options{Name: name, Unary: []grpc.UnaryServerInterceptor{unary}, Stream: []grpc.StreamServerInterceptor{stream}})
	register(s)
	s.Serve()
	t.Cleanup(s.Stop)
	conn := s.Dial(inproc.ConnOptions{Caller: "notification", Unary: []grpc.UnaryClientInterceptor{rpcerr.UnaryClient()}, Stream: []grpc.StreamClientInterceptor{rpcerr.StreamClient()}})
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	return conn
}

func as(ctx context.Context, principal string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "test-caller", principal)
}

func kind[M proto.Message](pattern string, empty func() M) journal.Kind {
	return journal.Kind{Pattern: pattern, New: func() proto.Message { return empty() }, Complaint: func(name string, m proto.Message) string {
		switch {
		case strings.HasPrefix(name, "complaints/"):
			return name
		case strings.HasPrefix(name, "cases/"):
			return "complaints/" + strings.Split(name, "/")[1]
		}
		return ""
	}}
}

func sourceKinds() map[string][]journal.Kind {
	return map[string][]journal.Kind{
		"intake": {kind("complaints/*", func() *intakev1.Complaint { return &intakev1.Complaint{} }), kind("subjects/*", func() *intakev1.DataSubject { return &intakev1.DataSubject{} })},
		"routing": {
			kind("cases/*", func() *routingv1.Case { return &routingv1.Case{} }), kind("cases/*/plans/*", func() *routingv1.Plan { return &routingv1.Plan{} }),
			kind("cases/*/replies/*", func() *routingv1.Reply { return &routingv1.Reply{} }), kind("cases/*/clocks/*", func() *clockv1.Clock { return &clockv1.Clock{} }),
			kind("packs/*/revisions/*", func() *policyv1.Revision { return &policyv1.Revision{} }),
			kind("people/*", func() *directoryv1.Person { return &directoryv1.Person{} }), kind("people/*/assignments/*", func() *directoryv1.Assignment { return &directoryv1.Assignment{} }),
		},
		"compensation": {kind("claims/*", func() *compensationv1.Claim { return &compensationv1.Claim{} })},
		"corrective-action": {
			kind("actions/*", func() *correctiveactionv1.Action { return &correctiveactionv1.Action{} }),
			kind("duties/*", func() *correctiveactionv1.Duty { return &correctiveactionv1.Duty{} }),
		},
		"reporting": {kind("watched/*", func() *reportingv1.Watched { return &reportingv1.Watched{} })},
	}
}

// newBed starts notification at the receipt of P26-S1, with its mailbox on.
func newBed(t *testing.T, configure ...func(*notification.Config)) *bed {
	t.Helper()
	return newBedOn(t, kittest.SQLite(t), configure...)
}

// newBedOn is newBed with notification's own database given.
func newBedOn(t *testing.T, db *sqldb.DB, configure ...func(*notification.Config)) *bed {
	t.Helper()
	b := &bed{t: t, clock: clock.NewVirtual(local(t, "04-08 17:20")), keys: &sealtest.Keys{}, sources: map[string]*journal.Journal{}, intake: &fakeIntake{told: make(chan string, 10)}}
	conns := map[string]grpc.ClientConnInterface{}
	for name, kinds := range sourceKinds() {
		j, err := journal.Open(t.Context(), kittest.SQLite(t), journal.Options{Service: name, Kinds: kinds, Clock: b.clock})
		require.NoError(t, err)
		t.Cleanup(j.Close)
		b.sources[name] = j
		f := feed.NewServer(j, feed.ServerOptions{})
		t.Cleanup(f.Close)
		conns[name] = serve(t, name, append(feed.Reasons(), journal.Reasons()...), func(r grpc.ServiceRegistrar) {
			eventv1.RegisterFeedServiceServer(r, f)
			if name == "intake" {
				intakev1.RegisterKeyServiceServer(r, b.intake)
			}
		})
	}
	var c notification.Config
	config.SetDefaults(&c)
	c.BaseURL = "https://redress.example"
	c.Secret = []byte("0123456789abcdef0123456789abcdef")
	c.Mailbox.Folder = filepath.Join(t.TempDir(), "mailbox")
	for _, f := range configure {
		f(&c)
	}
	n, err := notification.New(t.Context(), host.Deps{
		DB: db, Clock: b.clock, Timers: func(string) timerindex.Index { return timerindex.NewLocal() },
		Dial: func(service string) grpc.ClientConnInterface { return conns[service] }, Keys: b.keys, DigestKey: []byte("0123456789abcdef0123456789abcdef"),
	}, c)
	require.NoError(t, err)
	b.Notification = n
	b.client = notificationv1.NewNotificationServiceClient(serve(t, "notification", n.Reasons(), n.Register))
	require.NoError(t, n.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, n.Stop(context.WithoutCancel(t.Context()))) })
	return b
}

// happened writes an event of another service; the state is the new version of its resource.
func (b *bed) happened(service string, change, state proto.Message) {
	b.t.Helper()
	name := state.(interface{ GetName() string }).GetName()
	_, err := b.sources[service].Write(b.t.Context(), journal.Work{Organization: org, Key: name, Actor: &eventv1.Actor{Principal: "services/" + service}}, func(u *journal.Unit) error {
		if _, err := u.Get(name, state.ProtoReflect().New().Interface()); err == nil {
			return u.Update(name, state, change)
		}
		return u.Create(name, state, change)
	})
	require.NoError(b.t, err)
}

// settled waits until everything that was said has had its effect and nothing is on its way.
func (b *bed) settled() {
	b.t.Helper()
	for quiet := 0; quiet < 2; {
		ctx, cancel := context.WithTimeout(b.t.Context(), 20*time.Second)
		ok, err := b.CaughtUp(ctx)
		require.NoError(b.t, err)
		if quiet++; !ok {
			quiet = 0
			require.NoError(b.t, clock.System().Pause(ctx, time.Millisecond))
		}
		cancel()
	}
}

// advance moves the clock to the next instant something is planned for, up to one.
func (b *bed) advance(to time.Time) {
	b.t.Helper()
	for {
		b.settled()
		next, ok, err := b.NextInstant(b.t.Context())
		require.NoError(b.t, err)
		if !ok || next.After(to) {
			break
		}
		require.NoError(b.t, b.clock.Advance(next))
	}
	require.NoError(b.t, b.clock.Advance(to))
	b.settled()
}

func template(t *testing.T) *policyv1.Pack {
	t.Helper()
	pack, _, err := policy.LoadShipped("generic-template")
	require.NoError(t, err)
	return pack
}

// pack puts the template in force.
func (b *bed) pack() {
	b.t.Helper()
	resolved, err := proto.Marshal(template(b.t))
	require.NoError(b.t, err)
	b.happened("routing", &policyv1.PolicyRevisionActivated{}, &policyv1.Revision{Name: revision, State: policyv1.Revision_STATE_ACTIVE, Pack: "generic-template", Digest: "d1", Resolved: resolved})
}

// person puts somebody with a role into the directory.
func (b *bed) person(id, role, department string) {
	b.t.Helper()
	p := &directoryv1.Person{Name: "people/" + id, State: directoryv1.Person_STATE_ACTIVE, DisplayName: id, Email: id + "@acme.example", Locale: "en"}
	require.NoError(b.t, seal.Seal(b.t.Context(), b.keys, org, "people-"+id, p))
	b.happened("routing", &directoryv1.PersonChanged{}, p)
	a := &directoryv1.Assignment{Name: "people/" + id + "/assignments/1", Role: role}
	if department != "" {
		a.Department = "departments/" + department
	}
	b.happened("routing", &directoryv1.AssignmentChanged{}, a)
}

// complaint returns one as intake registers it, sealed.
func (b *bed) complaint(change func(*intakev1.Complaint)) *intakev1.Complaint {
	b.t.Helper()
	b.numbering++
	id := "c" + strconv.Itoa(b.numbering)
	c := &intakev1.Complaint{
		Name: "complaints/" + id, Number: "C20260408-0001", State: intakev1.Complaint_STATE_REGISTERED, Channel: "telephone", Category: "product_quality",
		ReceiveTime: timestamppb.New(b.clock.Now()), Pack: "generic-template", PolicyRevision: revision, Subject: "subjects/" + id,
		Complainant: &intakev1.Complainant{DisplayName: "王芳", Email: id + "@customer.example", Telephone: "13800138000"}, Description: "坏了",
		PromisedLimits: []*intakev1.PromisedLimit{{Clock: "response", Grade: "general", DueTime: timestamppb.New(b.clock.Now().Add(24 * time.Hour)), Limit: "24 h"}},
	}
	if change != nil {
		change(c)
	}
	require.NoError(b.t, seal.Seal(b.t.Context(), b.keys, org, id, c))
	return c
}

func caseOf(c *intakev1.Complaint) *routingv1.Case {
	return &routingv1.Case{
		Name: "cases/" + strings.TrimPrefix(c.GetName(), "complaints/"), Complaint: c.GetName(), Number: c.GetNumber(), State: routingv1.Case_STATE_REGISTERED, Stage: "taking",
		Pack: c.GetPack(), PolicyRevision: c.GetPolicyRevision(), Round: 1, Subject: c.GetSubject(), Owner: "people/owner",
	}
}

// owed adds the follow-up that a carried-out plan asks for.
func owed(t *testing.T, k *routingv1.Case) *typev1.Obligation {
	t.Helper()
	id := k.GetName() + "#follow_up-" + string(rune('1'+len(k.GetObligations())))
	o := &typev1.Obligation{
		Id: id, Kind: "follow_up", Service: "notification", Resource: "followUps/" + uuid.NewSHA1(uuid.NameSpaceURL, []byte(id)).String(), State: typev1.Obligation_STATE_OPEN,
		BlocksClose: true, Rule: &typev1.RuleRef{Rule: "survey", Clause: "(六)", Text: &typev1.Text{Zh: "满意度调查", En: "satisfaction survey"}, Pack: "generic-template"},
	}
	k.Obligations = append(k.Obligations, o)
	return o
}

// notices returns those of a kind, the newest first.
func (b *bed) notices(kind string) []*notificationv1.Notice {
	b.t.Helper()
	got, err := b.client.ListNotices(as(b.t.Context(), "people/agent"), &notificationv1.ListNoticesRequest{Kind: kind})
	require.NoError(b.t, err)
	return got.GetNotices()
}

func (b *bed) notice(kind string) *notificationv1.Notice {
	b.t.Helper()
	all := b.notices(kind)
	require.Len(b.t, all, 1)
	return all[0]
}

func (b *bed) followUp(o *typev1.Obligation) *notificationv1.FollowUp {
	b.t.Helper()
	got, err := b.client.GetFollowUp(as(b.t.Context(), "people/agent"), &notificationv1.GetFollowUpRequest{Name: o.GetResource()})
	require.NoError(b.t, err)
	return got.GetFollowUp()
}

// mail returns the page of the newest caught mail that mentions the words.
func (b *bed) mail(words string) string {
	b.t.Helper()
	list := b.page("/")
	for rest := list; ; {
		_, after, ok := strings.Cut(rest, `href="`)
		require.True(b.t, ok, "no mail mentions %q", words)
		link, more, _ := strings.Cut(after, `"`)
		rest = more
		if strings.ContainsAny(link, "?:") || link == "" || link == "." {
			continue
		}
		if raw := b.page("/" + strings.TrimPrefix(strings.TrimPrefix(link, "./"), "/")); strings.Contains(raw, words) {
			return raw
		}
	}
}

func (b *bed) page(path string) string {
	b.t.Helper()
	r := httptest.NewRequestWithContext(b.t.Context(), http.MethodGet, "http://localhost"+path, nil)
	r.RemoteAddr = "127.0.0.1:1"
	w := httptest.NewRecorder()
	b.MailboxHandler().ServeHTTP(w, r)
	require.Equal(b.t, http.StatusOK, w.Code, path)
	return w.Body.String()
}
