package faulttest_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	"example.com/redress/services/suite/suitetest"
)

// TestAReceiverThatWasDownIsToldOnceItIsBack refuses the receiver's calls for hours.
func TestAReceiverThatWasDownIsToldOnceItIsBack(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	var down atomic.Bool
	down.Store(true)
	var mu sync.Mutex
	var refused, taken []string // keys
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		key := r.Header.Get(standardwebhooks.HeaderWebhookID)
		if down.Load() {
			refused = append(refused, key)
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		taken = append(taken, key)
	}))
	t.Cleanup(hook.Close)
	notices := notificationv1.NewNotificationServiceClient(s.Conn)
	_, err := notices.CreateReceiver(s.As("people/admin"), &notificationv1.CreateReceiverRequest{RequestId: suitetest.ID(), Receiver: &notificationv1.Receiver{
		Name: "receivers/crm", Url: hook.URL + "/redress", AllowPrivate: true, Kinds: []string{"acknowledgement"},
	}})
	require.NoError(t, err)
	s.Settled()
	c := s.Register()
	webhook := func() *notificationv1.Notice {
		got, err := notices.ListNotices(s.As(agent), &notificationv1.ListNoticesRequest{Complaint: c.GetName()})
		require.NoError(t, err)
		for _, n := range got.GetNotices() {
			if n.GetMedia() == notificationv1.Notice_MEDIA_WEBHOOK {
				return n
			}
		}
		require.Fail(t, "no webhook was issued")
		return nil
	}
	s.Pass(3 * time.Hour)
	n := webhook()
	require.Equal(t, notificationv1.Notice_STATE_PENDING, n.GetState())
	require.Greater(t, len(n.GetAttempts()), 3)

	down.Store(false)
	s.Pass(3 * time.Hour)
	n = webhook()
	require.Equal(t, notificationv1.Notice_STATE_DELIVERED, n.GetState())
	mu.Lock()
	defer mu.Unlock()
	require.Equal(t, []string{n.GetKey()}, taken)
	require.Len(t, refused, len(n.GetAttempts())-1)
	for _, key := range refused {
		require.Equal(t, n.GetKey(), key)
	}
	t.Logf("refused %d times, delivered once under %s", len(refused), n.GetKey())
}
