package money_test

import (
	"math/big"
	"testing"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/money"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func yuan(t require.TestingT, text string) money.Amount {
	a, err := money.ParseText(money.CNY, text)
	require.NoError(t, err)
	return a
}

func TestParsesWhatTheContractAllowsAndNothingElse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0": "0.00", "0.5": "0.50", "50000": "50000.00", "50000.01": "50000.01", "999999999999.99": "999999999999.99",
	} {
		a, err := money.Parse(&typev1.Money{CurrencyCode: "CNY", Amount: text})
		require.NoError(t, err, text)
		require.Equal(t, want, a.Format().GetAmount())
		require.Equal(t, "CNY", a.Format().GetCurrencyCode())
	}
	for _, text := range []string{"", ".5", "5.", "05", "00", "-1", "+1", "1e3", "1,000", "1.234", "1000000000000", " 1", "１", "0x1", "NaN", "1.2.3", "1. 2", "1.-2"} {
		_, err := money.ParseText(money.CNY, text)
		require.Equal(t, money.ReasonMalformed, fault.ReasonOf(err), text)
	}
	for _, currency := range []string{"", "cny", "CN", "CNYY", "CN1"} {
		_, err := money.ParseText(currency, "1")
		require.Equal(t, money.ReasonMalformed, fault.ReasonOf(err), currency)
	}
	_, err := money.Parse(nil)
	require.Error(t, err)
}

// Source: PROCEDURES K8: 50,000.01 is above 50,000.
func TestBoundsAreExact(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want int
	}{{"50000.01", "50000", 1}, {"50000", "50000.00", 0}, {"49999.99", "50000.00", -1}, {"9", "10", -1}} {
		got, err := yuan(t, c.a).Cmp(yuan(t, c.b))
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
}

func TestCurrenciesNeverMixAndResultsStayInRange(t *testing.T) {
	t.Parallel()
	usd, err := money.ParseText("USD", "1")
	require.NoError(t, err)
	_, err = usd.Cmp(yuan(t, "1"))
	require.Equal(t, money.ReasonCurrency, fault.ReasonOf(err))
	_, err = money.Sum(money.CNY, yuan(t, "1"), usd)
	require.Equal(t, money.ReasonCurrency, fault.ReasonOf(err))
	_, err = money.Amount{}.Add(money.Amount{})
	require.Equal(t, money.ReasonCurrency, fault.ReasonOf(err))
	_, err = yuan(t, "999999999999.99").Add(yuan(t, "0.01"))
	require.Equal(t, money.ReasonRange, fault.ReasonOf(err))
	_, err = yuan(t, "1").Sub(yuan(t, "1.01"))
	require.Equal(t, money.ReasonRange, fault.ReasonOf(err))
	for _, n := range []int64{-1, 1 << 62} {
		_, err = yuan(t, "5").Times(n)
		require.Equal(t, money.ReasonRange, fault.ReasonOf(err))
	}
	fine, err := yuan(t, "12.34").Times(3)
	require.NoError(t, err)
	require.Equal(t, "37.02", fine.Text())
	rest, err := yuan(t, "12.34").Sub(yuan(t, "12.34"))
	require.NoError(t, err)
	require.True(t, rest.IsZero())
	_, err = fault.NewCatalogue(money.Reasons()...)
	require.NoError(t, err)
}

func TestSharesAddUpExactly(t *testing.T) {
	t.Parallel()
	parts, rest, err := yuan(t, "100.00").Shares(3333, 3333)
	require.NoError(t, err)
	require.Equal(t, []money.Amount{yuan(t, "33.33"), yuan(t, "33.33")}, parts)
	require.Equal(t, yuan(t, "33.34"), rest)

	// Source: P27 4.2.2 d: fuel 80 % company, 20 % representative.
	parts, rest, err = yuan(t, "0.01").Shares(8000, 2000)
	require.NoError(t, err)
	require.Equal(t, []money.Amount{yuan(t, "0.01"), yuan(t, "0")}, parts)
	require.True(t, rest.IsZero())

	_, _, err = yuan(t, "1").Shares(6000, 5000)
	require.ErrorIs(t, err, money.ErrShare)
	_, _, err = yuan(t, "1").Shares(-1)
	require.ErrorIs(t, err, money.ErrShare)
	for _, weights := range [][]int64{{}, {0, 0}, {-1, 2}, {1 << 62, 1 << 62}} {
		_, err = yuan(t, "1").Split(weights...)
		require.ErrorIs(t, err, money.ErrShare)
	}
}

func TestShareTexts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]money.Share{"40%": 4000, "33.33%": 3333, "0%": 0, "100%": money.Whole, "0.5%": 50} {
		got, err := money.ParseShare(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got)
	}
	require.Equal(t, "40%", money.Share(4000).String())
	require.Equal(t, "33.30%", money.Share(3330).String())
	for _, text := range []string{"", "40", "%", "-1%", "100.01%", "33.333%", "1.%", "1e1%", "101%"} {
		_, err := money.ParseShare(text)
		require.ErrorIs(t, err, money.ErrShare, text)
	}
}

func amounts() *rapid.Generator[money.Amount] {
	return rapid.Custom(func(t *rapid.T) money.Amount {
		return yuan(t, rapid.StringMatching(`(0|[1-9][0-9]{0,8})(\.[0-9]{1,2})?`).Draw(t, "amount"))
	})
}

func exact(t require.TestingT, a money.Amount) *big.Rat {
	r, ok := new(big.Rat).SetString(a.Text())
	require.True(t, ok)
	return r
}

func TestArithmeticAgreesWithExactFractions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := amounts().Draw(t, "a"), amounts().Draw(t, "b")
		sum, err := a.Add(b)
		require.NoError(t, err)
		require.Zero(t, exact(t, sum).Cmp(new(big.Rat).Add(exact(t, a), exact(t, b))))
		back, err := sum.Sub(b)
		require.NoError(t, err)
		require.Equal(t, a, back)
		order, err := a.Cmp(b)
		require.NoError(t, err)
		require.Equal(t, exact(t, a).Cmp(exact(t, b)), order)
		again, err := money.Parse(a.Format())
		require.NoError(t, err)
		require.Equal(t, a, again)
	})
}

func TestSplitsAreExactAndFair(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := amounts().Draw(t, "a")
		weights := rapid.SliceOfN(rapid.Int64Range(0, 1<<40), 1, 12).Draw(t, "weights")
		total := new(big.Rat)
		for _, w := range weights {
			total.Add(total, new(big.Rat).SetInt64(w))
		}
		parts, err := a.Split(weights...)
		if total.Sign() == 0 {
			require.ErrorIs(t, err, money.ErrShare)
			return
		}
		require.NoError(t, err)
		sum, err := money.Sum(money.CNY, parts...)
		require.NoError(t, err)
		require.Equal(t, a, sum)
		for i, w := range weights {
			fair := new(big.Rat).Quo(new(big.Rat).Mul(exact(t, a), new(big.Rat).SetInt64(w)), total)
			away := new(big.Rat).Abs(fair.Sub(fair, exact(t, parts[i])))
			require.Negative(t, away.Cmp(big.NewRat(1, 100)))
			require.False(t, w == 0 && !parts[i].IsZero())
		}
	})
}

func FuzzParseText(f *testing.F) {
	f.Add("50000.00")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := money.ParseText(money.CNY, text)
		if err != nil {
			return
		}
		want, ok := new(big.Rat).SetString(text)
		require.True(t, ok)
		require.Zero(t, want.Cmp(exact(t, a)))
	})
}
