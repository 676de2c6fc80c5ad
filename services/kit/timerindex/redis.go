package timerindex

import (
	"context"
	"crypto/rand"
	_ "embed" // the scripts
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

var (
	//go:embed scripts/arm.lua
	armLua string
	//go:embed scripts/drop.lua
	dropLua string
	//go:embed scripts/claim.lua
	claimLua string
	//go:embed scripts/ack.lua
	ackLua string
	//go:embed scripts/return.lua
	returnLua string
	//go:embed scripts/beat.lua
	beatLua string
	//go:embed scripts/begin.lua
	beginLua string
	//go:embed scripts/finish.lua
	finishLua string
)

// Redis is the index in a Redis server or cluster. Each shard has three keys,
// which share a hash tag and so a slot:
//
//	<store>:{<store>.<shard>}:due     sorted set, score = due in milliseconds
//	<store>:{<store>.<shard>}:leased  sorted set, score = end of the lease in milliseconds
//	<store>:{<store>.<shard>}:beat    hash: heartbeat, rebuilds in hand
type Redis struct {
	client redis.UniversalClient
	store  string

	arm, drop, claim, ack, back, beat, begin, finish *redis.Script
}

// Address says where Redis is and how to reach it.
type Address struct {
	// Addrs are host:port; several for a cluster or sentinels.
	Addrs []string
	// Master is the name of the primary, if Addrs are sentinels.
	Master string
	// Username and Password, if the server asks for them.
	Username, Password string
}

// Dial returns a client with the patience that the timers need: a server that
// does not answer within a second counts as away, and the sweep of SQL takes over.
// It does not connect yet. The caller closes it.
func Dial(a Address) redis.UniversalClient {
	return redis.NewUniversalClient(&redis.UniversalOptions{
		Addrs: a.Addrs, MasterName: a.Master, Username: a.Username, Password: a.Password,
		DialTimeout: time.Second, ReadTimeout: time.Second, WriteTimeout: time.Second,
		MaxRetries: -1, // the engine repeats by itself, and knows when it is worth it
	})
}

// Server is a Redis whose indexes a process uses, one for each store.
type Server struct{ client redis.UniversalClient }

// Connect returns the server at an address; it connects when first used. The
// caller closes it.
func Connect(a Address) *Server { return &Server{Dial(a)} }

// Index returns the index of a store.
func (s *Server) Index(store string) Index { return NewRedis(s.client, store) }

// Close ends the connections.
func (s *Server) Close() error { return s.client.Close() }

// NewRedis returns the index of a store; the id keeps stores that share a server
// apart. The client stays the caller's.
func NewRedis(client redis.UniversalClient, store string) *Redis {
	return &Redis{
		client: client, store: store,
		arm: redis.NewScript(armLua), drop: redis.NewScript(dropLua), claim: redis.NewScript(claimLua),
		ack: redis.NewScript(ackLua), back: redis.NewScript(returnLua), beat: redis.NewScript(beatLua),
		begin: redis.NewScript(beginLua), finish: redis.NewScript(finishLua),
	}
}

func (r *Redis) key(shard int32, what string) string {
	return fmt.Sprintf("%s:{%s.%d}:%s", r.store, r.store, shard, what)
}

// batch bounds the members given to one script call, so that no call holds the
// server for more than about ten milliseconds, and none passes on more arguments
// than Lua can (some eight thousand).
const batch = 1000

// Arm implements Index. It is atomic for every thousand entries.
func (r *Redis) Arm(ctx context.Context, shard int32, entries ...Entry) error {
	for len(entries) > 0 {
		n := min(batch, len(entries))
		args := make([]any, 0, 3*n)
		for _, e := range entries[:n] {
			before := "" // the first generation has none
			if e.Generation > 1 {
				before = Member{e.Organization, e.Name, e.Generation - 1}.Packed()
			}
			args = append(args, e.Packed(), before, milliseconds(e.At))
		}
		if err := r.arm.Run(ctx, r.client, []string{r.key(shard, "due")}, args...).Err(); err != nil {
			return fmt.Errorf("arm %d timers of shard %d: %w", n, shard, err)
		}
		entries = entries[n:]
	}
	return nil
}

// Drop implements Index.
func (r *Redis) Drop(ctx context.Context, shard int32, members ...Member) error {
	if err := r.each(ctx, r.drop, r.key(shard, "due"), members); err != nil {
		return fmt.Errorf("drop timers of shard %d: %w", shard, err)
	}
	return nil
}

// Ack implements Index.
func (r *Redis) Ack(ctx context.Context, shard int32, members ...Member) error {
	if err := r.each(ctx, r.ack, r.key(shard, "leased"), members); err != nil {
		return fmt.Errorf("acknowledge timers of shard %d: %w", shard, err)
	}
	return nil
}

func (r *Redis) each(ctx context.Context, script *redis.Script, key string, members []Member) error {
	for len(members) > 0 {
		n := min(batch, len(members))
		args := make([]any, 0, n)
		for _, m := range members[:n] {
			args = append(args, m.Packed())
		}
		if err := script.Run(ctx, r.client, []string{key}, args...).Err(); err != nil {
			return err
		}
		members = members[n:]
	}
	return nil
}

// Claim implements Index. A member that cannot be read is acknowledged and left
// out: nothing of ours wrote it.
func (r *Redis) Claim(ctx context.Context, shard int32, claim Claim) (Claimed, error) {
	keys := []string{r.key(shard, "due"), r.key(shard, "leased")}
	rows, err := r.claim.Run(ctx, r.client, keys, claim.Now.UnixMilli(), claim.Limit, milliseconds(claim.Until)).StringSlice()
	if err == nil && len(rows)%2 != 1 {
		err = errShape
	}
	if err != nil {
		return Claimed{}, fmt.Errorf("claim timers of shard %d: %w", shard, err)
	}
	var out Claimed
	if rows[0] != "" {
		if out.Next, err = score(rows[0]); err != nil {
			return Claimed{}, fmt.Errorf("claim timers of shard %d: %w", shard, err)
		}
	}
	for i := 1; i < len(rows); i += 2 {
		if e, ok := readEntry(rows[i], rows[i+1]); ok {
			out.Entries = append(out.Entries, e)
			if err := r.repack(ctx, keys[1], rows[i], e.Member, claim.Until); err != nil {
				return Claimed{}, fmt.Errorf("claim timers of shard %d: %w", shard, err)
			}
		} else if err := r.ack.Run(ctx, r.client, keys[1:], rows[i]).Err(); err != nil {
			return Claimed{}, fmt.Errorf("claim timers of shard %d: %w", shard, err)
		}
	}
	return out, nil
}

// repack leases a member that an earlier version armed as this one writes it, which is
// how it will be acknowledged.
func (r *Redis) repack(ctx context.Context, leased, was string, m Member, until time.Time) error {
	if was[0] == packed {
		return nil
	}
	is := m.Packed()
	if was == is {
		return nil
	}
	return r.arm.Run(ctx, r.client, []string{leased}, is, was, milliseconds(until)).Err()
}

func readEntry(member, due string) (Entry, bool) {
	m, err := ParseMember(member)
	at, err2 := score(due)
	return Entry{Member: m, At: at}, err == nil && err2 == nil
}

// errShape is a reply that none of our scripts gives.
var errShape = errors.New("the reply has an odd shape")

// score reads a score as Redis writes it; large ones may have an exponent.
func score(s string) (time.Time, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("score %q: %w", s, err)
	}
	return instant(int64(f)), nil
}

// Return implements Index.
func (r *Redis) Return(ctx context.Context, shard int32, now time.Time, limit int) (int, error) {
	keys := []string{r.key(shard, "due"), r.key(shard, "leased")}
	n, err := r.back.Run(ctx, r.client, keys, now.UnixMilli(), limit).Int()
	if err != nil {
		return 0, fmt.Errorf("return leases of shard %d: %w", shard, err)
	}
	return n, nil
}

// Beat implements Index.
func (r *Redis) Beat(ctx context.Context, shard int32, remembered Heartbeat) (Heartbeat, bool, error) {
	row, err := r.beat.Run(ctx, r.client, []string{r.key(shard, "beat")}, remembered.Number, remembered.Incarnation).Slice()
	if err != nil {
		return Heartbeat{}, false, fmt.Errorf("heartbeat of shard %d: %w", shard, err)
	}
	if len(row) == 3 {
		lost, ok := row[0].(int64)
		number, ok2 := row[1].(int64)
		incarnation, ok3 := row[2].(string)
		if ok && ok2 && ok3 {
			return Heartbeat{Number: number, Incarnation: incarnation}, lost == 1, nil
		}
	}
	return Heartbeat{}, false, fmt.Errorf("heartbeat of shard %d: %w", shard, errShape)
}

// Rebuild implements Index. A token in the heartbeat's key shows whether the
// server forgot, or was replaced, between the beginning and the end.
func (r *Redis) Rebuild(ctx context.Context, shard int32, remembered Heartbeat, fill func() error) (Heartbeat, error) {
	keys, token := []string{r.key(shard, "beat")}, rand.Text()
	before, _, err := r.Beat(ctx, shard, remembered)
	if err != nil {
		return Heartbeat{}, err
	}
	if err := r.begin.Run(ctx, r.client, keys, token).Err(); err != nil {
		return Heartbeat{}, fmt.Errorf("begin to rebuild shard %d: %w", shard, err)
	}
	if err := fill(); err != nil {
		return Heartbeat{}, fmt.Errorf("rebuild shard %d: %w", shard, err)
	}
	n, err := r.finish.Run(ctx, r.client, keys, token, remembered.Number).Int64()
	if err != nil {
		return Heartbeat{}, fmt.Errorf("finish rebuilding shard %d: %w", shard, err)
	}
	if n == 0 {
		return Heartbeat{}, fmt.Errorf("rebuild shard %d: %w", shard, ErrLostAgain)
	}
	// The incarnation is the one from before the filling: if the server has been
	// replaced since, the next beat shows it.
	return Heartbeat{Number: n, Incarnation: before.Incarnation}, nil
}
