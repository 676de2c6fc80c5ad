package calendar_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	"example.com/redress/services/kit/calendar"
)

func TestParseLimitReadsTheWholeGrammar(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]calendar.Limit{
		"30 min":             {Basis: clockv1.Clock_BASIS_ELAPSED, N: 30, Unit: calendar.Minutes, Duration: 30 * time.Minute},
		"24 h":               {Basis: clockv1.Clock_BASIS_ELAPSED, N: 24, Unit: calendar.Hours, Duration: 24 * time.Hour},
		"1 day":              {Basis: clockv1.Clock_BASIS_CALENDAR_DAYS, N: 1, Unit: calendar.Days},
		"10 days":            {Basis: clockv1.Clock_BASIS_CALENDAR_DAYS, N: 10, Unit: calendar.Days},
		"same day":           {Basis: clockv1.Clock_BASIS_CALENDAR_DAYS, N: 0, Unit: calendar.Days},
		"1 week":             {Basis: clockv1.Clock_BASIS_CALENDAR_DAYS, N: 1, Unit: calendar.Weeks},
		"7 months":           {Basis: clockv1.Clock_BASIS_CALENDAR_DAYS, N: 7, Unit: calendar.Months},
		"1 working day":      {Basis: clockv1.Clock_BASIS_WORKING_DAYS, N: 1, Unit: calendar.WorkingDays},
		"3 working days":     {Basis: clockv1.Clock_BASIS_WORKING_DAYS, N: 3, Unit: calendar.WorkingDays},
		"4 working h":        {Basis: clockv1.Clock_BASIS_WORKING_TIME, N: 4, Unit: calendar.WorkingHours, Duration: 4 * time.Hour},
		"90 working min":     {Basis: clockv1.Clock_BASIS_WORKING_TIME, N: 90, Unit: calendar.WorkingMinutes, Duration: 90 * time.Minute},
		"half a working day": {Basis: clockv1.Clock_BASIS_WORKING_TIME, N: 1, Unit: calendar.HalfWorkingDay},
		"as planned":         {Basis: clockv1.Clock_BASIS_FIXED, Unit: calendar.Planned},
		"always":             {Unit: calendar.Unbounded},
	} {
		got, err := calendar.ParseLimit(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
		require.Equal(t, text, got.String())
	}
}

func TestParseLimitSaysWhatToWriteInstead(t *testing.T) {
	t.Parallel()
	for text, advice := range map[string]string{
		"3 workdays":                 `write "3 working days" (by date) or "27 working h" (by hours, nine a day); see K4`,
		"3个工作日":                      `write "3 working days" (by date) or "27 working h" (by hours, nine a day); see K4`,
		"3 business days":            `write "3 working days" (by date) or "27 working h" (by hours, nine a day); see K4`,
		"24h":                        `write "24 h"`,
		"24 hours":                   `write "24 h"`,
		"30 minutes":                 `write "30 min"`,
		"1 days":                     `write "1 day"`,
		"2 day":                      `write "2 days"`,
		"03 days":                    `write "3 days"`,
		"2  weeks":                   `write "2 weeks"`,
		"1 month ":                   `write "1 month"`,
		"1 year":                     `write "12 months"`,
		"1.5 h":                      `write "90 min"`,
		"0.5 working days":           `write "half a working day"`,
		"half working day":           `write "half a working day"`,
		"0 days":                     `write "same day"`,
		"today":                      `write "same day"`,
		"Same Day":                   `write "same day"`,
		"planned":                    `write "as planned"`,
		"forever":                    `write "always"`,
		"4 working hours":            `write "4 working h"`,
		"-1 h":                       "write a figure of at least 1",
		"$general_days":              "give the parameter a value: only values are limits",
		"99999999999999999999 h":     `write "30 min", "24 h", "same day", "10 days", "1 week", "7 months", "3 working days", "4 working h", "half a working day", "as planned" or "always"`,
		"4000 days":                  `write at most ten years ("3660 days"), or "always"`,
		"PT24H":                      `write "30 min", "24 h", "same day", "10 days", "1 week", "7 months", "3 working days", "4 working h", "half a working day", "as planned" or "always"`,
		"":                           `write "30 min", "24 h", "same day", "10 days", "1 week", "7 months", "3 working days", "4 working h", "half a working day", "as planned" or "always"`,
		"within three working days!": `write "30 min", "24 h", "same day", "10 days", "1 week", "7 months", "3 working days", "4 working h", "half a working day", "as planned" or "always"`,
	} {
		_, err := calendar.ParseLimit(text)
		var limit *calendar.LimitError
		require.ErrorAs(t, err, &limit, text)
		require.Equal(t, advice, limit.Advice, text)
		require.Equal(t, text, limit.Text)
	}
}

func FuzzParseLimit(f *testing.F) {
	for _, s := range []string{"24 h", "3 working days", "half a working day", "1.5h", "３ 天", "-0 days", "$x", "9223372036854775807 years"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		l, err := calendar.ParseLimit(s)
		if err == nil {
			require.Equal(t, s, l.String())
			return
		}
		require.NotEmpty(t, err.Error())
	})
}

func TestSpanIsElapsedTimeWhereTheUnitHasOne(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"30 min": 30 * time.Minute, "24 h": 24 * time.Hour, "7 days": 168 * time.Hour, "1 week": 168 * time.Hour} {
		l, err := calendar.ParseLimit(text)
		require.NoError(t, err)
		got, ok := l.Span()
		require.True(t, ok)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"1 month", "1 working day", "4 working h", "half a working day", "same day", "as planned", "always"} {
		l, err := calendar.ParseLimit(text)
		require.NoError(t, err)
		_, ok := l.Span()
		require.False(t, ok, text)
	}
}
