// Package modeltest holds the approval engine to a second, naive reading of the
// same rules, written apart from it: it keeps only who said what, in order, and
// works everything out from that list each time. Random histories of both must
// agree, and whatever the engine grants is counted again from the definition.
package modeltest
