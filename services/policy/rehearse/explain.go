package rehearse

import (
	"slices"
	"strings"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/policy"
)

// Answer is what the pack decided about one question, and what would have decided it otherwise.
type Answer struct {
	Kind Kind
	// Subject is what was asked for: the scale, the mark, the clock, the approval, the sign.
	Subject string
	// Outcome is a level, departments, "yes", "no" and so on; empty if nothing applies or facts are missing.
	Outcome string
	// Rule that gave it; nil if it is what remains when no rule applies.
	Rule *typev1.RuleRef
	// Inputs are the facts that its condition reads, or, where no rule applied, those of all that were tried.
	Inputs []Input
	// Others are the other outcomes there are.
	Others []Alternative
}

// Input is one fact a rule reads.
type Input struct {
	Fact string
	// Value as the pack writes it; [policy.Sealed] for words, persons and files. Known is false if nobody has
	// recorded it.
	Value string
	Known bool
}

// Alternative is another outcome, and the fewest facts that would have to be different for it.
type Alternative struct {
	Outcome string
	Rule    *typev1.RuleRef
	Changes []Change
	// Opaque are conditions that would have to change and cannot be taken apart into facts and constants; with
	// any, Changes are what is known besides, and nothing proves that they suffice.
	Opaque []string
	// Unreachable says that no change of facts was found that gives the outcome: a person sets it, or other
	// rules come first whatever the facts are.
	Unreachable bool
}

// Change is one statement about a fact that would have to hold (or, with Not, not to hold).
type Change struct {
	Fact string
	// Is is the fact as it stands, see [Input].
	Is       string
	Known    bool
	Relation policy.Relation
	Not      bool
	Values   []string
	// Suppose is a value that would do; empty if the fact would have to be unrecorded.
	Suppose []string
}

func (c Change) same(o Change) bool {
	return c.Fact == o.Fact && c.Relation == o.Relation && c.Not == o.Not && slices.Equal(c.Values, o.Values)
}

// candidate is one outcome a question can have: its conditions must hold, and those of the candidates
// before it must not.
type candidate struct {
	outcome string
	conds   []string
	rule    *typev1.RuleRef
	// unreachable: nobody but a person gives it.
	unreachable bool
}

// question is an ordered list of candidates, the first that holds decides.
type question struct {
	kind       Kind
	subject    string
	candidates []candidate
	// otherwise is the outcome if none holds.
	otherwise candidate
	// waits: a candidate that is unknown keeps those after it from deciding.
	waits bool
	// decide answers the question as the engine does.
	decide func(*policy.Sheet) string
}

// Explain answers every question that a pack decides about a complaint from its facts: grades,
// departments, marks, what the procedure does not handle, which clocks run and how long. Every alternative
// that is not opaque was tried: with its changes the engine gives that outcome.
//
// Cost: some milliseconds.
func Explain(p *policy.Policy, s *policy.Sheet) ([]Answer, error) {
	out, err := answers(p, s, slices.Concat(gradesOf(p), responsible(p), marksOf(p), outsideOf(p), clocksOf(p)))
	return append(out, limitsOf(p, s)...), err
}

// ExplainClaim answers the questions about the claim on a sheet (sheet.WithClaim): which approval it
// needs, and who signs; otherwise as [Explain].
func ExplainClaim(p *policy.Policy, s *policy.Sheet) ([]Answer, error) {
	out, err := answers(p, s, claims(p, s))
	return append(out, bandsOf(p, s)...), err
}

func answers(p *policy.Policy, s *policy.Sheet, all []question) ([]Answer, error) {
	var out []Answer
	for _, q := range all {
		a, err := answer(p, s, q)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

func answer(p *policy.Policy, s *policy.Sheet, q question) (Answer, error) {
	out := Answer{Kind: q.kind, Subject: q.subject, Outcome: q.decide(s)}
	all := append(slices.Clone(q.candidates), q.otherwise)
	decided := slices.IndexFunc(q.candidates, func(c candidate) bool {
		return c.outcome == out.Outcome && !c.unreachable && p.All(c.conds, s) == policy.True
	})
	if decided < 0 {
		decided = len(q.candidates)
	}
	out.Rule, out.Inputs = all[decided].rule, inputs(p, s, q, decided)
	seen := []string{out.Outcome}
	for i, c := range all {
		if slices.Contains(seen, c.outcome) || c.outcome == "" {
			continue
		}
		alt, err := otherwise(p, s, q, c.outcome)
		if err != nil {
			return out, err
		}
		if alt.Rule == nil {
			alt.Rule = all[i].rule
		}
		seen = append(seen, c.outcome)
		out.Others = append(out.Others, alt)
	}
	return out, nil
}

// inputs are the facts of the candidate that decided; of all of them where none did.
func inputs(p *policy.Policy, s *policy.Sheet, q question, i int) []Input {
	var conds []string
	if i < len(q.candidates) {
		conds = q.candidates[i].conds
	} else {
		for _, c := range q.candidates {
			conds = append(conds, c.conds...)
		}
	}
	var out []Input
	for _, cond := range conds {
		for _, fact := range p.Facts(cond) {
			if slices.ContainsFunc(out, func(in Input) bool { return in.Fact == fact }) {
				continue
			}
			in := Input{Fact: fact}
			in.Value, in.Known = p.Shown(fact, s)
			out = append(out, in)
		}
	}
	return out
}

// otherwise looks for the smallest change that gives an outcome, over every candidate that has it.
func otherwise(p *policy.Policy, s *policy.Sheet, q question, outcome string) (Alternative, error) {
	best := Alternative{Outcome: outcome, Unreachable: true}
	before := isFalse
	if !q.waits {
		before = notTrue
	}
	v := solver{p, s}
	all := append(slices.Clone(q.candidates), q.otherwise)
	for i, c := range all {
		if c.outcome != outcome || c.unreachable {
			continue
		}
		var wanted []literalOf
		for _, cond := range c.conds {
			part, err := p.TakeApart(cond)
			if err != nil {
				return best, err
			}
			wanted = append(wanted, literalOf{part, isTrue})
		}
		sets := [][]literalOf{wanted}
		for _, earlier := range all[:i] {
			var next [][]literalOf
			for _, cond := range earlier.conds { // one condition of a conjunction is enough
				part, err := p.TakeApart(cond)
				if err != nil {
					return best, err
				}
				for _, set := range sets {
					next = append(next, append(slices.Clone(set), literalOf{part, before}))
				}
			}
			if len(earlier.conds) == 0 && !earlier.unreachable {
				next = nil // it always decides
				sets = nil
				break
			}
			if len(next) > 0 {
				sets = next[:min(len(next), maxWays)]
			}
		}
		for _, set := range sets {
			steps, _ := v.solve(set)
			for _, st := range steps {
				if len(st.opaque) == 0 && q.decide(st.sheet) != outcome {
					continue
				}
				if best.Unreachable || smaller(st, best) {
					best = Alternative{Outcome: outcome, Rule: c.rule, Changes: st.changes, Opaque: st.opaque}
				}
				break
			}
		}
	}
	return best, nil
}

func smaller(st step, than Alternative) bool {
	if len(st.opaque) != len(than.Opaque) {
		return len(st.opaque) < len(than.Opaque)
	}
	return len(st.changes) < len(than.Changes)
}

func gradesOf(p *policy.Policy) []question {
	var out []question
	for _, scale := range p.Rules().GetGrades() {
		q := question{kind: Grade, subject: scale.GetId(), otherwise: candidate{outcome: scale.GetOtherwise(), rule: p.Rule(scale.GetId())}}
		if l := policy.ByID(scale.GetLevels(), scale.GetOtherwise()); l != nil {
			q.otherwise.rule = rule(p, l.GetId(), scale.GetId(), l.GetClause(), l.GetText())
		}
		q.decide = func(s *policy.Sheet) string { return p.Grade(scale.GetId(), s).Level }
		for _, level := range slices.Backward(scale.GetLevels()) {
			c := candidate{outcome: level.GetId(), rule: rule(p, level.GetId(), scale.GetId(), level.GetClause(), level.GetText())}
			if level.GetIf() == "" {
				if level.GetId() == scale.GetOtherwise() {
					continue
				}
				c.unreachable = true
			} else {
				c.conds = []string{level.GetIf()}
			}
			q.candidates = append(q.candidates, c)
		}
		out = append(out, q)
	}
	return out
}

// rule quotes a level, which has the clause of its scale where it states none.
func rule(p *policy.Policy, id, under, clause string, text *typev1.Text) *typev1.RuleRef {
	r := p.Rule(under)
	if clause == "" {
		clause = r.GetClause()
	}
	return &typev1.RuleRef{Rule: id, Clause: clause, Readings: r.GetReadings(), Pack: r.GetPack(), Text: text}
}

// person is the outcome that a person chooses the department.
const person = "person"

func responsible(p *policy.Policy) []question {
	rows := p.Rules().GetRouting().GetAssign()
	if len(rows) == 0 {
		return nil
	}
	name := func(to []string) string {
		if len(to) == 0 {
			return person
		}
		return strings.Join(to, ", ")
	}
	q := question{
		kind: Department, otherwise: candidate{outcome: person}, waits: true,
		decide: func(s *policy.Sheet) string { return name(p.Assign(s).Departments) },
	}
	for _, row := range rows {
		q.candidates = append(q.candidates, when(candidate{outcome: name(row.GetTo()), rule: p.Rule(row.GetId())}, row.GetIf()))
	}
	return []question{q}
}

// when adds a condition to a candidate; the empty one always holds.
func when(c candidate, conds ...string) candidate {
	for _, cond := range conds {
		if cond != "" {
			c.conds = append(c.conds, cond)
		}
	}
	return c
}

// Outcomes of questions that have two.
const (
	yes = "yes"
	no  = "no"
)

// either is a question with the outcomes yes and no.
func either(p *policy.Policy, kind Kind, subject, id, cond string) question {
	return question{
		kind: kind, subject: subject, otherwise: candidate{outcome: no, rule: p.Rule(id)},
		candidates: []candidate{when(candidate{outcome: yes, rule: p.Rule(id)}, cond)},
		decide: func(s *policy.Sheet) string {
			if t, _, err := p.Eval(cond, s); err == nil && t == policy.True {
				return yes
			}
			return no
		},
	}
}

func marksOf(p *policy.Policy) []question {
	var out []question
	for _, m := range p.Rules().GetAcceptance().GetMarks() {
		out = append(out, either(p, Mark, m.GetId(), m.GetId(), m.GetIf()))
	}
	return out
}

func outsideOf(p *policy.Policy) []question {
	var out []question
	for _, o := range p.Rules().GetAcceptance().GetOutside() {
		out = append(out, either(p, Outside, o.GetId(), o.GetId(), o.GetIf()))
	}
	return out
}

func clocksOf(p *policy.Policy) []question {
	var out []question
	for _, c := range p.Rules().GetClocks() {
		if c.GetIf() != "" {
			out = append(out, either(p, Clock, c.GetId(), c.GetId(), c.GetIf()))
		}
	}
	return out
}

// claims asks which approval the claim on the sheet needs, and which of its signs apply.
func claims(p *policy.Policy, s *policy.Sheet) []question {
	q := question{
		kind: Approval, subject: "claim", otherwise: candidate{outcome: no}, waits: true,
		decide: func(s *policy.Sheet) string {
			switch a, unmet := p.ApprovalFor(policyv1.Subject_SUBJECT_CLAIM, s); {
			case a != nil:
				return a.GetId()
			case len(unmet) > 0:
				return ""
			}
			return no
		},
	}
	for _, a := range p.Rules().GetApprovals() {
		if a.GetOf() == policyv1.Subject_SUBJECT_CLAIM {
			q.candidates = append(q.candidates, when(candidate{outcome: a.GetId(), rule: p.Rule(a.GetId())}, a.GetIf()))
		}
	}
	out := []question{q}
	def := p.Approval(q.decide(s))
	for _, sign := range def.GetSigns() {
		if sign.GetIf() != "" {
			out = append(out, either(p, Sign, def.GetId()+"."+sign.GetId(), def.GetId(), sign.GetIf()))
		}
	}
	return out
}

// limitsOf says how long clocks run that run by grade.
func limitsOf(p *policy.Policy, s *policy.Sheet) []Answer {
	var out []Answer
	for _, c := range p.Rules().GetClocks() {
		scale := policy.ByID(p.Rules().GetGrades(), c.GetScale())
		if scale == nil {
			continue
		}
		fact := "grade." + c.GetScale()
		is, known := p.Shown(fact, s)
		a := Answer{Kind: Limit, Subject: c.GetId(), Outcome: c.GetByGrade()[is], Rule: p.Rule(c.GetId()), Inputs: []Input{{fact, is, known}}}
		for _, level := range scale.GetLevels() {
			limit, ok := c.GetByGrade()[level.GetId()]
			if !ok || limit == a.Outcome {
				continue
			}
			i := slices.IndexFunc(a.Others, func(o Alternative) bool { return o.Outcome == limit })
			if i < 0 {
				a.Others = append(a.Others, Alternative{Outcome: limit, Rule: p.Rule(c.GetId()), Changes: []Change{{
					Fact: fact, Is: is, Known: known, Relation: policy.RelationOneOf, Suppose: []string{level.GetId()},
				}}})
				i = len(a.Others) - 1
			}
			a.Others[i].Changes[0].Values = append(a.Others[i].Changes[0].Values, level.GetId())
		}
		out = append(out, a)
	}
	return out
}
