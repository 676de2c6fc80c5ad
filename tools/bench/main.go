// Command redress-bench measures Redress beside what a user would pick instead,
// and beside the least that its work costs, in one run.
//
// It needs PostgreSQL and Redis of its own, whose addresses are in the
// environment: `make bench` starts them. Start reading at the experiments
// (arm.go, fire.go, intake.go …); internal/measure runs them, internal/peers and
// internal/plain are the others, internal/ours is the product.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"example.com/redress/tools/bench/internal/measure"
	"example.com/redress/tools/bench/internal/world"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "redress-bench:", err)
		os.Exit(1)
	}
}

// heapGrowth is that of the product's processes, here for every subject alike.
const heapGrowth = 400

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("redress-bench", flag.ContinueOnError)
	experiment := flags.String("experiment", "", "experiments, parted by commas; empty: all")
	only := flags.String("only", "", "parts of names of subjects, parted by commas; empty: all")
	rounds := flags.Int("rounds", 5, "turns of each subject")
	scale := flags.Float64("scale", 1, "length of turns and size of stocks; goals are defined for 1")
	profiles := flags.String("profile", "", "folder for profiles of CPU and of what is allocated, of our subjects")
	write := flags.String("write", "", "page whose tables are rewritten, docs/performance.md")
	program := flags.String("redress", "", "the program redress, for its footprint and several of it")
	list := flags.Bool("list", false, "list the experiments and end")
	if err := flags.Parse(args); err != nil {
		return err
	}
	debug.SetGCPercent(heapGrowth)
	folder, err := os.MkdirTemp("", "redress-bench")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	if *list {
		for _, e := range experiments(&world.World{Scale: *scale}, *program) {
			fmt.Fprintf(out, "%-11s %s\n", e.Name, e.Title)
		}
		return nil
	}
	w, err := world.Open(ctx, folder, *scale, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	chosen, err := choose(experiments(w, *program), split(*experiment))
	if err != nil {
		return err
	}
	settings, err := w.Settings(ctx)
	if err != nil {
		return err
	}
	settings = append(settings, fmt.Sprintf("scale %v, %d rounds, GOGC=%d, modules: %s", *scale, *rounds, heapGrowth, versions()))
	fmt.Fprintln(out, strings.Join(settings, "\n"))
	o := measure.Options{Rounds: *rounds, Profiles: *profiles, Progress: out, Only: split(*only)}
	var failed []string
	var goals, passed int
	began, ran := time.Now(), map[string]*measure.Result{}
	for _, e := range chosen {
		r, took := ran[e.Of], "in the turns of "+e.Of
		if r != nil {
			r = r.As(e)
		} else {
			if r, err = measure.Run(ctx, e, o); err != nil {
				return err
			}
			ran[e.Name], took = r, "took "+r.Took.Round(time.Second).String()
			for name := range r.Failed {
				failed = append(failed, e.Name+": "+name)
			}
		}
		for _, v := range r.Verdicts() {
			goals++
			if v.Pass {
				passed++
			}
		}
		fmt.Fprintf(out, "\n## %s\n\n%s\n%s: %s\n", e.Title, r.Markdown(), e.Name, took)
		if *write != "" {
			if err := rewrite(*write, e.Name, r, settings); err != nil {
				return err
			}
		}
	}
	fmt.Fprintf(out, "%d goals: %d PASS, %d short; took %s\n", goals, passed, goals-passed, time.Since(began).Round(time.Second))
	if len(failed) > 0 {
		slices.Sort(failed)
		return fmt.Errorf("could not be measured: %s", strings.Join(failed, "; "))
	}
	return nil
}

func split(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

// experiments returns all there are, in the order of the page.
func experiments(w *world.World, program string) []measure.Experiment {
	return slices.Concat(intakeExperiments(w), armExperiments(w), fireExperiments(w), lossExperiments(w), feedExperiments(w), growthExperiments(w), edgeExperiments(w), scaleExperiments(w, program), footprintExperiments(w, program))
}

// choose returns the named ones in the order of the page, with those whose turns they share.
func choose(all []measure.Experiment, names []string) ([]measure.Experiment, error) {
	if len(names) == 0 {
		return all, nil
	}
	wanted := map[string]bool{}
	for _, name := range names {
		i := slices.IndexFunc(all, func(e measure.Experiment) bool { return e.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no experiment %q; -list lists them", name)
		}
		wanted[name], wanted[all[i].Of] = true, true
	}
	return slices.DeleteFunc(all, func(e measure.Experiment) bool { return !wanted[e.Name] }), nil
}

// versions lists the modules whose speed is compared.
func versions() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	named := []string{
		"github.com/hibiken/asynq", "github.com/riverqueue/river", "github.com/nats-io/nats-server/v2", "github.com/nats-io/nats.go", "github.com/jackc/pgx/v5",
		"github.com/redis/go-redis/v9", "google.golang.org/grpc", "github.com/grpc-ecosystem/grpc-gateway/v2", "modernc.org/sqlite",
	}
	var out []string
	for _, d := range info.Deps {
		if slices.Contains(named, d.Path) {
			out = append(out, strings.TrimPrefix(d.Path, "github.com/")+" "+d.Version)
		}
	}
	return strings.Join(out, ", ")
}
