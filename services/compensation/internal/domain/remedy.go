package domain

import (
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
)

// RecordRefusal records that the customer does not accept a non-cash remedy; recording
// again replaces what was recorded. It changes nothing that signatories saw, so their
// signatures stand.
//
// Faults: CLAIM_STATE, CLAIM_HELD, STEP_ROLE, GATE_CLOSED, FORM_INCOMPLETE,
// REFUSE_TIME_IN_FUTURE.
//
// Source: PROCEDURES P02 4, P02-A2 (a).
func RecordRefusal(c *compensationv1.Claim, note string, when time.Time, a Act) ([]Event, error) {
	if err := expect(c, draft, submitted, returned, approved, checked); err != nil {
		return nil, err
	}
	if when.IsZero() {
		when = a.Now
	}
	if when.After(a.Now) {
		return nil, fault.New(fault.Invalid, ReasonRefuseTime, "now", a.Now.UTC().Format(time.RFC3339)).
			WithViolations(fault.Violation{Field: "refuse_time", Reason: ReasonRefuseTime})
	}
	d := begin(a, c)
	d.claim.Refusal = &compensationv1.Refusal{
		Recorder: a.By.Name, RefuseTime: timestamppb.New(when), Note: note, RecordTime: timestamppb.New(a.Now),
	}
	steps := refusalSteps(a.Policy)
	if len(steps) == 0 {
		if err := d.initiator(); err != nil {
			return nil, err
		}
	}
	s := d.sheet()
	var rules []*typev1.RuleRef
	for _, step := range steps {
		if err := d.mayRecord(step, s); err != nil {
			return nil, err
		}
		rules = append(rules, a.Policy.Rule(step))
	}
	d.tell(&compensationv1.NonCashRefused{}, rules...)
	return d.events, nil
}

func (d *decision) mayRecord(step string, s *policy.Sheet) error {
	for _, u := range d.Policy.Gate(policyv1.Act_ACT_DO_STEP, d.subject(step), s) {
		one := []policy.Unmet{u}
		if u.Need == policy.NeedOnly {
			f := closed(ReasonStepRole, one)
			return f.WithFacts("step", step, "next", f.Facts["who"])
		}
		if f := closed(ReasonGate, one); f != nil {
			return f
		}
	}
	form := findStep(d.Policy, step).GetForm()
	if form == "" {
		return nil
	}
	if wrong := d.Policy.CheckForm(form, d.refusalFacts(form, d.claim.GetRefusal()), s, d.Warned); len(wrong) > 0 {
		return fault.New(fault.Invalid, ReasonForm, "form", form).With(d.Policy.Rule(form)).WithViolations(wrong...)
	}
	return nil
}

// refusalFacts fills the form of the step from what was recorded: dates and instants
// are when the customer refused, words are what was said.
func (d *decision) refusalFacts(form string, r *compensationv1.Refusal) map[string]*typev1.Fact {
	when := r.GetRefuseTime()
	facts := map[string]*typev1.Fact{}
	for _, field := range policy.ByID(d.Policy.Rules().GetForms(), form).GetFields() {
		switch field.GetType() {
		case policyv1.FieldType_FIELD_TYPE_DATE:
			facts[field.GetId()] = &typev1.Fact{Value: &typev1.Fact_Date{Date: d.Policy.Calendar().Date(when.AsTime()).String()}}
		case policyv1.FieldType_FIELD_TYPE_INSTANT:
			facts[field.GetId()] = &typev1.Fact{Value: &typev1.Fact_Instant{Instant: when}}
		case policyv1.FieldType_FIELD_TYPE_TEXT:
			facts[field.GetId()] = &typev1.Fact{Value: &typev1.Fact_Text{Text: r.GetNote()}}
		}
	}
	return facts
}

// SetRemedy chooses another remedy. Before the claim is put forward that is all. In
// its chain or through it, the signatures are void and it returns to its initiator,
// except that an approved claim may fall back to a remedy its signatures cover; finance
// then checks it again. Choosing the remedy it has changes nothing.
//
// What is given with it may change too: without another figure the pack's standard gives
// it where there is one.
//
// Faults: CLAIM_STATE, CLAIM_HELD, INITIATOR, REMEDY_UNKNOWN, GATE_CLOSED, AMOUNT_INVALID
// (above the remedy's ceiling), STANDARD_DEVIATION.
//
// Source: PROCEDURES P02 4, P02-A2.
func SetRemedy(c *compensationv1.Claim, remedy string, amount *typev1.Money, units int64, a Act) ([]Event, error) {
	if err := expect(c, draft, returned, submitted, approved, checked); err != nil {
		return nil, err
	}
	d := begin(a, c)
	if err := d.initiator(); err != nil {
		return nil, err
	}
	if remedy == c.GetRemedy() && amount == nil && units == 0 {
		return nil, nil
	}
	d.claim.Remedy = remedy
	correct(d.claim, &compensationv1.Claim{Amount: amount, Units: units})
	var p problems
	if !a.Policy.Standard(remedy, d.sheet()).None {
		if amount == nil {
			d.claim.Amount = nil
		}
		d.claim.Units = units
	}
	d.standard(&p)
	if !proto.Equal(d.claim.GetAmount(), c.GetAmount()) {
		d.amount(&p)
	}
	for _, u := range a.Policy.Gate(policyv1.Act_ACT_SET_METHOD, d.subject(""), d.sheet()) {
		d.term(&p, u)
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	rule := a.Policy.Rule(remedy)
	same := proto.Equal(d.claim.GetAmount(), c.GetAmount()) && d.claim.GetUnits() == c.GetUnits()
	switch covered := same && d.covered(); {
	case c.GetState() == draft, c.GetState() == returned:
		d.tell(&compensationv1.RemedyChanged{}, rule)
	case covered && c.GetState() != submitted:
		d.claim.State, d.claim.Check = approved, nil
		d.claim.CashAllowed = d.cashAllowed()
		d.tell(&compensationv1.RemedyChanged{}, rule)
	default:
		d.tell(&compensationv1.RemedyChanged{}, rule)
		d.void()
	}
	return d.events, nil
}

// covered tells whether the signatures given cover the remedy now chosen: the one put
// forward, or a non-cash one where cash was put forward.
//
// Our reading: non-cash is the rule and cash the exception that the approver of the
// tier may refuse while approving the amount (P02 4). Who falls back from cash asks for
// nothing that was not granted, so nobody needs to sign again. The way from non-cash to
// cash is closed to this: whoever signed saw another remedy.
func (d *decision) covered() bool {
	was, now := d.claim.GetSubmittedRemedy(), d.claim.GetRemedy()
	if was == now {
		return true
	}
	comp := d.Policy.Rules().GetCompensation()
	money := policyv1.RemedyKind_REMEDY_KIND_MONEY
	if kindOf(comp, was) != money || kindOf(comp, now) == money {
		return false
	}
	def, unmet := d.Policy.ApprovalFor(policyv1.Subject_SUBJECT_CLAIM, d.sheet())
	return len(unmet) == 0 && def.GetId() == d.claim.GetApproval().GetId()
}
