package slaclock

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	"example.com/redress/services/kit/calendar"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/planted"
)

// Fire does what has fallen due by now: warnings, the breach (whose breach_time
// is one second after due_time, however late the timer comes) and one KIND_LATE
// for each period late, exactly counted. A clock that has nothing due is returned
// as it is, without events: nothing ever fires early.
//
// One call does at most 64 things; where more is due, next_fire_time of the result
// is not after now and the clock fires again at once.
func Fire(cal *calendar.Calendar, c *clockv1.Clock, now time.Time) (*clockv1.Clock, []*clockv1.ClockChanged, error) {
	m, err := work(cal, c)
	if err != nil {
		return nil, nil, err
	}
	if err := m.run(now, portion, false); err != nil {
		return nil, nil, err
	}
	return m.done()
}

// Meet records the act that the clock waited for. It happened at the instant
// given, whenever that came to light: MET if that second is not after due_time,
// else MET_LATE, with the breach and the periods late that the timer has not told
// of. An act earlier than a recorded breach withdraws it (KIND_BREACH_WITHDRAWN,
// then KIND_MET); one earlier than the act that stopped the clock stops it anew.
// late of the result is final: it may be less than the number of KIND_LATE told
// before, and whoever drew something from those reverses the difference.
//
// It fails with CLOCK_NOT_RUNNING if the clock was cancelled or met no later.
func Meet(cal *calendar.Calendar, c *clockv1.Clock, at time.Time) (*clockv1.Clock, []*clockv1.ClockChanged, error) {
	return end(cal, c, at, func(m *machine) {
		m.c.Outcome = clockv1.Clock_OUTCOME_MET
		if m.c.GetBreachTime() != nil {
			m.c.Outcome = clockv1.Clock_OUTCOME_MET_LATE
		}
		m.tell(clockv1.ClockChanged_KIND_MET)
	}, true)
}

// Cancel ends a clock that is no longer owed. A breach before that instant stays
// on record, one after it is withdrawn.
//
// It fails with CLOCK_NOT_RUNNING if the clock has stopped.
func Cancel(cal *calendar.Calendar, c *clockv1.Clock, at time.Time) (*clockv1.Clock, []*clockv1.ClockChanged, error) {
	return end(cal, c, at, func(m *machine) {
		m.c.Outcome = clockv1.Clock_OUTCOME_CANCELLED
		m.tell(clockv1.ClockChanged_KIND_CANCELLED)
	}, false)
}

// end settles a clock at an instant and stops it; again allows an earlier act to
// stop a clock that was met.
func end(cal *calendar.Calendar, c *clockv1.Clock, at time.Time, outcome func(*machine), again bool) (*clockv1.Clock, []*clockv1.ClockChanged, error) {
	m, err := work(cal, c)
	if err != nil {
		return nil, nil, err
	}
	at = second(at)
	if start := c.GetStartTime().AsTime(); at.Before(start) {
		at = start
	}
	if c.GetState() == clockv1.Clock_STATE_STOPPED {
		if !again || c.GetOutcome() == clockv1.Clock_OUTCOME_CANCELLED || !at.Before(c.GetStopTime().AsTime()) {
			return nil, nil, notRunning(c)
		}
		m.c.State, m.c.Outcome = clockv1.Clock_STATE_RUNNING, clockv1.Clock_OUTCOME_UNSPECIFIED
		if c.GetBreachTime() != nil {
			m.c.State = clockv1.Clock_STATE_BREACHED
		}
	}
	if m.c.GetState() == clockv1.Clock_STATE_PAUSED {
		if err := m.resume(at); err != nil {
			return nil, nil, err
		}
	}
	if err := m.settle(at, true); err != nil {
		return nil, nil, err
	}
	m.c.StopTime = timestamppb.New(at)
	outcome(m)
	m.c.State = clockv1.Clock_STATE_STOPPED
	return m.done()
}

// By says who changed a clock, and why.
type By struct {
	// Principal who did it.
	Principal string
	// Reason in words, sealed before it comes here.
	Reason string
}

// Pause lets a running clock stand still from an instant on.
//
// It fails with CLOCK_NOT_RUNNING if the clock is paused, stopped or past its due
// instant at that second, and with CLOCK_TIME_ORDER if the instant lies before
// one the clock has already taken in.
func Pause(cal *calendar.Calendar, c *clockv1.Clock, at time.Time, by By) (*clockv1.Clock, []*clockv1.ClockChanged, error) {
	m, at, err := running(cal, c, at)
	if err != nil {
		return nil, nil, err
	}
	m.c.State = clockv1.Clock_STATE_PAUSED
	m.c.Pauses = append(m.c.Pauses, &clockv1.Pause{StartTime: timestamppb.New(at), Reason: by.Reason, Principal: by.Principal})
	m.tell(clockv1.ClockChanged_KIND_PAUSED)
	return m.done()
}

// Resume lets a paused clock count again. due_time moves by the time it stood
// still, on the clock's own basis (Calendar.Moved).
//
// It fails with CLOCK_NOT_PAUSED, and with CLOCK_TIME_ORDER before the pause began.
func Resume(cal *calendar.Calendar, c *clockv1.Clock, at time.Time) (*clockv1.Clock, []*clockv1.ClockChanged, error) {
	if c.GetState() != clockv1.Clock_STATE_PAUSED {
		return nil, nil, fault.New(fault.FailedPrecondition, ReasonNotPaused, "clock", c.GetName(), "state", word(c))
	}
	m, err := work(cal, c)
	if err != nil {
		return nil, nil, err
	}
	at = second(at)
	if recorded := m.latest(); at.Before(recorded) {
		return nil, nil, timeOrder(c, at, recorded)
	}
	if err := m.resume(at); err != nil {
		return nil, nil, err
	}
	m.tell(clockv1.ClockChanged_KIND_RESUMED)
	return m.done()
}

// resume ends the open pause at an instant; before its beginning, the pause has no length.
func (m *machine) resume(at time.Time) error {
	p := m.c.GetPauses()[len(m.c.GetPauses())-1]
	p.EndTime = p.GetStartTime()
	if at.After(p.GetStartTime().AsTime()) {
		p.EndTime = timestamppb.New(at)
	}
	m.c.State = clockv1.Clock_STATE_RUNNING
	if m.c.GetDueTime() == nil || planted.Is("pause not counted") {
		return nil
	}
	due, err := m.stood(calendar.Due{Time: m.c.GetDueTime().AsTime(), Provisional: m.c.GetProvisional()}, p)
	if err != nil {
		return err
	}
	if planted.Is("due time recomputed in local time") {
		due.Time = due.Time.Add(8 * time.Hour)
	}
	m.moved(due, p.GetEndTime().AsTime())
	return nil
}

// Extend moves the due instant of a running clock to a later one, as of the
// instant at which that was granted.
//
// It fails with CLOCK_NOT_RUNNING if the clock is paused, stopped or past its due
// instant at that second, with CLOCK_EXTENSION_REFUSED if the new due instant is
// not later than the present one or the clock has none, and with CLOCK_TIME_ORDER.
//
// Source: SCENARIOS.md P17-S5.
func Extend(cal *calendar.Calendar, c *clockv1.Clock, at, due time.Time, by By) (*clockv1.Clock, []*clockv1.ClockChanged, error) {
	m, at, err := running(cal, c, at)
	if err != nil {
		return nil, nil, err
	}
	due = second(due)
	if m.c.GetDueTime() == nil || !due.After(m.c.GetDueTime().AsTime()) {
		present := "-"
		if d := m.c.GetDueTime(); d != nil {
			present = d.AsTime().Format(time.RFC3339)
		}
		return nil, nil, fault.New(fault.FailedPrecondition, ReasonExtensionRefused, "clock", c.GetName(),
			"wanted", due.Format(time.RFC3339), "due", present)
	}
	m.c.Extensions = append(m.c.Extensions, &clockv1.Extension{
		GrantTime: timestamppb.New(at), PreviousDueTime: m.c.GetDueTime(), DueTime: timestamppb.New(due),
		Reason: by.Reason, Principal: by.Principal,
	})
	m.moved(calendar.Due{Time: due}, at)
	m.tell(clockv1.ClockChanged_KIND_EXTENDED)
	return m.done()
}

// running settles a clock at an instant and refuses it unless it then counts.
func running(cal *calendar.Calendar, c *clockv1.Clock, at time.Time) (*machine, time.Time, error) {
	m, err := work(cal, c)
	if err != nil {
		return nil, at, err
	}
	at = second(at)
	if s := c.GetState(); s != clockv1.Clock_STATE_RUNNING && s != clockv1.Clock_STATE_BREACHED {
		return nil, at, notRunning(c)
	}
	if recorded := m.latest(); at.Before(recorded) {
		return nil, at, timeOrder(c, at, recorded)
	}
	if err := m.settle(at, false); err != nil {
		return nil, at, err
	}
	if m.c.GetState() != clockv1.Clock_STATE_RUNNING {
		return nil, at, notRunning(m.c)
	}
	return m, at, nil
}

// Recompute gives a clock another term, counted from its original start (less its
// pauses), as of an instant: that of a new grade, mark or calendar. Extensions
// granted under the term before lapse. If the new due instant lies before that
// second, a running clock is BREACHED from there on (breach_time = at); a breach
// that the new term undoes is withdrawn first.
//
// It fails with CLOCK_NOT_RUNNING if the clock has stopped, and like Calendar.Due.
//
// Source: PROCEDURES.md P26-A3.
func Recompute(cal *calendar.Calendar, c *clockv1.Clock, term Term, at time.Time) (*clockv1.Clock, []*clockv1.ClockChanged, error) {
	if c.GetState() == clockv1.Clock_STATE_STOPPED {
		return nil, nil, notRunning(c)
	}
	m, err := work(cal, c)
	if err != nil {
		return nil, nil, err
	}
	at = second(at)
	if start := c.GetStartTime().AsTime(); at.Before(start) {
		return nil, nil, timeOrder(c, at, start)
	}
	paused := c.GetState() == clockv1.Clock_STATE_PAUSED
	if !paused {
		if err := m.settle(at, false); err != nil {
			return nil, nil, err
		}
	}
	m.c.Extensions = nil
	if err := m.set(term, at); err != nil {
		return nil, nil, err
	}
	late := m.c.GetDueTime() != nil && m.c.GetDueTime().AsTime().Before(at)
	switch {
	case paused && late && m.c.GetDueTime().AsTime().Before(m.pausedAt()):
		// Past when the pause began, by the new term: standing still cannot undo it.
		m.tell(clockv1.ClockChanged_KIND_RECOMPUTED)
		if err := m.resume(at); err != nil {
			return nil, nil, err
		}
		m.tell(clockv1.ClockChanged_KIND_RESUMED)
		m.breach(at)
	case paused:
		m.tell(clockv1.ClockChanged_KIND_RECOMPUTED)
	case m.c.GetState() == clockv1.Clock_STATE_BREACHED && late:
		m.tell(clockv1.ClockChanged_KIND_RECOMPUTED)
		if first := m.c.GetDueTime().AsTime().Add(time.Second); m.c.GetBreachTime().AsTime().Before(first) {
			m.c.BreachTime = timestamppb.New(first)
			if err := m.trim(at); err != nil {
				return nil, nil, err
			}
		}
	case m.c.GetState() == clockv1.Clock_STATE_BREACHED:
		m.withdraw()
		m.tell(clockv1.ClockChanged_KIND_RECOMPUTED)
	case late:
		m.tell(clockv1.ClockChanged_KIND_RECOMPUTED)
		m.breach(at)
	default:
		m.tell(clockv1.ClockChanged_KIND_RECOMPUTED)
	}
	return m.done()
}

func (m *machine) pausedAt() time.Time {
	return m.c.GetPauses()[len(m.c.GetPauses())-1].GetStartTime().AsTime()
}
