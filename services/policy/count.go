package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/calendar"
)

// Counters returns the counters of a kind of thing, in the order of the pack.
func (p *Policy) Counters(of policyv1.Of) []*policyv1.Counter {
	var out []*policyv1.Counter
	for _, c := range p.live.GetCounters() {
		if c.GetOf() == of {
			out = append(out, c)
		}
	}
	return out
}

// Counter returns the counter of that id, or nil.
func (p *Policy) Counter(id string) *policyv1.Counter { return ByID(p.live.GetCounters(), id) }

// Counts tells whether a thing is one of those that a counter counts: an entry of the rule that only
// names, whose condition holds. An unknown condition counts nothing yet.
func (p *Policy) Counts(c *policyv1.Counter, s *Sheet) (Tri, []string) {
	if c.GetOnly() != "" {
		if id, _ := s.scoped("entry", "id").(string); id != c.GetOnly() {
			return False, nil
		}
	}
	return p.holds(c.GetIf(), s)
}

// Weight is what one thing adds to a counter: its points without their sign for an entry in points,
// else one.
//
// Source: PACK-SKETCH.md 2.2 Counter (POINTS entries add up); PROCEDURES.md P19-A5 (gross).
func (p *Policy) Weight(c *policyv1.Counter, s *Sheet) int64 {
	points, _ := s.scoped("entry", "points").(int64)
	if c.GetOf() != policyv1.Of_OF_ENTRIES || points == 0 {
		return 1
	}
	return max(points, -points)
}

// Reached tells whether a count that went from before to after passed the counter's threshold: went
// over it, reached it, or came to a multiple of every. A count that goes on beyond a threshold does
// not pass it again.
func (p *Policy) Reached(c *policyv1.Counter, before, after int64) bool {
	if n, ok := countOf(c.GetOver()); ok {
		return before <= n && after > n
	}
	if n, ok := countOf(c.GetReaches()); ok {
		return before < n && after >= n
	}
	if n, ok := countOf(c.GetEvery()); ok && n > 0 {
		return after/n > before/n
	}
	return false
}

// Keys returns the values of the fields that each have a count of their own, in the order of per.
// given holds what the sheet does not: customers and persons stand there under whatever key the
// caller counts them by. missing names fields without a value; such a thing is counted nowhere.
func (p *Policy) Keys(c *policyv1.Counter, s *Sheet, given map[string]string) (keys, missing []string) {
	for _, field := range c.GetPer() {
		v := p.Key(field, s, given)
		if v == "" {
			missing = append(missing, field)
		}
		keys = append(keys, v)
	}
	if len(missing) > 0 {
		return nil, missing
	}
	return keys, nil
}

// Key returns the value of a field by which things are counted, told apart or ranked: what given
// holds, else a string of the complaint or the case, a fact, or a field of the row in scope. Empty if
// nobody has recorded it.
func (p *Policy) Key(field string, s *Sheet, given map[string]string) string {
	if v, ok := given[field]; ok {
		return v
	}
	if s == nil {
		return ""
	}
	for _, row := range []interface{ Value() any }{s.Complaint.field(field), s.Case.field(field)} {
		if row == nil {
			continue
		}
		if v, ok := row.Value().(string); ok {
			return v
		}
	}
	if f, ok := s.Facts[field]; ok {
		switch x := f.GetValue().(type) {
		case *typev1.Fact_Choice:
			return x.Choice
		case *typev1.Fact_Department:
			return strings.TrimPrefix(x.Department, "departments/")
		case *typev1.Fact_Person:
			return x.Person
		}
	}
	for _, row := range []string{"entry", "praise", "action", "clock", "follow_up", "goods", "claim"} {
		if v, ok := s.Scope[row][field].(string); ok {
			return v
		}
	}
	return ""
}

// keyNames lists the fields that Key finds without the caller's help, and those that callers give.
func keyNames() []string {
	return []string{
		"number", "channel", "medium", "origin", "expression", "category", "ground", "customer_kind", "service", "business", "stands",
		"stage", "status", "cause", "liability", "respondent",
		"customer", "employee", "person", "department", "unit", "payee", "batch", "product", "site",
	}
}

// Since returns from when on things count at an instant: the beginning of the period, or the limit of
// within back. bounded is false for a counter without either, or "always".
//
// Days and longer go back by dates: a thing counts from the first second of that date on.
func (p *Policy) Since(c *policyv1.Counter, at time.Time) (from time.Time, bounded bool) {
	if c.GetPeriod() != policyv1.Every_EVERY_UNSPECIFIED {
		from, _ := p.Period(c.GetPeriod(), at)
		return from, true
	}
	return p.Back(c.GetWithin(), at)
}

// Back returns the instant that lies a limit before another; bounded is false for "always" and for
// none.
func (p *Policy) Back(within string, at time.Time) (from time.Time, bounded bool) {
	l, err := calendar.ParseLimit(within)
	if within == "" || within == "always" || err != nil {
		return time.Time{}, false
	}
	if l.Basis == clockv1.Clock_BASIS_ELAPSED {
		return at.Add(-l.Duration), true
	}
	day := p.calendar.Date(at)
	switch l.Unit {
	case calendar.Weeks:
		day -= calendar.Date(7 * l.N)
	case calendar.Months:
		day = day.AddMonths(-l.N)
	default:
		day -= calendar.Date(l.N)
	}
	return p.calendar.Start(day), true
}

// Period returns the period of the calendar that holds an instant, from its first to its last second
// in the calendar's zone. A week begins on Monday.
func (p *Policy) Period(every policyv1.Every, at time.Time) (from, to time.Time) {
	local := at.In(p.calendar.Location())
	year, month, day := local.Date()
	first, months, days := calendar.NewDate(year, month, 1), 1, 0
	switch every {
	case policyv1.Every_EVERY_WEEK:
		first, months, days = calendar.NewDate(year, month, day-(int(local.Weekday())+6)%7), 0, 7
	case policyv1.Every_EVERY_QUARTER:
		first, months = calendar.NewDate(year, month-(month-1)%3, 1), 3
	case policyv1.Every_EVERY_YEAR:
		first, months = calendar.NewDate(year, 1, 1), 12
	}
	next := first.AddMonths(months) + calendar.Date(days)
	return p.calendar.Start(first), p.calendar.End(next - 1)
}

// PeriodName returns the name of the period that holds an instant: YYYY-MM, YYYY-Www as ISO 8601 names
// weeks, YYYY-Qn or YYYY.
func (p *Policy) PeriodName(every policyv1.Every, at time.Time) string {
	local := at.In(p.calendar.Location())
	switch every {
	case policyv1.Every_EVERY_WEEK:
		year, week := local.ISOWeek()
		return fmt.Sprintf("%04d-W%02d", year, week)
	case policyv1.Every_EVERY_QUARTER:
		return fmt.Sprintf("%04d-Q%d", local.Year(), (int(local.Month())+2)/3)
	case policyv1.Every_EVERY_YEAR:
		return local.Format("2006")
	}
	return local.Format("2006-01")
}

// Watches returns the watches of the pack.
func (p *Policy) Watches() []*policyv1.Watch { return p.live.GetReports().GetWatches() }

// Quotient is a measure in one period: counts of among.
type Quotient struct{ Counts, Among int64 }

// Tripped tells whether a watch trips at the end of a period: the last so many periods, each with
// cases, were all below its share. periods are in order, the one that ended last. It is asked after
// each period anew, so that a third bad month in a row trips a watch over two again.
//
// Source: PROCEDURES.md P15 R7, P15-A6.
func (p *Policy) Tripped(w *policyv1.Watch, periods []Quotient) bool {
	n, ok := countOf(w.GetPeriods())
	if !ok {
		n = 1
	}
	if n < 1 || int64(len(periods)) < n {
		return false
	}
	return !slices.ContainsFunc(periods[int64(len(periods))-n:], func(q Quotient) bool { return !p.Below(w.GetBelow(), q) })
}

// Below tells whether a measure is below a share, exactly: 45 of 50 is not below 90%. Without cases,
// and with a share that is none, nothing is below anything.
func (p *Policy) Below(share string, q Quotient) bool {
	below, ok := shareOf(share)
	return ok && q.Among > 0 && q.Counts*10_000 < below*q.Among
}

// Run returns how many periods in a row a watch looks at, at least one.
func (p *Policy) Run(w *policyv1.Watch) int {
	if n, ok := countOf(w.GetPeriods()); ok && n > 1 {
		return int(n)
	}
	return 1
}

// scoped returns one field of a row in scope, nil if it is not there.
func (s *Sheet) scoped(row, field string) any {
	if s == nil {
		return nil
	}
	return s.Scope[row][field]
}
