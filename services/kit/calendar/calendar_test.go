package calendar_test

import (
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/stretchr/testify/require"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	"example.com/redress/services/kit/calendar"
	"example.com/redress/services/kit/fault"
)

const day = "mon-fri 09:00-18:00"

func build(t testing.TB, zone, holidays string, open ...string) *calendar.Calendar {
	t.Helper()
	h, err := calendar.NamedHolidays(holidays)
	require.NoError(t, err)
	c, err := calendar.New(zone, open, h)
	require.NoError(t, err)
	return c
}

// at reads "2026-03-02 10:15:00" in the zone of the calendar.
func at(t testing.TB, c *calendar.Calendar, s string) time.Time {
	t.Helper()
	out, err := time.ParseInLocation(time.DateTime, s, c.Location())
	require.NoError(t, err)
	return out.UTC()
}

func limit(t testing.TB, s string) calendar.Limit {
	t.Helper()
	l, err := calendar.ParseLimit(s)
	require.NoError(t, err)
	return l
}

func local(c *calendar.Calendar, t time.Time) string { return t.In(c.Location()).Format(time.DateTime) }

// TestDueOfEveryScenario holds every clock of SCENARIOS.md, on calendar D.
func TestDueOfEveryScenario(t *testing.T) {
	t.Parallel()
	c := build(t, "Asia/Shanghai", "none", day)
	for _, row := range []struct{ scenario, start, limit, due string }{
		{"P01-S1 response", "2026-03-02 10:15:00", "3 working days", "2026-03-05 18:00:00"},
		{"P01-S1 solution", "2026-03-02 10:15:00", "14 working days", "2026-03-20 18:00:00"},
		{"P01-S5 response", "2026-03-06 17:50:00", "3 working days", "2026-03-11 18:00:00"},
		{"P01-S5 solution", "2026-03-06 17:50:00", "14 working days", "2026-03-26 18:00:00"},
		{"P11-S1 agreement", "2026-04-13 09:20:00", "1 day", "2026-04-14 23:59:59"},
		{"P11-S1 case", "2026-04-13 09:20:00", "1 week", "2026-04-20 23:59:59"},
		{"P11-S1 report", "2026-04-16 17:00:00", "3 days", "2026-04-19 23:59:59"},
		{"P11-S2 tracking call", "2026-04-17 15:00:00", "same day", "2026-04-17 23:59:59"},
		{"P11-S3 agreement", "2026-04-17 16:30:00", "1 day", "2026-04-18 23:59:59"},
		{"P11-S3 case", "2026-04-17 16:30:00", "1 week", "2026-04-24 23:59:59"},
		{"P12-S1 window", "2026-05-06 00:00:00", "10 days", "2026-05-16 23:59:59"},
		{"P12-S2 ordinary", "2026-05-18 09:40:00", "15 days", "2026-06-02 23:59:59"},
		{"P12-S2 urgent", "2026-05-22 14:00:00", "3 working days", "2026-05-27 18:00:00"},
		{"P13-S2 reply", "2026-03-07 21:40:00", "24 h", "2026-03-08 21:40:00"},
		{"P14-S4 pass on", "2026-06-10 10:05:00", "1 h", "2026-06-10 11:05:00"},
		{"P15-S1 Monday morning", "2026-03-09 09:00:00", "half a working day", "2026-03-09 13:30:00"},
		{"P15-S1 Monday afternoon", "2026-03-09 14:00:00", "half a working day", "2026-03-10 09:30:00"},
		{"P15-S1 Saturday", "2026-03-14 10:00:00", "half a working day", "2026-03-16 13:30:00"},
		{"P15-S2 general", "2026-03-09 14:00:00", "4 h", "2026-03-09 18:00:00"},
		{"P15-S2 major", "2026-03-09 14:00:00", "8 h", "2026-03-09 22:00:00"},
		{"P15-S3 contact", "2026-03-13 16:00:00", "1 working day", "2026-03-16 18:00:00"},
		{"P15-S5 fine", "2026-03-18 09:00:00", "3 days", "2026-03-21 23:59:59"},
		{"P17-S2 transfer", "2026-05-11 10:00:00", "3 working days", "2026-05-14 18:00:00"},
		{"P17-S2 general", "2026-05-11 10:00:00", "7 working days", "2026-05-20 18:00:00"},
		{"P17-S2 complicated", "2026-05-11 10:00:00", "15 working days", "2026-06-01 18:00:00"},
		{"P19-S1 minor", "2026-03-20 16:30:00", "3 h", "2026-03-20 19:30:00"},
		{"P19-S1 general", "2026-03-20 16:30:00", "24 h", "2026-03-21 16:30:00"},
		{"P19-S1 major", "2026-03-20 16:30:00", "48 h", "2026-03-22 16:30:00"},
		{"P26-S1 general", "2026-04-08 17:20:00", "24 h", "2026-04-09 17:20:00"},
		{"P26-S1 serious", "2026-04-08 17:20:00", "12 h", "2026-04-09 05:20:00"},
		{"P26-S1 major", "2026-04-08 17:20:00", "2 h", "2026-04-08 19:20:00"},
		{"P26-S3 exchange", "2026-04-09 11:00:00", "5 working days", "2026-04-16 18:00:00"},
		{"P27-S1 standard window", "2026-01-10 00:00:00", "30 days", "2026-02-09 23:59:59"},
		{"P27-S1 in use", "2026-01-10 00:00:00", "60 days", "2026-03-11 23:59:59"},
		{"P27-S1 unused", "2026-01-10 00:00:00", "90 days", "2026-04-10 23:59:59"},
		{"P27-S1 loss data", "2026-01-10 00:00:00", "7 months", "2026-08-10 23:59:59"},
		{"P27-S2 evidence", "2026-02-09 17:00:00", "30 days", "2026-03-11 23:59:59"},
		{"P27-S4 driver", "2026-06-09 13:00:00", "30 min", "2026-06-09 13:30:00"},
		{"P27-S4 quality", "2026-06-09 13:25:00", "30 min", "2026-06-09 13:55:00"},
		{"P27-S4 paperwork", "2026-06-09 15:20:00", "24 h", "2026-06-10 15:20:00"},
		{"P27-S4 store", "2026-06-11 10:00:00", "1 working day", "2026-06-12 18:00:00"},
	} {
		t.Run(row.scenario, func(t *testing.T) {
			t.Parallel()
			due, err := c.Due(at(t, c, row.start), limit(t, row.limit))
			require.NoError(t, err)
			require.Equal(t, row.due, local(c, due.Time))
			require.False(t, due.Provisional)
			require.Equal(t, time.UTC, due.Time.Location())
		})
	}
}

func TestDueAtTheEdges(t *testing.T) {
	t.Parallel()
	d := build(t, "Asia/Shanghai", "none", day)
	split := build(t, "Asia/Shanghai", "none", "mon-fri 09:00-12:00 13:30-18:00", "sat 09:00-12:00")
	round := build(t, "Asia/Shanghai", "none", "mon-sun 00:00-24:00")
	for _, row := range []struct {
		name              string
		c                 *calendar.Calendar
		start, limit, due string
	}{
		{"NineHoursFromOpeningEndAtClosing", d, "2026-03-09 09:00:00", "9 working h", "2026-03-09 18:00:00"},
		{"StartAtClosingBeginsAtTheNextOpening", d, "2026-03-09 18:00:00", "30 working min", "2026-03-10 09:30:00"},
		{"StartBeforeOpeningBeginsAtOpening", d, "2026-03-09 03:00:00", "4 working h", "2026-03-09 13:00:00"},
		{"OtherReadingOfK4", d, "2026-03-02 10:15:00", "27 working h", "2026-03-05 10:15:00"},
		{"MiddayBreakDoesNotCount", split, "2026-03-09 11:00:00", "2 working h", "2026-03-09 14:30:00"},
		{"HalfOfTheStandardDay", split, "2026-03-14 09:00:00", "half a working day", "2026-03-16 09:45:00"},
		{"ClosingOfAShortDay", split, "2026-03-13 10:00:00", "1 working day", "2026-03-14 12:00:00"},
		{"OpenUntilMidnightEndsWithTheDate", round, "2026-03-13 10:00:00", "1 working day", "2026-03-14 23:59:59"},
		{"WorkingTimeCrossesMidnight", round, "2026-03-13 22:00:00", "4 working h", "2026-03-14 02:00:00"},
		{"MonthsClampToTheEnd", d, "2026-01-31 10:00:00", "1 month", "2026-02-28 23:59:59"},
		{"MonthsClampInALeapYear", d, "2024-01-31 10:00:00", "1 month", "2024-02-29 23:59:59"},
		{"MonthsDoNotClampTwice", d, "2026-01-31 10:00:00", "2 months", "2026-03-31 23:59:59"},
		{"MonthsCrossTheYear", d, "2026-11-30 10:00:00", "3 months", "2027-02-28 23:59:59"},
		{"LastSecondOfADate", d, "2026-03-02 23:59:59", "1 day", "2026-03-03 23:59:59"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			due, err := row.c.Due(at(t, row.c, row.start), limit(t, row.limit))
			require.NoError(t, err)
			require.Equal(t, row.due, local(row.c, due.Time))
		})
	}
}

func TestDueTruncatesTheStartToTheSecond(t *testing.T) {
	t.Parallel()
	c := build(t, "Asia/Shanghai", "none", day)
	start := at(t, c, "2026-03-09 09:00:00").Add(999_999 * time.Microsecond)
	due, err := c.Due(start, limit(t, "30 min"))
	require.NoError(t, err)
	require.Equal(t, "2026-03-09 09:30:00", local(c, due.Time))
	require.Zero(t, due.Time.Nanosecond())
}

func TestDueOnChinasCalendar(t *testing.T) {
	t.Parallel()
	c := build(t, "Asia/Shanghai", "cn", day)
	for _, row := range []struct {
		name, start, limit, due string
		provisional             bool
	}{
		{"ExchangedSaturdayCounts", "2026-02-12 10:00:00", "2 working days", "2026-02-14 18:00:00", false},
		{"SpringFestivalDoesNot", "2026-02-14 10:00:00", "1 working day", "2026-02-24 18:00:00", false},
		{"ExchangedSundayCounts", "2026-09-18 10:00:00", "1 working day", "2026-09-20 18:00:00", false},
		{"HoursAccrueOnAnExchangedDay", "2026-02-13 17:00:00", "2 working h", "2026-02-14 10:00:00", false},
		{"HoursStandStillInTheHoliday", "2026-02-14 17:00:00", "2 working h", "2026-02-24 10:00:00", false},
		{"NationalDayOf2024", "2024-09-30 09:00:00", "1 working day", "2024-10-08 18:00:00", false},
		{"CalendarDaysKnowNoHoliday", "2026-02-14 10:00:00", "1 day", "2026-02-15 23:59:59", false},
		{"LastDayOfTheData", "2026-12-30 10:00:00", "1 working day", "2026-12-31 18:00:00", false},
		{"YearNotAnnouncedIsFlagged", "2026-12-31 10:00:00", "1 working day", "2027-01-01 18:00:00", true},
		{"HoursIntoTheYearNotAnnounced", "2026-12-31 17:00:00", "2 working h", "2027-01-01 10:00:00", true},
		{"WhollyInTheYearNotAnnounced", "2027-03-01 10:00:00", "1 working day", "2027-03-02 18:00:00", true},
		{"ElapsedTimeIsNeverProvisional", "2027-03-01 10:00:00", "24 h", "2027-03-02 10:00:00", false},
		{"CalendarDaysAreNeverProvisional", "2027-03-01 10:00:00", "1 month", "2027-04-01 23:59:59", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			due, err := c.Due(at(t, c, row.start), limit(t, row.limit))
			require.NoError(t, err)
			require.Equal(t, row.due, local(c, due.Time))
			require.Equal(t, row.provisional, due.Provisional)
		})
	}
	t.Run("BeforeTheDataIsAnError", func(t *testing.T) {
		t.Parallel()
		_, err := c.Due(at(t, c, "2023-12-28 10:00:00"), limit(t, "2 working days"))
		require.Equal(t, calendar.ReasonYearNotCovered, fault.ReasonOf(err))
		_, err = c.Due(at(t, c, "2023-12-28 10:00:00"), limit(t, "2 working h"))
		require.Equal(t, calendar.ReasonYearNotCovered, fault.ReasonOf(err))
		_, err = c.Due(at(t, c, "2023-12-28 10:00:00"), limit(t, "2 days"))
		require.NoError(t, err)
	})
	require.Equal(t, "cn@2026-1", c.ID())
}

func TestDueRefusesWhatHasNoInstant(t *testing.T) {
	t.Parallel()
	c := build(t, "Asia/Shanghai", "none", day)
	for _, l := range []calendar.Limit{limit(t, "as planned"), limit(t, "always"), {}} {
		require.False(t, l.Computable())
		_, err := c.Due(time.Unix(0, 0), l)
		require.Equal(t, calendar.ReasonNotComputable, fault.ReasonOf(err))
	}
	bare := build(t, "Asia/Shanghai", "none")
	for _, s := range []string{"1 working day", "1 working h", "half a working day"} {
		_, err := bare.Due(time.Unix(0, 0), limit(t, s))
		require.Equal(t, calendar.ReasonNoHours, fault.ReasonOf(err))
	}
	_, err := bare.Due(time.Unix(0, 0), limit(t, "1 day"))
	require.NoError(t, err)
}

// TestDueWhereTheOffsetChanges: New York goes from UTC-5 to UTC-4 on 2026-03-08
// at 02:00 and back on 2026-11-01 at 02:00.
func TestDueWhereTheOffsetChanges(t *testing.T) {
	t.Parallel()
	office := build(t, "America/New_York", "none", "mon-fri 09:00-17:00")
	night := build(t, "America/New_York", "none", "mon-sun 00:00-06:00")
	gap := build(t, "America/New_York", "none", "sun 02:30-05:00", "mon 09:00-17:00")
	twice := build(t, "America/New_York", "none", "sun 00:00-01:30", "mon 09:00-17:00")
	for _, row := range []struct {
		name              string
		c                 *calendar.Calendar
		start, limit, due string
	}{
		{"ElapsedHoursShiftTheWallClock", office, "2026-03-07 10:00:00", "24 h", "2026-03-08 11:00:00"},
		{"DatesKeepTheWallClock", office, "2026-03-07 10:00:00", "1 day", "2026-03-08 23:59:59"},
		{"WorkingDaysKeepTheWallClock", office, "2026-03-06 10:00:00", "1 working day", "2026-03-09 17:00:00"},
		{"OfficeHoursDoNotNotice", office, "2026-03-06 16:00:00", "2 working h", "2026-03-09 10:00:00"},
		{"ShortNightHasFiveHours", night, "2026-03-07 12:00:00", "6 working h", "2026-03-09 01:00:00"},
		{"LongNightHasSevenHours", night, "2026-10-31 12:00:00", "7 working h", "2026-11-01 06:00:00"},
		{"OpeningInTheGapIsTheChange", gap, "2026-03-08 00:00:00", "1 working h", "2026-03-08 04:00:00"},
		{"ClosingInTheRepeatedHourIsTheSecond", twice, "2026-11-01 00:00:00", "150 working min", "2026-11-01 01:30:00"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			due, err := row.c.Due(at(t, row.c, row.start), limit(t, row.limit))
			require.NoError(t, err)
			require.Equal(t, row.due, local(row.c, due.Time))
		})
	}
	t.Run("AZoneThatChangesAtMidnight", func(t *testing.T) {
		t.Parallel()
		c := build(t, "Africa/Cairo", "none", "sun-thu 09:00-17:00")
		date, err := calendar.ParseDate("2026-04-24") // 00:00 does not exist
		require.NoError(t, err)
		require.Equal(t, "2026-04-24 01:00:00", local(c, c.Start(date)))
		require.Equal(t, "2026-04-24 23:59:59", local(c, c.End(date)))
		require.Equal(t, date, c.Date(c.Start(date)))
		require.Equal(t, date-1, c.Date(c.Start(date).Add(-time.Second)))
	})
}

func TestAtFallsDueAtTheHourOfTheUnit(t *testing.T) {
	t.Parallel()
	c := build(t, "Asia/Shanghai", "cn", day)
	for _, row := range []struct {
		date  string
		basis clockv1.Clock_Basis
		want  string
	}{
		{"2026-06-03", clockv1.Clock_BASIS_WORKING_DAYS, "2026-06-03 18:00:00"}, // P17-S5
		{"2026-06-03", clockv1.Clock_BASIS_WORKING_TIME, "2026-06-03 18:00:00"},
		{"2026-06-06", clockv1.Clock_BASIS_WORKING_DAYS, "2026-06-06 18:00:00"},
		{"2026-06-03", clockv1.Clock_BASIS_CALENDAR_DAYS, "2026-06-03 23:59:59"},
		{"2026-06-03", clockv1.Clock_BASIS_ELAPSED, "2026-06-03 23:59:59"},
		{"2026-06-03", clockv1.Clock_BASIS_FIXED, "2026-06-03 23:59:59"},
	} {
		date, err := calendar.ParseDate(row.date)
		require.NoError(t, err)
		got, err := c.At(date, row.basis)
		require.NoError(t, err)
		require.Equal(t, row.want, local(c, got))
	}
}

func TestMovedKeepsWhatWasLeft(t *testing.T) {
	t.Parallel()
	c := build(t, "Asia/Shanghai", "cn", day)
	for _, row := range []struct {
		name                string
		basis               clockv1.Clock_Basis
		due, from, to, want string
	}{
		{"ElapsedMovesBySeconds", clockv1.Clock_BASIS_ELAPSED, "2026-03-08 21:40:00", "2026-03-08 10:00:00", "2026-03-08 12:30:10", "2026-03-09 00:10:10"},
		{"PlannedMovesBySeconds", clockv1.Clock_BASIS_FIXED, "2026-03-08 18:00:00", "2026-03-07 10:00:00", "2026-03-08 10:00:00", "2026-03-09 18:00:00"},
		{"DaysMoveByMidnights", clockv1.Clock_BASIS_CALENDAR_DAYS, "2026-03-08 23:59:59", "2026-03-05 23:00:00", "2026-03-07 01:00:00", "2026-03-10 23:59:59"},
		{"DaysDoNotMoveWithinADate", clockv1.Clock_BASIS_CALENDAR_DAYS, "2026-03-08 23:59:59", "2026-03-05 01:00:00", "2026-03-05 23:00:00", "2026-03-08 23:59:59"},
		{"WorkingDaysMoveByWorkingDates", clockv1.Clock_BASIS_WORKING_DAYS, "2026-03-05 18:00:00", "2026-03-03 10:00:00", "2026-03-09 10:00:00", "2026-03-11 18:00:00"},
		{"WorkingDaysLeaveOutTheHoliday", clockv1.Clock_BASIS_WORKING_DAYS, "2026-02-14 18:00:00", "2026-02-13 10:00:00", "2026-02-24 10:00:00", "2026-02-25 18:00:00"},
		{"WorkingDaysPausedOverAWeekendStay", clockv1.Clock_BASIS_WORKING_DAYS, "2026-03-10 18:00:00", "2026-03-06 10:00:00", "2026-03-08 10:00:00", "2026-03-10 18:00:00"},
		{"PausedOnTheDueDateOverTheWeekend", clockv1.Clock_BASIS_WORKING_DAYS, "2026-03-06 18:00:00", "2026-03-06 10:00:00", "2026-03-07 10:00:00", "2026-03-09 18:00:00"},
		{"PausedOnTheDueDateUntilAfterClosing", clockv1.Clock_BASIS_WORKING_DAYS, "2026-03-06 18:00:00", "2026-03-06 10:00:00", "2026-03-06 19:00:00", "2026-03-09 18:00:00"},
		{"WorkingTimeKeepsTheRest", clockv1.Clock_BASIS_WORKING_TIME, "2026-03-10 09:30:00", "2026-03-09 16:00:00", "2026-03-11 10:00:00", "2026-03-11 12:30:00"},
		{"WorkingTimePausedOutsideHoursStays", clockv1.Clock_BASIS_WORKING_TIME, "2026-03-10 09:30:00", "2026-03-09 18:30:00", "2026-03-10 08:00:00", "2026-03-10 09:30:00"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			got, err := c.Moved(at(t, c, row.due), at(t, c, row.from), at(t, c, row.to), row.basis)
			require.NoError(t, err)
			require.Equal(t, row.want, local(c, got.Time))
		})
	}
}

func TestPeriodCountsTheLengthOfLateness(t *testing.T) {
	t.Parallel()
	c := build(t, "Asia/Shanghai", "none", day)
	for _, row := range []struct {
		from, each string
		n          int
		want       string
	}{
		{"2026-03-21 16:30:00", "24 h", 2, "2026-03-23 16:30:00"},   // P19-S3
		{"2026-04-30 18:00:00", "7 days", 2, "2026-05-14 18:00:00"}, // P19-S3
		{"2026-04-30 18:00:00", "1 week", 2, "2026-05-14 18:00:00"},
		{"2026-01-31 18:00:00", "1 month", 1, "2026-02-28 18:00:00"},
		{"2026-03-06 18:00:00", "1 working day", 2, "2026-03-10 18:00:00"},
		{"2026-03-06 18:00:00", "half a working day", 3, "2026-03-10 13:30:00"},
		{"2026-03-06 18:00:00", "4 working h", 1, "2026-03-09 13:00:00"},
	} {
		got, err := c.Period(at(t, c, row.from), limit(t, row.each), row.n)
		require.NoError(t, err)
		require.Equal(t, row.want, local(c, got), row.each)
	}
}

func TestExplainNamesWhatWasLeftOut(t *testing.T) {
	t.Parallel()
	c := build(t, "Asia/Shanghai", "cn", day)
	got, err := c.Explain(at(t, c, "2026-02-13 16:00:00"), limit(t, "12 working h"))
	require.NoError(t, err)
	type line struct{ kind, from, to, note string }
	var lines []line
	for _, i := range got {
		lines = append(lines, line{i.Kind.String(), local(c, i.Start), local(c, i.End), i.Note})
	}
	require.Equal(t, line{"KIND_COUNTED", "2026-02-13 16:00:00", "2026-02-13 18:00:00", "2026-02-13"}, lines[0])
	require.Equal(t, line{"KIND_NOT_COUNTED", "2026-02-13 18:00:00", "2026-02-14 09:00:00", "outside working hours"}, lines[1])
	require.Equal(t, line{"KIND_EXCHANGED_WORKING_DAY", "2026-02-14 09:00:00", "2026-02-14 18:00:00", "2026-02-14 exchanged working day"}, lines[2])
	require.Equal(t, line{"KIND_NOT_COUNTED", "2026-02-14 18:00:00", "2026-02-15 00:00:00", "outside working hours"}, lines[3])
	require.Equal(t, line{"KIND_HOLIDAY", "2026-02-15 00:00:00", "2026-02-16 00:00:00", "2026-02-15 春节"}, lines[4])
	require.Equal(t, line{"KIND_COUNTED", "2026-02-24 09:00:00", "2026-02-24 10:00:00", "2026-02-24"}, lines[len(lines)-1])
}

func TestNewRefusesWhatItCannotMean(t *testing.T) {
	t.Parallel()
	none := calendar.NoHolidays()
	for _, row := range []struct {
		zone, open, says string
	}{
		{"", day, "zone"},
		{"Local", day, "zone"},
		{"Asia/Nowhere", day, "Asia/Nowhere"},
		{"Asia/Shanghai", "mon-fri", "write days and hours"},
		{"Asia/Shanghai", "monday 09:00-18:00", "names no days"},
		{"Asia/Shanghai", "mon,mon 09:00-18:00", "twice"},
		{"Asia/Shanghai", "mon 9:00-18:00", "no opening time"},
		{"Asia/Shanghai", "mon 09:60-18:00", "no such time"},
		{"Asia/Shanghai", "mon 09:00-24:01", "no such time"},
		{"Asia/Shanghai", "mon 22:00-06:00", "two lines"},
		{"Asia/Shanghai", "mon 09:00-12:00 11:00-18:00", "overlap"},
	} {
		_, err := calendar.New(row.zone, []string{row.open}, none)
		require.ErrorContains(t, err, row.says, row.open)
	}
	_, err := calendar.New("Asia/Shanghai", []string{day}, calendar.Holidays{})
	require.ErrorContains(t, err, "name a data set")
}

func TestReasonsAreWellFormed(t *testing.T) {
	t.Parallel()
	_, err := fault.NewCatalogue(calendar.Reasons()...)
	require.NoError(t, err)
}
