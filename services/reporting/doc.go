// Package reporting is the read model: the whole file of a complaint, what waits
// for whom, what is overdue, and the reports of the pack, frozen when they are
// made. It reads the feeds of all other services and answers with all of them
// stopped. Nothing is decided from what it says.
//
// Start reading at [New]; what waits and what is counted is in internal/domain,
// what is stored of the feeds in internal/view.
//
// Source: DESIGN section 7; PROCEDURES P26 (七).
package reporting
