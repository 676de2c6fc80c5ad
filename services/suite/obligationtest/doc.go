// Package obligationtest proves the table of obligations of docs/architecture.md:
// every cell of every row by a test that goes through the public API of the whole
// suite. It holds tests only.
package obligationtest
