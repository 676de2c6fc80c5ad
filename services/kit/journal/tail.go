package journal

import (
	"maps"
	"sync"

	"google.golang.org/protobuf/proto"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
)

// tailBytes bounds what a journal remembers of its last events: some hundred of
// them, which is what consumers that keep up are behind. Who is further behind
// reads SQL.
const tailBytes = 1 << 20

// tail remembers the last events that this process committed, so that who follows
// live costs no statement. Of each shard it holds a run without gaps: where another
// process wrote in between, the run begins anew.
type tail struct {
	mu    sync.Mutex
	runs  map[int32][]*eventv1.Event // by shard, in order
	order []*eventv1.Event           // of all shards, the oldest first; some are in no run any more
	bytes int                        // of order
	heads map[int32]int64            // by shard, the last sequence committed here
}

func newTail() *tail {
	return &tail{runs: map[int32][]*eventv1.Event{}, heads: map[int32]int64{}}
}

// add takes events of one transaction, those of a shard in order. Nobody changes
// them any more.
func (t *tail) add(events []*eventv1.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, ev := range events {
		if t.heads[ev.Shard]+1 != ev.Sequence {
			t.runs[ev.Shard] = nil
		}
		t.runs[ev.Shard] = append(t.runs[ev.Shard], ev)
		t.heads[ev.Shard] = ev.Sequence
		t.order = append(t.order, ev)
		t.bytes += proto.Size(ev)
	}
	for t.bytes > tailBytes {
		oldest := t.order[0]
		t.order[0], t.order = nil, t.order[1:]
		t.bytes -= proto.Size(oldest)
		if run := t.runs[oldest.Shard]; len(run) > 0 && run[0] == oldest {
			run[0], t.runs[oldest.Shard] = nil, run[1:]
		}
	}
}

// Recent returns at most limit events of the shard after the sequence, in order
// and without gaps, if this process committed the first of them lately; else none,
// and [Journal.Events] has them. The events are shared: they must not be changed.
// It costs no statement.
func (j *Journal) Recent(shard int32, after int64, limit int) []*eventv1.Event {
	t := j.tail
	t.mu.Lock()
	defer t.mu.Unlock()
	run := t.runs[shard]
	if len(run) == 0 || after+1 < run[0].Sequence || after >= t.heads[shard] {
		return nil
	}
	run = run[after+1-run[0].Sequence:]
	return append([]*eventv1.Event(nil), run[:min(limit, len(run))]...)
}

// RecentHeads returns the last sequence, by shard, of what this process has
// committed since it opened the journal. Others may be further: [Journal.Heads].
// It costs no statement.
func (j *Journal) RecentHeads() map[int32]int64 {
	j.tail.mu.Lock()
	defer j.tail.mu.Unlock()
	return maps.Clone(j.tail.heads)
}
