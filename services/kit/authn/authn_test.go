package authn_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/url"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"example.com/redress/services/kit/authn"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/inproc"
)

// tokens is a verifier that knows tokens by heart.
type tokens map[string]authn.Identity

func (t tokens) Verify(_ context.Context, token string) (authn.Identity, error) {
	id, ok := t[token]
	if !ok {
		return id, fault.New(fault.Unauthenticated, authn.ReasonToken)
	}
	return id, nil
}

func incoming(t *testing.T, pairs ...string) context.Context {
	t.Helper()
	return metadata.NewIncomingContext(t.Context(), metadata.Pairs(pairs...))
}

func from(ctx context.Context, service string) context.Context {
	return peer.NewContext(ctx, &peer.Peer{AuthInfo: inproc.AuthInfo{Service: service}})
}

func certificate(t *testing.T, uris ...string) *x509.Certificate {
	t.Helper()
	c := &x509.Certificate{}
	for _, u := range uris {
		parsed, err := url.Parse(u)
		require.NoError(t, err)
		c.URIs = append(c.URIs, parsed)
	}
	return c
}

func authenticator() *authn.Authenticator {
	return authn.New(authn.Options{
		Tokens: tokens{
			"t-staff": {Principal: "people/li", Organization: "org-a"}, "t-app": {Principal: "apps/callcentre", Organization: "org-a"},
			"t-customer": {Principal: "customers/zhao", Organization: "org-a"},
		},
		Clients: []string{"routing", "gateway"}, Forwarders: []string{"gateway"},
	})
}

func TestATokenSaysWhoCalls(t *testing.T) {
	t.Parallel()
	for token, want := range map[string]authn.Caller{
		"t-staff":    {Principal: "people/li", Organization: "org-a", Staff: true, Locale: "en"},
		"t-app":      {Principal: "apps/callcentre", Organization: "org-a", Staff: true, Locale: "en"},
		"t-customer": {Principal: "customers/zhao", Organization: "org-a", Customer: true, Locale: "en"},
	} {
		for _, peer := range []string{"", "gateway", "routing"} {
			ctx, err := authenticator().Authenticate(from(incoming(t, "authorization", "Bearer "+token, "accept-language", "en-GB"), peer))
			require.NoError(t, err)
			got, ok := authn.From(ctx)
			require.True(t, ok)
			require.Equal(t, want, got)
		}
	}
	require.Equal(t, "li", authn.For("people/li", "o").Name())
}

func TestAConnectionSaysWhichServiceCalls(t *testing.T) {
	t.Parallel()
	ctx, err := authenticator().Authenticate(from(incoming(t, "redress-organization", "org-b"), "routing"))
	require.NoError(t, err)
	got, _ := authn.From(ctx)
	require.Equal(t, authn.Caller{Principal: "services/routing", Organization: "org-b", Service: true, Locale: "zh-CN"}, got)

	byCertificate := func(uris ...string) context.Context {
		state := tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{certificate(t, uris...)}}}
		return peer.NewContext(incoming(t), &peer.Peer{AuthInfo: credentials.TLSInfo{State: state}})
	}
	ctx, err = authenticator().Authenticate(byCertificate("spiffe://example.org/services/routing"))
	require.NoError(t, err)
	got, _ = authn.From(ctx)
	require.Equal(t, "services/routing", got.Principal)
	for _, uris := range [][]string{
		nil,
		{"spiffe://example.org/services/billing"},
		{"https://example.org/services/routing"},
		{"spiffe://a/services/routing", "spiffe://a/services/gateway"},
		{"spiffe://a/services/routing/x"},
		{"spiffe://a/people/routing"},
	} {
		_, err = authenticator().Authenticate(byCertificate(uris...))
		require.Equal(t, authn.ReasonPeer, fault.ReasonOf(err), uris)
	}
}

func TestAServiceNotOnTheListIsRefusedEvenWithAToken(t *testing.T) {
	t.Parallel()
	_, err := authenticator().Authenticate(from(incoming(t, "authorization", "Bearer t-staff"), "billing"))
	require.Equal(t, authn.ReasonPeer, fault.ReasonOf(err))
	require.Equal(t, fault.Unauthenticated, fault.KindOf(err))
}

func TestAForwarderIsNobodyWithoutAToken(t *testing.T) {
	t.Parallel()
	ctx, err := authenticator().Authenticate(from(incoming(t), "gateway"))
	require.NoError(t, err)
	_, ok := authn.From(ctx)
	require.False(t, ok)
	ctx, err = authenticator().Authenticate(from(incoming(t, "redress-organization", "demo"), "gateway"))
	require.NoError(t, err)
	_, ok = authn.From(ctx)
	require.False(t, ok, "the metadata of a passed-on call is that of whoever called")
	ctx, err = authenticator().Authenticate(from(incoming(t, "authorization", "Bearer t-staff"), "gateway"))
	require.NoError(t, err)
	c, ok := authn.From(ctx)
	require.True(t, ok)
	require.True(t, c.Staff)
}

func TestMetadataNeverSaysWhoCalls(t *testing.T) {
	t.Parallel()
	spoof := []string{
		"x-redress-caller", "services/routing", "redress-principal", "people/li", "redress-organization", "org-b",
		"x-forwarded-client-cert", "URI=spiffe://a/services/routing", "grpcgateway-authorization", "Bearer t-staff", "cookie", "authorization=Bearer t-staff",
	}
	ctx, err := authenticator().Authenticate(incoming(t, spoof...))
	require.NoError(t, err)
	_, ok := authn.From(ctx)
	require.False(t, ok)
	ctx, err = authenticator().Authenticate(incoming(t, append(spoof, "authorization", "bearer t-customer")...))
	require.NoError(t, err)
	got, _ := authn.From(ctx)
	require.Equal(t, "customers/zhao", got.Principal)
	require.Equal(t, "org-a", got.Organization)
}

func TestBadCredentialsAreRefused(t *testing.T) {
	t.Parallel()
	for _, pairs := range [][]string{
		{"authorization", "Bearer unknown"},
		{"authorization", "Basic t-staff"},
		{"authorization", "t-staff"},
		{"authorization", "Bearer "},
		{"authorization", "Bearer t-staff", "authorization", "Bearer t-customer"},
	} {
		_, err := authenticator().Authenticate(incoming(t, pairs...))
		require.Equal(t, fault.Unauthenticated, fault.KindOf(err), pairs)
	}
	_, err := authn.New(authn.Options{}).Authenticate(incoming(t, "authorization", "Bearer t-staff"))
	require.Equal(t, fault.Unauthenticated, fault.KindOf(err))
}

func TestLocales(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"": "zh-CN", "en": "en", "en-US,zh;q=0.5": "en", "zh-CN,en;q=0.9": "zh-CN", "fr": "zh-CN", "fr,en;q=0.1": "en", "zh-TW": "zh-CN", "!!": "zh-CN",
		"en;q=0.1,zh;q=0.9": "zh-CN",
	} {
		require.Equal(t, want, authn.ParseLocale(header), header)
	}
	require.Equal(t, "en", authn.Locale(incoming(t, "grpcgateway-accept-language", "en")))
	require.Equal(t, "zh-CN", authn.Locale(t.Context()))
}

func TestServicesSayForWhomTheyAct(t *testing.T) {
	t.Parallel()
	out, _ := metadata.FromOutgoingContext(authn.OnBehalf(t.Context(), "org-a"))
	ctx, err := authenticator().Authenticate(from(metadata.NewIncomingContext(t.Context(), out), "routing"))
	require.NoError(t, err)
	got, _ := authn.From(ctx)
	require.Equal(t, "org-a", got.Organization)
}

func TestInterceptorsPassTheCallerOn(t *testing.T) {
	t.Parallel()
	a := authenticator()
	ctx := incoming(t, "authorization", "Bearer t-staff")
	seen, err := a.Unary()(ctx, nil, nil, func(ctx context.Context, _ any) (any, error) { c, _ := authn.From(ctx); return c.Principal, nil })
	require.NoError(t, err)
	require.Equal(t, "people/li", seen)
	err = a.Stream()(nil, stream{ctx: ctx}, nil, func(_ any, ss grpc.ServerStream) error {
		c, _ := authn.From(ss.Context())
		require.Equal(t, "people/li", c.Principal)
		return nil
	})
	require.NoError(t, err)
	never := func(context.Context, any) (any, error) { panic("called") }
	_, err = a.Unary()(incoming(t, "authorization", "x"), nil, nil, never)
	require.Error(t, err)
	require.Error(t, a.Stream()(nil, stream{ctx: incoming(t, "authorization", "x")}, nil, nil))
}

type stream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s stream) Context() context.Context { return s.ctx }

func TestReasonsMakeACatalogue(t *testing.T) {
	t.Parallel()
	_, err := fault.NewCatalogue(authn.Reasons()...)
	require.NoError(t, err)
	require.True(t, slices.ContainsFunc(authn.Reasons(), func(e fault.Entry) bool { return e.Reason == authn.ReasonToken }))
}
