// Package measure lets subjects take turns and says what their medians are.
//
// An [Experiment] is data: its subjects, the columns of its table and the goals
// its ratios are held against. [Run] gives every subject one turn in each round,
// so that a busy machine slows all of them; only ratios of one run are quoted.
//
// Start reading at [Experiment], then [Run].
package measure

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"time"
)

// Figures are what one turn of a subject measured, by column.
type Figures map[string]float64

// Subject is one line of a table.
type Subject struct {
	// Name as the table shows it, unique in its experiment.
	Name string
	// Ours is profiled if profiles are asked for.
	Ours bool
	// Open makes ready what all turns share. The Turn's Close gives it back.
	Open func(ctx context.Context) (Turn, error)
}

// Turn is an opened subject.
type Turn interface {
	// Round is one turn: it prepares, measures and leaves nothing running.
	Round(ctx context.Context) (Figures, error)
	Close() error
}

// Column is a figure of the table.
type Column struct {
	Key, Title string
}

// Goal is a ratio to be reached, or an absolute figure if Against is empty.
type Goal struct {
	// Subject and Key name what is held against the bar.
	Subject, Key string
	// Against names the reference, Over its column if it is another one.
	Against, Over string
	// AtLeast or AtMost is the bar; the other is 0.
	AtLeast, AtMost float64
	// Missing says why the product has no such figure: a miss.
	Missing string
}

// Experiment is a table with its goals.
type Experiment struct {
	Name string
	// Title heads the table; About says in a sentence or two what a turn does.
	Title, About string
	Subjects     []Subject
	Columns      []Column
	Goals        []Goal
	// Of names another experiment, whose turns this table is also of: it has then no
	// subjects but those of the other.
	Of string
	// Rounds bounds the number of rounds where one takes very long; 0 does not.
	Rounds int
}

// Options of a run.
type Options struct {
	Rounds int
	// Profiles is the folder for profiles of our subjects, of CPU and of what is
	// allocated; empty makes none.
	Profiles string
	// Progress is told of each turn.
	Progress io.Writer
	// Only limits the run to subjects whose name contains one of these; empty: all.
	Only []string
}

// Result is what an experiment measured.
type Result struct {
	Experiment Experiment
	Rounds     int
	// Turns are the figures by subject, a round each.
	Turns map[string][]Figures
	// Failed says why a subject has no figures.
	Failed map[string]string
	Began  time.Time
	Took   time.Duration
}

// Run gives each subject a turn in every round. A subject that fails is left out
// from then on; its goals are missed.
func Run(ctx context.Context, e Experiment, o Options) (*Result, error) {
	r := &Result{Experiment: e, Rounds: o.Rounds, Turns: map[string][]Figures{}, Failed: map[string]string{}, Began: time.Now()}
	if e.Rounds > 0 {
		r.Rounds = min(r.Rounds, e.Rounds)
	}
	open := map[string]Turn{}
	defer func() {
		for name, t := range open {
			if err := t.Close(); err != nil {
				fmt.Fprintf(o.Progress, "%s: close %s: %v\n", e.Name, name, err)
			}
		}
	}()
	fail := func(s Subject, err error) {
		r.Failed[s.Name] = err.Error()
		fmt.Fprintf(o.Progress, "%s: %s: %v\n", e.Name, s.Name, err)
	}
	subjects := slices.DeleteFunc(slices.Clone(e.Subjects), func(s Subject) bool {
		return len(o.Only) > 0 && !slices.ContainsFunc(o.Only, func(part string) bool { return strings.Contains(s.Name, part) })
	})
	for round := range r.Rounds {
		for i := range subjects {
			s := subjects[(i+round)%len(subjects)] // nobody is always after the same one
			if r.Failed[s.Name] != "" {
				continue
			}
			if ctx.Err() != nil {
				return r, ctx.Err()
			}
			if open[s.Name] == nil {
				t, err := s.Open(ctx)
				if err != nil {
					fail(s, err)
					continue
				}
				open[s.Name] = t
			}
			runtime.GC()
			got, err := open[s.Name].Round(profiled(ctx, o, e, s, round))
			if err != nil {
				fail(s, err)
				continue
			}
			r.Turns[s.Name] = append(r.Turns[s.Name], got)
			fmt.Fprintf(o.Progress, "%s: round %d: %-44s %s\n", e.Name, round+1, s.Name, line(e, got))
		}
	}
	r.Took = time.Since(r.Began)
	return r, ctx.Err() // who is interrupted in the last turn has not measured
}

// As returns the result as another table of the same turns.
func (r *Result) As(e Experiment) *Result {
	e.Subjects = r.Experiment.Subjects
	other := *r
	other.Experiment = e
	return &other
}

// profile is where the CPU profile of a turn goes.
type profile struct {
	path    string
	watched int
}

type profileKey struct{}

// Watch begins the measured part of a turn, and the function it returns ends it:
// what a CPU profile shows, if there is one.
func Watch(ctx context.Context) (end func()) {
	p, ok := ctx.Value(profileKey{}).(*profile)
	if !ok {
		return func() {}
	}
	path := p.path
	if p.watched++; p.watched > 1 { // another part of the same turn
		path = fmt.Sprintf("%s-%d", p.path, p.watched)
	}
	f, err := os.Create(path + ".pprof")
	if err == nil {
		err = pprof.StartCPUProfile(f)
	}
	if err != nil {
		return func() {} // the turn counts all the same
	}
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close()
		if f, err := os.Create(path + ".allocs.pprof"); err == nil {
			_ = pprof.Lookup("allocs").WriteTo(f, 0) // since the process began
			_ = f.Close()
		}
	}
}

func profiled(ctx context.Context, o Options, e Experiment, s Subject, round int) context.Context {
	if o.Profiles == "" || !s.Ours {
		return ctx
	}
	name := strings.NewReplacer(" ", "_", "/", "_", ",", "").Replace(s.Name)
	return context.WithValue(ctx, profileKey{}, &profile{path: filepath.Join(o.Profiles, fmt.Sprintf("%s-%s-%d", e.Name, name, round+1))})
}

func line(e Experiment, f Figures) string {
	var parts []string
	for _, c := range e.Columns {
		if v, ok := f[c.Key]; ok {
			parts = append(parts, c.Title+" "+Short(v))
		}
	}
	return strings.Join(parts, ", ")
}

// Median returns the median of a subject's column with the least and the most;
// ok is false if it was not measured.
func (r *Result) Median(subject, key string) (median, least, most float64, ok bool) {
	var all []float64
	for _, f := range r.Turns[subject] {
		if v, ok := f[key]; ok {
			all = append(all, v)
		}
	}
	if len(all) == 0 {
		return 0, 0, 0, false
	}
	slices.Sort(all)
	median = all[len(all)/2]
	if len(all)%2 == 0 {
		median = (all[len(all)/2-1] + all[len(all)/2]) / 2
	}
	return median, all[0], all[len(all)-1], true
}
