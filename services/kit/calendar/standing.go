package calendar

import (
	"time"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	"example.com/redress/services/kit/fault"
)

// Worked returns how much working time lies between two instants, each truncated
// to the second; 0 if to is not after from.
//
// It fails with CALENDAR_YEAR_NOT_COVERED; dates of a year not announced follow
// the plain week.
func (c *Calendar) Worked(from, to time.Time) (time.Duration, error) {
	from, to = second(from), second(to)
	var total time.Duration
	if !to.After(from) || c.standard < 0 {
		return 0, nil
	}
	for date := c.Date(from); date <= c.Date(to); date++ {
		d, err := c.day(date)
		if err != nil {
			return 0, err
		}
		for _, s := range d.spans {
			a, b := c.bounds(date, s)
			a, b = later(a, from), earlier(b, to)
			if b.After(a) {
				total += b.Sub(a)
			}
		}
	}
	return total, nil
}

// Moved returns the due instant of a clock that stood still from one instant to
// another: due moves by the standing time on the clock's own basis.
//
// Elapsed and planned limits move by the seconds. Calendar days move by the
// midnights passed. Working days move by the working dates begun, and to the next
// closing where the clock would otherwise fall due before it counts again. Working
// time keeps what was left of it: what the clock still had to run at from, it has
// to run at to.
//
// due must not be before from. Provisional speaks of the dates counted anew only.
//
// Source: clock.proto ResumeClock; no procedure has a pause, so the reading is ours.
func (c *Calendar) Moved(due, from, to time.Time, basis clockv1.Clock_Basis) (Due, error) {
	due, from, to = second(due), second(from), second(to)
	if !to.After(from) {
		return Due{Time: due}, nil
	}
	switch basis {
	case clockv1.Clock_BASIS_ELAPSED, clockv1.Clock_BASIS_FIXED:
		return Due{Time: due.Add(to.Sub(from))}, nil
	case clockv1.Clock_BASIS_CALENDAR_DAYS:
		return Due{Time: c.End(c.Date(due) + c.Date(to) - c.Date(from))}, nil
	case clockv1.Clock_BASIS_WORKING_DAYS:
		return c.movedByDates(due, from, to)
	case clockv1.Clock_BASIS_WORKING_TIME:
		left, err := c.Worked(from, due)
		if err != nil {
			return Due{}, err
		}
		return c.workingTime(to, left, func(stretch) {})
	}
	return Due{}, fault.New(fault.Invalid, ReasonNotComputable, "limit", basis.String())
}

func (c *Calendar) movedByDates(due, from, to time.Time) (Due, error) {
	stood := 0
	for date := c.Date(from) + 1; date <= c.Date(to); date++ {
		working, _, err := c.IsWorking(date)
		if err != nil {
			return Due{}, err
		}
		if working {
			stood++
		}
	}
	moved := Due{Time: due}
	if stood > 0 {
		var err error
		moved, err = c.Due(due, Limit{Basis: clockv1.Clock_BASIS_WORKING_DAYS, N: stood, Unit: WorkingDays})
		if err != nil {
			return Due{}, err
		}
	}
	if !moved.Time.Before(to) {
		return moved, nil
	}
	return c.nextClosing(to)
}

// nextClosing returns the first closing at or after an instant.
func (c *Calendar) nextClosing(at time.Time) (Due, error) {
	if c.standard < 0 {
		return Due{}, fault.New(fault.FailedPrecondition, ReasonNoHours, "limit", "working days")
	}
	var out Due
	for date := c.Date(at); ; date++ {
		d, err := c.day(date)
		if err != nil {
			return Due{}, err
		}
		out.Provisional = out.Provisional || !d.known
		if len(d.spans) > 0 {
			if out.Time = c.closing(date, d); !out.Time.Before(at) {
				return out, nil
			}
		}
	}
}

// Period returns when the nth period of a length after an instant is complete.
// Days are 24 hours and weeks seven of them, months keep day number and hour
// (clamped to the month's end), working units are counted by the calendar.
//
// It fails like Due.
//
// Source: PROCEDURES.md P19-A3.
func (c *Calendar) Period(from time.Time, each Limit, n int) (time.Time, error) {
	from = second(from)
	if n <= 0 {
		return from, nil
	}
	if span, ok := each.Span(); ok {
		return from.Add(time.Duration(n) * span), nil
	}
	if each.Unit == Months {
		date := c.Date(from)
		local := from.In(c.loc)
		seconds := local.Hour()*3600 + local.Minute()*60 + local.Second()
		return instant(date.AddMonths(n*each.N), seconds, c.loc, last), nil
	}
	if each.Unit == HalfWorkingDay {
		each = Limit{Basis: each.Basis, Unit: WorkingMinutes, Duration: c.Daily() / 2}
	}
	each.N *= n
	each.Duration *= time.Duration(n)
	due, err := c.Due(from, each)
	return due.Time, err
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
