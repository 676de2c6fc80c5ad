package timerindex_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/kittest"
	"example.com/redress/services/kit/timerindex"
	"example.com/redress/services/kit/timerindex/timerindextest"
)

// slots is how many hash slots a Redis Cluster has.
const slots = 16384

// cluster starts three primaries on loopback that share the slots, and returns
// their addresses. They keep nothing on disk but what makes them a cluster.
func cluster(t *testing.T) []string {
	t.Helper()
	path := kittest.Program(t, "redis-server", kittest.RedisEnv)
	const nodes = 3
	var addresses []string
	clients := make([]*redis.Client, nodes)
	for i := range nodes {
		port, bus := free(t), free(t)
		server := exec.Command(path, "--bind", "127.0.0.1", "--port", port, "--cluster-enabled", "yes", "--cluster-port", bus,
			"--cluster-config-file", "nodes.conf", "--save", "", "--appendonly", "no", "--dir", t.TempDir())
		require.NoError(t, server.Start())
		t.Cleanup(func() {
			_ = server.Process.Kill() // Wait says how it ended
			_ = server.Wait()
		})
		addresses = append(addresses, net.JoinHostPort("127.0.0.1", port))
		clients[i] = redis.NewClient(&redis.Options{Addr: addresses[i]})
		t.Cleanup(func() { require.NoError(t, clients[i].Close()) })
		eventually(t, "a node answers", func() bool { return clients[i].Ping(t.Context()).Err() == nil })
		require.NoError(t, clients[i].ClusterAddSlotsRange(t.Context(), i*slots/nodes, (i+1)*slots/nodes-1).Err())
		if i > 0 {
			require.NoError(t, clients[0].Do(t.Context(), "CLUSTER", "MEET", "127.0.0.1", port, bus).Err())
		}
	}
	for _, c := range clients {
		eventually(t, "the nodes have met", func() bool {
			info, err := c.ClusterInfo(t.Context()).Result()
			return err == nil && strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:3")
		})
	}
	return addresses
}

// free returns a port that nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	machine := clock.System()
	for begun := machine.Now(); !is(); {
		require.Less(t, machine.Since(begun), time.Minute, what)
		require.NoError(t, machine.Pause(t.Context(), 20*time.Millisecond))
	}
}

// each runs something on every primary.
func each(t testing.TB, client redis.UniversalClient, do func(context.Context, *redis.Client) error) {
	t.Helper()
	c, ok := client.(*redis.ClusterClient)
	require.True(t, ok, "several addresses make a client of a cluster")
	require.NoError(t, c.ForEachMaster(context.Background(), do))
}

// TestACluster runs everything on a Redis Cluster of three: the scripts of a shard
// name keys of one slot only, and its shards lie on all three.
func TestACluster(t *testing.T) {
	t.Parallel()
	client := timerindex.Dial(timerindex.Address{Addrs: cluster(t)})
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	t.Run("Conforms", func(t *testing.T) {
		timerindextest.Run(t, func(t *testing.T) timerindextest.Backend {
			store := "test-" + rand.Text()
			return timerindextest.Backend{Index: timerindex.NewRedis(client, store), Forget: func() {
				each(t, client, func(ctx context.Context, node *redis.Client) error {
					keys, err := node.Keys(ctx, store+":*").Result()
					for _, key := range keys {
						if err == nil {
							err = node.Del(ctx, key).Err()
						}
					}
					return err
				})
			}}
		})
	})
	t.Run("SpreadsTheShards", func(t *testing.T) {
		index := timerindex.NewRedis(client, "spread")
		at := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
		for shard := range int32(64) {
			require.NoError(t, index.Arm(t.Context(), shard, timerindex.Entry{Member: timerindex.Member{Organization: "o", Name: "n", Generation: 1}, At: at}))
		}
		var mu sync.Mutex
		var found []int
		each(t, client, func(ctx context.Context, node *redis.Client) error {
			keys, err := node.Keys(ctx, "spread:*:due").Result()
			mu.Lock()
			defer mu.Unlock()
			found = append(found, len(keys))
			return err
		})
		require.Len(t, found, 3)
		require.Equal(t, 64, found[0]+found[1]+found[2])
		for _, n := range found {
			require.InDelta(t, 64/3, n, 12, fmt.Sprint("shards on each node: ", found))
		}
	})
	t.Run("ATimerCostsThreeScripts", func(t *testing.T) {
		index := timerindex.NewRedis(client, "cost")
		at := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
		member := timerindex.Member{Organization: "o", Name: "n", Generation: 1}
		fire := func() {
			require.NoError(t, index.Arm(t.Context(), 1, timerindex.Entry{Member: member, At: at}))
			got, err := index.Claim(t.Context(), 1, timerindex.Claim{Now: at, Limit: 10, Until: at.Add(time.Second)})
			require.NoError(t, err)
			require.Len(t, got.Entries, 1)
			require.NoError(t, index.Ack(t.Context(), 1, member))
		}
		fire() // the node learns the scripts
		before := scripts(t, client)
		fire()
		require.Equal(t, 3, scripts(t, client)-before)
	})
}

// scripts returns how many scripts the nodes have run.
func scripts(t *testing.T, client redis.UniversalClient) (sum int) {
	t.Helper()
	var mu sync.Mutex
	each(t, client, func(ctx context.Context, node *redis.Client) error {
		info, err := node.Info(ctx, "commandstats").Result()
		for line := range strings.SplitSeq(info, "\r\n") {
			if rest, ok := strings.CutPrefix(line, "cmdstat_evalsha:calls="); ok {
				calls, _, _ := strings.Cut(rest, ",")
				n, err := strconv.Atoi(calls)
				if err != nil {
					return err
				}
				mu.Lock()
				sum += n
				mu.Unlock()
			}
		}
		return err
	})
	return sum
}
