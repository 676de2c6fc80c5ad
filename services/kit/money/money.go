// Package money compares, adds and splits exact amounts.
//
// An [Amount] is a whole number of hundredths in one currency, so nothing is
// ever rounded on the way: parsing refuses a third decimal place, sums that
// leave the range of redress.type.v1.Money are refused, and [Amount.Split] and
// [Amount.Shares] hand out exactly what there is. Amounts of different
// currencies neither compare nor add.
//
// Source: PROCEDURES K8; docs/adr/0007.
package money

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
)

// CNY is the currency of every procedure shipped with the suite.
const CNY = "CNY"

// largest is the biggest amount in hundredths: 999,999,999,999.99, twelve digits
// before the point as redress.type.v1.Money allows.
const largest = 99_999_999_999_999

// Reasons of the faults of this package.
const (
	// ReasonMalformed: not an amount.
	ReasonMalformed = "MONEY_MALFORMED"
	// ReasonCurrency: amounts of different currencies were put together.
	ReasonCurrency = "MONEY_CURRENCY"
	// ReasonRange: a result is below zero or too large.
	ReasonRange = "MONEY_RANGE"
)

// Reasons returns the catalogue entries of this package.
func Reasons() []fault.Entry {
	return []fault.Entry{
		{Reason: ReasonMalformed, Kind: fault.Invalid, ZH: "“{amount}”不是最多两位小数的金额。", EN: "{amount} is not an amount with at most two decimal places."},
		{Reason: ReasonCurrency, Kind: fault.Invalid, ZH: "币种不同：{have} 与 {other}。", EN: "Different currencies: {have} and {other}."},
		{Reason: ReasonRange, Kind: fault.Invalid, ZH: "金额超出允许范围（0 至 999999999999.99）。", EN: "The amount leaves the range from 0 to 999999999999.99."},
	}
}

// Amount is an exact amount of 0 or more. The zero value is no amount: it has
// no currency and neither compares nor adds. Values are immutable; == is equality.
type Amount struct {
	currency string
	minor    int64 // hundredths
}

// Zero returns nothing, in the currency.
func Zero(currency string) Amount { return Amount{currency: currency} }

// Parse returns the amount of m. Fault: MONEY_MALFORMED, also for nil.
func Parse(m *typev1.Money) (Amount, error) { return ParseText(m.GetCurrencyCode(), m.GetAmount()) }

// ParseText returns the amount written as redress.type.v1.Money writes it:
// "50000", "50000.5" or "50000.00", without sign, exponent, grouping or
// needless zeros in front.
func ParseText(currency, text string) (Amount, error) {
	malformed := fault.New(fault.Invalid, ReasonMalformed, "amount", text)
	if !isCurrency(currency) {
		return Amount{}, malformed.WithFacts("currency", currency)
	}
	whole, decimals, point := strings.Cut(text, ".")
	if whole == "" || len(whole) > 12 || (whole[0] == '0' && len(whole) > 1) || len(decimals) > 2 || (point && decimals == "") || !digits(whole) || !digits(decimals) {
		return Amount{}, malformed
	}
	minor, err := strconv.ParseInt(whole+(decimals + "00")[:2], 10, 64)
	if err != nil {
		return Amount{}, malformed.Wrap(err)
	}
	return Amount{currency, minor}, nil
}

func isCurrency(s string) bool {
	return len(s) == 3 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// Currency returns the ISO 4217 code.
func (a Amount) Currency() string { return a.currency }

// IsZero reports whether there is nothing to pay.
func (a Amount) IsZero() bool { return a.minor == 0 }

// Format returns the amount as a message, always with two places.
func (a Amount) Format() *typev1.Money {
	return &typev1.Money{CurrencyCode: a.currency, Amount: a.Text()}
}

// Text returns the figure with two places: "50000.00".
func (a Amount) Text() string { return fmt.Sprintf("%d.%02d", a.minor/100, a.minor%100) }

// String returns figure and currency, for logs.
func (a Amount) String() string { return a.Text() + " " + a.currency }

// Cmp returns -1, 0 or 1 as a is less than, equal to or more than b. Fault: MONEY_CURRENCY.
func (a Amount) Cmp(b Amount) (int, error) {
	if err := a.like(b); err != nil {
		return 0, err
	}
	switch {
	case a.minor < b.minor:
		return -1, nil
	case a.minor > b.minor:
		return 1, nil
	default:
		return 0, nil
	}
}

// Add returns a + b. Faults: MONEY_CURRENCY, MONEY_RANGE.
func (a Amount) Add(b Amount) (Amount, error) {
	if err := a.like(b); err != nil {
		return Amount{}, err
	}
	return within(a.currency, a.minor+b.minor)
}

// Sub returns a - b, which must not be below zero. Faults: MONEY_CURRENCY, MONEY_RANGE.
func (a Amount) Sub(b Amount) (Amount, error) {
	if err := a.like(b); err != nil {
		return Amount{}, err
	}
	return within(a.currency, a.minor-b.minor)
}

// Times returns n times a. Fault: MONEY_RANGE.
func (a Amount) Times(n int64) (Amount, error) {
	if n < 0 || (n > 0 && a.minor > largest/n) {
		return Amount{}, fault.New(fault.Invalid, ReasonRange)
	}
	return within(a.currency, a.minor*n)
}

// Sum returns all amounts together, nothing in the currency for none.
// Faults: MONEY_CURRENCY, MONEY_RANGE.
func Sum(currency string, amounts ...Amount) (Amount, error) {
	total := Zero(currency)
	var err error
	for _, a := range amounts {
		if total, err = total.Add(a); err != nil {
			return Amount{}, err
		}
	}
	return total, nil
}

func (a Amount) like(b Amount) error {
	if a.currency != b.currency || a.currency == "" {
		return fault.New(fault.Invalid, ReasonCurrency, "have", a.currency, "other", b.currency)
	}
	return nil
}

func within(currency string, minor int64) (Amount, error) {
	if minor < 0 || minor > largest {
		return Amount{}, fault.New(fault.Invalid, ReasonRange)
	}
	return Amount{currency, minor}, nil
}

// ErrShare is wrapped by the error for shares and weights that cannot be shared by.
var ErrShare = errors.New("not a share")
