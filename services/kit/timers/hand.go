package timers

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"example.com/redress/services/kit/lifecycle"
	"example.com/redress/services/kit/telemetry"
	"example.com/redress/services/kit/timerindex"
)

// hand fires timers for all paths and keeps them out of each other's way: what one
// path is firing, or has just fired, another need not try. Nothing rests on that.
type hand struct {
	o *Options

	mu      sync.Mutex
	inHand  map[timerindex.Member]bool
	recent  map[timerindex.Member]bool // done since the sweep before the last
	older   map[timerindex.Member]bool
	failing map[timerindex.Member]failure
}

// failure is a timer that the store would not fire.
type failure struct {
	again time.Time // business instant before which the sweep leaves it alone
	count int
}

// Pauses of the sweep before it tries a failing timer again: doubling between these.
const (
	firstPause = time.Second
	lastPause  = 5 * time.Minute
)

func newHand(o *Options) *hand {
	return &hand{
		o: o, inHand: map[timerindex.Member]bool{}, recent: map[timerindex.Member]bool{},
		older: map[timerindex.Member]bool{}, failing: map[timerindex.Member]failure{},
	}
}

// fire fires timers, several at once, and returns those that are done with. It
// returns when all have been tried.
func (h *hand) fire(ctx context.Context, path Path, timers []Timer) []Timer {
	var mu sync.Mutex
	var done []Timer
	work := make(chan Timer)
	var wg sync.WaitGroup
	for range min(h.o.Workers, len(timers)) {
		wg.Go(func() {
			for t := range work {
				if h.one(ctx, path, t) {
					mu.Lock()
					done = append(done, t)
					mu.Unlock()
				}
			}
		})
	}
	for _, t := range timers {
		work <- t
	}
	close(work)
	wg.Wait()
	return done
}

// one fires one timer unless another path has it; true means that it is done with.
func (h *hand) one(ctx context.Context, path Path, t Timer) bool {
	m := t.member()
	h.mu.Lock()
	if h.recent[m] || h.older[m] {
		h.mu.Unlock()
		return true
	}
	if h.inHand[m] || ctx.Err() != nil {
		h.mu.Unlock()
		return false
	}
	h.inHand[m] = true
	h.mu.Unlock()

	err := h.call(ctx, path, t)

	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.inHand, m)
	if err == nil {
		h.recent[m] = true
		delete(h.failing, m)
		return true
	}
	if ctx.Err() != nil {
		return false
	}
	f := h.failing[m]
	pause := min(firstPause<<min(f.count, 20), lastPause)
	h.failing[m] = failure{again: h.o.Clock.Now().Add(pause), count: f.count + 1}
	h.o.Logger.WarnContext(ctx, "timer not fired", "name", t.Name, "generation", t.Generation, "path", path, "attempt", f.count+1, "again_in", pause, "error", err)
	return false
}

// call calls the store and tells of it; a panic in there is an error.
func (h *hand) call(ctx context.Context, path Path, t Timer) error {
	now := h.o.Clock.Now()
	ctx, end := h.span(ctx, path)
	err := lifecycle.Catch("fire timer", func() error { return h.o.Store.Fire(ctx, t) })
	if err != nil {
		err = fmt.Errorf("fire %s: %w", t.Name, err)
	}
	end(err)
	if h.o.OnFired != nil {
		h.o.OnFired(Fired{Timer: t, Path: path, Time: now, Err: err})
	}
	return err
}

// span begins the trace of what follows from a timer.
func (h *hand) span(ctx context.Context, path Path) (context.Context, func(error)) {
	if h.o.Tracer == nil {
		return ctx, func(error) {}
	}
	ctx, span := h.o.Tracer.Tracer("example.com/redress/services/kit/timers").Start(telemetry.Continue(ctx, ""), "timer fire", //nolint:spancheck // the function returned ends it
		trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(attribute.String("redress.timer.path", string(path))))
	return ctx, func(err error) { //nolint:spancheck // as above
		if err != nil {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// patience returns how many timers the sweep leaves alone for now.
func (h *hand) patience() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.failing)
}

// due leaves out what has just been done, is being fired, or failed lately.
func (h *hand) due(timers []Timer, now time.Time) []Timer {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []Timer
	for _, t := range timers {
		m := t.member()
		if !h.recent[m] && !h.older[m] && !h.inHand[m] && !h.failing[m].again.After(now) {
			out = append(out, t)
		}
	}
	return out
}

// forget ends the time in which what was done counts as just done. A failing timer
// that the store no longer lists is forgotten a while after it could be tried again.
func (h *hand) forget(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.older, h.recent = h.recent, map[timerindex.Member]bool{}
	for m, f := range h.failing {
		if now.Sub(f.again) > 2*lastPause {
			delete(h.failing, m)
		}
	}
}
