//go:build skewed

package clock

import (
	"os"
	"time"
)

var chosenSkew = readSkew() //nolint:gochecknoglobals // read once, in a build that never ships

// skew is how far this host's clock is off on purpose, a duration in
// REDRESS_CLOCK_SKEW, in a build that plays hosts whose clocks disagree.
func skew() time.Duration { return chosenSkew }

func readSkew() time.Duration {
	text := os.Getenv("REDRESS_CLOCK_SKEW")
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		panic("REDRESS_CLOCK_SKEW: " + err.Error())
	}
	return d
}
