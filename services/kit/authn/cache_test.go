package authn

import (
	"crypto/sha256"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCacheIsBoundedAndKeepsWhatIsUsed(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c := newCache(100, time.Minute)
	used := sha256.Sum256([]byte("used"))
	c.put(used, Identity{Principal: "people/a", Expires: now.Add(time.Hour)}, now)
	for i := range 10_000 {
		c.put(sha256.Sum256([]byte(strconv.Itoa(i))), Identity{Expires: now.Add(time.Hour)}, now)
		_, ok := c.get(used, now)
		require.True(t, ok)
		require.LessOrEqual(t, c.size(), 101)
	}
}

func TestCacheForgetsInTime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c := newCache(100, time.Minute)
	long, short := sha256.Sum256([]byte("long")), sha256.Sum256([]byte("short"))
	c.put(long, Identity{Expires: now.Add(time.Hour)}, now)
	c.put(short, Identity{Expires: now.Add(time.Second)}, now)
	_, ok := c.get(short, now.Add(time.Second))
	require.False(t, ok, "never longer than the token")
	_, ok = c.get(long, now.Add(59*time.Second))
	require.True(t, ok)
	_, ok = c.get(long, now.Add(time.Minute))
	require.False(t, ok, "the keys are looked at again")
}
