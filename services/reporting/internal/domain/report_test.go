package domain_test

import (
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	"example.com/redress/services/kit/fault"
	"example.com/redress/services/reporting/internal/domain"
)

func TestPercent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		part, whole int64
		want        string
	}{
		{36, 40, "90.0%"},
		{34, 40, "85.0%"},
		{0, 0, ""},
		{0, 7, "0.0%"},
		{7, 7, "100.0%"},
		{1, 3, "33.3%"},
		{2, 3, "66.7%"},
		{1, 2000, "0.1%"},
		{1, 2001, "0.0%"}, // half is rounded up
	} {
		require.Equal(t, c.want, domain.Percent(c.part, c.whole), "%d/%d", c.part, c.whole)
	}
}

// TestPercentIsExact compares with rational arithmetic.
func TestPercentIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		whole := rapid.Int64Range(1, 1<<40).Draw(t, "whole")
		part := rapid.Int64Range(0, whole).Draw(t, "part")
		tenths := new(big.Rat).Add(new(big.Rat).SetFrac64(1000*part, whole), big.NewRat(1, 2))
		floor := new(big.Int).Quo(tenths.Num(), tenths.Denom())
		require.Equal(t, big.NewRat(0, 1).SetFrac(floor, big.NewInt(10)).FloatString(1)+"%", domain.Percent(part, whole))
	})
}

func TestMean(t *testing.T) {
	t.Parallel()
	require.Equal(t, "4.32", domain.Mean(164, 38))
	require.Equal(t, "4.05", domain.Mean(81, 20))
	require.Equal(t, "0.13", domain.Mean(1, 8), "half is rounded away from zero")
	require.Equal(t, "-0.13", domain.Mean(-1, 8))
	require.Equal(t, "0.00", domain.Mean(0, 8))
	require.Empty(t, domain.Mean(0, 0))
}

func TestMonth(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Asia/Shanghai")
	require.NoError(t, err)
	p, err := domain.Month("2026-12", zone)
	require.NoError(t, err)
	require.Equal(t, time.Date(2026, 11, 30, 16, 0, 0, 0, time.UTC), p.From)
	require.Equal(t, time.Date(2026, 12, 31, 16, 0, 0, 0, time.UTC), p.To)
	require.True(t, p.Holds(p.From))
	require.False(t, p.Holds(p.To))
	require.Equal(t, []string{"2026-11", "2026-12"}, p.Months())
	require.NoError(t, p.Over(p.To, nil))
	require.Equal(t, domain.ReasonPeriodNotOver, fault.ReasonOf(p.Over(p.To.Add(-time.Microsecond), nil)))
	require.Equal(t, "2026-11", domain.MonthOf(timestamppb.New(p.From)))
	_, err = domain.Month("2026-13", zone)
	require.Error(t, err)
}
