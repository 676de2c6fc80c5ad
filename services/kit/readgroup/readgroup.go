// Package readgroup lets callers who want to read the same thing at the same
// time read it once, without anybody getting what is older than their question.
//
// A read that has begun may have missed what was stored since. So a caller never
// joins it, only the one that begins when it ends, together with everybody else
// who has come meanwhile: with n callers two reads are done instead of n, and
// each of them sees everything that stood when the caller asked.
//
// It keeps nothing: that is the reader's business. Start reading at [Group.Do].
package readgroup

import (
	"context"
	"sync"
	"time"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/lifecycle"
)

// patience bounds a read that is done for several, who may each have another deadline.
const patience = 10 * time.Second

// Group reads values by their keys. The zero value is ready. Safe for concurrent use.
type Group[K comparable, V any] struct {
	mu sync.Mutex
	// waiting holds, for every key that is being read, the read after it; nil
	// while nobody wants it.
	waiting map[K]*turn[V]
}

// turn is one read for all who wait for it.
type turn[V any] struct {
	ctx   context.Context //nolint:containedctx // that of the first who waits, whose values the read gets
	read  func(context.Context) (V, error)
	done  chan struct{}
	value V
	err   error
}

// Do returns what a read of the key answers that begins after Do was called. It
// is done by read or by that of another caller, which must mean the same. Reads
// of one key never overlap. If ctx ends, Do returns its error.
func (g *Group[K, V]) Do(ctx context.Context, key K, read func(context.Context) (V, error)) (V, error) {
	g.mu.Lock()
	next, busy := g.waiting[key]
	if !busy {
		if g.waiting == nil {
			g.waiting = map[K]*turn[V]{}
		}
		g.waiting[key] = nil
		g.mu.Unlock()
		defer g.after(key)
		return read(ctx)
	}
	if next == nil {
		next = &turn[V]{ctx: context.WithoutCancel(ctx), read: read, done: make(chan struct{})}
		g.waiting[key] = next
	}
	g.mu.Unlock()
	select {
	case <-next.done:
		return next.value, next.err
	case <-ctx.Done():
		var none V
		return none, ctx.Err()
	}
}

// after ends a read: the one that is waited for begins.
func (g *Group[K, V]) after(key K) {
	g.mu.Lock()
	defer g.mu.Unlock()
	next := g.waiting[key]
	if next == nil {
		delete(g.waiting, key)
		return
	}
	g.waiting[key] = nil
	go func() {
		defer g.after(key)
		next.run()
	}()
}

func (t *turn[V]) run() {
	defer close(t.done)
	ctx, cancel := clock.System().WithTimeout(t.ctx, patience)
	defer cancel()
	t.err = lifecycle.Catch("read", func() (err error) {
		t.value, err = t.read(ctx)
		return err
	})
}
