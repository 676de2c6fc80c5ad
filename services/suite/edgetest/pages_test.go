package edgetest_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/suite/suitetest"
)

// events opens the event stream of a complaint and returns what reads its next event.
func events(t *testing.T, s *suitetest.Suite, who, complaint string) func() map[string]any {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL()+"/v1/"+complaint+":watch", nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+s.Token(who))
	answer, err := (&http.Client{}).Do(req)
	require.NoError(t, err)
	t.Cleanup(func() { _ = answer.Body.Close() })
	require.Equal(t, "text/event-stream", answer.Header.Get("Content-Type"))
	lines := bufio.NewScanner(answer.Body)
	return func() map[string]any {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				var out map[string]any
				require.NoError(t, json.Unmarshal([]byte(data), &out))
				return out
			}
		}
		require.Fail(t, "the stream has ended", lines.Err())
		return nil
	}
}

func TestTheEventStreamShowsEachChangeAndCustomersOnlyTheirs(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	c := s.Register()
	staff, own := events(t, s, agent, c.GetName()), events(t, s, customer, c.GetName())
	for _, next := range []func() map[string]any{staff, own} {
		first := next()
		require.Equal(t, "STATE_REGISTERED", first["state"])
		require.NotContains(t, first, "change")
	}
	etag := confirmed(t, s, c)
	_, err := intakev1.NewIntakeServiceClient(s.Conn).VerifyComplaint(s.As(agent), &intakev1.VerifyComplaintRequest{Name: c.GetName(), Etag: etag, RequestId: id()})
	require.NoError(t, err)
	require.Contains(t, staff()["change"].(map[string]any)["type"], "FormFilled")
	for who, next := range map[string]func() map[string]any{agent: staff, customer: own} {
		verified := next()
		require.Equal(t, "STATE_VERIFIED", verified["state"], "%s: a filled form is for staff only", who)
		change, _ := verified["change"].(map[string]any)
		require.Equal(t, "redress.intake.v1.ComplaintVerified", change["type"])
		if who == customer {
			require.NotContains(t, change, "principal", "who of the staff did it is not told to customers")
		}
	}
	for who, want := range map[string]int{agent: 3, customer: 2} {
		got := s.JSON(who, http.MethodGet, "/v1/"+c.GetName()+"/events", nil)
		require.Len(t, got.Body["entries"], want, who)
	}
}

// statusLink returns the token of the link in the mail that acknowledges the complaint.
func statusLink(t *testing.T, s *suitetest.Suite) string {
	t.Helper()
	list := s.JSON("", http.MethodGet, "/mailbox/", nil)
	for _, m := range regexp.MustCompile(`href="(?:/mailbox/)?([^"/]+)"`).FindAllSubmatch(list.Raw, -1) {
		mail := s.JSON("", http.MethodGet, "/mailbox/"+string(m[1]), nil)
		if link := regexp.MustCompile(`/status/([A-Za-z0-9_.-]{20,200})`).FindSubmatch(mail.Raw); link != nil {
			return strings.TrimRight(string(link[1]), ".")
		}
	}
	require.Fail(t, "no mail has a status link", "%s", list.Raw)
	return ""
}

// plain requires a page that runs nothing, keeps nothing and tells nobody.
func plain(t *testing.T, page suitetest.Answer) {
	t.Helper()
	require.Equal(t, "text/html; charset=utf-8", page.Header.Get("Content-Type"))
	require.Contains(t, page.Header.Get("Content-Security-Policy"), "default-src 'none'")
	require.NotContains(t, page.Header.Get("Content-Security-Policy"), "script")
	require.Equal(t, "no-referrer", page.Header.Get("Referrer-Policy"))
	require.Equal(t, "nosniff", page.Header.Get("X-Content-Type-Options"))
	require.Empty(t, page.Header.Values("Set-Cookie"))
	lower := strings.ToLower(string(page.Raw))
	for _, never := range []string{"<script", "javascript:", "onclick", "http://", "https://", "13800138000", "赵倩", "墙面渗水"} {
		require.NotContains(t, lower, never)
	}
}

func TestTheStatusPageTellsTheHolderOfALinkWhereThingsStandAndNothingElse(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	c := s.Register()
	token := statusLink(t, s)
	page := s.JSON("", http.MethodGet, "/status/"+token, nil)
	require.Equal(t, http.StatusOK, page.Code, "%s", page.Raw)
	plain(t, page)
	require.Contains(t, string(page.Raw), c.GetNumber())
	answer := s.JSON("", http.MethodGet, "/v1/status/"+token, nil)
	require.Equal(t, c.GetNumber(), answer.Body["number"])
	for _, bad := range []string{token[:len(token)-2] + "AA", strings.ToUpper(token), "absent-absent-absent-absent", "%3Cscript%3Ealert(1)%3C%2Fscript%3E"} {
		for _, path := range []string{"/status/", "/survey/"} {
			page := s.JSON("", http.MethodGet, path+bad, nil)
			require.Equal(t, http.StatusNotFound, page.Code, path+bad)
			plain(t, page)
		}
	}
}

func TestTheDescriptionOfTheInterfaceListsEveryRPC(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	got := s.JSON("", http.MethodGet, "/openapi.json", nil)
	require.Equal(t, http.StatusOK, got.Code)
	require.True(t, json.Valid(got.Raw))
	docs := s.JSON("", http.MethodGet, "/docs", nil)
	require.Equal(t, http.StatusOK, docs.Code)
	require.NotContains(t, string(docs.Raw), "<script")
	paths, _ := got.Body["paths"].(map[string]any)
	require.NotEmpty(t, paths)
	for path := range paths {
		require.Contains(t, string(docs.Raw), path)
	}
	for _, m := range methods(t) {
		if m.public() {
			require.Contains(t, string(docs.Raw), string(m.d.Name()), m.full)
		}
	}
}
