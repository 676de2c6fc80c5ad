// Package timerindex remembers which timers fall due when, so that nobody has to
// ask SQL all the time. It is an index, not the truth: it may forget everything,
// or remember what is long gone, and the suite stays right (package timers).
//
// Index has two implementations with one conformance suite (timerindextest):
// Redis, one sorted set a shard, every transition one Lua script; and Local,
// the same in the memory of one process.
//
// It never reads the time: instants are arguments, so that a virtual clock rules.
// Members hold names and generations only, nothing of a complaint.
//
// Source: docs/adr/0005; DESIGN section 5.
package timerindex
