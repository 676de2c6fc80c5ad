package calendar_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	"example.com/redress/services/kit/calendar"
)

// reference is working time by walking minute by minute. It shares no code with
// the package: it asks of each minute what the wall clock shows.
type reference struct {
	loc    *time.Location
	spans  map[time.Weekday][][2]int // minutes of the day
	off    map[string]bool
	worked map[string]bool
}

func (r reference) open(t time.Time) bool {
	w := t.In(r.loc)
	minute := w.Hour()*60 + w.Minute()
	for _, s := range r.spansOn(w) {
		if minute >= s[0] && minute < s[1] {
			return true
		}
	}
	return false
}

func (r reference) spansOn(w time.Time) [][2]int {
	date := w.Format("2006-01-02")
	if r.off[date] {
		return nil
	}
	spans := r.spans[w.Weekday()]
	if r.worked[date] && len(spans) == 0 {
		for _, d := range []time.Weekday{1, 2, 3, 4, 5, 6, 0} {
			if len(r.spans[d]) > 0 {
				return r.spans[d]
			}
		}
	}
	return spans
}

// time returns the end of the minute in which the nth open minute passes.
func (r reference) time(start time.Time, minutes int) time.Time {
	for t := start; ; t = t.Add(time.Minute) {
		if r.open(t) {
			if minutes--; minutes == 0 {
				return t.Add(time.Minute)
			}
		}
	}
}

// days returns the closing of the nth date after the start's that has an open minute.
func (r reference) days(start time.Time, n int) time.Time {
	date := start.In(r.loc).Format("2006-01-02")
	var closing time.Time
	seen := ""
	for t := start; ; t = t.Add(time.Minute) {
		d := t.In(r.loc).Format("2006-01-02")
		if seen != "" && d != seen && n == 0 {
			return closing
		}
		if d == date || !r.open(t) {
			continue
		}
		if d != seen {
			seen = d
			n--
		}
		if closing = t.Add(time.Minute); closing.In(r.loc).Format("2006-01-02") != d {
			closing = closing.Add(-time.Second) // open until midnight: the last second of the date
		}
	}
}

func (r reference) between(from, to time.Time) time.Duration {
	var n time.Duration
	for t := from; t.Before(to); t = t.Add(time.Minute) {
		if r.open(t) {
			n += time.Minute
		}
	}
	return n
}

// pair is a calendar and its reference, built from the same words.
type pair struct {
	c *calendar.Calendar
	r reference
}

func drawPair(t *rapid.T) pair {
	zone := rapid.SampledFrom([]string{"Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"}).Draw(t, "zone")
	loc, err := time.LoadLocation(zone)
	require.NoError(t, err)
	p := pair{r: reference{loc: loc, spans: map[time.Weekday][][2]int{}, off: map[string]bool{}, worked: map[string]bool{}}}
	shapes := [][][2]int{{{540, 1080}}, {{540, 720}, {810, 1080}}, {{0, 360}, {1320, 1440}}, {{0, 1440}}, {{485, 515}, {600, 601}, {1000, 1439}}, nil}
	var open []string
	for i, d := range []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} {
		spans := rapid.SampledFrom(shapes).Draw(t, d)
		if i == 3 && spans == nil {
			spans = shapes[0] // at least one open day
		}
		p.r.spans[time.Weekday(i)] = spans
		for _, s := range spans {
			open = append(open, fmt.Sprintf("%s %02d:%02d-%02d:%02d", d, s[0]/60, s[0]%60, s[1]/60, s[1]%60))
		}
	}
	holidays := calendar.NoHolidays()
	if rapid.Bool().Draw(t, "china") {
		holidays, err = calendar.NamedHolidays("cn")
		require.NoError(t, err)
		p.r.off, p.r.worked = chinaFacts()
	}
	p.c, err = calendar.New(zone, open, holidays)
	require.NoError(t, err)
	return p
}

// chinaFacts are typed here a second time, from the notices, for one stretch with
// both kinds of dates; starts are drawn so that no other stretch is reached.
func chinaFacts() (off, worked map[string]bool) {
	off, worked = map[string]bool{}, map[string]bool{}
	for _, d := range []string{
		"2026-01-01", "2026-01-02", "2026-01-03", "2026-02-15", "2026-02-16", "2026-02-17", "2026-02-18", "2026-02-19",
		"2026-02-20", "2026-02-21", "2026-02-22", "2026-02-23", "2026-04-04", "2026-04-05", "2026-04-06",
		"2026-05-01", "2026-05-02", "2026-05-03", "2026-05-04", "2026-05-05", "2026-06-19", "2026-06-20", "2026-06-21",
	} {
		off[d] = true
	}
	for _, d := range []string{"2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09"} {
		worked[d] = true
	}
	return off, worked
}

func drawStart(t *rapid.T, label string) time.Time {
	// January to early May 2026, with the changes of New York (8 March) and Lord Howe (5 April).
	minute := rapid.IntRange(0, 120*24*60).Draw(t, label)
	return time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC).Add(time.Duration(minute) * time.Minute)
}

func TestWorkingTimeEqualsTheReference(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawPair(t)
		start, n := drawStart(t, "start"), rapid.IntRange(1, 1200).Draw(t, "minutes")
		l, err := calendar.ParseLimit(fmt.Sprintf("%d working min", n))
		require.NoError(t, err)
		due, err := p.c.Due(start, l)
		require.NoError(t, err)
		require.Equal(t, p.r.time(start, n).UTC(), due.Time)
		worked, err := p.c.Worked(start, due.Time)
		require.NoError(t, err)
		require.Equal(t, l.Duration, worked)
	})
}

func TestWorkingDaysEqualTheReference(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawPair(t)
		start, n := drawStart(t, "start"), rapid.IntRange(1, 6).Draw(t, "days")
		due, err := p.c.Due(start, calendar.Limit{Basis: clockv1.Clock_BASIS_WORKING_DAYS, N: n, Unit: calendar.WorkingDays})
		require.NoError(t, err)
		require.Equal(t, p.r.days(start, n).UTC(), due.Time)
	})
}

func TestWorkedEqualsTheReference(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawPair(t)
		from := drawStart(t, "from")
		to := from.Add(time.Duration(rapid.IntRange(0, 10*24*60).Draw(t, "length")) * time.Minute)
		worked, err := p.c.Worked(from, to)
		require.NoError(t, err)
		require.Equal(t, p.r.between(from, to), worked)
	})
}

// TestPausesConserveWorkingTime: what ran before the pause and what runs after it
// are together the limit.
func TestPausesConserveWorkingTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawPair(t)
		start, n := drawStart(t, "start"), rapid.IntRange(1, 1200).Draw(t, "minutes")
		l, err := calendar.ParseLimit(fmt.Sprintf("%d working min", n))
		require.NoError(t, err)
		due, err := p.c.Due(start, l)
		require.NoError(t, err)
		paused := start.Add(time.Duration(rapid.Int64Range(0, int64(due.Time.Sub(start)/time.Minute)).Draw(t, "paused")) * time.Minute)
		resumed := paused.Add(time.Duration(rapid.IntRange(0, 5*24*60).Draw(t, "stood")) * time.Minute)
		moved, err := p.c.Moved(due.Time, paused, resumed, clockv1.Clock_BASIS_WORKING_TIME)
		require.NoError(t, err)
		require.Equal(t, l.Duration, p.r.between(start, paused)+p.r.between(resumed, moved.Time))
	})
}

// TestMovedNeverComesBeforeTheDueInstantNorTheResumption holds on every basis.
func TestMovedNeverComesBeforeTheDueInstantNorTheResumption(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawPair(t)
		start := drawStart(t, "start")
		l := drawLimit(t)
		due, err := p.c.Due(start, l)
		require.NoError(t, err)
		paused := start.Add(time.Duration(rapid.Int64Range(0, int64(due.Time.Sub(start)/time.Second)).Draw(t, "paused")) * time.Second)
		resumed := paused.Add(time.Duration(rapid.IntRange(0, 9*24*3600).Draw(t, "stood")) * time.Second)
		moved, err := p.c.Moved(due.Time, paused, resumed, l.Basis)
		require.NoError(t, err)
		if l.Basis != clockv1.Clock_BASIS_WORKING_TIME || p.r.open(due.Time.Add(-time.Second)) {
			require.False(t, moved.Time.Before(due.Time), "%s before %s", moved.Time, due.Time)
		}
		require.False(t, moved.Time.Before(resumed))
	})
}

// TestExplainAddsUpToDue: intervals are without a gap, and what is counted is the limit.
func TestExplainAddsUpToDue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawPair(t)
		start, l := drawStart(t, "start"), drawLimit(t)
		due, err := p.c.Due(start, l)
		require.NoError(t, err)
		intervals, err := p.c.Explain(start, l)
		require.NoError(t, err)
		var sum time.Duration
		dates := 0
		for i, in := range intervals {
			require.True(t, in.End.After(in.Start))
			require.NotEmpty(t, in.Note)
			if i > 0 {
				require.Equal(t, intervals[i-1].End, in.Start)
			}
			if in.Kind == clockv1.Interval_KIND_COUNTED || in.Kind == clockv1.Interval_KIND_EXCHANGED_WORKING_DAY {
				sum += in.End.Sub(in.Start)
				dates++
			}
		}
		require.Equal(t, start, intervals[0].Start)
		end := intervals[len(intervals)-1].End
		switch l.Basis {
		case clockv1.Clock_BASIS_ELAPSED:
			require.Equal(t, l.Duration, sum)
			require.Equal(t, due.Time, end)
		case clockv1.Clock_BASIS_WORKING_TIME:
			want := l.Duration
			if l.Unit == calendar.HalfWorkingDay {
				want = p.c.Daily() / 2
			}
			require.Equal(t, want, sum)
			require.Equal(t, due.Time, end)
		case clockv1.Clock_BASIS_WORKING_DAYS:
			require.Equal(t, l.N, dates)
			require.Equal(t, due.Time.Add(time.Second), end)
		default:
			require.Equal(t, due.Time.Add(time.Second), end)
		}
	})
}

func drawLimit(t *rapid.T) calendar.Limit {
	text := rapid.SampledFrom([]string{
		"30 min", "24 h", "48 h", "same day", "1 day", "10 days", "1 week", "1 month", "1 working day", "3 working days",
		"5 working days", "4 working h", "90 working min", "half a working day",
	}).Draw(t, "limit")
	l, err := calendar.ParseLimit(text)
	require.NoError(t, err)
	return l
}

func TestDatesCompareAndAdd(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := calendar.Date(rapid.IntRange(-200_000, 200_000).Draw(t, "date"))
		parsed, err := calendar.ParseDate(d.String())
		require.NoError(t, err)
		require.Equal(t, d, parsed)
		u := time.Unix(int64(d)*24*60*60, 0).UTC()
		require.Equal(t, u.Weekday(), d.Weekday())
		n := rapid.IntRange(0, 120).Draw(t, "months")
		m := d.AddMonths(n)
		want := time.Date(u.Year(), u.Month()+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
		got := time.Unix(int64(m)*24*60*60, 0).UTC()
		require.Equal(t, [2]int{want.Year(), int(want.Month())}, [2]int{got.Year(), int(got.Month())})
		require.True(t, got.Day() == u.Day() || got.AddDate(0, 0, 1).Day() == 1)
	})
}

// TestClassifyAgreesWithTheReference: the counted stretches are the open minutes.
func TestClassifyAgreesWithTheReference(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawPair(t)
		from := drawStart(t, "from")
		to := from.Add(time.Duration(rapid.IntRange(1, 5*24*60).Draw(t, "length")) * time.Minute)
		got, err := p.c.Classify(from, to, clockv1.Clock_BASIS_WORKING_TIME)
		require.NoError(t, err)
		var sum time.Duration
		require.Equal(t, from, got[0].Start)
		require.Equal(t, to, got[len(got)-1].End)
		for i, in := range got {
			require.True(t, in.End.After(in.Start))
			if i > 0 {
				require.Equal(t, got[i-1].End, in.Start)
			}
			if in.Kind == clockv1.Interval_KIND_COUNTED || in.Kind == clockv1.Interval_KIND_EXCHANGED_WORKING_DAY {
				sum += in.End.Sub(in.Start)
			}
		}
		require.Equal(t, p.r.between(from, to), sum)
	})
}
