package journaltest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/sqldb"
)

// everything returns a write that touches every table, and its work.
func everything(round, n int) (journal.Work, func(*journal.Unit) error) {
	complaint := fmt.Sprintf("complaints/%d-%d", round, n)
	w := request(work(complaint), fmt.Sprintf("r%d-%d", round, n), "content")
	w.Advance = &journal.Advance{Source: fmt.Sprintf("source%d", round), Shard: int32(n), To: 1, Digest: []byte{1}}
	return w, func(u *journal.Unit) error {
		if err := u.Create(complaint, running("people/a"), changed()); err != nil {
			return err
		}
		clockState := &clockv1.Clock{Complaint: complaint, NextFireTime: at(time.Hour)}
		if err := u.Create(complaint+"/clocks/1", clockState, changed()); err != nil {
			return err
		}
		if _, err := u.Serial(fmt.Sprintf("round%d", round)); err != nil {
			return err
		}
		u.Park(&eventv1.Event{Service: "s", Shard: int32(n), Sequence: int64(round), Organization: "acme", Complaint: complaint}, "WHY", false)
		return u.SetProjection(fmt.Sprintf("cases/%d-%d", round, n), "cases/*", 1, running(), journal.Attr{Name: "a", Value: "b"})
	}
}

// everyStatementMayFail fails the first statement of a group, then in another
// group the second, and so on until a group has no such statement. Each time the
// members run again, one by one, and nothing is half done or done twice.
func everyStatementMayFail(t *testing.T, b *bundle) {
	const members = 3
	j := b.open(oneLane)
	round := 0
	for struck := true; struck; round++ {
		release := b.hold(j)
		var results []<-chan journal.Result
		for n := range members {
			w, fn := everything(round, n)
			results = append(results, j.Submit(b.ctx, w, fn))
		}
		struck = false
		count := -1 // the holder still has to commit
		b.setFaults(func(op string) error {
			if op == "begin" && count < 0 {
				count = 0
			}
			if count >= 0 {
				count++
			}
			if count == round+1 && !struck {
				struck = true
				return fmt.Errorf("injected at %s", op)
			}
			return nil
		})
		release()
		for _, r := range results {
			require.NoError(t, (<-r).Err)
		}
		b.setFaults(nil)
		positions, err := j.FeedPositions(b.ctx, fmt.Sprintf("source%d", round))
		require.NoError(t, err)
		require.Len(t, positions, members)
		b.write(j, work("people/x"), func(u *journal.Unit) error {
			n, err := u.Serial(fmt.Sprintf("round%d", round))
			require.EqualValues(t, members+1, n)
			return err
		})
	}
	require.Greater(t, round, 15, "a group has at least so many statements")
	parked, err := j.ParkedEvents(b.ctx, journal.ParkedQuery{Limit: 1000})
	require.NoError(t, err)
	require.Len(t, parked, round*members)
	count, err := j.CountProjections(b.ctx, journal.Query{Organization: "acme", Kind: "cases/*"})
	require.NoError(t, err)
	require.EqualValues(t, round*members, count)
	require.EqualValues(t, 2*round*members, b.verified(j).Events)
}

// onlyTheCulprit puts a row into a group that the database will never take.
func onlyTheCulprit(t *testing.T, b *bundle) {
	j := b.open(oneLane)
	poison := `CREATE TRIGGER poison BEFORE INSERT ON resources WHEN NEW.name = 'people/poison' BEGIN SELECT RAISE(ABORT, 'poison'); END`
	if b.db.Dialect() == sqldb.Postgres {
		poison = `ALTER TABLE resources ADD CONSTRAINT poison CHECK (name <> 'people/poison')`
	}
	_, err := b.db.Exec(b.ctx, "poison", poison)
	require.NoError(t, err)
	release := b.hold(j)
	before := j.Submit(b.ctx, work("people/1"), create("people/1", running()))
	culprit := j.Submit(b.ctx, work("people/poison"), create("people/poison", running()))
	after := j.Submit(b.ctx, work("people/2"), create("people/2", running()))
	release()
	require.NoError(t, (<-before).Err)
	require.Equal(t, fault.Internal, fault.KindOf((<-culprit).Err))
	require.NoError(t, (<-after).Err)
	require.EqualValues(t, 2, b.verified(j).Events)
}

// connectionLostInCommit: nobody knows whether the commit stands. Whoever has a
// request id is told the truth by its row; whoever has none is told that it is unknown.
func connectionLostInCommit(t *testing.T, b *bundle) {
	j := b.open(oneLane)
	release := b.hold(j)
	named := j.Submit(b.ctx, request(work("people/1"), "r1", "content"), raise("people/1"))
	nameless := j.Submit(b.ctx, work("people/2"), raise("people/2"))
	commits := 0
	b.setFaults(func(op string) error {
		if op == "commit" {
			if commits++; commits == 2 { // the first is the holder's
				return sqldb.NewError(sqldb.Unknown, op, "connection reset")
			}
		}
		return nil
	})
	release()
	require.NoError(t, (<-named).Err)
	require.Equal(t, journal.ReasonOutcomeUnknown, fault.ReasonOf((<-nameless).Err))

	b.setFaults(func(string) error { return sqldb.NewError(sqldb.Unavailable, "any", "away") })
	_, err := j.Write(b.ctx, work("people/3"), raise("people/3"))
	require.Equal(t, journal.ReasonUnavailable, fault.ReasonOf(err))
	_, err = j.Get(b.ctx, "acme", "people/1", &clockv1.Clock{})
	require.Equal(t, journal.ReasonUnavailable, fault.ReasonOf(err))
}

func versionConflict(t *testing.T, b *bundle) {
	replicas := []*journal.Journal{b.open(), b.open()}
	const writers, each = 8, 25
	var wg sync.WaitGroup
	for n := range writers {
		wg.Go(func() {
			for range each {
				if _, err := replicas[n%2].Write(b.ctx, work("complaints/1"), raise("complaints/1")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	c, version := b.get(replicas[0], "complaints/1")
	require.EqualValues(t, writers*each, c.Late)
	require.EqualValues(t, writers*each, version)
	b.verified(replicas[1])

	// One who always loses is told so and nothing of it is stored: each time it
	// decides, the other replica gets ahead of it.
	if b.db.Dialect() == sqldb.SQLite {
		return // there the second writer waits until the first is done
	}
	_, err := replicas[0].Write(b.ctx, work("complaints/1"), func(u *journal.Unit) error {
		got := &clockv1.Clock{}
		if _, err := u.Get("complaints/1", got); err != nil {
			return err
		}
		b.write(replicas[1], work("complaints/1"), raise("complaints/1"))
		got.Late = -1
		return u.Update("complaints/1", got, changed())
	})
	require.Equal(t, journal.ReasonConflict, fault.ReasonOf(err))
	c, _ = b.get(replicas[0], "complaints/1")
	require.Positive(t, c.Late)
	b.verified(replicas[1])
}

func sequencesHaveNoGaps(t *testing.T, b *bundle) {
	replicas := []*journal.Journal{b.open(), b.open(func(o *journal.Options) { o.Lanes = 4 })}
	shard := int32(replicas[0].ShardOf("complaints/000001"))
	var wg sync.WaitGroup
	for n := range 16 {
		wg.Go(func() {
			for i := range 25 {
				key := name("complaints", (n+i)%8)
				_, err := replicas[n%2].Write(b.ctx, work(key), func(u *journal.Unit) error {
					if err := raise(key)(u); err != nil || i%5 != 0 {
						return err
					}
					return errors.New("refused")
				})
				if (err != nil) != (i%5 == 0) {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	// A reader never sees a number before the ones below it.
	last := int64(0)
	for busy := true; busy; {
		select {
		case <-done:
			busy = false
		default:
		}
		events, err := replicas[0].Events(b.ctx, shard, last, 1000)
		require.NoError(t, err)
		for _, ev := range events {
			require.Equal(t, last+1, ev.Sequence)
			last = ev.Sequence
		}
	}
	require.Positive(t, last)
	require.EqualValues(t, 16*20, b.verified(replicas[0]).Events)
}

func talliesAndSerials(t *testing.T, b *bundle) {
	replicas := []*journal.Journal{b.open(), b.open()}
	const writers, each = 10, 20
	var mu sync.Mutex
	numbers := map[int64]bool{}
	var wg sync.WaitGroup
	for n := range writers {
		wg.Go(func() {
			for range each {
				var number int64
				_, err := replicas[n%2].Write(b.ctx, work(name("people", n)), func(u *journal.Unit) (err error) {
					sum := &clockv1.Clock{}
					if err := u.Tally("sum", sum); err != nil {
						return err
					}
					sum.Late++
					if err := u.SetTally("sum", sum); err != nil {
						return err
					}
					number, err = u.Serial("sum")
					return err
				})
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				if numbers[number] {
					t.Errorf("number %d was given twice", number)
				}
				numbers[number] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	require.Len(t, numbers, writers*each)
	require.True(t, numbers[1] && numbers[writers*each], "no gaps")
	b.write(replicas[0], work("people/1"), func(u *journal.Unit) error {
		sum := &clockv1.Clock{}
		require.NoError(t, u.Tally("sum", sum))
		require.EqualValues(t, writers*each, sum.Late)
		return nil
	})
}

// deadlocks counts the transactions that the database gave up.
type deadlocks struct {
	slog.Handler
	n atomic.Int64
}

// Enabled implements slog.Handler.
func (d *deadlocks) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (d *deadlocks) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if err, ok := a.Value.Any().(error); ok && sqldb.ClassOf(err).Retryable() {
			d.n.Add(1)
		}
		return true
	})
	return nil
}

// twoReplicasNeverDeadlock sends the same requests to two replicas in opposite
// orders for ten seconds. Each takes effect once, and no transaction ever waits
// for one that waits for it.
func twoReplicasNeverDeadlock(t *testing.T, b *bundle) {
	duration := 10 * time.Second
	if b.db.Dialect() == sqldb.SQLite {
		duration = time.Second // with one writer there is nothing to wait for in a circle
	}
	counter := &deadlocks{Handler: slog.DiscardHandler}
	logging := func(o *journal.Options) { o.Logger = slog.New(counter) }
	replicas := []*journal.Journal{b.open(logging), b.open(logging)}
	const batch, hot = 60, 12
	rounds := 0
	for end := clock.System().Now().Add(duration); clock.System().Now().Before(end); rounds++ {
		var results []<-chan journal.Result
		for n := range batch {
			for r, j := range replicas {
				i := n
				if r == 1 {
					i = batch - 1 - n
				}
				one, other := name("complaints", i%hot), name("people", (i*7)%hot)
				w := request(work(one), fmt.Sprintf("r%d-%d", rounds, i), "content")
				w.Reads = []string{one, other}
				results = append(results, j.Submit(b.ctx, w, func(u *journal.Unit) error {
					if err := raise(other)(u); err != nil {
						return err
					}
					if _, err := u.Serial(fmt.Sprint("tally", i%5)); err != nil {
						return err
					}
					if err := u.SetProjection(name("cases", i%7), "cases/*", int64(rounds), running(), journal.Attr{Name: "n", Value: fmt.Sprint(i % 3)}); err != nil {
						return err
					}
					return raise(one)(u)
				}))
			}
		}
		replayed := 0
		for _, result := range results {
			r := <-result
			require.NoError(t, r.Err)
			if r.Receipt.Replayed {
				replayed++
			}
		}
		require.Equal(t, batch, replayed, "each request takes effect once")
	}
	require.Zero(t, counter.n.Load(), "transactions given up by the database")
	total := int32(0)
	for n := range hot {
		c, _ := b.get(replicas[0], name("complaints", n))
		total += c.Late
	}
	require.EqualValues(t, rounds*batch, total)
	b.verified(replicas[0])
	t.Logf("%d calls in %d rounds", 2*batch*rounds, rounds)
}
