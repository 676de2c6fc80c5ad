// Package clock is the only place that reads the time.
//
// There are two times. Business time ([Business]) stamps events and decides
// what is due: [Host] is the host's clock corrected to the service's database,
// [Virtual] stands still until it is advanced. Machine time ([Machine]) drives
// leases, retries, deadlines, tokens and certificates and is never virtual.
//
// Source: DESIGN section 5.
package clock

import (
	"context"
	"time"
)

// Clock tells an instant.
type Clock interface {
	// Now returns the present instant in UTC.
	Now() time.Time
}

// Business is the time that events carry and clocks are judged by.
type Business interface {
	Clock

	// After returns a channel that is closed once Now is at or after t.
	//
	// The wait is remembered until then: a loop whose next instant keeps
	// changing takes a [Timer] and stops it.
	After(t time.Time) <-chan struct{}

	// Timer is After with a way to forget the wait.
	Timer(t time.Time) *Timer
}

// Timer waits for one instant of business time.
type Timer struct {
	// C is closed once the instant has come.
	C <-chan struct{}

	stop func()
}

// Stop forgets the wait; C stays as it is. Repeating it does nothing.
func (t *Timer) Stop() { t.stop() }

// Wait returns when b's Now is at or after t, or with ctx's error.
func Wait(ctx context.Context, b Business, t time.Time) error {
	timer := b.Timer(t)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// precision is that of every instant the suite stores: PostgreSQL keeps microseconds.
const precision = time.Microsecond

// Stamp returns t as the suite writes instants: UTC, whole microseconds, no monotonic part.
func Stamp(t time.Time) time.Time { return t.UTC().Truncate(precision) }
