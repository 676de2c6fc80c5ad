package privacytest_test

import (
	"bytes"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/kit/sqldb"
	"example.com/redress/services/suite/internal/cli"
	"example.com/redress/services/suite/suitetest"
)

// command runs a command of the program on the data folder and returns what it said.
func (p *play) command(args ...string) string {
	p.t.Helper()
	var out bytes.Buffer
	err := cli.Execute(p.t.Context(), append(args, "--data", p.Folder), cli.Streams{In: strings.NewReader(""), Out: &out, Err: &out})
	require.NoError(p.t, err, "%v: %s", args, out.String())
	return out.String()
}

// answersOf returns what the services answer about a complaint, by service.
func (p *play) answersOf(complaint string) map[string]proto.Message {
	p.t.Helper()
	kase := strings.Replace(complaint, "complaints/", "cases/", 1)
	out := map[string]proto.Message{}
	add := func(name string, m proto.Message, err error) {
		require.NoError(p.t, err, name)
		out[name] = m
	}
	c, err := p.intake.GetComplaint(p.As(agent), &intakev1.GetComplaintRequest{Name: complaint})
	add("intake: complaint", c, err)
	e, err := p.intake.ListEvidence(p.As(agent), &intakev1.ListEvidenceRequest{Parent: complaint})
	add("intake: evidence", e, err)
	k, err := p.routing.GetCase(p.As(agent), &routingv1.GetCaseRequest{Name: kase})
	add("routing: case", k, err)
	plans, err := p.routing.ListPlans(p.As(agent), &routingv1.ListPlansRequest{Parent: kase})
	add("routing: plans", plans, err)
	findings, err := p.routing.ListFindings(p.As(agent), &routingv1.ListFindingsRequest{Parent: kase})
	add("routing: findings", findings, err)
	progress, err := p.routing.ListProgress(p.As(agent), &routingv1.ListProgressRequest{Parent: kase})
	add("routing: progress", progress, err)
	replies, err := p.routing.ListReplies(p.As(agent), &routingv1.ListRepliesRequest{Parent: kase})
	add("routing: replies", replies, err)
	claims, err := p.compensation.ListClaims(p.As(finance), &compensationv1.ListClaimsRequest{Complaint: complaint})
	add("compensation: claims", claims, err)
	actions, err := p.corrective.ListActions(p.As(quality), &correctiveactionv1.ListActionsRequest{Complaint: complaint})
	add("corrective-action: actions", actions, err)
	notices, err := p.notification.ListNotices(p.As(agent), &notificationv1.ListNoticesRequest{Complaint: complaint})
	add("notification: notices", notices, err)
	asked, err := p.notification.ListFollowUps(p.As(agent), &notificationv1.ListFollowUpsRequest{Complaint: complaint})
	add("notification: follow-ups", asked, err)
	file, err := reportingv1.NewReportingServiceClient(p.Conn).GetCaseFile(p.As(operations), &reportingv1.GetCaseFileRequest{Name: complaint})
	add("reporting: file", file, err)
	return out
}

func written(t testing.TB, m proto.Message) string {
	t.Helper()
	raw, err := protojson.Marshal(m)
	require.NoError(t, err)
	return string(raw)
}

func TestErasePersonEverywhere(t *testing.T) {
	t.Parallel()
	p := newPlay(t)
	p.whole()
	other := do(p, stranger, p.intake.CreateComplaint, &intakev1.CreateComplaintRequest{RequestId: suitetest.ID(), Complaint: p.another()}).GetComplaint()

	before := p.answersOf(p.complaint)
	for name, m := range before {
		assert.NotEmpty(t, leaks([]byte(written(t, m))), "%s can be read before", name)
	}
	backup := filepath.Join(t.TempDir(), "backup")
	p.command("backup", backup)
	keysNotIn(t, p.Folder, backup)

	require.NotEmpty(t, p.terms(p.complaint))
	require.Len(t, p.found(), 2)

	kept := wrapped(t, p.Folder)
	erased := do(p, officer, p.intake.ErasePerson, &intakev1.ErasePersonRequest{Name: p.complaint, Reason: p.c("reason to erase"), RequestId: suitetest.ID()}).GetSubject()
	require.Equal(t, intakev1.DataSubject_STATE_ERASED, erased.GetState())

	for name, m := range p.answersOf(p.complaint) {
		shown := written(t, m)
		assert.Empty(t, leaks([]byte(shown)), name)
		assert.True(t, strings.Contains(shown, "[erased]") || strings.Contains(shown, "***"), "%s: %s", name, shown)
	}
	p.unreadable()
	require.Empty(t, p.terms(p.complaint), "nothing is left by which it was found")
	require.NotEmpty(t, p.terms(other.GetName()))
	require.Equal(t, []string{other.GetName()}, p.found())

	// Saying it again adds nothing, and shows who has confirmed.
	again := do(p, officer, p.intake.ErasePerson, &intakev1.ErasePersonRequest{Name: p.complaint, Reason: p.c("reason to erase again"), RequestId: suitetest.ID()}).GetSubject()
	require.Equal(t, []string{"compensation", "corrective-action", "intake", "notification", "reporting", "routing"}, again.GetErasuresConfirmed())

	// The key is gone for ever; another person's is not.
	var overwritten int
	left := string(bytes.Join(wrapped(t, p.Folder), nil))
	for _, key := range kept {
		if !strings.Contains(left, string(key)) {
			overwritten++
		}
	}
	require.Equal(t, 1, overwritten, "of the keys on the disk")
	mine, err := p.intake.GetComplaint(p.As(stranger), &intakev1.GetComplaintRequest{Name: other.GetName()})
	require.NoError(t, err)
	require.Contains(t, mine.GetComplaint().GetDescription(), mark)
	require.Contains(t, mine.GetComplaint().GetComplainant().GetDisplayName(), mark)

	require.NotContains(t, p.command("verify"), "problem", "every chain holds")
}

// found returns the complaints that a search for a canary finds.
func (p *play) found() (names []string) {
	p.t.Helper()
	p.Settled()
	got, err := p.intake.SearchComplaints(p.As(agent), &intakev1.SearchComplaintsRequest{Query: bird})
	require.NoError(p.t, err)
	for _, c := range got.GetComplaints() {
		names = append(names, c.GetName())
	}
	return names
}

// terms returns what intake's database keeps to find the complaint by.
func (p *play) terms(complaint string) (terms string) {
	p.t.Helper()
	db, err := sqldb.Open(p.t.Context(), sqldb.Config{Driver: sqldb.SQLite, DSN: p.Path("db", "intake.db")})
	require.NoError(p.t, err)
	defer func() { require.NoError(p.t, db.Close()) }()
	require.NoError(p.t, db.Query(p.t.Context(), "terms", `SELECT terms FROM search_terms WHERE name = $1`, []any{complaint}, func(r sqldb.Row) error { return r.Scan(&terms) }))
	return terms
}

// unreadable asks for what only a key could give.
func (p *play) unreadable() {
	p.t.Helper()
	_, err := p.intake.RevealContact(p.As(agent), &intakev1.RevealContactRequest{Name: p.complaint, Reason: "again", RequestId: suitetest.ID()})
	require.Error(p.t, err, "the contact cannot be revealed")
	_, err = p.intake.ExportPerson(p.As(officer), &intakev1.ExportPersonRequest{Name: p.complaint, Reason: "again", RequestId: suitetest.ID()})
	require.Error(p.t, err, "nothing can be exported")
	down, err := p.intake.DownloadEvidence(p.As(agent), &intakev1.DownloadEvidenceRequest{Name: p.evidence})
	require.NoError(p.t, err)
	var got []byte
	for {
		var m *intakev1.DownloadEvidenceResponse
		if m, err = down.Recv(); err != nil {
			break
		}
		got = append(got, m.GetChunk()...)
	}
	require.NotErrorIs(p.t, err, io.EOF, "the file is refused")
	require.Empty(p.t, leaks(got))
	shown := p.JSON(customer, http.MethodGet, "/v1/"+p.complaint, nil)
	require.Empty(p.t, leaks(shown.Raw), "nor does the customer's own client show it")
}

// wrapped returns the keys of data subjects as they lie on the disk, wrapped.
func wrapped(t testing.TB, data string) (keys [][]byte) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(data, "keys", "subjects", "keys.log"))
	require.NoError(t, err)
	for slot := range slices.Chunk(raw, 128) { // kit/seal/slot.go
		if key := slot[40:100]; !bytes.Equal(key, make([]byte, len(key))) {
			keys = append(keys, key)
		}
	}
	require.Greater(t, len(keys), 3)
	return keys
}

// keysNotIn requires that no key file, by name or content, lies in the backup.
func keysNotIn(t testing.TB, data, backup string) {
	t.Helper()
	keys := wrapped(t, data)
	require.NoError(t, filepath.WalkDir(filepath.Join(data, "keys"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if len(raw) >= 16 {
			keys = append(keys, raw)
		}
		return err
	}))
	files := 0
	require.NoError(t, filepath.WalkDir(backup, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		raw, err := os.ReadFile(path)
		assert.NotContains(t, path, string(filepath.Separator)+"keys"+string(filepath.Separator))
		for _, k := range keys {
			assert.False(t, bytes.Contains(raw, k), "%s holds a key", path)
		}
		assert.Empty(t, leaks(raw), path)
		return err
	}))
	require.Greater(t, files, 5)
}

func TestExportPersonGathersEveryService(t *testing.T) {
	t.Parallel()
	p := newPlay(t)
	p.whole()
	other := do(p, stranger, p.intake.CreateComplaint, &intakev1.CreateComplaintRequest{RequestId: suitetest.ID(), Complaint: p.another()}).GetComplaint()
	got := do(p, officer, p.intake.ExportPerson, &intakev1.ExportPersonRequest{Name: p.complaint, Reason: "asked by the person", RequestId: suitetest.ID()})
	require.Empty(t, got.GetMissingServices())
	fields := got.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		if f := fields.Get(i); f.Name() != "missing_services" {
			require.True(t, got.ProtoReflect().Has(f), "the export holds %s", f.Name())
		}
	}
	for part, m := range map[string]proto.Message{
		"complaint": got.GetComplaints()[0], "evidence": got.GetEvidence()[0], "plan": got.GetPlans()[0], "finding": got.GetFindings()[0], "progress": got.GetProgress()[0],
		"reply": got.GetReplies()[0], "claim": got.GetClaims()[0], "action": got.GetActions()[0], "notice": got.GetNotices()[0], "follow-up": got.GetFollowUps()[0], "case": got.GetCases()[0],
	} {
		assert.NotEmpty(t, leaks([]byte(written(t, m))), "%s is in clear", part)
	}
	all := written(t, got)
	require.NotContains(t, all, "~s1.")
	require.NotContains(t, all, "[erased]")
	require.NotContains(t, all, "***")
	require.NotContains(t, all, other.GetName(), "nothing of others")
	require.NotContains(t, all, "other description")

	_, err := p.intake.ExportPerson(p.As(agent), &intakev1.ExportPersonRequest{Name: p.complaint, Reason: "curious", RequestId: suitetest.ID()})
	require.Equal(t, codes.PermissionDenied, status.Code(err), "only the privacy officer: %v", err)
}

func TestRevealContactIsRecorded(t *testing.T) {
	t.Parallel()
	p := newPlay(t)
	p.registered()
	events := func() (n int, who string) {
		got, err := reportingv1.NewReportingServiceClient(p.Conn).GetCaseFile(p.As(operations), &reportingv1.GetCaseFileRequest{Name: p.complaint})
		require.NoError(t, err)
		for _, e := range got.GetFile().GetTimeline() {
			if strings.HasSuffix(e.GetType(), "ContactRevealed") {
				n, who = n+1, e.GetPrincipal()
			}
		}
		return n, who
	}
	n, _ := events()
	require.Zero(t, n)
	req := &intakev1.RevealContactRequest{Name: p.complaint, Reason: p.c("to call back"), RequestId: suitetest.ID()}
	shown := do(p, agent, p.intake.RevealContact, req)
	require.Contains(t, shown.GetComplainant().GetTelephone(), digits)
	n, who := events()
	require.Equal(t, 1, n, "the record says that the contact was shown")
	require.Equal(t, agent, who)
	do(p, agent, p.intake.RevealContact, req)
	n, _ = events()
	require.Equal(t, 1, n, "a repeated request is the same disclosure")

	_, err := p.intake.RevealContact(p.As(agent), &intakev1.RevealContactRequest{Name: p.complaint, RequestId: suitetest.ID()})
	require.Equal(t, codes.InvalidArgument, status.Code(err), "nobody sees it without a reason: %v", err)
	_, err = p.intake.RevealContact(p.As(finance), &intakev1.RevealContactRequest{Name: p.complaint, Reason: "curious", RequestId: suitetest.ID()})
	require.Equal(t, codes.PermissionDenied, status.Code(err), "%v", err)
	n, _ = events()
	require.Equal(t, 1, n)
}
