package outbox

import (
	"slices"
	"sync"
	"time"

	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
)

// limit is how many messages one address gets.
type limit struct {
	most   int
	within time.Duration
}

// limitsOf returns the limits of a medium.
//
// Source: RELIABILITY 3.5 (text messages 5 a day and 1 a minute to one number,
// e-mail 20 a day to one address).
func limitsOf(media notificationv1.Notice_Media) []limit {
	switch media {
	case notificationv1.Notice_MEDIA_SMS:
		return []limit{{1, time.Minute}, {5, 24 * time.Hour}}
	case notificationv1.Notice_MEDIA_EMAIL:
		return []limit{{20, 24 * time.Hour}}
	}
	return nil
}

// limits remembers what was sent where within the last day. It is memory only: an
// address must not be stored outside its seal, not even as a digest that outlives
// an erasure; a restart forgets, which costs at most one day's messages more.
type limits struct {
	mu   sync.Mutex
	sent map[string][]time.Time
}

func newLimits() *limits { return &limits{sent: map[string][]time.Time{}} }

// take counts a message to an address, or says when one may be sent.
func (l *limits) take(organization string, media notificationv1.Notice_Media, address string, now time.Time) (later time.Time, ok bool) {
	rules := limitsOf(media)
	if len(rules) == 0 {
		return time.Time{}, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(now)
	key := limitKey(organization, media, address)
	sent := l.sent[key]
	for _, r := range rules {
		var within []time.Time
		for _, at := range sent {
			if at.Add(r.within).After(now) {
				within = append(within, at)
			}
		}
		if len(within) >= r.most {
			free := within[len(within)-r.most].Add(r.within)
			if free.After(later) {
				later = free
			}
		}
	}
	if !later.IsZero() {
		return later, false
	}
	l.sent[key] = append(sent, now)
	return time.Time{}, true
}

// giveBack takes back a message that was counted at the instant and not sent.
func (l *limits) giveBack(organization string, media notificationv1.Notice_Media, address string, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := limitKey(organization, media, address)
	if i := slices.IndexFunc(l.sent[key], at.Equal); i >= 0 {
		l.sent[key] = slices.Delete(l.sent[key], i, i+1)
	}
}

// forgetAbove is how many addresses are remembered before old ones are looked for.
const forgetAbove = 10_000

// forget drops addresses that have had nothing for a day.
func (l *limits) forget(now time.Time) {
	if len(l.sent) < forgetAbove {
		return
	}
	for key, sent := range l.sent {
		if len(sent) == 0 || now.Sub(sent[len(sent)-1]) > 24*time.Hour {
			delete(l.sent, key)
		}
	}
}

func limitKey(organization string, media notificationv1.Notice_Media, address string) string {
	return organization + " " + media.String() + " " + address
}
