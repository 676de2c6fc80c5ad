package delivery_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/redress/services/notification/internal/delivery"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"
)

const (
	secret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	oldSecret = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)

func loopback() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}

// receiver is a machine that verifies signatures and remembers keys.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	bodies map[string][]string // by webhook-id
}

func startReceiver(t *testing.T, answer func(w http.ResponseWriter, r *http.Request)) *receiver {
	t.Helper()
	rec := &receiver{bodies: map[string][]string{}}
	verifier, err := standardwebhooks.NewWebhook(secret)
	require.NoError(t, err)
	rec.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || verifier.Verify(body, r.Header) != nil {
			http.Error(w, "bad signature", http.StatusUnauthorized)
			return
		}
		rec.mu.Lock()
		rec.bodies[r.Header.Get("webhook-id")] = append(rec.bodies[r.Header.Get("webhook-id")], string(body))
		rec.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(rec.Close)
	return rec
}

func (rec *receiver) trust() *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(rec.Certificate())
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

func (rec *receiver) sender(t *testing.T, change ...func(*delivery.WebhookOptions)) *delivery.Webhook {
	t.Helper()
	o := delivery.WebhookOptions{URL: rec.URL + "/hook", Secrets: []string{oldSecret, secret}, Allow: loopback(), TLS: rec.trust()}
	for _, f := range change {
		f(&o)
	}
	w, err := delivery.NewWebhook(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	return w
}

func notice() delivery.Message {
	return delivery.Message{
		Key: "0193e0c4-7f1e.reply.1", To: "wang@example.com", Subject: "您的投诉已受理", Text: "第一行\n第二行", Locale: "zh-CN",
		Type: "notice.issued", Time: time.Date(2026, 4, 1, 2, 3, 4, 0, time.UTC),
	}
}

func requireFailure(t *testing.T, err error, class delivery.Class, reason string) *delivery.Failure {
	t.Helper()
	var f *delivery.Failure
	require.ErrorAs(t, err, &f)
	require.Equal(t, reason, f.Reason, err)
	require.Equal(t, class, f.Class, err)
	return f
}

func TestAWebhookIsSignedAndNamed(t *testing.T) {
	t.Parallel()
	rec := startReceiver(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	result, err := rec.sender(t).Send(context.Background(), notice())
	require.NoError(t, err)
	require.Equal(t, "204", result.Answer)
	require.Len(t, rec.bodies[notice().Key], 1)
	require.JSONEq(t, `{"type":"notice.issued","timestamp":"2026-04-01T02:03:04Z","data":{"subject":"您的投诉已受理","text":"第一行\n第二行","locale":"zh-CN"}}`, rec.bodies[notice().Key][0])

	m := notice()
	m.Key, m.Data = "other", []byte(`{"complaint":"complaints/1"}`)
	_, err = rec.sender(t).Send(context.Background(), m)
	require.NoError(t, err)
	var got struct{ Data json.RawMessage }
	require.NoError(t, json.Unmarshal([]byte(rec.bodies["other"][0]), &got))
	require.JSONEq(t, `{"complaint":"complaints/1"}`, string(got.Data))

	_, err = rec.sender(t, func(o *delivery.WebhookOptions) { o.Secrets = []string{oldSecret} }).Send(context.Background(), notice())
	_ = requireFailure(t, err, delivery.Final, delivery.ReasonRefused)
}

func TestAnswersAreClassified(t *testing.T) {
	t.Parallel()
	var status atomic.Int64
	rec := startReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "120")
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(int(status.Load()))
	})
	sender := rec.sender(t)
	for code, class := range map[int]delivery.Class{
		301: delivery.Final, 302: delivery.Final, 303: delivery.Final, 307: delivery.Final, 308: delivery.Final, 400: delivery.Final, 404: delivery.Final, 410: delivery.Final, 422: delivery.Final,
		408: delivery.Retry, 425: delivery.Retry, 429: delivery.Retry, 500: delivery.Retry, 502: delivery.Retry, 503: delivery.Retry,
	} {
		status.Store(int64(code))
		before := len(rec.bodies[notice().Key])
		_, err := sender.Send(context.Background(), notice())
		require.Equal(t, class, delivery.ClassOf(err), code)
		require.ErrorContains(t, err, fmt.Sprint(code))
		require.Len(t, rec.bodies[notice().Key], before+1, "no redirect is followed")
		var f *delivery.Failure
		require.ErrorAs(t, err, &f)
		if class == delivery.Retry {
			require.Equal(t, 2*time.Minute, f.After)
		}
	}
}

func TestALongAnswerIsCutAndAnEndlessOneEnds(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	rec := startReceiver(t, func(w http.ResponseWriter, r *http.Request) {
		block := strings.Repeat("x", 1<<12)
		for {
			if _, err := io.WriteString(w, block); err != nil {
				close(stop)
				return
			}
			select {
			case <-r.Context().Done():
				close(stop)
				return
			default:
			}
		}
	})
	_, err := rec.sender(t).Send(context.Background(), notice())
	require.NoError(t, err, "the status has been given")
	<-stop
}

func TestASlowReceiverIsLeft(t *testing.T) {
	t.Parallel()
	rec := startReceiver(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err := rec.sender(t).Send(ctx, notice())
	_ = requireFailure(t, err, delivery.Retry, delivery.ReasonUnreachable)
}

func TestOwnNetworksAreRefusedUnlessAllowedForTheReceiver(t *testing.T) {
	t.Parallel()
	rec := startReceiver(t, func(http.ResponseWriter, *http.Request) {})
	_, err := rec.sender(t, func(o *delivery.WebhookOptions) { o.Allow = nil }).Send(context.Background(), notice())
	_ = requireFailure(t, err, delivery.Final, delivery.ReasonAddress)
	require.NotContains(t, err.Error(), "/hook", "addresses may hold secrets")
	_, err = rec.sender(t, func(o *delivery.WebhookOptions) { o.TLS = nil }).Send(context.Background(), notice())
	_ = requireFailure(t, err, delivery.Retry, delivery.ReasonSetup)
	require.Empty(t, rec.bodies)
}

func TestWebhookOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for _, o := range []delivery.WebhookOptions{
		{URL: "http://example.com", Secrets: []string{secret}},
		{URL: "https://example.com"},
		{URL: "https://example.com", Secrets: []string{"whsec_short"}},
		{URL: "https://example.com", Secrets: []string{"whsec_*"}},
		{URL: "https://example.com", Secrets: []string{secret, secret, secret, secret, secret}},
	} {
		_, err := delivery.NewWebhook(o)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "whsec", "secrets are not told")
	}
	w, err := delivery.NewWebhook(delivery.WebhookOptions{URL: "https://example.com", Secrets: []string{secret}})
	require.NoError(t, err)
	for _, key := range []string{"", "a b", "a\r\nX: y", ".a", "a.", "a..b", "<a>", strings.Repeat("a", 129)} {
		m := notice()
		m.Key = key
		_, err = w.Send(context.Background(), m)
		_ = requireFailure(t, err, delivery.Final, delivery.ReasonMalformed)
	}
	m := notice()
	m.Data = []byte("{")
	_, err = w.Send(context.Background(), m)
	_ = requireFailure(t, err, delivery.Final, delivery.ReasonMalformed)
}

// TestAReceiverThatWasAwayGetsTheMessageUnderOneKey: nothing listens, then the
// receiver is there but fails, then it confirms.
func TestAReceiverThatWasAwayGetsTheMessageUnderOneKey(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())

	var keys []string
	var calls int
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		keys = append(keys, r.Header.Get("webhook-id"))
		if calls++; calls <= 2 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	sender, err := delivery.NewWebhook(delivery.WebhookOptions{URL: "http://" + address, Secrets: []string{secret}, Allow: loopback(), PlainHTTP: true})
	require.NoError(t, err)
	backoff, random := delivery.DefaultBackoff(), source(1)
	var server *httptest.Server
	attempts := 0
	for {
		_, err := sender.Send(context.Background(), notice())
		attempts++
		if err == nil {
			break
		}
		_, again := backoff.After(attempts, err, random)
		require.True(t, again, err)
		if attempts == 3 {
			_ = requireFailure(t, err, delivery.Retry, delivery.ReasonUnreachable)
			listener, err = net.Listen("tcp", address)
			require.NoError(t, err)
			server = &httptest.Server{Listener: listener, Config: &http.Server{Handler: handler, ReadHeaderTimeout: time.Second}}
			server.Start()
		}
	}
	require.NoError(t, sender.Close())
	server.Close()
	require.Equal(t, 6, attempts)
	require.Equal(t, []string{notice().Key, notice().Key, notice().Key}, keys)
}

func TestACancelledAttemptMayBeRepeated(t *testing.T) {
	t.Parallel()
	rec := startReceiver(t, func(http.ResponseWriter, *http.Request) {})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := rec.sender(t).Send(ctx, notice())
	_ = requireFailure(t, err, delivery.Retry, delivery.ReasonUnreachable)
	require.ErrorIs(t, err, context.Canceled)
}
