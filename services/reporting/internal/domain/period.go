package domain

import (
	"fmt"
	"time"

	"example.com/redress/services/kit/fault"
)

// Period is a month in a time zone, from its first instant to the first of the next.
type Period struct {
	// Name is YYYY-MM.
	Name     string
	From, To time.Time
}

// Month returns the month YYYY-MM in the zone.
func Month(name string, zone *time.Location) (Period, error) {
	from, err := time.ParseInLocation("2006-01", name, zone)
	if err != nil {
		return Period{}, fmt.Errorf("period %q: %w", name, err)
	}
	return Period{Name: name, From: from.UTC(), To: from.AddDate(0, 1, 0).UTC()}, nil
}

// Over refuses a month that has not ended at the instant: PERIOD_NOT_OVER.
func (p Period) Over(now time.Time) error {
	if now.Before(p.To) {
		return fault.New(fault.FailedPrecondition, ReasonPeriodNotOver, "period", p.Name, "end", p.To.Format(time.RFC3339))
	}
	return nil
}

// Holds reports whether the instant falls into the period.
func (p Period) Holds(t time.Time) bool { return !t.Before(p.From) && t.Before(p.To) }

// Months returns the months of UTC that the period touches, YYYY-MM, in order.
func (p Period) Months() []string {
	var out []string
	last := p.To.UTC().Add(-1)
	for m := time.Date(p.From.UTC().Year(), p.From.UTC().Month(), 1, 0, 0, 0, 0, time.UTC); !m.After(last); m = m.AddDate(0, 1, 0) {
		out = append(out, m.Format("2006-01"))
	}
	return out
}
