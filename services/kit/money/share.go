package money

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

// Share is a part of a whole in ten-thousandths: 4000 is 40 %.
type Share int64

// Whole is all of it, 100 %.
const Whole Share = 10_000

// ParseShare returns the share a pack writes: "40%" or "33.33%", from 0 to 100
// with at most two places.
//
// Source: PACK-SKETCH 2.1 (share).
func ParseShare(text string) (Share, error) {
	figure, ok := strings.CutSuffix(text, "%")
	whole, decimals, point := strings.Cut(figure, ".")
	if !ok || whole == "" || len(whole) > 3 || len(decimals) > 2 || (point && decimals == "") || !digits(whole) || !digits(decimals) {
		return 0, fmt.Errorf("%w: %q", ErrShare, text)
	}
	n, err := strconv.ParseInt(whole+(decimals + "00")[:2], 10, 64)
	if err != nil || Share(n) > Whole {
		return 0, fmt.Errorf("%w: %q", ErrShare, text)
	}
	return Share(n), nil
}

// String returns the share as packs write it.
func (s Share) String() string {
	if s%100 == 0 {
		return strconv.FormatInt(int64(s/100), 10) + "%"
	}
	return fmt.Sprintf("%d.%02d%%", s/100, s%100)
}

// Shares gives everyone their share of a, and rest to whoever bears the
// remainder. The parts and the rest add up to a exactly; see [Amount.Split] for
// who gets the odd hundredths. Shares that exceed the whole, or a share below
// zero, are refused with [ErrShare].
//
// Source: PROCEDURES K8; PACK-SKETCH Liability (shares, remainder).
func (a Amount) Shares(shares ...Share) (parts []Amount, rest Amount, err error) {
	left := Whole
	weights := make([]int64, 0, len(shares)+1)
	for _, s := range shares {
		if s < 0 || s > left {
			return nil, Amount{}, fmt.Errorf("%w: %v of the %v that are left", ErrShare, s, left)
		}
		left -= s
		weights = append(weights, int64(s))
	}
	all, err := a.Split(append(weights, int64(left))...)
	if err != nil {
		return nil, Amount{}, err
	}
	return all[:len(shares)], all[len(shares)], nil
}

// Split divides a in the proportion of the weights, to the hundredth. The parts
// add up to a exactly and none is a hundredth or more away from its exact
// proportion: each gets the hundredths it has in full, and those left go one
// each to the largest fractions, among equals to the earlier. A weight of zero
// gets nothing. No weights, a weight below zero or only zeros are [ErrShare].
func (a Amount) Split(weights ...int64) ([]Amount, error) {
	var total uint64
	for _, w := range weights {
		if w < 0 || uint64(w) > 1<<62-total {
			return nil, fmt.Errorf("%w: weights %v", ErrShare, weights)
		}
		total += uint64(w)
	}
	if total == 0 {
		return nil, fmt.Errorf("%w: weights %v", ErrShare, weights)
	}
	parts := make([]Amount, len(weights))
	fractions := make([]uint64, len(weights))
	left := a.minor
	for i, w := range weights {
		high, low := bits.Mul64(uint64(a.minor), uint64(w))
		full, fraction := bits.Div64(high, low, total)
		parts[i] = Amount{a.currency, int64(full)}
		fractions[i] = fraction
		left -= int64(full)
	}
	order := make([]int, len(weights))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(fractions[j], fractions[i]) })
	for _, i := range order[:left] {
		parts[i].minor++
	}
	return parts, nil
}
