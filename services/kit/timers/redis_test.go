package timers_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/kittest"
	"example.com/redress/services/kit/timerindex"
	"example.com/redress/services/kit/timers"
)

// TestOnARealRedis plays every kind of loss in real time, one after the other,
// while timers fall due: the set is emptied, an old copy of it restored, and the
// server away for two seconds.
func TestOnARealRedis(t *testing.T) {
	t.Parallel()
	addr := kittest.Address(t, kittest.RedisEnv)
	direct := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { require.NoError(t, direct.Close()) })
	wire := newWire(t, addr)
	client := timerindex.Dial(timerindex.Address{Addrs: []string{wire.addr()}})
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	name := "test-" + rand.Text()
	t.Cleanup(func() { wipe(t, direct, name) })

	host := clock.NewHost()
	s := newStore(host)
	told := &paths{}
	var engines []*timers.Engine
	for range 2 {
		e, err := timers.New(timers.Options{Store: s, Memory: s, Index: timerindex.NewRedis(client, name), Clock: host, Shards: 8, OnFired: told.told})
		require.NoError(t, err)
		require.NoError(t, e.Start(t.Context()))
		t.Cleanup(func() { require.NoError(t, e.Stop(context.Background())) })
		engines = append(engines, e)
	}
	const n, lasts = 2000, 9 * time.Second
	start := host.Now()
	for i := range n {
		timer := timers.Timer{Organization: "org", Name: fmt.Sprintf("cases/%04d/clocks/k", i), Shard: int32(i % 8), At: start.Add(time.Second + lasts*time.Duration(i)/n), Generation: 1}
		s.put(timer)
		engines[i%2].Arm(timer)
	}
	at := func(d time.Duration) {
		t.Helper()
		require.NoError(t, clock.Wait(t.Context(), host, start.Add(d)))
	}
	at(2 * time.Second)
	old := dump(t, direct, name)
	at(3 * time.Second)
	wipe(t, direct, name)
	at(5 * time.Second)
	wipe(t, direct, name)
	old.restore(t, direct)
	at(6 * time.Second)
	wire.cut()
	at(8 * time.Second)
	wire.mend()
	at(13 * time.Second) // two sweeps after the last, on a busy machine
	s.fired(t, n, 2*time.Second)
	require.Greater(t, told.count(timers.ByClaim), n/4)
	require.Positive(t, told.count(timers.BySweep))
	t.Logf("fired by claim %d, by sweep %d, dropped %d", told.count(timers.ByClaim), told.count(timers.BySweep), s.drops())
}

// copied is the content of a store's keys.
type copied map[string]string

func keysOf(t testing.TB, client *redis.Client, store string) []string {
	var out []string
	keys := client.Scan(context.Background(), 0, store+":*", 10_000).Iterator()
	for keys.Next(context.Background()) {
		out = append(out, keys.Val())
	}
	require.NoError(t, keys.Err())
	return out
}

func dump(t testing.TB, client *redis.Client, store string) copied {
	out := copied{}
	for _, key := range keysOf(t, client, store) {
		content, err := client.Dump(context.Background(), key).Result()
		if errors.Is(err, redis.Nil) {
			continue // the last lease of a shard has just ended
		}
		require.NoError(t, err)
		out[key] = content
	}
	require.NotEmpty(t, out)
	return out
}

func (c copied) restore(t testing.TB, client *redis.Client) {
	for key, content := range c {
		require.NoError(t, client.RestoreReplace(context.Background(), key, 0, content).Err())
	}
}

func wipe(t testing.TB, client *redis.Client, store string) {
	for _, key := range keysOf(t, client, store) {
		require.NoError(t, client.Del(context.Background(), key).Err())
	}
}

// wire is a TCP connection to the server that can be cut: what is open breaks, and
// nothing new gets through.
type wire struct {
	to       string
	listener net.Listener
	done     sync.WaitGroup

	mu    sync.Mutex
	whole bool
	open  map[net.Conn]bool
}

func newWire(t testing.TB, to string) *wire {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &wire{to: to, listener: l, whole: true, open: map[net.Conn]bool{}}
	w.done.Go(w.accept)
	t.Cleanup(func() {
		_ = l.Close()
		w.cut()
		w.done.Wait()
	})
	return w
}

func (w *wire) addr() string { return w.listener.Addr().String() }

func (w *wire) accept() {
	for {
		near, err := w.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", w.to)
		if err != nil || !w.join(near, far) {
			_ = near.Close()
			if far != nil {
				_ = far.Close()
			}
		}
	}
}

func (w *wire) join(near, far net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.whole {
		return false
	}
	w.open[near], w.open[far] = true, true
	for _, ends := range [][2]net.Conn{{near, far}, {far, near}} {
		w.done.Go(func() {
			_, _ = io.Copy(ends[0], ends[1])
			_ = ends[0].Close()
			_ = ends[1].Close()
		})
	}
	return true
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.whole = false
	for c := range w.open {
		_ = c.Close()
	}
	clear(w.open)
}

func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.whole = true
}
