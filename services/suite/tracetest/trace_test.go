package tracetest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"google.golang.org/protobuf/encoding/protojson"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/suite"
	"example.com/redress/services/suite/suitetest"
)

// What a caller says of itself and of somebody, which no span may hold.
const (
	canary    = "qzkanari"
	bird      = "金丝雀"
	telephone = "13977771001"
	traceID   = "4bf92f3577b34da6a3ce929d0e0e4736"
	spanID    = "00f067aa0ba902b7"
)

// traced is a suite whose spans are kept, and that begins no trace of its own.
func traced(t *testing.T) (*suitetest.Suite, *tracetest.InMemoryExporter) {
	t.Helper()
	spans := tracetest.NewInMemoryExporter()
	return suitetest.New(t, func(c *suite.Config) {
		c.Process.Telemetry.Exporter, c.Process.Telemetry.SampleRatio = spans, 0
	}), spans
}

func complaint() *intakev1.Complaint {
	c := suitetest.Complaint()
	c.Description = canary + " " + bird
	c.Complainant.DisplayName, c.Complainant.Telephone, c.Complainant.Email = bird, telephone, canary+"@customer.example"
	return c
}

// service returns whose span it is.
func service(s tracetest.SpanStub) string {
	v, _ := s.Resource.Set().Value("service.name")
	return v.AsString()
}

// said returns every word a span carries.
func said(s tracetest.SpanStub) string {
	var b strings.Builder
	fmt.Fprintln(&b, s.Name, s.Status, s.SpanContext.TraceState().String(), s.Events, s.Links)
	for _, a := range append(s.Attributes, s.Resource.Attributes()...) {
		fmt.Fprintln(&b, a.Key, a.Value.String())
	}
	return b.String()
}

func has(s tracetest.SpanStub, key, value string) bool {
	for _, a := range s.Attributes {
		if a.Key == attribute.Key(key) && a.Value.String() == value {
			return true
		}
	}
	return false
}

// tree requires that every span has its parent among them, but for the one whose
// parent is the caller's, and returns them by id.
func tree(t *testing.T, spans tracetest.SpanStubs) map[string]tracetest.SpanStub {
	t.Helper()
	byID := map[string]tracetest.SpanStub{}
	for _, s := range spans {
		byID[s.SpanContext.SpanID().String()] = s
	}
	var roots []string
	for _, s := range spans {
		require.Equal(t, traceID, s.SpanContext.TraceID().String(), "nothing else is sampled: %s of %s", s.Name, service(s))
		seen := map[string]bool{}
		for at := s; ; {
			parent := at.Parent.SpanID().String()
			require.False(t, seen[parent], "%s is its own ancestor", s.Name)
			seen[parent] = true
			if parent == spanID {
				roots = append(roots, at.SpanContext.SpanID().String())
				break
			}
			next, ok := byID[parent]
			require.True(t, ok, "%s of %s hangs in the air", at.Name, service(at))
			at = next
		}
	}
	for _, r := range roots {
		require.Equal(t, roots[0], r, "one root")
	}
	return byID
}

// ended returns the spans once the named one is among them, none waits for a parent
// and those given have a reaction below its parent: the span of a reaction ends a
// moment after what it did can be seen.
func ended(t *testing.T, spans *tracetest.InMemoryExporter, name string, reacting ...string) tracetest.SpanStubs {
	t.Helper()
	ctx, cancel := clock.System().WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		all, known, there := spans.GetSpans(), map[string]bool{spanID: true}, false
		for _, s := range all {
			known[s.SpanContext.SpanID().String()] = true
			there = there || s.Name == name
		}
		missing, told := false, reactions(all, name)
		for _, s := range all {
			missing = missing || !known[s.Parent.SpanID().String()]
		}
		for _, service := range reacting {
			missing = missing || !told[service]
		}
		if there && !missing || clock.System().Pause(ctx, 10*time.Millisecond) != nil {
			return all
		}
	}
}

// reactions returns the services that applied what was done in the parent of the span named.
func reactions(all tracetest.SpanStubs, name string) map[string]bool {
	told := map[string]bool{}
	for _, sent := range all {
		for _, x := range all {
			if sent.Name == name && x.Name == "feed apply" && x.Parent.SpanID() == sent.Parent.SpanID() {
				told[service(x)] = true
			}
		}
	}
	return told
}

func TestOneTraceLeadsFromTheRequestToTheDeliveredNotice(t *testing.T) {
	t.Parallel()
	s, spans := traced(t)
	body, err := protojson.Marshal(complaint())
	require.NoError(t, err)
	got := s.JSON(agent, http.MethodPost, "/v1/complaints", body, "Content-Type", "application/json", "Idempotency-Key", suitetest.ID(),
		"Traceparent", "00-"+traceID+"-"+spanID+"-01", "Tracestate", canary+"="+canary, "Baggage", canary+"="+canary, "User-Agent", canary)
	require.Equal(t, http.StatusOK, got.Code, "%s", got.Raw)
	s.Settled()
	mails, err := os.ReadDir(s.Path("mailbox", "new"))
	require.NoError(t, err)
	require.NotEmpty(t, mails, "the customer was told that the complaint was received")

	all := ended(t, spans, "send email", "routing", "reporting")
	byID := tree(t, all)
	find := func(of, name string, more ...string) tracetest.SpanStub {
		t.Helper()
		for _, x := range all {
			fits := service(x) == of && x.Name == name
			for i := 0; i+1 < len(more); i += 2 {
				fits = fits && has(x, more[i], more[i+1])
			}
			if fits {
				return x
			}
		}
		t.Fatalf("no span %q of %s in:\n%s", name, of, show(all))
		return tracetest.SpanStub{}
	}
	edge := find("gateway", "POST /v1/complaints", "http.route", "/v1/complaints", "http.response.status_code", "200")
	require.Equal(t, spanID, edge.Parent.SpanID().String())
	call := find("gateway", "redress.intake.v1.IntakeService/CreateComplaint")
	created := find("intake", "redress.intake.v1.IntakeService/CreateComplaint")
	routed := find("routing", "feed apply", "messaging.destination.name", "intake")
	sent := find("notification", "send email", "redress.notice.media", "email")
	attempt := byID[sent.Parent.SpanID().String()]
	require.Equal(t, "deliver notice", attempt.Name)
	issued := byID[attempt.Parent.SpanID().String()]
	require.Equal(t, "feed apply", issued.Name)
	require.Equal(t, "notification", service(issued))
	require.Subset(t, reactions(all, "send email"), map[string]bool{"routing": true, "reporting": true}, "who listens to notification hears of the delivery in the same trace")
	for _, link := range []struct{ child, parent tracetest.SpanStub }{{call, edge}, {created, call}, {routed, created}} {
		require.Equal(t, link.parent.SpanContext.SpanID(), link.child.Parent.SpanID(), "%s below %s", link.child.Name, link.parent.Name)
	}

	for _, x := range all {
		for _, word := range []string{canary, bird, telephone, "127.0.0.1"} {
			require.NotContains(t, strings.ToLower(said(x)), word, "%s of %s", x.Name, service(x))
		}
	}
}

// show prints spans as lines, for what a failed test says.
func show(all tracetest.SpanStubs) string {
	var b strings.Builder
	for _, x := range all {
		fmt.Fprintf(&b, "%s %s %s below %s %v\n", service(x), x.Name, x.SpanContext.SpanID(), x.Parent.SpanID(), x.Attributes)
	}
	return b.String()
}

// A gRPC caller's trace is continued too, and a refusal says no word of the request.
func TestARefusalIsTracedWithoutItsWords(t *testing.T) {
	t.Parallel()
	s, spans := traced(t)
	for _, body := range []any{
		map[string]any{canary: bird},
		map[string]any{"channel": canary, "medium": "MEDIUM_TELEPHONE", "category": bird, "description": canary, "complainant": map[string]any{"telephone": bird}},
	} {
		raw, err := json.Marshal(body)
		require.NoError(t, err)
		got := s.JSON(agent, http.MethodPost, "/v1/complaints?filter="+canary, raw, "Content-Type", "application/json",
			"Idempotency-Key", suitetest.ID(), "Traceparent", "00-"+traceID+"-"+spanID+"-01")
		require.GreaterOrEqual(t, got.Code, http.StatusBadRequest)
	}
	got := s.JSON(agent, canary, "/v1/"+canary+"/"+bird, nil, "Traceparent", "00-"+traceID+"-"+spanID+"-01")
	require.GreaterOrEqual(t, got.Code, http.StatusBadRequest)
	all := spans.GetSpans()
	require.NotEmpty(t, all)
	for _, x := range all {
		require.NotContains(t, said(x), canary, "%s of %s", x.Name, service(x))
		require.NotContains(t, said(x), bird, "%s of %s", x.Name, service(x))
	}
}
