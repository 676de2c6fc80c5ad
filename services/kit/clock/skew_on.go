//go:build skewed

package clock

import "time"

var chosenSkew time.Duration //nolint:gochecknoglobals // in a build that never ships

// skew is how far this host's clock is off on purpose, in a build that plays
// hosts whose clocks disagree.
func skew() time.Duration { return chosenSkew }

// Skew sets how far the host's clock is off, before anybody reads it.
func Skew(d time.Duration) { chosenSkew = d }
