package simulation_test

import (
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
)

// evidence is what is left when a run is over. The checker sees nothing else, and
// nothing of the engine.
type evidence struct {
	source, sink []*logged // each log, shard after shard in order
	heard        map[string][]int64
	stored       map[place]time.Time // when each event of the sink was committed, by the store's time
	acks         []ack
	orders       int
	calm, end    time.Time
	late         time.Duration // how late a clock may be once nothing fails
	settle       time.Duration // how long after the calm everything of the chaos is made up for
}

// logged is an event with its content.
type logged struct {
	*eventv1.Event
	body *eventv1.EventBody
}

// place is where an event stands in its log.
type place struct {
	shard    int32
	sequence int64
}

func (l *logged) place() place { return place{l.GetShard(), l.GetSequence()} }

// check returns what is wrong, in words.
func check(e *evidence) []string {
	c := &checker{e: e}
	c.commandsStand()
	c.eachHeardOnceInOrder()
	c.causesAreReal()
	c.firedOnceAndInTime()
	c.clocksAreAsTheCommandsSay()
	return c.wrong
}

type checker struct {
	e     *evidence
	wrong []string
}

func (c *checker) say(format string, args ...any) {
	c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
}

// commandsStand: what was answered is in the log, once and in its place.
func (c *checker) commandsStand() {
	versions := map[string]int64{}
	seen := map[string]int{}
	for _, ev := range c.e.source {
		if versions[ev.GetResource()]++; ev.GetVersion() != versions[ev.GetResource()] {
			c.say("source: %s has version %d where %d should be", ev.GetResource(), ev.GetVersion(), versions[ev.GetResource()])
		}
		seen[fmt.Sprintf("%s/%d %s", ev.GetResource(), ev.GetVersion(), ev.command())]++
	}
	for _, a := range c.e.acks {
		key := fmt.Sprintf("cases/%s/%d %s", a.order.name, a.order.place, a.order.command)
		if seen[key] != 1 {
			c.say("command %s was answered and stands %d times", key, seen[key])
		}
	}
	if len(c.e.acks) != c.e.orders || len(c.e.source) != c.e.orders {
		c.say("%d commands, %d answered, %d in the log", c.e.orders, len(c.e.acks), len(c.e.source))
	}
}

func (l *logged) command() string {
	text := &wrapperspb.StringValue{}
	if err := l.body.GetChange().UnmarshalTo(text); err != nil {
		return err.Error()
	}
	return text.GetValue()
}

// eachHeardOnceInOrder: the sink's own list of what it heard of a case is 1, 2, 3 and so on.
func (c *checker) eachHeardOnceInOrder() {
	want := map[string][]int64{}
	for _, ev := range c.e.source {
		want[ev.GetResource()] = append(want[ev.GetResource()], ev.GetVersion())
	}
	for name, versions := range want {
		if !slices.Equal(versions, c.e.heard[name]) {
			c.say("%s: the source has versions %v, the sink heard %v", name, versions, c.e.heard[name])
		}
	}
}

// causesAreReal: what an event of the sink names as its cause is an event of the
// source, with that digest.
func (c *checker) causesAreReal() {
	source := map[place]*logged{}
	for _, ev := range c.e.source {
		source[ev.place()] = ev
	}
	for _, ev := range c.e.sink {
		if k := ev.GetCause(); k != nil {
			from := source[place{k.GetShard(), k.GetSequence()}]
			if from == nil || string(from.GetDigest()) != string(k.GetDigest()) {
				c.say("%s version %d: its cause does not exist", ev.GetResource(), ev.GetVersion())
			}
		}
	}
}

// state returns the clock as an event left it.
func (c *checker) state(ev *logged) *clockv1.Clock {
	k := &clockv1.Clock{}
	if err := ev.body.GetState().UnmarshalTo(k); err != nil {
		c.say("%s version %d: %v", ev.GetResource(), ev.GetVersion(), err)
	}
	return k
}

func (c *checker) kind(ev *logged) clockv1.ClockChanged_Kind {
	k := &clockv1.ClockChanged{}
	if err := ev.body.GetChange().UnmarshalTo(k); err != nil {
		c.say("%s version %d: %v", ev.GetResource(), ev.GetVersion(), err)
	}
	return k.GetKind()
}

// firedOnceAndInTime walks every clock through its versions. What a timer did has
// no cause; it must be what the version before announced, at that instant, once for
// each generation, not earlier by the store's time, and not late once all is quiet.
func (c *checker) firedOnceAndInTime() {
	before := map[string]*clockv1.Clock{}
	version := map[string]int64{}
	armed := map[string]time.Time{}
	type generation struct {
		name   string
		number int64
	}
	fired := map[generation]bool{}
	for _, ev := range c.e.sink {
		name := ev.GetResource()
		was, now, at := before[name], c.state(ev), c.e.stored[ev.place()]
		if version[name]++; ev.GetVersion() != version[name] {
			c.say("sink: %s has version %d where %d should be", name, ev.GetVersion(), version[name])
		}
		if at.IsZero() {
			c.say("sink: nobody saw %s version %d being stored", name, ev.GetVersion())
		}
		if ev.GetCause() == nil {
			g := generation{name, was.GetGeneration()}
			due := was.GetNextFireTime().AsTime()
			switch {
			case was.GetNextFireTime() == nil:
				c.say("%s fired (version %d, %s) with nothing armed", name, ev.GetVersion(), c.kind(ev))
			case fired[g]:
				c.say("%s generation %d fired twice", name, g.number)
			case at.Before(due):
				c.say("%s generation %d fired %s early", name, g.number, due.Sub(at))
			case !ev.body.GetOccurTime().AsTime().Equal(due):
				c.say("%s generation %d: due at %s, recorded as of %s", name, g.number, due, ev.body.GetOccurTime().AsTime())
			}
			fired[g] = true
			possible := due
			if armed[name].After(due) {
				possible = armed[name]
			}
			c.inTime(name, g.number, possible, at)
		}
		before[name] = now
		if was.GetGeneration() != now.GetGeneration() {
			armed[name] = at
		}
	}
	for name, k := range before {
		if k.GetNextFireTime() == nil {
			continue
		}
		due := k.GetNextFireTime().AsTime()
		if armed[name].After(due) {
			due = armed[name]
		}
		c.inTime(name, k.GetGeneration(), due, c.e.end)
	}
}

// inTime judges what could be fired from an instant on, and was at another, or not by then.
func (c *checker) inTime(name string, generation int64, from, at time.Time) {
	latest := c.e.calm.Add(c.e.settle)
	if by := from.Add(c.e.late); by.After(latest) {
		latest = by
	}
	if at.After(latest) && latest.Before(c.e.end) {
		c.say("%s generation %d could fire at %s and had not at %s (the calm began at %s)", name, generation, from, at, c.e.calm)
	}
}

// expected is a clock worked out from the commands alone.
type expected struct {
	due     time.Time // last second on time
	each    time.Duration
	state   clockv1.Clock_State
	outcome clockv1.Clock_Outcome
	paused  time.Time
	stopped time.Time
}

// clocksAreAsTheCommandsSay replays the commands in the order of the source's log
// and compares what every clock must have come to.
func (c *checker) clocksAreAsTheCommandsSay() {
	want := map[string]*expected{}
	for _, ev := range c.e.source {
		cmd, err := readCommand(ev.command())
		if err != nil {
			c.say("%s: %v", ev.GetResource(), err)
			continue
		}
		name := ev.GetResource() + "/clocks/" + cmd.Kind + "-1"
		at := ev.body.GetOccurTime().AsTime().Truncate(time.Second)
		if cmd.Do == doStart {
			want[name] = begin(cmd, at)
			continue
		}
		want[name].obey(cmd, at)
	}
	last := map[string]*clockv1.Clock{}
	for _, ev := range c.e.sink {
		last[ev.GetResource()] = c.state(ev)
	}
	for name, w := range want {
		k := last[name]
		if k == nil {
			c.say("%s was never started", name)
			continue
		}
		c.compare(name, w, k)
	}
	if len(last) != len(want) {
		c.say("%d clocks were ordered, there are %d", len(want), len(last))
	}
}

// begin works out the due instant of a new clock.
func begin(cmd command, at time.Time) *expected {
	x := &expected{state: clockv1.Clock_STATE_RUNNING}
	var n int
	var unit string
	if _, err := fmt.Sscanf(cmd.Limit, "%d %s", &n, &unit); err != nil {
		panic(err)
	}
	if x.due = at.Add(time.Duration(n) * time.Hour); unit == "days" {
		// The end of the last date in China, whose days all have 24 hours.
		const east = 8 * time.Hour
		x.due = at.Add(east).Truncate(24 * time.Hour).Add(time.Duration(n+1) * 24 * time.Hour).Add(-time.Second - east)
	}
	if cmd.Each != "" {
		if _, err := fmt.Sscanf(cmd.Each, "%d h", &n); err != nil {
			panic(err)
		}
		x.each = time.Duration(n) * time.Hour
	}
	return x
}

// obey does what a command means for a clock that nobody watches: only the instants count.
func (x *expected) obey(cmd command, at time.Time) {
	if x.state == clockv1.Clock_STATE_STOPPED {
		return
	}
	running := x.state == clockv1.Clock_STATE_RUNNING && !at.After(x.due)
	switch cmd.Do {
	case doMeet, doCancel:
		if x.state == clockv1.Clock_STATE_PAUSED {
			x.due = x.due.Add(at.Sub(x.paused))
		}
		x.state, x.stopped = clockv1.Clock_STATE_STOPPED, at
		switch {
		case cmd.Do == doCancel:
			x.outcome = clockv1.Clock_OUTCOME_CANCELLED
		case at.After(x.due):
			x.outcome = clockv1.Clock_OUTCOME_MET_LATE
		default:
			x.outcome = clockv1.Clock_OUTCOME_MET
		}
	case doPause:
		if running {
			x.state, x.paused = clockv1.Clock_STATE_PAUSED, at
		}
	case doResume:
		if x.state == clockv1.Clock_STATE_PAUSED {
			x.state, x.due = clockv1.Clock_STATE_RUNNING, x.due.Add(at.Sub(x.paused))
		}
	case doExtend:
		if running {
			x.due = x.due.Add(time.Duration(cmd.Seconds) * time.Second)
		}
	}
}

func (c *checker) compare(name string, x *expected, k *clockv1.Clock) {
	until := c.e.end.Add(-c.e.late)
	if x.state == clockv1.Clock_STATE_STOPPED {
		until = x.stopped
	}
	breach := x.due.Add(time.Second)
	breached := x.state != clockv1.Clock_STATE_PAUSED && !until.Before(breach)
	if breached && x.state == clockv1.Clock_STATE_RUNNING {
		x.state = clockv1.Clock_STATE_BREACHED
	}
	periods := int32(0)
	if breached && x.each > 0 {
		periods = int32(until.Sub(x.due) / x.each)
	}
	if near := c.e.end.Sub(breach); x.state == clockv1.Clock_STATE_RUNNING && near >= 0 && near < c.e.late {
		return // it may have fired just now
	}
	if k.GetState() != x.state || k.GetOutcome() != x.outcome || !k.GetDueTime().AsTime().Equal(x.due) {
		c.say("%s is %s %s, due %s; by the commands %s %s, due %s", name, k.GetState(), k.GetOutcome(), k.GetDueTime().AsTime(), x.state, x.outcome, x.due)
		return
	}
	if has := k.GetBreachTime() != nil; has != breached || (has && !k.GetBreachTime().AsTime().Equal(breach)) {
		c.say("%s: breach %v at %s; by the commands %v at %s", name, has, k.GetBreachTime().AsTime(), breached, breach)
	}
	switch extra := k.GetLate() - periods; {
	case extra == 0:
	case extra == 1 && x.state == clockv1.Clock_STATE_BREACHED: // it may have fired just now
	default:
		c.say("%s: %d periods late; by the commands %d", name, k.GetLate(), periods)
	}
}
