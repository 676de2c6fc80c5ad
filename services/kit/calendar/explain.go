package calendar

import (
	"strings"
	"time"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
)

// Interval is a stretch of time on the way to a due instant. Intervals follow
// each other without a gap.
type Interval struct {
	// Kind says whether and why it counts.
	Kind clockv1.Interval_Kind
	// Start is its first instant, End the instant after its last.
	Start, End time.Time
	// Note names the date, the holiday or the reason.
	Note string
}

// stretch is an Interval while it is being computed.
type stretch struct {
	kind     clockv1.Interval_Kind
	from, to time.Time
	says     saying
}

// saying is what a stretch says. Due has nobody to say it to, so that only who notes a stretch puts the
// words together: the limit, the date and the text, as far as they are given.
type saying struct {
	limit Limit
	date  Date
	dated bool // date is given
	text  string
}

// String returns "10 days, until 2026-05-08", "2026-05-01 Labour Day", "outside working hours".
func (s saying) String() string {
	out := s.text
	if s.dated {
		out = strings.TrimSuffix(s.date.String()+" "+out, " ")
	}
	if s.limit.IsZero() {
		return out
	}
	if out != "" {
		out = ", until " + out
	}
	return s.limit.String() + out
}

// counts returns how a working date counts, and what says so.
func (d day) counts(date Date) (clockv1.Interval_Kind, saying) {
	if d.exchanged {
		return exchanged, saying{date: date, dated: true, text: "exchanged working day"}
	}
	return counted, saying{date: date, dated: true}
}

const (
	counted   = clockv1.Interval_KIND_COUNTED
	skipped   = clockv1.Interval_KIND_NOT_COUNTED
	holiday   = clockv1.Interval_KIND_HOLIDAY
	exchanged = clockv1.Interval_KIND_EXCHANGED_WORKING_DAY
)

// Explain returns what Due counted and what it left out, from the start to the
// due instant, in order and without a gap.
//
// For elapsed and working time the lengths of what is counted add up to the
// limit, and the last interval ends at the due instant. For calendar dates one
// interval holds all that is counted; for working days there is one for each date;
// both end a second after the due instant, which is the last of its date to count.
//
// It fails like Due.
func (c *Calendar) Explain(start time.Time, l Limit) ([]Interval, error) {
	var out []Interval
	_, err := c.due(start, l, func(s stretch) { out = grow(out, s) })
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Classify tells of every stretch between two instants whether a limit of that
// basis counts it, in order and without a gap: by the hour for working time, by
// the date for working days and calendar days, as one stretch for the others.
// Dates are whole but for the first and the last.
//
// It fails with CALENDAR_YEAR_NOT_COVERED.
func (c *Calendar) Classify(from, to time.Time, basis clockv1.Clock_Basis) ([]Interval, error) {
	from, to = second(from), second(to)
	var out []Interval
	if !(Limit{Basis: basis}).Working() {
		return grow(out, stretch{kind: counted, from: from, to: to}), nil
	}
	for date := c.Date(from); from.Before(to); date++ {
		d, err := c.day(date)
		if err != nil {
			return nil, err
		}
		end := earlier(c.Start(date+1), to)
		kind, says := d.counts(date)
		switch {
		case d.holiday != "":
			out = grow(out, stretch{kind: holiday, from: from, to: end, says: saying{date: date, dated: true, text: d.holiday}})
		case len(d.spans) == 0:
			out = grow(out, stretch{kind: skipped, from: from, to: end, says: saying{text: "no working day"}})
		case basis == clockv1.Clock_BASIS_WORKING_DAYS:
			out = grow(out, stretch{kind: kind, from: from, to: end, says: says})
		default:
			at := from
			for _, s := range d.spans {
				open, closed := c.bounds(date, s)
				open, closed = later(open, at), earlier(closed, end)
				if closed.After(open) {
					out = grow(out, stretch{kind: skipped, from: at, to: open, says: saying{text: "outside working hours"}})
					out = grow(out, stretch{kind: kind, from: open, to: closed, says: says})
					at = closed
				}
			}
			out = grow(out, stretch{kind: skipped, from: at, to: end, says: saying{text: "outside working hours"}})
		}
		from = end
	}
	return out, nil
}

// grow appends a stretch, or lengthens the last interval if the two tell the same.
func grow(out []Interval, s stretch) []Interval {
	if !s.to.After(s.from) {
		return out
	}
	said := s.says.String()
	if n := len(out); n > 0 && out[n-1].Kind == s.kind && out[n-1].Note == said && out[n-1].End.Equal(s.from) {
		out[n-1].End = s.to
		return out
	}
	return append(out, Interval{Kind: s.kind, Start: s.from, End: s.to, Note: said})
}
