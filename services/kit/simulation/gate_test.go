package simulation_test

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/redress/services/kit/sqldb"
)

// world is one simulated run. Its scheduler runs in the goroutine of the test and
// is the only one that draws from rng.
type world struct {
	t     *testing.T
	seed  uint64
	rng   *rand.Rand
	tempo tempo
	begun time.Time
	calm  time.Time // from here on nothing fails
	end   time.Time

	mu      sync.Mutex
	arrived []*call // since the last time everything stood still
	knock   chan struct{}

	waiting   []*call
	agenda    []appointment
	redis     *redisServer
	sinkDB    *database
	sourceDB  *database
	processes []*process
	acks      []ack
	problems  []string

	steps   int
	digest  hash.Hash
	history []string // the last steps, for who reads a failure
	trace   bool
	stored  map[place]time.Time // when each event of the sink was committed, by the store's time
	heads   map[int32]int64
}

// call is somebody waiting at the gate.
type call struct {
	p      *process
	op     string
	at     time.Time // not before
	answer chan verdict
}

// verdict is what becomes of a call.
type verdict struct {
	err    error  // what the caller is told
	effect bool   // whether it has its effect although err is told
	draw   uint64 // chance for the caller
	twice  bool   // a message comes twice
	lost   bool   // a message does not come
}

// appointment is something that happens at an instant whatever else does.
type appointment struct {
	at   time.Time
	what string
	do   func()
}

var (
	errKilled  = errors.New("killed")
	errAway    = errors.New("connection refused")
	errAnswer  = errors.New("i/o timeout")
	errUnknown = errors.New("connection reset")
)

// pass waits until the call of the process may go on.
func (p *process) pass(op string) verdict {
	w := p.w
	w.mu.Lock()
	if p.dead {
		w.mu.Unlock()
		return verdict{err: errKilled}
	}
	c := &call{p: p, op: op, answer: make(chan verdict, 1)}
	w.arrived = append(w.arrived, c)
	w.mu.Unlock()
	select {
	case w.knock <- struct{}{}:
	default:
	}
	return <-c.answer
}

// statement is the journal's fault hook.
func (p *process) statement(op string) error {
	switch v := p.pass("sql " + op); {
	case errors.Is(v.err, errUnknown):
		return sqldb.NewError(sqldb.Unknown, op, "simulated")
	case v.err != nil:
		return sqldb.NewError(sqldb.Unavailable, op, v.err.Error())
	}
	return nil
}

// at puts something on the agenda.
func (w *world) at(when time.Time, what string, do func()) {
	i, _ := slices.BinarySearchFunc(w.agenda, when, func(a appointment, t time.Time) int {
		return cmp.Or(a.at.Compare(t), -1) // behind those of the same instant
	})
	w.agenda = slices.Insert(w.agenda, i, appointment{when, what, do})
}

// run lets the world go on until the instant.
func (w *world) run(until time.Time) {
	for {
		synctest.Wait()
		w.settle()
		now := time.Now()
		if len(w.agenda) > 0 && !w.agenda[0].at.After(now) {
			next := w.agenda[0]
			w.agenda = w.agenda[1:]
			w.note("-", next.what, "")
			next.do()
			continue
		}
		if i := w.choose(now); i >= 0 {
			c := w.waiting[i]
			w.waiting = slices.Delete(w.waiting, i, i+1)
			w.let(c)
			continue
		}
		if !now.Before(until) {
			return
		}
		next := until
		if len(w.agenda) > 0 && w.agenda[0].at.Before(next) {
			next = w.agenda[0].at
		}
		for _, c := range w.waiting {
			if at := c.ready(); at.Before(next) {
				next = at
			}
		}
		timer := time.NewTimer(next.Sub(now))
		select {
		case <-w.knock:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// settle takes in who has arrived. The order in which goroutines of one instant
// happened to run does not count.
func (w *world) settle() {
	w.mu.Lock()
	arrived := w.arrived
	w.arrived = nil
	w.mu.Unlock()
	slices.SortStableFunc(arrived, func(a, b *call) int {
		return cmp.Or(cmp.Compare(a.p.number, b.p.number), strings.Compare(a.op, b.op))
	})
	now := time.Now()
	for _, c := range arrived {
		c.at = now.Add(w.delay(c))
		w.waiting = append(w.waiting, c)
	}
}

// ready is when the call may go on as things stand.
func (c *call) ready() time.Time {
	at := c.at
	if c.p.stopped.After(at) && entry(c.op) {
		at = c.p.stopped
	}
	return at
}

// entry reports whether a process can be found stopped before the operation.
// Within a transaction on SQLite it would hold up everybody, which no row lock of
// PostgreSQL does.
func entry(op string) bool {
	if !strings.HasPrefix(op, "sql ") {
		return true
	}
	switch op {
	case "sql begin", "sql timers.due", "sql timers.get", "sql meta.read", "sql positions.read", "sql events.read":
		return true
	}
	return false
}

// choose draws one of those that may go on; -1 if nobody may.
func (w *world) choose(now time.Time) int {
	found, n := -1, 0
	for i, c := range w.waiting {
		if !c.ready().After(now) {
			n++
			if n == 1 || w.rng.IntN(n) == 0 {
				found = i
			}
		}
	}
	return found
}

// let lets a call through.
func (w *world) let(c *call) {
	v := w.judge(c)
	told := ""
	if v.err != nil {
		told = v.err.Error()
		if v.effect {
			told += " after its effect"
		}
	}
	w.note(c.p.name, c.op, told)
	c.answer <- v
	if c.op == "sql events.insert" {
		c.p.writes = true
	}
	if c.op == "sql commit" && c.p.writes && c.p.service == sinkName {
		c.p.writes = false
		synctest.Wait()
		w.committed()
	}
}

// note adds to the history.
func (w *world) note(who, what, told string) {
	w.steps++
	line := fmt.Sprintf("%s %s %s %s", time.Since(w.begun), who, what, told)
	w.digest.Write([]byte(line))
	w.digest.Write([]byte{'\n'})
	if w.trace {
		w.t.Log(line)
	}
	w.history = append(w.history, line)
	if len(w.history) > 400 {
		w.history = slices.Clone(w.history[200:])
	}
}

// sum identifies the history so far.
func (w *world) sum() string { return hex.EncodeToString(w.digest.Sum(nil)[:8]) }

// problem notes a violation; the run goes on, so that all of them are seen.
func (w *world) problem(format string, args ...any) {
	if len(w.problems) < 20 {
		w.problems = append(w.problems, fmt.Sprintf("%s: ", time.Since(w.begun))+fmt.Sprintf(format, args...))
	}
}

// chance reports whether something of the probability happens.
func (w *world) chance(p float64) bool { return w.rng.Float64() < p }

// between draws a duration.
func (w *world) between(least, most time.Duration) time.Duration {
	return least + time.Duration(w.rng.Int64N(int64(most-least)+1))
}

func newDigest() hash.Hash { return sha256.New() }
