// Package authn finds out who calls: a person, customer or application by the
// token in the authorization header, a service of the suite by the certificate
// or in-process credentials of its connection.
//
// It does not decide what a caller may do; that is package authz. Nothing else
// in a request says who somebody is: other metadata is ignored. Start reading at
// [Caller] and [Authenticator].
//
// Source: DESIGN section 9.
package authn

import (
	"context"
	"strings"

	"golang.org/x/text/language"
	"google.golang.org/grpc/metadata"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
)

// Caller is who calls.
type Caller struct {
	// Principal is people/x, customers/x, apps/x or services/x.
	Principal string
	// Organization is the caller's; for a service the one it acts for.
	Organization string
	// Customer, Staff and Service say which kind of principal it is. People and
	// applications are both staff: the directory gives functions to either.
	Customer, Staff, Service bool
	// Locale is the language of answers: zh-CN or en.
	Locale string
	// Functions are those the directory gives at the time of the call; only staff has any.
	Functions []typev1.Function
}

// Collections of principals.
const (
	people    = "people/"
	customers = "customers/"
	apps      = "apps/"
	services  = "services/"
)

// Name returns the principal without its collection: "routing" of services/routing.
func (c Caller) Name() string {
	_, name, _ := strings.Cut(c.Principal, "/")
	return name
}

// For returns the caller of the principal, with its kind set.
func For(principal, organization string) Caller {
	return Caller{
		Principal: principal, Organization: organization, Locale: fault.Chinese,
		Customer: strings.HasPrefix(principal, customers),
		Staff:    strings.HasPrefix(principal, people) || strings.HasPrefix(principal, apps),
		Service:  strings.HasPrefix(principal, services),
	}
}

type callerKey struct{}

// With returns a context whose caller is c. Servers do it once for a call; tests
// of handlers do it themselves.
func With(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// From returns the caller; false if nobody was authenticated.
func From(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return c, ok
}

// organizationHeader names the organization a service acts for. It counts only
// from a service known by its connection, which is trusted with all of them.
const organizationHeader = "redress-organization"

// OnBehalf returns a context for calls of a service that concern the organization.
func OnBehalf(ctx context.Context, organization string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, organizationHeader, organization)
}

// acceptLanguage are the headers that ask for a language: of gRPC callers, and
// as the gateway forwards it.
func acceptLanguage() [2]string { return [2]string{"accept-language", "grpcgateway-accept-language"} }

// Locale returns the language the caller of an incoming call asks for: zh-CN or
// en. It needs no authentication, so that refusals are understood.
func Locale(ctx context.Context) string {
	for _, header := range acceptLanguage() {
		if values := metadata.ValueFromIncomingContext(ctx, header); len(values) > 0 {
			return ParseLocale(values[0])
		}
	}
	return fault.Chinese
}

// maxLanguages bounds what is parsed of the header.
const maxLanguages = 256

// ParseLocale returns the language of the suite that fits an Accept-Language
// header best; Chinese if none does.
func ParseLocale(header string) string {
	if len(header) > maxLanguages {
		return fault.Chinese
	}
	wanted, _, err := language.ParseAcceptLanguage(header)
	if err != nil || len(wanted) == 0 {
		return fault.Chinese
	}
	_, i, confidence := language.NewMatcher([]language.Tag{language.SimplifiedChinese, language.English}).Match(wanted...)
	if i == 1 && confidence != language.No {
		return fault.English
	}
	return fault.Chinese
}
