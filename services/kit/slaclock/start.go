package slaclock

import (
	"cmp"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/calendar"
	"example.com/redress/services/kit/fault"
)

// Term is how long a clock runs: a limit that is computed, or an instant that
// somebody planned, marked or promised. With neither (or "always") the duty is
// prompt without a figure: tracked, never due.
//
// Source: PROCEDURES.md K9.
type Term struct {
	// Limit as the pack writes it.
	Limit calendar.Limit
	// Until, if set, is the due instant itself and rules over Limit; whole seconds.
	// Calendar.At turns a date into one.
	Until time.Time
}

// Spec is what a clock is started from.
type Spec struct {
	// Name of the resource, for example "cases/{case}/clocks/{clock}".
	Name string
	// Subject owes; Complaint is what it belongs to.
	Subject, Complaint string
	// Kind is the clock's id in the pack.
	Kind string
	// Rule is quoted wherever the clock shows.
	Rule *typev1.RuleRef
	// PolicyRevision the clock is started under.
	PolicyRevision string
	// Start is when it begins to count: the occur time of its cause.
	Start time.Time
	// Term is how long it runs.
	Term Term
	// OwedBy names roles or people as the pack writes them.
	OwedBy []string
	// Warnings are elapsed times before the due instant, in any order.
	Warnings []time.Duration
	// Each is the length of a period late; zero if lateness is not counted.
	Each calendar.Limit
	// EachStarted counts periods begun instead of periods complete.
	EachStarted bool
	// Round of the case, from 1.
	Round int32
	// Objective marks a clock that is reported and not pursued.
	Objective bool
}

// Start returns a clock that counts, generation 1, and KIND_STARTED. Warnings that
// would come at the start or before it are passed over. A planned instant that
// lies before the start breaches at the start.
//
// It fails like Calendar.Due, and with CLOCK_SPEC_INVALID for a warning that is
// not positive or a period that has no length.
func Start(cal *calendar.Calendar, s Spec) (*clockv1.Clock, []*clockv1.ClockChanged, error) {
	start := second(s.Start)
	c := &clockv1.Clock{
		Name: s.Name, Subject: s.Subject, Complaint: s.Complaint, Kind: s.Kind,
		PolicyRevision: s.PolicyRevision, State: clockv1.Clock_STATE_RUNNING, StartTime: timestamppb.New(start),
		OwedBy: slices.Clone(s.OwedBy), Each: s.Each.String(), EachStarted: s.EachStarted,
		Round: s.Round, Objective: s.Objective,
	}
	if s.Rule != nil {
		c.Rule = proto.Clone(s.Rule).(*typev1.RuleRef)
	}
	if !s.Each.IsZero() && (!s.Each.Computable() || s.Each.String() == "same day") {
		return nil, nil, fault.New(fault.Internal, ReasonSpecInvalid, "clock", s.Name, "field", "each")
	}
	warnings := slices.Clone(s.Warnings)
	slices.SortFunc(warnings, func(a, b time.Duration) int { return cmp.Compare(b, a) })
	for _, w := range slices.Compact(warnings) {
		if w < time.Second {
			return nil, nil, fault.New(fault.Internal, ReasonSpecInvalid, "clock", s.Name, "field", "warn")
		}
		c.Warnings = append(c.Warnings, durationpb.New(w.Truncate(time.Second)))
	}
	m := &machine{cal: cal, c: c, each: s.Each}
	m.tell(clockv1.ClockChanged_KIND_STARTED)
	if err := m.set(s.Term, start); err != nil {
		return nil, nil, err
	}
	if due := c.GetDueTime(); due != nil && due.AsTime().Before(start) {
		m.breach(start)
	}
	return m.done()
}

// set computes the due instant of a term from the clock's start, as of an instant.
func (m *machine) set(t Term, at time.Time) error {
	c := m.c
	c.Limit, c.Basis = t.Limit.String(), t.Limit.Basis
	c.Calendar, c.TimeZone, c.Open = m.cal.ID(), m.cal.Zone(), m.cal.Open()
	switch {
	case !t.Until.IsZero():
		c.Basis = clockv1.Clock_BASIS_FIXED
		if c.Limit == "" {
			c.Limit = "as planned"
		}
		m.moved(calendar.Due{Time: second(t.Until)}, at)
	case t.Limit.Computable():
		due, err := m.cal.Due(c.GetStartTime().AsTime(), t.Limit)
		if err != nil {
			return err
		}
		for _, p := range c.GetPauses() {
			if p.GetEndTime() == nil {
				break
			}
			if due, err = m.stood(due, p); err != nil {
				return err
			}
		}
		m.moved(due, at)
	default:
		c.DueTime, c.Provisional = nil, false
		c.Warned = int32(len(c.GetWarnings()))
	}
	return nil
}

// stood moves a due instant by a pause that began before it; a later pause moves nothing.
func (m *machine) stood(due calendar.Due, p *clockv1.Pause) (calendar.Due, error) {
	from, to := p.GetStartTime().AsTime(), p.GetEndTime().AsTime()
	if from.After(due.Time) {
		return due, nil
	}
	moved, err := m.cal.Moved(due.Time, from, to, m.c.GetBasis())
	moved.Provisional = moved.Provisional || due.Provisional
	return moved, err
}
