package telemetry

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/embedded"
	"google.golang.org/grpc/stats"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// parentOnly carries the traceparent header and nothing else: baggage and
// tracestate are the caller's own words, which nobody here reads and which could
// hold anything.
type parentOnly struct{ propagation.TraceContext }

// Extract implements propagation.TextMapPropagator.
func (p parentOnly) Extract(ctx context.Context, carrier propagation.TextMapCarrier) context.Context {
	ctx = p.TraceContext.Extract(ctx, carrier)
	sc := trace.SpanContextFromContext(ctx)
	if sc.TraceState().Len() == 0 {
		return ctx
	}
	return trace.ContextWithRemoteSpanContext(ctx, sc.WithTraceState(trace.TraceState{}))
}

// Fields implements propagation.TextMapPropagator.
func (parentOnly) Fields() []string { return []string{"traceparent"} }

// wordless keeps what people said out of exported spans: the description of a
// status, which may quote a request, and the attributes that name who called.
type wordless struct{ sdktrace.SpanExporter }

// ExportSpans implements sdktrace.SpanExporter.
func (w wordless) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	out := make([]sdktrace.ReadOnlySpan, len(spans))
	for i, s := range spans {
		out[i] = wordlessSpan{s}
	}
	return w.SpanExporter.ExportSpans(ctx, out)
}

type wordlessSpan struct{ sdktrace.ReadOnlySpan }

// Status implements sdktrace.ReadOnlySpan.
func (s wordlessSpan) Status() sdktrace.Status {
	return sdktrace.Status{Code: s.ReadOnlySpan.Status().Code}
}

// Attributes implements sdktrace.ReadOnlySpan.
func (s wordlessSpan) Attributes() []attribute.KeyValue {
	all := s.ReadOnlySpan.Attributes()
	out := make([]attribute.KeyValue, 0, len(all))
	for _, a := range all {
		switch a.Key {
		case "client.address", "network.peer.address", "network.peer.port", "user_agent.original", "url.full", "url.path", "url.query", "exception.message":
		default:
			out = append(out, a)
		}
	}
	return out
}

// Events implements sdktrace.ReadOnlySpan. Nothing of the suite adds events; an
// error that a library records would carry its message.
func (wordlessSpan) Events() []sdktrace.Event { return nil }

// passing makes trace ids for logs and hands on the trace of a caller; it records
// nothing. It is what stands where nothing is exported, and costs next to nothing.
type passing struct{ embedded.TracerProvider }

// Tracer implements trace.TracerProvider.
func (passing) Tracer(string, ...trace.TracerOption) trace.Tracer { return passingTracer{} }

type passingTracer struct{ embedded.Tracer }

// Start implements trace.Tracer.
func (passingTracer) Start(ctx context.Context, _ string, _ ...trace.SpanStartOption) (context.Context, trace.Span) {
	if span := trace.SpanFromContext(ctx); span.SpanContext().IsValid() {
		return ctx, span
	}
	c := trace.SpanContextConfig{}
	for i := 0; i < len(c.TraceID); i += 8 {
		put(c.TraceID[i:], rand.Uint64()) //nolint:gosec // a name for a log line; guards nothing
	}
	put(c.SpanID[:], rand.Uint64()|1) //nolint:gosec // as above; never all zero
	c.TraceID[0] |= 1
	ctx = trace.ContextWithSpanContext(ctx, trace.NewSpanContext(c))
	return ctx, trace.SpanFromContext(ctx)
}

func put(to []byte, n uint64) {
	for i := range 8 {
		to[i] = byte(n >> (8 * i))
	}
}

// services are the tracer providers of a process that holds several services: each
// has its own name in the spans, all share one processor.
type services struct {
	processor sdktrace.SpanProcessor
	ratio     float64
	version   string

	mu    sync.Mutex
	named map[string]*Telemetry
}

// For returns the telemetry of one service of a process that holds several: the
// same but for the name its spans carry.
func (t *Telemetry) For(service string) *Telemetry {
	s := t.services
	if s == nil || s.processor == nil || service == t.service {
		return t
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.named[service]; found != nil {
		return found
	}
	own := *t
	own.service, own.stop = service, nil
	own.Tracers = s.provider(service)
	s.named[service] = &own
	return &own
}

func (s *services) provider(service string) *sdktrace.TracerProvider {
	return sdktrace.NewTracerProvider(
		sdktrace.WithResource(about(service, s.version)),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(s.ratio))),
		sdktrace.WithSpanProcessor(s.processor),
	)
}

// Recorder returns the tracers if spans are exported, and nil if they would go
// nowhere: what makes spans of its own need not make them then.
func (t *Telemetry) Recorder() trace.TracerProvider {
	if t.services == nil || t.services.processor == nil {
		return nil
	}
	return t.Tracers
}

// known leaves calls of methods that do not exist out of spans and metrics:
// their names are the caller's own.
type known struct{ methods sync.Map }

func (k *known) filter(info *stats.RPCTagInfo) bool {
	if _, ok := k.methods.Load(info.FullMethodName); ok {
		return true
	}
	service, method, _ := strings.Cut(strings.TrimPrefix(info.FullMethodName, "/"), "/")
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service))
	if err != nil {
		return false
	}
	s, ok := d.(protoreflect.ServiceDescriptor)
	if !ok || s.Methods().ByName(protoreflect.Name(method)) == nil {
		return false
	}
	k.methods.Store(info.FullMethodName, nil)
	return true
}

// Traceparent returns the W3C traceparent of ctx's trace; "" outside one.
func Traceparent(ctx context.Context) string {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return ""
	}
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier["traceparent"]
}

// Continue returns ctx in the trace of a traceparent that was stored; in no trace
// if there is none.
func Continue(ctx context.Context, traceparent string) context.Context {
	ctx = trace.ContextWithSpanContext(ctx, trace.SpanContext{})
	if traceparent == "" {
		return ctx
	}
	return parentOnly{}.Extract(ctx, propagation.MapCarrier{"traceparent": traceparent})
}
