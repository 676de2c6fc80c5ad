package host

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"example.com/redress/services/kit/clock"
	"example.com/redress/services/kit/lifecycle"
	"example.com/redress/services/kit/sqldb"
)

// The business clock of a process is the host's, corrected by the offset to the
// database, so that replicas on hosts whose clocks disagree fire nothing early.
//
// Source: docs/adr/0004.
const (
	// offsetEvery is the time between two measurements.
	offsetEvery = 10 * time.Second
	// offsetLooks is how often the database is asked for one of them.
	offsetLooks = 3
	// offsetPrompt is the most that an answer may take that counts whatever it says.
	offsetPrompt = 50 * time.Millisecond
	// offsetWorthTelling is from when on a correction is logged.
	offsetWorthTelling = time.Second
)

// followDatabase corrects a clock of the host now and, in a loop of the host's,
// from then on. A virtual clock, and a database that has no time of its own, are
// left alone.
func (h *Host) followDatabase(ctx context.Context, db *sqldb.DB) error {
	c, ok := h.Clock.(*clock.Host)
	if !ok {
		return nil
	}
	has, err := h.correct(ctx, c, db.Now, true)
	if err != nil {
		return fmt.Errorf("%s: time of the database: %w", h.def.Name, err)
	}
	if !has {
		return nil
	}
	h.loops.Add("clock of "+h.def.Name, lifecycle.NewLoop("clock", func(ctx context.Context) error {
		for clock.System().Pause(ctx, offsetEvery) == nil {
			if _, err := h.correct(ctx, c, db.Now, false); err != nil && ctx.Err() == nil {
				h.Logger.WarnContext(ctx, "time of the database not read", slog.Any("error", err))
			}
		}
		return ctx.Err()
	}))
	return nil
}

// correct sets the offset to the least that the answers show it to be: the instant
// the database named had passed when its answer came, so a clock set by it is
// behind the database's by the time of the answer at most, and never ahead. Slow
// answers say little: without a prompt one the offset stays as long as they may
// agree with it, except at first, when nothing is known yet. ok is false if the
// database has no time.
func (h *Host) correct(ctx context.Context, c *clock.Host, now func(context.Context) (time.Time, bool, error), first bool) (ok bool, err error) {
	var least, most time.Duration // bounds of what the clock is behind the database's
	counts := first
	for look := range offsetLooks {
		before := c.Now()
		at, ok, err := now(ctx)
		if err != nil || !ok {
			return false, err
		}
		after := c.Now()
		if low, high := at.Sub(after), at.Sub(before); look == 0 {
			least, most = low, high
		} else {
			least, most = max(least, low), min(most, high)
		}
		counts = counts || after.Sub(before) <= offsetPrompt
	}
	if !counts && least <= 0 && most >= 0 {
		return true, nil
	}
	if least != 0 {
		c.SetOffset(c.Offset() + least)
	}
	if least.Abs() >= offsetWorthTelling {
		h.Logger.WarnContext(ctx, "the host's clock differs from the database's, which is followed", slog.Duration("corrected_by", least))
	}
	return true, nil
}
