package clock

import (
	"container/heap"
	"time"
)

// wait is one instant somebody waits for.
type wait struct {
	at    time.Time
	done  chan struct{}
	index int // in the heap; -1 once it has left
}

// waits is a heap with the earliest instant on top. Its owner locks.
type waits []*wait

func (w waits) Len() int           { return len(w) }
func (w waits) Less(i, j int) bool { return w[i].at.Before(w[j].at) }
func (w waits) Swap(i, j int) {
	w[i], w[j] = w[j], w[i]
	w[i].index, w[j].index = i, j
}

// Push is for package heap.
func (w *waits) Push(x any) {
	n := x.(*wait)
	n.index = len(*w)
	*w = append(*w, n)
}

// Pop is for package heap.
func (w *waits) Pop() any {
	old := *w
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*w = old[:len(old)-1]
	last.index = -1
	return last
}

func (w *waits) add(at time.Time) *wait {
	n := &wait{at: at, done: make(chan struct{})}
	heap.Push(w, n)
	return n
}

func (w *waits) remove(n *wait) {
	if n.index >= 0 {
		heap.Remove(w, n.index)
	}
}

// fire closes every wait due at now.
func (w *waits) fire(now time.Time) {
	for len(*w) > 0 && !(*w)[0].at.After(now) {
		close(heap.Pop(w).(*wait).done)
	}
}
