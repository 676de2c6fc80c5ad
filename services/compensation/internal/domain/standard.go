package domain

import (
	"cmp"
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
)

// counted tells that a remedy is given in things rather than in money: without a value.
func counted(k policyv1.RemedyKind) bool {
	switch k {
	case policyv1.RemedyKind_REMEDY_KIND_GIFT, policyv1.RemedyKind_REMEDY_KIND_GOODS, policyv1.RemedyKind_REMEDY_KIND_WORK:
		return true
	}
	return false
}

// measure takes from the pack's standard what the claim leaves open, and notes the
// standard. It returns what the standard says.
func (d *decision) measure(s *policy.Sheet) policy.StandardResult {
	std := d.Policy.Standard(d.claim.GetRemedy(), s)
	d.claim.Standard, d.claim.Along, d.claim.Deviation = nil, "", ""
	if std.None || len(std.Missing) > 0 {
		return std
	}
	d.claim.Standard, d.claim.Along = proto.CloneOf(std.Rule), std.Along
	if d.claim.GetAmount() == nil && std.Amount != nil {
		d.claim.Amount = proto.CloneOf(std.Amount)
	}
	if d.claim.GetUnits() == 0 {
		d.claim.Units = std.Units
	}
	return std
}

// standard holds the claim to the pack's standard: gifts by ratio, actual cost, a fixed
// amount. Another figure needs the approval of a deviation, granted before.
//
// Source: PROCEDURES P14 9.2, P14-A3; PACK-SKETCH 2.2 (Standard).
func (d *decision) standard(p *problems) {
	s := d.sheet()
	std := d.measure(s)
	switch {
	case std.None:
		return
	case len(std.Missing) > 0:
		p.fault(lacking(std.Rule, std.Missing))
		return
	case std.Fits(d.claim.GetUnits(), d.claim.GetAmount()):
		return
	case std.Deviation != "" && slices.Contains(s.Approved, std.Deviation):
		d.claim.Deviation = std.Deviation
		return
	}
	says := std.Amount.GetAmount()
	if std.Amount == nil {
		says = strconv.FormatInt(std.Units, 10)
	}
	// What is lacking is the approval of a deviation or, where none is allowed, nothing:
	// then the refusal points to what the figure is taken from.
	because, need, field := "GATE", "APPROVAL", std.Deviation
	if field == "" {
		def := policy.ByID(d.Policy.Rules().GetCompensation().GetStandards(), std.Rule.GetRule())
		because, need, field = "AMOUNT", "FACT", cmp.Or(def.GetActual(), def.GetUnits(), d.claim.GetRemedy())
	}
	p.fault(fault.New(fault.FailedPrecondition, ReasonStandard, "standard", says, "missing", field, "because", because,
		"rule", std.Rule.GetRule(), "clause", std.Rule.GetClause()).With(std.Rule).
		WithViolations(fault.Violation{Field: field, Reason: need, Text: std.Rule.GetText()}))
}

// consents returns the approvals that the claim's standard asks for before it is given
// and that are not in force.
//
// Source: PROCEDURES P14 9.2.1 (actual cost after the company's consent).
func (d *decision) consents(s *policy.Sheet) []string {
	std := d.Policy.Standard(d.claim.GetRemedy(), s)
	var out []string
	for _, id := range []string{std.Approval, d.claim.GetDeviation()} {
		if id != "" && !slices.Contains(s.Approved, id) && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// pend keeps a claim whose loss nobody can tell yet: a draft without amount, asked for
// when the loss is known. The pack must have a time for it.
//
// Faults: INITIATOR, AMOUNT_INVALID (an amount, although the loss is pending), WINDOW_CLOSED.
//
// Source: PROCEDURES P27 4.1.3 (loss unknown within time).
func (d *decision) pend(terms *compensationv1.Claim) error {
	if err := d.initiator(); err != nil {
		return err
	}
	window := d.Policy.Window(policyv1.WindowOf_WINDOW_OF_LOSS_DATA, d.sheet(), d.Now)
	if window.None || terms.GetAmount() != nil {
		f := fault.New(fault.Invalid, ReasonAmount, "because", "AMOUNT").WithViolations(fault.Violation{Field: "claim.loss_pending", Reason: ReasonAmount})
		return f.With(window.Rule)
	}
	if err := inTime([]policy.WindowResult{window}, "loss_data"); err != nil && fault.ReasonOf(err) == ReasonWindow {
		return err
	}
	correct(d.claim, terms)
	d.claim.LossPending = true
	d.tell(&compensationv1.ClaimDrafted{}, window.Rule)
	return nil
}

// known refuses a claim whose loss was pending and whose figures come too late, or
// without the approval that lets them follow.
//
// Source: PROCEDURES P27 4.1.3, P27-A1.
func (d *decision) known() error {
	if !d.claim.GetLossPending() {
		return nil
	}
	return inTime([]policy.WindowResult{d.Policy.Window(policyv1.WindowOf_WINDOW_OF_LOSS_DATA, d.sheet(), d.Now)}, "loss_data")
}
