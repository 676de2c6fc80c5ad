package outbox

import (
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// slow is how long answers of a receiver take, on average, before no more than
	// fewAtOnce sends to it are in hand: it must not hold up the others. Nor may one
	// that did not answer the last time.
	slow      = time.Second
	fewAtOnce = 2
	// patienceWith is how many sends in a row may fail before their receiver rests, for
	// firstRest at first and twice as long each time, until mostRest.
	patienceWith = 3
	firstRest    = 5 * time.Second
	mostRest     = 5 * time.Minute
)

// targets keeps one receiver from holding up the others: who answers slowly gets few
// messages at once, who fails again and again rests, and gets one message to see
// whether it is back. What is not sent to it meanwhile is planned for later without
// counting as an attempt. One that stops answering can still hold up the others for
// the time that the first sends to it are given. Safe for concurrent use.
//
// It is no library's circuit breaker, since those keep the machine's time: what is not
// sent is planned, and stored, in business time.
//
// Source: RELIABILITY 3.1 (a slow receiver has a queue of its own).
type targets struct {
	mu     sync.Mutex
	all    map[string]*target
	spread func(most time.Duration) time.Duration // chance, so that not all come back at once
}

// target is one receiver. The zero value has never been tried.
type target struct {
	inHand   int
	takes    time.Duration // an answer, on average over the last few
	failures int           // in a row; those that were in hand together are one
	failed   time.Time     // when the last of these was counted
	until    time.Time     // it rests
}

func newTargets() *targets {
	return &targets{all: map[string]*target{}, spread: func(most time.Duration) time.Duration { return rand.N(most + 1) }} //nolint:gosec // spreads repetitions; guards nothing
}

// take says that a message may go to the target now, which [targets.done] ends, or
// when to ask again.
func (s *targets) take(key string, now time.Time) (later time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.all[key]
	if t == nil {
		t = &target{}
		s.all[key] = t
	}
	resting := t.failures >= patienceWith
	switch {
	case resting && now.Before(t.until):
		return t.until.Add(s.spread(rest(t.failures))), false
	case resting && t.inHand > 0: // the one that sees whether it is back
		return now.Add(firstRest + s.spread(firstRest)), false
	case (t.takes >= slow || t.failures > 0) && t.inHand >= fewAtOnce:
		return now.Add(firstRest + s.spread(firstRest)), false
	}
	t.inHand++
	return time.Time{}, true
}

// done ends a send that took so long and was answered, or was not.
func (s *targets) done(key string, now time.Time, took time.Duration, answered bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.all[key]
	t.inHand--
	t.takes += (took - t.takes) / 4
	if answered {
		t.failures = 0
	} else if now.Add(-took).After(t.failed) {
		t.failures++
		t.failed, t.until = now, now.Add(rest(t.failures))
	}
	if t.inHand == 0 && t.failures == 0 && t.takes < slow {
		delete(s.all, key) // as if it had never been tried
	}
}

// rest is how long a target rests after so many failures in a row.
func rest(failures int) time.Duration {
	return min(firstRest<<min(max(failures-patienceWith, 0), 10), mostRest)
}
