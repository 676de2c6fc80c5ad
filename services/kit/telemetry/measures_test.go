package telemetry_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/stats"

	"example.com/redress/services/kit/telemetry"
)

func page(tel *telemetry.Telemetry) string {
	answer := httptest.NewRecorder()
	tel.Metrics.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return answer.Body.String()
}

func TestFiguresOfAServiceStandAtZeroFromTheStart(t *testing.T) {
	t.Parallel()
	tel, _ := open(t, telemetry.Config{})
	m := tel.Measures("routing")
	m.Delivers("email")
	for _, line := range []string{
		`redress_timer_lateness_seconds_count{service="routing"} 0`, `redress_timer_failures_total{service="routing"} 0`,
		`redress_journal_group_size_count{service="routing"} 0`, `redress_journal_commit_duration_seconds_count{service="routing"} 0`,
		`redress_delivery_duration_seconds_count{media="email",outcome="again",service="routing"} 0`,
		`redress_notice_attempts_count{media="email",service="routing",state="failed"} 0`,
	} {
		require.Contains(t, page(tel), line)
	}
	m.Fired(90 * time.Second)
	m.FireFailed()
	m.Committed(3, time.Millisecond)
	m.Attempted("email", telemetry.OutcomeAgain, time.Second)
	m.Ended("email", telemetry.EndFailed, 4)
	for _, line := range []string{
		`redress_timer_lateness_seconds_bucket{service="routing",le="60"} 0`, `redress_timer_lateness_seconds_sum{service="routing"} 90`,
		`redress_timer_failures_total{service="routing"} 1`, `redress_journal_group_size_sum{service="routing"} 3`,
		`redress_journal_commit_duration_seconds_sum{service="routing"} 0.001`,
		`redress_delivery_duration_seconds_sum{media="email",outcome="again",service="routing"} 1`,
		`redress_notice_attempts_sum{media="email",service="routing",state="failed"} 4`,
	} {
		require.Contains(t, page(tel), line)
	}
	require.NoError(t, tel.Stop(t.Context()))
}

func TestFiguresAreReadWhenThePageIsAskedFor(t *testing.T) {
	t.Parallel()
	tel, _ := open(t, telemetry.Config{})
	m := tel.Measures("routing")
	parked, broken := 1.0, error(nil)
	m.Read(func(context.Context) ([]telemetry.Figure, error) {
		return []telemetry.Figure{{Name: telemetry.ParkedEvents, Label: "intake", Value: parked}, {Name: "no_such_name", Value: 1}}, broken
	})
	require.Contains(t, page(tel), `redress_parked_events{service="routing",source="intake"} 1`)
	require.Contains(t, page(tel), `redress_collect_failed{service="routing"} 0`)
	require.NotContains(t, page(tel), "no_such_name")
	parked, broken = 2, errors.New("away")
	require.Contains(t, page(tel), `redress_parked_events{service="routing",source="intake"} 2`)
	require.Contains(t, page(tel), `redress_collect_failed{service="routing"} 1`)
	m.Read(nil)
	require.NotContains(t, page(tel), "redress_parked_events{")
	require.NoError(t, tel.Stop(t.Context()))
	var none *telemetry.Measures
	none.Read(nil)
	none.Fired(1)
	none.FireFailed()
	none.Committed(1, 1)
	none.Delivers("email")
	none.Attempted("email", "", 1)
	none.Ended("email", "", 1)
}

// Spans say what happened and never whose words led to it.
func TestSpansLeaveWithoutWords(t *testing.T) {
	t.Parallel()
	const canary = "qzkanari"
	exporter := tracetest.NewInMemoryExporter()
	tel, _ := open(t, telemetry.Config{Exporter: exporter, SampleRatio: 1})
	require.NotNil(t, tel.Recorder())
	ctx := tel.Propagator.Extract(t.Context(), propagation.MapCarrier{
		"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "tracestate": canary + "=" + canary, "baggage": canary + "=" + canary,
	})
	ctx, span := tel.For("notification").Tracers.Tracer("t").Start(ctx, "s", trace.WithAttributes(
		attribute.String("client.address", canary), attribute.String("url.query", canary), attribute.String("rpc.method", "m")))
	span.SetStatus(codes.Error, canary)
	span.RecordError(errors.New(canary))
	span.End()
	out := propagation.MapCarrier{}
	tel.Propagator.Inject(ctx, out)
	require.Len(t, out, 1)
	require.Equal(t, out["traceparent"], telemetry.Traceparent(ctx))

	got := exporter.GetSpans()
	require.Len(t, got, 1)
	text, err := got[0].SpanContext.MarshalJSON()
	require.NoError(t, err)
	require.NotContains(t, string(text), canary)
	require.Equal(t, []attribute.KeyValue{attribute.String("rpc.method", "m")}, got[0].Attributes)
	require.Equal(t, codes.Error, got[0].Status.Code)
	require.Empty(t, got[0].Status.Description)
	require.Empty(t, got[0].Events)
	require.Contains(t, got[0].Resource.Attributes(), attribute.String("service.name", "notification"))
	require.NoError(t, tel.Stop(t.Context()))
}

func TestWithoutAnExporterNothingIsRecordedAndTheTraceGoesOn(t *testing.T) {
	t.Parallel()
	const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	tel, _ := open(t, telemetry.Config{SampleRatio: 1})
	require.Nil(t, tel.Recorder())
	require.Same(t, tel, tel.For("routing"))
	ctx, span := tel.Tracers.Tracer("t").Start(telemetry.Continue(t.Context(), traceparent), "s")
	defer span.End()
	require.False(t, span.IsRecording())
	require.Equal(t, traceparent, telemetry.Traceparent(ctx))
	require.Empty(t, telemetry.Traceparent(telemetry.Continue(ctx, "")))
	require.Empty(t, telemetry.Traceparent(t.Context()))
	require.NoError(t, tel.Stop(t.Context()))
}

// A caller can send any name; only those that exist become labels.
func TestCallsOfNoMethodAreNotCounted(t *testing.T) {
	t.Parallel()
	tel, _ := open(t, telemetry.Config{})
	h := tel.ServerStats()
	for _, name := range []string{"/qzkanari.Service/Method", "/grpc.health.v1.Health/qzkanari", "/grpc.health.v1.Health/Check", "qzkanari"} {
		ctx := h.TagRPC(t.Context(), &stats.RPCTagInfo{FullMethodName: name})
		h.HandleRPC(ctx, &stats.Begin{})
		h.HandleRPC(ctx, &stats.End{})
	}
	require.NotContains(t, page(tel), "qzkanari")
	require.Contains(t, page(tel), `rpc_method="grpc.health.v1.Health/Check"`)
	require.NoError(t, tel.Stop(t.Context()))
}
