package calendar

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
)

// Unit is what the figure of a limit counts.
type Unit int

// Units of a limit; the unit decides the basis.
const (
	UnitNone       Unit = iota // zero value: no limit
	Seconds                    // "30 s", elapsed; for demonstrations in real time
	Minutes                    // "30 min", elapsed
	Hours                      // "24 h", elapsed
	Days                       // "10 days" and "same day", calendar dates
	Weeks                      // "1 week", calendar dates
	Months                     // "7 months", calendar dates
	WorkingDays                // "3 working days", working dates
	WorkingMinutes             // "90 working min", time within opening hours
	WorkingHours               // "4 working h", time within opening hours
	HalfWorkingDay             // "half a working day", time within opening hours
	Planned                    // "as planned": somebody names the date
	Unbounded                  // "always": no bound
)

// Limit is how long something may take, as a pack writes it. The zero Limit
// means that nothing was written. Limits are comparable with ==.
type Limit struct {
	// Basis is how it is counted; UNSPECIFIED for "always" and the zero Limit.
	Basis clockv1.Clock_Basis
	// N is the figure: seconds, minutes, hours, days, weeks, months or working days; 0 for
	// "same day", 1 for "half a working day".
	N int
	// Unit is what N counts.
	Unit Unit
	// Duration is the length of seconds, minutes and hours, elapsed or working; 0 otherwise.
	Duration time.Duration
}

// LimitError says that a text is not a limit, and what to write instead.
type LimitError struct {
	// Text is what was written.
	Text string
	// Advice is a sentence in the imperative, for example `write "24 h"`.
	Advice string
}

// Error returns text and advice in one sentence.
func (e *LimitError) Error() string {
	return fmt.Sprintf("limit %q is not a limit; %s", e.Text, e.Advice)
}

// maxYears bounds a limit, so that a slip of the pen (a day typed in minutes,
// say) is found and no computation walks for ever.
const maxYears = 10

type unitWord struct {
	one, many string
	unit      Unit
	basis     clockv1.Clock_Basis
	length    time.Duration // of one; 0 where the calendar decides
	max       int           // most that ten years hold
}

func unitWords() []unitWord {
	return []unitWord{
		{"s", "s", Seconds, clockv1.Clock_BASIS_ELAPSED, time.Second, maxYears * 366 * 24 * 3600},
		{"min", "min", Minutes, clockv1.Clock_BASIS_ELAPSED, time.Minute, maxYears * 366 * 24 * 60},
		{"h", "h", Hours, clockv1.Clock_BASIS_ELAPSED, time.Hour, maxYears * 366 * 24},
		{"day", "days", Days, clockv1.Clock_BASIS_CALENDAR_DAYS, 0, maxYears * 366},
		{"week", "weeks", Weeks, clockv1.Clock_BASIS_CALENDAR_DAYS, 0, maxYears * 52},
		{"month", "months", Months, clockv1.Clock_BASIS_CALENDAR_DAYS, 0, maxYears * 12},
		{"working day", "working days", WorkingDays, clockv1.Clock_BASIS_WORKING_DAYS, 0, maxYears * 261},
		{"working min", "working min", WorkingMinutes, clockv1.Clock_BASIS_WORKING_TIME, time.Minute, maxYears * 261 * 9 * 60},
		{"working h", "working h", WorkingHours, clockv1.Clock_BASIS_WORKING_TIME, time.Hour, maxYears * 261 * 9},
	}
}

// ParseLimit reads a limit: "30 s", "30 min", "24 h" (elapsed); "10 days", "1 week",
// "7 months", "same day" (calendar dates, due at 23:59:59); "3 working days"
// (working dates, due at closing); "4 working h", "90 working min", "half a
// working day" (time within opening hours); "as planned"; "always".
//
// The spelling is exact, so that Limit.String gives back what was read. The error
// is a *LimitError.
//
// Source: PACK-SKETCH.md 2.1; PROCEDURES.md K2 to K5.
func ParseLimit(s string) (Limit, error) {
	switch s {
	case "same day":
		return Limit{Basis: clockv1.Clock_BASIS_CALENDAR_DAYS, Unit: Days}, nil
	case "half a working day":
		return Limit{Basis: clockv1.Clock_BASIS_WORKING_TIME, N: 1, Unit: HalfWorkingDay}, nil
	case "as planned":
		return Limit{Basis: clockv1.Clock_BASIS_FIXED, Unit: Planned}, nil
	case "always":
		return Limit{Unit: Unbounded}, nil
	}
	figure, word, found := strings.Cut(s, " ")
	n, err := strconv.Atoi(figure)
	if !found || err != nil || n < 1 || strconv.Itoa(n) != figure {
		return Limit{}, &LimitError{Text: s, Advice: advice(s)}
	}
	for _, u := range unitWords() {
		if word != u.one && word != u.many {
			continue
		}
		if word != plural(u, n) {
			return Limit{}, &LimitError{Text: s, Advice: fmt.Sprintf("write %q", fmt.Sprintf("%d %s", n, plural(u, n)))}
		}
		if n > u.max {
			return Limit{}, &LimitError{Text: s, Advice: fmt.Sprintf(`write at most ten years ("%d %s"), or "always"`, u.max, u.many)}
		}
		return Limit{Basis: u.basis, N: n, Unit: u.unit, Duration: time.Duration(n) * u.length}, nil
	}
	return Limit{}, &LimitError{Text: s, Advice: advice(s)}
}

func plural(u unitWord, n int) string {
	if n == 1 {
		return u.one
	}
	return u.many
}

// String returns the limit as ParseLimit reads it; empty for the zero Limit.
func (l Limit) String() string {
	switch l.Unit {
	case UnitNone:
		return ""
	case HalfWorkingDay:
		return "half a working day"
	case Planned:
		return "as planned"
	case Unbounded:
		return "always"
	}
	if l.Unit == Days && l.N == 0 {
		return "same day"
	}
	for _, u := range unitWords() {
		if u.unit == l.Unit {
			return strconv.Itoa(l.N) + " " + plural(u, l.N)
		}
	}
	return fmt.Sprintf("limit(%d)", l.Unit)
}

// IsZero tells that nothing was written.
func (l Limit) IsZero() bool { return l.Unit == UnitNone }

// Computable tells whether Calendar.Due can compute an instant from a start:
// everything but "as planned", "always" and the zero Limit.
func (l Limit) Computable() bool {
	return l.Unit != UnitNone && l.Unit != Planned && l.Unit != Unbounded
}

// Working tells that the limit needs opening hours and holidays.
func (l Limit) Working() bool {
	return l.Basis == clockv1.Clock_BASIS_WORKING_DAYS || l.Basis == clockv1.Clock_BASIS_WORKING_TIME
}

// Span returns the length of the limit as plain elapsed time, counting a day as
// 24 hours and a week as seven: what a warning before a due instant and a period
// late are measured in. It is false for months, working units and limits without
// a figure.
//
// Source: PROCEDURES.md P19-A3.
func (l Limit) Span() (time.Duration, bool) {
	switch l.Unit {
	case Seconds, Minutes, Hours:
		return l.Duration, true
	case Days:
		return time.Duration(l.N) * 24 * time.Hour, l.N > 0
	case Weeks:
		return time.Duration(l.N) * 7 * 24 * time.Hour, true
	}
	return 0, false
}
