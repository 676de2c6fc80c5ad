package feedline

import (
	"context"
	"maps"
	"sync"
	"time"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/journal"
)

const (
	// lookEvery is how often the sources are asked how far they are, in machine time.
	lookEvery = time.Second
	// lookFor bounds the question to one source.
	lookFor = 2 * time.Second
)

// Watch asks the sources how far they are. Safe for concurrent use.
type Watch struct {
	j       *journal.Journal
	lines   *Lines
	clock   clock.Business
	sources []string

	mu      sync.Mutex
	read    map[string]time.Time       // up to when each source was read
	stalled map[string]map[int32]int64 // positions of sources that were behind at the last look
}

// NewWatch returns a watch over the feeds of the sources, as applied in j.
func NewWatch(j *journal.Journal, lines *Lines, c clock.Business, sources ...string) *Watch {
	return &Watch{j: j, lines: lines, clock: c, sources: sources, read: map[string]time.Time{}, stalled: map[string]map[int32]int64{}}
}

// Run looks at the sources until ctx ends.
func (w *Watch) Run(ctx context.Context) error {
	for {
		w.Look(ctx)
		if clock.System().Pause(ctx, lookEvery) != nil {
			return nil //nolint:nilerr // the pause ends with ctx only
		}
	}
}

// Fresh returns up to when all feeds were read; ok is false while that is not
// known of every source, because it has not been reached since the start.
func (w *Watch) Fresh() (at time.Time, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.sources {
		t, known := w.read[s]
		if !known {
			return time.Time{}, false
		}
		if !ok || t.Before(at) {
			at, ok = t, true
		}
	}
	return at, ok
}

// Look asks all sources at once. One that is away is passed over.
func (w *Watch) Look(ctx context.Context) {
	var wg sync.WaitGroup
	for _, s := range w.sources {
		wg.Go(func() { w.look(ctx, s) })
	}
	wg.Wait()
}

func (w *Watch) look(ctx context.Context, source string) {
	ctx, cancel := clock.System().WithTimeout(ctx, lookFor)
	defer cancel()
	at := w.clock.Now()
	heads, err := eventv1.NewFeedServiceClient(w.lines.Dial(source)).GetHeads(ctx, &eventv1.GetHeadsRequest{})
	if err != nil {
		return
	}
	positions, err := w.j.FeedPositions(ctx, source)
	if err != nil {
		return
	}
	behind := false
	here := make(map[int32]int64, len(positions))
	for shard, p := range positions {
		here[shard] = p.GetSequence()
	}
	for _, h := range heads.GetHeads() {
		behind = behind || here[h.GetShard()] < h.GetSequence()
	}
	if w.stands(source, behind, here, at) {
		w.lines.Cut(source)
	}
}

// stands notes what was found and reports whether the feed is behind and has not
// moved since the look before: then its consumer reads from another position than
// the store's.
func (w *Watch) stands(source string, behind bool, here map[int32]int64, at time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !behind {
		w.read[source] = at
		delete(w.stalled, source)
		return false
	}
	before, was := w.stalled[source]
	w.stalled[source] = here
	return was && maps.Equal(before, here)
}
