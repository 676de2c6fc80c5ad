package policy

import (
	"fmt"
	"slices"
	"strings"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// nearest returns the word of options closest to w, or "" if none is close.
func nearest(w string, options []string) string {
	best, bestAt := "", len(w)/2+1
	for _, o := range slices.Sorted(slices.Values(options)) {
		d := distance(strings.ToLower(w), strings.ToLower(o))
		if d < bestAt {
			best, bestAt = o, d
		}
		// A word that begins with what was written is what was meant, however long it is.
		if len(w) >= 4 && strings.HasPrefix(strings.ToLower(o), strings.ToLower(w)) && bestAt > 1 {
			best, bestAt = o, 1
		}
	}
	return best
}

// didYouMean is the advice to write the nearest option, or the list of them if none is near and
// the list is short.
func didYouMean(w string, options []string) *typev1.Text {
	if near := nearest(w, options); near != "" {
		return words(fmt.Sprintf("是否要写 %q？", near), fmt.Sprintf("Did you mean %q?", near))
	}
	options = slices.Compact(slices.Sorted(slices.Values(options)))
	switch {
	case len(options) == 0:
		return nil
	case len(options) > 24:
		return words(fmt.Sprintf("可写的共有 %d 个，例如 %s。", len(options), strings.Join(options[:6], "、")),
			fmt.Sprintf("There are %d, for example %s.", len(options), strings.Join(options[:6], ", ")))
	}
	return words("可写："+strings.Join(options, "、")+"。", "Write one of: "+strings.Join(options, ", ")+".")
}

// distance is the number of single-letter edits between two words, a swap of neighbours counting
// as one.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 64 || len(y) > 64 {
		return 65
	}
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(x)][len(y)]
}
