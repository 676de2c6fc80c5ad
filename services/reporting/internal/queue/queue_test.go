package queue

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTheMoreWaitsTheLongerItIsLeftAlone: up to an end, and what waits already is not put off.
func TestTheMoreWaitsTheLongerItIsLeftAlone(t *testing.T) {
	t.Parallel()
	q := New(nil)
	waits := func(complaint string) time.Duration {
		q.note("org", complaint)
		n := q.notes[subject{"org", complaint}]
		return n.due.Sub(n.heard)
	}
	require.Equal(t, gather, waits("first"))
	for i := range 3*crowd - 1 {
		q.note("org", fmt.Sprint(i))
	}
	require.Equal(t, 4*gather, waits("one more"))
	due := q.notes[subject{"org", "one more"}].due
	q.note("org", "one more")
	require.Equal(t, due, q.notes[subject{"org", "one more"}].due)
	for i := range 100 * crowd {
		q.note("org", fmt.Sprint("further ", i))
	}
	require.Equal(t, patience, waits("last"))
}
