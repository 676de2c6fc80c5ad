// Package faulttest proves the bad days: a process killed, Redis emptied or away,
// SQL that fails, services stopped, receivers down, packs that are broken, and two
// who want opposite things at once.
package faulttest
