// Package ruletest plays rules of small packs through the public API where the
// scenario language has no word for what matters: who stands for whom, and what a
// caller is not shown. It holds tests only.
package ruletest
