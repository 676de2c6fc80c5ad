package slaclock

import (
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	"example.com/redress/services/kit/calendar"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/planted"
)

// machine is one clock on its way from one state to the next: a copy of its own,
// and the events so far.
type machine struct {
	cal     *calendar.Calendar
	c       *clockv1.Clock
	changes []*clockv1.ClockChanged
	each    calendar.Limit // zero: lateness is not counted
	before  *clockv1.Clock // untouched input, to see whether what fires has changed
}

// work copies a clock and makes ready to change the copy.
func work(cal *calendar.Calendar, c *clockv1.Clock) (*machine, error) {
	m := &machine{cal: cal, c: proto.Clone(c).(*clockv1.Clock), before: c}
	if c.GetEach() != "" {
		each, err := calendar.ParseLimit(c.GetEach())
		if err != nil {
			return nil, fault.New(fault.Internal, ReasonSpecInvalid, "clock", c.GetName(), "field", "each").Wrap(err)
		}
		m.each = each
	}
	return m, nil
}

func (m *machine) tell(k clockv1.ClockChanged_Kind) {
	m.changes = append(m.changes, &clockv1.ClockChanged{Kind: k})
}

// done sets what fires next, raises the generation if that has changed, and hands
// the result over.
func (m *machine) done() (*clockv1.Clock, []*clockv1.ClockChanged, error) {
	at, firing, err := m.next()
	if err != nil {
		return nil, nil, err
	}
	m.c.NextFiring, m.c.NextFireTime = firing, nil
	if firing != clockv1.Clock_FIRING_UNSPECIFIED {
		m.c.NextFireTime = timestamppb.New(at)
	}
	if m.before == nil || firing != m.before.GetNextFiring() || !proto.Equal(m.c.NextFireTime, m.before.GetNextFireTime()) {
		m.c.Generation++
	}
	return m.c, m.changes, nil
}

// next returns what fires next and when; FIRING_UNSPECIFIED if nothing will.
func (m *machine) next() (time.Time, clockv1.Clock_Firing, error) {
	switch {
	case m.c.GetDueTime() == nil:
	case planted.Is("breach fires twice") && m.c.GetBreachTime() != nil && m.c.GetBreachTime().AsTime().Sub(m.c.GetDueTime().AsTime()) == time.Second:
		return m.c.GetBreachTime().AsTime().Add(time.Second), clockv1.Clock_FIRING_BREACH, nil
	case m.c.GetState() == clockv1.Clock_STATE_RUNNING:
		due := m.c.GetDueTime().AsTime()
		if n := int(m.c.GetWarned()); n < len(m.c.GetWarnings()) {
			return due.Add(-m.c.GetWarnings()[n].AsDuration()), clockv1.Clock_FIRING_WARNING, nil
		}
		return due.Add(time.Second), clockv1.Clock_FIRING_BREACH, nil
	case m.c.GetState() == clockv1.Clock_STATE_BREACHED && !m.each.IsZero():
		at, err := m.period(int(m.c.GetLate()) + 1)
		return at, clockv1.Clock_FIRING_REPEAT, err
	}
	return time.Time{}, clockv1.Clock_FIRING_UNSPECIFIED, nil
}

// period returns when the nth period late counts: once it is complete or, where
// periods begun are counted, with its first second. Lateness is counted from the
// last second that was on time.
//
// Source: PROCEDURES.md P19-A3; PACK-SKETCH.md 2.4 (CLOCK_LATE).
func (m *machine) period(n int) (time.Time, error) {
	base := m.c.GetBreachTime().AsTime().Add(-time.Second)
	if !m.c.GetEachStarted() {
		return m.cal.Period(base, m.each, n)
	}
	at, err := m.cal.Period(base, m.each, n-1)
	return at.Add(time.Second), err
}

// run does what falls on every instant until the one given, at most so many of
// them. Nobody needs a warning about something already done, so an act that ends
// the clock runs with quiet set.
func (m *machine) run(until time.Time, most int, quiet bool) error {
	for range most {
		at, firing, err := m.next()
		if err != nil {
			return err
		}
		if firing == clockv1.Clock_FIRING_UNSPECIFIED || at.After(until) {
			return nil
		}
		switch firing {
		case clockv1.Clock_FIRING_WARNING:
			m.c.Warned++
			if !quiet {
				m.tell(clockv1.ClockChanged_KIND_WARNED)
			}
		case clockv1.Clock_FIRING_BREACH:
			m.breach(at)
		case clockv1.Clock_FIRING_REPEAT:
			m.c.Late++
			m.tell(clockv1.ClockChanged_KIND_LATE)
		}
	}
	return nil
}

func (m *machine) breach(at time.Time) {
	m.c.State = clockv1.Clock_STATE_BREACHED
	m.c.BreachTime = timestamppb.New(at)
	m.tell(clockv1.ClockChanged_KIND_BREACHED)
}

func (m *machine) withdraw() {
	m.c.State = clockv1.Clock_STATE_RUNNING
	m.c.BreachTime = nil
	m.c.Late = 0
	m.tell(clockv1.ClockChanged_KIND_BREACH_WITHDRAWN)
}

// settle brings a running or breached clock to an instant, forwards or back: what
// should have fired by then has, and a breach that came later is withdrawn.
func (m *machine) settle(at time.Time, quiet bool) error {
	if m.c.GetState() == clockv1.Clock_STATE_BREACHED {
		if at.Before(m.c.GetBreachTime().AsTime()) {
			// The term in force at that instant had not run out, even if the present
			// one, of a later regrading, would have.
			m.withdraw()
			return nil
		}
		if err := m.trim(at); err != nil {
			return err
		}
	}
	return m.run(at, unbounded, quiet)
}

// trim forgets periods late that had not passed at the instant.
func (m *machine) trim(at time.Time) error {
	for m.c.GetLate() > 0 && !m.each.IsZero() {
		counts, err := m.period(int(m.c.GetLate()))
		if err != nil {
			return err
		}
		if !counts.After(at) {
			return nil
		}
		m.c.Late--
	}
	return nil
}

// moved sets a new due instant as of an instant; warnings that lie before that
// one are passed over.
func (m *machine) moved(due calendar.Due, at time.Time) {
	m.c.DueTime = timestamppb.New(due.Time)
	m.c.Provisional = due.Provisional
	m.c.Warned = 0
	for _, w := range m.c.GetWarnings() {
		if due.Time.Add(-w.AsDuration()).After(at) {
			break
		}
		m.c.Warned++
	}
}

// latest returns the latest instant that the clock has taken in.
func (m *machine) latest() time.Time {
	out := m.c.GetStartTime().AsTime()
	for _, p := range m.c.GetPauses() {
		for _, t := range []*timestamppb.Timestamp{p.GetStartTime(), p.GetEndTime()} {
			if t != nil && t.AsTime().After(out) {
				out = t.AsTime()
			}
		}
	}
	for _, e := range m.c.GetExtensions() {
		if g := e.GetGrantTime().AsTime(); g.After(out) {
			out = g
		}
	}
	return out
}

// Bounds of one call: a timer that comes years late works in portions, an act
// counts every period at once.
const (
	portion   = 64
	unbounded = 1 << 30
)

// second truncates an instant: acts are compared by the whole second.
func second(t time.Time) time.Time { return time.Unix(t.Unix(), 0).UTC() }
