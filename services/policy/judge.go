package policy

import (
	"slices"
	"time"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// Words of complaint.stands.
const (
	StandsUndecided  = "UNDECIDED"
	StandsUpheld     = "UPHELD"
	StandsNotUpheld  = "NOT_UPHELD"
	StandsValid      = "VALID"
	StandsInvalid    = "INVALID"
	StandsOutOfScope = "OUT_OF_SCOPE"
)

// Judgement says whether a complaint stands, and why.
type Judgement struct {
	// Stands is one of the words above; UNDECIDED while facts are missing.
	Stands string
	// Outcome is what becomes of a complaint that does not stand.
	Outcome policyv1.Outcome
	// Rule quotes what decided; nil if only the person who judged did.
	Rule *typev1.RuleRef
	// Why names the rule that was read for each of window, evidence and check: the window that applies
	// even when the complaint is in time, the rest when they stand against it.
	Why map[string]string
	// Missing names the facts without which it cannot be judged; the act is refused as incomplete.
	Missing []string
	// Do is what follows, with the rule it follows from.
	Do []RuleDo
	// Lines holds the judgement of each entry where the pack decides them one by one (G3); the
	// complaint stands if one of them does.
	Lines []LineJudgement
}

// LineJudgement is that of one entry of a list of the form.
type LineJudgement struct {
	List    string
	Line    int
	Stands  string
	Outcome policyv1.Outcome
	Rule    *typev1.RuleRef
}

// Judge tells whether a complaint stands: it must have come in time, with the papers asked for before
// JUDGE, and fulfil every check of acceptance.stands. proposed is what the person who judges says,
// empty to leave it to the rules; on is the instant of receipt.
//
// One rule that speaks against the complaint decides, whatever else is unknown. While none does, facts
// that are not recorded leave it undecided. When all is in order the person's word stands, VALID
// without one.
//
// Source: PACK-SKETCH.md 2.2 Acceptance, 2.3 stands, 2.7; PROCEDURES.md P27 4.1 to 4.3.
func (p *Policy) Judge(s *Sheet, docs []Document, proposed string, on time.Time) Judgement {
	j := &judge{p: p, proposed: proposed, out: Judgement{Stands: StandsUndecided, Why: map[string]string{}}}
	j.window(p.Window(policyv1.WindowOf_WINDOW_OF_COMPLAINT, s, on))
	j.lines(p.WindowLines(policyv1.WindowOf_WINDOW_OF_COMPLAINT, s, on))
	for _, g := range p.Evidence(policyv1.Act_ACT_JUDGE, docs, s) {
		if len(g.Missing) > 0 {
			j.out.Missing = append(j.out.Missing, g.Missing...)
			continue
		}
		j.against("evidence", g.Rule, g.Otherwise)
	}
	for _, c := range p.live.GetAcceptance().GetStands() {
		switch t, missing := p.holds(c.GetThat(), s); {
		case c.GetWarn() || t == True:
		case t == Unknown:
			j.out.Missing = append(j.out.Missing, missing...)
		default:
			j.against("check", p.Rule(c.GetId()), policyv1.Outcome_OUTCOME_UNSPECIFIED)
		}
	}
	return j.decide()
}

type judge struct {
	p        *Policy
	proposed string
	out      Judgement
	fails    bool
}

func (j *judge) window(w WindowResult) {
	if w.None {
		return
	}
	if len(w.Missing) > 0 {
		j.out.Missing = append(j.out.Missing, w.Missing...)
		return
	}
	j.out.Why["window"] = w.Rule.GetRule()
	if !w.Open() {
		j.out.Do = append(j.out.Do, w.Do...)
		j.against("window", w.Rule, w.Late)
	}
}

func (j *judge) lines(all []WindowResult) {
	open := false
	for _, w := range all {
		l := LineJudgement{List: w.List, Line: w.Line, Stands: StandsValid, Rule: w.Rule}
		switch {
		case len(w.Missing) > 0:
			l.Stands = StandsUndecided
			j.out.Missing = append(j.out.Missing, w.Missing...)
		case !w.Open():
			l.Stands, l.Outcome = j.word(w.Late), w.Late
		default:
			open = true
		}
		j.out.Lines = append(j.out.Lines, l)
	}
	if len(all) > 0 && !open && len(j.out.Missing) == 0 {
		j.window(all[len(all)-1])
	}
}

// against records the first rule that stands against the complaint.
func (j *judge) against(kind string, rule *typev1.RuleRef, outcome policyv1.Outcome) {
	if j.out.Why[kind] == "" || kind == "window" {
		j.out.Why[kind] = rule.GetRule()
	}
	if j.fails {
		return
	}
	if outcome == policyv1.Outcome_OUTCOME_UNSPECIFIED {
		outcome = policyv1.Outcome_OUTCOME_INVALID
		if j.proposed == StandsUpheld || j.proposed == StandsNotUpheld {
			outcome = policyv1.Outcome_OUTCOME_NOT_UPHELD
		}
	}
	j.fails, j.out.Rule, j.out.Outcome, j.out.Stands = true, rule, outcome, j.word(outcome)
}

// word puts an outcome into a word of complaint.stands.
func (j *judge) word(o policyv1.Outcome) string {
	switch o {
	case policyv1.Outcome_OUTCOME_OUT_OF_SCOPE, policyv1.Outcome_OUTCOME_OUT_OF_PROCEDURE:
		return StandsOutOfScope
	case policyv1.Outcome_OUTCOME_NOT_UPHELD:
		return StandsNotUpheld
	}
	return StandsInvalid
}

func (j *judge) decide() Judgement {
	switch {
	case j.fails:
		j.out.Missing = nil
	case len(j.out.Missing) > 0:
		slices.Sort(j.out.Missing)
		j.out.Missing = slices.Compact(j.out.Missing)
	case j.proposed == "":
		j.out.Stands = StandsValid
	default:
		j.out.Stands = j.proposed
		j.out.Outcome = map[string]policyv1.Outcome{
			StandsInvalid: policyv1.Outcome_OUTCOME_INVALID, StandsNotUpheld: policyv1.Outcome_OUTCOME_NOT_UPHELD,
			StandsOutOfScope: policyv1.Outcome_OUTCOME_OUT_OF_SCOPE,
		}[j.proposed]
	}
	return j.out
}
