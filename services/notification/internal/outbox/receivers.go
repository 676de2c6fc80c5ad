package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"strconv"

	"github.com/google/uuid"

	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/notification/internal/app"
	"example.com/redress/services/notification/internal/delivery"
	"example.com/redress/services/notification/internal/domain"
)

// Receivers reaches webhooks. Safe for concurrent use.
type Receivers struct {
	// Secrets opens what receivers' messages are signed with.
	Secrets app.Secrets
}

// Sender returns the sender to a receiver. Each attempt has one of its own: the
// address, the secret or what is allowed may have changed since the last.
func (r *Receivers) Sender(organization string, to *notificationv1.Receiver) (delivery.Sender, error) {
	secret, err := r.Secrets.Open(organization, to.GetName(), to.GetSealedSecret())
	if err != nil {
		return nil, errors.Join(&delivery.Failure{Class: delivery.Retry, Reason: delivery.ReasonSetup}, err)
	}
	w, err := delivery.NewWebhook(options(to, secret))
	if err != nil {
		return nil, errors.Join(&delivery.Failure{Class: delivery.Final, Reason: delivery.ReasonAddress}, err)
	}
	return once{w}, nil
}

// once gives its connection back after the one message it is for.
type once struct{ w *delivery.Webhook }

// Send implements delivery.Sender.
func (o once) Send(ctx context.Context, m delivery.Message) (delivery.Result, error) {
	defer func() { _ = o.w.Close() }() // nothing to lose
	return o.w.Send(ctx, m)
}

func options(to *notificationv1.Receiver, secret string) delivery.WebhookOptions {
	o := delivery.WebhookOptions{URL: to.GetUrl(), Secrets: []string{secret}}
	if to.GetAllowPrivate() {
		o.PlainHTTP = true
		o.Allow = private()
	}
	return o
}

// private are the addresses of an organisation's own networks and of this machine;
// link-local addresses, where clouds keep their metadata, are not among them.
func private() []netip.Prefix {
	var out []netip.Prefix
	for _, s := range []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "::1/128", "fc00::/7"} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// trial is a well-formed secret to check an address with.
const trial = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

// Check refuses an address that could never be called.
func (r *Receivers) Check(to *notificationv1.Receiver) error {
	w, err := delivery.NewWebhook(options(to, trial))
	if err != nil {
		return err
	}
	return w.Close()
}

// Test sends a test message now.
func (r *Receivers) Test(ctx context.Context, organization string, to *notificationv1.Receiver) (status int, reason string) {
	s, err := r.Sender(organization, to)
	var answer delivery.Result
	if err == nil {
		data, jsonErr := json.Marshal(map[string]string{"organization": organization, "receiver": to.GetName()})
		if jsonErr != nil {
			return 0, delivery.ReasonMalformed
		}
		answer, err = s.Send(ctx, delivery.Message{Key: uuid.NewString(), Type: "notice.test", Time: clock.System().Now(), Data: data})
	}
	if err == nil {
		status, err = strconv.Atoi(answer.Answer)
		if err != nil {
			status = 0 // it took the message all the same
		}
		return status, ""
	}
	f, ok := errors.AsType[*delivery.Failure](err)
	if !ok {
		return 0, delivery.ReasonUnreachable
	}
	return f.Status, f.Reason
}

// Say puts a reason of an attempt into the words of a language.
func (r *Receivers) Say(locale, reason string) string {
	for _, e := range append(delivery.Reasons(), domain.Reasons()...) {
		if e.Reason == reason {
			if locale == fault.English {
				return e.EN
			}
			return e.ZH
		}
	}
	return reason
}
