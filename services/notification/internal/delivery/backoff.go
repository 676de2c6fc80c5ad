package delivery

import (
	"math/rand/v2"
	"time"
)

// Backoff says when to try again: a random wait up to a bound that doubles with
// every attempt (full jitter), so that receivers who come back are not met by
// everybody at once. It is a value and keeps nothing.
type Backoff struct {
	// First bounds the wait after the first attempt.
	First time.Duration
	// Cap bounds every wait, also one that a receiver asks for.
	Cap time.Duration
	// Attempts is how many attempts there are at most; zero means without end.
	Attempts int
}

// DefaultBackoff tries 20 times over about half a day: 10 s doubling to an hour.
func DefaultBackoff() Backoff {
	return Backoff{First: 10 * time.Second, Cap: time.Hour, Attempts: 20}
}

// Next returns how long to wait after the given number of attempts, and whether
// to try again at all. after is the wait the receiver asked for: at least that
// long, as far as Cap allows, and the jitter comes on top of it.
func (b Backoff) Next(attempts int, after time.Duration, random *rand.Rand) (wait time.Duration, again bool) {
	if attempts < 1 {
		return 0, true
	}
	if b.Attempts > 0 && attempts >= b.Attempts {
		return 0, false
	}
	bound := b.First
	for i := 1; i < attempts && bound < b.Cap; i++ {
		bound *= 2
	}
	bound = max(min(bound, b.Cap), 0)
	wait = time.Duration(random.Int64N(int64(bound) + 1))
	return min(max(after, 0)+wait, max(b.Cap, 0)), true
}

// After is [Backoff.Next] for an attempt that failed with err: no more after a final failure.
func (b Backoff) After(attempts int, err error, random *rand.Rand) (wait time.Duration, again bool) {
	if ClassOf(err) == Final {
		return 0, false
	}
	return b.Next(attempts, retryAfter(err), random)
}
