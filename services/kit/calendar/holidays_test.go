package calendar_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/kit/calendar"
)

// TestChinasYears counts what the notices announce: dates off, and weekend dates worked.
func TestChinasYears(t *testing.T) {
	t.Parallel()
	h, err := calendar.NamedHolidays("cn")
	require.NoError(t, err)
	first, last, bounded := h.Years()
	require.True(t, bounded)
	require.Equal(t, 2024, first)
	require.Equal(t, 2026, last)
	require.False(t, h.IsKnown(2023))
	require.False(t, h.IsKnown(2027))
	c := build(t, "Asia/Shanghai", "cn", day)
	// 2024 has 366 days. The sums are those the State Council's notices lead to.
	for year, want := range map[int]int{2024: 251, 2025: 248, 2026: 248} {
		require.True(t, h.IsKnown(year))
		worked := 0
		for d := calendar.NewDate(year, 1, 1); d.Year() == year; d++ {
			working, known, err := c.IsWorking(d)
			require.NoError(t, err)
			require.True(t, known)
			if working {
				worked++
			}
		}
		require.Equal(t, want, worked, year)
	}
	working, known, err := c.IsWorking(calendar.NewDate(2027, 1, 1))
	require.NoError(t, err)
	require.True(t, working, "the plain week of a Friday")
	require.False(t, known)
}

func TestNamedHolidays(t *testing.T) {
	t.Parallel()
	for _, id := range calendar.HolidayNames() {
		h, err := calendar.NamedHolidays(id)
		require.NoError(t, err)
		require.Equal(t, id, h.ID())
		require.NotEmpty(t, h.Revision())
	}
	_, err := calendar.NamedHolidays("de")
	require.ErrorContains(t, err, `write "cn" or "none"`)
}

func TestLoadHolidaysRefusesBadData(t *testing.T) {
	t.Parallel()
	good := `{"id":"xx","revision":"2026-1","title":"","years":[{"year":2026,"notice":"","off":[{"name":"n","days":["2026-01-01/2026-01-03"]}],"worked":["2026-01-04"]}]}`
	_, err := calendar.LoadHolidays([]byte(good))
	require.NoError(t, err)
	for name, change := range map[string][2]string{
		"unknown field":       {`"title"`, `"titel"`},
		"both are needed":     {`"2026-1"`, `""`},
		"without spaces":      {`"2026-1"`, `"a@b"`},
		"belongs":             {`{"year":2026`, `{"year":2025,"off":[]},{"year":2027`},
		"named twice":         {`"2026-01-04"`, `"2026-01-03"`},
		"runs backwards":      {`"2026-01-01/2026-01-03"`, `"2026-01-03/2026-01-01"`},
		"does not belong":     {`"2026-01-04"`, `"2029-01-04"`},
		"write it as":         {`"2026-01-04"`, `"2026-1-4"`},
		"a holiday has no na": {`"n"`, `""`},
		"names no year":       {`[{"year"`, `[],"x":[{"year"`},
	} {
		_, err := calendar.LoadHolidays([]byte(strings.Replace(good, change[0], change[1], 1)))
		require.Error(t, err, name)
		if name != "names no year" {
			require.ErrorContains(t, err, name)
		}
	}
	_, err = calendar.LoadHolidays([]byte(`{"id":"xx","revision":"1","years":[]}`))
	require.ErrorContains(t, err, "names no year")
}

func TestADateMayStandInTheNoticeOfTheNextYear(t *testing.T) {
	t.Parallel()
	h, err := calendar.LoadHolidays([]byte(`{"id":"xx","revision":"1","title":"","years":[{"year":2026,"notice":"","off":[{"name":"n","days":["2025-12-31"]}],"worked":[]}]}`))
	require.NoError(t, err)
	c, err := calendar.New("Asia/Shanghai", []string{day}, h)
	require.NoError(t, err)
	working, _, err := c.IsWorking(calendar.NewDate(2025, 12, 31))
	require.NoError(t, err)
	require.False(t, working)
}
