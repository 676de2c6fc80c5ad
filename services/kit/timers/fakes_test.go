package timers_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/timerindex"
	"example.com/redress/services/kit/timers"
)

// store is SQL as the engine sees it: rows, and one effect for each generation.
type store struct {
	clock clock.Business

	mu      sync.Mutex
	rows    map[string]timers.Timer
	fires   []fire
	dropped int // calls that found another generation or no row
	early   int // calls before the row was due
	beats   map[int32]timerindex.Heartbeat

	fail   func(timers.Timer) error                        // refuses a firing
	away   error                                           // of every call
	hidden bool                                            // the sweep sees nothing
	then   func(timers.Timer) (next timers.Timer, ok bool) // following instant of a timer
	armed  func(...timers.Timer)                           // told after a commit
}

type fire struct {
	timers.Timer
	time time.Time
}

func newStore(c clock.Business) *store {
	return &store{clock: c, rows: map[string]timers.Timer{}, beats: map[int32]timerindex.Heartbeat{}}
}

func (s *store) put(ts ...timers.Timer) {
	s.mu.Lock()
	for _, t := range ts {
		s.rows[t.Name] = t
	}
	armed := s.armed
	s.mu.Unlock()
	if armed != nil {
		armed(ts...)
	}
}

func (s *store) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *store) DueTimers(_ context.Context, shard int32, before time.Time, limit int) ([]timers.Timer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away != nil {
		return nil, s.away
	}
	var out []timers.Timer
	for _, t := range s.rows {
		if (shard < 0 || t.Shard == shard) && !t.At.After(before) && (!s.hidden || t.At.After(s.clock.Now())) {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b timers.Timer) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Name, b.Name)) })
	return out[:min(limit, len(out))], nil
}

func (s *store) NextTimer(context.Context) (time.Time, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var next time.Time
	for _, t := range s.rows {
		if next.IsZero() || t.At.Before(next) {
			next = t.At
		}
	}
	return next, len(s.rows) > 0, s.away
}

func (s *store) Fire(_ context.Context, t timers.Timer) error {
	next, armed, err := s.fire(t)
	if err == nil && next != nil && armed != nil {
		armed(*next)
	}
	return err
}

func (s *store) fire(t timers.Timer) (*timers.Timer, func(...timers.Timer), error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away != nil {
		return nil, nil, s.away
	}
	if s.fail != nil {
		if err := s.fail(t); err != nil {
			return nil, nil, err
		}
	}
	row, ok := s.rows[t.Name]
	switch now := s.clock.Now(); {
	case !ok || row.Generation != t.Generation:
		s.dropped++
		return nil, nil, nil
	case row.At.After(now):
		s.early++
		return nil, nil, nil
	default:
		s.fires = append(s.fires, fire{row, now})
	}
	delete(s.rows, t.Name)
	if s.then != nil {
		if next, ok := s.then(row); ok {
			s.rows[t.Name] = next
			return &next, s.armed, nil
		}
	}
	return nil, nil, nil
}

// log returns what has been fired.
func (s *store) log() []fire {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.fires)
}

// drops returns how many calls came with a generation that is gone.
func (s *store) drops() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dropped
}

func (s *store) LoadHeartbeats(context.Context) (map[int32]timerindex.Heartbeat, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.beats), s.away
}

func (s *store) SaveHeartbeats(_ context.Context, beats map[int32]timerindex.Heartbeat) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for shard, b := range beats {
		if old := s.beats[shard]; old.Incarnation != b.Incarnation || old.Number < b.Number {
			s.beats[shard] = b
		}
	}
	return s.away
}

// fired checks that every timer was fired once, none early and none later than allowed.
func (s *store) fired(t testing.TB, want int, late time.Duration) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := map[string]int{}
	for _, f := range s.fires {
		seen[fmt.Sprint(f.Name, "#", f.Generation)]++
		require.False(t, f.time.Before(f.At), "%s fired early", f.Name)
		require.LessOrEqual(t, f.time.Sub(f.At), late, f.Name)
	}
	for name, n := range seen {
		require.Equal(t, 1, n, name)
	}
	require.Len(t, seen, want)
	require.Zero(t, s.early, "fired before it was due")
}

// server is a Redis in the memory of the test that can be emptied, put back to an
// older state, be away, or hang. It tells no incarnation, as miniredis does not.
type server struct {
	mu    sync.Mutex
	inner *timerindex.Local
	log   []func(*timerindex.Local) // what was done, to replay an old state
	down  bool
	hangs bool
	// rebuilt counts the shards rebuilt, beats the looks at each.
	rebuilt int
	beats   map[int32]int
}

var errAway = errors.New("connection refused")

func newServer() *server { return &server{inner: timerindex.NewLocal(), beats: map[int32]int{}} }

// do runs one call on what stands behind the server just now.
func (s *server) do(ctx context.Context, call func(*timerindex.Local)) error {
	s.mu.Lock()
	hangs := s.hangs
	s.mu.Unlock()
	if hangs {
		_ = clock.System().Pause(ctx, time.Second)
		return errAway
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return errAway
	}
	call(s.inner)
	s.log = append(s.log, call)
	return nil
}

func (s *server) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *server) flush() { s.set(func() { s.inner, s.log = timerindex.NewLocal(), nil }) }

// rebuilds returns how many shards were rebuilt.
func (s *server) rebuilds() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rebuilt
}

// looks returns how many shards were looked at since it was last asked, and how
// often the most watched one was.
func (s *server) looks() (shards, most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.beats {
		most = max(most, n)
	}
	shards = len(s.beats)
	clear(s.beats)
	return shards, most
}

// dump returns a state to which restore can go back.
func (s *server) dump() []func(*timerindex.Local) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log)
}

func (s *server) restore(old []func(*timerindex.Local)) {
	s.set(func() {
		s.inner, s.log = timerindex.NewLocal(), slices.Clone(old)
		for _, call := range old {
			call(s.inner)
		}
	})
}

func (s *server) Arm(ctx context.Context, shard int32, entries ...timerindex.Entry) (err error) {
	away := s.do(ctx, func(l *timerindex.Local) { err = l.Arm(context.Background(), shard, entries...) })
	return errors.Join(err, away)
}

func (s *server) Drop(ctx context.Context, shard int32, members ...timerindex.Member) (err error) {
	away := s.do(ctx, func(l *timerindex.Local) { err = l.Drop(context.Background(), shard, members...) })
	return errors.Join(err, away)
}

func (s *server) Ack(ctx context.Context, shard int32, members ...timerindex.Member) (err error) {
	away := s.do(ctx, func(l *timerindex.Local) { err = l.Ack(context.Background(), shard, members...) })
	return errors.Join(err, away)
}

func (s *server) Claim(ctx context.Context, shard int32, c timerindex.Claim) (timerindex.Claimed, error) {
	out := new(timerindex.Claimed)
	away := s.do(ctx, func(l *timerindex.Local) { *out, _ = l.Claim(context.Background(), shard, c) })
	return *out, away
}

func (s *server) Return(ctx context.Context, shard int32, now time.Time, limit int) (int, error) {
	n := new(int)
	away := s.do(ctx, func(l *timerindex.Local) { *n, _ = l.Return(context.Background(), shard, now, limit) })
	return *n, away
}

func (s *server) Beat(ctx context.Context, shard int32, remembered timerindex.Heartbeat) (timerindex.Heartbeat, bool, error) {
	beat, lost := new(timerindex.Heartbeat), new(bool)
	remembered.Incarnation = ""
	s.set(func() { s.beats[shard]++ })
	away := s.do(ctx, func(l *timerindex.Local) { *beat, *lost, _ = l.Beat(context.Background(), shard, remembered) })
	return timerindex.Heartbeat{Number: beat.Number}, *lost, away
}

func (s *server) Rebuild(ctx context.Context, shard int32, remembered timerindex.Heartbeat, fill func() error) (timerindex.Heartbeat, error) {
	if err := fill(); err != nil {
		return timerindex.Heartbeat{}, err
	}
	beat := new(timerindex.Heartbeat)
	remembered.Incarnation = ""
	away := s.do(ctx, func(l *timerindex.Local) {
		*beat, _ = l.Rebuild(context.Background(), shard, remembered, func() error { return nil })
	})
	s.set(func() { s.rebuilt++ })
	return timerindex.Heartbeat{Number: beat.Number}, away
}

// paths counts how timers came to be fired.
type paths struct {
	mu sync.Mutex
	n  map[timers.Path]int
}

func (p *paths) told(f timers.Fired) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.n == nil {
		p.n = map[timers.Path]int{}
	}
	p.n[f.Path]++
}

func (p *paths) count(path timers.Path) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.n[path]
}
