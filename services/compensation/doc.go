// Package compensation takes claims for compensation from the request through their
// chain of signatures to the one payment, and holds them when their complaint is
// withdrawn.
//
// The rules are in internal/domain; internal/app gathers what they look at,
// internal/rpc and internal/react let people and events in. The package itself only
// assembles: start reading at [New].
//
// Source: DESIGN section 7; PROCEDURES P02.
package compensation
