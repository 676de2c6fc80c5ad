// Faults drives the suite as it is deployed, in processes of its own on a
// PostgreSQL and a Redis of its own, does to it what may happen to a deployment,
// and afterwards checks that nothing acknowledged was lost or doubled, that every
// clock fired once and none early, and that everything is on record.
//
//	faults --binaries DIR --root DIR [--seed N] [--rounds N] ...
//
// A round is a world: load, faults, quiet, checks. Each prints its seed; the same
// seed draws the same load and the same faults (not the same interleaving: the
// processes are real). Totals go to the file --state, to which a later run adds.
//
// Source: the invariants D1 to A1 of docs/reliability.md.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

// settings are the flags.
type settings struct {
	binaries, old       string
	root, folder, state string
	seed                uint64
	rounds              int
	duration            time.Duration
	late, lateEver      time.Duration
	skew                time.Duration
	plan                plan
	keep                bool
}

func run(ctx context.Context, args []string) error {
	var s settings
	flags := flag.NewFlagSet("faults", flag.ContinueOnError)
	flags.StringVar(&s.binaries, "binaries", "", "`folder` of the built programs")
	flags.StringVar(&s.old, "old", "", "`folder` of the programs of another version, which rolls replace by those of --binaries")
	flags.StringVar(&s.root, "root", ".", "`folder` of the repository, for the sample directory and the pack")
	flags.StringVar(&s.folder, "folder", "", "`folder` for everything written; default: a temporary one")
	flags.StringVar(&s.state, "state", "", "`file` of running totals, added to")
	flags.Uint64Var(&s.seed, "seed", uint64(time.Now().UnixNano()), "seed of the first round")
	flags.IntVar(&s.rounds, "rounds", 1, "rounds to play, if no duration is given")
	flags.DurationVar(&s.duration, "duration", 0, "begin rounds for so long")
	flags.DurationVar(&s.late, "late", 5*time.Second, "allowed p99 of lateness without faults")
	flags.DurationVar(&s.lateEver, "late-ever", 2*time.Minute, "allowed lateness under any fault")
	flags.DurationVar(&s.skew, "skew", 0, "most by which the clock of a host is off; the programs must have been built with the tag skewed")
	flags.BoolVar(&s.keep, "keep", false, "keep the files of rounds that passed")
	flags.IntVar(&s.plan.acks, "acks", 5000, "acknowledgements a round must reach before quiet")
	flags.IntVar(&s.plan.callers, "callers", 64, "clients that register complaints")
	flags.IntVar(&s.plan.repeats, "repeats", 8, "`percent` of the acts of those clients that repeat a request of some time ago")
	flags.IntVar(&s.plan.claimants, "claimants", 2, "clients that ask for compensation")
	flags.IntVar(&s.plan.pausers, "pausers", 2, "clients that pause clocks")
	flags.DurationVar(&s.plan.most, "most", time.Hour, "time the clients may take to reach --acks after the faults")
	flags.IntVar(&s.plan.backlog, "backlog", 20_000, "events that services may be behind before the clients are held")
	flags.DurationVar(&s.plan.gap, "gap", 2*time.Second, "most time between two faults")
	flags.StringVar(&s.plan.faults, "faults", "", "`kind=N,...` of a round: kills, postgres, redis, pauses, cuts, replaces, promotions, disk, rolls; each N times")
	flags.DurationVar(&s.plan.calm, "calm", 8*time.Second, "time without faults at the start and at the end of the load")
	s.plan.linger = longest + settled
	hunt := flags.Bool("planted", false, "plant each defect, in programs built with the tag planted, and see that it is found")
	only := flags.String("only", "", "plant this `defect` only")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if s.binaries == "" {
		return errors.New("--binaries must be given")
	}
	if s.folder == "" {
		var err error
		if s.folder, err = os.MkdirTemp("", "redress-faults-"); err != nil {
			return err
		}
	}
	if *hunt {
		return s.hunt(ctx, *only)
	}
	return s.campaign(ctx)
}

// campaign plays rounds and adds up what they saw.
func (s *settings) campaign(ctx context.Context) error {
	totals, err := resume(s.state)
	if err != nil {
		return err
	}
	fmt.Printf("seed %d, files in %s\n", s.seed, s.folder)
	begin := time.Now()
	for i := 0; s.goesOn(i, begin); i++ {
		seed := s.seed + uint64(i)
		r := &round{settings: s, seed: seed, folder: filepath.Join(s.folder, fmt.Sprintf("round-%d", seed))}
		err := r.play(ctx)
		if err != nil && ctx.Err() != nil {
			fmt.Println("interrupted; the round does not count")
			break
		}
		totals.add(r)
		if failed := totals.save(s.state); failed != nil {
			return failed
		}
		if err != nil {
			totals.print()
			return fmt.Errorf("round with seed %d: %w; its files are in %s", seed, err, r.folder)
		}
		if !s.keep {
			if err := os.RemoveAll(r.folder); err != nil {
				return err
			}
		}
	}
	totals.print()
	if n := totals.violations(); n > 0 {
		return fmt.Errorf("%d violations", n)
	}
	return nil
}

func (s *settings) goesOn(done int, begin time.Time) bool {
	if s.duration > 0 {
		return time.Since(begin) < s.duration
	}
	return done < s.rounds
}

// totals are what rounds have seen so far.
type totals struct {
	Rounds  int              `json:"rounds"`
	Seconds float64          `json:"seconds"`
	Seeds   []uint64         `json:"seeds"`
	Faults  map[string]int   `json:"faults"`
	Acks    map[string]int   `json:"acknowledged"`
	Figures map[string]int64 `json:"figures"`
	NotRun  map[string]int   `json:"not_run"`
}

func resume(file string) (*totals, error) {
	t := &totals{Faults: map[string]int{}, Acks: map[string]int{}, Figures: map[string]int64{}, NotRun: map[string]int{}}
	if file == "" {
		return t, nil
	}
	raw, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return t, nil
	}
	if err != nil {
		return nil, err
	}
	return t, json.Unmarshal(raw, t)
}

func (t *totals) save(file string) error {
	if file == "" {
		return nil
	}
	raw, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", append(raw, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

func (t *totals) add(r *round) {
	t.Rounds++
	t.Seconds += r.took.Seconds()
	t.Seeds = append(t.Seeds, r.seed)
	for k, n := range r.faults {
		t.Faults[k] += n
	}
	for k, n := range r.acks {
		t.Acks[k] += n
	}
	for k, n := range r.figures {
		if strings.Contains(k, " in ms") {
			t.Figures["worst "+k] = max(t.Figures["worst "+k], n)
			continue
		}
		t.Figures[k] += n
	}
	for _, k := range r.notRun {
		t.NotRun[k]++
	}
}

func (t *totals) violations() (n int64) {
	for k, v := range t.Figures {
		if strings.HasSuffix(k, " violated") {
			n += v
		}
	}
	return n
}

func (t *totals) print() {
	fmt.Printf("\ntotals of %d rounds in %s, seeds %v\n", t.Rounds, time.Duration(t.Seconds*float64(time.Second)).Round(time.Second), t.Seeds)
	show("faults", t.Faults)
	show("acknowledged", t.Acks)
	show("looked at", t.Figures)
	acks := int64(0)
	for _, n := range t.Acks {
		acks += int64(n)
	}
	redis := 0
	for _, k := range redisLosses() {
		redis += t.Faults[k]
	}
	for k, n := range t.NotRun {
		fmt.Printf("  NOT RUN: %s (%d times)\n", k, n)
	}
	fmt.Printf("%d kills of services, %d of PostgreSQL, %d losses of Redis, %d acknowledgements, %d clocks fired, %d violations\n",
		t.Faults[killService], t.Faults[killPostgres], redis, acks, t.Figures["clocks fired"], t.violations())
}

func show[N int | int64](what string, all map[string]N) {
	fmt.Printf("  %s\n", what)
	for _, k := range slices.Sorted(maps.Keys(all)) {
		fmt.Printf("    %10d  %s\n", all[k], k)
	}
}
