package timerindex_test

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"example.com/redress/services/kit/kittest"
	"example.com/redress/services/kit/timerindex"
	"example.com/redress/services/kit/timerindex/timerindextest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// swapped is a Local that can be replaced by an empty one, as a process is.
type swapped struct {
	mu sync.Mutex
	*timerindex.Local
}

func (s *swapped) now() *timerindex.Local {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Local
}

func (s *swapped) Arm(ctx context.Context, shard int32, e ...timerindex.Entry) error {
	return s.now().Arm(ctx, shard, e...)
}

func (s *swapped) Claim(ctx context.Context, shard int32, c timerindex.Claim) (timerindex.Claimed, error) {
	return s.now().Claim(ctx, shard, c)
}

func (s *swapped) Beat(ctx context.Context, shard int32, h timerindex.Heartbeat) (timerindex.Heartbeat, bool, error) {
	return s.now().Beat(ctx, shard, h)
}

func TestLocal(t *testing.T) {
	t.Parallel()
	timerindextest.Run(t, func(*testing.T) timerindextest.Backend {
		s := &swapped{Local: timerindex.NewLocal()}
		return timerindextest.Backend{Index: s, Forget: func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.Local = timerindex.NewLocal()
		}}
	})
}

func TestMiniredis(t *testing.T) {
	t.Parallel()
	timerindextest.Run(t, func(t *testing.T) timerindextest.Backend {
		server := miniredis.RunT(t)
		return backend(t, server.Addr())
	})
}

func TestRedis(t *testing.T) {
	t.Parallel()
	addr := kittest.Address(t, kittest.RedisEnv)
	timerindextest.Run(t, func(t *testing.T) timerindextest.Backend { return backend(t, addr) })
}

// backend is a store of its own on a server that others may use too.
func backend(t testing.TB, addr string) timerindextest.Backend {
	client := timerindex.Dial(timerindex.Address{Addrs: []string{addr}})
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	store := "test-" + rand.Text()
	forget := func() { deleteStore(t, client, store) }
	t.Cleanup(forget)
	return timerindextest.Backend{Index: timerindex.NewRedis(client, store), Forget: forget}
}

func deleteStore(t testing.TB, client redis.UniversalClient, store string) {
	ctx := context.Background()
	keys := client.Scan(ctx, 0, store+":*", 10_000).Iterator()
	for keys.Next(ctx) {
		require.NoError(t, client.Del(ctx, keys.Val()).Err())
	}
	require.NoError(t, keys.Err())
}

func TestStoresOnOneServerStandApart(t *testing.T) {
	t.Parallel()
	client := timerindex.Dial(timerindex.Address{Addrs: []string{miniredis.RunT(t).Addr()}})
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	a, b := timerindex.NewRedis(client, "a"), timerindex.NewRedis(client, "b")
	at := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	require.NoError(t, a.Arm(t.Context(), 1, timerindex.Entry{Member: timerindex.Member{Organization: "o", Name: "n", Generation: 1}, At: at}))
	got, err := b.Claim(t.Context(), 1, timerindex.Claim{Now: at, Limit: 1, Until: at.Add(time.Second)})
	require.NoError(t, err)
	require.Empty(t, got.Entries)
	keys, err := client.Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	require.Equal(t, []string{"a:{a.1}:due"}, keys, "the keys of a shard share a slot and begin with the store")
}

func TestAForeignMemberIsPutAway(t *testing.T) {
	t.Parallel()
	client := timerindex.Dial(timerindex.Address{Addrs: []string{miniredis.RunT(t).Addr()}})
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	index := timerindex.NewRedis(client, "s")
	require.NoError(t, client.ZAdd(t.Context(), "s:{s.1}:due", redis.Z{Score: 5, Member: "rubbish"}, redis.Z{Score: 6, Member: "o|n#1"}).Err())
	got, err := index.Claim(t.Context(), 1, timerindex.Claim{Now: time.UnixMilli(10), Limit: 10, Until: time.UnixMilli(20)})
	require.NoError(t, err)
	require.Len(t, got.Entries, 1)
	n, err := client.ZCard(t.Context(), "s:{s.1}:leased").Result()
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
}

func TestARealServerTellsItsIncarnation(t *testing.T) {
	t.Parallel()
	index := backend(t, kittest.Address(t, kittest.RedisEnv)).Index
	beat, err := index.Rebuild(t.Context(), 1, timerindex.Heartbeat{}, func() error { return nil })
	require.NoError(t, err)
	require.Regexp(t, "^[0-9a-f]{40}/[0-9a-f]{40}$", beat.Incarnation)
}

func TestAnAwayServerIsAnError(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	index := backend(t, server.Addr()).Index
	server.SetError("LOADING not yet")
	ctx := t.Context()
	member := timerindex.Member{Organization: "o", Name: "n", Generation: 1}
	require.Error(t, index.Arm(ctx, 1, timerindex.Entry{Member: member}))
	require.Error(t, index.Drop(ctx, 1, member))
	require.Error(t, index.Ack(ctx, 1, member))
	_, err := index.Claim(ctx, 1, timerindex.Claim{Limit: 1})
	require.Error(t, err)
	_, err = index.Return(ctx, 1, time.UnixMilli(0), 1)
	require.Error(t, err)
	_, _, err = index.Beat(ctx, 1, timerindex.Heartbeat{})
	require.Error(t, err)
	_, err = index.Rebuild(ctx, 1, timerindex.Heartbeat{}, func() error { return nil })
	require.Error(t, err)
	server.SetError("")
}

func TestParseMemberRefusesWhatStringDoesNotWrite(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "a", "a|b", "a|b#", "a|b#x", "a|b#01", "a|b#+1", "b#1"} {
		_, err := timerindex.ParseMember(s)
		require.ErrorContains(t, err, "organization|name#generation", s)
	}
}

func FuzzParseMember(f *testing.F) {
	f.Add("org|cases/1/clocks/response#3")
	f.Add("|#-1")
	f.Add(timerindex.Member{Organization: "demo", Name: "cases/0190a1b2-0000-7000-8000-00000000007c/clocks/x-1", Generation: 1}.Packed())
	f.Fuzz(func(t *testing.T, s string) {
		if m, err := timerindex.ParseMember(s); err == nil {
			require.Contains(t, []string{m.String(), m.Packed()}, s)
		}
	})
}

func TestWhatIsPackedIsReadAgain(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.OneOf(
			rapid.StringN(0, 6, -1),
			rapid.SampledFrom([]string{"cases/", "claims/", "actions/", "entries/", "duties/", "/clocks/", "/", "|", "#", "\x04", "first_response-1", "组织"}),
			rapid.Map(rapid.SliceOfN(rapid.Byte(), 16, 16), func(b []byte) string { return uuid.UUID(b).String() }),
		)
		organization := rapid.StringN(0, 4, -1).Filter(func(s string) bool { return !strings.Contains(s, "|") })
		m := timerindex.Member{
			Organization: organization.Draw(t, "organization"), Generation: rapid.Int64().Draw(t, "generation"),
			Name: strings.Join(rapid.SliceOfN(part, 0, 6).Draw(t, "name"), ""),
		}
		got, err := timerindex.ParseMember(m.Packed())
		require.NoError(t, err)
		require.Equal(t, m, got)
	})
}

func TestAUsualMemberTakesLittleRoom(t *testing.T) {
	t.Parallel()
	m := timerindex.Member{Organization: "demo", Name: "cases/0190a1b2-0000-7000-8000-00000000007c/clocks/first_response-1", Generation: 1}
	require.Len(t, m.String(), 73)
	require.LessOrEqual(t, len(m.Packed()), 44, "with the four bytes that Redis adds one of its blocks of 48")
}

func TestAMemberThatAnEarlierVersionArmedIsDoneWith(t *testing.T) {
	t.Parallel()
	client := timerindex.Dial(timerindex.Address{Addrs: []string{miniredis.RunT(t).Addr()}})
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	index := timerindex.NewRedis(client, "s")
	m := timerindex.Member{Organization: "demo", Name: "cases/0190a1b2-0000-7000-8000-00000000007c/clocks/x-1", Generation: 2}
	require.NoError(t, client.ZAdd(t.Context(), "s:{s.1}:due", redis.Z{Score: 5, Member: m.String()}).Err())
	got, err := index.Claim(t.Context(), 1, timerindex.Claim{Now: time.UnixMilli(10), Limit: 10, Until: time.UnixMilli(20)})
	require.NoError(t, err)
	require.Equal(t, []timerindex.Entry{{Member: m, At: time.UnixMilli(5).UTC()}}, got.Entries)
	leased, err := client.ZRangeWithScores(t.Context(), "s:{s.1}:leased", 0, -1).Result()
	require.NoError(t, err)
	require.Equal(t, []redis.Z{{Score: 20, Member: m.Packed()}}, leased)
	require.NoError(t, index.Ack(t.Context(), 1, m))
	n, err := client.ZCard(t.Context(), "s:{s.1}:leased").Result()
	require.NoError(t, err)
	require.Zero(t, n)
}

func BenchmarkLocal(b *testing.B) { timerindextest.Bench(b, timerindex.NewLocal(), 100_000) }

func BenchmarkRedis(b *testing.B) {
	timerindextest.Bench(b, backend(b, kittest.Address(b, kittest.RedisEnv)).Index, 100_000)
}
