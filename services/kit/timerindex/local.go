package timerindex

import (
	"container/heap"
	"context"
	"crypto/rand"
	"sync"
	"time"
)

// Local is the index in the memory of one process, ordered by due time. Arming
// and claiming cost the logarithm of what is armed.
type Local struct {
	incarnation string
	mu          sync.Mutex
	shards      map[int32]*localShard
}

type localShard struct {
	due    queue // by due time
	leased queue // by end of lease
	beat   int64
}

// NewLocal returns an empty index.
func NewLocal() *Local {
	return &Local{incarnation: rand.Text(), shards: map[int32]*localShard{}}
}

func (l *Local) shard(n int32) *localShard {
	s := l.shards[n]
	if s == nil {
		s = &localShard{due: queue{at: map[Member]*item{}}, leased: queue{at: map[Member]*item{}}}
		l.shards[n] = s
	}
	return s
}

// Arm implements Index.
func (l *Local) Arm(_ context.Context, shard int32, entries ...Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.shard(shard)
	for _, e := range entries {
		before := e.Member
		before.Generation--
		s.due.remove(before)
		s.due.set(e.Member, milliseconds(e.At))
	}
	return nil
}

// Drop implements Index.
func (l *Local) Drop(_ context.Context, shard int32, members ...Member) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range members {
		l.shard(shard).due.remove(m)
	}
	return nil
}

// Claim implements Index.
func (l *Local) Claim(_ context.Context, shard int32, claim Claim) (Claimed, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.shard(shard)
	now, until := claim.Now.UnixMilli(), milliseconds(claim.Until)
	var out Claimed
	for len(s.due.items) > 0 && s.due.items[0].score <= now && len(out.Entries) < claim.Limit {
		it := s.due.items[0]
		out.Entries = append(out.Entries, Entry{Member: it.member, At: instant(it.score)})
		s.due.remove(it.member)
		s.leased.set(it.member, until)
	}
	if len(s.due.items) > 0 {
		out.Next = instant(s.due.items[0].score)
	}
	return out, nil
}

// Ack implements Index.
func (l *Local) Ack(_ context.Context, shard int32, members ...Member) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range members {
		l.shard(shard).leased.remove(m)
	}
	return nil
}

// Return implements Index.
func (l *Local) Return(_ context.Context, shard int32, now time.Time, limit int) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.shard(shard)
	n := 0
	for ; n < limit && len(s.leased.items) > 0 && s.leased.items[0].score <= now.UnixMilli(); n++ {
		it := s.leased.items[0]
		s.leased.remove(it.member)
		s.due.set(it.member, it.score)
	}
	return n, nil
}

// Beat implements Index.
func (l *Local) Beat(_ context.Context, shard int32, remembered Heartbeat) (Heartbeat, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.shard(shard)
	foreign := remembered.Incarnation != "" && remembered.Incarnation != l.incarnation
	if s.beat == 0 || s.beat < remembered.Number || foreign {
		return Heartbeat{Number: s.beat, Incarnation: l.incarnation}, true, nil
	}
	s.beat++
	return Heartbeat{Number: s.beat, Incarnation: l.incarnation}, false, nil
}

// Rebuild implements Index.
func (l *Local) Rebuild(_ context.Context, shard int32, remembered Heartbeat, fill func() error) (Heartbeat, error) {
	if err := fill(); err != nil {
		return Heartbeat{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.shard(shard)
	s.beat = max(s.beat, remembered.Number) + 1
	return Heartbeat{Number: s.beat, Incarnation: l.incarnation}, nil
}

// item is one member in a queue.
type item struct {
	member Member
	score  int64 // milliseconds
	index  int
}

// queue is a heap with a map beside it, so that any member can be found.
type queue struct {
	items []*item
	at    map[Member]*item
}

func (q *queue) set(m Member, score int64) {
	if it := q.at[m]; it != nil {
		it.score = score
		heap.Fix(q, it.index)
		return
	}
	it := &item{member: m, score: score}
	q.at[m] = it
	heap.Push(q, it)
}

func (q *queue) remove(m Member) {
	if it := q.at[m]; it != nil {
		heap.Remove(q, it.index)
		delete(q.at, m)
	}
}

// Len is for package heap, as are Less, Swap, Push and Pop.
func (q *queue) Len() int { return len(q.items) }

// Less orders by score and then, as Redis does, by the text of the member.
func (q *queue) Less(i, j int) bool {
	if q.items[i].score != q.items[j].score {
		return q.items[i].score < q.items[j].score
	}
	return q.items[i].member.String() < q.items[j].member.String()
}

// Swap is for package heap.
func (q *queue) Swap(i, j int) {
	q.items[i], q.items[j] = q.items[j], q.items[i]
	q.items[i].index, q.items[j].index = i, j
}

// Push is for package heap.
func (q *queue) Push(x any) {
	it := x.(*item)
	it.index = len(q.items)
	q.items = append(q.items, it)
}

// Pop is for package heap.
func (q *queue) Pop() any {
	last := q.items[len(q.items)-1]
	q.items[len(q.items)-1] = nil
	q.items = q.items[:len(q.items)-1]
	return last
}
