package feed

import (
	"context"
	"time"

	"example.com/redress/services/kit/journal"
)

// SetLeaseClock lets a test decide what time the leases see and when they are renewed.
func (c *Consumer) SetLeaseClock(now func() time.Time, tick <-chan time.Time) {
	c.leases.now = now
	c.leases.tick = func(time.Duration) (<-chan time.Time, func()) { return tick, func() {} }
}

// Leases are the leases of one process without a consumer.
type Leases struct{ l *leases }

// NewLeases returns the leases of one process.
func NewLeases(j *journal.Journal, holder string, ranges int, now func() time.Time) Leases {
	l := newLeases(j, "routing", holder, Options{Ranges: ranges, LeaseTTL: time.Minute})
	l.now = now
	return Leases{l}
}

// Round renews once and returns how many ranges are held.
func (l Leases) Round(ctx context.Context) (int, error) {
	_, err := l.l.take(ctx, l.l.ranges)
	return l.l.count(), err
}

// Shards renews once and returns the shards held.
func (l Leases) Shards(ctx context.Context, shards int) ([]int32, error) {
	return l.l.take(ctx, shards)
}

// Release gives everything back.
func (l Leases) Release(ctx context.Context) { l.l.release(ctx) }
