// Package outbox sends notices: it takes those that are due, opens what is sealed,
// hands the message to a sender, and records how it went. Every attempt of a notice
// goes out under its one key, so a receiver that was reached but could not say so
// sees it twice, never two different ones.
//
// What is sent, and until when, was decided before; whether to try again is
// [delivery.Backoff]'s. Start reading at [Outbox.Run], then [Outbox.deliver].
//
// Source: DESIGN sections 4 and 6; RELIABILITY 3.5.
package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/host"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/telemetry"
	"example.com/redress/services/notification/internal/app"
	"example.com/redress/services/notification/internal/delivery"
	"example.com/redress/services/notification/internal/domain"
)

// Options are what an outbox sends with.
type Options struct {
	// Desk knows the hours of notices and makes survey links.
	Desk *app.Desk
	// Mail and SMS send; nil if the operator has not configured them.
	Mail, SMS delivery.Sender
	// SMSVariables are the further variables of the provider's template.
	SMSVariables []string
	// Receivers reaches webhooks.
	Receivers *Receivers
	// BaseURL is where links lead, without a slash at its end.
	BaseURL string
	// Dial returns the connection to another service.
	Dial func(service string) grpc.ClientConnInterface
	// Backoff says when to try again; the zero value takes the default.
	Backoff delivery.Backoff
	// Tracer makes a span for every attempt, within the trace that led to the notice; nil makes none.
	Tracer trace.TracerProvider
	// Measures counts attempts; nil counts none.
	Measures *telemetry.Measures
	// Replicas says that other processes work on the same database: then one of them sends.
	Replicas bool
}

// Bounds of the loop.
const (
	// workers is how many sends are in hand at once.
	workers = 16
	// batch is how many due notices are read at once.
	batch = 64
	// sendTimeout bounds one attempt with everything around it.
	sendTimeout = time.Minute
	// poll is the net beneath commits and timers, for those of other replicas.
	poll = time.Second
	// pause is how long a notice rests whose result could not be stored.
	pause = time.Second
	// leaseTTL is how long another replica waits for one that died; Source: DESIGN section 4.
	leaseTTL = 15 * time.Second
)

// Outbox sends what is due. Safe for concurrent use after Bind.
type Outbox struct {
	o       Options
	host    *host.Host
	limits  *limits
	targets *targets
	random  *rand.Rand
	holder  string
	held    time.Time // until when the lease is surely ours; only Run looks at it

	mu     sync.Mutex
	inHand map[string]bool // organisation and name
	freed  chan struct{}   // told when something left inHand
}

// New returns an outbox; Bind gives it its host before it runs.
func New(o Options) *Outbox {
	o.BaseURL = strings.TrimRight(o.BaseURL, "/")
	if o.Backoff == (delivery.Backoff{}) {
		o.Backoff = delivery.DefaultBackoff()
	}
	return &Outbox{o: o, limits: newLimits(), targets: newTargets(), random: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())), //nolint:gosec // jitter, no secret
		holder: fmt.Sprintf("outbox-%016x", rand.Uint64()), inHand: map[string]bool{}, freed: make(chan struct{}, 1)} //nolint:gosec // a name
}

// Bind gives the outbox the host it works for. It is called once, before Start.
func (b *Outbox) Bind(h *host.Host) { b.host = h }

// leaseName is held by the one replica that sends.
const leaseName = "outbox"

// Run sends what falls due until ctx ends, and then waits for the sends in hand.
// Of several replicas one sends at a time: the key makes a notice that is sent by
// two harmless, the lease makes it rare.
func (b *Outbox) Run(ctx context.Context) error {
	slots := make(chan struct{}, workers)
	var sending sync.WaitGroup
	defer func() {
		sending.Wait()
		if b.o.Replicas {
			// Another replica may take over at once; if this fails it waits for the lease to end.
			_ = b.host.Journal.Unlease(context.WithoutCancel(ctx), leaseName, b.holder)
		}
	}()
	for ctx.Err() == nil {
		committed := b.host.Journal.Committed()
		started := 0
		mine, err := b.lease(ctx)
		if err == nil && mine {
			started, err = b.start(ctx, slots, &sending)
		}
		if err != nil && ctx.Err() == nil {
			b.host.Logger.WarnContext(ctx, "notices cannot be looked for", slog.Any("error", err))
			if clock.System().Pause(ctx, pause) != nil {
				break
			}
		}
		if started == 0 {
			b.wait(ctx, committed)
		}
	}
	return nil
}

// lease reports whether this process is the one that sends.
func (b *Outbox) lease(ctx context.Context) (bool, error) {
	now := clock.System().Now()
	if !b.o.Replicas || now.Before(b.held) {
		return true, nil
	}
	mine, err := b.host.Journal.Lease(ctx, leaseName, b.holder, now, leaseTTL)
	if err == nil && mine {
		b.held = now.Add(leaseTTL / 3)
	}
	return mine, err
}

// start takes due notices in hand as far as there are slots.
func (b *Outbox) start(ctx context.Context, slots chan struct{}, sending *sync.WaitGroup) (int, error) {
	due, err := b.host.Due(ctx, app.Notices, batch)
	if err != nil {
		return 0, err
	}
	started := 0
	for _, t := range due {
		if !b.claim(t) {
			continue
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			b.release(t)
			return started, nil
		}
		started++
		sending.Go(func() {
			defer func() { <-slots; b.release(t) }()
			// A send that has begun is finished: what the receiver took must be recorded.
			ctx, cancel := clock.System().WithTimeout(context.WithoutCancel(ctx), sendTimeout)
			defer cancel()
			b.attempt(ctx, t)
		})
	}
	return started, nil
}

func id(t journal.Timer) string { return t.Organization + "/" + t.Name }

func (b *Outbox) claim(t journal.Timer) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.inHand[id(t)] {
		return false
	}
	b.inHand[id(t)] = true
	return true
}

func (b *Outbox) release(t journal.Timer) {
	b.mu.Lock()
	delete(b.inHand, id(t))
	b.mu.Unlock()
	select {
	case b.freed <- struct{}{}:
	default:
	}
}

// wait returns when there may be something to send.
func (b *Outbox) wait(ctx context.Context, committed <-chan struct{}) {
	ticker := clock.System().NewTimer(poll)
	defer ticker.Stop()
	var due <-chan struct{}
	if next, ok, err := b.host.NextInstant(ctx); err == nil && ok {
		timer := b.host.Clock.Timer(next)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
	case <-committed:
	case <-due:
	case <-b.freed:
	case <-ticker.C:
	}
}

// Quiet reports that nothing is due or in hand.
func (b *Outbox) Quiet(ctx context.Context) (bool, error) {
	if due, err := b.host.Due(ctx, app.Notices, 1); err != nil || len(due) > 0 {
		return false, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.inHand) == 0, nil
}

// attempt tries one notice once and records the result.
func (b *Outbox) attempt(ctx context.Context, t journal.Timer) {
	n := &notificationv1.Notice{}
	version, err := b.host.Journal.Get(ctx, t.Organization, t.Name, n)
	if err == nil && n.GetState() == notificationv1.Notice_STATE_PENDING && n.GetGeneration() == t.Generation {
		traced, span := b.span(ctx, t.Organization, n, version)
		err = b.record(traced, t, n, b.deliver(traced, t.Organization, n))
		span.End()
	}
	if err != nil {
		// It is still due and goes out again, under the same key.
		b.host.Logger.WarnContext(ctx, "the result of a delivery cannot be stored", slog.String("notice", t.Name), slog.Any("error", err))
		_ = clock.System().Pause(ctx, pause) // ends early with the attempt's own time
	}
}

// verdict is what is recorded of an attempt.
type verdict struct {
	outcome domain.Outcome
	// expired: it is no longer worth sending.
	expired bool
	// later: it was not tried, and is to be tried then.
	later time.Time
}

// again reports that there is to be another attempt, within the hours of the notice.
func (v verdict) again() bool { return !v.expired && (!v.later.IsZero() || v.outcome.Again) }

// deliver decides what is to be done with a due notice and sends it if it is to be sent.
func (b *Outbox) deliver(ctx context.Context, organization string, n *notificationv1.Notice) verdict {
	now := b.host.Clock.Now()
	if domain.IsOver(n, now) {
		return verdict{expired: true}
	}
	sender, err := b.sender(ctx, organization, n)
	if err != nil {
		return b.failed(ctx, n, err)
	}
	m, err := b.compose(ctx, organization, n)
	if err != nil {
		return b.failed(ctx, n, err)
	}
	if to, ok := b.limits.take(organization, n.GetMedia(), m.To, now); !ok {
		return verdict{later: to}
	}
	at := targetOf(organization, n)
	if at != "" {
		if to, ok := b.targets.take(at, now); !ok {
			return verdict{later: to}
		}
	}
	began := clock.System().Now()
	_, err = delivery.Observe(sender, mediumOf(n), b.o.Tracer, b.o.Measures).Send(ctx, m)
	if at != "" {
		b.targets.done(at, b.host.Clock.Now(), clock.System().Since(began), reasonOf(err) != delivery.ReasonUnreachable)
	}
	if err != nil {
		b.limits.giveBack(organization, n.GetMedia(), m.To, now)
		return b.failed(ctx, n, err)
	}
	return verdict{outcome: domain.Outcome{Delivered: true}}
}

// reasonOf returns why a message was not taken; "" for no error.
func reasonOf(err error) string {
	if f, ok := errors.AsType[*delivery.Failure](err); ok {
		return f.Reason
	}
	if err != nil {
		return delivery.ReasonUnreachable
	}
	return ""
}

// targetOf returns the receiver that a notice goes to and that may hold up others;
// "" for those that have one server for all.
func targetOf(organization string, n *notificationv1.Notice) string {
	if n.GetMedia() != notificationv1.Notice_MEDIA_WEBHOOK {
		return ""
	}
	return organization + " " + n.GetRecipient()
}

// failed turns an error into what is recorded. The log gets the sender's words,
// which hold nothing of the message; the notice gets the reason.
func (b *Outbox) failed(ctx context.Context, n *notificationv1.Notice, err error) verdict {
	reason := reasonOf(err)
	b.mu.Lock()
	wait, again := b.o.Backoff.After(domain.Tries(n)+1, err, b.random)
	b.mu.Unlock()
	b.host.Logger.InfoContext(ctx, "notice was not taken", slog.String("notice", n.GetName()), slog.String("reason", reason), slog.Bool("again", again), slog.Any("error", err))
	return verdict{outcome: domain.Outcome{Reason: reason, Wait: wait, Again: again}}
}

// record stores the result, unless the notice was changed meanwhile.
func (b *Outbox) record(ctx context.Context, t journal.Timer, seen *notificationv1.Notice, v verdict) error {
	key := seen.GetComplaint()
	if key == "" {
		key = t.Name
	}
	reads := []string{t.Name}
	if c := seen.GetComplaint(); c != "" && v.again() {
		reads = append(reads, c, app.CaseName(c))
	}
	var next *notificationv1.Notice
	_, err := b.host.Journal.Write(ctx, journal.Work{
		Organization: t.Organization, Key: key, Reads: reads, Actor: &eventv1.Actor{Principal: "services/notification"},
		Traceparent: b.traceparent(ctx),
	}, func(u *journal.Unit) error {
		n := &notificationv1.Notice{}
		next = nil
		if _, err := u.Get(t.Name, n); err != nil {
			return err
		}
		if n.GetGeneration() != t.Generation {
			return nil
		}
		var hours domain.Hours
		if v.again() {
			var err error
			if hours, err = b.o.Desk.Hours(u, n); err != nil {
				return err
			}
		}
		if n.GetRule() != nil {
			u.Because(n.GetRule())
		}
		var change proto.Message
		switch {
		case v.expired:
			next, change = domain.Expire(n)
		case !v.later.IsZero():
			next, change = domain.Postpone(n, v.later, hours)
		default:
			next, change = domain.Attempted(n, v.outcome, hours, u.Time())
		}
		if next == nil {
			return nil
		}
		return u.Update(t.Name, next, change)
	})
	if fault.KindOf(err) == fault.NotFound {
		return nil
	}
	if err == nil && next != nil {
		b.ended(next)
	}
	return err
}
