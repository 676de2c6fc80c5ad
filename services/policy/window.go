package policy

import (
	"maps"
	"slices"
	"time"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/calendar"
)

// WindowResult says whether something came in time.
type WindowResult struct {
	// Rule quotes the window that applies; nil if none does.
	Rule *typev1.RuleRef
	// None: the pack has no window that applies, so that nothing is too late.
	None bool
	// In: it came on or before the last date (K6: equal to the limit is in time).
	In bool
	// Last is the last date on which it is in time, in the zone of the pack's calendar, and Until the
	// last instant of it.
	Last  calendar.Date
	Until time.Time
	// Late is what becomes of what comes too late.
	Late policyv1.Outcome
	// Approval is the approval without which the window is not open; empty if it has none or the
	// approval is in force.
	Approval string
	// Do is what follows when it is too late; empty while it is in time.
	Do []RuleDo
	// Missing names the facts without which the window cannot be told; the act is refused as incomplete.
	Missing []string
	// Of is what comes, and Line the entry of the window's List it is about, -1 for the whole complaint.
	Of   policyv1.WindowOf
	List string
	Line int
}

// Open tells that what comes may come: in time, with its approval, nothing unknown.
func (r WindowResult) Open() bool {
	return r.None || r.In && r.Approval == "" && len(r.Missing) == 0
}

// Window tells whether something that came at an instant is in time: the first window of that kind
// whose condition holds decides. For COMPLAINT give the instant of receipt.
//
// A condition that is unknown, or a date that nobody has recorded, leaves it undecided: Missing names
// them. Windows that are decided line by line are not read here but by WindowLines.
//
// Source: PACK-SKETCH.md 2.2 Window, 2.7; PROCEDURES.md K3, K6.
func (p *Policy) Window(of policyv1.WindowOf, s *Sheet, on time.Time) WindowResult {
	return p.window(func(w *policyv1.Window) bool { return w.GetOf() == of && w.GetEach() == "" }, of, -1, s, on)
}

// WindowLines tells it for each entry of the lists whose entries are decided one by one (G3), in the
// order of the pack and of the list; nil if the pack has no such window.
func (p *Policy) WindowLines(of policyv1.WindowOf, s *Sheet, on time.Time) []WindowResult {
	var out []WindowResult
	for _, list := range p.linesOf(of) {
		for i, row := range rowsOf(s, list) {
			r := p.window(func(w *policyv1.Window) bool { return w.GetOf() == of && w.GetEach() == list }, of, i, OnLine(s, row), on)
			r.List = list
			out = append(out, r)
		}
	}
	return out
}

// Windows returns the windows that guard a form: what they say if it were filled at an instant. The
// act is refused unless all are Open.
//
// Source: pack.proto Window.form.
func (p *Policy) Windows(form string, s *Sheet, on time.Time) []WindowResult {
	var out []WindowResult
	var seen []policyv1.WindowOf
	for _, w := range p.live.GetAcceptance().GetWindows() {
		if w.GetForm() != form || form == "" || slices.Contains(seen, w.GetOf()) {
			continue
		}
		seen = append(seen, w.GetOf())
		r := p.window(func(x *policyv1.Window) bool { return x.GetForm() == form && x.GetOf() == w.GetOf() }, w.GetOf(), -1, s, on)
		out = append(out, r)
	}
	return out
}

func (p *Policy) linesOf(of policyv1.WindowOf) []string {
	var out []string
	for _, w := range p.live.GetAcceptance().GetWindows() {
		if w.GetOf() == of && w.GetEach() != "" && !slices.Contains(out, w.GetEach()) {
			out = append(out, w.GetEach())
		}
	}
	return out
}

// window decides by the first of the windows that are meant.
func (p *Policy) window(meant func(*policyv1.Window) bool, of policyv1.WindowOf, line int, s *Sheet, on time.Time) WindowResult {
	if s == nil {
		s = &Sheet{}
	}
	for _, w := range p.live.GetAcceptance().GetWindows() {
		if !meant(w) {
			continue
		}
		out := WindowResult{Rule: p.Rule(w.GetId()), Late: w.GetLate(), Of: of, Line: line}
		switch t, missing := p.holds(w.GetIf(), s); t {
		case Unknown:
			out.Missing = missing
			return out
		case False:
			continue
		}
		base, ok := p.since(w.GetFrom(), s)
		if !ok {
			out.Missing = []string{w.GetFrom()}
			return out
		}
		limit, err := p.limit(w.GetLimit())
		if err != nil {
			out.Missing = []string{err.Error()}
			return out
		}
		due, err := p.calendar.Due(base, limit)
		if err != nil {
			out.Missing = []string{err.Error()}
			return out
		}
		out.Until, out.Last = due.Time, p.calendar.Date(due.Time)
		out.In = !on.After(due.Time) || on.Truncate(time.Second).Equal(due.Time)
		if w.GetApproval() != "" && !slices.Contains(s.Approved, w.GetApproval()) {
			out.Approval = w.GetApproval()
		}
		if !out.In {
			for _, d := range w.GetDo() {
				out.Do = append(out.Do, RuleDo{out.Rule, d})
			}
		}
		return out
	}
	return WindowResult{None: true, In: true, Of: of, Line: line}
}

// since returns the instant that a window counts from: the receipt, an item of the line at hand, or
// a fact. A DATE counts from its first second.
func (p *Policy) since(from string, s *Sheet) (time.Time, bool) {
	if from == "received" {
		if s.Complaint == nil || s.Complaint.Received == nil {
			return time.Time{}, false
		}
		return *s.Complaint.Received, true
	}
	f := s.Facts[from]
	if item, ok := s.line[from]; ok {
		f = item
	}
	switch x := f.GetValue().(type) {
	case *typev1.Fact_Instant:
		return x.Instant.AsTime(), true
	case *typev1.Fact_Date:
		d, err := calendar.ParseDate(x.Date)
		return p.calendar.Start(d), err == nil
	}
	return time.Time{}, false
}

// OnLine returns the sheet on which one entry of a LIST is the line at hand: conditions of rules with
// each read its items as line.<item>. Such rules apply on no other sheet.
func OnLine(s *Sheet, row *typev1.Row) *Sheet {
	out := &Sheet{}
	if s != nil {
		*out = *s
	}
	out.line = map[string]*typev1.Fact{}
	maps.Copy(out.line, row.GetValues())
	return out
}

func rowsOf(s *Sheet, list string) []*typev1.Row {
	if s == nil {
		return nil
	}
	return s.Facts[list].GetRows().GetValues()
}
