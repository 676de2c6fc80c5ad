package privacytest_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// metrics returns the page for Prometheus.
func (p *play) metrics() string {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, "http://"+p.MetricsAddr()+"/metrics", nil)
	require.NoError(p.t, err)
	client := http.Client{Timeout: 20 * time.Second}
	got, err := client.Do(req)
	require.NoError(p.t, err)
	content, err := io.ReadAll(got.Body)
	require.NoError(p.t, err)
	require.NoError(p.t, got.Body.Close())
	require.Equal(p.t, http.StatusOK, got.StatusCode)
	return string(content)
}

// words returns everything a span says.
func words(s tracetest.SpanStub) string {
	var b strings.Builder
	fmt.Fprintln(&b, s.Name, s.Status.Description, s.SpanContext.TraceState().String(), s.InstrumentationScope)
	attributes := func(all []attribute.KeyValue) {
		for _, a := range all {
			fmt.Fprintln(&b, a.Key, a.Value.String())
		}
	}
	attributes(s.Attributes)
	attributes(s.Resource.Attributes())
	for _, e := range s.Events {
		fmt.Fprintln(&b, e.Name)
		attributes(e.Attributes)
	}
	for _, l := range s.Links {
		attributes(l.Attributes)
	}
	return b.String()
}

// TestTheReaderOfSpansCatchesAPlantedLeak shows that a leak into a span would be found wherever it is.
func TestTheReaderOfSpansCatchesAPlantedLeak(t *testing.T) {
	t.Parallel()
	state, err := trace.ParseTraceState(mark + "=1")
	require.NoError(t, err)
	for name, s := range map[string]tracetest.SpanStub{
		"name":      {Name: mark},
		"attribute": {Attributes: []attribute.KeyValue{attribute.String("a", bird)}},
		"event":     {Events: []sdktrace.Event{{Name: "e", Attributes: []attribute.KeyValue{attribute.String("exception.message", mark)}}}},
		"status":    {Status: sdktrace.Status{Description: mark}},
		"state":     {SpanContext: trace.NewSpanContext(trace.SpanContextConfig{TraceState: state})},
	} {
		require.NotEmpty(t, leaks([]byte(words(s))), name)
	}
	require.Empty(t, leaks([]byte(words(tracetest.SpanStub{Name: "feed apply"}))))
}
