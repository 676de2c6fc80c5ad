// Package domain holds the rules of a case: what may be done when, what an act
// changes, and what the policy pack lets follow from it.
//
// It is pure. States, a compiled policy and the instant of an act go in; next
// states, the events that tell of them and commands to clocks come out. It reads
// no clock, no database and no context, so that scenarios and properties run it
// by the thousand and a replay of the same decisions gives the same states.
//
// It is not for storing or transport: package app stores what is decided here,
// package rpc speaks to callers.
//
// Start reading at [Decision], then [Follow], which lets the consequences of an
// act follow until nothing does. One file an act: grade.go, plan.go, close.go.
//
// Source: DESIGN section 3; PROCEDURES P26; PACK-SKETCH 2.
package domain
