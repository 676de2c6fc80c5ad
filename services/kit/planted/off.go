//go:build !planted

// Package planted holds the switch of defects that are planted on purpose, one at
// a time, to prove that tools/faults finds each of them. In every build that
// ships [Is] is the constant false, and what hangs on it is not compiled.
//
// A call stands where somebody could make that very mistake:
//
//	if planted.Is("other content accepted") { … }
//
// The names and who must find them are the table of tools/faults/planted.go.
package planted

// Is reports whether the named defect is planted: never in this build.
func Is(string) bool { return false }
