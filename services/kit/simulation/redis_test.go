package simulation_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/redress/services/kit/sqldb"
	"example.com/redress/services/kit/timerindex"
	"example.com/redress/services/kit/timerindex/timerindextest"
)

// redisServer is Redis as the timers see it: sorted sets, a heartbeat with the
// tokens of rebuilds, and an identity. It can forget, and be put back to an older state.
type redisServer struct {
	mu     sync.Mutex
	shards map[redisKey]*redisShard
	runs   int  // how often it was started
	mute   bool // does not tell its identity
	acked  func(m timerindex.Member)

	down, slow time.Time // away, or slow, until then
	dump       map[redisKey]*redisShard
}

// redisKey names a shard: stores share a server.
type redisKey struct {
	store string
	shard int32
}

type redisShard struct {
	due, leased map[timerindex.Member]int64
	beat        int64
	tokens      map[string]bool
}

func newRedisServer() *redisServer { return &redisServer{shards: map[redisKey]*redisShard{}} }

func (r *redisServer) shard(n redisKey) *redisShard {
	s := r.shards[n]
	if s == nil {
		s = &redisShard{due: map[timerindex.Member]int64{}, leased: map[timerindex.Member]int64{}, tokens: map[string]bool{}}
		r.shards[n] = s
	}
	return s
}

func (r *redisServer) incarnation() string {
	if r.mute {
		return ""
	}
	return "run-" + strconv.Itoa(r.runs)
}

// flush is FLUSHALL.
func (r *redisServer) flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shards = map[redisKey]*redisShard{}
}

// save keeps the present state as the dump.
func (r *redisServer) save() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dump = copied(r.shards)
}

// restart comes back with what the dump holds.
func (r *redisServer) restart() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shards = copied(r.dump)
	r.runs++
}

func copied(shards map[redisKey]*redisShard) map[redisKey]*redisShard {
	out := map[redisKey]*redisShard{}
	for n, s := range shards {
		out[n] = &redisShard{due: maps.Clone(s.due), leased: maps.Clone(s.leased), beat: s.beat, tokens: maps.Clone(s.tokens)}
	}
	return out
}

// redisIndex is the index of one process on the server. pass says what becomes of
// a call; nil lets everything through.
type redisIndex struct {
	server *redisServer
	pass   func(op string) verdict
	store  string
	name   string // of the process
	tokens atomic.Int64
}

var _ timerindex.Index = (*redisIndex)(nil)

// do runs one command: its effect, and then what the caller is told.
func (x *redisIndex) do(op string, shard int32, effect func(*redisShard)) error {
	v := verdict{}
	if x.pass != nil {
		v = x.pass("redis " + op + " " + strconv.Itoa(int(shard)))
	}
	if v.err == nil || v.effect {
		x.server.mu.Lock()
		effect(x.server.shard(redisKey{x.store, shard}))
		x.server.mu.Unlock()
	}
	return v.err
}

func (x *redisIndex) Arm(_ context.Context, shard int32, entries ...timerindex.Entry) error {
	return x.do("arm", shard, func(s *redisShard) {
		for _, e := range entries {
			before := e.Member
			before.Generation--
			delete(s.due, before)
			s.due[e.Member] = ceil(e.At)
		}
	})
}

// ceil is an instant in milliseconds, rounded up.
func ceil(t time.Time) int64 {
	ms := t.UnixMilli()
	if time.UnixMilli(ms).Before(t) {
		ms++
	}
	return ms
}

func (x *redisIndex) Drop(_ context.Context, shard int32, members ...timerindex.Member) error {
	return x.do("drop", shard, func(s *redisShard) {
		for _, m := range members {
			delete(s.due, m)
		}
	})
}

func (x *redisIndex) Ack(_ context.Context, shard int32, members ...timerindex.Member) error {
	return x.do("ack", shard, func(s *redisShard) {
		for _, m := range members {
			if x.server.acked != nil {
				x.server.acked(m)
			}
			delete(s.leased, m)
		}
	})
}

// first returns the members up to a score, the lowest first.
func first(set map[timerindex.Member]int64, upTo int64, limit int) []timerindex.Member {
	var out []timerindex.Member
	for m, score := range set {
		if score <= upTo {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b timerindex.Member) int {
		return cmp.Or(cmp.Compare(set[a], set[b]), cmp.Compare(a.String(), b.String()))
	})
	return out[:min(limit, len(out))]
}

func (x *redisIndex) Claim(_ context.Context, shard int32, c timerindex.Claim) (timerindex.Claimed, error) {
	var out timerindex.Claimed
	err := x.do("claim", shard, func(s *redisShard) {
		for _, m := range first(s.due, c.Now.UnixMilli(), c.Limit) {
			out.Entries = append(out.Entries, timerindex.Entry{Member: m, At: time.UnixMilli(s.due[m]).UTC()})
			delete(s.due, m)
			s.leased[m] = ceil(c.Until)
		}
		for _, score := range s.due {
			if at := time.UnixMilli(score).UTC(); out.Next.IsZero() || at.Before(out.Next) {
				out.Next = at
			}
		}
	})
	if err != nil {
		return timerindex.Claimed{}, err
	}
	return out, nil
}

func (x *redisIndex) Return(_ context.Context, shard int32, now time.Time, limit int) (n int, err error) {
	err = x.do("return", shard, func(s *redisShard) {
		for _, m := range first(s.leased, now.UnixMilli(), limit) {
			s.due[m] = s.leased[m]
			delete(s.leased, m)
			n++
		}
	})
	return n, err
}

func (x *redisIndex) Beat(_ context.Context, shard int32, remembered timerindex.Heartbeat) (beat timerindex.Heartbeat, lost bool, err error) {
	err = x.do("beat", shard, func(s *redisShard) {
		own := x.server.incarnation()
		lost = s.beat == 0 || s.beat < remembered.Number || (remembered.Incarnation != "" && remembered.Incarnation != own)
		if !lost {
			s.beat++
		}
		beat = timerindex.Heartbeat{Number: s.beat, Incarnation: own}
	})
	return beat, lost, err
}

func (x *redisIndex) Rebuild(ctx context.Context, shard int32, remembered timerindex.Heartbeat, fill func() error) (timerindex.Heartbeat, error) {
	before, _, err := x.Beat(ctx, shard, remembered)
	if err != nil {
		return timerindex.Heartbeat{}, err
	}
	token := x.name + strconv.FormatInt(x.tokens.Add(1), 10)
	if err := x.do("begin", shard, func(s *redisShard) { s.tokens[token] = true }); err != nil {
		return timerindex.Heartbeat{}, err
	}
	if err := fill(); err != nil {
		return timerindex.Heartbeat{}, err
	}
	number, held := int64(0), false
	err = x.do("finish", shard, func(s *redisShard) {
		if held = s.tokens[token]; held {
			delete(s.tokens, token)
			s.beat = max(s.beat, remembered.Number) + 1
			number = s.beat
		}
	})
	switch {
	case err != nil:
		return timerindex.Heartbeat{}, err
	case !held:
		return timerindex.Heartbeat{}, timerindex.ErrLostAgain
	}
	return timerindex.Heartbeat{Number: number, Incarnation: before.Incarnation}, nil
}

// TestTheModelOfRedisIsAnIndex holds the model to what Redis itself is held to.
func TestTheModelOfRedisIsAnIndex(t *testing.T) {
	t.Parallel()
	timerindextest.Run(t, func(*testing.T) timerindextest.Backend {
		server := newRedisServer()
		server.runs = 1
		return timerindextest.Backend{Index: &redisIndex{server: server}, Forget: server.flush}
	})
}

// acked checks that nobody gives up a timer that is due and still to be fired.
func (w *world) acked(m timerindex.Member) {
	err := w.sinkDB.Query(context.Background(), "check",
		`SELECT 1 FROM timers WHERE organization = $1 AND name = $2 AND generation = $3 AND fire_time <= $4`,
		[]any{m.Organization, m.Name, m.Generation, time.Now().UnixMicro()}, func(sqldb.Row) error {
			w.problem("%s was taken off the index although it is due and has not fired", m)
			return nil
		})
	if err != nil {
		w.problem("check %s: %v", m, err)
	}
}

// leftovers are what nobody took off the index long after its time.
func (r *redisServer) leftovers(before time.Time) (out []string) {
	for n, s := range r.shards {
		for m, score := range s.due {
			if score < before.UnixMilli() {
				out = append(out, fmt.Sprintf("index, shard %d: %s is due since %s and nobody claims it", n.shard, m, time.UnixMilli(score).UTC()))
			}
		}
		for m, score := range s.leased {
			if score < before.UnixMilli() {
				out = append(out, fmt.Sprintf("index, shard %d: the lease of %s ended at %s and was not returned", n.shard, m, time.UnixMilli(score).UTC()))
			}
		}
	}
	slices.Sort(out)
	return out
}
