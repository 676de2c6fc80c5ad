package feed

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/journal"
)

// leases spread the shards of a source among the processes of one service. The
// holder's name is new with every process, so that one that was stopped and comes
// back does not take its old lease for a valid one.
//
// Every process takes what is free. One that would like more says so by a lease
// of its own, named after how many ranges it holds ("want/0"); one that holds at
// least two more gives one up when it sees that. So the shares differ by at most
// one after a few rounds, and nobody needs a list of the processes.
//
// A lease makes nothing right: what is applied is compared with the stored
// position. Two holders cost work, not correctness.
type leases struct {
	j      *journal.Journal
	source string
	holder string
	ranges int
	ttl    time.Duration
	now    func() time.Time
	tick   func(time.Duration) (c <-chan time.Time, stop func())

	mu       sync.Mutex
	held     []bool // by range, as the store last answered
	taken    []bool // held when take last answered: what the session reads
	wanting  int    // number in the want lease held, -1 for none
	generous int    // rounds in which nothing is taken, after something was given up
}

func newLeases(j *journal.Journal, source, holder string, o Options) *leases {
	return &leases{
		j: j, source: source, holder: holder, ranges: o.Ranges, ttl: o.LeaseTTL, now: clock.System().Now,
		tick: func(d time.Duration) (<-chan time.Time, func()) {
			t := clock.System().NewTicker(d)
			return t.C, t.Stop
		},
		held: make([]bool, max(o.Ranges, 0)), wanting: -1,
	}
}

// renewals is how often a lease is renewed during its life.
const renewals = 3

func (l *leases) name(r int) string {
	return fmt.Sprintf("feed/%s/%d-of-%d", l.source, r, l.ranges)
}

func (l *leases) want(n int) string { return "feed/" + l.source + "/want/" + strconv.Itoa(n) }

// take renews the leases once and returns the shards held; all of them without leases.
func (l *leases) take(ctx context.Context, shards int) ([]int32, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ranges > 0 {
		if err := l.renew(ctx); err != nil {
			return nil, err
		}
	}
	l.taken = slices.Clone(l.held)
	var mine []int32
	for shard := range shards {
		if l.ranges <= 0 || l.held[shard*l.ranges/shards] {
			mine = append(mine, int32(shard))
		}
	}
	return mine, nil
}

// keep renews until ctx ends, and calls changed, and returns, once this process
// holds other ranges than were taken, even if the round failed after that: a range
// held and not read is read by nobody. If the database is away it keeps on trying:
// whoever reads on cannot do harm.
func (l *leases) keep(ctx context.Context, changed func()) {
	tick, stop := l.tick(l.ttl / renewals)
	defer stop()
	for {
		select {
		case <-ctx.Done():
		case <-tick:
		}
		if ctx.Err() != nil { // perhaps both were ready
			return
		}
		if l.round(ctx) {
			changed()
			return
		}
	}
}

// round renews and reports whether other ranges are held than were taken. What
// failed is tried again in the next round.
func (l *leases) round(ctx context.Context) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.renew(ctx)
	return !slices.Equal(l.taken, l.held)
}

// renew asks for each range again, and for another one or gives one up. Where it
// fails, what the store answered before counts. l.mu is held.
func (l *leases) renew(ctx context.Context) error {
	for r := range l.ranges {
		if !l.held[r] && l.generous > 0 {
			continue
		}
		held, err := l.lease(ctx, l.name(r))
		if err != nil {
			return err
		}
		l.held[r] = held
	}
	l.generous = max(l.generous-1, 0)
	if err := l.ask(ctx); err != nil {
		return err
	}
	return l.give(ctx)
}

func (l *leases) lease(ctx context.Context, name string) (bool, error) {
	return l.j.Lease(ctx, name, l.holder, l.now(), l.ttl)
}

func (l *leases) count() (n int) {
	for _, held := range l.held {
		if held {
			n++
		}
	}
	return n
}

// ask says, or no longer says, that this process would like another range.
func (l *leases) ask(ctx context.Context) error {
	n := l.count()
	if n == l.ranges || l.generous > 0 {
		n = -1
	}
	if l.wanting >= 0 && l.wanting != n {
		if err := l.j.Unlease(ctx, l.want(l.wanting), l.holder); err != nil {
			return err
		}
		l.wanting = -1
	}
	if n < 0 {
		return nil
	}
	ok, err := l.lease(ctx, l.want(n))
	if ok {
		l.wanting = n
	}
	return err
}

// give gives one range up if a process that holds at least two fewer asks for one.
func (l *leases) give(ctx context.Context) error {
	n := l.count()
	for other := range n - 1 {
		free, err := l.lease(ctx, l.want(other))
		if err != nil {
			return err
		}
		if free { // nobody asks
			if err := l.j.Unlease(ctx, l.want(other), l.holder); err != nil {
				return err
			}
			continue
		}
		last := len(l.held) - 1 - slices.Index(reversed(l.held), true)
		l.held[last] = false
		l.generous = renewals
		return l.j.Unlease(ctx, l.name(last), l.holder)
	}
	return nil
}

func reversed(s []bool) []bool {
	out := slices.Clone(s)
	slices.Reverse(out)
	return out
}

// release gives everything back, so that others need not wait for the leases to run out.
func (l *leases) release(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ctx, cancel := clock.System().WithTimeout(ctx, l.ttl)
	defer cancel()
	for r, held := range l.held {
		if held && l.j.Unlease(ctx, l.name(r), l.holder) == nil {
			l.held[r] = false
		}
	}
	if l.wanting >= 0 && l.j.Unlease(ctx, l.want(l.wanting), l.holder) == nil {
		l.wanting = -1
	}
}
