package seal

import (
	"bytes"
	"container/list"
	"context"
	"sync"
	"time"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/fault"
)

// Fetcher fetches one key from where keys are kept, for example over RPC from
// intake. Every [Keys] is one.
type Fetcher interface {
	Key(ctx context.Context, organization, subject string, create bool) ([]byte, error)
}

// CacheOptions bound a [Cache]. Zero values take the defaults.
type CacheOptions struct {
	// Size is the most keys held, default 10,000.
	Size int
	// TTL is how long a key is used without asking again, default 5 minutes. It
	// bounds how long a missed erasure goes unnoticed.
	TTL time.Duration
	// Clock is the machine's clock.
	Clock clock.Clock
}

// Cache is [Keys] that remembers, in memory only, what a [Fetcher] answered.
// Keys that leave it are overwritten. A service calls [Cache.Drop] when it
// learns of an erasure.
type Cache struct {
	source Fetcher
	size   int
	ttl    time.Duration
	clock  clock.Clock

	mu      sync.Mutex
	entries map[subjectID]*list.Element
	order   *list.List // most recently used first
	dropped uint64     // number of drops: an answer asked for before a drop is not kept
}

type subjectID struct{ organization, subject string }

type cached struct {
	id     subjectID
	key    []byte // nil: erased
	expiry time.Time
}

// NewCache returns an empty cache before source.
func NewCache(source Fetcher, o CacheOptions) *Cache {
	if o.Size <= 0 {
		o.Size = 10_000
	}
	if o.TTL <= 0 {
		o.TTL = 5 * time.Minute
	}
	if o.Clock == nil {
		o.Clock = clock.System()
	}
	return &Cache{source: source, size: o.Size, ttl: o.TTL, clock: o.Clock, entries: map[subjectID]*list.Element{}, order: list.New()}
}

// Key implements [Keys]. Erasures are remembered without end of time, as they
// are never taken back; other faults are not remembered.
func (c *Cache) Key(ctx context.Context, organization, subject string, create bool) ([]byte, error) {
	id := subjectID{organization, subject}
	c.mu.Lock()
	if e, ok := c.entries[id]; ok {
		entry := e.Value.(*cached)
		switch {
		case entry.key == nil:
			c.order.MoveToFront(e)
			c.mu.Unlock()
			return nil, erased(subject)
		case c.clock.Now().Before(entry.expiry):
			c.order.MoveToFront(e)
			key := bytes.Clone(entry.key)
			c.mu.Unlock()
			return key, nil
		}
		c.remove(e)
	}
	before := c.dropped
	c.mu.Unlock()

	key, err := c.source.Key(ctx, organization, subject, create)
	gone := fault.ReasonOf(err) == ReasonSubjectErased
	if err != nil && !gone {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.entries[id]; ok && e.Value.(*cached).key == nil {
		return nil, erased(subject)
	}
	switch {
	case gone:
		c.put(&cached{id: id})
	case before == c.dropped:
		c.put(&cached{id: id, key: bytes.Clone(key), expiry: c.clock.Now().Add(c.ttl)})
	}
	return key, err
}

// Drop forgets the subject's key because the person was erased; from now on
// the subject is erased, also for answers that are still on their way.
func (c *Cache) Drop(organization, subject string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropped++
	c.put(&cached{id: subjectID{organization, subject}})
}

// Len returns how many subjects are remembered.
func (c *Cache) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.order.Len()
}

func (c *Cache) put(entry *cached) {
	if e, ok := c.entries[entry.id]; ok {
		c.remove(e)
	}
	c.entries[entry.id] = c.order.PushFront(entry)
	for c.order.Len() > c.size {
		c.remove(c.order.Back())
	}
}

func (c *Cache) remove(e *list.Element) {
	entry := c.order.Remove(e).(*cached)
	delete(c.entries, entry.id)
	clear(entry.key)
}
