// Package boundary holds no code, only tests: they keep the shape of the repository.
//
// Start with the tables in architecture_test.go. They are the architecture diagram: who may import whom, which library comes
// in through which door, and why. A change of the architecture is a change of a table, reviewed as such. A package that a
// table names and that does not exist is no error.
//
// The tests parse import lines and compile nothing, so they also judge a tree that does not build.
package boundary
