package domain

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
)

// Completed is the outcome of a case that was handled to its end.
const Completed = "completed"

// Close closes the case when the pack's gates are open and nothing that blocks
// closing is owed. A case looks at its own obligations only.
//
// Source: PROCEDURES P26 (六); DESIGN section 4.
func (d *Decision) Close(by Person, s *policy.Sheet) error {
	if err := d.open(); err != nil {
		return err
	}
	if err := d.gate(policyv1.Act_ACT_CLOSE, "", by, s); err != nil {
		return err
	}
	if err := d.blocked(); err != nil {
		return err
	}
	d.because()
	d.close(Completed)
	return nil
}

// blocked refuses while work is owed that must be done before closing.
func (d *Decision) blocked() error {
	var open []string
	var violations []fault.Violation
	var rule *typev1.RuleRef
	for _, o := range d.kase.GetObligations() {
		if o.GetState() != typev1.Obligation_STATE_OPEN || !o.GetBlocksClose() {
			continue
		}
		if rule == nil {
			rule = o.GetRule()
		}
		open = append(open, o.GetKind())
		violations = append(violations, fault.Violation{Field: o.GetResource(), Reason: strings.ToUpper(o.GetKind()), Text: o.GetRule().GetText()})
	}
	if len(open) == 0 {
		return nil
	}
	return fault.New(fault.FailedPrecondition, ReasonObligation, "open", strings.Join(slices.Compact(open), ", ")).
		With(rule).WithViolations(violations...)
}

func (d *Decision) close(outcome string) {
	rules := slices.Clone(d.rules)
	d.end(routingv1.Case_STATE_CLOSED)
	d.kase.CloseTime, d.kase.CloseOutcome = timestamppb.New(d.at), outcome
	d.because(rules...)
	d.tell(&routingv1.CaseClosed{})
}

// startRound handles the case again: what was replied, approved and answered
// counts for the round before, and an unfinished plan is void with the clocks of
// its measures. Clocks and duties of the pack end and begin by what they say
// themselves about CASE_ROUND_STARTED (PACK-SKETCH 1, principle 8).
//
// Source: PROCEDURES P26 (六); PACK-SKETCH 2.2 (Round).
func (d *Decision) startRound(def *policyv1.Round) {
	if d.plan != nil && unfinished(d.plan) {
		d.because(d.rule(def.GetId()))
		d.voidPlan()
	}
	d.voidProposal()
	d.voidApprovals()
	k := d.kase
	k.Round++
	k.RoundTime, k.RoundForm = timestamppb.New(d.at), def.GetForm()
	k.Replied, k.Approved, k.Satisfaction, k.Pending = false, nil, nil, nil
	k.HandleTime, k.TriedCards, k.DraftApproved = nil, nil, false
	k.State = routingv1.Case_STATE_HANDLING
	if def.GetBackTo() != "" {
		k.Stage = "" // so that going back to the stage it stands in enters it anew
	}
	d.because(d.rule(def.GetId()))
	d.tell(&routingv1.RoundStarted{Round: def.GetId()})
}
