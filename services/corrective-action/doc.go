// Package correctiveaction carries corrective and preventive actions from opening to
// the proof, by somebody else than who carried them out, that they were effective.
//
// The rules are in internal/domain; internal/app gathers what they look at and keeps
// the clocks, internal/rpc and internal/react let people and events in. The package
// itself only assembles: start reading at [New].
//
// Source: DESIGN section 7.
package correctiveaction
