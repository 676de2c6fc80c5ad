package outbox

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
)

func TestLimitsSayWhenTheNextMayGo(t *testing.T) {
	t.Parallel()
	l, start := newLimits(), time.Date(2026, 4, 8, 9, 0, 0, 0, time.UTC)
	const sms = notificationv1.Notice_MEDIA_SMS
	at := start
	for range 5 {
		_, ok := l.take("acme", sms, "+8613800138000", at)
		require.True(t, ok)
		later, ok := l.take("acme", sms, "+8613800138000", at.Add(time.Second))
		require.False(t, ok)
		require.False(t, later.Before(at.Add(time.Minute)))
		at = at.Add(time.Minute)
	}
	later, ok := l.take("acme", sms, "+8613800138000", at)
	require.False(t, ok)
	require.Equal(t, start.Add(24*time.Hour), later, "five a day")
	_, ok = l.take("other", sms, "+8613800138000", at)
	require.True(t, ok, "organisations do not see each other")
	_, ok = l.take("acme", notificationv1.Notice_MEDIA_WEBHOOK, "", at)
	require.True(t, ok, "machines have no limit")
	_, ok = l.take("acme", sms, "+8613800138000", later)
	require.True(t, ok)
}

func TestWhatWasNotSentDoesNotCount(t *testing.T) {
	t.Parallel()
	l, at := newLimits(), time.Date(2026, 4, 8, 9, 0, 0, 0, time.UTC)
	for range 10 {
		_, ok := l.take("acme", notificationv1.Notice_MEDIA_SMS, "+861", at)
		require.True(t, ok)
		l.giveBack("acme", notificationv1.Notice_MEDIA_SMS, "+861", at)
	}
}
