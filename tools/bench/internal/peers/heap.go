package peers

import (
	"container/heap"
	"context"
	"runtime"
	"sync"
	"time"
)

// heapStore is a heap in the process, the limit of one without durability.
type heapStore struct {
	mu      sync.Mutex
	timers  timerHeap
	gone    map[int]bool
	changed chan struct{}
	empty   float64
}

// NewHeap returns a store in memory.
func NewHeap() Store {
	return &heapStore{gone: map[int]bool{}, changed: make(chan struct{}, 1), empty: live()}
}

type timerHeap []Timer

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].Due.Before(h[j].Due) }
func (h timerHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *timerHeap) Push(x any)        { *h = append(*h, x.(Timer)) }
func (h *timerHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// Open implements Store.
func (s *heapStore) Open(context.Context) (Session, error) { return &heapSession{store: s}, nil }

// Bytes implements Store.
func (s *heapStore) Bytes(context.Context) (float64, error) { return live() - s.empty, nil }

func live() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// Tidy implements Store.
func (s *heapStore) Tidy(context.Context) error { return nil }

// Destroy implements Store.
func (s *heapStore) Destroy() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timers, s.gone = nil, map[int]bool{}
	return nil
}

type heapSession struct {
	store *heapStore
	stop  context.CancelFunc
	ended chan struct{}
}

// Schedule implements Session.
func (h *heapSession) Schedule(_ context.Context, t Timer) error {
	s := h.store
	s.mu.Lock()
	first := len(s.timers) == 0 || t.Due.Before(s.timers[0].Due)
	heap.Push(&s.timers, t)
	s.mu.Unlock()
	if first {
		select {
		case s.changed <- struct{}{}:
		default:
		}
	}
	return nil
}

// Batch implements Session.
func (h *heapSession) Batch(context.Context, []Timer) error { return ErrNoBatch }

// Fill implements Session.
func (h *heapSession) Fill(ctx context.Context, ts []Timer) error {
	for _, t := range ts {
		if err := h.Schedule(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// Cancel implements Session: the entry is passed over when it comes up.
func (h *heapSession) Cancel(_ context.Context, id int) error {
	h.store.mu.Lock()
	defer h.store.mu.Unlock()
	h.store.gone[id] = true
	return nil
}

// Settle implements Session.
func (h *heapSession) Settle(context.Context) error { return nil }

// Work implements Session.
func (h *heapSession) Work(ctx context.Context, handle Handle) error {
	ctx, h.stop = context.WithCancel(ctx)
	h.ended = make(chan struct{})
	go func() {
		defer close(h.ended)
		h.run(ctx, handle)
	}()
	return nil
}

func (h *heapSession) run(ctx context.Context, handle Handle) {
	s := h.store
	sleep := time.NewTimer(time.Hour)
	for ctx.Err() == nil {
		now := time.Now()
		s.mu.Lock()
		var due []Timer
		for len(s.timers) > 0 && !s.timers[0].Due.After(now) && len(due) < 256 {
			if t := heap.Pop(&s.timers).(Timer); !s.gone[t.ID] {
				due = append(due, t)
			}
		}
		next := now.Add(time.Hour)
		if len(s.timers) > 0 {
			next = s.timers[0].Due
		}
		s.mu.Unlock()
		for _, t := range due {
			handle(t, time.Now())
		}
		if !next.After(time.Now()) {
			continue
		}
		sleep.Reset(time.Until(next))
		select {
		case <-sleep.C:
		case <-s.changed:
		case <-ctx.Done():
		}
	}
}

// Close implements Session.
func (h *heapSession) Close() error {
	if h.stop != nil {
		h.stop()
		<-h.ended
	}
	return nil
}
