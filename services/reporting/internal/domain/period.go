package domain

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
)

// Period is a period of the calendar in a time zone, from its first instant to the
// first of the next.
type Period struct {
	// Name is YYYY-MM, YYYY-Www, YYYY-Qn or YYYY. A week begins on Monday and is
	// named as ISO 8601 does.
	Name     string
	From, To time.Time

	every policyv1.Every
	zone  *time.Location
}

// Month returns the month YYYY-MM in the zone.
func Month(name string, zone *time.Location) (Period, error) {
	return PeriodOf(policyv1.Every_EVERY_MONTH, name, zone)
}

// Containing returns the period that holds the instant; without a length, its month.
func Containing(every policyv1.Every, at time.Time, zone *time.Location) Period {
	local := at.In(zone)
	year, month, day := local.Date()
	midnight := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, zone) }
	p := Period{every: every, zone: zone}
	switch every {
	case policyv1.Every_EVERY_WEEK:
		monday := day - (int(local.Weekday())+6)%7
		y, w := local.ISOWeek()
		p.Name = fmt.Sprintf("%04d-W%02d", y, w)
		p.From, p.To = midnight(year, month, monday), midnight(year, month, monday+7)
	case policyv1.Every_EVERY_QUARTER:
		q := (int(month) - 1) / 3
		p.Name = fmt.Sprintf("%04d-Q%d", year, q+1)
		p.From, p.To = midnight(year, time.Month(3*q+1), 1), midnight(year, time.Month(3*q+4), 1)
	case policyv1.Every_EVERY_YEAR:
		p.Name = fmt.Sprintf("%04d", year)
		p.From, p.To = midnight(year, 1, 1), midnight(year+1, 1, 1)
	case policyv1.Every_EVERY_MONTH, policyv1.Every_EVERY_UNSPECIFIED:
		p.every = policyv1.Every_EVERY_MONTH
		p.Name = local.Format("2006-01")
		p.From, p.To = midnight(year, month, 1), midnight(year, month+1, 1)
	}
	p.From, p.To = p.From.UTC(), p.To.UTC()
	return p
}

// PeriodOf returns the period of that length and name in the zone: REPORT_PERIOD for
// a name of another length, or of a week that the year does not have.
func PeriodOf(every policyv1.Every, name string, zone *time.Location) (Period, error) {
	within, ok := inside(every, name, zone)
	if p := Containing(every, within, zone); ok && p.Name == name {
		return p, nil
	}
	return Period{}, fault.New(fault.Invalid, ReasonPeriod, "period", name, "wanted", Containing(every, time.Date(2026, 3, 2, 12, 0, 0, 0, zone), zone).Name)
}

// inside returns an instant within the period of that name, if it is one.
func inside(every policyv1.Every, name string, zone *time.Location) (time.Time, bool) {
	head, tail, _ := strings.Cut(name, "-")
	year, err := strconv.Atoi(head)
	if err != nil || len(head) != 4 {
		return time.Time{}, false
	}
	n := 0
	if digits := strings.TrimLeft(tail, "WQ"); digits != "" {
		if n, err = strconv.Atoi(digits); err != nil {
			return time.Time{}, false
		}
	}
	switch every {
	case policyv1.Every_EVERY_WEEK:
		return time.Date(year, 1, 4+7*(n-1), 12, 0, 0, 0, zone), true // the fourth of January is in the first week
	case policyv1.Every_EVERY_QUARTER:
		return time.Date(year, time.Month(3*n-1), 1, 12, 0, 0, 0, zone), true
	case policyv1.Every_EVERY_YEAR:
		return time.Date(year, 6, 1, 12, 0, 0, 0, zone), true
	}
	return time.Date(year, time.Month(n), 1, 12, 0, 0, 0, zone), true
}

// Next returns the period after.
func (p Period) Next() Period { return Containing(p.every, p.To, p.zone) }

// Before returns the period before.
func (p Period) Before() Period { return Containing(p.every, p.From.Add(-1), p.zone) }

// Over refuses a period that has not ended at the instant, quoting the report's rule: PERIOD_NOT_OVER.
func (p Period) Over(now time.Time, rule *typev1.RuleRef) error {
	if now.Before(p.To) {
		return fault.New(fault.FailedPrecondition, ReasonPeriodNotOver, "period", p.Name, "end", p.To.Format(time.RFC3339)).With(rule)
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
