package domain

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
)

// Provide returns the complaint with papers that were handed in. Those that come
// after the pack's window for evidence are on file as late and do not count;
// where the pack refuses what is late, so does this: WINDOW_CLOSED.
//
// Source: PACK-SKETCH 2.2 Window of EVIDENCE, Evidence; PROCEDURES P27 4.3 e.
func Provide(f File, papers []*intakev1.ProvidedDocument) (*intakev1.Complaint, error) {
	if err := open(f.Complaint); err != nil {
		return nil, err
	}
	s := f.Sheet()
	if err := f.gate(policyv1.Act_ACT_ADD_EVIDENCE, "", s); err != nil {
		return nil, err
	}
	var wrong []fault.Violation
	known := kindsOfDocument(f.Policy)
	for _, d := range papers {
		if len(known) > 0 && !slices.Contains(known, d.GetDocument()) {
			wrong = append(wrong, fault.Violation{Field: "documents." + d.GetDocument(), Reason: ReasonDocumentUnknown})
		}
		if e := d.GetEvidence(); e != "" && !strings.HasPrefix(e, f.Complaint.GetName()+"/") {
			wrong = append(wrong, fault.Violation{Field: "documents.evidence", Reason: ReasonDocumentUnknown})
		}
	}
	if len(wrong) > 0 {
		return nil, fault.New(fault.Invalid, ReasonDocumentUnknown, "allowed", strings.Join(known, ", ")).WithViolations(wrong...)
	}
	window := f.Policy.Window(policyv1.WindowOf_WINDOW_OF_EVIDENCE, s, f.Now)
	if !window.Open() && window.Late == policyv1.Outcome_OUTCOME_REFUSED {
		return nil, closed(window)
	}
	next := f.changed()
	for _, d := range papers {
		next.Documents = append(next.Documents, &intakev1.ProvidedDocument{
			Document: d.GetDocument(), SignedBy: d.GetSignedBy(), Evidence: d.GetEvidence(),
			ProvideTime: timestamppb.New(f.Now), ProvidedBy: f.Who, Late: !window.Open(),
		})
	}
	f.Complaint = next
	next.Marks = f.Policy.Marks(f.Sheet())
	return next, nil
}

// kindsOfDocument lists the papers that the pack's rules name; empty means that it names none.
func kindsOfDocument(p *policy.Policy) []string {
	var out []string
	for _, e := range p.Rules().GetAcceptance().GetEvidence() {
		for _, paper := range e.GetAnyOf() {
			out = append(out, paper.GetDocument())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// closed is the fault of something that comes too late, or without the approval
// that its window asks for.
func closed(w policy.WindowResult) error {
	if len(w.Missing) > 0 {
		return fault.New(fault.FailedPrecondition, policy.ReasonIncomplete, "because", "INCOMPLETE", "rule", w.Rule.GetRule(), "missing", strings.Join(w.Missing, ", ")).
			With(w.Rule).WithViolations(violations(w.Missing, "FACT")...)
	}
	if w.In && w.Approval != "" {
		return fault.New(fault.FailedPrecondition, policy.ReasonGate, "because", "GATE", "rule", w.Rule.GetRule(), "missing", w.Approval).
			With(w.Rule).WithViolations(fault.Violation{Field: w.Approval, Reason: "APPROVAL"})
	}
	return fault.New(fault.FailedPrecondition, ReasonWindow, "because", "WINDOW", "rule", w.Rule.GetRule(), "last", w.Last.String()).
		With(w.Rule).WithViolations(fault.Violation{Field: w.Rule.GetRule(), Reason: ReasonWindow, Text: w.Rule.GetText()})
}

func violations(fields []string, reason string) []fault.Violation {
	out := make([]fault.Violation, len(fields))
	for i, f := range fields {
		out[i] = fault.Violation{Field: f, Reason: reason}
	}
	return out
}
