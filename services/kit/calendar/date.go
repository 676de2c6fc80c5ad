package calendar

import (
	"fmt"
	"time"
)

// Date is a calendar date without a zone, counted in days from 1970-01-01, so
// that dates compare and add like numbers.
type Date int

// NewDate returns the date of a year, month and day; values out of range carry
// over as in time.Date.
func NewDate(year int, month time.Month, day int) Date {
	return Date(floorDiv(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix(), secondsOfDay))
}

// ParseDate reads "2026-03-02".
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return 0, fmt.Errorf("date %q: write it as 2026-03-02", s)
	}
	return Date(floorDiv(t.Unix(), secondsOfDay)), nil
}

// secondsOfDay is the length of a date that has no change of its zone's offset.
const secondsOfDay = 24 * 60 * 60

// String returns the date as "2026-03-02".
func (d Date) String() string { return d.midnightUTC().Format(time.DateOnly) }

// Year returns the year of the date.
func (d Date) Year() int { return d.midnightUTC().Year() }

// Weekday returns the day of the week.
func (d Date) Weekday() time.Weekday { return time.Weekday(((int(d)+4)%7 + 7) % 7) }

// AddMonths returns the same day number n months later, or the last day of that
// month where it has no such day.
//
// Source: PROCEDURES.md K3.
func (d Date) AddMonths(n int) Date {
	y, m, day := d.midnightUTC().Date()
	first := NewDate(y, m+time.Month(n), 1)
	last := NewDate(y, m+time.Month(n)+1, 1) - 1
	return min(first+Date(day-1), last)
}

func (d Date) midnightUTC() time.Time { return time.Unix(int64(d)*secondsOfDay, 0).UTC() }

// dateOf returns the date that the instant has in the zone.
func dateOf(t time.Time, loc *time.Location) Date {
	_, offset := t.In(loc).Zone()
	return Date(floorDiv(t.Unix()+int64(offset), secondsOfDay))
}

// edge says which of two instants is meant where a local time happens twice.
type edge int

const (
	first edge = iota // openings and midnights: the earlier one
	last              // closings and ends of dates: the later one
)

// instant returns when the local time, seconds after midnight of the date,
// comes. A local time that a change of the zone's offset skips is the instant of
// that change; one that happens twice is the one that the edge names.
func instant(d Date, seconds int, loc *time.Location, e edge) time.Time {
	wall := int64(d)*secondsOfDay + int64(seconds)
	// A change within a day of the local time shows in the offsets on both sides.
	before := offsetAt(wall-secondsOfDay, loc)
	after := offsetAt(wall+secondsOfDay, loc)
	early, late := wall-max(before, after), wall-min(before, after)
	earlyFits := early+offsetAt(early, loc) == wall
	lateFits := late+offsetAt(late, loc) == wall
	switch {
	case earlyFits && (e == first || !lateFits):
		return time.Unix(early, 0).UTC()
	case lateFits:
		return time.Unix(late, 0).UTC()
	}
	_, change := time.Unix(early, 0).In(loc).ZoneBounds()
	return change.UTC()
}

func offsetAt(unix int64, loc *time.Location) int64 {
	_, offset := time.Unix(unix, 0).In(loc).Zone()
	return int64(offset)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
