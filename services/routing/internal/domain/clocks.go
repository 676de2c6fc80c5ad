package domain

import (
	"maps"
	"time"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/kit/calendar"
	"example.com/redress/services/kit/slaclock"
	"example.com/redress/services/policy"
)

// ClockOp is what a command does to a clock of the case.
type ClockOp int

// The commands. Zero is none.
const (
	// ClockStart starts one. If one of its kind still counts in the round (or, with
	// a name, one of that name was ever started) it does nothing.
	ClockStart ClockOp = iota + 1
	// ClockMeet meets the newest of the kind, or the named one, at the instant of the
	// act. If there is none, or it was cancelled or met no later, it does nothing.
	ClockMeet
	// ClockVoid cancels every one of the kind, or the named one, that has not stopped.
	ClockVoid
	// ClockVoidAll cancels every clock of the case that has not stopped.
	ClockVoidAll
	// ClockRecompute gives the newest of the kind another term, counted from its own
	// start, unless it has stopped or has that term already.
	ClockRecompute
	// ClockExtend moves the due instant of the named one to a later one.
	ClockExtend
)

// ClockCommand asks for a change of a clock. It is a plain value: whoever carries
// it out answers with the clock's events.
type ClockCommand struct {
	Op ClockOp
	// Kind is the id of the clock in the pack.
	Kind string
	// Name is set where several clocks of one kind count side by side (measures).
	Name string
	// At is when the act happened that asks for it.
	At time.Time
	// Spec of a start; its name is empty unless Name is set.
	Spec slaclock.Spec
	// Term of a recomputation.
	Term slaclock.Term
	// Unmarked is the term without the instant marked for it, nil if none is. It is what a clock has that
	// starts no earlier than the mark: the mark was for the handling before.
	Unmarked *slaclock.Term
	// Due and By of an extension.
	Due time.Time
	By  slaclock.By
}

// ClockOutcome is one event of a clock, with the clock after it.
type ClockOutcome struct {
	Clock  *clockv1.Clock
	Change *clockv1.ClockChanged
	// New: the clock came into being with it.
	New bool
}

// MeasureClock is the kind of the clocks of measures where the pack names none.
const MeasureClock = "measure"

// planned returns the pack's clock whose limit the planner types, or nil.
//
// Source: PACK-SKETCH 2.1 ("as planned").
func (d *Decision) planned() *policyv1.Clock {
	for _, c := range d.policy.Rules().GetClocks() {
		if isPlanned(c) {
			return c
		}
	}
	return nil
}

func isPlanned(c *policyv1.Clock) bool { return c.GetLimit() == "as planned" && c.GetUntil() == "" }

// start asks for a clock of the pack, counted from its fact or the event's instant.
//
// A clock whose grade or fact is not known yet does not start: it is pending.
func (d *Decision) start(def *policyv1.Clock, t Trigger, s *policy.Sheet) (pending []policy.Pending) {
	if isPlanned(def) {
		d.startMeasures(t.At)
		return nil
	}
	term, err := d.term(def, s)
	if err != nil {
		missing := def.GetUntil()
		if def.GetScale() != "" {
			missing = "grade." + def.GetScale()
		}
		return []policy.Pending{{Rule: def.GetId(), Kind: "CLOCK", Missing: []string{missing}}}
	}
	d.clock(ClockCommand{Op: ClockStart, Kind: def.GetId(), At: t.At, Spec: d.spec(def, term, d.policy.ClockStart(def.GetId(), t.At, s)), Unmarked: d.unmarked(def, s)})
	return nil
}

// spec returns what a clock of the pack is started from.
func (d *Decision) spec(def *policyv1.Clock, term slaclock.Term, start time.Time) slaclock.Spec {
	spec := slaclock.Spec{
		Subject: d.kase.GetName(), Complaint: d.kase.GetComplaint(), Kind: def.GetId(), Rule: d.rule(def.GetId()),
		PolicyRevision: d.kase.GetPolicyRevision(), Start: second(start), Term: term, OwedBy: def.GetOwedBy(),
		EachStarted: def.GetStarted(), Round: d.kase.GetRound(), Objective: def.GetObjective(),
	}
	for _, w := range def.GetWarn() {
		if l, err := calendar.ParseLimit(w); err == nil {
			if span, ok := l.Span(); ok {
				spec.Warnings = append(spec.Warnings, span)
			}
		}
	}
	if l, err := calendar.ParseLimit(def.GetEach()); err == nil {
		spec.Each = l
	}
	return spec
}

// term returns how long a clock of the pack runs, as the sheet stands.
func (d *Decision) term(def *policyv1.Clock, s *policy.Sheet) (slaclock.Term, error) {
	limit, err := d.policy.ClockLimit(def.GetId(), s)
	if err != nil {
		return slaclock.Term{}, err
	}
	term := slaclock.Term{Limit: limit}
	if due, ok := d.policy.ClockDue(def.GetId(), s); ok {
		term.Until = second(due)
	}
	return term, nil
}

// unmarked returns the term that a clock has without the instant marked for it; nil if none is marked, or
// if only the mark makes a limit.
func (d *Decision) unmarked(def *policyv1.Clock, s *policy.Sheet) *slaclock.Term {
	if def.GetMarked() == "" || s == nil || s.Facts[def.GetMarked()] == nil {
		return nil
	}
	bare := *s
	bare.Facts = maps.Clone(s.Facts)
	delete(bare.Facts, def.GetMarked())
	term, err := d.term(def, &bare)
	if err != nil {
		return nil
	}
	return &term
}

// Recompute gives every clock whose limit hangs on a grade or a recorded date the
// term that follows from the sheet now. The limit counts from the clock's own
// start, for the response from the original receipt; if that is already past,
// the breach counts from this act.
//
// Source: PROCEDURES P26-A3.
func (d *Decision) Recompute(s *policy.Sheet) {
	if d.final() {
		return
	}
	for _, def := range d.policy.Rules().GetClocks() {
		if def.GetScale() == "" && def.GetMarked() == "" && def.GetUntil() == "" {
			continue
		}
		if term, err := d.term(def, s); err == nil {
			d.clock(ClockCommand{Op: ClockRecompute, Kind: def.GetId(), At: d.at, Term: term, Unmarked: d.unmarked(def, s)})
		}
	}
}

// ClockChanged notes what a clock of the case did: breaches are kept as long as
// they are not withdrawn.
func (d *Decision) ClockChanged(o ClockOutcome) {
	kind := o.Clock.GetKind()
	switch o.Change.GetKind() {
	case clockv1.ClockChanged_KIND_BREACHED:
		if add(&d.kase.Breached, kind) {
			d.because(o.Clock.GetRule())
			d.tell(&routingv1.CaseBreached{Clock: kind})
		}
	case clockv1.ClockChanged_KIND_BREACH_WITHDRAWN:
		if remove(&d.kase.Breached, kind) {
			d.because(o.Clock.GetRule())
			d.tell(&routingv1.CaseBreached{Clock: kind, Withdrawn: true})
		}
	}
}
