package feed_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"example.com/redress/services/kit/feed"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/kittest"
)

func TestSpansContinueTheTraceThatLedToTheEvent(t *testing.T) {
	t.Parallel()
	const trace, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	const traceparent = "00-" + trace + "-" + span + "-01"
	from := openSource(t, kittest.SQLite(t))
	_, err := from.Write(t.Context(), journal.Work{Organization: org, Key: "complaints/c", Traceparent: traceparent}, func(u *journal.Unit) error {
		return u.Create("cases/c", wrapperspb.Int64(1), wrapperspb.String("claim"))
	})
	require.NoError(t, err)
	conn := serve(t, inProcess, from, feed.ServerOptions{})

	recorder := tracetest.NewSpanRecorder()
	to := openSink(t, kittest.SQLite(t))
	c := run(t, to, conn, (&script{}).apply, feed.Options{Tracer: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))})
	await(t, c, from)
	require.NoError(t, c.Stop(within(t)))
	ended := recorder.Ended()
	require.Len(t, ended, 1)
	require.Equal(t, "feed apply", ended[0].Name())
	require.Equal(t, trace, ended[0].SpanContext().TraceID().String())
	require.Equal(t, span, ended[0].Parent().SpanID().String())
	require.Equal(t, "00-"+trace+"-"+ended[0].SpanContext().SpanID().String()+"-01", reaction(t, to), "the reaction carries the span on")

	plain := openSink(t, kittest.SQLite(t))
	c = run(t, plain, conn, (&script{}).apply, feed.Options{})
	await(t, c, from)
	require.Equal(t, traceparent, reaction(t, plain), "without a tracer the trace is handed on")
}

// reaction returns the traceparent of the claim's first event.
func reaction(t *testing.T, j *journal.Journal) string {
	t.Helper()
	events, err := j.History(t.Context(), org, "claims/c", 0, 1)
	require.NoError(t, err)
	require.Len(t, events, 1)
	body, err := journal.Body(events[0])
	require.NoError(t, err)
	return body.Traceparent
}
