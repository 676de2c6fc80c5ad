package journal

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"example.com/redress/services/kit/fault"
)

// maxGroup is how many writes share a transaction at most. Source: DESIGN section 3.
const maxGroup = 128

// Where a member is: it leaves memberWaits once, to one of the others.
const (
	memberWaits int32 = iota
	memberTaken
	memberGone // its caller gave up
)

// member is one write on its way through a lane.
type member struct {
	ctx    context.Context
	work   Work
	fn     func(*Unit) error
	state  atomic.Int32
	result chan Result
}

// lane takes the writes of some shards in order, one transaction in flight. Its
// goroutine lives only while there is work, and Close waits for it.
type lane struct {
	j *Journal

	mu      sync.Mutex
	waiting []*member
	idle    chan struct{} // nil while no goroutine runs, else closed when it ends
}

// submit queues a write in the lane of its shard.
func (j *Journal) submit(ctx context.Context, shard int, w Work, fn func(*Unit) error) *member {
	m := &member{ctx: ctx, work: w, fn: fn, result: make(chan Result, 1)}
	if w.Request != nil && w.Request.ID == "" {
		m.work.Request = nil
	}
	if !j.lanes[shard%len(j.lanes)].add(m) {
		m.result <- Result{Err: fault.New(fault.Unavailable, ReasonUnavailable)}
	}
	return m
}

// add queues m; false if the journal is closed.
func (l *lane) add(m *member) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.j.stopped:
		return false
	default:
	}
	l.waiting = append(l.waiting, m)
	if l.idle == nil {
		l.idle = make(chan struct{})
		go l.run()
	}
	return true
}

// run commits what waits, group after group, and ends when nothing does.
//
// There is no artificial delay: what arrives during a commit goes out with the next one.
func (l *lane) run() {
	for {
		runtime.Gosched() // who is about to write comes along
		l.mu.Lock()
		if len(l.waiting) == 0 {
			close(l.idle)
			l.idle = nil
			l.mu.Unlock()
			return
		}
		n := min(len(l.waiting), maxGroup)
		taken := l.waiting[:n:n]
		l.waiting = l.waiting[n:]
		if len(l.waiting) == 0 {
			l.waiting = nil
		}
		l.mu.Unlock()

		var group []*member
		for _, m := range taken {
			switch {
			case m.ctx.Err() != nil && m.state.CompareAndSwap(memberWaits, memberGone):
				m.result <- Result{Err: givenUp(m.ctx)}
			case m.state.CompareAndSwap(memberWaits, memberTaken):
				group = append(group, m)
			}
		}
		l.j.commit(group)
	}
}

// drain waits until the lane has no work.
func (l *lane) drain() {
	l.mu.Lock()
	idle := l.idle
	l.mu.Unlock()
	if idle != nil {
		<-idle
	}
}
