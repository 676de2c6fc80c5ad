package edgetest_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/suite"
	"example.com/redress/services/suite/suitetest"
)

// withToken reads a complaint over both edges with a token given as it is.
func withToken(t *testing.T, s *suitetest.Suite, token, name string) (outcome, suitetest.Answer) {
	t.Helper()
	_, err := intakev1.NewIntakeServiceClient(s.Conn).GetComplaint(s.With(token), &intakev1.GetComplaintRequest{Name: name})
	raw := s.JSON("", http.MethodGet, "/v1/"+name, nil, "Authorization", "Bearer "+token)
	require.Equal(t, outcomeOf(err), answered(raw), "%s", raw.Raw)
	return outcomeOf(err), raw
}

func part(json string) string { return base64.RawURLEncoding.EncodeToString([]byte(json)) }

func TestTokensThatAreNotOursAreRefused(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	c := s.Register()
	good := strings.Split(s.Token(agent), ".")
	claims, err := base64.RawURLEncoding.DecodeString(good[1])
	require.NoError(t, err)
	stranger, err := authn.OpenLocalKey(t.TempDir())
	require.NoError(t, err)
	foreign, err := stranger.Mint(authn.Identity{Principal: agent, Organization: suitetest.Organization}, time.Hour)
	require.NoError(t, err)
	expired, err := s.Minter.Mint(authn.Identity{Principal: agent, Organization: suitetest.Organization}, -time.Hour)
	require.NoError(t, err)
	raised := part(strings.Replace(string(claims), "people/li-na", "people/admin", 1))
	issuer := part(strings.Replace(string(claims), authn.LocalIssuer, "https://elsewhere.example", 1))
	for name, is := range map[string]struct{ token, reason string }{
		"signature of another key": {foreign, authn.ReasonToken},
		"claims changed":           {good[0] + "." + raised + "." + good[2], authn.ReasonToken},
		"issuer changed":           {good[0] + "." + issuer + "." + good[2], authn.ReasonToken},
		"no signature":             {good[0] + "." + good[1] + ".", authn.ReasonToken},
		"algorithm none":           {part(`{"alg":"none","typ":"JWT"}`) + "." + good[1] + ".", authn.ReasonToken},
		"algorithm HS256":          {part(`{"alg":"HS256","typ":"JWT"}`) + "." + good[1] + "." + good[2], authn.ReasonToken},
		"expired":                  {expired, authn.ReasonExpired},
		"garbage":                  {"garbage", authn.ReasonToken},
		"dots":                     {"..", authn.ReasonToken},
		"long":                     {strings.Repeat("a", 9000), authn.ReasonToken},
	} {
		got, raw := withToken(t, s, is.token, c.GetName())
		require.Equal(t, outcome{codes.Unauthenticated, is.reason}, got, name)
		require.Equal(t, http.StatusUnauthorized, raw.Code, name)
	}
	for _, header := range []string{"Basic bGktbmE6", "Bearer", s.Token(agent)} {
		got := s.JSON("", http.MethodGet, "/v1/"+c.GetName(), nil, "Authorization", header)
		require.Equal(t, http.StatusUnauthorized, got.Code, header)
	}
	got := s.JSON("", http.MethodGet, "/v1/status/absent-absent-absent-absent", nil, "Authorization", "Bearer garbage")
	require.Equal(t, http.StatusUnauthorized, got.Code, "what is no good is refused even where nothing is needed")
}

func TestWhatBelongsToOthersIsAnsweredAsWhatIsNotThere(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	c := s.Register()
	require.NoError(t, s.Organize(t.Context(), "other", "demo", nil, suite.SampleDirectory()))
	const never = "complaints/00000000-0000-7000-8000-000000000000"
	for name, token := range map[string]string{
		"another customer":           s.Token("customers/other"),
		"namesake of another":        s.TokenOf(customer, "other"),
		"staff of another":           s.TokenOf(agent, "other"),
		"administrator of another":   s.TokenOf("people/admin", "other"),
		"privacy officer of another": s.TokenOf("people/privacy", "other"),
	} {
		hidden, there := withToken(t, s, token, c.GetName())
		absent, gone := withToken(t, s, token, never)
		require.Equal(t, outcome{codes.NotFound, "RESOURCE_NOT_FOUND"}, hidden, name)
		require.Equal(t, absent, hidden, name)
		require.Equal(t, strings.ReplaceAll(string(gone.Raw), never, "?"), strings.ReplaceAll(string(there.Raw), c.GetName(), "?"), name)
		require.Equal(t, gone.Code, there.Code, name)
		for _, path := range []string{"/events", "/evidence", ":file", ":watch"} {
			hidden := s.JSON("", http.MethodGet, "/v1/"+c.GetName()+path, nil, "Authorization", "Bearer "+token)
			absent := s.JSON("", http.MethodGet, "/v1/"+never+path, nil, "Authorization", "Bearer "+token)
			require.Equal(t, absent.Code, hidden.Code, "%s %s", name, path)
			require.GreaterOrEqual(t, hidden.Code, http.StatusBadRequest, "%s %s", name, path)
			require.Equal(t, strings.ReplaceAll(string(absent.Raw), never, "?"), strings.ReplaceAll(string(hidden.Raw), c.GetName(), "?"), "%s %s", name, path)
		}
		list := s.JSON("", http.MethodGet, "/v1/complaints", nil, "Authorization", "Bearer "+token)
		require.JSONEq(t, "{}", string(list.Raw), name)
	}
	withdraw := &intakev1.WithdrawComplaintRequest{Name: c.GetName(), Etag: c.GetEtag()}
	got, _ := both(s, "customers/other", withdraw, t)
	require.Equal(t, outcome{codes.NotFound, "RESOURCE_NOT_FOUND"}, got)
}

func TestWhoLeavesIsRefusedAtOnceEverywhere(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	c := s.Register()
	const leaver = "people/qian-mei"
	token := s.Token(leaver)
	ok, _ := withToken(t, s, token, c.GetName())
	require.Equal(t, outcome{}, ok)
	directory := directoryv1.NewDirectoryServiceClient(s.Conn)
	person, err := directory.GetPerson(s.As("people/admin"), &directoryv1.GetPersonRequest{Name: leaver})
	require.NoError(t, err)
	_, err = directory.DeactivatePerson(s.As("people/admin"), &directoryv1.DeactivatePersonRequest{Name: leaver, Etag: person.GetPerson().GetEtag(), RequestId: id()})
	require.NoError(t, err)
	denied := outcome{codes.PermissionDenied, "METHOD_DENIED"}
	routing := s.JSON("", http.MethodGet, "/v1/people", nil, "Authorization", "Bearer "+token)
	require.Equal(t, denied, answered(routing), "where the directory lives it is known at once")
	s.Settled()
	got, _ := withToken(t, s, token, c.GetName())
	require.Equal(t, denied, got, "reading is closed to a leaver too")
	for _, path := range []string{"/v1/complaints", "/v1/cases", "/v1/claims", "/v1/actions", "/v1/notices", "/v1/work", "/v1/revisions:active"} {
		answer := s.JSON("", http.MethodGet, path, nil, "Authorization", "Bearer "+token)
		require.Equal(t, denied, answered(answer), path)
	}
	created, _ := both(s, leaver, &intakev1.CreateComplaintRequest{Complaint: suitetest.Complaint()}, t)
	require.Equal(t, denied, created)
}
