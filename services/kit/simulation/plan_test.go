package simulation_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"example.com/redress/services/kit/host"
)

// span is the time in which things fail, rest the quiet time after it.
const (
	span = 30 * 24 * time.Hour
	rest = 4 * 24 * time.Hour
)

// Replicas of the two services.
const (
	sinks   = 5
	sources = 2
)

// tempo is how often the services look for what nobody told them of. A month at
// the pace of production would be two and a half million sweeps of each replica.
// A process may stand still for longer than its leases last.
type tempo struct {
	sweep time.Duration
	lease time.Duration // on shards of the source
	stop  time.Duration // the longest
}

func (w *world) drawTempo() tempo {
	sweep := []time.Duration{2 * time.Hour, 4 * time.Hour, 8 * time.Hour}[w.rng.IntN(3)]
	return tempo{
		sweep: sweep, lease: []time.Duration{2 * sweep, 12 * sweep}[w.rng.IntN(2)],
		stop: []time.Duration{5 * time.Hour, 24 * time.Hour}[w.rng.IntN(2)],
	}
}

func (t tempo) pace() host.Pace {
	return host.Pace{
		Sweep: t.sweep, Refresh: 12 * t.sweep, Horizon: 72 * t.sweep, Lease: 4 * t.sweep, Retry: t.sweep / 4, Workers: 1,
		Poll: t.sweep, LeaseTTL: t.lease,
		Jitter: func(most time.Duration) time.Duration { return most / 2 },
	}
}

// order is a command for a case, given at an instant.
type order struct {
	name    string
	place   int // in the case's list
	at      time.Time
	command command
}

func (o order) id() string { return fmt.Sprintf("%s/%d", o.name, o.place) }

// ack is a command that was answered.
type ack struct {
	order order
	at    time.Time
}

// cases draws what happens to each case: clocks are started, met, cancelled,
// paused, resumed and extended, some of them never.
func (w *world) cases(n int) [][]order {
	out := make([][]order, n)
	for i := range out {
		name := fmt.Sprintf("%02d", i)
		at := w.begun.Add(w.between(0, span*3/4)).Truncate(time.Millisecond)
		say := func(c command) {
			out[i] = append(out[i], order{name: name, place: len(out[i]) + 1, at: at, command: c})
		}
		for _, kind := range []string{"answer", "solve", "report"}[:1+w.rng.IntN(3)] {
			start := command{Do: doStart, Kind: kind, Limit: fmt.Sprintf("%d h", 1+w.rng.IntN(200))}
			if w.chance(0.2) {
				start.Limit = fmt.Sprintf("%d days", 2+w.rng.IntN(9))
			}
			for range w.rng.IntN(3) {
				start.Warn = append(start.Warn, int64(w.between(time.Minute, 30*time.Hour).Truncate(time.Second)/time.Second))
			}
			if w.chance(0.3) {
				start.Each = fmt.Sprintf("%d h", 24+w.rng.IntN(72))
			}
			say(start)
			for range w.rng.IntN(4) {
				at = at.Add(w.between(2*time.Minute, 100*time.Hour)).Truncate(time.Millisecond)
				switch w.rng.IntN(8) {
				case 0, 1:
					say(command{Do: doMeet, Kind: kind})
				case 2:
					say(command{Do: doCancel, Kind: kind})
				case 3:
					say(command{Do: doExtend, Kind: kind, Seconds: int64(w.between(time.Hour, 90*time.Hour) / time.Second)})
				default:
					if start.Each == "" && strings.HasSuffix(start.Limit, " h") {
						say(command{Do: doPause, Kind: kind})
						at = at.Add(w.between(2*time.Minute, 50*time.Hour)).Truncate(time.Millisecond)
						say(command{Do: doResume, Kind: kind})
					}
				}
			}
			at = at.Add(w.between(2*time.Minute, 20*time.Hour)).Truncate(time.Millisecond)
		}
		for len(out[i]) > 0 && out[i][len(out[i])-1].at.After(w.begun.Add(span)) {
			out[i] = out[i][:len(out[i])-1]
		}
	}
	return out
}

// chaos puts on the agenda what goes wrong.
func (w *world) chaos() {
	several := func(most int, what string, do func()) {
		for range w.rng.IntN(most + 1) {
			w.at(w.begun.Add(w.between(0, span)), what, do)
		}
	}
	for _, r := range w.replicas() {
		several(8, "kill "+r.String(), func() { w.killReplica(r) })
		several(6, "stop "+r.String(), func() {
			if p := w.alive(r.service, r.n); p != nil {
				p.stopped = time.Now().Add(w.between(time.Second, w.tempo.stop))
			}
		})
		several(6, "cut "+r.String(), func() {
			if p := w.alive(r.service, r.n); p != nil {
				p.cut = time.Now().Add(w.between(time.Second, 10*time.Hour))
			}
		})
	}
	several(3, "kill all", func() {
		for _, r := range w.replicas() {
			w.killReplica(r)
		}
	})
	several(12, "FLUSHALL", w.redis.flush)
	several(12, "dump", w.redis.save)
	several(12, "restore", w.redis.restart)
	several(6, "redis away", func() { w.redis.down = time.Now().Add(w.between(time.Minute, 30*time.Hour)) })
	several(6, "redis slow", func() { w.redis.slow = time.Now().Add(w.between(time.Minute, 10*time.Hour)) })
	for _, db := range []*database{w.sinkDB, w.sourceDB} {
		several(4, "store away", func() { db.down = time.Now().Add(w.between(time.Minute, 12*time.Hour)) })
	}
}

// replica is a place for processes of a service.
type replica struct {
	service string
	n       int
}

func (r replica) String() string { return fmt.Sprintf("%s-%d", r.service, r.n) }

func (w *world) replicas() (all []replica) {
	for n := range sinks {
		all = append(all, replica{sinkName, n})
	}
	for n := range sources {
		all = append(all, replica{sourceName, n})
	}
	return all
}

// killReplica kills a process and has it started again some time later.
func (w *world) killReplica(r replica) {
	p := w.alive(r.service, r.n)
	if p == nil {
		return
	}
	p.kill()
	if back := time.Now().Add(w.between(time.Second, 6*time.Hour)); back.Before(w.calm) {
		w.at(back, "start "+r.String(), func() { w.begin(r) })
	}
}

// begin starts a replica that does not run. Hosts disagree about the time.
func (w *world) begin(r replica) {
	if w.alive(r.service, r.n) == nil {
		w.start(r.service, r.n, 0)
	}
}

// heal ends all faults: who is dead starts, who stands still goes on.
func (w *world) heal() {
	for _, p := range w.processes {
		p.stopped, p.cut = time.Time{}, time.Time{}
	}
	w.redis.down, w.redis.slow = time.Time{}, time.Time{}
	if w.chance(0.4) { // then the sweep must do alone
		w.redis.down = w.calm.Add(rest / 2)
	}
	w.sinkDB.down, w.sourceDB.down = time.Time{}, time.Time{}
	for _, r := range w.replicas() {
		w.begin(r)
	}
	for _, c := range w.waiting {
		c.at = time.Now()
	}
}

// delay draws how long a call is under way.
func (w *world) delay(c *call) time.Duration {
	inside := strings.HasPrefix(c.op, "sql ") && !entry(c.op)
	redis := strings.HasPrefix(c.op, "redis ")
	now := time.Now()
	switch {
	case !now.Before(w.calm):
		return w.between(0, time.Millisecond)
	case redis && now.Before(w.redis.slow):
		return w.between(time.Second, 20*time.Minute)
	case w.chance(0.85):
		return 0
	case inside || w.chance(0.8):
		return w.between(0, 2*time.Second)
	}
	return w.between(0, 5*time.Minute)
}

// judge draws what becomes of a call.
func (w *world) judge(c *call) verdict {
	now := time.Now()
	if !now.Before(w.calm) {
		v := verdict{draw: w.rng.Uint64()}
		if strings.HasPrefix(c.op, "redis ") && now.Before(w.redis.down) {
			v.err = errAway
		}
		return v
	}
	v := verdict{draw: w.rng.Uint64()}
	kind, _, _ := strings.Cut(c.op, " ")
	switch kind {
	case "redis":
		switch {
		case now.Before(w.redis.down), now.Before(c.p.cut):
			v.err = errAway
		case w.chance(0.01):
			v.err = errAway
		case w.chance(0.01):
			v.err, v.effect = errAnswer, true
		}
	case "sql":
		db := w.sourceDB
		if c.p.service == sinkName {
			db = w.sinkDB
		}
		switch {
		case now.Before(db.down), now.Before(c.p.cut):
			v.err = errAway
		case c.op == "sql commit" && w.chance(0.01):
			v.err = errUnknown
		case w.chance(0.002):
			v.err = errAway
		}
	case "net":
		switch {
		case now.Before(c.p.cut), w.chance(0.02):
			v.err = errAway
		case w.chance(0.01):
			v.err, v.effect = errAnswer, true
		case c.op == "net message":
			v.twice, v.lost = w.chance(0.01), w.chance(0.01)
		}
	case "call":
		if w.chance(0.02) {
			v.err = errAway
		}
	}
	return v
}

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x5eed)) }
