package telemetry_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/stats"

	"example.com/redress/services/kit/config"
	"example.com/redress/services/kit/inproc"
	"example.com/redress/services/kit/lifecycle"
	"example.com/redress/services/kit/telemetry"
)

var _ lifecycle.Service = (*telemetry.Telemetry)(nil)

func open(t *testing.T, c telemetry.Config) (*telemetry.Telemetry, *bytes.Buffer) {
	t.Helper()
	out := &bytes.Buffer{}
	tel, err := telemetry.New(t.Context(), "intake", "v1", c, out)
	require.NoError(t, err)
	return tel, out
}

func lines(t *testing.T, out *bytes.Buffer) []map[string]any {
	t.Helper()
	var all []map[string]any
	for d := json.NewDecoder(out); d.More(); {
		line := map[string]any{}
		require.NoError(t, d.Decode(&line))
		all = append(all, line)
	}
	return all
}

func TestEveryLineOfATraceHasItsID(t *testing.T) {
	t.Parallel()
	tel, out := open(t, telemetry.Config{SampleRatio: 0})
	ctx, span := tel.Tracers.Tracer("t").Start(t.Context(), "s")
	tel.Logger.With("k", "v").InfoContext(ctx, "in a trace")
	tel.Logger.InfoContext(t.Context(), "outside")
	span.End()
	got := lines(t, out)
	require.Equal(t, telemetry.TraceID(ctx), got[0]["trace_id"])
	require.Len(t, got[0]["trace_id"], 32)
	require.Equal(t, "intake", got[0]["service"])
	require.NotContains(t, got[1], "trace_id")
	require.NoError(t, tel.Stop(t.Context()))
	require.NoError(t, tel.Stop(t.Context()))
}

func TestLevelsAreKept(t *testing.T) {
	t.Parallel()
	tel, out := open(t, telemetry.Config{LogLevel: "warn"})
	tel.Logger.Info("quiet")
	tel.Logger.Warn("loud")
	require.Len(t, lines(t, out), 1)
	require.NoError(t, tel.Stop(t.Context()))
	_, err := telemetry.New(t.Context(), "s", "v", telemetry.Config{LogLevel: "loud"}, out)
	require.Error(t, err)
}

func TestMetricsAnswerPrometheus(t *testing.T) {
	t.Parallel()
	tel, _ := open(t, telemetry.Config{})
	counter, err := tel.Meters.Meter("m").Int64Counter("sla_overdue", metric.WithUnit("s"))
	require.NoError(t, err)
	counter.Add(t.Context(), 3)
	answer := httptest.NewRecorder()
	tel.Metrics.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	require.Contains(t, answer.Body.String(), "sla_overdue_seconds_total")
	require.Contains(t, answer.Body.String(), "go_goroutines")
	require.NoError(t, tel.Stop(t.Context()))
}

func TestCallsAreMeasuredAndTheirTraceTravels(t *testing.T) {
	t.Parallel()
	tel, _ := open(t, telemetry.Config{SampleRatio: 1})
	s := inproc.NewServer(inproc.Options{Stats: []stats.Handler{tel.ServerStats()}})
	healthpb.RegisterHealthServer(s, health.NewServer())
	s.Serve()
	ctx, span := tel.Tracers.Tracer("t").Start(t.Context(), "s")
	carrier := propagation.MapCarrier{}
	tel.Propagator.Inject(ctx, carrier)
	require.Contains(t, carrier["traceparent"], telemetry.TraceID(ctx))
	_, err := healthpb.NewHealthClient(s.Dial(inproc.ConnOptions{Stats: []stats.Handler{tel.ClientStats()}})).Check(ctx, &healthpb.HealthCheckRequest{})
	require.NoError(t, err)
	span.End()
	s.GracefulStop()
	answer := httptest.NewRecorder()
	tel.Metrics.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	require.Contains(t, answer.Body.String(), "rpc_server_")
	require.Contains(t, answer.Body.String(), "rpc_client_")
	require.NoError(t, tel.Stop(t.Context()))
}

func TestACollectorThatIsAwayDoesNotKeepAServiceFromStarting(t *testing.T) {
	t.Parallel()
	tel, _ := open(t, telemetry.Config{TracesEndpoint: "127.0.0.1:1", TracesInsecure: true})
	require.NoError(t, tel.Start(t.Context()))
	require.NoError(t, tel.Stop(t.Context()))
}

func TestConfigurationIsChecked(t *testing.T) {
	t.Parallel()
	c := &telemetry.Config{}
	require.NoError(t, config.Parse("t.yaml", nil, c))
	require.Equal(t, "info", c.LogLevel)
	err := config.Parse("t.yaml", []byte("log_level: loud\nsample_ratio: 2"), c)
	require.ErrorContains(t, err, "log_level: ")
	require.ErrorContains(t, err, "sample_ratio: must be between")
}
