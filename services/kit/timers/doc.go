// Package timers fires the timers of one service: exactly once, never early, and
// late by at most one sweep, whatever becomes of Redis.
//
// SQL is the truth. A timer row says when a resource wants to be woken; Store.Fire
// compares its generation and instant in the transaction that records what
// follows, so that whoever comes second changes nothing. Three paths lead there:
//
//   - the claim: sleeps until the index says that something is due, and takes it;
//   - the sweep: asks SQL each second for what is due, index or no index;
//   - the keeper: raises each shard's heartbeat, rebuilds a shard that has been
//     lost, returns leases that have ended, and arms each minute what falls due in
//     the next ten (anti-entropy).
//
// The engine decides nothing about clocks (package slaclock) and stores nothing.
// Under a virtual clock it is not started: FireDue fires by hand.
//
// Start reading at Store and Engine; claim.go, sweep.go and keep.go are the paths.
//
// Source: docs/adr/0005; DESIGN section 5.
package timers
