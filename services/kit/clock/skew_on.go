//go:build skewed

package clock

import "time"

var chosenSkew time.Duration //nolint:gochecknoglobals // in a build that never ships

// now reads the time of a host whose clock is off on purpose, in a build that plays
// hosts whose clocks disagree.
func now() time.Time { return time.Now().Add(chosenSkew) }

// Skew sets how far the host's clock is off, before anybody reads it.
func Skew(d time.Duration) { chosenSkew = d }
