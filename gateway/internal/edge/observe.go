package edge

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/metadata"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/telemetry"
)

// Observe begins or continues a trace with each request and counts it. Span and
// figures carry the route, never the path, the query, or who called: a path may
// hold a token, a query what somebody looks for. With nil tel it does nothing.
func Observe(tel *telemetry.Telemetry, next http.Handler) http.Handler {
	if tel == nil {
		return next
	}
	tel.ServesHTTP()
	tracer := tel.Tracers.Tracer("example.com/redress/gateway")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := clock.System().Now()
		method := methodOf(r)
		ctx, span := tracer.Start(tel.Propagator.Extract(r.Context(), propagation.HeaderCarrier(r.Header)), method, trace.WithSpanKind(trace.SpanKindServer))
		seen := &observed{ResponseWriter: w}
		r = r.WithContext(context.WithValue(ctx, observedKey{}, seen))
		defer func() {
			seen.fallback(r.Pattern)
			status := seen.status
			if status == 0 {
				status = http.StatusOK
			}
			if span.IsRecording() {
				name := method
				if seen.route != "" {
					name += " " + seen.route
					span.SetAttributes(attribute.String("http.route", seen.route))
				}
				span.SetName(name)
				span.SetAttributes(attribute.String("http.request.method", method), attribute.Int("http.response.status_code", status))
				if status >= http.StatusInternalServerError {
					span.SetStatus(codes.Error, "")
				}
			}
			span.End()
			tel.Request(method, seen.route, strconv.Itoa(status), clock.System().Since(began))
		}()
		next.ServeHTTP(seen, r)
	})
}

// methodOf returns a method that exists: what a caller makes up is no label.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "_OTHER"
}

// observed notes what was answered, and by which route.
type observed struct {
	http.ResponseWriter
	status int
	route  string // written and read by the request's goroutine
}

type observedKey struct{}

// WriteHeader implements http.ResponseWriter.
func (o *observed) WriteHeader(status int) {
	if o.status == 0 && (status >= http.StatusOK || status == http.StatusSwitchingProtocols) {
		o.status = status
	}
	o.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (o *observed) Unwrap() http.ResponseWriter { return o.ResponseWriter }

// FlushError lets http.ResponseController flush.
func (o *observed) FlushError() error { return http.NewResponseController(o.ResponseWriter).Flush() }

// Flush implements http.Flusher, which the JSON mux asks for.
func (o *observed) Flush() {
	// A connection that cannot be flushed sends when it is full, or at the end.
	_ = o.FlushError()
}

// fallback takes the pattern of a page for the route, where there is no better one.
func (o *observed) fallback(pattern string) {
	_, path, ok := strings.Cut(pattern, " ")
	if !ok {
		path = pattern
	}
	if o.route == "" && path != "/" && path != "/v1/" {
		o.route = path
	}
}

// routed notes the route of the request.
func routed(ctx context.Context, route string) {
	if o, ok := ctx.Value(observedKey{}).(*observed); ok {
		o.route = route
	}
}

// noteRoute is called by the mux once it knows the pattern; it adds no metadata.
func noteRoute(ctx context.Context, _ *http.Request) metadata.MD {
	if pattern, ok := runtime.HTTPPathPattern(ctx); ok {
		routed(ctx, pattern)
	}
	return nil
}
