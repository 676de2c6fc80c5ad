package journal

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPeriodsLeadBackWithoutAGap goes back from several times: each list of periods
// ends where the next begins, down to the very first, and so do their parts.
func TestPeriodsLeadBackWithoutAGap(t *testing.T) {
	t.Parallel()
	bounds := func(p periods) (from, to int64) {
		length := int64(1) << (4 * (digitsOfTime - p.digits))
		return p.first * length, (p.last + 1) * length
	}
	for _, at := range []int64{0, 4095, 4096, 1<<16 - 1, 1 << 16, 1<<40 + 1, 1779999999999, 1790000000000} {
		all := since(at)
		_, end := bounds(all[0])
		require.Greater(t, end, at)
		require.LessOrEqual(t, len(all), 45)
		for _, p := range all {
			from, to := bounds(p)
			require.Equal(t, end, to)
			require.Less(t, from, to)
			require.Len(t, p.beginnings(), int(p.last-p.first+1))
			end = from
			for parts := p.parts(); parts != nil; parts = parts[0].parts() {
				_, ends := bounds(parts[0])
				require.Equal(t, to, ends)
				for _, part := range parts {
					begins, meets := bounds(part)
					require.Equal(t, ends, meets)
					ends = begins
				}
				require.Equal(t, from, ends)
				from, to = bounds(parts[0])
			}
		}
		require.Zero(t, end)
	}
	require.Equal(t, []string{"019e7053-b", "019e7053-c"}, periods{shortestDigits, 0x019e7053b, 0x019e7053c}.beginnings())
	require.Equal(t, []string{"019"}, periods{longestDigits, 0x019, 0x019}.beginnings())
}
