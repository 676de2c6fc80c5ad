package simulation_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/structpb"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/sqldb"
)

// TestMain keeps to one processor: goroutines of one instant then run in one order.
func TestMain(m *testing.M) {
	runtime.GOMAXPROCS(1)
	m.Run()
}

// How the runs are chosen.
const (
	seedsEnv = "REDRESS_SEEDS"      // how many seeds
	firstEnv = "REDRESS_FIRST_SEED" // the first of them; 1
	seedEnv  = "REDRESS_SEED"       // this one only
	traceEnv = "REDRESS_TRACE"      // log every step
)

const defaultSeeds = 8

func number(t *testing.T, env string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(env)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err, env)
	return n
}

func TestEverySeed(t *testing.T) {
	first, n := number(t, firstEnv, 1), number(t, seedsEnv, defaultSeeds)
	if one := number(t, seedEnv, 0); one != 0 {
		first, n = one, 1
	}
	failed, steps := 0, 0
	for seed := first; seed < first+n; seed++ {
		r := play(t, seed)
		steps += r.steps
		if len(r.wrong) > 0 {
			failed++
			t.Errorf("seed %d, digest %s:\n  %s\nreplay: %s=%d go test -count=1 -v -run TestEverySeed ./kit/simulation",
				seed, r.digest, strings.Join(r.wrong, "\n  "), seedEnv, seed)
		} else if n <= 50 {
			t.Logf("seed %d: digest %s, %s", seed, r.digest, r.summary)
		}
	}
	t.Logf("%d seeds from %d, %d failed, %d steps", n, first, failed, steps)
}

func TestASeedGivesTheSameHistoryAgain(t *testing.T) {
	for seed := uint64(1); seed <= 2; seed++ {
		before := play(t, seed).digest
		require.Equal(t, before, play(t, seed).digest, "seed %d", seed)
	}
}

// result of a run.
type result struct {
	digest, summary string
	steps           int
	wrong           []string
}

// play plays one seed.
func play(t *testing.T, seed uint64) (r result) {
	t.Helper()
	folder := memory(t)
	for _, service := range []string{sourceName, sinkName} {
		copyFile(t, filepath.Join(template(t), service), filepath.Join(folder, service))
	}
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection may change the order of goroutines
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(4 << 30))
	synctest.Test(t, func(t *testing.T) {
		w := &world{
			t: t, seed: seed, rng: seeded(seed), begun: time.Now(), knock: make(chan struct{}, 1), redis: newRedisServer(),
			digest: newDigest(), trace: os.Getenv(traceEnv) != "", stored: map[place]time.Time{}, heads: map[int32]int64{},
		}
		r = w.play(folder)
	})
	return r
}

func (w *world) play(folder string) result {
	w.tempo = w.drawTempo()
	// Whoever was killed last may hold shards for a lease, and it is a third more until somebody asks.
	w.calm, w.end = w.begun.Add(span), w.begun.Add(span+rest+2*w.tempo.lease)
	w.redis.mute = w.chance(0.3)
	w.redis.acked = w.acked
	w.sourceDB, w.sinkDB = w.open(filepath.Join(folder, sourceName)), w.open(filepath.Join(folder, sinkName))
	for _, r := range w.replicas() {
		w.at(w.begun.Add(w.between(0, time.Hour)), "start "+r.String(), func() { w.begin(r) })
	}
	w.redis.save()
	orders := 0
	for _, list := range w.cases(16) {
		orders += len(list)
		go func() {
			for _, o := range list {
				_ = clock.System().Pause(context.Background(), time.Until(o.at))
				w.issue(o)
				w.mu.Lock()
				w.acks = append(w.acks, ack{o, time.Now()})
				w.mu.Unlock()
			}
		}()
	}
	w.chaos()
	w.at(w.calm, "calm", w.heal)
	w.run(w.end)
	e := w.evidence(orders)
	wrong := slices.Concat(w.problems, check(e), w.redis.leftovers(w.end.Add(-6*w.tempo.sweep)))
	w.stop()
	return result{
		digest: w.sum(), steps: w.steps, wrong: wrong,
		summary: fmt.Sprintf("sweeps each %s, leases of %s, stops up to %s, %d steps, %d commands, %d events of clocks, %d runs of processes", w.tempo.sweep, w.tempo.lease, w.tempo.stop, w.steps, orders, len(e.sink), len(w.processes)),
	}
}

// stop ends all that runs.
func (w *world) stop() {
	for _, p := range w.processes {
		if !p.isDead() {
			p.kill()
		}
	}
	for _, p := range w.processes {
		<-p.over
	}
	synctest.Wait()
	for _, db := range []*database{w.sourceDB, w.sinkDB} {
		require.NoError(w.t, db.Close())
	}
}

// database is a service's store, away now and then.
type database struct {
	*sqldb.DB
	down time.Time
}

func (w *world) open(path string) *database {
	db, err := sqldb.Open(context.Background(), sqldb.Config{Driver: sqldb.SQLite, DSN: path})
	require.NoError(w.t, err)
	return &database{DB: db}
}

// committed notes when the sink's new events were stored.
func (w *world) committed() {
	err := w.sinkDB.Query(context.Background(), "check", `SELECT shard, sequence FROM shard_heads`, nil, func(r sqldb.Row) error {
		var shard int32
		var sequence int64
		if err := r.Scan(&shard, &sequence); err != nil {
			return err
		}
		for n := w.heads[shard] + 1; n <= sequence; n++ {
			w.stored[place{shard, n}] = time.Now()
		}
		w.heads[shard] = sequence
		return nil
	})
	require.NoError(w.t, err)
}

// evidence reads the logs.
func (w *world) evidence(orders int) *evidence {
	ctx := context.Background()
	e := &evidence{
		heard: map[string][]int64{}, stored: w.stored, acks: w.acks, orders: orders, calm: w.calm, end: w.end,
		late: w.tempo.sweep + time.Minute, settle: 6 * w.tempo.sweep,
	}
	read := func(db *database, service string, kinds []journal.Kind) (out []*logged) {
		j, err := journal.Open(ctx, db.DB, journal.Options{Service: service, Clock: clock.NewHost(), Kinds: kinds})
		require.NoError(w.t, err)
		defer j.Close()
		for shard := range j.Shards() {
			events, err := j.Events(ctx, int32(shard), 0, math.MaxInt32)
			require.NoError(w.t, err)
			for _, ev := range events {
				body, err := journal.Body(ev)
				require.NoError(w.t, err)
				out = append(out, &logged{ev, body})
				if service == sourceName {
					w.readHeard(e, ev.GetResource())
				}
			}
		}
		report, err := j.Verify(ctx, journal.VerifyOptions{})
		require.NoError(w.t, err)
		for _, p := range report.Problems {
			w.problem("%s: the journal does not verify: %v", service, p)
		}
		parked, err := j.ParkedEvents(ctx, journal.ParkedQuery{})
		require.NoError(w.t, err)
		for _, p := range parked {
			w.problem("%s: event parked: %s", service, p.Reason)
		}
		return out
	}
	e.source = read(w.sourceDB, sourceName, sourceKinds())
	e.sink = read(w.sinkDB, sinkName, sinkKinds())
	return e
}

// readHeard reads what the sink wrote down of a case.
func (w *world) readHeard(e *evidence, name string) {
	if _, done := e.heard[name]; done {
		return
	}
	j, err := journal.Open(context.Background(), w.sinkDB.DB, journal.Options{Service: sinkName, Clock: clock.NewHost(), Kinds: sinkKinds()})
	require.NoError(w.t, err)
	defer j.Close()
	list := &structpb.ListValue{}
	_, err = j.Write(context.Background(), journal.Work{Organization: org, Key: name}, func(u *journal.Unit) error {
		return u.Tally("heard/"+name, list)
	})
	require.NoError(w.t, err)
	e.heard[name] = []int64{}
	for _, v := range list.GetValues() {
		e.heard[name] = append(e.heard[name], int64(v.GetNumberValue()))
	}
}

// memory returns a folder that is no disk where there is such a place.
func memory(t *testing.T) string {
	t.Helper()
	const shm = "/dev/shm"
	if info, err := os.Stat(shm); err == nil && info.IsDir() {
		if folder, err := os.MkdirTemp(shm, "redress-simulation-"); err == nil { //nolint:usetesting // not where the test's own folder would be
			t.Cleanup(func() { require.NoError(t, os.RemoveAll(folder)) })
			return folder
		}
	}
	return t.TempDir()
}

// template returns a folder with an empty store of each service, made once.
var templates struct {
	once   sync.Once
	folder string
	err    error
}

func template(t *testing.T) string {
	t.Helper()
	templates.once.Do(func() {
		templates.folder, templates.err = makeTemplates()
	})
	require.NoError(t, templates.err)
	return templates.folder
}

// shards are few, so that the five replicas meet.
const shards = 3

func makeTemplates() (folder string, err error) {
	if folder, err = os.MkdirTemp("", "redress-simulation-"); err != nil {
		return "", err
	}
	for service, kinds := range map[string][]journal.Kind{sourceName: sourceKinds(), sinkName: sinkKinds()} {
		db, err := sqldb.Open(context.Background(), sqldb.Config{Driver: sqldb.SQLite, DSN: filepath.Join(folder, service)})
		if err != nil {
			return "", err
		}
		j, err := journal.Open(context.Background(), db, journal.Options{Service: service, Clock: clock.NewHost(), Kinds: kinds, Shards: shards})
		if err != nil {
			return "", err
		}
		j.Close()
		if err := db.Close(); err != nil {
			return "", err
		}
	}
	return folder, nil
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(to, content, 0o600))
}
