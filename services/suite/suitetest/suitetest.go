// Package suitetest gives tests a running suite: all services in one process on
// a virtual clock, with the demo's organisation, reached as clients reach it.
//
// Start reading at [New].
package suitetest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/config"
	"example.com/redress/services/kit/rpcerr"
	"example.com/redress/services/suite"
)

// Begin is when business time begins: a Wednesday. Source: SCENARIOS P26-S1.
const Begin = "2026-04-08T17:20:00+08:00"

// Organization is the demo's.
const Organization = "demo"

// stopping bounds the stop of a suite under test.
const stopping = 20 * time.Second

// Suite is a running suite under test.
type Suite struct {
	*suite.Suite

	// Conn is a connection over the network to the port of all RPCs.
	Conn *grpc.ClientConn
	// Log is everything the suite logged.
	Log *Buffer
	// Folder holds its data.
	Folder string

	t testing.TB
}

// New starts a suite in a folder of the test's own and stops it at the end of
// the test. change may alter the configuration.
func New(t testing.TB, change ...func(*suite.Config)) *Suite {
	t.Helper()
	return In(t, t.TempDir(), change...)
}

// In starts a suite in a folder that may hold data already.
func In(t testing.TB, folder string, change ...func(*suite.Config)) *Suite {
	t.Helper()
	var c suite.Config
	config.SetDefaults(&c)
	c.Process.Data = folder
	c.GRPC.Listen, c.Gateway.Listen = "127.0.0.1:0", "127.0.0.1:0"
	c.VirtualClock = Begin
	for _, f := range change {
		f(&c)
	}
	log := &Buffer{}
	s, err := suite.New(t.Context(), c, "test", log)
	require.NoError(t, err)
	require.NoError(t, s.Start(t.Context()))
	conn, err := grpc.NewClient(s.GRPCAddr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	var once sync.Once
	out := &Suite{Suite: s, Conn: conn, Log: log, Folder: folder, t: t}
	t.Cleanup(func() {
		once.Do(func() {
			require.NoError(t, conn.Close())
			ctx, cancel := clock.System().WithTimeout(context.WithoutCancel(t.Context()), stopping)
			defer cancel()
			require.NoError(t, s.Stop(ctx))
		})
	})
	return out
}

// Token returns a token for people/x, customers/x or apps/x of the demo.
func (s *Suite) Token(principal string) string { return s.TokenOf(principal, Organization) }

// TokenOf returns a token of an organisation.
func (s *Suite) TokenOf(principal, organization string) string {
	s.t.Helper()
	token, err := s.Minter.Mint(authn.Identity{Principal: principal, Organization: organization}, time.Hour)
	require.NoError(s.t, err)
	return token
}

// As returns a context whose calls carry the principal's token and ask for English.
func (s *Suite) As(principal string) context.Context {
	return s.With(s.Token(principal))
}

// With returns a context whose calls carry the token.
func (s *Suite) With(token string) context.Context {
	return metadata.AppendToOutgoingContext(s.t.Context(), "authorization", "Bearer "+token, "accept-language", "en")
}

// Answer is what the JSON edge answered.
type Answer struct {
	Code   int
	Header http.Header
	Body   map[string]any
	Raw    []byte
}

// Reason returns the reason of an error answer; empty if it is none.
func (a Answer) Reason() string {
	e, _ := a.Body["error"].(map[string]any)
	details, _ := e["details"].([]any)
	for _, d := range details {
		if m, ok := d.(map[string]any); ok && m["reason"] != nil {
			reason, _ := m["reason"].(string)
			return reason
		}
	}
	return ""
}

// JSON sends one request to the edge with the token of the principal ("" for
// none), a body (nil for none) and headers in pairs.
func (s *Suite) JSON(principal, method, path string, body any, headers ...string) Answer {
	s.t.Helper()
	var raw []byte
	switch b := body.(type) {
	case nil:
	case []byte:
		raw = b
	case string:
		raw = []byte(b)
	default:
		var err error
		raw, err = json.Marshal(body)
		require.NoError(s.t, err)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.URL()+path, bytes.NewReader(raw))
	require.NoError(s.t, err)
	if principal != "" {
		req.Header.Set("Authorization", "Bearer "+s.Token(principal))
	}
	req.Header.Set("Accept-Language", "en")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := http.Client{Timeout: stopping, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	got, err := client.Do(req)
	require.NoError(s.t, err)
	content, err := io.ReadAll(got.Body)
	require.NoError(s.t, err)
	require.NoError(s.t, got.Body.Close())
	out := Answer{Code: got.StatusCode, Header: got.Header, Raw: content}
	// Pages are no JSON; their tests read Raw.
	_ = json.Unmarshal(content, &out.Body)
	return out
}

// Settled returns after everything that follows from what was done has happened.
func (s *Suite) Settled() {
	s.t.Helper()
	require.NoError(s.t, s.Settle(s.t.Context()))
}

// Pass moves business time.
func (s *Suite) Pass(d time.Duration) {
	s.t.Helper()
	require.NoError(s.t, s.Advance(s.t.Context(), s.Now().Add(d)))
}

// Complaint returns a complaint that the demo's pack takes, graded general.
func Complaint() *intakev1.Complaint {
	return &intakev1.Complaint{
		Channel: "telephone", Medium: intakev1.Medium_MEDIUM_TELEPHONE, Category: "product_quality",
		Complainant: &intakev1.Complainant{DisplayName: "赵倩", Telephone: "13800138000", Email: "zhao.qian@customer.example", Customer: "customers/zhao-qian"},
		Description: "墙面渗水", Facts: map[string]*typev1.Fact{"demand": {Value: &typev1.Fact_Choices{Choices: &typev1.Choices{Values: []string{"refund"}}}}},
	}
}

// Register registers a complaint as the call centre does and waits until the
// other services have heard of it.
func (s *Suite) Register() *intakev1.Complaint {
	s.t.Helper()
	got, err := intakev1.NewIntakeServiceClient(s.Conn).CreateComplaint(s.As("people/li-na"), &intakev1.CreateComplaintRequest{Complaint: Complaint(), RequestId: ID()})
	require.NoError(s.t, err)
	s.Settled()
	return got.GetComplaint()
}

// Activate puts a pack of the demo's organisation in force: one person stores it and says that
// its scenarios passed, another activates it. It returns the revision once all know of it.
func (s *Suite) Activate(source []byte) *policyv1.Revision {
	s.t.Helper()
	policies := policyv1.NewPolicyServiceClient(s.Conn)
	author := s.As("people/author")
	stored, err := policies.CreateRevision(author, &policyv1.CreateRevisionRequest{Source: source, RequestId: ID()})
	require.NoError(s.t, err, "%+v", rpcerr.FromStatus(err))
	name, digest := stored.GetRevision().GetName(), stored.GetRevision().GetDigest()
	ready, err := policies.RecordTestRun(author, &policyv1.RecordTestRunRequest{
		Name: name, RequestId: ID(), TestRun: &policyv1.TestRun{Digest: digest, ScenariosDigest: digest, Passed: 1, Tool: "suitetest"},
	})
	require.NoError(s.t, err)
	active, err := policies.ActivateRevision(s.As("people/admin"), &policyv1.ActivateRevisionRequest{Name: name, Etag: ready.GetRevision().GetEtag(), RequestId: ID()})
	require.NoError(s.t, err)
	s.Settled()
	return active.GetRevision()
}

// ID returns a new request_id.
func ID() string { return uuid.NewString() }

// Path returns a path below the suite's folder.
func (s *Suite) Path(elements ...string) string {
	return filepath.Join(append([]string{s.Folder}, elements...)...)
}

// Buffer keeps what is written to it. Safe for concurrent use.
type Buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// String returns everything written.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
