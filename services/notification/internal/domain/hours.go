package domain

import (
	"time"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	"example.com/redress/services/kit/calendar"
)

// Hours are the hours in which a notice may be sent. The zero value is any time.
type Hours struct{ calendar *calendar.Calendar }

// NewHours reads the open lines of a notice, "mon-sun 08:00-21:00", in a zone. No
// lines mean any time. Holidays do not matter: the lines name the days themselves.
func NewHours(zone string, open []string) (Hours, error) {
	if len(open) == 0 {
		return Hours{}, nil
	}
	c, err := calendar.New(zone, open, calendar.NoHolidays())
	return Hours{c}, err
}

// ahead is how far the next opening is looked for: any week has all its hours.
const ahead = 8 * 24 * time.Hour

// Next returns the first instant from at on that lies within the hours.
func (h Hours) Next(at time.Time) time.Time {
	if h.calendar == nil {
		return at
	}
	intervals, err := h.calendar.Classify(at, at.Add(ahead), clockv1.Clock_BASIS_WORKING_TIME)
	if err != nil {
		return at // cannot happen without holidays; better sent than lost
	}
	for _, i := range intervals {
		if k := i.Kind; k == clockv1.Interval_KIND_COUNTED || k == clockv1.Interval_KIND_EXCHANGED_WORKING_DAY {
			if i.Start.Before(at) {
				return at
			}
			return i.Start
		}
	}
	return at
}
