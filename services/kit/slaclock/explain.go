package slaclock

import (
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	"example.com/redress/services/kit/calendar"
	"example.com/redress/services/kit/fault"
)

// Explain tells how due_time came about: every stretch from start_time on, in
// order and without a gap, with its kind and the date, holiday or reason. The
// stretches counted add up to the limit: by length for elapsed and working time,
// by date (one interval a date) for working days and calendar days. What an
// extension added follows as KIND_EXTENDED. The last interval ends at due_time,
// or one second after it where whole dates are counted. A pause that still lasts
// stands at the end, without an end of its own: it has not moved anything yet.
//
// A clock that is never due has no intervals. It fails with
// CLOCK_CALENDAR_DIFFERS if the calendar given is not the one the clock names.
func Explain(cal *calendar.Calendar, c *clockv1.Clock) ([]*clockv1.Interval, error) {
	if c.GetDueTime() == nil {
		return nil, nil
	}
	if cal.ID() != c.GetCalendar() || cal.Zone() != c.GetTimeZone() || !slices.Equal(cal.Open(), c.GetOpen()) {
		return nil, fault.New(fault.FailedPrecondition, ReasonCalendarDiffers, "clock", c.GetName(), "recorded", c.GetCalendar(), "given", cal.ID())
	}
	x := &explanation{cal: cal, c: c, start: c.GetStartTime().AsTime(), due: c.GetDueTime().AsTime()}
	var err error
	switch c.GetBasis() {
	case clockv1.Clock_BASIS_CALENDAR_DAYS, clockv1.Clock_BASIS_WORKING_DAYS:
		err = x.byDate()
	case clockv1.Clock_BASIS_FIXED:
		left := x.due.Sub(x.start)
		for _, p := range x.pauses() {
			left -= p.to.Sub(p.from)
		}
		if e := c.GetExtensions(); len(e) > 0 {
			left = e[0].GetPreviousDueTime().AsTime().Sub(x.start)
		}
		err = x.byTime(left)
	default:
		var limit calendar.Limit
		if limit, err = calendar.ParseLimit(c.GetLimit()); err == nil {
			left := limit.Duration
			if limit.Unit == calendar.HalfWorkingDay {
				left = cal.Daily() / 2
			}
			err = x.byTime(left)
		}
	}
	if err != nil {
		return nil, err
	}
	if n := len(c.GetPauses()); n > 0 && c.GetPauses()[n-1].GetEndTime() == nil {
		open := c.GetPauses()[n-1]
		x.out = append(x.out, &clockv1.Interval{Kind: clockv1.Interval_KIND_PAUSED, StartTime: open.GetStartTime(), Note: open.GetReason()})
	}
	return x.out, nil
}

type explanation struct {
	cal        *calendar.Calendar
	c          *clockv1.Clock
	start, due time.Time
	out        []*clockv1.Interval
}

type stop struct {
	from, to time.Time
	reason   string
}

// pauses returns the pauses that have ended, in order, as far as they lie before
// the due instant.
func (x *explanation) pauses() []stop {
	var out []stop
	for _, p := range x.c.GetPauses() {
		if p.GetEndTime() == nil || p.GetStartTime().AsTime().After(x.due) {
			continue
		}
		s := stop{from: p.GetStartTime().AsTime(), to: p.GetEndTime().AsTime(), reason: p.GetReason()}
		if s.to.After(x.due) {
			s.to = x.due
		}
		out = append(out, s)
	}
	return out
}

func (x *explanation) add(kind clockv1.Interval_Kind, from, to time.Time, note string) {
	if !to.After(from) {
		return
	}
	if n := len(x.out); n > 0 && x.out[n-1].GetKind() == kind && x.out[n-1].GetNote() == note && x.out[n-1].GetEndTime().AsTime().Equal(from) {
		x.out[n-1].EndTime = timestamppb.New(to)
		return
	}
	x.out = append(x.out, &clockv1.Interval{Kind: kind, StartTime: timestamppb.New(from), EndTime: timestamppb.New(to), Note: note})
}

// byTime explains limits that are lengths: left is how much has to be counted.
func (x *explanation) byTime(left time.Duration) error {
	at := x.start
	for _, p := range append(x.pauses(), stop{from: x.due, to: x.due}) {
		intervals, err := x.cal.Classify(at, p.from, x.c.GetBasis())
		if err != nil {
			return err
		}
		for _, i := range intervals {
			if !counts(i.Kind) {
				x.add(i.Kind, i.Start, i.End, i.Note)
				continue
			}
			if i.Note == "" {
				i.Note = x.c.GetLimit()
			}
			part := min(left, i.End.Sub(i.Start))
			x.add(i.Kind, i.Start, i.Start.Add(part), i.Note)
			x.add(clockv1.Interval_KIND_EXTENDED, i.Start.Add(part), i.End, x.extended())
			left -= part
		}
		x.add(clockv1.Interval_KIND_PAUSED, p.from, p.to, p.reason)
		at = p.to
	}
	return nil
}

// byDate explains limits that are dates: a pause stands for the dates after the
// one on which it began, up to the one on which it ended.
func (x *explanation) byDate() error {
	limit, err := calendar.ParseLimit(x.c.GetLimit())
	if err != nil {
		return err
	}
	date, last, end := x.cal.Date(x.start), x.cal.Date(x.due), x.due.Add(time.Second)
	left := limit.N
	if x.c.GetBasis() == clockv1.Clock_BASIS_CALENDAR_DAYS {
		due, err := x.cal.Due(x.start, limit)
		if err != nil {
			return err
		}
		left = int(x.cal.Date(due.Time) - date)
	}
	kind, to := clockv1.Interval_KIND_NOT_COUNTED, x.cal.Start(date+1)
	if left == 0 { // same day
		kind = clockv1.Interval_KIND_COUNTED
	}
	if date == last {
		to = end
	}
	x.add(kind, x.start, to, date.String()+" start date")
	for date++; date <= last; date++ {
		from, to := x.cal.Start(date), x.cal.Start(date+1)
		if date == last {
			to = end
		}
		if reason, paused := x.pausedOn(date); paused {
			x.add(clockv1.Interval_KIND_PAUSED, from, to, reason)
			continue
		}
		intervals, err := x.cal.Classify(from, to, x.c.GetBasis())
		if err != nil {
			return err
		}
		i := intervals[0]
		if i.Note == "" {
			i.Note = date.String()
		}
		switch {
		case !counts(i.Kind):
		case left > 0:
			left--
		case len(x.c.GetExtensions()) > 0:
			i.Kind, i.Note = clockv1.Interval_KIND_EXTENDED, x.extended()
		default:
			// Paused on the due date until after closing: the next closing is due.
			i.Kind, i.Note = clockv1.Interval_KIND_PAUSED, date.String()+" next closing after the pause"
		}
		x.add(i.Kind, from, to, i.Note)
	}
	return nil
}

func (x *explanation) pausedOn(date calendar.Date) (reason string, paused bool) {
	for _, p := range x.c.GetPauses() {
		if p.GetEndTime() == nil {
			continue
		}
		if date > x.cal.Date(p.GetStartTime().AsTime()) && date <= x.cal.Date(p.GetEndTime().AsTime()) {
			return p.GetReason(), true
		}
	}
	return "", false
}

// extended is the reason of the last extension.
func (x *explanation) extended() string {
	if e := x.c.GetExtensions(); len(e) > 0 {
		return e[len(e)-1].GetReason()
	}
	return ""
}

func counts(k clockv1.Interval_Kind) bool {
	return k == clockv1.Interval_KIND_COUNTED || k == clockv1.Interval_KIND_EXCHANGED_WORKING_DAY
}
