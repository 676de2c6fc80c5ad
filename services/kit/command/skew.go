//go:build skewed

package command

import (
	"os"
	"time"

	"example.com/redress/services/kit/clock"
)

// In a build that plays hosts whose clocks disagree, which never ships, the
// environment says how far this one is off: a duration in REDRESS_CLOCK_SKEW.
var _ = skewHost()

func skewHost() bool {
	text := os.Getenv("REDRESS_CLOCK_SKEW")
	if text == "" {
		return false
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		panic("REDRESS_CLOCK_SKEW: " + err.Error())
	}
	clock.Skew(d)
	return true
}
