// Package rehearsaltest proves what a rehearsal of a pack on stored complaints promises: registered
// through the public API, replayed through the public API, and fast enough to be tried often.
package rehearsaltest
