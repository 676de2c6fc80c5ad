package domain_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	"example.com/redress/services/notification/internal/domain"
)

// Whatever happens to a notice, it is planned exactly while it is PENDING, every
// change is another generation, its key stays, and what is delivered stays so.
func TestANoticeIsNeverInBetween(t *testing.T) {
	t.Parallel()
	start := draft(t)
	rapid.Check(t, func(t *rapid.T) {
		d := start
		if rapid.Bool().Draw(t, "worth") {
			d.Expire = d.Time.Add(time.Duration(rapid.IntRange(0, 100).Draw(t, "minutes")) * time.Minute)
		}
		n, now := domain.Issue(d), d.Time
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 10).Draw(t, "pause")) * time.Minute)
			var next *notificationv1.Notice
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				next, _ = domain.Attempted(n, domain.Outcome{
					Delivered: rapid.IntRange(0, 9).Draw(t, "luck") == 0, Reason: "DELIVERY_BUSY", Again: rapid.Bool().Draw(t, "again"), Wait: time.Minute,
				}, domain.Hours{}, now)
			case 1:
				next, _ = domain.Postpone(n, now.Add(time.Minute), domain.Hours{})
			case 2:
				next, _ = domain.Expire(n)
			case 3:
				if sent, err := domain.Resend(n, now); err == nil {
					next = sent
				}
			}
			if next == nil {
				continue
			}
			if n.GetState() == notificationv1.Notice_STATE_DELIVERED || n.GetState() == notificationv1.Notice_STATE_NO_ADDRESS {
				t.Fatalf("a notice in %s changed", n.GetState())
			}
			if next.GetGeneration() != n.GetGeneration()+1 || next.GetKey() != n.GetKey() {
				t.Fatalf("generation %d after %d, key %s after %s", next.GetGeneration(), n.GetGeneration(), next.GetKey(), n.GetKey())
			}
			n = next
			if pending := n.GetState() == notificationv1.Notice_STATE_PENDING; pending != (n.GetNextAttemptTime() != nil) {
				t.Fatalf("%s and planned for %v", n.GetState(), n.GetNextAttemptTime())
			}
			if isOver := n.GetExpireTime() != nil && n.GetNextAttemptTime().AsTime().After(n.GetExpireTime().AsTime()); isOver {
				t.Fatalf("planned for %v, worth until %v", n.GetNextAttemptTime(), n.GetExpireTime())
			}
			if len(n.GetAttempts()) > domain.MaxAttempts {
				t.Fatalf("%d attempts", len(n.GetAttempts()))
			}
		}
	})
}
