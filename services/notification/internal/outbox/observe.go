package outbox

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/telemetry"
	"example.com/redress/services/notification/internal/delivery"
	"example.com/redress/services/notification/internal/domain"
)

// span begins the span of an attempt, a child of what issued the notice or of the
// attempt before. Where nothing is recorded it reads nothing and changes nothing.
func (b *Outbox) span(ctx context.Context, organization string, n *notificationv1.Notice, version int64) (context.Context, trace.Span) {
	if b.o.Tracer == nil {
		return ctx, noop.Span{}
	}
	parent := ""
	if events, err := b.host.Journal.History(ctx, organization, n.GetName(), version-1, 1); err == nil && len(events) > 0 {
		if body, err := journal.Body(events[0]); err == nil {
			parent = body.GetTraceparent()
		}
	}
	return b.o.Tracer.Tracer("example.com/redress/services/notification/outbox").Start(telemetry.Continue(ctx, parent), "deliver notice", //nolint:spancheck // attempt ends it
		trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
			attribute.String("redress.notice.media", mediumOf(n)), attribute.String("redress.notice.kind", n.GetKind()),
			attribute.Int("redress.notice.attempt", domain.Tries(n)+1),
		))
}

func (b *Outbox) traceparent(ctx context.Context) string {
	if b.o.Tracer == nil {
		return ""
	}
	return telemetry.Traceparent(ctx)
}

// mediumOf returns the medium's word in spans and figures.
func mediumOf(n *notificationv1.Notice) string {
	switch n.GetMedia() {
	case notificationv1.Notice_MEDIA_EMAIL:
		return delivery.MediumEmail
	case notificationv1.Notice_MEDIA_SMS:
		return delivery.MediumSMS
	case notificationv1.Notice_MEDIA_WEBHOOK:
		return delivery.MediumWebhook
	}
	return strings.ToLower(strings.TrimPrefix(n.GetMedia().String(), "MEDIA_"))
}

// ended counts a notice that needs no further attempt, with the tries it took.
func (b *Outbox) ended(n *notificationv1.Notice) {
	var state string
	switch n.GetState() {
	case notificationv1.Notice_STATE_DELIVERED:
		state = telemetry.EndDelivered
	case notificationv1.Notice_STATE_FAILED:
		state = telemetry.EndFailed
	case notificationv1.Notice_STATE_EXPIRED:
		state = telemetry.EndExpired
	default:
		return
	}
	b.o.Measures.Ended(mediumOf(n), state, len(n.GetAttempts()))
}
