package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"example.com/redress/tools/faults/ledger"
	"example.com/redress/tools/faults/load"
	"example.com/redress/tools/faults/world"
)

// defect is one that is planted in the suite to see whether its checker finds it.
type defect struct {
	// name as the suite knows it (services/kit/planted), and what is planted with
	// it: most mistakes about the timer index are made good by the sweep.
	name, with string
	// invariant that must be found violated.
	invariant string
	// faults that bring it out, as for --faults; "": none.
	faults string
	// enough of the acts that bring it out, and what else the round waits for: SQL and
	// how much it must count.
	enough map[string]int
	cause  string
	times  int
	// pauses: clocks are paused, and are given the time for it.
	pauses bool
	// callers, if there must be more of them than usual.
	callers int
	// linger is that of the round.
	linger time.Duration
	// alone: each replica reads whole feeds, as if leases did not keep them apart.
	alone bool
}

const sweepless = "sweep disabled"

// defects is the whole list. A mistake that somebody could make gets a line here.
func defects() []defect {
	made, repeated := map[string]int{ledger.Create: 50}, map[string]int{ledger.Repeat: 20}
	paid, resumed := map[string]int{ledger.Paid: 4}, map[string]int{ledger.Resumed: 4}
	return []defect{
		{name: "answered before the commit", invariant: "D1", faults: "postgres=3", callers: 16},
		{name: "tally not written", invariant: "D1", enough: made},
		{name: "object of the complaint dropped", invariant: "D1", enough: made},
		{name: "request row not written", invariant: "D2", enough: repeated},
		{name: "request forgotten before its time", invariant: "D2", enough: repeated},
		{name: "other content accepted", invariant: "D2", callers: 8, enough: map[string]int{load.OtherContent: 4}},
		{name: "event omitted", invariant: "A1", enough: made},
		{name: "chain not linked", invariant: "A1", enough: made},
		{name: "digest of the row not renewed", invariant: "A1", enough: made},
		{name: "position not compared", invariant: "A1", alone: true, enough: made},
		{name: "event skipped", invariant: "C1", callers: 8, times: 3, cause: "SELECT count(*) FROM redress_intake.events WHERE resource LIKE 'complaints/%' AND version = 1 AND sequence % 20 = 0"},
		{name: "timer row not written", invariant: "C1", linger: 12 * time.Second, enough: made},
		{name: "breach fires twice", invariant: "C1", enough: made},
		{name: "generation not compared", invariant: "C2", pauses: true, linger: 22 * time.Second, enough: map[string]int{load.PausedInTime: 4}},
		{name: "time noticed taken for time due", invariant: "C2", enough: made},
		{name: sweepless, invariant: "C3", faults: "away=1", callers: 8},
		{name: "epoch not compared", with: sweepless, invariant: "C3", faults: "flush=3", callers: 8},
		{name: "lease not returned", with: sweepless, invariant: "C3", faults: "clockkills=4", alone: true, callers: 8},
		{name: "entry removed before the effect", with: sweepless, invariant: "C3", faults: "due=2", callers: 8},
		{name: "pause not counted", invariant: "C5", pauses: true, enough: resumed},
		{name: "due time recomputed in local time", invariant: "C5", pauses: true, enough: resumed},
		{name: "paid twice", invariant: "M1", enough: map[string]int{load.OrderedAgain: 4}},
		{name: "paid above the approval", invariant: "M1", enough: paid},
		{name: "granted with a signature missing", invariant: "M1", enough: paid},
		{name: "withdrawn claim still paid", invariant: "M7", enough: map[string]int{load.OrderedTakenBack: 4}},
	}
}

// hunted is the small round that each defect gets; its clients end when they have
// done what brings the defect out, or, where even that is too much for the machine,
// after its longest time.
func hunted() plan {
	return plan{small: true, acks: 200, callers: 3, claimants: 4, pausers: 4, repeats: 8, backlog: 20_000, gap: 4 * time.Second, calm: 500 * time.Millisecond, most: 5 * time.Minute}
}

// plantedLate is how late a clock may be in these small rounds, whatever happens:
// less than the minute after which the timer index is compared with SQL.
const plantedLate = 10 * time.Second

// hunt plants each defect in a copy of one world and says which were found. Before
// it, a round of faults without a defect must find nothing.
func (s *settings) hunt(ctx context.Context, only string) error {
	s.plan = hunted()
	s.late, s.lateEver = plantedLate, plantedLate
	began := time.Now()
	first := &round{settings: s, folder: filepath.Join(s.folder, "world")}
	o, err := first.options()
	if err != nil {
		return err
	}
	w, err := world.New(ctx, o)
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	defer w.Close()
	if err := errors.Join(observe(ctx, w), w.Keep(ctx)); err != nil {
		return err
	}
	if only == "" {
		sound := defect{name: "no defect", faults: "due=1,flush=1,clockkills=1", alone: true, enough: map[string]int{ledger.Paid: 2, ledger.Resumed: 2}}
		if r, err := s.one(ctx, w, 0, &sound); err != nil {
			return fmt.Errorf("%s: %w", sound.name, err)
		} else if len(r.found()) > 0 {
			return errors.New("something is found where nothing is planted")
		}
	}
	passed, failed := 0, 0
	var table []string
	for i, d := range defects() {
		if only != "" && only != d.name {
			continue
		}
		began := time.Now()
		r, err := s.one(ctx, w, i+1, &d)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		verdict := "found"
		if r.figures[d.invariant+" violated"] > 0 {
			passed++
		} else {
			failed++
			verdict = fmt.Sprintf("NOT FOUND (%v)", err)
		}
		table = append(table, fmt.Sprintf("%-36s %s  %4.0f s  %-9s all findings: %v", d.name, d.invariant, time.Since(began).Seconds(), verdict, r.found()))
		fmt.Println(table[len(table)-1])
	}
	fmt.Printf("\nin %s:\n", time.Since(began).Round(time.Second))
	for _, line := range table {
		fmt.Println(line)
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		return errors.New("a checker does not find what it should")
	}
	return nil
}

// one plays the round of a defect.
func (s *settings) one(ctx context.Context, w *world.World, number int, d *defect) (*round, error) {
	own := *s
	own.plan.faults, own.plan.enough, own.plan.linger = d.faults, d.enough, d.linger
	own.plan.cause, own.plan.times, own.plan.pauses = d.cause, d.times, d.pauses
	own.plan.callers = max(own.plan.callers, d.callers)
	if strings.HasPrefix(d.invariant, "M") {
		own.plan.callers, own.plan.claimants, own.plan.pausers, own.plan.acks = 1, 6, 0, 0
	}
	r := &round{settings: &own, seed: s.seed + uint64(number), folder: filepath.Join(s.folder, fmt.Sprintf("defect-%d", number)), begin: time.Now()}
	r.faults, r.acks, r.figures = map[string]int{}, map[string]int{}, map[string]int64{}
	if number > 0 {
		r.defect = d
	}
	counts, err := own.plan.counts()
	if err != nil {
		return r, err
	}
	fmt.Printf("\n%s\n", d.name)
	ranges := feedRanges
	if d.alone {
		ranges = 0
	}
	if err := w.Renew(ctx, fmt.Sprintf("defect_%d", number), ranges, "REDRESS_PLANTED="+d.name+","+d.with); err != nil {
		return r, err
	}
	if d.pauses {
		o, err := r.options()
		if err != nil {
			return r, err
		}
		if err := w.Activate(ctx, o.Pack); err != nil {
			return r, err
		}
		// A service that has heard half of it refuses complaints, for no pack is in force.
		for n, err := behind(ctx, w); n > 0 || err != nil; n, err = behind(ctx, w) {
			if err != nil || !wait(ctx, 100*time.Millisecond) {
				return r, errors.Join(err, ctx.Err())
			}
		}
	}
	return r, r.within(ctx, w, counts)
}

// found lists the invariants of which a violation was found.
func (r *round) found() []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(r.figures)) {
		if n := r.figures[k]; n > 0 && len(k) > len(" violated") && k[len(k)-len(" violated"):] == " violated" {
			out = append(out, fmt.Sprintf("%s %d", k[:len(k)-len(" violated")], n))
		}
	}
	return out
}
