package scenario

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/policy"
)

// Options say what is played and how.
type Options struct {
	// Packs are names of packs in the binary, or folders with pack.yaml and
	// scenarios/*.yaml. None means every pack in the binary that has scenarios.
	Packs []string
	// Parameters are values of the packs' parameters where a scenario names none.
	Parameters map[string]string
	// Run keeps scenarios whose name, "P26-S1/general", it matches; nil keeps all.
	Run *regexp.Regexp
	// Verbose writes every move.
	Verbose bool
	// Parallel is how many rows are played at once; 0 takes one for each processor.
	Parallel int
	// Mutate also changes each expected value once and lists the changes that
	// nothing noticed.
	Mutate bool
	// Out takes results as they come, in the order of the files; nil drops them.
	Out io.Writer
	// Scratch is the folder in which data folders are made; empty takes the
	// system's. What is made is removed.
	Scratch string
}

// Result is the outcome of one row.
type Result struct {
	// Name is scenario and row, "P26-S1/general"; Pack the pack it is about.
	Name, Pack string
	// Failures are what is not as written, one a line, each with file and line.
	Failures []string
	// Elapsed is machine time.
	Elapsed time.Duration
	// Mutants is how many expected values were changed, Survivors which changes
	// went unnoticed.
	Mutants   int
	Survivors []string

	log []string
}

// Summary counts the outcomes.
type Summary struct {
	Passed, Failed, Mutants int
	Survivors               []string
	Results                 []Result
	// Scenarios is the SHA-256 over the scenario files that were read, lower-case hex.
	Scenarios string
}

// OK tells that everything passed and no mutant survived.
func (s Summary) OK() bool { return s.Failed == 0 && len(s.Survivors) == 0 }

// ErrNothing means that nothing is there to play.
var errNothing = errors.New("no scenario to play")

// Run plays the scenarios and closes with "N passed, N failed" and, when mutating,
// "N mutants, N survivors".
//
// An error means that nothing could be played: files with mistakes (all of them, with
// their places), a pack that does not load, a suite that does not start. A scenario
// that fails is no error; see [Summary.OK].
func Run(ctx context.Context, o Options) (Summary, error) {
	if o.Out == nil {
		o.Out = io.Discard
	}
	plays, digest, err := load(o)
	if err != nil {
		return Summary{}, err
	}
	if len(plays) == 0 {
		return Summary{}, errNothing
	}
	scratch, err := os.MkdirTemp(o.Scratch, "redress-scenarios-")
	if err != nil {
		return Summary{}, err
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	template := filepath.Join(scratch, "template")
	if err := migrate(ctx, template); err != nil {
		return Summary{}, fmt.Errorf("template of the data folder: %w", err)
	}
	s := Summary{Scenarios: digest}
	for result := range played(ctx, o, plays, func(ctx context.Context, i int) Result {
		return perform(ctx, o, plays[i], template, filepath.Join(scratch, fmt.Sprintf("row-%d", i)))
	}) {
		s.count(result)
		result.write(o)
	}
	if err := ctx.Err(); err != nil {
		return s, err
	}
	_, _ = fmt.Fprintf(o.Out, "%d passed, %d failed\n", s.Passed, s.Failed)
	if o.Mutate {
		_, _ = fmt.Fprintf(o.Out, "%d mutants, %d survivors\n", s.Mutants, len(s.Survivors))
	}
	return s, nil
}

// played performs all plays, some at once, and yields their results in order.
func played(ctx context.Context, o Options, plays []*play, do func(context.Context, int) Result) func(func(Result) bool) {
	return func(yield func(Result) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		at := o.Parallel
		if at <= 0 {
			at = runtime.GOMAXPROCS(0)
		}
		results := make([]chan Result, len(plays))
		next := make(chan int, len(plays))
		for i := range plays {
			results[i] = make(chan Result, 1)
			next <- i
		}
		close(next)
		var working sync.WaitGroup
		defer working.Wait()
		for range min(at, len(plays)) {
			working.Go(func() {
				for i := range next {
					if ctx.Err() != nil {
						return
					}
					results[i] <- do(ctx, i)
				}
			})
		}
		for i := range plays {
			select {
			case r := <-results[i]:
				if !yield(r) {
					cancel()
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

func (s *Summary) count(r Result) {
	s.Results = append(s.Results, r)
	s.Mutants += r.Mutants
	s.Survivors = append(s.Survivors, r.Survivors...)
	if len(r.Failures) == 0 {
		s.Passed++
	} else {
		s.Failed++
	}
}

func (r Result) write(o Options) {
	word := "PASS"
	if len(r.Failures) > 0 {
		word = "FAIL"
	}
	_, _ = fmt.Fprintf(o.Out, "--- %s: %s (%.1fs)\n", word, r.Name, r.Elapsed.Seconds())
	for _, line := range slices.Concat(r.log, r.Failures) {
		_, _ = fmt.Fprintf(o.Out, "    %s\n", strings.ReplaceAll(line, "\n", "\n        "))
	}
	for _, s := range r.Survivors {
		_, _ = fmt.Fprintf(o.Out, "    survivor: %s\n", s)
	}
}

// perform plays one row in a suite of its own.
func perform(ctx context.Context, o Options, p *play, template, data string) (r Result) {
	machine := clock.System()
	began := machine.Now()
	r = Result{Name: p.name, Pack: p.pack.name}
	defer func() { r.Elapsed = machine.Since(began) }()
	w, err := open(ctx, p, template, data)
	if err != nil {
		r.Failures = append(r.Failures, fmt.Sprintf("%s: the suite of this row: %v", p.place(), explain(err)))
		return r
	}
	defer func() {
		if err := w.close(context.WithoutCancel(ctx)); err != nil {
			r.Failures = append(r.Failures, fmt.Sprintf("%s: closing the suite: %v", p.place(), err))
		}
	}()
	var seen []sighting
	for _, m := range p.moves {
		found, line, err := w.move(ctx, m)
		if o.Verbose && line != "" {
			r.log = append(r.log, line)
		}
		seen = append(seen, found...)
		if err != nil {
			r.Failures = append(r.Failures, fmt.Sprintf("%s: %v", m.place(), explain(err)))
			break
		}
		for _, s := range found {
			r.Failures = append(r.Failures, s.differences()...)
		}
		if len(r.Failures) > 0 {
			break // what follows would fail for the same reason
		}
	}
	if o.Mutate && len(r.Failures) == 0 {
		r.Mutants, r.Survivors = mutate(seen)
	}
	return r
}

// load reads what the options name; digest covers all scenario files.
func load(o Options) (plays []*play, digest string, err error) {
	names := o.Packs
	if len(names) == 0 {
		names = policy.ShippedNames()
	}
	var wrong mistakes
	sum := sha256.New()
	for _, name := range names {
		found, err := read(name)
		if err != nil {
			return nil, "", err
		}
		found.values = o.Parameters
		for _, f := range found.files {
			_, _ = fmt.Fprintf(sum, "%s/%s %d\n%s", found.name, filepath.Base(f.name), len(f.yaml), f.yaml) // a hash takes everything
		}
		p, bad := found.plays()
		plays, wrong = append(plays, p...), append(wrong, bad...)
	}
	if len(wrong) > 0 {
		return nil, "", wrong.err()
	}
	if o.Run != nil {
		plays = slices.DeleteFunc(plays, func(p *play) bool { return !o.Run.MatchString(p.name) })
	}
	return plays, hex.EncodeToString(sum.Sum(nil)), nil
}
