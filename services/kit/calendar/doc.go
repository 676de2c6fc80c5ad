// Package calendar computes deadlines: when a limit that starts at an instant
// falls due, in elapsed time, calendar dates, working dates or working hours of
// one organisation.
//
// It is pure: values in, values out, no clock, no file, no network. A Calendar
// and its Holidays are immutable and safe for concurrent use.
//
// It does not know clocks (package slaclock) and never asks what time it is. The
// time zone database comes from the machine or from the binary: every main
// imports time/tzdata, so that a container without zone files behaves the same.
//
// Start reading at ParseLimit, New and Calendar.Due.
//
// Source: PROCEDURES.md K1 to K7 and K11; PACK-SKETCH.md 2.1 (limit).
package calendar
