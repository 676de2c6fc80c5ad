package edgetest_test

import (
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/suite/suitetest"
)

var update = flag.Bool("update", false, "write the golden files")

// someone is a principal of the demo with their functions.
type someone struct {
	principal string
	customer  bool
	known     bool
	functions []typev1.Function
}

// everyone returns principals that together stand for every function, for
// customers, and for those the directory does not know.
func everyone() []someone {
	return []someone{
		{principal: "people/admin", known: true, functions: []typev1.Function{typev1.Function_FUNCTION_DIRECTORY_ADMIN, typev1.Function_FUNCTION_OPERATOR, typev1.Function_FUNCTION_POLICY_AUTHOR}},
		{principal: "people/author", known: true, functions: []typev1.Function{typev1.Function_FUNCTION_POLICY_AUTHOR}},
		{principal: "people/privacy", known: true, functions: []typev1.Function{typev1.Function_FUNCTION_PRIVACY_OFFICER}},
		{principal: "people/auditor", known: true, functions: []typev1.Function{typev1.Function_FUNCTION_AUDITOR}},
		{principal: "people/qian-mei", known: true, functions: []typev1.Function{typev1.Function_FUNCTION_AGENT}},
		{principal: "people/he-min", known: true, functions: []typev1.Function{typev1.Function_FUNCTION_APPROVER}},
		{principal: "people/zhou-hui", known: true, functions: []typev1.Function{typev1.Function_FUNCTION_FINANCE}},
		{principal: "people/xu-rui", known: true, functions: []typev1.Function{typev1.Function_FUNCTION_QUALITY}},
		{principal: "people/wu-di", known: true, functions: []typev1.Function{typev1.Function_FUNCTION_QUALITY, typev1.Function_FUNCTION_HANDLER}},
		{principal: "people/zhao-lei", known: true, functions: []typev1.Function{typev1.Function_FUNCTION_APPROVER, typev1.Function_FUNCTION_MANAGER}},
		{principal: "people/nobody-knows"},
		{principal: "apps/nobody-knows"},
		{principal: "customers/zhao-qian", customer: true, known: true},
	}
}

// may says whether the declaration lets somebody call.
func (w someone) may(a *typev1.Access) bool {
	switch {
	case a.GetAnyone():
		return true
	case w.customer:
		return a.GetCustomer()
	case !w.known:
		return false
	default:
		return a.GetStaff() || slices.ContainsFunc(w.functions, func(f typev1.Function) bool { return slices.Contains(a.GetFunctions(), f) })
	}
}

// allowed returns a principal who may call the method.
func allowed(t *testing.T, a *typev1.Access) string {
	t.Helper()
	if a.GetAnyone() {
		return ""
	}
	i := slices.IndexFunc(everyone(), func(w someone) bool { return w.may(a) })
	require.GreaterOrEqual(t, i, 0, "somebody of the demo may call it")
	return everyone()[i].principal
}

func TestEveryRPCDeclaresWhoMayCallIt(t *testing.T) {
	t.Parallel()
	for _, m := range methods(t) {
		require.NotNil(t, m.access, m.full)
		forPeople := len(m.access.GetFunctions()) > 0 || m.access.GetStaff() || m.access.GetCustomer() || m.access.GetAnyone()
		if strings.HasSuffix(m.full, "loadEvidence") {
			continue // streams of bytes have an address of their own
		}
		if strings.HasPrefix(m.full, "/redress.event.v1.FeedService/") {
			continue // operators ask a service itself, on its own port
		}
		require.Equal(t, m.public(), forPeople, "%s: what people may call is at the JSON edge, and nothing else is", m.full)
	}
}

func TestNoPublicRPCNamesAServiceThatForwardsTheCallsOfOthers(t *testing.T) {
	t.Parallel()
	for _, m := range methods(t) {
		if m.public() {
			require.NotContains(t, m.access.GetServices(), "gateway", "%s: a call without a token would be the gateway's own", m.full)
		}
	}
}

func TestTheMatrixOfRightsIsTheOneOnFile(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	file := filepath.Join("testdata", "matrix.golden")
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(s.Matrix()), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), s.Matrix(), "rights have changed: read the difference, then run with -update")
}

func TestEveryPublicRPCIsServedAlikeOverBothEdges(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	reasons := map[string]bool{}
	for _, e := range s.Reasons() {
		reasons[e.Reason] = true
	}
	for _, m := range methods(t) {
		if !m.public() || m.streams() {
			continue
		}
		who := allowed(t, m.access)
		for _, b := range m.bindings() {
			for _, with := range []string{"nothing", "ids"} {
				in := m.request(b)
				if with == "ids" {
					set(in.ProtoReflect(), "etag", "1")
					set(in.ProtoReflect(), "request_id", id())
				}
				name := m.full + " " + b.verb + " " + b.path + " with " + with
				s.Settled() // a rebuild of the read model has ended
				over := rpc(s, who, m, in, t)
				s.Settled()
				set(in.ProtoReflect(), "request_id", "")
				if with == "ids" {
					set(in.ProtoReflect(), "request_id", id())
				}
				under, raw := edge(s, who, b, in, t)
				for _, o := range []outcome{over, under} {
					require.NotEqual(t, codes.Unimplemented, o.code, name)
					require.NotEqual(t, codes.Internal, o.code, name)
					require.NotEqual(t, codes.Unknown, o.code, name)
					require.NotEqual(t, "METHOD_DENIED", o.reason, name)
					if o.code != codes.OK {
						require.True(t, reasons[o.reason], "%s: reason %q is in no catalogue", name, o.reason)
					}
				}
				require.Equal(t, over, under, "%s: %s", name, raw.Raw)
				require.NotContains(t, string(raw.Raw), "{name}", "every placeholder has its fact")
			}
		}
	}
}

func TestNobodyIsAskedWhoTheyAreOverBothEdges(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	for _, m := range methods(t) {
		if m.access.GetAnyone() || !m.public() && !slices.Contains([]string{"UploadEvidence", "DownloadEvidence"}, string(m.d.Name())) {
			continue
		}
		require.Equal(t, outcome{codes.Unauthenticated, "CALLER_UNKNOWN"}, rpc(s, "", m, m.empty(), t), m.full)
		if !m.public() {
			continue
		}
		for _, b := range m.bindings() {
			got, raw := edge(s, "", b, m.request(b), t)
			require.Equal(t, outcome{codes.Unauthenticated, "CALLER_UNKNOWN"}, got, m.full)
			require.Equal(t, http.StatusUnauthorized, raw.Code, m.full)
			require.NotEmpty(t, raw.Header.Get("WWW-Authenticate"), m.full)
		}
	}
}

func TestWhoHasNoRightToAnRPCIsRefusedOverBothEdgesAndWhoHasIsNot(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	for _, m := range methods(t) {
		if !m.public() {
			continue
		}
		b := m.bindings()[0]
		for _, who := range everyone() {
			// Without request_id what changes something changes nothing.
			over := rpc(s, who.principal, m, m.empty(), t)
			rebuilt(s, m)
			under, raw := edge(s, who.principal, b, m.request(b), t)
			rebuilt(s, m)
			if who.may(m.access) {
				require.NotEqual(t, "METHOD_DENIED", over.reason, "%s by %s", m.full, who.principal)
				require.NotEqual(t, "METHOD_DENIED", under.reason, "%s by %s", m.full, who.principal)
				continue
			}
			denied := outcome{codes.PermissionDenied, "METHOD_DENIED"}
			require.Equal(t, denied, over, "%s by %s", m.full, who.principal)
			require.Equal(t, denied, under, "%s by %s", m.full, who.principal)
			require.Equal(t, http.StatusForbidden, raw.Code, "%s by %s", m.full, who.principal)
		}
	}
}

// rebuilt waits for the end of a rebuild, if m is what begins one: until then the
// directory is away.
func rebuilt(s *suitetest.Suite, m method) {
	if strings.HasSuffix(m.full, "/RebuildReporting") {
		s.Settled()
	}
}

func TestWhatIsForServicesIsForNoPersonAndHasNoAddress(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	for _, m := range methods(t) {
		if m.public() || strings.HasSuffix(m.full, "loadEvidence") {
			continue
		}
		for _, who := range append(everyone(), someone{}) {
			got := rpc(s, who.principal, m, m.empty(), t)
			require.Contains(t, []codes.Code{codes.Unimplemented, codes.PermissionDenied, codes.Unauthenticated}, got.code, "%s by %s", m.full, who.principal)
		}
		got := s.JSON("people/admin", http.MethodPost, m.full, "{}")
		require.Equal(t, http.StatusNotFound, got.Code, m.full)
	}
}

func TestNobodyBecomesAServiceByMetadata(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	c := s.Register()
	for _, m := range methods(t) {
		if m.access.GetAnyone() || m.streams() {
			continue
		}
		in := m.empty()
		set(in.ProtoReflect(), "name", c.GetName())
		set(in.ProtoReflect(), "organization", suitetest.Organization)
		set(in.ProtoReflect(), "complaint", c.GetName())
		set(in.ProtoReflect(), "request_id", id())
		for _, header := range []string{"redress-organization", "redress-service", "redress-principal"} {
			ctx := metadata.AppendToOutgoingContext(t.Context(), header, suitetest.Organization, "grpc-metadata-"+header, suitetest.Organization)
			code := outcomeOf(s.Conn.Invoke(ctx, m.full, in, m.answer())).code
			require.Contains(t, []codes.Code{codes.Unauthenticated, codes.PermissionDenied, codes.Unimplemented}, code, m.full)
		}
	}
	for _, header := range []string{"Redress-Organization", "Grpc-Metadata-Redress-Organization", "Grpc-Metadata-Authorization"} {
		got := s.JSON("", http.MethodGet, "/v1/"+c.GetName(), nil, header, suitetest.Organization)
		require.Equal(t, http.StatusUnauthorized, got.Code, header)
	}
}

func TestACustomerSeesTheirTextsAndStaffSeeContactsMasked(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	c := s.Register()
	client := intakev1.NewIntakeServiceClient(s.Conn)
	own, err := client.GetComplaint(s.As("customers/zhao-qian"), &intakev1.GetComplaintRequest{Name: c.GetName()})
	require.NoError(t, err)
	require.Equal(t, "13800138000", own.GetComplaint().GetComplainant().GetTelephone())
	staff, err := client.GetComplaint(s.As("people/li-na"), &intakev1.GetComplaintRequest{Name: c.GetName()})
	require.NoError(t, err)
	require.NotContains(t, staff.GetComplaint().GetComplainant().GetTelephone(), "0013")
	require.False(t, proto.Equal(own.GetComplaint(), staff.GetComplaint()))
	got := s.JSON("people/li-na", http.MethodGet, "/v1/"+c.GetName(), nil)
	require.NotContains(t, string(got.Raw), "13800138000")
}
