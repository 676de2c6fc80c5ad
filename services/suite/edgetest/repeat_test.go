package edgetest_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/suite/suitetest"
)

func TestARepeatedRequestGivesTheFirstAnswerAndIsDoneOnce(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	client := intakev1.NewIntakeServiceClient(s.Conn)
	req := &intakev1.CreateComplaintRequest{Complaint: suitetest.Complaint(), RequestId: id()}
	first, err := client.CreateComplaint(s.As(agent), req)
	require.NoError(t, err)
	second, err := client.CreateComplaint(s.As(agent), req)
	require.NoError(t, err)
	require.True(t, proto.Equal(first.GetComplaint(), second.GetComplaint()))
	_, raw := edge(s, agent, named(t, req).bindings()[0], req, t)
	require.Equal(t, first.GetComplaint().GetName(), raw.Body["name"], "the edges share what was asked: %s", raw.Raw)

	other := proto.CloneOf(req)
	other.Complaint.Description = "另一件事"
	_, err = client.CreateComplaint(s.As(agent), other)
	require.Equal(t, outcome{codes.AlreadyExists, "REQUEST_ID_REUSED"}, outcomeOf(err))
	got, raw := edge(s, agent, named(t, req).bindings()[0], other, t)
	require.Equal(t, "REQUEST_ID_REUSED", got.reason)
	require.Equal(t, http.StatusConflict, raw.Code)

	third, err := client.CreateComplaint(s.As("people/qian-mei"), req)
	require.NoError(t, err)
	require.NotEqual(t, first.GetComplaint().GetName(), third.GetComplaint().GetName(), "the id of one caller is not that of another")
	require.Equal(t, 2, stored(t, s))
}

func TestSixteenTimesTheSameRequestAtOnceIsOneComplaint(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	client := intakev1.NewIntakeServiceClient(s.Conn)
	req := &intakev1.CreateComplaintRequest{Complaint: suitetest.Complaint(), RequestId: id()}
	names := make([]string, 16)
	var all sync.WaitGroup
	for i := range names {
		all.Go(func() {
			if i%2 == 0 {
				got, err := client.CreateComplaint(s.As(agent), req)
				if err == nil {
					names[i] = got.GetComplaint().GetName()
				}
				return
			}
			_, raw := edge(s, agent, named(t, req).bindings()[0], req, t)
			names[i], _ = raw.Body["name"].(string)
		})
	}
	all.Wait()
	for _, name := range names {
		require.Equal(t, names[0], name)
		require.NotEmpty(t, name)
	}
	require.Equal(t, 1, stored(t, s))
}

// confirmed fills the form that verifying waits for and returns the new etag.
func confirmed(t *testing.T, s *suitetest.Suite, c *intakev1.Complaint) string {
	t.Helper()
	yes := &typev1.Fact{Value: &typev1.Fact_Flag{Flag: true}}
	got, err := intakev1.NewIntakeServiceClient(s.Conn).FillForm(s.As(agent), &intakev1.FillFormRequest{
		Name: c.GetName(), Form: "verification", Etag: c.GetEtag(), RequestId: id(),
		Facts: map[string]*typev1.Fact{
			"facts_confirmed": yes, "demand_confirmed": yes, "process_explained": yes,
			"findings": {Value: &typev1.Fact_Text{Text: "现场确认"}},
		},
	})
	require.NoError(t, err)
	return got.GetComplaint().GetEtag()
}

func TestARequestIsRememberedOverARestart(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	req := &intakev1.CreateComplaintRequest{Complaint: suitetest.Complaint(), RequestId: id()}
	verify := &intakev1.VerifyComplaintRequest{Note: "核实", RequestId: id()}
	var name string
	t.Run("before", func(t *testing.T) {
		s := suitetest.In(t, folder)
		client := intakev1.NewIntakeServiceClient(s.Conn)
		c, err := client.CreateComplaint(s.As(agent), req)
		require.NoError(t, err)
		name = c.GetComplaint().GetName()
		verify.Name, verify.Etag = name, confirmed(t, s, c.GetComplaint())
		_, err = client.VerifyComplaint(s.As(agent), verify)
		require.NoError(t, err)
		s.Settled()
	})
	t.Run("after", func(t *testing.T) {
		s := suitetest.In(t, folder)
		client := intakev1.NewIntakeServiceClient(s.Conn)
		c, err := client.CreateComplaint(s.As(agent), req)
		require.NoError(t, err)
		require.Equal(t, name, c.GetComplaint().GetName())
		again, err := client.VerifyComplaint(s.As(agent), verify)
		require.NoError(t, err, "the etag is old and the answer was lost: the first answer comes again")
		require.Equal(t, intakev1.Complaint_STATE_VERIFIED, again.GetComplaint().GetState())
		require.Equal(t, 1, stored(t, s))
	})
}

func TestHeadersStandForRequestIDAndEtag(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	c := s.Register()
	etag := confirmed(t, s, c)
	key := id()
	path := "/v1/" + c.GetName() + ":verify"
	for range 2 {
		got := s.JSON(agent, http.MethodPost, path, "{}", "Idempotency-Key", key, "If-Match", `"`+etag+`"`)
		require.Equal(t, http.StatusOK, got.Code, "%s", got.Raw)
		require.Equal(t, `"3"`, got.Header.Get("ETag"))
		require.Regexp(t, `^intake/\d+/\d+$`, got.Header.Get("Redress-Position"))
	}
	read := s.JSON(agent, http.MethodGet, "/v1/"+c.GetName(), nil)
	require.Equal(t, `"3"`, read.Header.Get("ETag"))
	require.Equal(t, "no-store", read.Header.Get("Cache-Control"))

	stale := s.JSON(agent, http.MethodPost, path, "{}", "Idempotency-Key", id(), "If-Match", `"1"`)
	require.Equal(t, http.StatusConflict, stale.Code)
	require.Equal(t, "ETAG_MISMATCH", stale.Reason())
	wrong := s.JSON(agent, http.MethodPost, path, "{}", "Idempotency-Key", id(), "If-Match", `"3"`)
	require.Equal(t, outcome{codes.FailedPrecondition, "COMPLAINT_STATE"}, answered(wrong))
	none := s.JSON(agent, http.MethodPost, path, "{}")
	require.ElementsMatch(t, []string{"etag", "request_id"}, fields(none), "%s", none.Raw)
	got, _ := both(s, agent, &intakev1.VerifyComplaintRequest{Name: c.GetName(), Etag: "1"}, t)
	require.Equal(t, outcome{codes.Aborted, "ETAG_MISMATCH"}, got)
	got, _ = both(s, agent, &intakev1.VerifyComplaintRequest{Name: c.GetName(), Etag: "3"}, t)
	require.Equal(t, outcome{codes.FailedPrecondition, "COMPLAINT_STATE"}, got)
}
