package domain

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
)

// Passing says where a case goes.
type Passing struct {
	// Departments, departments/{department}; none means those responsible.
	Departments []string
	// Note in words, sealed.
	Note string
	By   Person
	Pass Pass
}

// PassOn passes the case on to departments, which are responsible from then on. Where
// the pack asks for signatures on who is responsible, it goes to those only.
//
// Source: PACK-SKETCH 2.5 (PASS_ON); PROCEDURES P01 6.3.2, P14 4.4.
func (d *Decision) PassOn(in Passing, s *policy.Sheet) error {
	if err := d.open(); err != nil {
		return err
	}
	if err := d.gateOrPass(policyv1.Act_ACT_PASS_ON, in.By, s, in.Pass); err != nil {
		return err
	}
	to := in.Departments
	if len(to) == 0 {
		to = d.kase.GetDepartments()
	}
	if len(to) == 0 {
		return fault.New(fault.FailedPrecondition, ReasonDepartment, "missing", "departments")
	}
	if !slices.Equal(to, d.kase.GetDepartments()) {
		if err := d.signedFirst(s); err != nil {
			return err
		}
		d.assign(to, nil)
	}
	d.kase.Transfers = append(d.kase.Transfers, &routingv1.Transfer{
		Departments: slices.Clone(to), PassedBy: in.By.Name, PassTime: timestamppb.New(d.at), Note: in.Note,
	})
	d.because()
	d.tell(&routingv1.CasePassedOn{Departments: slices.Clone(to)})
	return nil
}

// signedFirst refuses to make departments responsible without the signatures that the
// pack asks for.
func (d *Decision) signedFirst(s *policy.Sheet) error {
	def, unmet := d.policy.ApprovalFor(policyv1.Subject_SUBJECT_ASSIGNMENT, s)
	if def != nil {
		unmet = []policy.Unmet{{
			Gate: d.rule(def.GetId()), Need: policy.NeedApproval, ID: def.GetId(), Because: policyv1.Because_BECAUSE_GATE,
			Missing: or(s.Unsigned[def.GetId()], def.GetId()),
		}}
	}
	return closed(unmet)
}

func or(list []string, instead string) []string {
	if len(list) == 0 {
		return []string{instead}
	}
	return list
}

// Taking says who takes a case over.
type Taking struct {
	// Department, departments/{department}; empty means all it was passed to.
	Department string
	// Note in words, sealed.
	Note string
	By   Person
}

// SignFor records that a department took the case over. A department signs once for
// each passing-on.
//
// Source: PACK-SKETCH 2.5 (SIGN_FOR); PROCEDURES P14 4.4.
func (d *Decision) SignFor(in Taking, s *policy.Sheet) error {
	if err := d.open(); err != nil {
		return err
	}
	if err := d.gate(policyv1.Act_ACT_SIGN_FOR, "", in.By, s); err != nil {
		return err
	}
	if len(d.kase.GetTransfers()) == 0 {
		return fault.New(fault.FailedPrecondition, ReasonNotPassedOn, "department", "-", "because", "ORDER")
	}
	last := d.kase.GetTransfers()[len(d.kase.GetTransfers())-1]
	if in.Department != "" && !slices.Contains(last.GetDepartments(), in.Department) {
		return fault.New(fault.FailedPrecondition, ReasonNotPassedOn, "department", in.Department, "because", "ORDER")
	}
	for _, r := range last.GetReceipts() {
		if r.GetDepartment() == "" || r.GetDepartment() == in.Department {
			return fault.New(fault.FailedPrecondition, ReasonSignedFor, "department", in.Department, "because", "STATE")
		}
	}
	last.Receipts = append(last.Receipts, &routingv1.Receipt{Department: in.Department, Person: in.By.Name, SignTime: timestamppb.New(d.at), Note: in.Note})
	d.because()
	d.tell(&routingv1.CaseSignedFor{Department: in.Department})
	return nil
}

// RecordContact records a contact with the customer under the name given.
//
// Source: PACK-SKETCH 2.5 (CONTACT); PROCEDURES P16 3–5.
func (d *Decision) RecordContact(name string, in *routingv1.Contact, by Person, s *policy.Sheet) error {
	if err := d.open(); err != nil {
		return err
	}
	if err := d.gate(policyv1.Act_ACT_CONTACT, "", by, s); err != nil {
		return err
	}
	d.kase.Contacts++
	c := proto.CloneOf(in)
	c.Name, c.Etag, c.Person, c.ContactTime, c.Number = name, "", by.Name, timestamppb.New(d.at), d.kase.GetContacts()
	d.because()
	d.tell(&routingv1.CaseUpdated{})
	d.emit(name, true, c, &routingv1.ContactRecorded{})
	return nil
}

// CompleteHandling records that the handling is complete, once in a round.
//
// Source: PACK-SKETCH 2.5 (COMPLETE); PROCEDURES P11 6.2, 6.3.
func (d *Decision) CompleteHandling(result string, by Person, s *policy.Sheet) error {
	if err := d.open(); err != nil {
		return err
	}
	if d.kase.GetHandleTime() != nil {
		return fault.New(fault.FailedPrecondition, ReasonHandled, "because", "STATE")
	}
	if err := d.gate(policyv1.Act_ACT_COMPLETE, "", by, s); err != nil {
		return err
	}
	d.kase.Result, d.kase.HandleTime = result, timestamppb.New(d.at)
	d.advance(routingv1.Case_STATE_COMPLETED)
	d.because()
	d.tell(&routingv1.HandlingCompleted{})
	return nil
}

// Intervene records that somebody stepped in over a department's head.
//
// Source: PACK-SKETCH 2.5 (INTERVENE); PROCEDURES P15 5.
func (d *Decision) Intervene(reason string, by Person, s *policy.Sheet) error {
	if err := d.open(); err != nil {
		return err
	}
	if err := d.gate(policyv1.Act_ACT_INTERVENE, "", by, s); err != nil {
		return err
	}
	d.kase.Interventions = append(d.kase.Interventions, &routingv1.Intervention{Person: by.Name, Reason: reason, InterveneTime: timestamppb.New(d.at)})
	d.because()
	d.tell(&routingv1.CaseIntervened{})
	return nil
}

// Escalate hands a decision up to a role of the pack, which then owes it.
//
// Source: PACK-SKETCH 2.5 (ESCALATE).
func (d *Decision) Escalate(to, reason string, by Person, s *policy.Sheet) error {
	if err := d.open(); err != nil {
		return err
	}
	if role, _, _ := strings.Cut(to, "@"); policy.ByID(d.policy.Rules().GetRoles(), role) == nil && !slices.Contains([]string{"head", "anyone", "department", "owner"}, role) {
		return fault.New(fault.Invalid, ReasonRole, "role", to, "because", "CHOICE").WithViolations(fault.Violation{Field: "to", Reason: ReasonRole})
	}
	if err := d.gate(policyv1.Act_ACT_ESCALATE, "", by, s); err != nil {
		return err
	}
	d.escalate(&routingv1.Escalation{To: to, Reason: reason, Person: by.Name}, "escalated_to_"+strings.ReplaceAll(to, "@", "_"))
	return nil
}

// escalate puts an escalation on file and opens the duty to decide: a decision handed
// to a role is a duty of that role.
func (d *Decision) escalate(e *routingv1.Escalation, step string) {
	e.EscalateTime = timestamppb.New(d.at)
	d.kase.Escalations = append(d.kase.Escalations, e)
	d.because(e.GetRule())
	d.tell(&routingv1.CaseEscalated{To: e.GetTo()})
	d.openStep(step, []string{e.GetTo()}, false, e.GetRule())
}

// TryCard records that a card was tried; only one that is shown can be.
//
// Source: PACK-SKETCH 2.2 (Card.after); PROCEDURES P08.
func (d *Decision) TryCard(card string, s *policy.Sheet) error {
	if err := d.open(); err != nil {
		return err
	}
	shown := d.policy.Cards(d.kase.GetStage(), s, d.kase.GetTriedCards())
	if !slices.ContainsFunc(shown, func(c policy.Card) bool { return c.Card.GetId() == card }) {
		return fault.New(fault.FailedPrecondition, ReasonCard, "card", card, "because", "CHOICE").
			WithViolations(fault.Violation{Field: "card", Reason: ReasonCard})
	}
	add(&d.kase.TriedCards, card)
	d.because(d.rule(card))
	d.tell(&routingv1.CardTried{Card: card})
	return nil
}
