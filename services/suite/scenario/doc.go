// Package scenario plays the scenarios of policy packs: what must happen to the
// second and to the fen, written in YAML beside the pack and played through the
// public RPCs of an all-in-one on the virtual clock. Every row of a scenario has
// a suite and an organisation of its own; every call carries the token of a
// person of that organisation, so every interceptor runs.
//
// The package decides nothing. It turns acts into requests ([acts]), reads what
// the API shows ([world.observe]) and compares it with the values written; there
// are no expected values in Go.
//
// Start reading at [Run]. The language is described in docs/pack-authoring.md.
//
// Source: PACK-SKETCH section 4.
package scenario
