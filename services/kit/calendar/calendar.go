package calendar

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"example.com/redress/services/kit/fault"
)

// Calendar knows the zone, the opening hours and the holidays of one
// organisation or department. It is immutable and safe for concurrent use.
type Calendar struct {
	zone     string
	loc      *time.Location
	open     []string
	week     hours
	standard int // weekday whose hours an exchanged working day has; -1 without hours
	holidays Holidays
}

// New returns the calendar of a zone ("Asia/Shanghai"), its open lines
// ("mon-fri 09:00-18:00", any number of intervals a day, one or more lines) and
// its holidays. Without open lines it answers for elapsed time and calendar
// dates only.
//
// A date off is closed whatever the open lines say. A weekend date worked in
// exchange has the hours of that weekday if it has any, else those of the
// standard day: the first day of the week, from Monday, that has hours. The
// standard day is also what "half a working day" halves.
//
// Source: PROCEDURES.md K5, K11; no procedure says which hours an exchanged
// working day has, so the standard day is our reading.
func New(zone string, open []string, holidays Holidays) (*Calendar, error) {
	if zone == "" || zone == "Local" {
		return nil, errors.New(`calendar: zone: write the name of a zone, for example "Asia/Shanghai"`)
	}
	loc, err := location(zone)
	if err != nil {
		return nil, fmt.Errorf("calendar: zone %q: %w", zone, err)
	}
	week, err := parseHours(open)
	if err != nil {
		return nil, fmt.Errorf("calendar: %w", err)
	}
	if holidays.id == "" {
		return nil, errors.New(`calendar: holidays: name a data set, "cn" or "none"`)
	}
	c := &Calendar{zone: zone, loc: loc, open: slices.Clone(open), week: week, standard: -1, holidays: holidays}
	for i := range 7 {
		if d := (i + 1) % 7; len(week[d]) > 0 {
			c.standard = d
			break
		}
	}
	return c, nil
}

// zones are those that were loaded: package time reads and parses a file at every
// call, which was an eighth of the CPU of starting a clock.
//
//nolint:gochecknoglobals // holds what never changes.
var zones sync.Map // *time.Location by name

func location(zone string) (*time.Location, error) {
	if known, ok := zones.Load(zone); ok {
		return known.(*time.Location), nil
	}
	loc, err := time.LoadLocation(zone)
	if err == nil {
		zones.Store(zone, loc)
	}
	return loc, err
}

// Default returns the working calendar of procedures that name none: Monday to
// Friday, 09:00 to 18:00, Asia/Shanghai, no midday break, with the holidays given.
//
// Source: PROCEDURES.md K11.
func Default(holidays Holidays) (*Calendar, error) {
	return New("Asia/Shanghai", []string{"mon-fri 09:00-18:00"}, holidays)
}

// Zone returns the name of the zone.
func (c *Calendar) Zone() string { return c.zone }

// Location returns the zone.
func (c *Calendar) Location() *time.Location { return c.loc }

// Open returns the open lines as they were given.
func (c *Calendar) Open() []string { return slices.Clone(c.open) }

// Holidays returns the data set.
func (c *Calendar) Holidays() Holidays { return c.holidays }

// ID names the data of the calendar, for example "cn@2026-1".
func (c *Calendar) ID() string { return c.holidays.id + "@" + c.holidays.revision }

// Date returns the date that the instant has in the calendar's zone.
func (c *Calendar) Date(t time.Time) Date { return dateOf(t, c.loc) }

// Start returns the first instant of a date.
func (c *Calendar) Start(d Date) time.Time { return instant(d, 0, c.loc, first) }

// End returns the last whole second of a date, 23:59:59 local time.
//
// Source: PROCEDURES.md K3.
func (c *Calendar) End(d Date) time.Time { return instant(d, secondsOfDay-1, c.loc, last) }

// Daily returns the hours of the standard working day; 0 without open lines.
func (c *Calendar) Daily() time.Duration {
	if c.standard < 0 {
		return 0
	}
	total := 0
	for _, s := range c.week[c.standard] {
		total += s.to - s.from
	}
	return time.Duration(total) * time.Second
}

// Reasons of this package.
const (
	// ReasonYearNotCovered: the holiday data begins after the dates that must be counted.
	ReasonYearNotCovered = "CALENDAR_YEAR_NOT_COVERED"
	// ReasonNoHours: a limit in working units meets a calendar without open lines.
	ReasonNoHours = "CALENDAR_WITHOUT_HOURS"
	// ReasonNotComputable: "as planned" and "always" have no instant that could be computed.
	ReasonNotComputable = "LIMIT_NOT_COMPUTABLE"
)

// Reasons returns the catalogue entries of this package.
func Reasons() []fault.Entry {
	return []fault.Entry{
		{
			Reason: ReasonYearNotCovered, Kind: fault.FailedPrecondition,
			ZH: "工作日历 {calendar} 不含 {year} 年的数据，无法计算期限。", EN: "Calendar {calendar} has no data for {year}; the limit cannot be computed.",
		},
		{
			Reason: ReasonNoHours, Kind: fault.FailedPrecondition,
			ZH: "期限“{limit}”需要工作时间，但日历没有设置。", EN: `The limit "{limit}" needs opening hours, and the calendar has none.`,
		},
		{
			Reason: ReasonNotComputable, Kind: fault.Invalid,
			ZH: "期限“{limit}”没有可计算的到期时间，请给出日期。", EN: `The limit "{limit}" has no due instant that could be computed; name a date.`,
		},
	}
}

// day is what the calendar knows of one date.
type day struct {
	spans     []span
	holiday   string // name of the holiday; empty if it is none
	exchanged bool   // a date worked in exchange for a holiday
	known     bool   // its year has been announced
}

// day looks a date up. It fails for a date before the data begins; a date after
// it follows the plain week and is not known.
func (c *Calendar) day(d Date) (day, error) {
	weekday := int(d.Weekday())
	out := day{spans: c.week[weekday], known: true}
	if c.holidays.every {
		return out, nil
	}
	if s, listed := c.holidays.days[d]; listed {
		if s.off {
			return day{holiday: s.name, known: true}, nil
		}
		if len(out.spans) == 0 {
			out.spans = c.week[c.standard]
		}
		out.exchanged = true
		return out, nil
	}
	if year := d.Year(); !c.holidays.IsKnown(year) {
		if year < c.holidays.first {
			return day{}, fault.New(fault.FailedPrecondition, ReasonYearNotCovered, "calendar", c.ID(), "year", fmt.Sprint(year))
		}
		out.known = false
	}
	return out, nil
}
