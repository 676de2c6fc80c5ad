// Package clocks keeps SLA clocks as resources of a journal and serves them.
//
// Package slaclock says what happens to a clock; this package finds the clock,
// stores what became of it, one event for each thing that happened, and keeps the
// timer row beside it, all within the Unit of the decision that started, met or
// changed it. Package timers calls [Fire] when a row falls due; [NewServer] is
// the ClockService over the same resources.
//
// It knows no pack: limits, calendars and who may extend come from the caller.
// Start reading at [Start], then [Fire].
//
// Source: DESIGN section 5; docs/adr/0005.
package clocks

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/calendar"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/slaclock"
)

// Kind returns the journal's kind for the clocks of a collection: "cases" gives
// cases/*/clocks/*.
func Kind(collection string) journal.Kind {
	return journal.Kind{
		Pattern:    collection + "/*/clocks/*",
		New:        func() proto.Message { return &clockv1.Clock{} },
		WithParent: true,
		Complaint:  func(_ string, m proto.Message) string { return m.(*clockv1.Clock).GetComplaint() },
		Timer: func(m proto.Message) (time.Time, int64, bool) {
			c, ok := m.(*clockv1.Clock)
			if !ok || c.GetNextFireTime() == nil {
				return time.Time{}, 0, false
			}
			return c.GetNextFireTime().AsTime(), c.GetGeneration(), true
		},
	}
}

// patternOf returns the kind of the clocks of a subject.
func patternOf(subject string) string {
	segments := strings.Split(subject, "/")
	for i := 1; i < len(segments); i += 2 {
		segments[i] = "*"
	}
	return strings.Join(segments, "/") + "/clocks/*"
}

// Spec is what a clock is started from.
type Spec struct {
	// Subject owes; Complaint is what it belongs to.
	Subject, Complaint string
	// Kind is the clock's id in the pack.
	Kind string
	// Rule is quoted wherever the clock shows.
	Rule *typev1.RuleRef
	// Revision of the pack the clock is started under.
	Revision string
	// Limit is how long it runs. If it is zero, LimitText is read instead; with
	// neither the duty is prompt without a figure.
	Limit     calendar.Limit
	LimitText string
	// Fixed, if set, is the due instant itself and rules over the limit.
	Fixed time.Time
	// Start is when it begins to count: the occur time of its cause.
	Start time.Time
	// Calendar counts; nil means round the clock in Asia/Shanghai, without opening
	// hours and holidays.
	Calendar *calendar.Calendar
	// OwedBy names roles or people as the pack writes them.
	OwedBy []string
	// Warn are elapsed times before the due instant.
	Warn []time.Duration
	// Each is the length of a period late; zero if lateness is not counted.
	Each calendar.Limit
	// EachStarted counts periods begun instead of periods complete.
	EachStarted bool
	// Round of the case, from 1; 0 means 1.
	Round int32
	// Objective marks a clock that is reported and not pursued.
	Objective bool
}

// Warnings returns the elapsed times of limits, for [Spec].Warn. ok is false if
// one of them is not measured in minutes, hours, days or weeks.
func Warnings(limits ...calendar.Limit) (warn []time.Duration, ok bool) {
	for _, l := range limits {
		span, fine := l.Span()
		if !fine {
			return nil, false
		}
		warn = append(warn, span)
	}
	return warn, true
}

// Start starts a clock of the subject and returns it. Its name is
// {subject}/clocks/{kind}-{round}; a further one of the same round gets -2, -3
// and so on.
//
// A clock of that kind which still counts, in the same round or a later one, is
// returned as it is: the duty is owed already. One of an earlier round is
// replaced: it is cancelled as of the start of the new one.
//
// It fails like [slaclock.Start].
func Start(u *journal.Unit, s Spec) (*clockv1.Clock, error) {
	round := max(s.Round, 1)
	earlier, err := find(u, s.Subject, s.Kind)
	if err != nil {
		return nil, err
	}
	same := 0
	for _, c := range earlier {
		switch {
		case c.GetRound() < round:
			if !Counts(c) {
				continue
			}
			if err := cancel(u, c, s.Start); err != nil {
				return nil, err
			}
		case Counts(c):
			return c, nil
		case c.GetRound() == round:
			same = max(same, ordinal(c))
		}
	}
	cal, err := orPlain(s.Calendar)
	if err != nil {
		return nil, err
	}
	limit := s.Limit
	if limit.IsZero() && s.LimitText != "" {
		if limit, err = calendar.ParseLimit(s.LimitText); err != nil {
			return nil, fault.New(fault.Internal, slaclock.ReasonSpecInvalid, "clock", s.Kind, "field", "limit").Wrap(err)
		}
	}
	next, changes, err := slaclock.Start(cal, slaclock.Spec{
		Name: nameOf(s.Subject, s.Kind, round, same+1), Subject: s.Subject, Complaint: s.Complaint, Kind: s.Kind,
		Rule: s.Rule, PolicyRevision: s.Revision, Start: s.Start, Term: slaclock.Term{Limit: limit, Until: s.Fixed},
		OwedBy: s.OwedBy, Warnings: s.Warn, Each: s.Each, EachStarted: s.EachStarted, Round: round, Objective: s.Objective,
	})
	if err != nil {
		return nil, err
	}
	if err := u.Create(next.GetName(), next, changes[0]); err != nil {
		return nil, err
	}
	return next, update(u, next, changes[1:])
}

func nameOf(subject, kind string, round int32, n int) string {
	name := subject + "/clocks/" + kind + "-" + strconv.Itoa(int(round))
	if n > 1 {
		name += "-" + strconv.Itoa(n)
	}
	return name
}

// ordinal returns n of a clock's name, 1 for the first of its round.
func ordinal(c *clockv1.Clock) int {
	_, n, _ := strings.Cut(strings.TrimPrefix(c.GetName(), c.GetSubject()+"/clocks/"+c.GetKind()+"-"), "-")
	if i, err := strconv.Atoi(n); err == nil {
		return i
	}
	return 1
}

// Counts reports whether the clock has not stopped: somebody still owes.
func Counts(c *clockv1.Clock) bool { return c.GetState() != clockv1.Clock_STATE_STOPPED }

// Find returns the newest clock of the kind, of the highest round, whatever its
// state; ok is false if the subject never had one.
func Find(u *journal.Unit, subject, kind string) (c *clockv1.Clock, ok bool, err error) {
	all, err := find(u, subject, kind)
	if err != nil || len(all) == 0 {
		return nil, false, err
	}
	return all[len(all)-1], true, nil
}

// All returns the clocks of the subject, by kind and the oldest of a kind first.
func All(u *journal.Unit, subject string) ([]*clockv1.Clock, error) { return find(u, subject, "") }

// find returns the clocks of the subject and kind ("" for all), the newest of a kind last.
func find(u *journal.Unit, subject, kind string) ([]*clockv1.Clock, error) {
	names, err := u.Children(subject, patternOf(subject))
	if err != nil {
		return nil, err
	}
	out := make([]*clockv1.Clock, 0, len(names))
	for _, name := range names {
		if !strings.HasPrefix(name[len(subject)+len("/clocks/"):], kind) {
			continue
		}
		c := &clockv1.Clock{}
		if _, err := u.Get(name, c); err != nil {
			return nil, err
		}
		if kind == "" || c.GetKind() == kind {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b *clockv1.Clock) int {
		return cmp.Or(cmp.Compare(a.GetKind(), b.GetKind()), cmp.Compare(a.GetRound(), b.GetRound()), cmp.Compare(ordinal(a), ordinal(b)))
	})
	return out, nil
}

// Meet records that what the newest clock of the kind waits for happened at the
// instant. Nothing happens if there is no such clock, or if it was cancelled, or
// met no later: an act may be done twice, a clock is met once.
//
// An act that comes to light late is judged by when it happened, see [slaclock.Meet].
func Meet(u *journal.Unit, subject, kind string, at time.Time) error {
	c, ok, err := Find(u, subject, kind)
	if err != nil || !ok {
		return err
	}
	return apply(u, c, func(cal *calendar.Calendar) (*clockv1.Clock, []*clockv1.ClockChanged, error) {
		return slaclock.Meet(cal, c, at)
	})
}

// Cancel ends, as of the Unit's time, the clock of the kind that still counts, as
// what it waits for is no longer owed. Nothing happens if there is none.
func Cancel(u *journal.Unit, subject, kind string) error {
	return cancelEach(u, subject, kind)
}

// CancelAll is Cancel for all clocks of the subject.
func CancelAll(u *journal.Unit, subject string) error { return cancelEach(u, subject, "") }

func cancelEach(u *journal.Unit, subject, kind string) error {
	all, err := find(u, subject, kind)
	if err != nil {
		return err
	}
	for _, c := range all {
		if !Counts(c) {
			continue
		}
		if err := cancel(u, c, u.Time()); err != nil {
			return err
		}
	}
	return nil
}

func cancel(u *journal.Unit, c *clockv1.Clock, at time.Time) error {
	return apply(u, c, func(cal *calendar.Calendar) (*clockv1.Clock, []*clockv1.ClockChanged, error) {
		return slaclock.Cancel(cal, c, at)
	})
}

// Extend moves the due instant of the named clock to a later one, as of the
// Unit's time. reason is sealed already. It fails like [slaclock.Extend] and with
// CLOCK_NOT_FOUND.
func Extend(u *journal.Unit, name string, due time.Time, reason, principal string) error {
	return change(u, name, func(cal *calendar.Calendar, c *clockv1.Clock) (*clockv1.Clock, []*clockv1.ClockChanged, error) {
		return slaclock.Extend(cal, c, u.Time(), due, slaclock.By{Principal: principal, Reason: reason})
	})
}

// Pause lets the named clock stand still as of the Unit's time. reason is sealed
// already. It fails like [slaclock.Pause] and with CLOCK_NOT_FOUND.
func Pause(u *journal.Unit, name, reason, principal string) error {
	return change(u, name, func(cal *calendar.Calendar, c *clockv1.Clock) (*clockv1.Clock, []*clockv1.ClockChanged, error) {
		return slaclock.Pause(cal, c, u.Time(), slaclock.By{Principal: principal, Reason: reason})
	})
}

// Resume lets the named clock count again as of the Unit's time. It fails like
// [slaclock.Resume] and with CLOCK_NOT_FOUND.
func Resume(u *journal.Unit, name string) error {
	return change(u, name, func(cal *calendar.Calendar, c *clockv1.Clock) (*clockv1.Clock, []*clockv1.ClockChanged, error) {
		return slaclock.Resume(cal, c, u.Time())
	})
}

// Recompute gives the newest clock of the kind another limit, counted from its
// original start, as of the instant of the new grade. Nothing happens if it has
// stopped, or if it has that limit on that calendar already: what was extended
// stays extended. See [slaclock.Recompute] for a limit that has run out already.
//
// Source: PROCEDURES.md P26-A3.
func Recompute(u *journal.Unit, subject, kind string, limit calendar.Limit, cal *calendar.Calendar, at time.Time) error {
	return RecomputeTerm(u, subject, kind, slaclock.Term{Limit: limit}, cal, at)
}

// RecomputeTerm is Recompute for a term that may be an instant somebody planned,
// marked or promised.
func RecomputeTerm(u *journal.Unit, subject, kind string, term slaclock.Term, cal *calendar.Calendar, at time.Time) error {
	c, ok, err := Find(u, subject, kind)
	if err != nil || !ok || !Counts(c) {
		return err
	}
	if cal, err = orPlain(cal); err != nil {
		return err
	}
	if term.Until.IsZero() && c.GetBasis() == term.Limit.Basis && c.GetLimit() == term.Limit.String() && counted(c, cal) {
		return nil
	}
	next, changes, err := slaclock.Recompute(cal, c, term, at)
	if err != nil {
		return err
	}
	return update(u, next, changes)
}

// Fire does what falls on the timer and returns the clock with what happened to
// it. A timer that is not the clock's own any more (another generation, or a
// clock that has nothing due by the Unit's time) has no effect: all results are
// nil. So a timer may come any number of times, late or early.
//
// The Unit's time should be the timer's instant rather than now: the events then
// say when the clock fired, and what reacts to them decides by that, however late
// the timer came. Where several instants have passed each is fired by a timer of
// its own, as the next one is armed in the same transaction.
//
// Source: DESIGN section 5.
func Fire(u *journal.Unit, t journal.Timer) (*clockv1.Clock, []*clockv1.ClockChanged, error) {
	c := &clockv1.Clock{}
	if _, err := u.Get(t.Name, c); err != nil {
		if fault.KindOf(err) == fault.NotFound {
			return nil, nil, nil
		}
		return nil, nil, err
	}
	if c.GetGeneration() != t.Generation || c.GetNextFireTime() == nil || c.GetNextFireTime().AsTime().After(u.Time()) {
		return nil, nil, nil
	}
	cal, err := enough(c)
	if err != nil {
		return nil, nil, err
	}
	next, changes, err := slaclock.Fire(cal, c, u.Time())
	if err != nil || len(changes) == 0 {
		return nil, nil, err
	}
	if c.GetRule() != nil {
		u.Because(c.GetRule())
	}
	return next, changes, update(u, next, changes)
}

// change reads the named clock and stores what do makes of it.
func change(u *journal.Unit, name string, do func(*calendar.Calendar, *clockv1.Clock) (*clockv1.Clock, []*clockv1.ClockChanged, error)) error {
	c := &clockv1.Clock{}
	if _, err := u.Get(name, c); err != nil {
		return notFound(err, name)
	}
	cal, err := calendarOf(c)
	if err != nil {
		return err
	}
	next, changes, err := do(cal, c)
	if err != nil {
		return err
	}
	return update(u, next, changes)
}

// apply stores what do makes of a clock that was read; a clock that has stopped stays as it is.
func apply(u *journal.Unit, c *clockv1.Clock, do func(*calendar.Calendar) (*clockv1.Clock, []*clockv1.ClockChanged, error)) error {
	cal, err := enough(c)
	if err != nil {
		return err
	}
	next, changes, err := do(cal)
	if stopped := (&fault.Error{Kind: fault.FailedPrecondition, Reason: slaclock.ReasonNotRunning}); errors.Is(err, stopped) {
		return nil
	}
	if err != nil {
		return err
	}
	return update(u, next, changes)
}

// update stores the clock once for each thing that happened, so that each is an
// event of its own; all of them hold the state that the clock is in afterwards.
func update(u *journal.Unit, next *clockv1.Clock, changes []*clockv1.ClockChanged) error {
	for _, changed := range changes {
		if err := u.Update(next.GetName(), next, changed); err != nil {
			return err
		}
	}
	return nil
}

// Calendar returns the calendar a clock was computed on, with the holidays as
// this binary knows them.
func Calendar(c *clockv1.Clock) (*calendar.Calendar, error) { return calendarOf(c) }

func calendarOf(c *clockv1.Clock) (*calendar.Calendar, error) {
	id, _, _ := strings.Cut(c.GetCalendar(), "@")
	holidays, err := calendar.NamedHolidays(id)
	if err != nil {
		return nil, fault.New(fault.Internal, slaclock.ReasonSpecInvalid, "clock", c.GetName(), "field", "calendar").Wrap(err)
	}
	cal, err := calendar.New(c.GetTimeZone(), c.GetOpen(), holidays)
	if err != nil {
		return nil, fault.New(fault.Internal, slaclock.ReasonSpecInvalid, "clock", c.GetName(), "field", "open").Wrap(err)
	}
	return cal, nil
}

// enough returns a calendar with what firing, meeting and ending the clock needs.
// Most count no working time, and opening hours would be read for nothing within
// the transaction.
func enough(c *clockv1.Clock) (*calendar.Calendar, error) {
	each, err := calendar.ParseLimit(c.GetEach())
	working := calendar.Limit{Basis: c.GetBasis()}.Working() || (err == nil && each.Working())
	if working || c.GetEach() != "" && err != nil {
		return calendarOf(c)
	}
	return calendar.New(c.GetTimeZone(), nil, calendar.NoHolidays())
}

// plainZone is the zone of clocks without a calendar. Source: PROCEDURES.md K11.
const plainZone = "Asia/Shanghai"

func orPlain(cal *calendar.Calendar) (*calendar.Calendar, error) {
	if cal != nil {
		return cal, nil
	}
	return calendar.New(plainZone, nil, calendar.NoHolidays())
}

// counted reports whether the clock was computed on that calendar.
func counted(c *clockv1.Clock, cal *calendar.Calendar) bool {
	return c.GetCalendar() == cal.ID() && c.GetTimeZone() == cal.Zone() && slices.Equal(c.GetOpen(), cal.Open())
}
