package calendar_test

import (
	"fmt"
	"time"

	"example.com/redress/services/kit/calendar"
)

func ExampleCalendar_Due() {
	holidays, _ := calendar.NamedHolidays("cn")
	c, _ := calendar.New("Asia/Shanghai", []string{"mon-fri 09:00-18:00"}, holidays)
	limit, _ := calendar.ParseLimit("3 working days")
	start := time.Date(2026, 2, 12, 10, 0, 0, 0, c.Location())
	due, _ := c.Due(start, limit)
	fmt.Println(due.Time.In(c.Location()).Format(time.DateTime)) // over Spring Festival
	// Output: 2026-02-24 18:00:00
}
