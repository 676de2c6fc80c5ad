package clock

import (
	"sync"
	"time"
)

// recheck is how long the host's timer sleeps at most: after a suspended
// machine or a corrected wall clock a wait is late by no more.
const recheck = time.Minute

// Host is business time in production: the host's clock corrected by the
// offset to the service's own database, so that replicas agree.
//
// It can step back when the offset is corrected; whoever needs order has
// positions and versions, not instants. It is safe for concurrent use.
type Host struct {
	mu     sync.Mutex
	offset time.Duration
	waits  waits
	timer  *time.Timer
}

// NewHost returns the host's clock with no offset.
func NewHost() *Host { return &Host{} }

// SetOffset sets what is added to the host's clock, and wakes whoever is due by it.
func (h *Host) SetOffset(offset time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.offset = offset
	h.settle()
}

// Offset returns what is added to the host's clock.
func (h *Host) Offset() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.offset
}

// Now returns the corrected instant in UTC and whole microseconds.
func (h *Host) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now()
}

func (h *Host) now() time.Time { return Stamp(now().Add(h.offset)) }

// After implements [Business].
func (h *Host) After(t time.Time) <-chan struct{} { return h.Timer(t).C }

// Timer implements [Business].
func (h *Host) Timer(t time.Time) *Timer {
	h.mu.Lock()
	defer h.mu.Unlock()
	w := h.waits.add(t)
	h.settle()
	return &Timer{C: w.done, stop: func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.waits.remove(w)
		h.settle()
	}}
}

// Waiting returns how many wait.
func (h *Host) Waiting() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.waits)
}

// settle fires what is due and arms the one timer for the earliest of the rest.
func (h *Host) settle() {
	if h.timer != nil {
		h.timer.Stop()
		h.timer = nil
	}
	now := h.now()
	h.waits.fire(now)
	if len(h.waits) == 0 {
		return
	}
	// Now is truncated, so the wait is too: a microsecond more is never early.
	d := min(h.waits[0].at.Sub(now)+precision, recheck)
	h.timer = time.AfterFunc(d, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.settle()
	})
}
