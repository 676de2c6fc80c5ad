package clock

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Virtual is business time that stands still until it is advanced. It is for
// tests, scenarios and the all-in-one with a virtual clock. Safe for concurrent use.
type Virtual struct {
	mu      sync.Mutex
	now     time.Time
	waits   waits
	changed chan struct{} // closed and replaced when the number of waits grows
}

// NewVirtual returns a clock that stands at start.
func NewVirtual(start time.Time) *Virtual {
	return &Virtual{now: Stamp(start), changed: make(chan struct{})}
}

// Now returns where the clock stands, in UTC and whole microseconds.
func (v *Virtual) Now() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now
}

// Advance moves the clock to the instant and closes the channels of all who
// wait for an instant until then, earliest first, before it returns.
//
// The instant now counts as an advance that moves nothing. An earlier one is an
// error and changes nothing: business time does not run backwards.
func (v *Virtual) Advance(to time.Time) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	to = Stamp(to)
	if to.Before(v.now) {
		return fmt.Errorf("advance the clock to %s: it stands at %s", to.Format(time.RFC3339Nano), v.now.Format(time.RFC3339Nano))
	}
	for len(v.waits) > 0 && !v.waits[0].at.After(to) {
		if at := Stamp(v.waits[0].at); at.After(v.now) {
			v.now = at
		}
		v.waits.fire(v.waits[0].at)
	}
	v.now = to
	return nil
}

// After implements [Business].
func (v *Virtual) After(t time.Time) <-chan struct{} { return v.Timer(t).C }

// Timer implements [Business].
func (v *Virtual) Timer(t time.Time) *Timer {
	v.mu.Lock()
	defer v.mu.Unlock()
	w := v.waits.add(t)
	v.waits.fire(v.now)
	close(v.changed)
	v.changed = make(chan struct{})
	return &Timer{C: w.done, stop: func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.waits.remove(w)
	}}
}

// Next returns the earliest instant somebody waits for; ok is false if nobody does.
func (v *Virtual) Next() (at time.Time, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.waits) == 0 {
		return time.Time{}, false
	}
	return v.waits[0].at, true
}

// Waiting returns how many wait.
func (v *Virtual) Waiting() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.waits)
}

// AwaitWaiting returns once at least n wait, or with ctx's error: a test calls
// it before it advances, so that the code under test has begun to wait.
func (v *Virtual) AwaitWaiting(ctx context.Context, n int) error {
	for {
		v.mu.Lock()
		enough, changed := len(v.waits) >= n, v.changed
		v.mu.Unlock()
		if enough {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("await %d waiting: %w", n, ctx.Err())
		}
	}
}
