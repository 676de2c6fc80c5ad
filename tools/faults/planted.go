package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"
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
}

const sweepless = "sweep disabled"

// defects is the whole list. A mistake that somebody could make gets a line here.
func defects() []defect {
	return []defect{
		{"answered before the commit", "", "D1", "postgres=3"},
		{"tally not written", "", "D1", ""},
		{"object of the complaint dropped", "", "D1", ""},
		{"request row not written", "", "D2", ""},
		{"request forgotten before its time", "", "D2", ""},
		{"other content accepted", "", "D2", ""},
		{"event omitted", "", "A1", ""},
		{"chain not linked", "", "A1", ""},
		{"digest of the row not renewed", "", "A1", ""},
		{"position not compared", "", "A1", "replaces=2,kills=8"},
		{"event skipped", "", "C1", ""},
		{"timer row not written", "", "C1", ""},
		{"breach fires twice", "", "C1", ""},
		{"generation not compared", "", "C2", ""},
		{"time noticed taken for time due", "", "C2", ""},
		{sweepless, "", "C3", "away=1"},
		{"epoch not compared", sweepless, "C3", "flush=3"},
		{"lease not returned", sweepless, "C3", "clockkills=8"},
		{"entry removed before the effect", sweepless, "C3", "clockkills=8"},
		{"pause not counted", "", "C5", ""},
		{"due time recomputed in local time", "", "C5", ""},
		{"paid twice", "", "M1", ""},
		{"paid above the approval", "", "M1", ""},
		{"granted with a signature missing", "", "M1", ""},
		{"withdrawn claim still paid", "", "M7", ""},
	}
}

// plantedLate is how late a clock may be in these small rounds, whatever happens:
// less than the minute after which the timer index is compared with SQL.
const plantedLate = 20 * time.Second

// hunt plants each defect in a world of its own and says which were found. Before
// it, the same faults without a defect must find nothing.
func (s *settings) hunt(ctx context.Context, only string) error {
	s.plan.acks, s.plan.callers, s.plan.gap, s.plan.calm = 300, 12, 1500*time.Millisecond, 4*time.Second
	s.late, s.lateEver = plantedLate, plantedLate
	passed, failed := 0, 0
	if only == "" {
		sound := &round{settings: s, seed: s.seed, folder: filepath.Join(s.folder, "sound")}
		s.plan.faults = "postgres=1,flush=1,clockkills=2"
		if err := sound.play(ctx); err != nil {
			return fmt.Errorf("without any defect: %w", err)
		}
	}
	for i, d := range defects() {
		if only != "" && only != d.name {
			continue
		}
		s.plan.faults = d.faults
		r := &round{settings: s, seed: s.seed + uint64(i) + 1, folder: filepath.Join(s.folder, fmt.Sprintf("defect-%d", i+1)), planted: d.name}
		if d.with != "" {
			r.planted += "," + d.with
		}
		fmt.Printf("\n%s\n", d.name)
		err := r.play(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if r.figures[d.invariant+" violated"] > 0 {
			passed++
			fmt.Printf("found: %s\n", d.invariant)
			continue
		}
		failed++
		fmt.Printf("NOT FOUND by %s: %v\n", d.invariant, err)
	}
	fmt.Printf("\n%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		return errors.New("a checker does not find what it should")
	}
	return nil
}
