package clock

import (
	"context"
	"time"
)

// Machine is the time of the machine: leases, retries, deadlines, tokens,
// certificates and measurements. The zero value works. It is never virtual.
type Machine struct{}

// System returns the machine's clock.
func System() Machine { return Machine{} }

// Now returns the machine's instant in UTC. It keeps the monotonic part, so
// that two of them may be subtracted.
func (Machine) Now() time.Time { return now().UTC() }

// Since returns the time passed since t.
func (Machine) Since(t time.Time) time.Duration { return now().Sub(t) }

// Until returns the time left until t.
func (Machine) Until(t time.Time) time.Duration { return t.Sub(now()) }

// NewTimer returns a timer that fires once after d. Stop it when it is no longer wanted.
func (Machine) NewTimer(d time.Duration) *time.Timer { return time.NewTimer(d) }

// NewTicker returns a ticker with the period d, which must be positive.
func (Machine) NewTicker(d time.Duration) *time.Ticker { return time.NewTicker(d) }

// AfterFunc calls f in a goroutine of its own after d.
func (Machine) AfterFunc(d time.Duration, f func()) *time.Timer { return time.AfterFunc(d, f) }

// WithTimeout is context.WithTimeout, here so that who needs a deadline finds it beside the rest.
func (Machine) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, d)
}

// Pause returns after d, or with ctx's error. It is for back-off between
// retries; nothing else should wait for mere time to pass.
func (Machine) Pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
