// Package rehearse says what a policy pack did with a complaint and what another would do: [Explain]
// names the rules behind each outcome and the smallest change of facts that would give another,
// [Compare] puts the difference of two outcomes into a list.
//
// It is pure: a compiled policy and a sheet go in, values come out. Who replays a complaint under a
// pack, and fills in an [Outcome], is the service that holds the facts.
//
// Source: PACK-SKETCH.md 2.7; docs/rehearsing.md.
package rehearse
