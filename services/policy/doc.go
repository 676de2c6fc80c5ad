// Package policy reads policy packs, checks them and answers what they say.
//
// A pack is one written procedure (docs: proto/redress/policy/v1/pack.proto). [Load] turns its
// YAML into a typed pack and reports every mistake at once, with line, column and advice.
// [Compile] turns a pack into a [Policy], an immutable set of rules that answers questions about a
// [Sheet] of facts: which grade, which gates hold, what an event starts, who must sign. The package
// performs no I/O, knows no clock and keeps no state, so the same sheet always gives the same
// answer and every service can decide alone.
//
// A fact nobody has recorded is unknown: neither false nor zero. Each function says what an unknown
// condition does there.
//
// Start reading at Policy, then On, Gate and Grade; each further question has a file of its own:
// window, evidence, judge, assign, tree, standard, share, card, count, entry, conform.
//
// Source: PACK-SKETCH.md 1 to 2.7.
package policy
