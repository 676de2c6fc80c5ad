package journal

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/readgroup"
)

// ForeignAge is how long [Standing] trusts what was read although another process
// may have changed it. Events of other services take as long to arrive anyway.
// After half of it one caller reads again while the others go on with what is known:
// else all callers would stop and wait forty times a second.
const ForeignAge = 25 * time.Millisecond

// maxStanding bounds what a Standing keeps; beyond it everything is read again.
const maxStanding = 1024

// Standing keeps what was read outside a transaction for as long as it stands:
// until this process commits a row of the kind, or [ForeignAge] has passed and
// another process may have. What a caller of this process was told is stored is
// never missed. Who reads the same at the same time reads once.
//
// The zero value with its kind is ready. Safe for concurrent use.
type Standing[K comparable, V any] struct {
	// Kind is that of the resources or projections the values depend on, and of
	// nothing else.
	Kind string

	reads readgroup.Group[K, V]
	mu    sync.RWMutex
	kept  map[K]standing[V]
}

// standing is a value with what was so before it was read.
type standing[V any] struct {
	j       *Journal
	changes uint64
	at      time.Time
	value   V
	renewed *atomic.Bool // somebody reads it again
}

// Get returns the value of the key as read by read, now or while it stands. Errors are not kept.
func (s *Standing[K, V]) Get(ctx context.Context, j *Journal, key K, read func(context.Context) (V, error)) (V, error) {
	changes := j.changes(s.Kind)
	s.mu.RLock()
	k, ok := s.kept[key]
	s.mu.RUnlock()
	if ok && k.j == j && k.changes == changes.Load() {
		age := clock.System().Since(k.at)
		if age < ForeignAge/2 || age < ForeignAge && !k.renewed.CompareAndSwap(false, true) {
			return k.value, nil
		}
	}
	return s.reads.Do(ctx, key, func(ctx context.Context) (V, error) {
		k := standing[V]{j: j, changes: changes.Load(), at: clock.System().Now(), renewed: new(atomic.Bool)}
		var err error
		if k.value, err = read(ctx); err != nil {
			return k.value, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.kept == nil || len(s.kept) >= maxStanding {
			s.kept = map[K]standing[V]{}
		}
		s.kept[key] = k
		return k.value, nil
	})
}

// changes returns how many commits of this process changed rows of the kind.
func (j *Journal) changes(kind string) *atomic.Uint64 {
	if n, ok := j.counted.Load(kind); ok {
		return n.(*atomic.Uint64)
	}
	n, _ := j.counted.LoadOrStore(kind, new(atomic.Uint64))
	return n.(*atomic.Uint64)
}

// count tells whoever keeps something standing what the group changed.
func (g *group) count() {
	kinds := map[string]bool{}
	for _, r := range g.seen.resources {
		if r.dirty {
			kinds[r.kind.Pattern] = true
		}
	}
	for _, p := range g.seen.projections {
		if p.dirty {
			kinds[p.kind] = true
			kinds[p.storedIn] = true
		}
	}
	for kind := range kinds {
		g.j.changes(kind).Add(1)
	}
}
