// Package slaclock is the state machine of one clock: what starting, warning,
// breaching, meeting, pausing, extending and recomputing do to a
// clockv1.Clock, and which ClockChanged events tell of it.
//
// Every function is pure: it takes a clock and an instant, leaves its input
// untouched and returns the next clock with the events that led to it, in order.
// It reads no time and stores nothing; package timers fires, package journal
// stores. A function that returns no events returns an equal clock.
//
// Acts are judged by when they happened (their occur time, truncated to the
// second), never by when they came to light: what the timer has not yet fired
// until then is caught up with first, and a breach that was recorded although the
// act came before it is withdrawn.
//
// Start reading at Spec and Start, then at the type machine.
//
// Source: docs/adr/0005; PROCEDURES.md K2 to K9, P19-A3, P26-A3.
package slaclock
