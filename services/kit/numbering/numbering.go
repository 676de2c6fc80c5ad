// Package numbering writes the numbers that procedures give to their forms and
// actions, for example "8D{date}{serial:3/day}" as 8D20260408001.
//
// Start reading at [Parse].
//
// Source: PACK-SKETCH 2.2 (Form.number, ActionKind.number); PROCEDURES P18 4.2.1.
package numbering

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Pattern is a parsed pattern. The zero value numbers nothing.
type Pattern struct {
	parts []part
	every string // what a serial begins anew with: day, month, year, or always
}

type part struct {
	literal string
	date    string // layout of the date
	width   int    // of the serial; 0 for other parts
}

// Parse reads a pattern: words as they stand, {date} for the date as 20260408,
// {month} for 202604, {year} for 2026, and at most one {serial:W/P} for a serial
// of at least W digits that begins anew each P: day, month, year or always.
func Parse(s string) (Pattern, error) {
	var p Pattern
	for s != "" {
		before, rest, found := strings.Cut(s, "{")
		if before != "" {
			p.parts = append(p.parts, part{literal: before})
		}
		if !found {
			break
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return Pattern{}, fmt.Errorf("number %q: a brace is not closed", s)
		}
		s = after
		layouts := map[string]string{"date": "20060102", "month": "200601", "year": "2006"}
		if layout, ok := layouts[name]; ok {
			p.parts = append(p.parts, part{date: layout})
			continue
		}
		spec, isSerial := strings.CutPrefix(name, "serial:")
		digits, every, _ := strings.Cut(spec, "/")
		width, err := strconv.Atoi(digits)
		known := every == "day" || every == "month" || every == "year" || every == "always"
		if !isSerial || err != nil || width < 1 || width > 9 || !known || p.every != "" {
			return Pattern{}, fmt.Errorf("number: %q is none of {date}, {month}, {year} and one {serial:3/day}", name)
		}
		p.parts, p.every = append(p.parts, part{width: width}), every
	}
	return p, nil
}

// Key names the series that the next serial is of, at a local date; empty if the
// pattern has no serial. id tells series of different things apart.
func (p Pattern) Key(id string, local time.Time) string {
	switch p.every {
	case "day":
		return id + "/" + local.Format("20060102")
	case "month":
		return id + "/" + local.Format("200601")
	case "year":
		return id + "/" + local.Format("2006")
	case "always":
		return id
	}
	return ""
}

// Number writes the number of the serial at a local date.
func (p Pattern) Number(local time.Time, serial int64) string {
	var b strings.Builder
	for _, x := range p.parts {
		switch {
		case x.date != "":
			b.WriteString(local.Format(x.date))
		case x.width > 0:
			fmt.Fprintf(&b, "%0*d", x.width, serial)
		default:
			b.WriteString(x.literal)
		}
	}
	return b.String()
}
