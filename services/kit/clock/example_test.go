package clock_test

import (
	"fmt"
	"time"

	"example.com/redress/services/kit/clock"
)

func ExampleVirtual_Advance() {
	v := clock.NewVirtual(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	due := v.After(v.Now().Add(24 * time.Hour))
	if err := v.Advance(v.Now().Add(24 * time.Hour)); err != nil {
		fmt.Println(err)
	}
	<-due // closed before Advance returned
	fmt.Println(v.Now().Format(time.RFC3339))
	// Output: 2026-03-03T09:00:00Z
}
