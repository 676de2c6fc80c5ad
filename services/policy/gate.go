package policy

import (
	"maps"
	"slices"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// Act is what a person is about to do.
type Act = policyv1.Act

// Subject is what an act is done to, and by whom.
type Subject struct {
	// ID is the pack's id of what is acted on: the form for FILL, the step for DO_STEP and SKIP_STEP,
	// the approval for ASK, the notice for ISSUE, the clock for EXTEND, the scale for GRADE, the
	// follow-up for FOLLOW_UP, the kind for OPEN_ACTION. Empty otherwise.
	ID string
	// Is tells whether the person who acts is meant by a who of the pack. With nil every restriction
	// is returned as unmet, so that forgetting it never lets anybody pass.
	Is func(who string) bool
	// Warned is told of every rule that warns of the act; nil tells nobody.
	Warned Warned
}

// Warned takes a rule that warns of an act; the act is allowed (K13).
type Warned func(rule *typev1.RuleRef)

// NeedKind is what an unmet need asks for.
type NeedKind string

// Kinds of needs.
const (
	NeedStep     NeedKind = "STEP"
	NeedForm     NeedKind = "FORM"
	NeedApproval NeedKind = "APPROVAL"
	NeedNotice   NeedKind = "NOTICE"
	NeedFact     NeedKind = "FACT"
	NeedThat     NeedKind = "THAT"
	NeedOnly     NeedKind = "ONLY"
)

// Unmet is one thing that is not as a rule asks.
type Unmet struct {
	// Gate quotes the rule that asks.
	Gate *typev1.RuleRef
	// Need is what kind of thing is missing and ID which; ID is empty for THAT and ONLY.
	Need NeedKind
	ID   string
	// Who may act, for ONLY.
	Who []string
	// Text says it in words; nil if the rule's own text says it all.
	Text *typev1.Text
	// Because is the reason of the refusal.
	Because policyv1.Because
	// Missing names what is missing: signatures of an approval, facts of a condition, or ID.
	Missing []string
	// Waiver says who may pass the gate with a reason; nil if nobody.
	Waiver *policyv1.Waiver
}

// Gate returns everything that stands before an act, nil if nothing does: the gates of the pack,
// and the conditions that the thing acted on states itself (who fills a form, who owes a step, who
// may ask for an approval or a claim, what a remedy needs). What must hold for a complaint to stand
// is Judge's to say: a complaint that does not stand is judged so, the act is not refused. A refusal can list all of it at once.
//
// A gate whose condition is unknown holds until the fact is recorded. A gate that only warns stands
// before nothing: it is told to subject.Warned.
//
// Source: PACK-SKETCH.md 2.2 Gate and Need, 2.7; PROCEDURES.md K13.
func (p *Policy) Gate(act Act, subject Subject, s *Sheet) []Unmet {
	if s == nil {
		s = &Sheet{}
	}
	s = s.actedOn(act, subject)
	g := &gatekeeper{p: p, s: s, subject: subject}
	for _, gate := range p.live.GetGates() {
		if !slices.Contains(gate.GetBefore(), act) {
			continue
		}
		g.rule, g.warn, g.waiver = p.Rule(gate.GetId()), gate.GetWarn(), g.waives(gate.GetWaiver())
		t, missing := p.holds(gate.GetIf(), s)
		switch t {
		case Unknown:
			g.add(Unmet{Need: NeedThat, Because: policyv1.Because_BECAUSE_INCOMPLETE, Missing: missing})
		case True:
			g.only(gate.GetOnly())
			g.needs(gate.GetNeeds())
		}
	}
	g.warn, g.waiver = false, nil
	g.own(act)
	return g.out
}

// actedOn returns the sheet with the id of what is acted on in the row that the act brings, where
// the caller has not put it there: form.id for FILL, step.id for DO_STEP and SKIP_STEP.
func (s *Sheet) actedOn(act Act, subject Subject) *Sheet {
	row := actRow(act)
	if subject.ID == "" || row != "form" && row != "step" || s.scoped(row, "id") != nil {
		return s
	}
	out := *s
	out.Scope = maps.Clone(s.Scope)
	if out.Scope == nil {
		out.Scope = map[string]map[string]any{}
	}
	fields := maps.Clone(s.Scope[row])
	if fields == nil {
		fields = map[string]any{}
	}
	fields["id"] = subject.ID
	out.Scope[row] = fields
	return &out
}

type gatekeeper struct {
	p       *Policy
	s       *Sheet
	subject Subject
	rule    *typev1.RuleRef
	warn    bool
	waiver  *policyv1.Waiver
	out     []Unmet
}

func (g *gatekeeper) add(u Unmet) {
	if g.warn {
		if g.subject.Warned != nil {
			g.subject.Warned(g.rule)
		}
		return
	}
	u.Gate, u.Waiver = g.rule, g.waiver
	g.out = append(g.out, u)
}

// waives returns the waiver if its condition holds.
func (g *gatekeeper) waives(w *policyv1.Waiver) *policyv1.Waiver {
	if w == nil {
		return nil
	}
	if t, _ := g.p.holds(w.GetIf(), g.s); t != True {
		return nil
	}
	return w
}

func (g *gatekeeper) only(who []string) {
	if len(who) == 0 || g.subject.Is != nil && slices.ContainsFunc(who, g.subject.Is) {
		return
	}
	g.add(Unmet{Need: NeedOnly, Who: who, Because: policyv1.Because_BECAUSE_ROLE})
}

func (g *gatekeeper) needs(needs []*policyv1.Need) {
	for _, n := range needs {
		var kind NeedKind
		var id string
		var have []string
		switch one := n.GetOne().(type) {
		case *policyv1.Need_Step:
			kind, id, have = NeedStep, one.Step, g.s.Done
		case *policyv1.Need_Form:
			kind, id, have = NeedForm, one.Form, g.s.Filled
		case *policyv1.Need_Approval:
			kind, id, have = NeedApproval, one.Approval, g.s.Approved
		case *policyv1.Need_Notice:
			kind, id, have = NeedNotice, one.Notice, g.s.Issued
		case *policyv1.Need_Fact:
			if g.s.Facts[one.Fact].GetValue() == nil {
				g.add(Unmet{Need: NeedFact, ID: one.Fact, Text: n.GetText(), Because: policyv1.Because_BECAUSE_GATE, Missing: []string{one.Fact}})
			}
			continue
		case *policyv1.Need_That:
			g.that(one.That, n.GetText())
			continue
		}
		if slices.Contains(have, id) {
			continue
		}
		missing := []string{id}
		if signs := g.s.Unsigned[id]; kind == NeedApproval && len(signs) > 0 {
			missing = signs
		}
		g.add(Unmet{Need: kind, ID: id, Text: n.GetText(), Because: policyv1.Because_BECAUSE_GATE, Missing: missing})
	}
}

func (g *gatekeeper) that(cond string, text *typev1.Text) {
	switch t, missing := g.p.holds(cond, g.s); t {
	case Unknown:
		g.add(Unmet{Need: NeedThat, Text: text, Because: policyv1.Because_BECAUSE_INCOMPLETE, Missing: missing})
	case False:
		g.add(Unmet{Need: NeedThat, Text: text, Because: policyv1.Because_BECAUSE_GATE})
	}
}

// own adds what the thing acted on says about itself.
func (g *gatekeeper) own(act Act) {
	live, id := g.p.live, g.subject.ID
	switch act {
	case policyv1.Act_ACT_FILL:
		g.rule = g.p.Rule(id)
		g.only(ByID(live.GetForms(), id).GetFilledBy())
	case policyv1.Act_ACT_DO_STEP, policyv1.Act_ACT_SKIP_STEP:
		g.step(act)
	case policyv1.Act_ACT_ASK:
		a := ByID(live.GetApprovals(), id)
		g.rule = g.p.Rule(id)
		g.only(a.GetAskedBy())
		g.needs(a.GetNeeds())
	case policyv1.Act_ACT_ISSUE:
		n := ByID(live.GetNotices(), id)
		g.rule = g.p.Rule(id)
		g.only(n.GetFrom())
		g.needs(n.GetNeeds())
	case policyv1.Act_ACT_EXTEND:
		g.extend()
	case policyv1.Act_ACT_GRADE:
		sc := ByID(live.GetGrades(), id)
		g.rule = g.p.Rule(id)
		g.only(sc.GetSetBy())
	case policyv1.Act_ACT_FOLLOW_UP:
		g.rule = g.p.Rule(id)
		g.only(ByID(live.GetFollowUp(), id).GetBy())
	case policyv1.Act_ACT_OPEN_ACTION:
		g.rule = g.p.Rule(id)
		g.only(ByID(live.GetCorrectiveAction(), id).GetWrittenBy())
	case policyv1.Act_ACT_NAME_OWNER:
		if o := live.GetRouting().GetOwner(); o.GetBy() != "" {
			g.rule = g.p.Rule(o.GetId())
			g.only([]string{o.GetBy()})
		}
	case policyv1.Act_ACT_REQUEST_CLAIM, policyv1.Act_ACT_SET_METHOD, policyv1.Act_ACT_PAY:
		g.claim(act)
	}
}

func (g *gatekeeper) step(act Act) {
	id := g.subject.ID
	for _, stage := range g.p.live.GetStages() {
		for i, st := range stage.GetSteps() {
			if st.GetId() != id {
				continue
			}
			g.rule = g.p.Rule(id)
			g.one(act, st)
			for _, before := range stage.GetSteps()[:i] {
				if stage.GetStrict() && !before.GetOptional() && !slices.Contains(g.s.Done, before.GetId()) && g.owed(before) {
					g.add(Unmet{Need: NeedStep, ID: before.GetId(), Because: policyv1.Because_BECAUSE_ORDER, Missing: []string{before.GetId()}})
				}
			}
			return
		}
	}
	if st := ByID(g.p.live.GetDuties(), id); st != nil {
		g.rule = g.p.Rule(id)
		g.one(act, st)
	}
}

func (g *gatekeeper) owed(st *policyv1.Step) bool {
	t, _ := g.p.holds(st.GetIf(), g.s)
	return t != False
}

func (g *gatekeeper) one(act Act, st *policyv1.Step) {
	g.only(st.GetBy())
	if act == policyv1.Act_ACT_SKIP_STEP {
		if !st.GetOptional() {
			g.add(Unmet{
				Need: NeedStep, ID: st.GetId(), Because: policyv1.Because_BECAUSE_STATE, Missing: []string{st.GetId()},
				Text: words("这一步必须完成。", "This duty is not optional."),
			})
		}
		return
	}
	g.needs(st.GetNeeds())
	if form := st.GetForm(); form != "" && !slices.Contains(g.s.Filled, form) {
		g.add(Unmet{Need: NeedForm, ID: form, Because: policyv1.Because_BECAUSE_GATE, Missing: []string{form}})
	}
}

func (g *gatekeeper) extend() {
	c := g.p.clocks[g.subject.ID]
	g.rule = g.p.Rule(g.subject.ID)
	if c.GetExtend() == nil {
		g.add(Unmet{Need: NeedThat, Because: policyv1.Because_BECAUSE_STATE, Text: words("这个时限不能延长。", "This limit cannot be extended.")})
		return
	}
	g.only(c.GetExtend().GetBy())
	g.needs(c.GetExtend().GetNeeds())
	if until := c.GetExtend().GetUntil(); until != "" && g.s.Facts[until].GetValue() == nil {
		g.add(Unmet{Need: NeedFact, ID: until, Because: policyv1.Because_BECAUSE_GATE, Missing: []string{until}})
	}
}

// claim checks who may ask for compensation, on which ground, with which remedy.
//
// Source: PROCEDURES.md P02 2, 3.1, 4.
func (g *gatekeeper) claim(act Act) {
	comp := g.p.live.GetCompensation()
	if comp == nil {
		return
	}
	in := func(field string) string { v, _ := g.s.Scope["claim"][field].(string); return v }
	if act == policyv1.Act_ACT_REQUEST_CLAIM {
		g.rule = g.initiatorsRule()
		g.only(comp.GetInitiators())
		g.ground(comp, in("ground"))
	}
	remedy := ByID(comp.GetRemedies(), in("remedy"))
	if remedy == nil {
		if in("remedy") != "" || act != policyv1.Act_ACT_REQUEST_CLAIM {
			g.rule = nil
			g.add(Unmet{
				Need: NeedThat, ID: in("remedy"), Because: policyv1.Because_BECAUSE_CHOICE, Missing: []string{"claim.remedy"},
				Text: words("没有这种补偿方式。", "There is no such way of compensating."),
			})
		}
		return
	}
	g.rule = g.p.Rule(remedy.GetId())
	if remedy.GetIf() != "" {
		g.that(remedy.GetIf(), remedy.GetText())
	}
	if act == policyv1.Act_ACT_PAY {
		g.needs(remedy.GetNeeds())
	}
	if top, ok := fen(remedy.GetCeiling()); ok {
		m, _ := g.s.Scope["claim"]["amount"].(*typev1.Money)
		if n, valid := fen(m.GetAmount()); !valid || n > top {
			g.add(Unmet{Need: NeedThat, Because: policyv1.Because_BECAUSE_AMOUNT, Text: words("上限为 "+remedy.GetCeiling()+" 元。", "The ceiling is CNY "+remedy.GetCeiling()+".")})
		}
	}
}

// initiatorsRule quotes the approval of claims for want of a rule of their own: it names the clause
// under which claims are asked for.
func (g *gatekeeper) initiatorsRule() *typev1.RuleRef {
	for _, a := range g.p.live.GetApprovals() {
		if a.GetOf() == policyv1.Subject_SUBJECT_CLAIM {
			return g.p.Rule(a.GetId())
		}
	}
	return nil
}

func (g *gatekeeper) ground(comp *policyv1.Compensation, ground string) {
	if len(comp.GetGrounds()) == 0 {
		return
	}
	item := ByID(comp.GetGrounds(), ground)
	if item == nil {
		g.add(Unmet{
			Need: NeedThat, ID: ground, Because: policyv1.Because_BECAUSE_CHOICE, Missing: []string{"claim.ground"},
			Text: words("不属于适用情形。", "This is none of the grounds on which compensation is given."),
		})
		return
	}
	if item.GetIf() != "" {
		g.rule = g.p.Rule(ground)
		g.that(item.GetIf(), item.GetText())
	}
}
