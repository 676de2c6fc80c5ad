package calendar

import (
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
	text     string
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

// ExplainWorked returns the intervals of working time from an instant on until so
// much of it has passed.
func (c *Calendar) ExplainWorked(start time.Time, target time.Duration) ([]Interval, error) {
	var out []Interval
	_, err := c.workingTime(second(start), target, func(s stretch) { out = grow(out, s) })
	if err != nil {
		return nil, err
	}
	return out, nil
}

// grow appends a stretch, or lengthens the last interval if the two tell the same.
func grow(out []Interval, s stretch) []Interval {
	if !s.to.After(s.from) {
		return out
	}
	if n := len(out); n > 0 && out[n-1].Kind == s.kind && out[n-1].Note == s.text && out[n-1].End.Equal(s.from) {
		out[n-1].End = s.to
		return out
	}
	return append(out, Interval{Kind: s.kind, Start: s.from, End: s.to, Note: s.text})
}
