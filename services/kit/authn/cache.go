package authn

import (
	"crypto/sha256"
	"sync"
	"time"
)

// cache remembers verified tokens by their digests, at most limit of them.
//
// It has two generations: what is used moves to the young one, and when that is
// full the old one is dropped. That costs no list and forgets what is not used.
type cache struct {
	limit int
	age   time.Duration

	mu         sync.Mutex
	young, old map[[sha256.Size]byte]remembered
}

type remembered struct {
	id    Identity
	until time.Time
}

func newCache(limit int, age time.Duration) *cache {
	return &cache{limit: max(limit, 2), age: age, young: map[[sha256.Size]byte]remembered{}}
}

func (c *cache) get(key [sha256.Size]byte, now time.Time) (Identity, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok := c.young[key]
	if !ok {
		if r, ok = c.old[key]; ok {
			c.add(key, r)
		}
	}
	if !ok || !now.Before(r.until) {
		return Identity{}, false
	}
	return r.id, true
}

func (c *cache) put(key [sha256.Size]byte, id Identity, now time.Time) {
	until := now.Add(c.age)
	if id.Expires.Before(until) {
		until = id.Expires
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(key, remembered{id, until})
}

func (c *cache) add(key [sha256.Size]byte, r remembered) {
	if len(c.young) >= c.limit/2 {
		c.old, c.young = c.young, make(map[[sha256.Size]byte]remembered, c.limit/2)
	}
	c.young[key] = r
}

func (c *cache) size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.young) + len(c.old)
}
