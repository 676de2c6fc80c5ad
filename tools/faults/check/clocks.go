package check

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	eventv1 "example.com/redress/proto/gen/redress/event/v1"
)

// instant is one event of a clock.
type instant struct {
	name     string
	version  int64
	observed int64 // by the database's clock, when the event was inserted
	occurred time.Time
	reaction bool // to what another service said, and not a timer's doing
	change   clockv1.ClockChanged_Kind
	state    *clockv1.Clock
}

// clocks checks that each armed generation fires exactly once (C1), never before
// its time by the database's clock (C2), not too late (C3), and that a pause
// moves a limit by as long as it lasted (C5).
func clocks(ctx context.Context, e *Evidence, f *Findings) error {
	var late, lateHealthy []time.Duration
	for _, s := range services() {
		var before *instant
		if err := e.Rows(ctx, in(s, `
			SELECT resource, version, (extract(epoch FROM fault_time) * 1000000)::bigint, encode(body, 'hex'), cause_service FROM @events
			WHERE type = 'redress.clock.v1.ClockChanged' ORDER BY organization, resource, version`), func(row []string) error {
			now, err := read(row)
			if err != nil {
				return err
			}
			if before != nil && before.name != now.name {
				ended(e, f, before)
				before = nil
			}
			if before == nil {
				f.count("clocks", 1)
			}
			if fires(now.change) {
				if lag, ok := fired(f, before, now); ok {
					late = append(late, lag)
					if e.healthy(before.state.GetNextFireTime().AsTime().UnixMicro()) && e.healthy(now.observed) {
						lateHealthy = append(lateHealthy, lag)
					}
				}
			}
			if now.change == clockv1.ClockChanged_KIND_RESUMED {
				conserved(f, before, now)
			}
			before = now
			return nil
		}); err != nil {
			return err
		}
		if before != nil {
			ended(e, f, before)
		}
	}
	f.count("clocks fired", len(late))
	lateness(f, "lateness", late)
	lateness(f, "lateness without faults", lateHealthy)
	if p := percentile(late, 100); p > e.LateEver {
		f.wrong("C3", "a clock was late by %s, more than %s", p, e.LateEver)
	}
	if p := percentile(lateHealthy, 99); p > e.Late {
		f.wrong("C3", "without faults the p99 of lateness was %s, more than %s", p, e.Late)
	}
	return missing(ctx, e, f)
}

func read(row []string) (*instant, error) {
	version, err := strconv.ParseInt(row[1], 10, 64)
	if err != nil {
		return nil, err
	}
	observed, err := strconv.ParseInt(row[2], 10, 64)
	if err != nil {
		return nil, err
	}
	raw, err := unhex(row[3])
	if err != nil {
		return nil, err
	}
	body, change, state := &eventv1.EventBody{}, &clockv1.ClockChanged{}, &clockv1.Clock{}
	err = errors.Join(proto.Unmarshal(raw, body), body.GetChange().UnmarshalTo(change), body.GetState().UnmarshalTo(state))
	return &instant{row[0], version, observed, body.GetOccurTime().AsTime(), row[4] != "", change.GetKind(), state}, err
}

// fires tells the changes that only a timer makes.
func fires(k clockv1.ClockChanged_Kind) bool {
	return k == clockv1.ClockChanged_KIND_WARNED || k == clockv1.ClockChanged_KIND_BREACHED || k == clockv1.ClockChanged_KIND_LATE
}

// fired judges one firing by the state in which it found the clock, and returns
// how late it was.
func fired(f *Findings, before, now *instant) (time.Duration, bool) {
	if before == nil {
		f.wrong("C1", "%s fired before it was started", now.name)
		return 0, false
	}
	due := before.state.GetNextFireTime()
	if due == nil {
		f.wrong("C1", "%s fired in version %d and had nothing to fire", now.name, now.version)
		return 0, false
	}
	want := map[clockv1.Clock_Firing]clockv1.ClockChanged_Kind{
		clockv1.Clock_FIRING_WARNING: clockv1.ClockChanged_KIND_WARNED,
		clockv1.Clock_FIRING_BREACH:  clockv1.ClockChanged_KIND_BREACHED,
		clockv1.Clock_FIRING_REPEAT:  clockv1.ClockChanged_KIND_LATE,
	}[before.state.GetNextFiring()]
	if now.change != clockv1.ClockChanged_KIND_LATE && before.state.GetState() != clockv1.Clock_STATE_RUNNING {
		f.wrong("C1", "%s was %s and fired %s once more", now.name, before.state.GetState(), now.change)
	}
	if want != now.change {
		f.wrong("C1", "%s was to fire %s and fired %s", now.name, before.state.GetNextFiring(), now.change)
	}
	if next := now.state.GetNextFireTime(); next != nil && !next.AsTime().After(due.AsTime()) {
		f.wrong("C1", "%s fired at %s and is to fire again at %s", now.name, due.AsTime(), next.AsTime())
	}
	if at := due.AsTime().UnixMicro(); now.observed < at {
		f.wrong("C2", "%s was due %s and fired %s before", now.name, due.AsTime(), time.Duration(at-now.observed)*time.Microsecond)
	}
	// Who ends a clock brings it up to that instant first, in case the timer is late.
	if !now.occurred.Equal(due.AsTime()) && (!now.reaction || now.occurred.Before(due.AsTime())) {
		f.wrong("C2", "%s was due %s and is on record as fired at %s", now.name, due.AsTime(), now.occurred)
	}
	// A clock that was set late cannot fire before it is set.
	return time.Duration(now.observed-max(due.AsTime().UnixMicro(), before.observed)) * time.Microsecond, true
}

// ended judges a clock by its last event: nothing may be overdue when all is quiet.
func ended(e *Evidence, f *Findings, last *instant) {
	due := last.state.GetNextFireTime()
	if due == nil {
		return
	}
	late := time.Since(due.AsTime())
	if late > quiet {
		f.wrong("C1", "%s was due %s and has not fired", last.name, due.AsTime())
	}
	if late > e.LateEver {
		f.wrong("C3", "%s has been late for %s by now, more than %s", last.name, late, e.LateEver)
	}
}

// quiet is how long after its time a clock may still be about to fire when all else is quiet.
const quiet = 5 * time.Second

// conserved judges a resumption: elapsed time moves by exactly the pause. Times
// are kept to the second or finer.
func conserved(f *Findings, before, now *instant) {
	if before == nil || now.state.GetBasis() != clockv1.Clock_BASIS_ELAPSED || before.change != clockv1.ClockChanged_KIND_PAUSED {
		return
	}
	f.count("pauses", 1)
	moved := now.state.GetDueTime().AsTime().Sub(before.state.GetDueTime().AsTime())
	lasted := now.occurred.Sub(before.occurred)
	if diff := moved - lasted; diff < -time.Second || diff > time.Second {
		f.wrong("C5", "%s was paused for %s and its limit moved by %s", now.name, lasted, moved)
	}
}

// missing finds complaints whose clock was never started.
func missing(ctx context.Context, e *Evidence, f *Findings) error {
	return e.Rows(ctx, `
		SELECT c.name FROM redress_intake.resources c WHERE c.kind = 'complaints/*' AND NOT EXISTS (
		SELECT 1 FROM redress_routing.resources k WHERE k.kind = 'cases/*/clocks/*' AND k.parent = 'cases/' || substr(c.name, 12))`, func(row []string) error {
		f.wrong("C1", "%s has no clock", row[0])
		return nil
	})
}

func percentile(all []time.Duration, p int) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(len(all)-1, len(all)*p/100)]
}

func lateness(f *Findings, what string, all []time.Duration) {
	f.Figures[what+", clocks"] = int64(len(all))
	for _, p := range []int{50, 99, 100} {
		f.Figures[what+", p"+strconv.Itoa(p)+" in ms"] = percentile(all, p).Milliseconds()
	}
}
