package privacytest_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/suite/suitetest"
)

// forms returns how a canary may look: plain, escaped as JSON and URLs do, hex and
// base64 at each of its three alignments. They are looked for in upper and lower
// case too, except base64, where case carries meaning.
func forms() (folded, exact []string) {
	for _, word := range []string{mark, bird, digits} {
		var unicode, percent strings.Builder
		for _, r := range word {
			fmt.Fprintf(&unicode, `\u%04x`, r)
		}
		for i := range len(word) {
			fmt.Fprintf(&percent, "%%%02x", word[i])
		}
		folded = append(folded, word, unicode.String(), percent.String(), strings.ToLower(url.QueryEscape(word)), hex.EncodeToString([]byte(word)))
		upper := strings.ToUpper(word)
		for _, w := range slices.Compact([]string{word, upper}) {
			for skip := range 3 {
				in := append(make([]byte, skip), w...)
				whole := base64.RawStdEncoding.EncodeToString(in)
				from, to := (skip*8+5)/6, len(in)*8/6
				exact = append(exact, whole[from:to], strings.NewReplacer("+", "-", "/", "_").Replace(whole[from:to]))
			}
		}
	}
	return folded, exact
}

// leaks names the forms of canaries that content holds.
func leaks(content []byte) []string {
	folded, exact := forms()
	lower := bytes.ToLower(content)
	var out []string
	for _, f := range folded {
		if i := bytes.Index(lower, []byte(f)); i >= 0 {
			out = append(out, fmt.Sprintf("%q in %q", f, content[max(0, i-60):min(len(content), i+60)]))
		}
	}
	for _, e := range exact {
		if i := bytes.Index(content, []byte(e)); i >= 0 {
			out = append(out, fmt.Sprintf("base64 %q in %q", e, content[max(0, i-60):min(len(content), i+60)]))
		}
	}
	return out
}

// inFolder returns what leaks into the files of a data folder, their names included.
// The mailbox is left out: it stands for the customer's mailbox, which is not the suite's.
func inFolder(t testing.TB, folder string) (found []string, files int) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if rel == "mailbox" {
				return filepath.SkipDir
			}
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		for _, l := range append(leaks([]byte(rel)), leaks(content)...) {
			found = append(found, rel+": "+l)
		}
		return nil
	}))
	return found, files
}

// TestTheReaderCatchesAPlantedLeak shows that TestCanariesAreNowhereInClear could fail.
func TestTheReaderCatchesAPlantedLeak(t *testing.T) {
	t.Parallel()
	canary := mark + "007 name <&> " + bird
	for name, content := range map[string]string{
		"plain": canary, "upper case": strings.ToUpper(canary), "JSON": `{"a":"\u91D1\u4e1d\u96c0"}`, "URL": url.QueryEscape(bird), "percent": "%71%7A%6b%61%6E%61%72%69",
		"hex": hex.EncodeToString([]byte(canary)), "telephone": "+86" + digits + "001",
		"base64 0": base64.StdEncoding.EncodeToString([]byte(canary)), "base64 1": base64.URLEncoding.EncodeToString([]byte("x" + canary)),
		"base64 2": base64.RawStdEncoding.EncodeToString([]byte("xy" + bird)), "base64 upper": base64.StdEncoding.EncodeToString([]byte(strings.ToUpper(mark))),
	} {
		folder := t.TempDir()
		require.NoError(t, os.MkdirAll(filepath.Join(folder, "db"), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(folder, "db", "f"), append(make([]byte, 4099), "..."+content+"..."...), 0o600))
		found, files := inFolder(t, folder)
		assert.Equal(t, 1, files)
		assert.NotEmpty(t, found, name)
	}
	assert.Empty(t, leaks([]byte("an ordinary text, 13800138000, 赵倩")))
}

// TestCanariesAreNowhereInClear plays the main job with a canary in every field that
// holds words about people and in every field that only the suite may set, then reads
// every byte the suite kept or said. Events are in the databases.
func TestCanariesAreNowhereInClear(t *testing.T) {
	t.Parallel()
	p := newPlay(t)
	p.whole()
	p.around()
	p.refused()
	require.Greater(t, len(p.planted), 100)

	mails, err := os.ReadDir(p.Path("mailbox", "new"))
	require.NoError(t, err)
	require.NotEmpty(t, mails, "notices were sent: the canaries are there to leak")
	found, files := inFolder(t, p.Folder)
	require.Greater(t, files, 10)
	for _, f := range found {
		assert.Fail(t, f)
	}
	assert.Empty(t, leaks([]byte(p.Log.String())), "log")
	page := p.metrics()
	require.Contains(t, page, `rpc_method="redress.notification.v1.NotificationService/RecordFollowUp"`)
	require.Contains(t, page, `http_route="/v1/complaints"`)
	assert.Empty(t, leaks([]byte(page)), "metrics page")
	spans := p.spans.GetSpans()
	require.Greater(t, len(spans), 1000)
	for _, s := range spans {
		assert.Empty(t, leaks([]byte(words(s))), "span")
	}
	for _, a := range p.answers {
		assert.Empty(t, leaks([]byte(a)), "answer of a refusal")
	}
	require.NotEmpty(t, p.answers)
}

// around does what is beside the main job: directory, another complaint and privacy.
func (p *play) around() {
	p.t.Helper()
	do(p, admin, p.directory.CreatePerson, &directoryv1.CreatePersonRequest{RequestId: suitetest.ID(), Person: &directoryv1.Person{
		Name: "people/new-one", DisplayName: p.c("name of staff"), Email: p.mail(), Telephone: p.phone(),
	}})
	table := "record,id,zh,en,email,telephone,functions,superior,role,department,owner\n" +
		"person,imported," + mark + bird + "," + mark + "," + p.mail() + "," + p.phone() + ",AGENT,,,,\n"
	do(p, admin, p.directory.ImportDirectory, &directoryv1.ImportDirectoryRequest{Csv: []byte(table), RequestId: suitetest.ID()})
	do(p, group, p.directory.CreateDelegation, &directoryv1.CreateDelegationRequest{Parent: group, RequestId: suitetest.ID(), Delegation: &directoryv1.Delegation{
		Delegate: operations, StartTime: timestamppb.New(p.Now().Add(time.Hour)), EndTime: timestamppb.New(p.Now().Add(2 * time.Hour)), Reason: p.c("reason of a delegation"),
	}})
	// What is looked for may name somebody: it is in no log, and in no figure or span.
	for query, finds := range map[string]bool{mark + " " + bird: true, "13977771": false, p.c("what is looked for"): false} {
		p.Settled()
		got := p.send(agent, http.MethodGet, "/v1/complaints:search?query="+url.QueryEscape(query), nil)
		complaints, _ := got["complaints"].([]any)
		require.Equal(p.t, finds, len(complaints) > 0, query)
	}
	other := do(p, stranger, p.intake.CreateComplaint, &intakev1.CreateComplaintRequest{RequestId: suitetest.ID(), Complaint: p.another()}).GetComplaint()
	do(p, quality, p.corrective.CreateAction, &correctiveactionv1.CreateActionRequest{RequestId: suitetest.ID(), Action: &correctiveactionv1.Action{
		Complaint: other.GetName(), Kind: correctiveactionv1.Action_KIND_PREVENTIVE, Description: p.c("description of an action"), Owner: quality, Department: "departments/quality",
	}})
	do(p, stranger, p.intake.WithdrawComplaint, &intakev1.WithdrawComplaintRequest{Name: other.GetName(), Reason: p.c("reason to withdraw"), Etag: other.GetEtag(), RequestId: suitetest.ID()})
	do(p, agent, p.intake.RevealContact, &intakev1.RevealContactRequest{Name: p.complaint, Reason: p.c("reason to reveal"), RequestId: suitetest.ID()})
	p.send(officer, http.MethodPost, "/v1/"+p.complaint+":exportPerson", map[string]any{"reason": p.c("reason to export")})
	do(p, officer, p.intake.ErasePerson, &intakev1.ErasePersonRequest{Name: other.GetName(), Reason: p.c("reason to erase"), RequestId: suitetest.ID()})
}

// another is a complaint of somebody else.
func (p *play) another() *intakev1.Complaint {
	c := suitetest.Complaint()
	c.Channel, c.Medium = "online", intakev1.Medium_MEDIUM_ONLINE
	c.Description, c.ComplaintObject = p.c("other description"), p.c("other object")
	c.Complainant = &intakev1.Complainant{DisplayName: p.c("other name"), Telephone: p.phone(), Email: p.mail(), Address: p.c("other address")}
	return c
}

// refused sends what is refused: canaries in fields that have rules, too long, unknown
// and malformed, over both edges.
func (p *play) refused() {
	p.t.Helper()
	for what, change := range map[string]func(*intakev1.Complaint){
		"telephone too long":   func(c *intakev1.Complaint) { c.Complainant.Telephone = strings.Repeat(digits, 9) },
		"no telephone":         func(c *intakev1.Complaint) { c.Complainant.Telephone, c.Complainant.Email = mark, "" },
		"no e-mail":            func(c *intakev1.Complaint) { c.Complainant.Email = mark + bird },
		"name too long":        func(c *intakev1.Complaint) { c.Complainant.DisplayName = strings.Repeat(bird, 90) },
		"begins like a token":  func(c *intakev1.Complaint) { c.Description = "~s1." + mark },
		"fact without a field": func(c *intakev1.Complaint) { c.Facts = nil; c.Description = strings.Repeat(mark, 2000) },
	} {
		c := suitetest.Complaint()
		change(c)
		_, err := try(p, agent, p.intake.CreateComplaint, &intakev1.CreateComplaintRequest{Complaint: c, RequestId: suitetest.ID()})
		assert.Equal(p.t, !strings.HasPrefix(what, "no "), err != nil, what)
	}
	for _, body := range []string{
		`{"channel":"telephone","description":"` + mark + bird + `","complainant":{"displayName":"` + mark + `"}`,
		`{"channel":"telephone","description":7,"complainant":{"telephone":{"` + mark + `":1}}}`,
		`{"channel":"telephone","unknown":"` + bird + mark + `"}`,
		`{"channel":"telephone","description":"` + mark + `","complainant":{"email":"` + strings.Repeat(mark, 60) + `"}}`,
	} {
		got := p.JSON(agent, http.MethodPost, "/v1/complaints", body, "Content-Type", "application/json", "Idempotency-Key", suitetest.ID())
		require.GreaterOrEqual(p.t, got.Code, http.StatusBadRequest)
		p.answers = append(p.answers, string(got.Raw))
	}
	// What is no field or no word of an enum is quoted to the caller who sent it, and only there.
	for _, body := range []string{`{"` + mark + `":1}`, `{"medium":"` + mark + `"}`} {
		got := p.JSON(agent, http.MethodPost, "/v1/complaints", body, "Content-Type", "application/json", "Idempotency-Key", suitetest.ID())
		require.Equal(p.t, http.StatusBadRequest, got.Code)
	}
}
