// Package csvimport registers complaints from files of comma-separated values, as
// other systems export them.
//
// A mapping says which columns hold what ([ParseMapping]); [Import] reads the file
// once to find its encoding and digest, and once more to register its rows. Each
// row is registered or refused with a reason, none is lost, and importing the same
// file again registers nothing twice: request ids follow from the digest of the
// file and the number of the row.
//
// It is a client of the suite like any other: what a row may say is the pack's
// and the intake service's to decide.
package csvimport
