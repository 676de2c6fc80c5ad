package domain

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
)

// Pass is a gate that somebody wishes to pass with a reason; zero is none.
type Pass struct {
	// Gate is its id in the pack.
	Gate string
	// Reason in words, sealed.
	Reason string
}

// gateOrPass is gate for acts that a waiver may let through: what the gate named asks
// for is left aside if the pack lets the person pass it. The reason is put on file, and
// the step that is owed for it is opened.
//
// Source: PACK-SKETCH 2.2 (Waiver); PROCEDURES P14 4.4, 7.2.
func (d *Decision) gateOrPass(act policy.Act, by Person, s *policy.Sheet, w Pass) error {
	unmet := d.unmet(act, "", by, s)
	if w.Gate == "" {
		return closed(unmet)
	}
	if !slices.ContainsFunc(d.policy.Rules().GetGates(), func(g *policyv1.Gate) bool { return g.GetId() == w.Gate }) {
		return waiverRefused(w, "CHOICE", "waive").With(d.rule(w.Gate))
	}
	i := slices.IndexFunc(unmet, func(u policy.Unmet) bool { return u.Gate.GetRule() == w.Gate })
	if i < 0 {
		return closed(unmet) // nothing to pass: the gate is open
	}
	waiver := unmet[i].Waiver
	switch {
	case waiver == nil:
		return waiverRefused(w, "GATE", w.Gate).With(d.rule(w.Gate))
	case !slices.ContainsFunc(waiver.GetBy(), is(by)):
		return waiverRefused(w, "ROLE", waiver.GetBy()...).With(d.rule(w.Gate))
	case strings.TrimSpace(w.Reason) == "":
		return waiverRefused(w, "INCOMPLETE", "waive_reason").With(d.rule(w.Gate))
	}
	if err := closed(slices.DeleteFunc(unmet, func(u policy.Unmet) bool { return u.Gate.GetRule() == w.Gate })); err != nil {
		return err
	}
	d.kase.PassedGates = append(d.kase.PassedGates, &routingv1.PassedGate{
		Gate: w.Gate, Act: strings.TrimPrefix(act.String(), "ACT_"), Person: by.Name, Reason: w.Reason,
		PassTime: timestamppb.New(d.at), Rule: d.rule(w.Gate), Owes: waiver.GetOwes(),
	})
	d.because(d.rule(w.Gate))
	d.tell(&routingv1.GateWaived{Gate: w.Gate})
	if def := step(d.policy, waiver.GetOwes()); def != nil {
		d.openStep(def.GetId(), def.GetBy(), def.GetOptional(), d.rule(def.GetId()))
		if limit := d.policy.Clock(def.GetId()); limit != nil {
			d.start(limit, Trigger{At: d.at}, s)
		}
	}
	return nil
}

func waiverRefused(w Pass, because string, missing ...string) *fault.Error {
	violations := make([]fault.Violation, len(missing))
	for i, m := range missing {
		violations[i] = fault.Violation{Field: m, Reason: ReasonWaiver}
	}
	return fault.New(fault.FailedPrecondition, ReasonWaiver, "gate", w.Gate, "because", because, "missing", strings.Join(missing, ", ")).
		WithViolations(violations...)
}
