package faulttest_test

import (
	"errors"
	"net"
	"os/exec"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/kittest"
	"example.com/redress/services/kit/sqldb"
	"example.com/redress/services/suite"
	"example.com/redress/services/suite/suitetest"
)

// server is a Redis of the test's own, which keeps nothing on disk.
type server struct {
	t       *testing.T
	path    string
	address string
	process *exec.Cmd
	client  *redis.Client
}

func startRedis(t *testing.T) *server {
	t.Helper()
	path := kittest.Program(t, "redis-server", kittest.RedisEnv)
	r := &server{t: t, path: path, address: free(t)}
	r.client = redis.NewClient(&redis.Options{Addr: r.address})
	t.Cleanup(func() { require.NoError(t, r.client.Close()) })
	r.start()
	t.Cleanup(r.stop)
	return r
}

func (r *server) start() {
	r.t.Helper()
	_, port, err := net.SplitHostPort(r.address)
	require.NoError(r.t, err)
	r.process = exec.Command(r.path, "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--dir", r.t.TempDir())
	require.NoError(r.t, r.process.Start())
	eventually(r.t, "Redis answers", func() bool { return r.client.Ping(r.t.Context()).Err() == nil })
}

// stop kills it: nothing is saved, nobody is told.
func (r *server) stop() {
	if r.process == nil {
		return
	}
	_ = r.process.Process.Kill() // Wait says how it ended
	_ = r.process.Wait()
	r.process = nil
}

// copied is the content of every key.
func (r *server) copied() map[string]string {
	r.t.Helper()
	out := map[string]string{}
	keys, err := r.client.Keys(r.t.Context(), "*").Result()
	require.NoError(r.t, err)
	for _, key := range keys {
		content, err := r.client.Dump(r.t.Context(), key).Result()
		if errors.Is(err, redis.Nil) {
			continue // emptied since
		}
		require.NoError(r.t, err)
		out[key] = content
	}
	require.NotEmpty(r.t, out)
	return out
}

func (r *server) restore(old map[string]string) {
	r.t.Helper()
	require.NoError(r.t, r.client.FlushAll(r.t.Context()).Err())
	for key, content := range old {
		require.NoError(r.t, r.client.RestoreReplace(r.t.Context(), key, 0, content).Err())
	}
}

// late is what a clock may be late by on a bad day. Source: RELIABILITY.
const late = 2 * time.Second

// TestEveryClockFiresOnceWhateverBecomesOfRedis lets clocks fall due, in real time,
// while Redis is emptied, goes back to an old copy, and is away.
func TestEveryClockFiresOnceWhateverBecomesOfRedis(t *testing.T) { //nolint:paralleltest // it measures time: the others would make it late
	r := startRedis(t)
	s := suitetest.New(t, realTime, func(c *suite.Config) { c.Process.Redis.Addresses = []string{r.address} })
	by := as(s)
	s.Activate(seconds(t, "4 s"))
	intake := intakev1.NewIntakeServiceClient(s.Conn)

	const n, every = 160, 50 * time.Millisecond // over 8 s; they fall due from second 5 to second 13
	host := clock.NewHost()
	begin := host.Now()
	at := func(d time.Duration) {
		t.Helper()
		require.NoError(t, clock.Wait(t.Context(), host, begin.Add(d)))
	}
	registered := make(chan error, 1)
	go func() {
		for i := range n {
			if err := clock.Wait(t.Context(), host, begin.Add(time.Duration(i)*every)); err != nil {
				registered <- err
				return
			}
			if _, err := intake.CreateComplaint(by(agent), &intakev1.CreateComplaintRequest{Complaint: suitetest.Complaint(), RequestId: suitetest.ID()}); err != nil {
				registered <- err
				return
			}
		}
		registered <- nil
	}()
	at(4 * time.Second)
	old := r.copied()
	at(6 * time.Second)
	require.NoError(t, r.client.FlushAll(t.Context()).Err())
	at(8 * time.Second)
	r.restore(old)
	at(9500 * time.Millisecond)
	r.stop()
	at(11500 * time.Millisecond)
	r.start()
	require.NoError(t, <-registered)

	db := store(t, s.Folder, "routing")
	var found map[string][]breach
	eventually(t, "every clock has fired", func() bool {
		found = breaches(t, db)
		return len(found) == n
	})
	at(16 * time.Second) // whoever would fire again has had two sweeps to do so
	found = breaches(t, db)
	require.Len(t, found, n)
	var worst, total time.Duration
	for name, all := range found {
		require.Len(t, all, 1, name)
		after := all[0].recorded.Sub(all[0].due)
		require.GreaterOrEqual(t, after, time.Duration(0), "%s fired early", name)
		worst, total = max(worst, after), total+after
	}
	t.Logf("%d clocks, each fired once; late by %s at worst, by %s on average", n, worst, total/n)
	require.LessOrEqual(t, worst, late)
}

// breach is one event of a clock that ran out.
type breach struct{ due, recorded time.Time }

// breaches returns the breaches on record, by clock. due is when each was to fire.
func breaches(t *testing.T, db *sqldb.DB) map[string][]breach {
	t.Helper()
	out := map[string][]breach{}
	require.NoError(t, db.Query(t.Context(), "test.breaches", `SELECT resource, record_time, body FROM events WHERE type = 'redress.clock.v1.ClockChanged'`, nil, func(row sqldb.Row) error {
		var name string
		var recorded int64
		var raw []byte
		if err := row.Scan(&name, &recorded, &raw); err != nil {
			return err
		}
		body, change, state := &eventv1.EventBody{}, &clockv1.ClockChanged{}, &clockv1.Clock{}
		if err := errors.Join(proto.Unmarshal(raw, body), body.GetChange().UnmarshalTo(change), body.GetState().UnmarshalTo(state)); err != nil {
			return err
		}
		if change.GetKind() == clockv1.ClockChanged_KIND_BREACHED {
			out[name] = append(out[name], breach{state.GetBreachTime().AsTime(), time.UnixMicro(recorded)})
		}
		return nil
	}))
	return out
}
