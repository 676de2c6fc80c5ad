package policy

import (
	"slices"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// Document is a paper on file.
type Document struct {
	// ID is the kind of document, as packs name it.
	ID string
	// SignedBy holds the who of the pack whose signatures it bears, for example "customer" or
	// "anyone@finished_goods_store".
	SignedBy []string
	// Late: it came after the window of evidence closed and does not count.
	Late bool
}

// EvidenceGap is one rule whose papers are not there.
type EvidenceGap struct {
	Rule *typev1.RuleRef
	// AnyOf names the kinds of document of which one is enough; empty if the papers are there and only
	// the approval is missing.
	AnyOf []string
	// Signers holds the signatures missing on a paper of that kind that is on file.
	Signers map[string][]string
	// Approval is the approval that is asked for beside the papers and not in force.
	Approval string
	// Otherwise is what becomes of the complaint without them.
	Otherwise policyv1.Outcome
	// Missing names the facts without which it cannot be told whether papers are asked for.
	Missing []string
	// Line is the entry of the rule's list, -1 for the whole complaint.
	Line int
}

// Evidence returns the papers that are missing before an act, rule by rule; nil if all are there. One
// of the kinds is enough, with every signature that the rule names and, where it names an approval,
// that approval in force. A document that came too late does not count.
//
// Source: PACK-SKETCH.md 2.2 Evidence and Paper, 2.7; PROCEDURES.md P27 4.2.2, P27-A12.
func (p *Policy) Evidence(act policyv1.Act, docs []Document, s *Sheet) []EvidenceGap {
	var out []EvidenceGap
	for _, e := range p.live.GetAcceptance().GetEvidence() {
		if e.GetBefore() != act {
			continue
		}
		if e.GetEach() == "" {
			out = p.gap(out, e, docs, s, -1)
			continue
		}
		for i, row := range rowsOf(s, e.GetEach()) {
			out = p.gap(out, e, docs, OnLine(s, row), i)
		}
	}
	return out
}

func (p *Policy) gap(out []EvidenceGap, e *policyv1.Evidence, docs []Document, s *Sheet, line int) []EvidenceGap {
	g := EvidenceGap{Rule: p.Rule(e.GetId()), Otherwise: e.GetOtherwise(), Line: line}
	switch t, missing := p.holds(e.GetIf(), s); t {
	case False:
		return out
	case Unknown:
		g.Missing = missing
		return append(out, g)
	}
	if e.GetApproval() != "" && (s == nil || !slices.Contains(s.Approved, e.GetApproval())) {
		g.Approval = e.GetApproval()
	}
	there := len(e.GetAnyOf()) == 0
	for _, paper := range e.GetAnyOf() {
		for _, d := range docs {
			if d.ID != paper.GetDocument() || d.Late {
				continue
			}
			var lacks []string
			for _, who := range paper.GetSignedBy() {
				if !slices.Contains(d.SignedBy, who) {
					lacks = append(lacks, who)
				}
			}
			there = there || len(lacks) == 0
			if len(lacks) > 0 {
				if g.Signers == nil {
					g.Signers = map[string][]string{}
				}
				g.Signers[d.ID] = lacks
			}
		}
	}
	if !there {
		for _, paper := range e.GetAnyOf() {
			if !slices.Contains(g.AnyOf, paper.GetDocument()) {
				g.AnyOf = append(g.AnyOf, paper.GetDocument())
			}
		}
	} else {
		g.Signers = nil
	}
	if there && g.Approval == "" {
		return out
	}
	return append(out, g)
}
