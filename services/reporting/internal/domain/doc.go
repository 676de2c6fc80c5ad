// Package domain says what the facts of the other services amount to: what waits
// for whom ([Work]), what a report counts ([Measure]), and how an event is told
// in words ([Item]). Everything is pure: resources, policy and instant in,
// values out.
//
// Start reading at [Matter].
package domain
