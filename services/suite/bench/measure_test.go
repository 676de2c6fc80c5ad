package bench_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/kit/clock"
)

const (
	callers = 64              // calls in flight
	conns   = 4               // connections they share
	rounds  = 3               // turns of each row
	turn    = 2 * time.Second // length of one
	warm    = 300 * time.Millisecond
)

// row is one line of the table.
type row struct {
	name string
	// call makes the n-th call of one of the callers.
	call func(caller, n int) error
	// after ends a turn, unmeasured; nil does nothing.
	after func()
	turns []figures
	calls int
}

// figures are those of one turn, or the medians of several. cpu is what a call
// costs this process, client and server together, in microseconds; a database
// server is not in it. It says more than the rate where others use the machine.
type figures struct{ perSecond, p50, p99, cpu float64 }

// compare lets the rows take turns and returns the medians in their order.
func compare(b *testing.B, rows ...*row) []figures {
	b.Helper()
	for round := range rounds {
		for i := range rows {
			r := rows[(i+round)%len(rows)] // nobody is always after the same one
			r.run(b, warm)
			r.turns = append(r.turns, r.run(b, turn))
			if r.after != nil {
				r.after()
			}
		}
	}
	out := make([]figures, len(rows))
	for i, r := range rows {
		out[i] = figures{
			median(r.turns, func(f figures) float64 { return f.perSecond }),
			median(r.turns, func(f figures) float64 { return f.p50 }),
			median(r.turns, func(f figures) float64 { return f.p99 }),
			median(r.turns, func(f figures) float64 { return f.cpu }),
		}
	}
	return out
}

// run keeps all callers calling for d.
func (r *row) run(b *testing.B, d time.Duration) figures {
	b.Helper()
	machine := clock.System()
	took := make([][]time.Duration, callers)
	errs := make([]error, callers)
	var all sync.WaitGroup
	began, first, used := machine.Now(), r.calls, cpu(b)
	for c := range callers {
		all.Go(func() {
			for n := first; machine.Since(began) < d && errs[c] == nil; n++ {
				at := machine.Now()
				errs[c] = r.call(c, n)
				took[c] = append(took[c], machine.Since(at))
			}
		})
	}
	all.Wait()
	lasted := machine.Since(began)
	used = cpu(b) - used
	for _, err := range errs {
		require.NoError(b, err, r.name)
	}
	for _, t := range took {
		r.calls = max(r.calls, first+len(t))
	}
	sorted := slices.Concat(took...)
	slices.Sort(sorted)
	ms := func(share float64) float64 {
		return float64(sorted[int(share*float64(len(sorted)-1))].Microseconds()) / 1000
	}
	return figures{float64(len(sorted)) / lasted.Seconds(), ms(0.5), ms(0.99), float64(used.Microseconds()) / float64(len(sorted))}
}

// cpu returns what this process has used so far.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func median(turns []figures, of func(figures) float64) float64 {
	values := make([]float64, len(turns))
	for i, f := range turns {
		values[i] = of(f)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// table prints the rows. against says for each row which one it is held
// against, -1 for none.
func table(b *testing.B, rows []*row, got []figures, against []int) {
	b.Helper()
	var out strings.Builder
	fmt.Fprintf(&out, "%d callers, %d connections, medians of %d rounds of %s [fewest–most]\n", callers, conns, rounds, turn)
	fmt.Fprintf(&out, "%-46s %9s %19s %8s %8s %8s  %s\n", "", "calls/s", "", "p50 ms", "p99 ms", "CPU µs", "share")
	for i, r := range rows {
		least := slices.MinFunc(r.turns, func(x, y figures) int { return int(x.perSecond - y.perSecond) })
		most := slices.MaxFunc(r.turns, func(x, y figures) int { return int(x.perSecond - y.perSecond) })
		share := ""
		if a := against[i]; a >= 0 {
			ratio := got[i].perSecond / got[a].perSecond
			share = fmt.Sprintf("%.2f of %s", ratio, rows[a].name)
			b.ReportMetric(ratio, strings.ReplaceAll(r.name+"/"+rows[a].name, " ", "_"))
		}
		fmt.Fprintf(&out, "%-46s %9.0f [%7.0f–%7.0f] %8.2f %8.2f %8.0f  %s\n", r.name, got[i].perSecond, least.perSecond, most.perSecond, got[i].p50, got[i].p99, got[i].cpu, share)
	}
	b.Log("\n" + strings.TrimSuffix(out.String(), "\n"))
}
