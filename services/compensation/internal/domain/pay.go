package domain

import (
	"slices"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/approval"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/planted"
	"example.com/redress/services/policy"
)

// Still tells whether a signatory still holds, now, the role they signed in. A role is
// the directory's at the time of the act, and is checked again at payment.
//
// Source: DESIGN section 7.
type Still func(s *typev1.Signature) bool

// Check records finance's look at the file: CHECKED if nothing is missing. Otherwise
// missing names every signature and paper, and the claim is payable no more than
// before; one that was CHECKED is APPROVED again.
//
// Faults: CLAIM_STATE, CLAIM_HELD, GATE_CLOSED for who is not finance.
//
// Source: PROCEDURES P02 3.3.
func Check(c *compensationv1.Claim, still Still, a Act) (events []Event, missing []string, err error) {
	if err := expect(c, submitted, approved, checked); err != nil {
		return nil, nil, err
	}
	d := begin(a, c)
	f := d.file(still)
	if f.stranger != nil {
		return nil, nil, f.stranger
	}
	d.claim.Check = &compensationv1.Check{
		Complete: len(f.missing) == 0, Missing: f.missing, Checker: a.By.Name, CheckTime: timestamppb.New(a.Now),
	}
	switch {
	case len(f.missing) == 0:
		d.claim.State = checked
	case c.GetState() == checked:
		d.claim.State = approved
	}
	d.tell(&compensationv1.ClaimChecked{}, f.rules...)
	return d.events, f.missing, nil
}

// Missing returns what finance would find missing now, without recording that it looked.
func Missing(c *compensationv1.Claim, still Still, a Act) []string {
	return begin(a, c).file(still).missing
}

// Execute gives the order to pay, once: nothing leads back from EXECUTED.
//
// Faults: CLAIM_HELD; GATE_CLOSED naming every signature and paper missing, who is not
// finance included; REMEDY_NOT_ALLOWED if only what the remedy needs is not so;
// CLAIM_STATE for one that finance has not checked, or that was executed before.
//
// Source: PROCEDURES P02 3.3, 4; DESIGN sections 4, 7.
func Execute(c *compensationv1.Claim, still Still, a Act) ([]Event, error) {
	if planted.Is("paid twice") && Executed(c) {
		c = proto.CloneOf(c)
		c.State = checked
	}
	if err := expect(c, checked); err != nil {
		if e := expect(c, submitted, approved); e != nil {
			return nil, err
		}
	}
	d := begin(a, c)
	f := d.file(still)
	if f.stranger != nil {
		return nil, f.stranger
	}
	if f.refusal != nil {
		return nil, f.refusal
	}
	if err := expect(c, checked); err != nil {
		return nil, err
	}
	d.claim.State = executed
	d.claim.Payout = &compensationv1.Payout{
		Order: Order(c.GetName()), Amount: proto.CloneOf(c.GetAmount()), Units: c.GetUnits(), Remedy: c.GetRemedy(),
		Executor: a.By.Name, ExecuteTime: timestamppb.New(a.Now),
	}
	if planted.Is("paid above the approval") {
		d.claim.Payout.Amount.Amount = "9" + c.GetAmount().GetAmount()
	}
	d.tell(&compensationv1.PayoutExecuted{}, f.rules...)
	return d.events, nil
}

// Order returns the key under which the payment system knows the one payment of a
// claim: the same however often it is asked for.
func Order(claim string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(claim+"#payout")).String()
}

// Confirm records the voucher of the payment. Faults: CLAIM_STATE.
func Confirm(c *compensationv1.Claim, voucher string, a Act) ([]Event, error) {
	if err := expect(c, executed); err != nil {
		return nil, err
	}
	d := begin(a, c)
	d.claim.State = paid
	d.claim.Payout.Voucher, d.claim.Payout.Confirmer, d.claim.Payout.ConfirmTime = voucher, a.By.Name, timestamppb.New(a.Now)
	d.tell(&compensationv1.ClaimPaid{})
	return d.events, nil
}

// file is what finance finds in a claim's papers.
type file struct {
	// missing are ids of the pack in its order: signs, steps, forms, facts.
	missing []string
	// stranger refuses who may not pay at all.
	stranger *fault.Error
	// refusal says why it cannot be paid; nil if it can.
	refusal *fault.Error
	rules   []*typev1.RuleRef
}

func (f *file) lacks(refusal *fault.Error, ids ...string) {
	for _, id := range ids {
		if !slices.Contains(f.missing, id) {
			f.missing = append(f.missing, id)
		}
	}
	if f.refusal == nil {
		f.refusal = refusal
		return
	}
	f.refusal = f.refusal.WithViolations(refusal.Violations...)
}

// file looks at the chain itself first, whatever the pack's gates ask: all signatures
// there, given on what is claimed now, by people who still hold the role; then at the
// gates before paying; then at what the remedy needs.
func (d *decision) file(still Still) file {
	var f file
	s := d.sheet()
	def, unmet := d.Policy.ApprovalFor(policyv1.Subject_SUBJECT_CLAIM, s)
	if refusal := closed(ReasonGate, unmet); refusal != nil {
		f.lacks(refusal, named(unmet[0])...)
	}
	chain := d.claim.GetApproval()
	rule := d.Policy.Rule(def.GetId())
	if def != nil && chain.GetId() != def.GetId() {
		f.lacks(absent(rule, "APPROVAL", def.GetId()), def.GetId())
	}
	for _, id := range faulty(chain, Seal(d.claim), still) {
		f.lacks(absent(rule, "SIGN", id), id)
	}
	if chain != nil && chain.GetState() != typev1.Approval_STATE_GRANTED && len(f.missing) == 0 {
		f.lacks(absent(rule, "APPROVAL", chain.GetId()), chain.GetId())
	}
	if chain != nil && !d.covered() {
		f.lacks(absent(rule, "APPROVAL", chain.GetId()), chain.GetId())
	}
	if rule != nil {
		f.rules = append(f.rules, rule)
	}
	var remedy []policy.Unmet
	for _, u := range append(d.Policy.Gate(policyv1.Act_ACT_PAY, d.subject(""), s), d.papers(policyv1.Act_ACT_PAY, s)...) {
		refusal := closed(ReasonGate, []policy.Unmet{u})
		switch {
		case refusal == nil:
		case u.Need == policy.NeedOnly:
			f.stranger = refusal
		case u.Gate.GetRule() == d.claim.GetRemedy():
			remedy = append(remedy, u)
		default:
			f.lacks(refusal, named(u)...)
		}
	}
	if refusal := closed(ReasonRemedyNotAllowed, remedy); refusal != nil {
		ids := []string{}
		for _, u := range remedy {
			ids = append(ids, named(u)...)
		}
		f.lacks(refusal.WithFacts("remedy", d.claim.GetRemedy()), ids...)
	}
	for _, id := range d.consents(s) {
		if !slices.Contains(f.missing, id) {
			f.lacks(absent(d.Policy.Rule(id), "APPROVAL", id), id)
		}
	}
	if f.refusal != nil {
		f.refusal = f.refusal.WithFacts("missing", strings.Join(f.missing, ", "))
	}
	return f
}

// faulty returns the steps of the chain whose signatures are missing, were given on
// something else, or are of people who do not hold the role any more, in their order.
func faulty(chain *typev1.Approval, seal string, still Still) []string {
	missing := approval.Missing(chain)
	var out []string
	for _, step := range chain.GetSteps() {
		bad := slices.Contains(missing, step.GetId()) || chain.GetSealedDigest() != seal && step.GetState() == typev1.ApprovalStep_STATE_SIGNED
		for _, s := range step.GetSignatures() {
			if s.GetDecision() == typev1.Decision_DECISION_APPROVE && (s.GetSealedDigest() != chain.GetSealedDigest() || !still(s)) {
				bad = true
			}
		}
		if bad {
			out = append(out, step.GetId())
		}
	}
	return out
}

// named returns what an unmet need is called: what is missing, else the rule itself.
func named(u policy.Unmet) []string {
	if len(u.Missing) > 0 {
		return u.Missing
	}
	if u.ID != "" {
		return []string{u.ID}
	}
	return []string{u.Gate.GetRule()}
}

func absent(rule *typev1.RuleRef, need, id string) *fault.Error {
	return fault.New(fault.FailedPrecondition, ReasonGate, "rule", rule.GetRule(), "clause", rule.GetClause(), "because", "GATE").
		With(rule).WithViolations(fault.Violation{Field: id, Reason: need, Text: rule.GetText()})
}
