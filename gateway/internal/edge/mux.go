// Package edge turns HTTP into calls of the suite's services and their answers
// into JSON, files and event streams. It decides nothing: every request passes
// every interceptor of the service it is for.
//
// Start reading at [New].
//
// Source: DESIGN section 8.
package edge

import (
	"context"
	"net/http"
	"net/textproto"
	"strings"
	"sync"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
)

// MaxBody is how many bytes a JSON body may have. Uploads stream and have their
// own limit. Source: RELIABILITY 3.6.
const MaxBody = 1 << 20

// Dial returns the connection to a service by its name. It must be cheap.
type Dial func(service string) grpc.ClientConnInterface

// Services returns the names of the services the edge leads to.
func Services() []string {
	return []string{"intake", "routing", "compensation", "corrective-action", "notification", "reporting"}
}

// parseStrictly sets the parser of query parameters, which grpc-gateway keeps for
// the whole process though it is set as an option of a mux: several edges in one
// process would write it while others read.
//
//nolint:gochecknoglobals // what it sets is global.
var parseStrictly = sync.OnceFunc(func() { runtime.NewServeMux(runtime.SetQueryParameterParser(&strictQuery{})) })

// New returns the handler of everything under /v1. Besides the JSON of every
// public RPC it serves evidence uploads and downloads and server-sent events,
// which end when closing does.
func New(ctx context.Context, dial Dial, closing <-chan struct{}) (http.Handler, error) {
	parseStrictly()
	mux := runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, newStrictJSON()),
		runtime.WithIncomingHeaderMatcher(incoming),
		runtime.WithMetadata(noteRoute),
		runtime.WithOutgoingHeaderMatcher(func(string) (string, bool) { return "", false }),
		runtime.WithForwardResponseOption(answerHeaders),
		// A request is what its request line says, not what a header makes of it.
		runtime.WithDisablePathLengthFallback(),
		runtime.WithErrorHandler(writeError),
		runtime.WithRoutingErrorHandler(writeRoutingError),
	)
	to := func(service string) grpc.ClientConnInterface { return filling{dial(service)} }
	intake := intakev1.NewIntakeServiceClient(to("intake"))
	clocks := filling{byName{dial: dial, choose: clockOwner}}
	consumers := filling{byName{dial: dial, choose: namedService}}
	for _, register := range []func() error{
		func() error {
			return routingv1.RegisterRoutingServiceHandlerClient(ctx, mux, routingv1.NewRoutingServiceClient(to("routing")))
		},
		func() error {
			return routingv1.RegisterHandlingServiceHandlerClient(ctx, mux, routingv1.NewHandlingServiceClient(to("routing")))
		},
		func() error {
			return routingv1.RegisterDiagnosisServiceHandlerClient(ctx, mux, routingv1.NewDiagnosisServiceClient(to("routing")))
		},
		func() error {
			return directoryv1.RegisterDirectoryServiceHandlerClient(ctx, mux, directoryv1.NewDirectoryServiceClient(to("routing")))
		},
		func() error {
			return policyv1.RegisterPolicyServiceHandlerClient(ctx, mux, policyv1.NewPolicyServiceClient(to("routing")))
		},
		func() error {
			return compensationv1.RegisterCompensationServiceHandlerClient(ctx, mux, compensationv1.NewCompensationServiceClient(to("compensation")))
		},
		func() error {
			return correctiveactionv1.RegisterCorrectiveActionServiceHandlerClient(ctx, mux, correctiveactionv1.NewCorrectiveActionServiceClient(to("corrective-action")))
		},
		func() error {
			return notificationv1.RegisterNotificationServiceHandlerClient(ctx, mux, notificationv1.NewNotificationServiceClient(to("notification")))
		},
		func() error {
			return clockv1.RegisterClockServiceHandlerClient(ctx, mux, clockv1.NewClockServiceClient(clocks))
		},
		func() error {
			return eventv1.RegisterConsumerServiceHandlerClient(ctx, mux, eventv1.NewConsumerServiceClient(consumers))
		},
		// The mux compares a path with the patterns of the last first: what is called most comes late,
		// and after it who has verbs of the same names (complaints/*:file).
		func() error { return intakev1.RegisterIntakeServiceHandlerClient(ctx, mux, intake) },
		func() error {
			return reportingv1.RegisterReportingServiceHandlerClient(ctx, mux, reportingv1.NewReportingServiceClient(to("reporting")))
		},
	} {
		if err := register(); err != nil {
			return nil, err
		}
	}
	return &edge{json: mux, intake: intake, closing: closing}, nil
}

// edge leads a request to what serves it: streams by hand, everything else to the mux.
type edge struct {
	json    http.Handler
	intake  intakev1.IntakeServiceClient
	closing <-chan struct{}
}

// ServeHTTP implements http.Handler.
func (e *edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	if name, ok := matches(r.URL.Path, "/v1/complaints/*/evidence"); ok && r.Method == http.MethodPost {
		routed(r.Context(), "/v1/complaints/*/evidence")
		e.upload(w, r, name[0])
		return
	}
	if name, ok := matches(r.URL.Path, "/v1/complaints/*/evidence/*:download"); ok && r.Method == http.MethodGet {
		routed(r.Context(), "/v1/complaints/*/evidence/*:download")
		e.download(w, r, "complaints/"+name[0]+"/evidence/"+name[1])
		return
	}
	if name, ok := matches(r.URL.Path, "/v1/complaints/*:watch"); ok && r.Method == http.MethodGet {
		routed(r.Context(), "/v1/complaints/*:watch")
		e.watch(w, r, "complaints/"+name[0])
		return
	}
	if r.ContentLength > MaxBody {
		writeStatus(w, r, tooLarge(MaxBody))
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, MaxBody)
	ctx := context.WithValue(r.Context(), headersKey{}, headers{
		idempotencyKey: r.Header.Get("Idempotency-Key"),
		ifMatch:        strings.Trim(strings.TrimPrefix(r.Header.Get("If-Match"), "W/"), `"`),
	})
	e.json.ServeHTTP(w, r.WithContext(ctx))
}

// matches returns the segments of path that stand where pattern has a star; a
// star followed by ":verb" ends before the verb.
func matches(path, pattern string) (stars []string, ok bool) {
	pattern, verb, _ := strings.Cut(pattern, ":")
	if verb != "" {
		if path, ok = strings.CutSuffix(path, ":"+verb); !ok {
			return nil, false
		}
	}
	have, want := strings.Split(path, "/"), strings.Split(pattern, "/")
	if len(have) != len(want) {
		return nil, false
	}
	for i, w := range want {
		switch {
		case w == "*" && have[i] != "" && !strings.Contains(have[i], ":"):
			stars = append(stars, have[i])
		case w != have[i]:
			return nil, false
		}
	}
	return stars, true
}

// incoming lets through the headers that mean something to a service. Everything
// else stays outside, so no header can pretend to be metadata of the suite. The
// trace of a request travels by its context, see [Observe].
func incoming(key string) (string, bool) {
	switch textproto.CanonicalMIMEHeaderKey(key) {
	case "Accept-Language":
		return strings.ToLower(key), true
	default:
		return "", false
	}
}

// answerHeaders sets ETag from the resource and Redress-Position from the write.
func answerHeaders(ctx context.Context, w http.ResponseWriter, m proto.Message) error {
	if md, ok := runtime.ServerMetadataFromContext(ctx); ok {
		if position := md.HeaderMD.Get("redress-position"); len(position) > 0 {
			w.Header().Set("Redress-Position", position[0])
		}
	}
	if etag := etagOf(m); etag != "" {
		w.Header().Set("ETag", `"`+etag+`"`)
	}
	return nil
}

// etagOf returns the etag of m, or of the one resource m holds.
func etagOf(m proto.Message) string {
	if own := stringField(m, "etag"); own != "" {
		return own
	}
	fields := m.ProtoReflect().Descriptor().Fields()
	if fields.Len() == 0 || fields.Get(0).Message() == nil || fields.Get(0).IsList() || fields.Get(0).IsMap() {
		return ""
	}
	return stringField(m.ProtoReflect().Get(fields.Get(0)).Message().Interface(), "etag")
}

// strictJSON reads JSON without forgiveness and writes it with the names and
// empty values a client can rely on.
type strictJSON struct{ runtime.JSONPb }

// options of reading and writing; unknown fields are errors.
func newStrictJSON() *strictJSON {
	return &strictJSON{runtime.JSONPb{
		MarshalOptions:   protojson.MarshalOptions{EmitUnpopulated: false},
		UnmarshalOptions: protojson.UnmarshalOptions{DiscardUnknown: false},
	}}
}
