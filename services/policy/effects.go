package policy

import (
	"slices"
	"strconv"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// Effects is everything that an event brings about. An event first meets and voids, then starts:
// what recurs on its own completion ends and begins anew. Messages are shared with the policy and
// must not be changed.
type Effects struct {
	MeetClocks, VoidClocks []string
	VoidSteps              []string
	StartClocks            []*policyv1.Clock
	EnterStages            []*policyv1.Stage
	OpenSteps              []StepOpening
	AskApprovals           []*policyv1.Approval
	IssueNotices           []*policyv1.Notice
	OpenFollowUps          []*policyv1.FollowUp
	OpenActions            []*policyv1.ActionKind
	StartRounds            []*policyv1.Round
	// Do holds what is left to the caller: notify, remedy, entry, assign, work_order, escalate, mark,
	// refer, close. issue, step, ask, action, round and follow_up are in the lists above.
	Do []RuleDo
	// Pending names what could not be decided. It is decided again, at the instant of this event,
	// when the facts are recorded.
	Pending []Pending
}

// Empty tells that nothing follows, now or later.
func (e Effects) Empty() bool {
	return len(e.MeetClocks)+len(e.VoidClocks)+len(e.VoidSteps)+len(e.StartClocks)+len(e.EnterStages)+len(e.OpenSteps)+len(e.AskApprovals)+
		len(e.IssueNotices)+len(e.OpenFollowUps)+len(e.OpenActions)+len(e.StartRounds)+len(e.Do)+len(e.Pending) == 0
}

// StepOpening is a duty that begins to be owed. A step with a limit starts the clock of its id too;
// that clock is in StartClocks.
type StepOpening struct {
	Step *policyv1.Step
	// Stage is empty for duties outside any stage.
	Stage string
	// Strict: the steps of the stage are done in the order written.
	Strict bool
}

// RuleDo is a consequence with the rule it follows from.
type RuleDo struct {
	Rule *typev1.RuleRef
	Do   *policyv1.Do
}

// Pending is a rule that waits for facts.
type Pending struct {
	// Rule is its id; Kind says what it would do: CLOCK, MEET, VOID, VOID_STEP, STAGE, STEP, APPROVAL, NOTICE,
	// FOLLOW_UP, ACTION, ROUND, ENTRY or REACTION.
	Rule, Kind string
	Missing    []string
}

// hook is one rule that listens to an event.
type hook struct {
	id         string // of the event's object; empty for any
	rule       string
	kind       string
	when, cond *condition
	// again: the rule has several triggers of this event.
	again bool
	run   func(*Policy, *Effects, *Sheet)
}

// index lists every rule by the event it listens to. It is called once, by Compile.
func (p *Policy) index() {
	p.hooks, p.clocks = map[policyv1.Event][]hook{}, map[string]*policyv1.Clock{}
	p.indexClocks()
	p.indexSteps()
	p.indexRest()
	p.indexMenus()
}

func (p *Policy) listen(ts []*policyv1.Trigger, rule, kind, cond string, run func(*Policy, *Effects, *Sheet)) {
	for _, t := range ts {
		hooks := p.hooks[t.GetEvent()]
		h := hook{id: t.GetId(), rule: rule, kind: kind, when: p.condition(t.GetIf()), cond: p.condition(cond), run: run}
		for i := range hooks {
			if hooks[i].rule == rule && hooks[i].kind == kind {
				hooks[i].again, h.again = true, true
			}
		}
		p.hooks[t.GetEvent()] = append(hooks, h)
	}
}

func (p *Policy) indexClocks() {
	all := slices.Clone(p.live.GetClocks())
	for _, st := range p.allSteps() {
		if st.Step.GetWithin() != "" {
			all = append(all, stepClock(st.Step))
		}
	}
	for _, f := range p.live.GetFollowUp() {
		if f.GetWithin() != "" {
			all = append(all, &policyv1.Clock{
				Id: f.GetId(), Clause: f.GetClause(), Reading: f.GetReading(), Text: f.GetText(), Limit: f.GetWithin(), OwedBy: f.GetBy(),
				MetBy: []*policyv1.Trigger{{Event: policyv1.Event_EVENT_FOLLOW_UP_ANSWERED, Id: f.GetId()}},
			})
		}
	}
	for _, a := range p.live.GetApprovals() {
		if u := a.GetUrgent(); u != nil {
			all = append(all, &policyv1.Clock{
				Id: a.GetId(), Clause: a.GetClause(), Reading: a.GetReading(), Text: a.GetText(), Limit: u.GetPaperwork(),
				MetBy: []*policyv1.Trigger{{Event: policyv1.Event_EVENT_FORM_FILLED, Id: u.GetForm()}},
			})
		}
	}
	for _, c := range all {
		p.clocks[c.GetId()] = c
		p.listen(c.GetMetBy(), c.GetId(), "MEET", "", func(_ *Policy, e *Effects, _ *Sheet) { e.MeetClocks = append(e.MeetClocks, c.GetId()) })
		p.listen(c.GetVoidBy(), c.GetId(), "VOID", "", func(_ *Policy, e *Effects, _ *Sheet) { e.VoidClocks = append(e.VoidClocks, c.GetId()) })
		p.listen(c.GetFrom(), c.GetId(), "CLOCK", c.GetIf(), func(_ *Policy, e *Effects, _ *Sheet) { e.StartClocks = append(e.StartClocks, c) })
		if len(c.GetOnBreach()) > 0 {
			breach := []*policyv1.Trigger{{Event: policyv1.Event_EVENT_CLOCK_BREACHED, Id: c.GetId()}}
			p.listen(breach, c.GetId(), "REACTION", "", func(p *Policy, e *Effects, s *Sheet) { p.consequences(e, c.GetId(), c.GetOnBreach(), s) })
		}
	}
}

// stepClock is the clock of a step's limit. Opening the step starts it.
func stepClock(st *policyv1.Step) *policyv1.Clock {
	return &policyv1.Clock{
		Id: st.GetId(), Clause: st.GetClause(), Reading: st.GetReading(), Text: st.GetText(), Limit: st.GetWithin(), OwedBy: st.GetBy(),
		MetBy: []*policyv1.Trigger{{Event: policyv1.Event_EVENT_STEP_DONE, Id: st.GetId()}}, VoidBy: st.GetVoidBy(),
	}
}

func (p *Policy) allSteps() []StepOpening { return allSteps(p.live) }

// allSteps lists the steps of the stages and the duties.
func allSteps(p *policyv1.Pack) []StepOpening {
	var out []StepOpening
	for _, stage := range p.GetStages() {
		for _, st := range stage.GetSteps() {
			out = append(out, StepOpening{Step: st, Stage: stage.GetId(), Strict: stage.GetStrict()})
		}
	}
	for _, st := range p.GetDuties() {
		out = append(out, StepOpening{Step: st})
	}
	return out
}

func (p *Policy) indexSteps() {
	for _, stage := range p.live.GetStages() {
		enter := slices.Clone(stage.GetEnters())
		for _, r := range p.live.GetRounds() {
			named := slices.ContainsFunc(enter, func(t *policyv1.Trigger) bool { return t.GetEvent() == policyv1.Event_EVENT_CASE_ROUND_STARTED })
			if r.GetBackTo() == stage.GetId() && !named {
				enter = append(enter, &policyv1.Trigger{Event: policyv1.Event_EVENT_CASE_ROUND_STARTED, Id: r.GetId()})
			}
		}
		p.listen(enter, stage.GetId(), "STAGE", "", func(p *Policy, e *Effects, s *Sheet) {
			e.EnterStages = append(e.EnterStages, stage)
			for _, st := range stage.GetSteps() {
				if len(st.GetOpens()) == 0 {
					p.open(e, StepOpening{Step: st, Stage: stage.GetId(), Strict: stage.GetStrict()}, s)
				}
			}
		})
	}
	for _, o := range p.allSteps() {
		p.listen(o.Step.GetVoidBy(), o.Step.GetId(), "VOID_STEP", "", func(_ *Policy, e *Effects, _ *Sheet) { e.VoidSteps = append(e.VoidSteps, o.Step.GetId()) })
		p.listen(o.Step.GetOpens(), o.Step.GetId(), "STEP", "", func(p *Policy, e *Effects, s *Sheet) { p.open(e, o, s) })
	}
}

func (p *Policy) indexRest() {
	for _, a := range p.live.GetApprovals() {
		p.listen(a.GetAsks(), a.GetId(), "APPROVAL", a.GetIf(), func(_ *Policy, e *Effects, _ *Sheet) { e.AskApprovals = append(e.AskApprovals, a) })
	}
	for _, n := range p.live.GetNotices() {
		p.listen(n.GetIssue(), n.GetId(), "NOTICE", n.GetIf(), func(_ *Policy, e *Effects, _ *Sheet) { e.IssueNotices = append(e.IssueNotices, n) })
		issued := []*policyv1.Trigger{{Event: policyv1.Event_EVENT_NOTICE_ISSUED, Id: n.GetId()}}
		p.listen(issued, n.GetId(), "REACTION", "", func(p *Policy, e *Effects, s *Sheet) { p.consequences(e, n.GetId(), n.GetOnIssue(), s) })
		answered := []*policyv1.Trigger{{Event: policyv1.Event_EVENT_NOTICE_ANSWERED, Id: n.GetId()}}
		p.listen(answered, n.GetId(), "REACTION", "", func(p *Policy, e *Effects, s *Sheet) {
			answer, _ := s.Scope["notice"]["answer"].(string)
			p.consequences(e, n.GetId(), ByID(n.GetChoices(), answer).GetDo(), s)
		})
	}
	for _, f := range p.live.GetFollowUp() {
		p.listen(f.GetOpens(), f.GetId(), "FOLLOW_UP", "", func(p *Policy, e *Effects, _ *Sheet) { p.followUp(e, f) })
		if f.GetSatisfied() == "" || len(f.GetIfDissatisfied()) == 0 {
			continue
		}
		answered := []*policyv1.Trigger{{Event: policyv1.Event_EVENT_FOLLOW_UP_ANSWERED, Id: f.GetId()}}
		p.listen(answered, f.GetId(), "REACTION", "", func(p *Policy, e *Effects, s *Sheet) {
			switch t, missing := p.holds(f.GetSatisfied(), s); t {
			case False:
				p.consequences(e, f.GetId(), f.GetIfDissatisfied(), s)
			case Unknown:
				e.Pending = append(e.Pending, Pending{f.GetId(), "REACTION", missing})
			}
		})
	}
	for _, a := range p.live.GetCorrectiveAction() {
		p.listen(a.GetOpens(), a.GetId(), "ACTION", a.GetIf(), func(_ *Policy, e *Effects, _ *Sheet) { e.OpenActions = append(e.OpenActions, a) })
	}
	for _, r := range p.live.GetRounds() {
		p.listen(r.GetStarts(), r.GetId(), "ROUND", "", func(p *Policy, e *Effects, s *Sheet) { p.round(e, r, s) })
	}
	for _, en := range p.live.GetAssessment() {
		p.listen(en.GetWhen(), en.GetId(), "ENTRY", en.GetIf(), func(p *Policy, e *Effects, _ *Sheet) {
			e.Do = append(e.Do, RuleDo{p.Rule(en.GetId()), &policyv1.Do{One: &policyv1.Do_Entry{Entry: en.GetId()}}})
		})
	}
	for _, c := range p.live.GetCounters() {
		reached := []*policyv1.Trigger{{Event: policyv1.Event_EVENT_COUNTER_REACHED, Id: c.GetId()}}
		p.listen(reached, c.GetId(), "REACTION", "", func(p *Policy, e *Effects, s *Sheet) { p.consequences(e, c.GetId(), c.GetDo(), s) })
	}
	for _, w := range p.live.GetReports().GetWatches() {
		tripped := []*policyv1.Trigger{{Event: policyv1.Event_EVENT_WATCH_TRIPPED, Id: w.GetId()}}
		p.listen(tripped, w.GetId(), "REACTION", "", func(p *Policy, e *Effects, s *Sheet) { p.consequences(e, w.GetId(), w.GetDo(), s) })
	}
	for _, r := range p.live.GetReactions() {
		p.listen(r.GetWhen(), r.GetId(), "REACTION", r.GetIf(), func(p *Policy, e *Effects, s *Sheet) { p.consequences(e, r.GetId(), r.GetDo(), s) })
	}
}

// On returns everything that an event starts, meets, voids and brings about. event is the word of
// the closed list ("STEP_DONE"), id the object it is about ("" if it has none); s is the sheet as it
// stands after the event. An event that the list does not have gives no effects.
//
// Each rule acts at most once per event. Starting a clock that runs already is the caller's to
// ignore.
//
// Source: PACK-SKETCH.md 2.4, 2.7.
func (p *Policy) On(event, id string, s *Sheet) Effects {
	if s == nil {
		s = &Sheet{}
	}
	var e Effects
	var waiting []Pending
	hooks := p.hooks[policyv1.Event(policyv1.Event_value["EVENT_"+event])]
	seen := map[[2]string]bool{} // of rules with several triggers
	r := p.words.over(s)
	for i := range hooks {
		h := &hooks[i]
		if h.id != "" && h.id != id || h.again && seen[[2]string{h.kind, h.rule}] {
			continue
		}
		t, missing := r.both(h.when, h.cond)
		switch t {
		case True:
			if h.again {
				seen[[2]string{h.kind, h.rule}] = true
			}
			h.run(p, &e, s)
		case Unknown:
			waiting = append(waiting, Pending{h.rule, h.kind, missing})
		}
	}
	// A rule that acted on another of its triggers waits for nothing.
	for _, w := range waiting {
		if !seen[[2]string{w.Kind, w.Rule}] {
			e.Pending = append(e.Pending, w)
		}
	}
	return e
}

// Decide returns what one pending rule brings about, now that facts are recorded: On for that rule
// alone, with the event and id it waited from.
func (p *Policy) Decide(waiting Pending, event, id string, s *Sheet) Effects {
	if s == nil {
		s = &Sheet{}
	}
	var e Effects
	r := p.words.over(s)
	for _, h := range p.hooks[policyv1.Event(policyv1.Event_value["EVENT_"+event])] {
		if h.id != "" && h.id != id {
			continue
		}
		if h.rule == waiting.Rule && h.kind == waiting.Kind {
			t, missing := r.both(h.when, h.cond)
			switch t {
			case True:
				h.run(p, &e, s)
				return e
			case Unknown:
				e.Pending = append(e.Pending, Pending{h.rule, h.kind, missing})
			}
		}
	}
	if waiting.Kind == "STEP" && e.Empty() {
		for _, o := range p.allSteps() {
			if o.Step.GetId() == waiting.Rule {
				p.open(&e, o, s)
			}
		}
	}
	return e
}

// both is the conjunction of two conditions, false winning over unknown.
func (r *reading) both(a, b *condition) (Tri, []string) {
	ta, missing := r.holds(a)
	if ta == False {
		return False, nil
	}
	tb, more := r.holds(b)
	switch {
	case tb == False:
		return False, nil
	case ta == Unknown || tb == Unknown:
		missing = append(missing, more...)
		slices.Sort(missing)
		return Unknown, slices.Compact(missing)
	}
	return True, nil
}

func (p *Policy) open(e *Effects, o StepOpening, s *Sheet) {
	switch t, missing := p.holds(o.Step.GetIf(), s); t {
	case True:
		e.OpenSteps = append(e.OpenSteps, o)
		if o.Step.GetWithin() != "" {
			e.StartClocks = append(e.StartClocks, p.clocks[o.Step.GetId()])
		}
	case Unknown:
		e.Pending = append(e.Pending, Pending{o.Step.GetId(), "STEP", missing})
	}
}

func (p *Policy) followUp(e *Effects, f *policyv1.FollowUp) {
	e.OpenFollowUps = append(e.OpenFollowUps, f)
	if f.GetWithin() != "" {
		e.StartClocks = append(e.StartClocks, p.clocks[f.GetId()])
	}
}

// round starts a round, or does what follows the last one. max counts rounds after the first
// handling; case.round is 1 during the first.
func (p *Policy) round(e *Effects, r *policyv1.Round, s *Sheet) {
	limit, err := strconv.ParseInt(r.GetMax(), 10, 64)
	if err == nil && s.Case != nil && s.Case.Round != nil && *s.Case.Round > limit {
		p.consequences(e, r.GetId(), r.GetAfterLast(), s)
		return
	}
	e.StartRounds = append(e.StartRounds, r)
}

// consequences turns a list of do into effects. A round's own after_last cannot start the round
// again: lint refuses it.
func (p *Policy) consequences(e *Effects, rule string, do []*policyv1.Do, s *Sheet) {
	for _, d := range do {
		switch one := d.GetOne().(type) {
		case *policyv1.Do_Issue:
			e.IssueNotices = add(e.IssueNotices, ByID(p.live.GetNotices(), one.Issue))
		case *policyv1.Do_Step:
			for _, o := range p.allSteps() {
				if o.Step.GetId() == one.Step {
					p.open(e, o, s)
				}
			}
		case *policyv1.Do_Ask:
			e.AskApprovals = add(e.AskApprovals, ByID(p.live.GetApprovals(), one.Ask))
		case *policyv1.Do_Action:
			e.OpenActions = add(e.OpenActions, ByID(p.live.GetCorrectiveAction(), one.Action))
		case *policyv1.Do_Round:
			if r := ByID(p.live.GetRounds(), one.Round); r != nil {
				p.round(e, r, s)
			}
		case *policyv1.Do_FollowUp:
			if f := ByID(p.live.GetFollowUp(), one.FollowUp); f != nil {
				p.followUp(e, f)
			}
		default:
			e.Do = append(e.Do, RuleDo{p.Rule(rule), d})
		}
	}
}

// Found returns what the pack says to do where a rule that no event names was found to apply: a
// window that closed, an outside case, a tree that ended without a diagnosis; nothing for other
// rules. trigger.Found tells which rule an event is about; Follows turns it into effects.
func (p *Policy) Found(rule string) []RuleDo {
	var do []*policyv1.Do
	switch a := p.live.GetAcceptance(); {
	case rule == "":
	case ByID(a.GetWindows(), rule) != nil:
		do = ByID(a.GetWindows(), rule).GetDo()
	case ByID(a.GetOutside(), rule) != nil:
		do = ByID(a.GetOutside(), rule).GetDo()
	default:
		do = ByID(p.live.GetRouting().GetTrees(), rule).GetUndiagnosed()
	}
	out := make([]RuleDo, len(do))
	for i, d := range do {
		out[i] = RuleDo{p.Rule(rule), d}
	}
	return out
}

// Follows turns consequences that no event triggers (a window that closed, a tree that ended
// undiagnosed, an outside case) into effects, as if the event at hand had brought them about.
func (p *Policy) Follows(do []RuleDo, s *Sheet) Effects {
	if s == nil {
		s = &Sheet{}
	}
	var e Effects
	for _, d := range do {
		p.consequences(&e, d.Rule.GetRule(), []*policyv1.Do{d.Do}, s)
	}
	return e
}

// BadItem returns what follows one item of a follow-up's answers: for_each_bad if the item on the
// sheet (follow_up.item, follow_up.score) is bad, nothing if it is not, Pending if that is unknown.
//
// Source: PACK-SKETCH.md 2.2 FollowUp; PROCEDURES.md P06 3 (9).
func (p *Policy) BadItem(followUp string, s *Sheet) Effects {
	if s == nil {
		s = &Sheet{}
	}
	var e Effects
	f := ByID(p.live.GetFollowUp(), followUp)
	if f.GetItemBad() == "" {
		return e
	}
	switch t, missing := p.holds(f.GetItemBad(), s); t {
	case True:
		p.consequences(&e, f.GetId(), f.GetForEachBad(), s)
	case Unknown:
		e.Pending = append(e.Pending, Pending{f.GetId(), "REACTION", missing})
	}
	return e
}

func add[T any](list []*T, item *T) []*T {
	if item == nil || slices.Contains(list, item) {
		return list
	}
	return append(list, item)
}
