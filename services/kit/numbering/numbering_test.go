package numbering_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/kit/numbering"
)

var april = time.Date(2026, time.April, 8, 9, 30, 0, 0, time.UTC)

func TestNumber(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		"8D{date}{serial:3/day}":     "8D20260408007",
		"KS-{month}-{serial:2/year}": "KS-202604-07",
		"{year}{serial:1/always}":    "20267",
		"A":                          "A",
	} {
		p, err := numbering.Parse(pattern)
		require.NoError(t, err, pattern)
		require.Equal(t, want, p.Number(april, 7), pattern)
	}
}

func TestASerialThatOutgrowsItsWidthKeepsAllDigits(t *testing.T) {
	t.Parallel()
	p, err := numbering.Parse("{serial:2/day}")
	require.NoError(t, err)
	require.Equal(t, "100", p.Number(april, 100))
}

func TestSeriesBeginAnewWithTheirPeriod(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		"{serial:3/day}": "f/20260408", "{serial:3/month}": "f/202604", "{serial:3/year}": "f/2026", "{serial:3/always}": "f", "X{date}": "",
	} {
		p, err := numbering.Parse(pattern)
		require.NoError(t, err)
		require.Equal(t, want, p.Key("f", april), pattern)
	}
}

func TestPatternsThatMeanNothingAreRefused(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"{serial:0/day}", "{serial:3/week}", "{serial}", "{day}", "{date", "{serial:1/day}{serial:1/day}", "{serial:x/day}"} {
		_, err := numbering.Parse(pattern)
		require.Error(t, err, pattern)
	}
}
