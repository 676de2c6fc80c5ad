package domain

import (
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/approval"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/money"
	"example.com/redress/services/policy"
)

const (
	draft     = compensationv1.Claim_STATE_DRAFT
	submitted = compensationv1.Claim_STATE_SUBMITTED
	approved  = compensationv1.Claim_STATE_APPROVED
	checked   = compensationv1.Claim_STATE_CHECKED
	executed  = compensationv1.Claim_STATE_EXECUTED
	paid      = compensationv1.Claim_STATE_PAID
	returned  = compensationv1.Claim_STATE_RETURNED
	withdrawn = compensationv1.Claim_STATE_WITHDRAWN
	held      = compensationv1.Claim_STATE_HELD
)

// Identity is what a new claim is given, whoever asks for it.
type Identity struct {
	// Name and Number are the claim's own.
	Name, Number string
	// Obligation it discharges; empty if none.
	Obligation string
	// Related are the other claims of the same complaint and cause.
	Related []string
	// Offer is the offer that the customer accepted; empty if none.
	Offer string
	// Rule is the rule whose consequence it is; nil if somebody asks.
	Rule *typev1.RuleRef
}

// blank returns a claim on the complaint with nothing asked for yet.
func blank(id Identity, on *intakev1.Complaint) *compensationv1.Claim {
	return &compensationv1.Claim{
		Name: id.Name, Number: id.Number, Obligation: id.Obligation, RelatedClaims: id.Related,
		Complaint: on.GetName(), CaseNumber: on.GetNumber(), Subject: on.GetSubject(), PolicyRevision: on.GetPolicyRevision(),
		Customer: on.GetSubject(), Offer: id.Offer, CauseRule: proto.CloneOf(id.Rule),
	}
}

// WorkedOn refuses a complaint on which nothing is claimed any more.
func WorkedOn(c *intakev1.Complaint) error {
	switch c.GetState() {
	case intakev1.Complaint_STATE_REGISTERED, intakev1.Complaint_STATE_VERIFIED:
		return nil
	default:
		return fault.New(fault.FailedPrecondition, ReasonComplaintState, "state", word(c.GetState()), "wanted", "REGISTERED, VERIFIED", "name", c.GetName())
	}
}

// Draft returns the claim that a measure of a handling plan owes, or that a rule of the
// pack opens. Nobody has asked for it yet: that is its initiator's to do. Amount and
// units are taken as they stand, or else as the pack's standard gives them, and checked
// when it is asked for.
//
// Source: docs/architecture.md, obligations; PACK-SKETCH 2.6 (remedy).
func Draft(id Identity, on *intakev1.Complaint, terms *compensationv1.Claim, a Act) []Event {
	c := blank(id, on)
	c.State, c.CreateTime = draft, timestamppb.New(a.Now)
	c.Ground, c.Remedy, c.Causes, c.Justification = terms.GetGround(), terms.GetRemedy(), slices.Sorted(slices.Values(terms.GetCauses())), terms.GetJustification()
	c.Units = terms.GetUnits()
	if amount, err := money.Parse(terms.GetAmount()); err == nil {
		c.Amount = amount.Format()
	}
	d := begin(a, c)
	if a.Policy != nil {
		d.measure(d.sheet())
	}
	d.tell(&compensationv1.ClaimDrafted{}, id.Rule)
	return d.events
}

// Request returns a new claim, asked for by who acts: in its chain of signatures, or
// approved at once where the pack asks for none. Faults as [Submit].
func Request(id Identity, on *intakev1.Complaint, terms *compensationv1.Claim, a Act) ([]Event, error) {
	if err := WorkedOn(on); err != nil {
		return nil, err
	}
	c := blank(id, on)
	c.State, c.CreateTime = draft, timestamppb.New(a.Now)
	d := begin(a, c)
	put := d.submit
	if terms.GetLossPending() {
		put = d.pend
	}
	if err := put(terms); err != nil {
		return nil, err
	}
	return d.events, nil
}

// Submit puts a DRAFT or RETURNED claim forward, with corrections: what terms leaves
// empty stays. A claim that is in its chain or through it returns to its initiator
// first, its signatures void, if the corrections change what was seen; an APPROVED or
// CHECKED one also without corrections, as its initiator may want it signed anew.
//
// Faults: CLAIM_STATE, CLAIM_HELD, INITIATOR, AMOUNT_INVALID, GROUND_UNKNOWN,
// GROUND_OUT_OF_SCOPE, REMEDY_UNKNOWN, GATE_CLOSED, FORM_INCOMPLETE and those of
// approval.Open. Everything wrong is reported at once; the reason is that of the first.
//
// Source: PROCEDURES P02 2, 3.1, 5; P02-A5.
func Submit(c, terms *compensationv1.Claim, related []string, a Act) ([]Event, error) {
	if err := expect(c, draft, returned, submitted, approved, checked); err != nil {
		return nil, err
	}
	d := begin(a, c)
	if s := c.GetState(); s != draft && s != returned {
		after := proto.CloneOf(d.claim)
		if correct(after, terms); s == submitted && seal(after, after.GetRemedy()) == Seal(c) {
			return nil, expect(c, draft, returned)
		}
		d.void()
	}
	d.claim.RelatedClaims = related
	if err := d.known(); err != nil {
		return nil, err
	}
	if err := d.submit(terms); err != nil {
		return nil, err
	}
	return d.events, nil
}

// correct puts what terms states into the claim.
func correct(c, terms *compensationv1.Claim) {
	if terms.GetGround() != "" {
		c.Ground = terms.GetGround()
	}
	if terms.GetRemedy() != "" {
		c.Remedy = terms.GetRemedy()
	}
	if terms.GetAmount() != nil {
		c.Amount = proto.CloneOf(terms.GetAmount())
	}
	if amount, err := money.Parse(c.GetAmount()); err == nil {
		c.Amount = amount.Format()
	}
	if terms.GetUnits() > 0 {
		c.Units = terms.GetUnits()
	}
	if terms.GetBatch() != "" {
		c.Batch = terms.GetBatch()
	}
	if len(terms.GetCauses()) > 0 {
		c.Causes = slices.Sorted(slices.Values(terms.GetCauses()))
	}
	if terms.GetPayee() != nil {
		c.Payee, c.PayeeKey = proto.CloneOf(terms.GetPayee()), terms.GetPayeeKey()
	}
	if terms.GetJustification() != "" {
		c.Justification = terms.GetJustification()
	}
	if len(terms.GetFacts()) > 0 {
		facts := maps.Clone(c.GetFacts())
		if facts == nil {
			facts = map[string]*typev1.Fact{}
		}
		for id, f := range terms.GetFacts() {
			facts[id] = proto.CloneOf(f)
		}
		c.Facts = facts
	}
}

// submit puts the claim forward as corrected, or refuses.
func (d *decision) submit(terms *compensationv1.Claim) error {
	if err := d.initiator(); err != nil {
		return err
	}
	correct(d.claim, terms)
	if old := d.claim.GetApproval(); old != nil {
		d.claim.FormerApprovals = append(d.claim.GetFormerApprovals(), old)
		d.claim.Approval = nil
	}
	d.claim.Initiator, d.claim.CashAllowed, d.claim.Check = d.By.Name, false, nil

	var p problems
	d.standard(&p)
	d.amount(&p)
	s := d.sheet()
	def, unmet := d.Policy.ApprovalFor(policyv1.Subject_SUBJECT_CLAIM, s)
	p.gate(unmet)
	filled := d.forms(&p, s, def)
	s.Filled = append(s.Filled, filled...)
	d.terms(&p, s)
	if def != nil {
		p.gate(slices.DeleteFunc(d.Policy.Gate(policyv1.Act_ACT_ASK, d.subject(def.GetId()), s), func(u policy.Unmet) bool {
			return u.Need == policy.NeedForm && p.form(u.ID) // its own faults say more
		}))
	}
	if err := p.err(); err != nil {
		return err
	}

	d.claim.SubmittedRemedy, d.claim.LossPending = d.claim.GetRemedy(), false
	d.claim.GroundRule = proto.CloneOf(d.Policy.Rule(d.claim.GetGround()))
	d.claim.SubmitTime = timestamppb.New(d.Now)
	d.claim.State = submitted
	if def != nil {
		chain, err := d.chain(def, s)
		if err != nil {
			return err
		}
		d.claim.Approval = chain
	}
	d.tell(&compensationv1.ClaimRequested{}, d.claim.GetGroundRule(), d.claim.GetApproval().GetRule())
	if def == nil {
		d.claim.State = approved
		d.tell(&compensationv1.ClaimApproved{})
	}
	return nil
}

// chain opens the signatures the pack asks for at this amount.
func (d *decision) chain(def *policyv1.Approval, s *policy.Sheet) (*typev1.Approval, error) {
	amount, summed, err := d.sum(def, d.claim.GetAmount(), ClaimKeys(d.claim), KindClaims, d.claim.GetName())
	if err != nil {
		return nil, err
	}
	d.claim.SummedClaims = summed
	return approval.Open(def, approval.Request{
		AskedBy: d.By.Name, Digest: Seal(d.claim), Time: d.Now, Amount: amount,
		Revision: d.claim.GetPolicyRevision(), Pack: d.Policy.Rule(def.GetId()).GetPack(),
		Number:  int32(len(d.claim.GetFormerApprovals()) + 1),
		Applies: d.applies(s),
	})
}

// Seal returns the digest of what signatories see: ground, remedy put forward,
// amount or units, causes, batch, payee and facts, of this claim and complaint.
//
// Texts are tokens here: the same words sealed again are another payee, which is the
// safe side. Source: DESIGN section 7 (sealed to a digest of what was seen).
func Seal(c *compensationv1.Claim) string { return seal(c, c.GetSubmittedRemedy()) }

func seal(c *compensationv1.Claim, remedy string) string {
	content, err := proto.MarshalOptions{Deterministic: true}.Marshal(&compensationv1.Claim{
		Name: c.GetName(), Complaint: c.GetComplaint(), Ground: c.GetGround(), Remedy: remedy, Amount: c.GetAmount(),
		Causes: c.GetCauses(), Payee: c.GetPayee(), Facts: c.GetFacts(), Justification: c.GetJustification(), Units: c.GetUnits(), Batch: c.GetBatch(),
	})
	if err != nil {
		return "" // a string that is no UTF-8; no chain opens on an empty digest
	}
	return approval.Digest(string(content))
}

// amount checks what is claimed. Every procedure shipped speaks CNY, and so do its bands.
// A remedy that is counted may go without an amount.
//
// Source: PROCEDURES K8.
func (d *decision) amount(p *problems) {
	if d.claim.GetAmount() == nil && d.claim.GetUnits() > 0 && counted(kindOf(d.Policy.Rules().GetCompensation(), d.claim.GetRemedy())) {
		return
	}
	amount, err := money.Parse(d.claim.GetAmount())
	switch {
	case err != nil:
		p.add(fault.New(fault.Invalid, ReasonAmount).Wrap(err), "claim.amount")
	case amount.Currency() != money.CNY:
		p.add(fault.New(fault.Invalid, ReasonAmount, "currency", amount.Currency(), "wanted", money.CNY), "claim.amount.currency_code")
	case amount.IsZero():
		p.add(fault.New(fault.Invalid, ReasonAmount, "amount", amount.Text()), "claim.amount.amount")
	default:
		d.claim.Amount = amount.Format()
	}
}

// terms checks ground and remedy, and the gates before asking and before choosing
// the remedy: to ask for cash is to choose it.
func (d *decision) terms(p *problems, s *policy.Sheet) {
	comp := d.Policy.Rules().GetCompensation()
	if comp == nil || d.claim.GetGround() == "" && len(comp.GetGrounds()) > 0 {
		p.add(fault.New(fault.Invalid, ReasonGroundUnknown), "claim.ground")
		return
	}
	who := d.subject("")
	unmet := d.Policy.Gate(policyv1.Act_ACT_REQUEST_CLAIM, who, s)
	for _, u := range d.Policy.Gate(policyv1.Act_ACT_SET_METHOD, who, s) {
		if !slices.ContainsFunc(unmet, func(o policy.Unmet) bool { return same(o, u) }) {
			unmet = append(unmet, u)
		}
	}
	unmet = append(unmet, d.papers(policyv1.Act_ACT_REQUEST_CLAIM, s)...)
	for _, u := range unmet {
		d.term(p, u)
	}
}

func same(a, b policy.Unmet) bool {
	return a.Gate.GetRule() == b.Gate.GetRule() && a.Need == b.Need && a.ID == b.ID && a.Because == b.Because && slices.Equal(a.Missing, b.Missing)
}

func (d *decision) term(p *problems, u policy.Unmet) {
	one := []policy.Unmet{u}
	grounds := d.Policy.Rules().GetCompensation().GetGrounds()
	switch {
	case slices.Contains(u.Missing, "claim.ground"), u.Because == policyv1.Because_BECAUSE_GATE && u.Gate.GetRule() == d.claim.GetGround():
		ids := make([]string, len(grounds))
		for i, g := range grounds {
			ids[i] = g.GetId()
		}
		f := closed(ReasonOutOfScope, one).WithFacts("ground", d.claim.GetGround(), "allowed", strings.Join(ids, ", "))
		p.fault(f)
	case slices.Contains(u.Missing, "claim.remedy"):
		p.add(fault.New(fault.Invalid, ReasonRemedyUnknown, "remedy", d.claim.GetRemedy()), "claim.remedy")
	case u.Because == policyv1.Because_BECAUSE_AMOUNT:
		f := closed(ReasonAmount, one)
		f.Kind = fault.Invalid
		p.fault(f)
	default:
		p.fault(closed(ReasonGate, one))
	}
}

// problems collects everything wrong with a request.
type problems struct {
	first *fault.Error
	all   []fault.Violation
	forms []string
}

func (p *problems) add(f *fault.Error, field string) {
	p.fault(f.WithViolations(fault.Violation{Field: field, Reason: f.Reason}))
}

func (p *problems) fault(f *fault.Error) {
	if p.first == nil {
		first := *f
		first.Violations = nil
		p.first = &first
	}
	p.all = append(p.all, f.Violations...)
}

func (p *problems) gate(unmet []policy.Unmet) {
	if f := closed(ReasonGate, unmet); f != nil {
		p.fault(f)
	}
}

// form tells whether something is wrong with the form.
func (p *problems) form(id string) bool { return slices.Contains(p.forms, id) }

func (p *problems) err() error {
	if p.first == nil {
		return nil
	}
	return p.first.WithViolations(p.all...)
}
