package calendar

import (
	"bytes"
	_ "embed" // the data file of China
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

//go:embed data/cn.json
var chinaJSON []byte

// Holidays is a versioned data set: for each year it names, the dates off and
// the weekend dates worked in exchange (调休). It is immutable. The zero Holidays
// belongs to no calendar; NoHolidays says that there are none.
type Holidays struct {
	id, revision string
	every        bool // no year is unknown
	first, last  int  // years named, without a gap
	days         map[Date]special
}

type special struct {
	off  bool
	name string
}

// NoHolidays is the data set "none": no holidays, every year known.
func NoHolidays() Holidays { return Holidays{id: "none", revision: "1", every: true} }

// NamedHolidays returns a data set of the suite: "cn" (China 2024 to 2026) or "none".
func NamedHolidays(id string) (Holidays, error) {
	switch id {
	case "none":
		return NoHolidays(), nil
	case "cn":
		return china()
	}
	return Holidays{}, fmt.Errorf(`holidays %q: no such data set; write "cn" or "none"`, id)
}

// china reads the file once.
//
//nolint:gochecknoglobals // holds what never changes.
var china = sync.OnceValues(func() (Holidays, error) { return LoadHolidays(chinaJSON) })

// HolidayNames lists the data sets that NamedHolidays knows.
func HolidayNames() []string { return []string{"cn", "none"} }

// ID returns the name of the data set, for example "cn".
func (h Holidays) ID() string { return h.id }

// Revision returns the version of the data, for example "2026-1": the last year
// it names and the count of its editions.
func (h Holidays) Revision() string { return h.revision }

// IsKnown tells whether the days off of the year have been announced and are in
// the data.
func (h Holidays) IsKnown(year int) bool { return h.every || year >= h.first && year <= h.last }

// Years returns the first and the last year the data names; ok is false for
// "none", which knows every year.
func (h Holidays) Years() (first, last int, ok bool) { return h.first, h.last, !h.every }

type holidayFile struct {
	ID       string        `json:"id"`
	Revision string        `json:"revision"`
	Title    string        `json:"title"`
	Years    []holidayYear `json:"years"`
}

type holidayYear struct {
	Year   int          `json:"year"`
	Notice string       `json:"notice"`
	Off    []holidayOff `json:"off"`
	Worked []string     `json:"worked"`
}

type holidayOff struct {
	Name string   `json:"name"`
	Days []string `json:"days"`
}

// LoadHolidays reads a data set: a JSON object {id, revision, title, years:
// [{year, notice, off: [{name, days: ["2026-02-15/2026-02-23"]}], worked:
// ["2026-02-14"]}]}. Years stand in order without a gap. A year whose list is
// there counts as announced; a date may lie in the year before or after the one
// whose notice names it. Unknown keys, a date named twice and a range that runs
// backwards are errors.
func LoadHolidays(data []byte) (Holidays, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var f holidayFile
	if err := dec.Decode(&f); err != nil {
		return Holidays{}, fmt.Errorf("holidays: %w", err)
	}
	if !regexp.MustCompile(`^[a-z][a-z0-9_-]*$`).MatchString(f.ID) || f.Revision == "" || strings.ContainsAny(f.Revision, "@ ") {
		return Holidays{}, fmt.Errorf("holidays: id %q and revision %q: both are needed, without spaces and @", f.ID, f.Revision)
	}
	if len(f.Years) == 0 {
		return Holidays{}, fmt.Errorf(`holidays %q: names no year; write "none" where there are no holidays`, f.ID)
	}
	h := Holidays{id: f.ID, revision: f.Revision, first: f.Years[0].Year, last: f.Years[len(f.Years)-1].Year, days: map[Date]special{}}
	for i, y := range f.Years {
		if y.Year != h.first+i {
			return Holidays{}, fmt.Errorf("holidays %q: year %d stands where %d belongs", f.ID, y.Year, h.first+i)
		}
		if err := h.add(y); err != nil {
			return Holidays{}, fmt.Errorf("holidays %q, year %d: %w", f.ID, y.Year, err)
		}
	}
	return h, nil
}

func (h Holidays) add(y holidayYear) error {
	for _, o := range y.Off {
		if o.Name == "" {
			return fmt.Errorf("a holiday has no name")
		}
		for _, r := range o.Days {
			if err := h.mark(y.Year, r, special{off: true, name: o.Name}); err != nil {
				return err
			}
		}
	}
	for _, r := range y.Worked {
		if err := h.mark(y.Year, r, special{}); err != nil {
			return err
		}
	}
	return nil
}

// mark enters the dates of "2026-02-14" or "2026-02-15/2026-02-23".
func (h Holidays) mark(year int, dates string, s special) error {
	a, b, isRange := strings.Cut(dates, "/")
	if !isRange {
		b = a
	}
	from, err := ParseDate(a)
	if err != nil {
		return err
	}
	to, err := ParseDate(b)
	if err != nil {
		return err
	}
	if to < from || to-from > 366 || from.Year() < year-1 || to.Year() > year+1 {
		return fmt.Errorf("dates %q: runs backwards or does not belong to the year", dates)
	}
	for d := from; d <= to; d++ {
		if _, twice := h.days[d]; twice {
			return fmt.Errorf("date %s is named twice", d)
		}
		h.days[d] = s
	}
	return nil
}
