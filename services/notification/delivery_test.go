package notification_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/notification"
)

// hook is a machine that takes webhooks, unless it is down or holds them back.
type hook struct {
	*httptest.Server
	mu     sync.Mutex
	down   bool
	mute   bool     // breaks off without an answer
	keys   []string // of all calls, in order
	bodies map[string]string
	hold   chan struct{}
	came   chan struct{}
}

func startHook(t *testing.T) *hook {
	t.Helper()
	h := &hook{bodies: map[string]string{}, came: make(chan struct{}, 100)}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h.mu.Lock()
		h.keys = append(h.keys, r.Header.Get(standardwebhooks.HeaderWebhookID))
		hold, down, mute := h.hold, h.down, h.mute
		if !down && !mute {
			h.bodies[r.Header.Get(standardwebhooks.HeaderWebhookID)] = string(body)
		}
		h.mu.Unlock()
		h.came <- struct{}{}
		if hold != nil {
			<-hold
		}
		if mute {
			panic(http.ErrAbortHandler)
		}
		if down {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *hook) set(down bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.down = down
}

func (h *hook) calls() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string{}, h.keys...)
}

// receiver registers the machine.
func (b *bed) receiver(h *hook, kinds ...string) *notificationv1.Receiver {
	b.t.Helper()
	got, err := b.client.CreateReceiver(as(b.t.Context(), "people/operator"), &notificationv1.CreateReceiverRequest{
		Receiver: &notificationv1.Receiver{Name: "receivers/crm", Url: h.URL + "/redress", AllowPrivate: true, Kinds: kinds}, RequestId: uuid.NewString(),
	})
	require.NoError(b.t, err)
	return got.GetReceiver()
}

func webhookOf(all []*notificationv1.Notice) *notificationv1.Notice {
	for _, n := range all {
		if n.GetMedia() == notificationv1.Notice_MEDIA_WEBHOOK {
			return n
		}
	}
	return nil
}

func TestAReceiverThatWasDownGetsEveryNoticeUnderOneKey(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.pack()
	h := startHook(t)
	r := b.receiver(h, "acknowledgement")
	require.Regexp(t, `^whsec_`, r.GetSecret())
	h.set(true)
	b.settled()
	b.happened("intake", &intakev1.ComplaintRegistered{}, b.complaint(nil))
	b.settled()
	b.advance(b.clock.Now().Add(2 * time.Hour))
	n := webhookOf(b.notices("acknowledgement"))
	require.Equal(t, notificationv1.Notice_STATE_PENDING, n.GetState())
	require.Greater(t, len(n.GetAttempts()), 3)
	require.Equal(t, "DELIVERY_BUSY", n.GetAttempts()[0].GetReason())

	h.set(false)
	b.advance(b.clock.Now().Add(2 * time.Hour))
	n = webhookOf(b.notices("acknowledgement"))
	require.Equal(t, notificationv1.Notice_STATE_DELIVERED, n.GetState())
	for _, key := range h.calls() {
		require.Equal(t, n.GetKey(), key)
	}
	require.Len(t, h.calls(), len(n.GetAttempts()))

	var body struct {
		Type string
		Data map[string]any
	}
	require.NoError(t, json.Unmarshal([]byte(h.bodies[n.GetKey()]), &body))
	require.Equal(t, "notice.issued", body.Type)
	require.Equal(t, "complaints/c1", body.Data["complaint"])
	require.NotContains(t, h.bodies[n.GetKey()], "王芳")
	require.NotContains(t, h.bodies[n.GetKey()], "customer.example")
}

// A receiver that does not answer is asked now and then by one message, whatever waits
// for it, and nobody else waits with it. When it is back it gets everything.
func TestAReceiverThatDoesNotAnswerRests(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.pack()
	h := startHook(t)
	h.mute = true
	b.receiver(h, "acknowledgement")
	b.settled()
	const complaints = 12
	for range complaints {
		b.happened("intake", &intakev1.ComplaintRegistered{}, b.complaint(nil))
	}
	b.advance(b.clock.Now().Add(time.Hour))
	require.Less(t, len(h.calls()), 3*complaints, "each alone would have been tried more than eight times")
	states := map[notificationv1.Notice_Media]map[notificationv1.Notice_State]int{}
	count := func() {
		clear(states)
		for _, n := range b.notices("acknowledgement") {
			if states[n.GetMedia()] == nil {
				states[n.GetMedia()] = map[notificationv1.Notice_State]int{}
			}
			states[n.GetMedia()][n.GetState()]++
		}
	}
	count()
	require.Equal(t, map[notificationv1.Notice_State]int{notificationv1.Notice_STATE_PENDING: complaints}, states[notificationv1.Notice_MEDIA_WEBHOOK])
	require.Equal(t, map[notificationv1.Notice_State]int{notificationv1.Notice_STATE_DELIVERED: complaints}, states[notificationv1.Notice_MEDIA_EMAIL])

	h.mu.Lock()
	h.mute = false
	h.mu.Unlock()
	b.advance(b.clock.Now().Add(time.Hour))
	count()
	require.Equal(t, map[notificationv1.Notice_State]int{notificationv1.Notice_STATE_DELIVERED: complaints}, states[notificationv1.Notice_MEDIA_WEBHOOK])
	require.Len(t, h.bodies, complaints)
}

func TestWhatIsGivenUpCanBeSentAgain(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.pack()
	h := startHook(t)
	b.receiver(h)
	h.set(true)
	b.settled()
	b.happened("intake", &intakev1.ComplaintRegistered{}, b.complaint(nil))
	b.advance(b.clock.Now().Add(48 * time.Hour))
	n := webhookOf(b.notices("acknowledgement"))
	require.Equal(t, notificationv1.Notice_STATE_FAILED, n.GetState())
	require.Len(t, n.GetAttempts(), 20)
	require.True(t, n.GetAttempts()[19].GetFinal())

	h.set(false)
	resend := func(etag string) (*notificationv1.Notice, error) {
		got, err := b.client.ResendNotice(as(t.Context(), "people/agent"), &notificationv1.ResendNoticeRequest{Name: n.GetName(), Etag: etag, RequestId: uuid.NewString()})
		return got.GetNotice(), err
	}
	_, err := resend("1")
	require.Equal(t, "ETAG_MISMATCH", fault.ReasonOf(err))
	_, err = resend(n.GetEtag())
	require.NoError(t, err)
	b.settled()
	n = webhookOf(b.notices("acknowledgement"))
	require.Equal(t, notificationv1.Notice_STATE_DELIVERED, n.GetState())
	_, err = resend(n.GetEtag())
	require.Equal(t, "NOTICE_STATE", fault.ReasonOf(err))
}

func TestReceiversKeepTheirSecretToThemselves(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	h := startHook(t)
	request := &notificationv1.CreateReceiverRequest{Receiver: &notificationv1.Receiver{Name: "receivers/crm", Url: h.URL, AllowPrivate: true}, RequestId: uuid.NewString()}
	ctx := as(t.Context(), "people/operator")
	first, err := b.client.CreateReceiver(ctx, request)
	require.NoError(t, err)
	again, err := b.client.CreateReceiver(ctx, request)
	require.NoError(t, err)
	require.Equal(t, first.GetReceiver().GetSecret(), again.GetReceiver().GetSecret())
	require.Empty(t, first.GetReceiver().GetSealedSecret())

	got, err := b.client.GetReceiver(ctx, &notificationv1.GetReceiverRequest{Name: "receivers/crm"})
	require.NoError(t, err)
	require.Empty(t, got.GetReceiver().GetSecret())
	require.Empty(t, got.GetReceiver().GetSealedSecret())

	for _, url := range []string{"http://crm.example/x", "ftp://crm.example", "https://user@crm.example/"} {
		_, err := b.client.CreateReceiver(ctx, &notificationv1.CreateReceiverRequest{Receiver: &notificationv1.Receiver{Name: "receivers/other", Url: url}, RequestId: uuid.NewString()})
		require.Equal(t, "RECEIVER_ADDRESS", fault.ReasonOf(err), url)
	}

	tested, err := b.client.TestReceiver(ctx, &notificationv1.TestReceiverRequest{Name: "receivers/crm"})
	require.NoError(t, err)
	require.True(t, tested.GetDelivered())
	require.Equal(t, int32(200), tested.GetStatus())
	h.set(true)
	tested, err = b.client.TestReceiver(ctx, &notificationv1.TestReceiverRequest{Name: "receivers/crm"})
	require.NoError(t, err)
	require.False(t, tested.GetDelivered())
	require.Equal(t, int32(503), tested.GetStatus())
	require.Equal(t, "DELIVERY_BUSY", tested.GetReason())
	require.NotEmpty(t, tested.GetMessage())

	updated, err := b.client.UpdateReceiver(ctx, &notificationv1.UpdateReceiverRequest{
		Receiver: &notificationv1.Receiver{Name: "receivers/crm", Url: h.URL + "/new", AllowPrivate: true, Disabled: true}, Etag: got.GetReceiver().GetEtag(), RequestId: uuid.NewString(),
	})
	require.NoError(t, err)
	require.True(t, updated.GetReceiver().GetDisabled())
	list, err := b.client.ListReceivers(ctx, &notificationv1.ListReceiversRequest{})
	require.NoError(t, err)
	require.Len(t, list.GetReceivers(), 1)
	require.Empty(t, list.GetReceivers()[0].GetSealedSecret())
	require.Equal(t, h.URL+"/new", list.GetReceivers()[0].GetUrl())
}

// Of 22 mails to one address in a day, two wait for the next. Source: RELIABILITY 3.5.
func TestOneAddressGetsTwentyMailsADay(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.pack()
	b.settled()
	for i := range 22 {
		b.happened("intake", &intakev1.ComplaintRegistered{}, b.complaint(func(c *intakev1.Complaint) {
			c.Name, c.Number, c.Complainant.Email = fmt.Sprintf("complaints/m%d", i), fmt.Sprintf("C-%d", i), "many@customer.example"
		}))
	}
	b.settled()
	count := func() map[notificationv1.Notice_State]int {
		out := map[notificationv1.Notice_State]int{}
		for _, n := range b.notices("acknowledgement") {
			require.LessOrEqual(t, len(n.GetAttempts()), 1, "waiting is no attempt")
			out[n.GetState()]++
		}
		return out
	}
	require.Equal(t, map[notificationv1.Notice_State]int{notificationv1.Notice_STATE_DELIVERED: 20, notificationv1.Notice_STATE_PENDING: 2}, count())
	b.advance(b.clock.Now().Add(24 * time.Hour))
	require.Equal(t, map[notificationv1.Notice_State]int{notificationv1.Notice_STATE_DELIVERED: 22}, count())
}

// A text message goes through the provider, one a minute to one number.
func TestTextMessagesGoOutOneAMinute(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var sent []map[string]string
	provider := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m map[string]string
		_ = json.NewDecoder(r.Body).Decode(&m)
		mu.Lock()
		sent = append(sent, m)
		mu.Unlock()
	}))
	t.Cleanup(provider.Close)
	b := newBed(t, func(c *notification.Config) {
		c.SMS = notification.SMS{URL: provider.URL, PlainHTTP: true, Allow: []string{"127.0.0.0/8"}, Body: `{"phone":"{to}","text":"{text}","title":"{title}"}`, Variables: map[string]string{"title": "text"}}
	})
	b.pack()
	b.settled()
	for range 2 {
		b.happened("intake", &intakev1.ComplaintRegistered{}, b.complaint(func(c *intakev1.Complaint) { c.Complainant.Email = "" }))
	}
	b.settled()
	messages := func() []map[string]string {
		mu.Lock()
		defer mu.Unlock()
		return append([]map[string]string{}, sent...)
	}
	require.Len(t, messages(), 1)
	require.Equal(t, "+8613800138000", messages()[0]["phone"])
	require.Contains(t, messages()[0]["text"], "2026年4月9日17:20")
	require.Contains(t, messages()[0]["text"], "https://redress.example/status/")
	require.Equal(t, "已收到您的投诉", messages()[0]["title"])
	b.advance(b.clock.Now().Add(time.Minute))
	require.Len(t, messages(), 2)
}

func TestStopWaitsForASendInHandAndRecordsIt(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	b.pack()
	h := startHook(t)
	h.hold = make(chan struct{})
	b.receiver(h)
	b.settled()
	b.happened("intake", &intakev1.ComplaintRegistered{}, b.complaint(nil))
	<-h.came
	stopped := make(chan error)
	go func() { stopped <- b.Stop(t.Context()) }()
	close(h.hold)
	require.NoError(t, <-stopped)
	due, err := b.Journal.BackgroundTimers(t.Context(), "notices/*", b.clock.Now(), 10)
	require.NoError(t, err)
	for _, timer := range due {
		n := &notificationv1.Notice{}
		_, err := b.Journal.Get(t.Context(), org, timer.Name, n)
		require.NoError(t, err)
		require.NotEqual(t, notificationv1.Notice_MEDIA_WEBHOOK, n.GetMedia(), "what was taken is recorded")
	}
}
