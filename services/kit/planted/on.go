//go:build planted

// Package planted holds the switch of defects that are planted on purpose, in a
// build that may have them: the names in REDRESS_PLANTED, separated by commas.
package planted

import (
	"os"
	"slices"
	"strings"
)

var chosen = strings.Split(os.Getenv("REDRESS_PLANTED"), ",") //nolint:gochecknoglobals // read once, in a build that never ships

// Is reports whether the named defect is planted in this process.
func Is(name string) bool { return slices.Contains(chosen, name) }
