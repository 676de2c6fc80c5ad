// Package edgetest proves, against the running suite and over both edges, what
// every client may rely on: the contract, refusals, repetition and rights. It
// holds tests only.
package edgetest
