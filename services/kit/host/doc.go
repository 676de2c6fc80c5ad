// Package host turns a definition into a running service: journal, feed,
// consumers, timers and the RPC server, in the order they need each other.
//
// A service says what it owns, what it listens to and how it reacts
// ([Definition]); everything that is the same in all six is here once. It knows
// no business rule and reads no configuration.
//
// Start reading at [Definition], then [New]; handlers use [Run], [Answer] and
// [Read], which are the one way to run an RPC that changes or shows a resource.
//
// Source: DESIGN sections 2 to 5; docs/architecture.md.
package host
