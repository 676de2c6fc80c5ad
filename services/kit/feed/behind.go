package feed

import (
	"time"

	"example.com/redress/services/kit/clock"
)

// mark says when a consumer first heard of the events up to a sequence.
type mark struct {
	sequence int64
	at       time.Time
}

// queue is what was heard of a shard and has not been applied, oldest first.
type queue []mark

// maxMarks bounds a queue: beyond it the youngest mark takes in what follows, which
// then counts as heard of a little earlier than it was.
const maxMarks = 64

func (q queue) heard(sequence int64, now time.Time) queue {
	if len(q) == maxMarks {
		q[len(q)-1].sequence = sequence
		return q
	}
	return append(q, mark{sequence, now})
}

func (q queue) applied(sequence int64) queue {
	for len(q) > 0 && q[0].sequence <= sequence {
		q = q[1:]
	}
	return q
}

// Behind is how far a consumer is behind its source, as far as it knows.
type Behind struct {
	// Events were heard of and have not been applied, in the shards this process applies.
	Events int64
	// Oldest is for how long the oldest of them has been known, in machine time.
	Oldest time.Duration
	// Connected: the source is read, or others read it and this process stands by.
	Connected bool
}

// Behind says how far this process is behind. It asks nobody.
func (c *Consumer) Behind() Behind {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := Behind{Connected: c.reading}
	now := clock.System().Now()
	for shard, q := range c.waiting {
		b.Events += max(c.heads[shard]-c.applied[shard], 0)
		if len(q) > 0 {
			b.Oldest = max(b.Oldest, now.Sub(q[0].at))
		}
	}
	return b
}

// begin notes from where this process reads which shards, at the start of a
// session: what was known to wait in one of them goes on waiting.
func (c *Consumer) begin(positions map[int32]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := clock.System().Now()
	before := c.waiting
	c.waiting = make(map[int32]queue, len(positions))
	for shard, sequence := range positions {
		q := before[shard].applied(sequence)
		if head := c.heads[shard]; head > sequence && (len(q) == 0 || q[len(q)-1].sequence < head) {
			q = q.heard(head, now)
		}
		c.waiting[shard] = q
	}
}

func (c *Consumer) reads(now bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reading = now
}
