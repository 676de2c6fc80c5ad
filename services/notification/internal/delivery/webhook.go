package delivery

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"example.com/redress/services/kit/clock"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// WebhookOptions describe one receiver.
type WebhookOptions struct {
	// URL is called by POST; https.
	URL string
	// Secrets sign, as "whsec_<base64>" of 24 to 64 bytes. While a secret is
	// exchanged there are two and each message carries both signatures.
	Secrets []string
	// Allow are addresses inside our own networks that this receiver may have.
	Allow []netip.Prefix
	// PlainHTTP allows http for this receiver.
	PlainHTTP bool
	// TLS is what the receiver's certificate is checked against; nil takes the system's.
	TLS *tls.Config
	// Clock stamps the signature: the machine's time. Nil takes the system's.
	Clock clock.Clock
}

// Webhook sends messages to one machine, signed by Standard Webhooks: headers
// webhook-id (the key), webhook-timestamp and webhook-signature over id,
// timestamp and body. The body is {"type", "timestamp", "data"}.
type Webhook struct {
	url     *url.URL
	signers []*standardwebhooks.Webhook
	client  *http.Client
	clock   clock.Clock
}

var _ Sender = (*Webhook)(nil)

// NewWebhook returns the sender to one receiver, or says what is wrong with the options.
func NewWebhook(o WebhookOptions) (*Webhook, error) {
	u, err := parseURL(o.URL, o.PlainHTTP)
	if err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	if len(o.Secrets) == 0 || len(o.Secrets) > 4 {
		return nil, errors.New("webhook: one to four secrets")
	}
	w := &Webhook{url: u, clock: o.Clock, client: guard{o.Allow}.client(&http.Transport{TLSClientConfig: o.TLS.Clone()})}
	if w.clock == nil {
		w.clock = clock.System()
	}
	for _, secret := range o.Secrets {
		// The length of the key, by that of its base64, padding apart.
		text := strings.TrimRight(strings.TrimPrefix(secret, "whsec_"), "=")
		signer, err := standardwebhooks.NewWebhook(secret)
		if n := len(text) * 3 / 4; err != nil || n < 24 || n > 64 {
			return nil, errors.New("webhook: a secret is not base64 of 24 to 64 bytes") // never the secret itself
		}
		w.signers = append(w.signers, signer)
	}
	return w, nil
}

// Send implements [Sender].
func (w *Webhook) Send(ctx context.Context, m Message) (Result, error) {
	if err := m.checkKey(); err != nil {
		return Result{}, err
	}
	body, err := webhookBody(m)
	if err != nil {
		return Result{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url.String(), bytes.NewReader(body))
	if err != nil {
		return Result{}, final(ReasonMalformed, err)
	}
	now := w.clock.Now()
	var signatures []string
	for _, s := range w.signers {
		signature, err := s.Sign(m.Key, now, body)
		if err != nil {
			return Result{}, final(ReasonMalformed, err)
		}
		signatures = append(signatures, signature)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Redress")
	r.Header.Set(standardwebhooks.HeaderWebhookID, m.Key)
	r.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	r.Header.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	return call(w.client, r, w.clock, nil)
}

// Close gives idle connections back.
func (w *Webhook) Close() error {
	w.client.CloseIdleConnections()
	return nil
}

// webhookBody is the same at every attempt of a message.
func webhookBody(m Message) ([]byte, error) {
	type text struct {
		Subject string `json:"subject,omitempty"`
		Text    string `json:"text"`
		Locale  string `json:"locale,omitempty"`
	}
	envelope := struct {
		Type      string          `json:"type"`
		Timestamp string          `json:"timestamp"`
		Data      json.RawMessage `json:"data"`
	}{m.Type, m.Time.UTC().Format(time.RFC3339Nano), m.Data}
	if len(m.Data) == 0 {
		data, err := json.Marshal(text{m.Subject, m.Text, m.Locale})
		if err != nil {
			return nil, final(ReasonMalformed, err)
		}
		envelope.Data = data
	}
	body, err := json.Marshal(envelope)
	if err != nil {
		return nil, final(ReasonMalformed, errors.New("data: not JSON"))
	}
	return body, nil
}
