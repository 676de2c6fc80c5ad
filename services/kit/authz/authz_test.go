package authz_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/reflection"
	"google.golang.org/protobuf/proto"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/authz"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/inproc"
	"example.com/redress/services/kit/rpcerr"
)

var update = flag.Bool("update", false, "rewrite golden files")

const (
	get       = "/redress.clock.v1.ClockService/GetClock"   // staff
	pause     = "/redress.clock.v1.ClockService/PauseClock" // managers; mutates; etag
	subscribe = "/redress.event.v1.FeedService/Subscribe"   // services
	check     = "/grpc.health.v1.Health/Check"              // anyone
)

func services() map[string]grpc.ServiceInfo {
	s := inproc.NewServer(inproc.Options{})
	clockv1.RegisterClockServiceServer(s, clockv1.UnimplementedClockServiceServer{})
	eventv1.RegisterFeedServiceServer(s, eventv1.UnimplementedFeedServiceServer{})
	healthpb.RegisterHealthServer(s, health.NewServer())
	reflection.RegisterV1(s)
	return s.GetServiceInfo()
}

func authorizer(t *testing.T, functions ...typev1.Function) *authz.Authorizer {
	t.Helper()
	a := authz.New(func(_ context.Context, organization, person string) ([]typev1.Function, error) {
		require.Equal(t, "org-a", organization)
		switch person {
		case "people/gone":
			return nil, fault.New(fault.NotFound, "PERSON_NOT_FOUND")
		case "people/broken":
			return nil, errors.New("directory away")
		}
		return functions, nil
	})
	require.NoError(t, a.Check(services()))
	return a
}

func as(t *testing.T, principal string) context.Context {
	t.Helper()
	return authn.With(t.Context(), authn.For(principal, "org-a"))
}

func TestWhoMayCallWhat(t *testing.T) {
	t.Parallel()
	manager, handler := typev1.Function_FUNCTION_MANAGER, typev1.Function_FUNCTION_HANDLER
	for _, test := range []struct {
		name, principal, method string
		functions               []typev1.Function
		reason                  string
	}{
		{"StaffMayReadWithoutFunctions", "people/li", get, nil, ""},
		{"ApplicationsAreStaff", "apps/finance", get, nil, ""},
		{"AManagerMayPause", "people/li", pause, []typev1.Function{handler, manager}, ""},
		{"AHandlerMayNotPause", "people/li", pause, []typev1.Function{handler}, authz.ReasonDenied},
		{"NoFunctionIsNoRight", "people/li", pause, []typev1.Function{typev1.Function_FUNCTION_UNSPECIFIED}, authz.ReasonDenied},
		{"CustomersMayNotPause", "customers/zhao", pause, nil, authz.ReasonDenied},
		{"ServicesSubscribe", "services/routing", subscribe, nil, ""},
		{"OtherServicesDoNot", "services/billing", subscribe, nil, authz.ReasonDenied},
		{"ServicesAreNoStaff", "services/routing", get, nil, authz.ReasonDenied},
		{"StaffDoesNotSubscribe", "people/li", subscribe, []typev1.Function{manager}, authz.ReasonDenied},
		{"WhoHasLeftMayNothing", "people/gone", get, nil, authz.ReasonDenied},
		{"WithoutDirectoryNobodyKnows", "people/broken", get, nil, authz.ReasonDirectory},
		{"UnknownMethodsAreDenied", "people/li", "/redress.clock.v1.ClockService/Nothing", nil, authz.ReasonDenied},
		{"OtherPrincipalsMayNothing", "robots/x", get, nil, authz.ReasonDenied},
		{"HealthIsForAnyone", "customers/zhao", check, nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := authorizer(t, test.functions...).Authorize(as(t, test.principal), test.method)
			require.Equal(t, test.reason, fault.ReasonOf(err))
		})
	}
}

func TestNobodyMayCallWhatAnyoneMay(t *testing.T) {
	t.Parallel()
	a := authorizer(t)
	_, err := a.Authorize(t.Context(), check)
	require.NoError(t, err)
	for _, method := range []string{get, pause, subscribe} {
		_, err = a.Authorize(t.Context(), method)
		require.Equal(t, fault.Unauthenticated, fault.KindOf(err))
	}
}

func TestAForwarderWithoutATokenIsNobodyEvenWhereItIsNamed(t *testing.T) {
	t.Parallel()
	a := authorizer(t)
	md := metadata.Pairs("redress-organization", "demo")
	ctx := peer.NewContext(metadata.NewIncomingContext(t.Context(), md), &peer.Peer{AuthInfo: inproc.AuthInfo{Service: "gateway"}})
	ctx, err := authn.New(authn.Options{Clients: []string{"gateway"}, Forwarders: []string{"gateway"}}).Authenticate(ctx)
	require.NoError(t, err)
	for _, method := range []string{subscribe, get, pause} {
		_, err = a.Authorize(ctx, method)
		require.Equal(t, fault.Unauthenticated, fault.KindOf(err), "whoever stands behind the forwarder would be the forwarder")
	}
	as, err := a.Authorize(ctx, check)
	require.NoError(t, err)
	_, known := authn.From(as)
	require.False(t, known, "a method for anyone is called by nobody")
}

func TestTheCallerGetsTheFunctionsOfTheMoment(t *testing.T) {
	t.Parallel()
	ctx, err := authorizer(t, typev1.Function_FUNCTION_AUDITOR).Authorize(as(t, "people/li"), get)
	require.NoError(t, err)
	c, _ := authn.From(ctx)
	require.Equal(t, []typev1.Function{typev1.Function_FUNCTION_AUDITOR}, c.Functions)
}

func TestAServerWithAnUndeclaredMethodDoesNotStart(t *testing.T) {
	t.Parallel()
	s := inproc.NewServer(inproc.Options{})
	clockv1.RegisterClockServiceServer(s, clockv1.UnimplementedClockServiceServer{})
	testpb.RegisterTestServiceServer(s, testpb.UnimplementedTestServiceServer{})
	a := authz.New(nil)
	err := a.Check(s.GetServiceInfo())
	require.ErrorContains(t, err, "/grpc.testing.TestService/EmptyCall: declares no access")
	require.ErrorContains(t, err, "/grpc.testing.TestService/FullDuplexCall: declares no access")
	_, err = a.Authorize(as(t, "people/li"), get)
	require.Equal(t, authz.ReasonDenied, fault.ReasonOf(err), "what was not checked is denied")
	require.ErrorContains(t, a.Check(map[string]grpc.ServiceInfo{"no.Service": {Methods: []grpc.MethodInfo{{Name: "M"}}}}), "no descriptor")
	require.ErrorContains(t, a.Check(map[string]grpc.ServiceInfo{"redress.clock.v1.ClockService": {Methods: []grpc.MethodInfo{{Name: "M"}}}}), "no method of that name")
}

func TestRequestIDAndEtagAreMissedTogether(t *testing.T) {
	t.Parallel()
	a := authorizer(t)
	fields := func(m proto.Message) []string {
		var out []string
		for _, v := range a.Missing(pause, m) {
			out = append(out, v.Field+" "+v.Reason)
		}
		return out
	}
	require.Equal(t, []string{"request_id REQUEST_ID_REQUIRED", "etag ETAG_REQUIRED"}, fields(&clockv1.PauseClockRequest{}))
	require.Equal(t, []string{"etag ETAG_REQUIRED"}, fields(&clockv1.PauseClockRequest{RequestId: "a"}))
	require.Empty(t, fields(&clockv1.PauseClockRequest{RequestId: "a", Etag: "1"}))
	require.Empty(t, fields(&clockv1.GetClockRequest{}), "another message lacks nothing")
	require.Empty(t, a.Missing(get, &clockv1.GetClockRequest{}))
	require.Empty(t, a.Missing(pause, nil))
}

func TestInterceptorsDecideBeforeAnythingIsRead(t *testing.T) {
	t.Parallel()
	a := authorizer(t)
	_, err := a.Unary()(t.Context(), nil, &grpc.UnaryServerInfo{FullMethod: get}, func(context.Context, any) (any, error) { panic("called") })
	require.Equal(t, fault.Unauthenticated, fault.KindOf(err))
	err = a.Stream()(nil, stream{ctx: as(t, "people/li")}, &grpc.StreamServerInfo{FullMethod: subscribe}, func(any, grpc.ServerStream) error { panic("called") })
	require.Equal(t, fault.PermissionDenied, fault.KindOf(err))
	got, err := a.Unary()(as(t, "people/li"), nil, &grpc.UnaryServerInfo{FullMethod: get}, func(ctx context.Context, _ any) (any, error) { return "answer", nil })
	require.NoError(t, err)
	require.Equal(t, "answer", got)
	require.NoError(t, a.Stream()(nil, stream{ctx: as(t, "services/routing")}, &grpc.StreamServerInfo{FullMethod: subscribe}, func(_ any, ss grpc.ServerStream) error {
		c, _ := authn.From(ss.Context())
		require.Equal(t, "services/routing", c.Principal)
		return nil
	}))
}

type stream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s stream) Context() context.Context { return s.ctx }

func TestMatrixOfMethodsAndFunctions(t *testing.T) {
	t.Parallel()
	got := authorizer(t).Matrix()
	const golden = "testdata/matrix.txt"
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(got), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func TestReasonsAgreeWithThoseOfTheTable(t *testing.T) {
	t.Parallel()
	_, err := fault.NewCatalogue(append(authz.Reasons(), append(rpcerr.Reasons(), authn.Reasons()...)...)...)
	require.NoError(t, err)
}
