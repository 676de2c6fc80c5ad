// Package telemetry sets up traces, metrics and logs of one process.
//
// It sets no globals: what measures is handed the providers. Nothing here may
// see a payload. Start reading at [New]; it is the first to start and the last
// to stop.
//
// Source: STYLE section 10.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/stats"

	"example.com/redress/services/kit/config"
)

// Config says where measurements go.
type Config struct {
	// LogLevel is debug, info, warn or error. Default info.
	LogLevel string `yaml:"log_level"`
	// TracesEndpoint is host:port of an OTLP collector (gRPC). Empty: no span is
	// recorded; logs have trace ids and a caller's trace is handed on all the same.
	TracesEndpoint string `yaml:"traces_endpoint"`
	// TracesInsecure sends spans without TLS.
	TracesInsecure bool `yaml:"traces_insecure"`
	// SampleRatio is the share of traces begun here that is exported, 0 to 1.
	// Default 0.01. A caller's decision is followed.
	SampleRatio float64 `yaml:"sample_ratio"`
	// Exporter takes spans in tests, each when it ends, instead of TracesEndpoint.
	Exporter sdktrace.SpanExporter `yaml:"-"`
}

// Defaults implements config.Defaulter.
func (c *Config) Defaults() { c.LogLevel, c.SampleRatio = "info", 0.01 }

// Validate implements config.Validator.
func (c *Config) Validate(p *config.Problems) {
	p.Check(new(slog.Level).UnmarshalText([]byte(c.LogLevel)) == nil, "log_level", "%q is not debug, info, warn or error", c.LogLevel)
	p.Check(c.SampleRatio >= 0 && c.SampleRatio <= 1, "sample_ratio", "must be between 0 and 1, not %v", c.SampleRatio)
}

// Telemetry holds the providers of one process.
type Telemetry struct {
	// Logger writes JSON lines with the trace id of their context.
	Logger *slog.Logger
	// Tracers and Meters are for whoever measures.
	Tracers trace.TracerProvider
	Meters  metric.MeterProvider
	// Propagator carries trace context in W3C headers: traceparent and nothing else.
	Propagator propagation.TextMapPropagator
	// Metrics answers Prometheus; mount it at /metrics on a port that is not public.
	Metrics http.Handler

	service  string
	services *services
	business *business
	methods  *known
	stop     []func(context.Context) error
}

// New returns the telemetry of the named service. Logs go to out.
func New(ctx context.Context, service, version string, c Config, out io.Writer) (*Telemetry, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil && c.LogLevel != "" {
		return nil, fmt.Errorf("log level: %w", err)
	}
	t := &Telemetry{
		Logger:     slog.New(withTrace{slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level})}).With("service", service),
		Propagator: parentOnly{},
		service:    service,
		services:   &services{ratio: c.SampleRatio, version: version, named: map[string]*Telemetry{}},
		methods:    &known{},
	}
	if err := t.traces(ctx, c); err != nil {
		return nil, err
	}
	if err := t.metrics(about(service, version)); err != nil {
		return nil, errors.Join(err, t.Stop(ctx))
	}
	return t, nil
}

func about(service, version string) *resource.Resource {
	return resource.NewSchemaless(attribute.String("service.name", service), attribute.String("service.version", version))
}

func (t *Telemetry) traces(ctx context.Context, c Config) error {
	switch {
	case c.Exporter != nil:
		t.services.processor = sdktrace.NewSimpleSpanProcessor(wordless{c.Exporter})
	case c.TracesEndpoint != "":
		to := []otlptracegrpc.Option{otlptracegrpc.WithEndpoint(c.TracesEndpoint)}
		if c.TracesInsecure {
			to = append(to, otlptracegrpc.WithInsecure())
		}
		exporter, err := otlptracegrpc.New(ctx, to...)
		if err != nil {
			return fmt.Errorf("export traces: %w", err)
		}
		t.services.processor = sdktrace.NewBatchSpanProcessor(wordless{exporter})
	default:
		t.Tracers = passing{}
		return nil
	}
	t.Tracers = t.services.provider(t.service)
	t.stop = append(t.stop, t.services.processor.Shutdown)
	return nil
}

func (t *Telemetry) metrics(about *resource.Resource) error {
	registry := prometheus.NewRegistry()
	if err := registry.Register(collectors.NewGoCollector()); err != nil {
		return fmt.Errorf("metrics of the runtime: %w", err)
	}
	if err := registry.Register(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})); err != nil {
		return fmt.Errorf("metrics of the process: %w", err)
	}
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry), otelprometheus.WithoutScopeInfo())
	if err != nil {
		return fmt.Errorf("export metrics: %w", err)
	}
	if t.business, err = newBusiness(registry); err != nil {
		return fmt.Errorf("metrics of the services: %w", err)
	}
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter), sdkmetric.WithResource(about))
	t.Meters = provider
	t.Metrics = promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	t.stop = append(t.stop, provider.Shutdown)
	return nil
}

// Stop flushes what has not been exported. Whatever logs or measures stops before.
func (t *Telemetry) Stop(ctx context.Context) error {
	var errs []error
	for _, v := range slices.Backward(t.stop) {
		errs = append(errs, v(ctx))
	}
	t.stop = nil
	return errors.Join(errs...)
}

// Start does nothing: New has done it. It is there for package lifecycle.
func (t *Telemetry) Start(context.Context) error { return nil }

// ServerStats returns the stats handler for servers: spans and request metrics.
func (t *Telemetry) ServerStats() stats.Handler {
	return otelgrpc.NewServerHandler(append(t.grpc(), otelgrpc.WithFilter(t.methods.filter))...)
}

// ClientStats returns the stats handler for connections.
func (t *Telemetry) ClientStats() stats.Handler { return otelgrpc.NewClientHandler(t.grpc()...) }

func (t *Telemetry) grpc() []otelgrpc.Option {
	return []otelgrpc.Option{otelgrpc.WithTracerProvider(t.Tracers), otelgrpc.WithMeterProvider(t.Meters), otelgrpc.WithPropagators(t.Propagator)}
}

// TraceID returns the id of the trace that ctx belongs to; "" if it belongs to none.
func TraceID(ctx context.Context) string {
	if id := trace.SpanContextFromContext(ctx).TraceID(); id.IsValid() {
		return id.String()
	}
	return ""
}

// withTrace adds the trace id of the context to every line.
type withTrace struct{ slog.Handler }

// Handle implements slog.Handler.
func (h withTrace) Handle(ctx context.Context, r slog.Record) error {
	if id := TraceID(ctx); id != "" {
		r.AddAttrs(slog.String("trace_id", id))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h withTrace) WithAttrs(attrs []slog.Attr) slog.Handler {
	return withTrace{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h withTrace) WithGroup(name string) slog.Handler { return withTrace{h.Handler.WithGroup(name)} }
