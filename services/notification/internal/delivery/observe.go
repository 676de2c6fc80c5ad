package delivery

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/telemetry"
)

// The media, as spans and figures name them.
const (
	MediumEmail   = "email"
	MediumSMS     = "sms"
	MediumWebhook = "webhook"
)

// Media returns all media.
func Media() []string { return []string{MediumEmail, MediumSMS, MediumWebhook} }

// Observe returns the sender with a span and figures around each attempt. They say
// by which medium and how it ended, nothing of the message and not to whom. A nil
// tracer makes no spans, nil measures count nothing. The trace does not leave the
// suite: a receiver is somebody else's.
func Observe(s Sender, medium string, tracers trace.TracerProvider, m *telemetry.Measures) Sender {
	o := observed{sender: s, medium: medium, measures: m}
	if tracers != nil {
		o.tracer = tracers.Tracer("example.com/redress/services/notification/delivery")
	}
	return o
}

type observed struct {
	sender   Sender
	medium   string
	tracer   trace.Tracer
	measures *telemetry.Measures
}

// Send implements [Sender].
func (o observed) Send(ctx context.Context, m Message) (Result, error) {
	began := clock.System().Now()
	end := func(error) {}
	if o.tracer != nil {
		var span trace.Span
		ctx, span = o.tracer.Start(ctx, "send "+o.medium, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
			attribute.String("messaging.operation.type", "send"), attribute.String("redress.notice.media", o.medium)))
		end = func(err error) {
			if f, ok := errors.AsType[*Failure](err); ok {
				span.SetAttributes(attribute.String("error.type", f.Reason))
				span.SetStatus(codes.Error, "")
			}
			span.End()
		}
	}
	result, err := o.sender.Send(ctx, m)
	end(err)
	outcome := telemetry.OutcomeDelivered
	switch {
	case err != nil && ClassOf(err) == Final:
		outcome = telemetry.OutcomeRefused
	case err != nil:
		outcome = telemetry.OutcomeAgain
	}
	o.measures.Attempted(o.medium, outcome, clock.System().Since(began))
	return result, err
}
