package calendar_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func BenchmarkDue(b *testing.B) {
	c := build(b, "Asia/Shanghai", "cn", day)
	start := at(b, c, "2026-02-12 10:15:00")
	for _, text := range []string{"24 h", "10 days", "5 working days", "27 working h"} {
		l := limit(b, text)
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, err := c.Due(start, l)
				require.NoError(b, err)
			}
		})
	}
}
