package domain

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/sheet"
)

// File is a complaint with what is known around it when somebody acts on it.
type File struct {
	Complaint *intakev1.Complaint
	// Case as last heard of; nil where the pack's rules about the record do not ask for it.
	Case   *routingv1.Case
	Policy *policy.Policy
	// Who acts, and which who of the pack they are.
	Who string
	Is  func(who string) bool
	Now time.Time
	// Warned is told of rules that warn of the act; nil tells nobody.
	Warned policy.Warned
}

// Sheet returns what conditions read about the complaint.
func (f File) Sheet() *policy.Sheet { return sheet.Of(f.Complaint, f.Case) }

// gate refuses an act that the pack does not allow now. id is that of the form, empty otherwise.
func (f File) gate(act policyv1.Act, id string, s *policy.Sheet) error {
	if refused := policy.Refusal(f.Policy.Gate(act, policy.Subject{ID: id, Is: f.Is, Warned: f.Warned}, s)); refused != nil {
		return refused
	}
	return nil
}

// changed returns a copy of the complaint to change, stamped.
func (f File) changed() *intakev1.Complaint {
	next := proto.CloneOf(f.Complaint)
	next.UpdateTime = timestamppb.New(f.Now)
	return next
}

// Verdict is what the person who judges says.
type Verdict struct {
	// Stands is empty to leave it to the pack.
	Stands intakev1.Judgement_Stands
	Reason string
	// Facts found with it.
	Facts map[string]*typev1.Fact
}

// Judge returns the complaint with the judgement whether it stands: the pack's
// windows, papers and checks first, then the person's word. accepted tells that it
// stands for the first time.
//
// Without a rule that decides and without a word nothing can be judged:
// JUDGEMENT_OPEN. Facts the rules wait for are refused as incomplete, and so is
// a person's word that turns the complaint away without saying why: the answer to
// the customer rests on it.
//
// Source: PACK-SKETCH 2.2 Acceptance, 2.7; PROCEDURES P27 4.1 to 4.3, P14 4.1.1.
func Judge(f File, v Verdict) (next *intakev1.Complaint, accepted bool, err error) {
	if err := open(f.Complaint); err != nil {
		return nil, false, err
	}
	before := f.Complaint
	next = f.changed()
	if len(v.Facts) > 0 {
		if err := record(next, v.Facts, f.Policy, f.Sheet()); err != nil {
			return nil, false, err
		}
		f.Complaint = next
	}
	s := f.Sheet()
	if err := f.gate(policyv1.Act_ACT_JUDGE, "", s); err != nil {
		return nil, false, err
	}
	proposed := ""
	if v.Stands > intakev1.Judgement_STANDS_UNDECIDED {
		proposed = strings.TrimPrefix(v.Stands.String(), "STANDS_")
	}
	j := f.Policy.Judge(s, documents(next), proposed, next.GetReceiveTime().AsTime())
	if len(j.Missing) > 0 {
		return nil, false, incomplete(f.Policy, j.Missing)
	}
	if j.Rule == nil && proposed == "" && !decides(f.Policy) {
		return nil, false, fault.New(fault.Invalid, ReasonJudgementOpen, "name", before.GetName()).
			WithViolations(fault.Violation{Field: "stands", Reason: "REQUIRED"})
	}
	if j.Rule == nil && turnsAway(v.Stands) && v.Reason == "" {
		return nil, false, fault.New(fault.FailedPrecondition, policy.ReasonIncomplete, "because", "INCOMPLETE", "missing", "reason").
			WithViolations(fault.Violation{Field: "reason", Reason: "REQUIRED"})
	}
	next.Judgement = &intakev1.Judgement{
		Stands: intakev1.Judgement_Stands(intakev1.Judgement_Stands_value["STANDS_"+j.Stands]), Reason: v.Reason, Rule: j.Rule,
		JudgeTime: timestamppb.New(f.Now), JudgedBy: f.Who,
	}
	if j.Outcome != policyv1.Outcome_OUTCOME_UNSPECIFIED {
		next.Judgement.Outcome = strings.TrimPrefix(j.Outcome.String(), "OUTCOME_")
	}
	for _, kind := range slices.Sorted(maps.Keys(j.Why)) {
		next.Judgement.Applied = append(next.Judgement.Applied, f.Policy.Rule(j.Why[kind]))
	}
	if j.Rule != nil {
		next.Judgement.Missing = lacking(f.Policy, next, s, j.Rule.GetRule())
	}
	for _, l := range j.Lines {
		if l.Stands != policy.StandsValid {
			next.Judgement.Missing = append(next.Judgement.Missing, fmt.Sprintf("%s[%d]", l.List, l.Line))
		}
	}
	if stands(next) && before.GetAcceptTime() == nil {
		next.AcceptTime, accepted = timestamppb.New(f.Now), true
	}
	f.Complaint = next
	next.Marks = f.Policy.Marks(f.Sheet())
	return next, accepted, nil
}

// decides tells whether the pack has rules of its own about what stands.
func decides(p *policy.Policy) bool {
	a := p.Rules().GetAcceptance()
	return len(a.GetStands())+len(a.GetWindows())+len(a.GetEvidence()) > 0
}

// turnsAway tells whether a word lets the complaint not stand.
func turnsAway(word intakev1.Judgement_Stands) bool {
	return word == intakev1.Judgement_STANDS_NOT_UPHELD || word == intakev1.Judgement_STANDS_INVALID || word == intakev1.Judgement_STANDS_OUT_OF_SCOPE
}

// stands tells whether the complaint was judged to stand.
func stands(c *intakev1.Complaint) bool {
	word := c.GetJudgement().GetStands()
	return word == intakev1.Judgement_STANDS_UPHELD || word == intakev1.Judgement_STANDS_VALID
}

// lacking names what the deciding rule did not find: papers, signatures, an
// approval; the rule itself for a window or check.
func lacking(p *policy.Policy, c *intakev1.Complaint, s *policy.Sheet, rule string) []string {
	for _, g := range p.Evidence(policyv1.Act_ACT_JUDGE, documents(c), s) {
		if g.Rule.GetRule() != rule {
			continue
		}
		out := slices.Clone(g.AnyOf)
		for _, document := range slices.Sorted(maps.Keys(g.Signers)) {
			out = append(out, g.Signers[document]...)
		}
		if g.Approval != "" {
			out = append(out, g.Approval)
		}
		return out
	}
	return []string{rule}
}

// incomplete is the fault of a rule that waits for facts.
func incomplete(p *policy.Policy, missing []string) error {
	var violations []fault.Violation
	for _, m := range missing {
		violations = append(violations, fault.Violation{Field: m, Reason: "FACT"})
	}
	rule := ""
	for _, c := range p.Rules().GetAcceptance().GetStands() {
		if rule == "" && slices.ContainsFunc(missing, func(m string) bool { return strings.Contains(c.GetThat(), m) }) {
			rule = c.GetId()
		}
	}
	return fault.New(fault.FailedPrecondition, policy.ReasonIncomplete, "because", "INCOMPLETE", "rule", rule, "missing", strings.Join(missing, ", ")).
		With(p.Rule(rule)).WithViolations(violations...)
}

// documents are the papers on file as the pack's rules read them.
func documents(c *intakev1.Complaint) []policy.Document {
	out := make([]policy.Document, 0, len(c.GetDocuments()))
	for _, d := range c.GetDocuments() {
		out = append(out, policy.Document{ID: d.GetDocument(), SignedBy: d.GetSignedBy(), Late: d.GetLate()})
	}
	return out
}

// record puts facts on the complaint that no single form brings: each must be a
// field of a form about the complaint. Required fields are not asked for.
func record(c *intakev1.Complaint, facts map[string]*typev1.Fact, p *policy.Policy, s *policy.Sheet) error {
	var found problems
	facts = maps.Clone(facts)
	for _, form := range p.Rules().GetForms() {
		if form.GetAbout() != policyv1.About_ABOUT_COMPLAINT {
			continue
		}
		part := map[string]*typev1.Fact{}
		for _, field := range form.GetFields() {
			if fact, ok := facts[field.GetId()]; ok {
				part[field.GetId()] = fact
			}
		}
		wrong := slices.DeleteFunc(p.CheckForm(form.GetId(), part, s, nil), func(v fault.Violation) bool {
			return v.Reason == policy.FieldRequired || v.Reason == policy.FormUndecided || v.Reason == policy.FormCheck
		})
		if len(part) > 0 {
			found.form(p, form.GetId(), wrong)
		}
		for id := range part {
			delete(facts, id)
			if c.Facts == nil {
				c.Facts = map[string]*typev1.Fact{}
			}
			c.Facts[id] = part[id]
		}
	}
	for _, id := range slices.Sorted(maps.Keys(facts)) {
		found.form(p, "complaint", []fault.Violation{{Field: "facts." + id, Reason: policy.FieldUnknown}})
	}
	return found.err()
}
