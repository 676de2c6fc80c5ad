package calendar

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// span is one stretch of opening hours, in seconds after midnight; to is at most
// secondsOfDay.
type span struct{ from, to int }

// hours are the opening hours of a week, by time.Weekday, each day in order.
type hours [7][]span

const openAdvice = `write days and hours as "mon-fri 09:00-18:00", "mon,wed 09:00-12:00 13:00-17:30" or "mon-sun 00:00-24:00"`

// parseHours reads the open lines of a calendar. Lines may name the same day;
// hours of one day must not overlap.
func parseHours(lines []string) (hours, error) {
	var h hours
	for _, line := range lines {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			return hours{}, fmt.Errorf("open %q: %s", line, openAdvice)
		}
		days, err := parseDays(fields[0])
		if err != nil {
			return hours{}, fmt.Errorf("open %q: %w", line, err)
		}
		for _, field := range fields[1:] {
			s, err := parseSpan(strings.TrimSuffix(field, ","))
			if err != nil {
				return hours{}, fmt.Errorf("open %q: %w", line, err)
			}
			for _, d := range days {
				h[d] = append(h[d], s)
			}
		}
	}
	for d := range h {
		slices.SortFunc(h[d], func(a, b span) int { return a.from - b.from })
		for i := 1; i < len(h[d]); i++ {
			if h[d][i].from < h[d][i-1].to {
				return hours{}, fmt.Errorf("open: the hours of %s overlap at %s; %s", dayNames()[d], clockText(h[d][i].from), openAdvice)
			}
		}
		h[d] = join(h[d])
	}
	return h, nil
}

// join makes one span of two that touch: 09:00-12:00 and 12:00-18:00 have no break.
func join(spans []span) []span {
	var out []span
	for _, s := range spans {
		if n := len(out); n > 0 && out[n-1].to == s.from {
			out[n-1].to = s.to
			continue
		}
		out = append(out, s)
	}
	return out
}

// dayNames are the days in the order of time.Weekday.
func dayNames() []string { return []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} }

// parseDays reads "mon-fri", "sat", "sun-thu" or "mon,wed,fri".
func parseDays(s string) ([]int, error) {
	var days []int
	for part := range strings.SplitSeq(s, ",") {
		a, b, isRange := strings.Cut(part, "-")
		if !isRange {
			b = a
		}
		from, to := slices.Index(dayNames(), a), slices.Index(dayNames(), b)
		if from < 0 || to < 0 {
			return nil, fmt.Errorf("%q names no days; %s", part, openAdvice)
		}
		for d := from; ; d = (d + 1) % 7 {
			if slices.Contains(days, d) {
				return nil, fmt.Errorf("%q names %s twice", s, dayNames()[d])
			}
			days = append(days, d)
			if d == to {
				break
			}
		}
	}
	return days, nil
}

var spans = regexp.MustCompile(`^([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})$`)

// parseSpan reads "09:00-18:00".
func parseSpan(s string) (span, error) {
	m := spans.FindStringSubmatch(s)
	if m == nil {
		return span{}, fmt.Errorf("%q is no opening time; %s", s, openAdvice)
	}
	var n [4]int
	for i := range n {
		n[i], _ = strconv.Atoi(m[i+1])
	}
	out := span{from: n[0]*3600 + n[1]*60, to: n[2]*3600 + n[3]*60}
	if n[1] > 59 || n[3] > 59 || out.to > secondsOfDay {
		return span{}, fmt.Errorf("%q: there is no such time of day", s)
	}
	if out.to <= out.from {
		return span{}, fmt.Errorf(`%q: closes before it opens; write hours past midnight as two lines, "mon 22:00-24:00" and "tue 00:00-06:00"`, s)
	}
	return out, nil
}

// clockText writes seconds after midnight as "09:00".
func clockText(seconds int) string {
	return fmt.Sprintf("%02d:%02d", seconds/3600, seconds/60%60)
}
