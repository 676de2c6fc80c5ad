package domain

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	"example.com/redress/services/kit/calendar"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/slaclock"
)

// ClockBook holds the clocks of one case while an act is decided and carries
// commands out on them. It stores nothing: the outcomes say what to store.
type ClockBook struct {
	clocks []*clockv1.Clock
	pack   *calendar.Calendar
	known  func(*clockv1.Clock) (*calendar.Calendar, error)
}

// NewClockBook returns a book of the clocks given; each is replaced, never
// changed. pack is the calendar new clocks are counted on, known returns the one
// that an earlier clock was counted on.
func NewClockBook(clocks []*clockv1.Clock, pack *calendar.Calendar, known func(*clockv1.Clock) (*calendar.Calendar, error)) *ClockBook {
	return &ClockBook{clocks: slices.Clone(clocks), pack: pack, known: known}
}

// Clocks returns the clocks as they stand.
func (b *ClockBook) Clocks() []*clockv1.Clock { return slices.Clone(b.clocks) }

// Do carries a command out and returns what the clocks did, in order.
//
// Faults are those of slaclock for a start, a recomputation and an extension;
// CLOCK_NOT_RUNNING for an extension of a clock that is not there.
func (b *ClockBook) Do(c ClockCommand) ([]ClockOutcome, error) {
	switch c.Op {
	case ClockStart:
		return b.start(c)
	case ClockMeet:
		return b.meet(c)
	case ClockVoid, ClockVoidAll:
		return b.void(c)
	case ClockRecompute:
		return b.recompute(c)
	case ClockExtend:
		i := slices.IndexFunc(b.clocks, func(k *clockv1.Clock) bool { return k.GetName() == c.Name })
		if i < 0 {
			return nil, fault.New(fault.FailedPrecondition, ReasonClockNotRunning, "clock", c.Name, "state", "-")
		}
		return b.change(i, func(cal *calendar.Calendar, k *clockv1.Clock) (*clockv1.Clock, []*clockv1.ClockChanged, error) {
			return slaclock.Extend(cal, k, c.At, c.Due, c.By)
		})
	}
	return nil, nil
}

// start starts a clock: cases/{case}/clocks/{kind}-{round}, a further one of the
// same round -2, -3 and so on, unless it is named. One of the kind that still
// counts is the same duty; one of an earlier round is replaced.
func (b *ClockBook) start(c ClockCommand) ([]ClockOutcome, error) {
	spec := c.Spec
	spec.Name, spec.Term = c.Name, c.term(spec.Term, spec.Start)
	var out []ClockOutcome
	if spec.Name == "" {
		same := 0
		for _, i := range b.of(spec.Kind) {
			k := b.clocks[i]
			switch {
			case k.GetRound() < spec.Round && counts(k):
				told, err := b.cancel(i, spec.Start)
				if err != nil {
					return nil, err
				}
				out = append(out, told...)
			case counts(k):
				return out, nil
			case k.GetRound() == spec.Round:
				same++
			}
		}
		spec.Name = spec.Subject + "/clocks/" + spec.Kind + "-" + strconv.Itoa(int(spec.Round))
		if same > 0 {
			spec.Name += "-" + strconv.Itoa(same+1)
		}
	}
	if slices.ContainsFunc(b.clocks, func(k *clockv1.Clock) bool { return k.GetName() == spec.Name }) {
		return out, nil
	}
	next, changes, err := slaclock.Start(b.pack, spec)
	if err != nil {
		return nil, err
	}
	b.clocks = append(b.clocks, next)
	told := outcomes(next, changes)
	told[0].New = true
	return append(out, told...), nil
}

// term is the one a clock of that start has: without the mark, if it is no later than the start.
func (c ClockCommand) term(marked slaclock.Term, start time.Time) slaclock.Term {
	if c.Unmarked != nil && !marked.Until.After(start) {
		return *c.Unmarked
	}
	return marked
}

func (b *ClockBook) meet(c ClockCommand) ([]ClockOutcome, error) {
	at := b.pick(c)
	if len(at) == 0 {
		return nil, nil
	}
	return b.lenient(at[len(at)-1], func(cal *calendar.Calendar, k *clockv1.Clock) (*clockv1.Clock, []*clockv1.ClockChanged, error) {
		return slaclock.Meet(cal, k, c.At)
	})
}

func (b *ClockBook) void(c ClockCommand) ([]ClockOutcome, error) {
	var out []ClockOutcome
	for _, i := range b.pick(c) {
		if !counts(b.clocks[i]) {
			continue
		}
		told, err := b.cancel(i, c.At)
		if err != nil {
			return nil, err
		}
		out = append(out, told...)
	}
	return out, nil
}

func (b *ClockBook) cancel(i int, at time.Time) ([]ClockOutcome, error) {
	return b.lenient(i, func(cal *calendar.Calendar, k *clockv1.Clock) (*clockv1.Clock, []*clockv1.ClockChanged, error) {
		return slaclock.Cancel(cal, k, at)
	})
}

func (b *ClockBook) recompute(c ClockCommand) ([]ClockOutcome, error) {
	at := b.pick(c)
	if len(at) == 0 {
		return nil, nil
	}
	i := at[len(at)-1]
	k := b.clocks[i]
	term := c.term(c.Term, k.GetStartTime().AsTime())
	same := term.Until.IsZero() && k.GetBasis() == term.Limit.Basis && k.GetLimit() == term.Limit.String() ||
		!term.Until.IsZero() && k.GetDueTime() != nil && k.GetDueTime().AsTime().Equal(term.Until)
	if !counts(k) || same {
		return nil, nil
	}
	next, changes, err := slaclock.Recompute(b.pack, k, term, c.At)
	if err != nil {
		return nil, err
	}
	b.clocks[i] = next
	return outcomes(next, changes), nil
}

// lenient is change for acts that a clock at its end is indifferent to.
func (b *ClockBook) lenient(i int, do func(*calendar.Calendar, *clockv1.Clock) (*clockv1.Clock, []*clockv1.ClockChanged, error)) ([]ClockOutcome, error) {
	out, err := b.change(i, do)
	if stopped := (&fault.Error{Kind: fault.FailedPrecondition, Reason: slaclock.ReasonNotRunning}); errors.Is(err, stopped) {
		return nil, nil
	}
	return out, err
}

func (b *ClockBook) change(i int, do func(*calendar.Calendar, *clockv1.Clock) (*clockv1.Clock, []*clockv1.ClockChanged, error)) ([]ClockOutcome, error) {
	cal, err := b.known(b.clocks[i])
	if err != nil {
		return nil, err
	}
	next, changes, err := do(cal, b.clocks[i])
	if err != nil {
		return nil, err
	}
	b.clocks[i] = next
	return outcomes(next, changes), nil
}

// pick returns the places of the clocks a command is about, the newest last.
func (b *ClockBook) pick(c ClockCommand) []int {
	switch {
	case c.Op == ClockVoidAll:
		return b.of("")
	case c.Name == "":
		return b.of(c.Kind)
	}
	for i, k := range b.clocks {
		if k.GetName() == c.Name {
			return []int{i}
		}
	}
	return nil
}

// of returns the places of the clocks of a kind, all for none, the newest of a kind last.
func (b *ClockBook) of(kind string) []int {
	var at []int
	for i, k := range b.clocks {
		if kind == "" || k.GetKind() == kind {
			at = append(at, i)
		}
	}
	slices.SortStableFunc(at, func(x, y int) int {
		p, q := b.clocks[x], b.clocks[y]
		return cmp.Or(cmp.Compare(p.GetRound(), q.GetRound()), cmp.Compare(ordinal(p), ordinal(q)), strings.Compare(p.GetName(), q.GetName()))
	})
	return at
}

// ordinal returns the n of a clock's name, 1 for the first of its round.
func ordinal(k *clockv1.Clock) int {
	_, n, _ := strings.Cut(strings.TrimPrefix(k.GetName(), k.GetSubject()+"/clocks/"+k.GetKind()+"-"), "-")
	if i, err := strconv.Atoi(n); err == nil {
		return i
	}
	return 1
}

// counts tells that a clock has not stopped.
func counts(k *clockv1.Clock) bool { return k.GetState() != clockv1.Clock_STATE_STOPPED }

func outcomes(next *clockv1.Clock, changes []*clockv1.ClockChanged) []ClockOutcome {
	out := make([]ClockOutcome, len(changes))
	for i, c := range changes {
		out[i] = ClockOutcome{Clock: next, Change: c}
	}
	return out
}
