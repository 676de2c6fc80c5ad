package edgetest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/suite/suitetest"
)

const (
	agent    = "people/li-na"
	customer = "customers/zhao-qian"
)

// stored returns how many complaints there are.
func stored(t *testing.T, s *suitetest.Suite) int {
	t.Helper()
	got, err := intakev1.NewIntakeServiceClient(s.Conn).ListComplaints(s.As(agent), &intakev1.ListComplaintsRequest{PageSize: 500})
	require.NoError(t, err)
	return len(got.GetComplaints())
}

// fields returns the paths of the violations of a JSON error.
func fields(a suitetest.Answer) []string {
	var out []string
	e, _ := a.Body["error"].(map[string]any)
	details, _ := e["details"].([]any)
	for _, d := range details {
		m, _ := d.(map[string]any)
		violations, _ := m["fieldViolations"].([]any)
		for _, v := range violations {
			field, _ := v.(map[string]any)["field"].(string)
			out = append(out, field)
		}
	}
	return out
}

func TestEverythingWrongWithARequestIsSaidAtOnceAndNothingIsStored(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	got, raw := both(s, agent, &intakev1.CreateComplaintRequest{Complaint: &intakev1.Complaint{
		Channel: "No Channel", Category: "NO", Description: strings.Repeat("长", 10001), Demands: []string{"x", "x"},
	}}, t)
	require.Equal(t, outcome{codes.InvalidArgument, "INVALID_REQUEST"}, got)
	require.Equal(t, http.StatusBadRequest, raw.Code)
	for _, field := range []string{"complaint.channel", "complaint.category", "complaint.complainant", "complaint.description", "complaint.demands"} {
		require.Contains(t, fields(raw), field)
	}

	c := suitetest.Complaint()
	c.Channel, c.Category, c.Facts = "carrier_pigeon", "haunting", map[string]*typev1.Fact{"demand": {Value: &typev1.Fact_Flag{Flag: true}}}
	c.ReceiveTime = timestamppb.New(s.Now().AddDate(0, 0, 1))
	got, raw = both(s, agent, &intakev1.CreateComplaintRequest{Complaint: c}, t)
	require.Equal(t, codes.InvalidArgument, got.code)
	for _, field := range []string{"complaint.channel", "complaint.category", "complaint.receive_time"} {
		require.Contains(t, fields(raw), field)
	}
	require.Greater(t, len(fields(raw)), 3, "and what is wrong with the form: %s", raw.Raw)
	require.Zero(t, stored(t, s))
}

func TestWordsThePolicyOrTheDirectoryDoesNotHaveAreRefusedByName(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	c := s.Register()
	kase := strings.Replace(c.GetName(), "complaints/", "cases/", 1)
	routing := routingv1.NewRoutingServiceClient(s.Conn)
	k, err := routing.GetCase(s.As(agent), &routingv1.GetCaseRequest{Name: kase})
	require.NoError(t, err)
	etag := k.GetCase().GetEtag()
	register := func(change func(*intakev1.Complaint)) proto.Message {
		c := suitetest.Complaint()
		change(c)
		return &intakev1.CreateComplaintRequest{Complaint: c}
	}
	for name, is := range map[string]struct {
		who  string
		in   proto.Message
		want outcome
	}{
		"channel":            {agent, register(func(c *intakev1.Complaint) { c.Channel = "carrier_pigeon" }), outcome{codes.InvalidArgument, "CHANNEL_UNKNOWN"}},
		"category":           {agent, register(func(c *intakev1.Complaint) { c.Category = "haunting" }), outcome{codes.InvalidArgument, "CATEGORY_UNKNOWN"}},
		"repeated complaint": {agent, register(func(c *intakev1.Complaint) { c.RepeatOf = "complaints/absent" }), outcome{codes.InvalidArgument, "REPEAT_UNKNOWN"}},
		"form":               {agent, &intakev1.FillFormRequest{Name: c.GetName(), Form: "no_such_form", Etag: c.GetEtag()}, outcome{codes.InvalidArgument, "FORM_UNKNOWN"}},
		"department":         {"people/wang-fang", &routingv1.AssignCaseRequest{Name: kase, Departments: []string{"departments/nowhere"}, Etag: etag}, outcome{codes.NotFound, "RESOURCE_NOT_FOUND"}},
		"category of a case": {"people/wang-fang", &routingv1.AssignCaseRequest{Name: kase, Category: "haunting", Etag: etag}, outcome{codes.InvalidArgument, "CATEGORY_UNKNOWN"}},
		"grade":              {"people/zhang-wei", &routingv1.ProposeGradeRequest{Name: kase, Etag: etag, Proposal: &routingv1.GradeProposal{Scale: "severity", Level: "apocalyptic", Basis: "?"}}, outcome{codes.InvalidArgument, "GRADE_UNKNOWN"}},
		"pack":               {"people/author", &policyv1.GetRevisionRequest{Name: "packs/no-such-pack/revisions/" + strings.Repeat("0", 64)}, outcome{codes.NotFound, "RESOURCE_NOT_FOUND"}},
		"channel of nobody":  {"people/admin", &directoryv1.GetChannelRequest{Name: "channels/carrier_pigeon"}, outcome{codes.NotFound, "RESOURCE_NOT_FOUND"}},
		"complaint":          {agent, &intakev1.GetComplaintRequest{Name: "complaints/absent"}, outcome{codes.NotFound, "RESOURCE_NOT_FOUND"}},
	} {
		got, raw := both(s, is.who, is.in, t)
		require.Equal(t, is.want, got, "%s: %s", name, raw.Raw)
	}
	require.Equal(t, 1, stored(t, s))
}

func TestOnlyExactAmountsInTheCurrencyOfTheProcedureAreTaken(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	c := s.Register()
	for _, amount := range []struct{ currency, value string }{
		{"CNY", "0"},
		{"CNY", "0.00"},
		{"CNY", "-1.00"},
		{"CNY", "1.005"},
		{"USD", "1.00"},
		{"CNY", "1000000000000000"},
		{"CNY", "1e3"},
		{"CNY", "1,000.00"},
		{"CNY", "٣"},
		{"CNY", ""},
		{"yuan", "1.00"},
		{"CNY", "NaN"},
		{"CNY", "01"},
	} {
		got, raw := both(s, "people/chen-jing", &compensationv1.CreateClaimRequest{Claim: &compensationv1.Claim{
			Complaint: c.GetName(), Ground: "warranty_works", Remedy: "property_fee_credit", Amount: &typev1.Money{CurrencyCode: amount.currency, Amount: amount.value},
		}}, t)
		require.Equal(t, codes.InvalidArgument, got.code, "%v: %s", amount, raw.Raw)
		require.NotEmpty(t, fields(raw), "%v: %s", amount, raw.Raw)
	}
	got, err := compensationv1.NewCompensationServiceClient(s.Conn).ListClaims(s.As("people/chen-jing"), &compensationv1.ListClaimsRequest{Complaint: c.GetName()})
	require.NoError(t, err)
	require.Empty(t, got.GetClaims())
}

func TestPagesNobodyWasGivenAreRefused(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	s.Register()
	s.Register()
	for _, token := range []string{"x", "AAAA", strings.Repeat("A", 100)} {
		got, _ := both(s, agent, &intakev1.ListComplaintsRequest{PageToken: token}, t)
		require.Equal(t, outcome{codes.InvalidArgument, "PAGE_TOKEN_INVALID"}, got, token)
	}
	got, _ := both(s, agent, &intakev1.ListComplaintsRequest{PageToken: "../../etc/passwd"}, t)
	require.Equal(t, codes.InvalidArgument, got.code)
	for _, query := range []string{"page_size=-1", "page_size=many", "page_size=99999999999"} {
		answer := s.JSON(agent, http.MethodGet, "/v1/complaints?"+query, nil)
		require.Equal(t, http.StatusBadRequest, answer.Code, query)
		require.NotEmpty(t, answer.Reason(), query)
	}
	first := s.JSON(agent, http.MethodGet, "/v1/complaints?page_size=1", nil)
	token, _ := first.Body["nextPageToken"].(string)
	require.NotEmpty(t, token)
	require.Equal(t, http.StatusOK, s.JSON(agent, http.MethodGet, "/v1/complaints?page_size=1&page_token="+token, nil).Code)
	for who, query := range map[string]string{agent: "category=service&page_token=" + token, customer: "page_token=" + token} {
		answer := s.JSON(who, http.MethodGet, "/v1/complaints?"+query, nil)
		require.Equal(t, "PAGE_TOKEN_INVALID", answer.Reason(), "a token belongs to one list of one caller")
	}
}

func TestJSONIsReadWithoutForgiveness(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	deep := strings.Repeat(`{"complainant":`, 20000) + "{}" + strings.Repeat("}", 20000)
	for name, body := range map[string]string{
		"unknown field": `{"channel":"telephone","surprise":1}`, "not JSON": `{"channel":`, "no object": `[1]`, "a word": `yes`,
		"twice": `{"channel":"telephone","channel":"online"}`, "deep": deep, "deep arrays": strings.Repeat("[", 20000), "enum": `{"medium":"MEDIUM_TELEPATHY"}`,
		"kind": `{"channel":7}`, "time": `{"receiveTime":"yesterday"}`, "not UTF-8": "{\"channel\":\"\xff\"}", "nul": "\x00",
	} {
		got := s.JSON(agent, http.MethodPost, "/v1/complaints", body, "Idempotency-Key", id())
		require.Equal(t, http.StatusBadRequest, got.Code, "%s: %s", name, got.Raw)
		require.Equal(t, "MALFORMED_JSON", got.Reason(), "%s: %s", name, got.Raw)
		require.Equal(t, "application/json", got.Header.Get("Content-Type"), name)
	}
	got := s.JSON(agent, http.MethodPost, "/v1/complaints", `{"medium":99}`, "Idempotency-Key", id())
	require.Contains(t, fields(got), "complaint.medium", "%s", got.Raw)
	got = s.JSON(agent, http.MethodGet, "/v1/complaints?surprise=1", nil)
	require.Equal(t, http.StatusBadRequest, got.Code, "%s", got.Raw)
	require.Zero(t, stored(t, s))
}

func TestWhatIsTooLargeIsRefusedWithItsLimit(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	got := s.JSON(agent, http.MethodPost, "/v1/complaints", `{"description":"`+strings.Repeat("a", 1<<20)+`"}`, "Idempotency-Key", id())
	require.Equal(t, http.StatusTooManyRequests, got.Code)
	require.Equal(t, "BODY_TOO_LARGE", got.Reason())

	c := suitetest.Complaint()
	c.Description = strings.Repeat("a", 4<<20)
	_, err := intakev1.NewIntakeServiceClient(s.Conn).CreateComplaint(s.As(agent), &intakev1.CreateComplaintRequest{Complaint: c, RequestId: id()})
	require.Equal(t, outcome{codes.ResourceExhausted, "MESSAGE_TOO_LARGE"}, outcomeOf(err))
	require.Zero(t, stored(t, s))
}

func TestUnknownAddressesAndMethodsAreAnsweredInTheFormOfAllErrors(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	for _, is := range []struct {
		verb, path string
		code       int
		reason     string
	}{
		{http.MethodGet, "/v1/nothing", http.StatusNotFound, "ROUTE_UNKNOWN"},
		{http.MethodGet, "/nothing", http.StatusNotFound, "ROUTE_UNKNOWN"},
		{http.MethodPost, "/v1/complaints/x:explode", http.StatusMethodNotAllowed, "HTTP_METHOD"},
		{http.MethodGet, "/v1/complaints/../people", 0, ""},
		{http.MethodDelete, "/v1/complaints", http.StatusMethodNotAllowed, "HTTP_METHOD"},
		{http.MethodPut, "/v1/complaints/x", http.StatusMethodNotAllowed, "HTTP_METHOD"},
		{http.MethodGet, "/v1/complaints/UPPER", http.StatusBadRequest, "INVALID_REQUEST"},
		{http.MethodGet, "/v1/complaints/a%2Fb", http.StatusNotFound, "ROUTE_UNKNOWN"},
	} {
		got := s.JSON(agent, is.verb, is.path, nil)
		if is.code == 0 {
			require.GreaterOrEqual(t, got.Code, http.StatusMultipleChoices, is.path)
			continue
		}
		require.Equal(t, is.code, got.Code, "%s %s: %s", is.verb, is.path, got.Raw)
		require.Equal(t, is.reason, got.Reason(), "%s %s: %s", is.verb, is.path, got.Raw)
	}
	got := s.JSON(agent, http.MethodPost, "/v1/complaints", "page_size=1", "Content-Type", "application/x-www-form-urlencoded", "X-HTTP-Method-Override", "GET")
	require.Equal(t, http.StatusBadRequest, got.Code, "a method is what the request line says: %s", got.Raw)
}
