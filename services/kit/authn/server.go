package authn

import (
	"context"
	"crypto/x509"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/inproc"
)

// Options of an [Authenticator].
type Options struct {
	// Tokens verifies bearer tokens; nil refuses them all.
	Tokens Verifier
	// Clients are the services that may connect, by name ("routing"). A peer
	// without a service's credentials is not bound by the list and needs a token.
	Clients []string
	// Forwarders are those of Clients that pass on the calls of others, as the
	// gateway does: without a token their calls are nobody's. They never call for
	// themselves, because nothing tells such a call from one passed on.
	Forwarders []string
}

// Authenticator puts the [Caller] into the context of every call.
type Authenticator struct {
	options Options
}

// New returns an authenticator.
func New(o Options) *Authenticator { return &Authenticator{options: o} }

// Authenticate returns ctx with its caller. A call without any credentials
// passes without one: whether that will do is for package authz. Credentials
// that are no good are refused, whatever the method.
func (a *Authenticator) Authenticate(ctx context.Context) (context.Context, error) {
	service, err := a.service(ctx)
	if err != nil {
		return nil, err
	}
	locale := Locale(ctx)
	token, given, err := bearer(ctx)
	switch {
	case err != nil:
		return nil, err
	case given:
		return a.withToken(ctx, token, locale)
	case service == "" || slices.Contains(a.options.Forwarders, service):
		return ctx, nil
	}
	c := For(services+service, "")
	c.Locale = locale
	if values := metadata.ValueFromIncomingContext(ctx, organizationHeader); len(values) == 1 && isOrganization(values[0]) {
		c.Organization = values[0]
	}
	return With(ctx, c), nil
}

func (a *Authenticator) withToken(ctx context.Context, token, locale string) (context.Context, error) {
	if a.options.Tokens == nil {
		return nil, fault.New(fault.Unauthenticated, ReasonToken)
	}
	id, err := a.options.Tokens.Verify(ctx, token)
	if err != nil {
		return nil, err
	}
	c := For(id.Principal, id.Organization)
	c.Locale = locale
	return With(ctx, c), nil
}

// service returns the name of the service at the other end; "" if the peer has
// no service's credentials.
func (a *Authenticator) service(ctx context.Context) (string, error) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return "", nil
	}
	name := ""
	switch info := p.AuthInfo.(type) {
	case inproc.AuthInfo:
		name = info.Service
	case credentials.TLSInfo:
		if len(info.State.VerifiedChains) > 0 {
			name = ServiceOf(info.State.VerifiedChains[0][0])
			if name == "" {
				return "", fault.New(fault.Unauthenticated, ReasonPeer, "service", "?")
			}
		}
	}
	if name != "" && !slices.Contains(a.options.Clients, name) {
		return "", fault.New(fault.Unauthenticated, ReasonPeer, "service", name)
	}
	return name, nil
}

// ServiceOf returns the name of the service that a certificate stands for, from
// its one URI of the form spiffe://<domain>/services/<name>; "" if it has none.
// The certificate must have been verified.
func ServiceOf(cert *x509.Certificate) string {
	if len(cert.URIs) != 1 || cert.URIs[0].Scheme != "spiffe" {
		return ""
	}
	name, ok := strings.CutPrefix(cert.URIs[0].Path, "/"+services)
	if !ok || !words.MatchString(name) {
		return ""
	}
	return name
}

// bearer returns the token of the authorization header.
func bearer(ctx context.Context) (token string, given bool, err error) {
	values := metadata.ValueFromIncomingContext(ctx, "authorization")
	if len(values) == 0 {
		return "", false, nil
	}
	scheme, token, ok := strings.Cut(values[0], " ")
	if len(values) > 1 || !ok || !strings.EqualFold(scheme, "bearer") || token == "" {
		return "", false, fault.New(fault.Unauthenticated, ReasonToken)
	}
	return token, true, nil
}

// Unary returns the interceptor of unary calls.
func (a *Authenticator) Unary() grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		ctx, err := a.Authenticate(ctx)
		if err != nil {
			return nil, err
		}
		return next(ctx, req)
	}
}

// Stream returns the interceptor of streams.
func (a *Authenticator) Stream() grpc.StreamServerInterceptor {
	return func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
		ctx, err := a.Authenticate(ss.Context())
		if err != nil {
			return err
		}
		return next(srv, &stream{ss, ctx})
	}
}

type stream struct {
	grpc.ServerStream
	ctx context.Context
}

// Context implements grpc.ServerStream.
func (s *stream) Context() context.Context { return s.ctx }
