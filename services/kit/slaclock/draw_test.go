package slaclock_test

import (
	"testing"

	"pgregory.net/rapid"
)

// rapidT is rapid.T with short draws.
type rapidT struct{ *rapid.T }

func check(t *testing.T, f func(*rapidT)) {
	rapid.Check(t, func(t *rapid.T) { f(&rapidT{t}) })
}

// Int draws a number between two bounds, both included.
func (t *rapidT) Int(from, to int, label string) int {
	return rapid.IntRange(from, to).Draw(t.T, label)
}

// Pick draws one of the words.
func (t *rapidT) Pick(words []string, label string) string {
	return rapid.SampledFrom(words).Draw(t.T, label)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
