package measure

import (
	"context"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Latencies are durations of calls, or how late things were.
type Latencies []time.Duration

// Milliseconds returns the quantile q from 0 to 1, in ms; NaN of none.
func (l Latencies) Milliseconds(q float64) float64 {
	if len(l) == 0 {
		return math.NaN()
	}
	if !slices.IsSorted(l) {
		slices.Sort(l)
	}
	return float64(l[int(math.Ceil(q*float64(len(l)-1)))]) / float64(time.Millisecond)
}

// Each lets callers make n calls in all and returns how long that took.
func Each(ctx context.Context, callers, n int, call func(ctx context.Context, caller, i int) error) (time.Duration, error) {
	var next atomic.Int64
	errs := make([]error, callers)
	var all sync.WaitGroup
	began := time.Now()
	for c := range callers {
		all.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if errs[c] = call(ctx, c, i); errs[c] != nil {
					return
				}
			}
		})
	}
	all.Wait()
	return time.Since(began), first(ctx, errs)
}

// Keep lets callers call for d and returns every call's duration and how long it took.
func Keep(ctx context.Context, callers int, d time.Duration, call func(ctx context.Context, caller, n int) error) (Latencies, time.Duration, error) {
	took := make([]Latencies, callers)
	errs := make([]error, callers)
	var all sync.WaitGroup
	began := time.Now()
	for c := range callers {
		all.Go(func() {
			for n := 0; errs[c] == nil && ctx.Err() == nil; n++ {
				at := time.Now()
				if at.Sub(began) >= d {
					return
				}
				errs[c] = call(ctx, c, n)
				took[c] = append(took[c], time.Since(at))
			}
		})
	}
	all.Wait()
	lasted := time.Since(began)
	return slices.Concat(took...), lasted, first(ctx, errs)
}

// first returns the first error: what befell the others is the same as a rule.
func first(ctx context.Context, errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}
