package calendar

import (
	"time"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	"example.com/redress/services/kit/fault"
)

// Due is the last instant that is still on time.
type Due struct {
	// Time is in UTC and whole seconds.
	Time time.Time
	// Provisional tells that a date was counted whose year has not been announced:
	// it followed the plain week and may move.
	Provisional bool
}

// Due returns when a limit that starts at an instant falls due.
//
// The start is truncated to the second. Minutes and hours run round the clock;
// days, weeks and months do not count the start date and end at 23:59:59 local
// time; working days do not count it either and end at closing (a date open until
// 24:00 ends at 23:59:59); working time accrues within opening hours and ends
// where the last second of it does, so that nine hours from Monday's opening end
// at Monday's closing and not at Tuesday's opening.
//
// It fails with CALENDAR_YEAR_NOT_COVERED, CALENDAR_WITHOUT_HOURS and, for
// "as planned", "always" and the zero Limit, LIMIT_NOT_COMPUTABLE.
//
// Source: PROCEDURES.md K2 to K6.
func (c *Calendar) Due(start time.Time, l Limit) (Due, error) {
	return c.due(start, l, nil)
}

// due is Due that also reports, in order and without a gap, every stretch of time
// from the start to the due instant to note, if it is given.
func (c *Calendar) due(start time.Time, l Limit, note func(stretch)) (Due, error) {
	start = second(start)
	if note == nil {
		note = func(stretch) {}
	}
	switch l.Basis {
	case clockv1.Clock_BASIS_ELAPSED:
		end := start.Add(l.Duration)
		note(stretch{kind: counted, from: start, to: end, says: saying{limit: l}})
		return Due{Time: end}, nil
	case clockv1.Clock_BASIS_CALENDAR_DAYS:
		return Due{Time: c.calendarDays(start, l, note)}, nil
	case clockv1.Clock_BASIS_WORKING_DAYS:
		return c.workingDays(start, l, note)
	case clockv1.Clock_BASIS_WORKING_TIME:
		if c.standard < 0 {
			return Due{}, fault.New(fault.FailedPrecondition, ReasonNoHours, "limit", l.String())
		}
		return c.workingTime(start, c.length(l), note)
	}
	return Due{}, fault.New(fault.Invalid, ReasonNotComputable, "limit", l.String())
}

// length returns how much working time a limit of that basis is.
func (c *Calendar) length(l Limit) time.Duration {
	if l.Unit == HalfWorkingDay {
		return c.Daily() / 2
	}
	return l.Duration
}

func (c *Calendar) calendarDays(start time.Time, l Limit, note func(stretch)) time.Time {
	from := c.Date(start)
	to := from
	switch l.Unit {
	case Weeks:
		to += Date(7 * l.N)
	case Months:
		to = from.AddMonths(l.N)
	default:
		to += Date(l.N)
	}
	end := c.End(to)
	if to == from {
		note(stretch{kind: counted, from: start, to: end.Add(time.Second), says: saying{date: from, dated: true, text: "start date"}})
		return end
	}
	note(stretch{kind: skipped, from: start, to: c.Start(from + 1), says: saying{date: from, dated: true, text: "start date"}})
	note(stretch{kind: counted, from: c.Start(from + 1), to: end.Add(time.Second), says: saying{limit: l, date: to, dated: true}})
	return end
}

func (c *Calendar) workingDays(start time.Time, l Limit, note func(stretch)) (Due, error) {
	if c.standard < 0 {
		return Due{}, fault.New(fault.FailedPrecondition, ReasonNoHours, "limit", l.String())
	}
	date := c.Date(start)
	note(stretch{kind: skipped, from: start, to: c.Start(date + 1), says: saying{date: date, dated: true, text: "start date"}})
	due := Due{}
	for left := l.N; left > 0; {
		date++
		d, err := c.day(date)
		if err != nil {
			return Due{}, err
		}
		due.Provisional = due.Provisional || !d.known
		s := stretch{from: c.Start(date), to: c.Start(date + 1), says: saying{date: date, dated: true}, kind: skipped}
		switch {
		case d.holiday != "":
			s.kind, s.says.text = holiday, d.holiday
		case len(d.spans) > 0:
			left--
			s.kind = counted
			if d.exchanged {
				s.kind, s.says.text = exchanged, "exchanged working day"
			}
			due.Time = c.closing(date, d)
			if left == 0 {
				s.to = due.Time.Add(time.Second)
			}
		}
		note(s)
	}
	return due, nil
}

// closing returns when a working date closes: the last second of the date where
// it is open until midnight.
func (c *Calendar) closing(date Date, d day) time.Time {
	to := d.spans[len(d.spans)-1].to
	if to == secondsOfDay {
		return c.End(date)
	}
	return instant(date, to, c.loc, last)
}

func (c *Calendar) workingTime(start time.Time, target time.Duration, note func(stretch)) (Due, error) {
	due := Due{Time: start}
	at := start // everything before it has been told
	for date := c.Date(start); target > 0; date++ {
		d, err := c.day(date)
		if err != nil {
			return Due{}, err
		}
		due.Provisional = due.Provisional || !d.known
		if d.holiday != "" {
			begin, end := c.Start(date), c.Start(date+1)
			if begin.After(at) {
				note(stretch{kind: skipped, from: at, to: begin, says: saying{text: "outside working hours"}})
				at = begin
			}
			note(stretch{kind: holiday, from: at, to: end, says: saying{date: date, dated: true, text: d.holiday}})
			at = end
			continue
		}
		kind, says := d.counts(date)
		for _, s := range d.spans {
			from, to := c.bounds(date, s)
			if !to.After(at) || target == 0 {
				continue
			}
			if from.After(at) {
				note(stretch{kind: skipped, from: at, to: from, says: saying{text: "outside working hours"}})
				at = from
			}
			if to.Sub(at) > target {
				to = at.Add(target)
			}
			note(stretch{kind: kind, from: at, to: to, says: says})
			target -= to.Sub(at)
			at = to
		}
	}
	due.Time = at
	return due, nil
}

// bounds returns the instants of a span on a date. Where the zone's offset
// changes, an opening that happens twice is the first and a closing the second.
func (c *Calendar) bounds(date Date, s span) (from, to time.Time) {
	from = instant(date, s.from, c.loc, first)
	if s.to == secondsOfDay {
		return from, c.Start(date + 1)
	}
	return from, instant(date, s.to, c.loc, last)
}

// At returns the instant of a date at the hour at which a clock of that basis
// falls due: closing for working units (that of the standard day on a date that
// is not worked), 23:59:59 for all others.
//
// Source: PACK-SKETCH.md 2.2 (Extension); SCENARIOS.md P17-S5.
func (c *Calendar) At(date Date, basis clockv1.Clock_Basis) (time.Time, error) {
	if !(Limit{Basis: basis}).Working() || c.standard < 0 {
		return c.End(date), nil
	}
	d, err := c.day(date)
	if err != nil {
		return time.Time{}, err
	}
	if len(d.spans) == 0 {
		d.spans = c.week[c.standard]
	}
	return c.closing(date, d), nil
}

// IsWorking tells whether a date is worked; known is false where its year has not
// been announced and the plain week answered.
func (c *Calendar) IsWorking(date Date) (working, known bool, err error) {
	d, err := c.day(date)
	return len(d.spans) > 0, d.known, err
}

// second truncates an instant to the second, in UTC.
func second(t time.Time) time.Time { return time.Unix(t.Unix(), 0).UTC() }
