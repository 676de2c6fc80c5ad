package domain

import (
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/approval"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/sheet"
)

// PenaltyEvent is one change of a penalty to store.
type PenaltyEvent struct {
	State  *correctiveactionv1.Penalty
	Change proto.Message
	Rules  []*typev1.RuleRef
}

// penalty is what is being made of a penalty notice.
type penalty struct {
	Act
	p      *correctiveactionv1.Penalty
	events []PenaltyEvent
}

func (d *penalty) tell(change proto.Message, rules ...*typev1.RuleRef) {
	d.p.Etag, d.p.UpdateTime = "", timestamppb.New(d.Now)
	d.events = append(d.events, PenaltyEvent{State: proto.CloneOf(d.p), Change: change, Rules: slices.DeleteFunc(rules, func(r *typev1.RuleRef) bool { return r == nil })})
}

func (d *penalty) sheet() *policy.Sheet {
	base := d.Sheet
	if base == nil {
		base = &policy.Sheet{}
	}
	return sheet.WithPenalty(base, d.p)
}

// Raise puts a penalty notice forward: its form is complete, and its chain of
// signatures opens. Where the pack asks for none it is in force at once. on is nil for
// one outside any complaint.
//
// Faults: FORM_UNKNOWN, GATE_CLOSED (also for somebody the form does not name),
// FORM_INCOMPLETE, and those of approval.Open.
//
// Source: PROCEDURES P24 form 1; P25 form 2.
func Raise(name, revision string, on *intakev1.Complaint, in *correctiveactionv1.Penalty, a Act) ([]PenaltyEvent, error) {
	def := policy.ByID(a.Policy.Rules().GetForms(), in.GetForm())
	if def.GetAbout() != policyv1.About_ABOUT_PENALTY {
		return nil, fault.New(fault.Invalid, ReasonFormUnknown, "form", in.GetForm()).WithViolations(fault.Violation{Field: "penalty.form", Reason: ReasonFormUnknown})
	}
	d := &penalty{Act: a, p: &correctiveactionv1.Penalty{
		Name: name, Complaint: on.GetName(), CaseNumber: on.GetNumber(), Subject: on.GetSubject(), Form: in.GetForm(), Facts: proto.CloneOf(in).GetFacts(),
		State: correctiveactionv1.Penalty_STATE_OPEN, Rule: proto.CloneOf(a.Policy.Rule(in.GetForm())), Creator: a.By.Name,
		CreateTime: timestamppb.New(a.Now), PolicyRevision: revision,
	}}
	s := d.sheet()
	unmet := a.Policy.Gate(policyv1.Act_ACT_FILL, a.subject(in.GetForm()), s)
	unmet = append(unmet, a.Policy.Gate(policyv1.Act_ACT_PENALISE, a.subject(""), s)...)
	chain, waits := chainOf(a.Policy, policyv1.Subject_SUBJECT_PENALTY, s)
	unmet = append(unmet, waits...)
	if chain != nil {
		unmet = append(unmet, a.Policy.Gate(policyv1.Act_ACT_ASK, a.subject(chain.GetId()), s)...)
	}
	if wrong := a.Policy.CheckForm(in.GetForm(), d.p.GetFacts(), s, a.Warned); len(wrong) > 0 {
		return nil, fault.New(fault.Invalid, ReasonForm, "form", in.GetForm()).With(a.Policy.Rule(in.GetForm())).WithViolations(wrong...)
	}
	if err := closed(unmet); err != nil {
		return nil, err
	}
	number, err := a.number(def.GetId(), def.GetNumber())
	if err != nil {
		return nil, err
	}
	d.p.Number = number
	if chain == nil {
		d.tell(&correctiveactionv1.PenaltyRaised{}, d.p.GetRule())
		d.force()
		return d.events, nil
	}
	if d.p.Approval, err = approval.Open(chain, approval.Request{
		AskedBy: a.By.Name, MayAsk: a.is, Digest: sealPenalty(d.p), Time: a.Now, Revision: revision, Pack: a.Policy.Rules().GetPack(), Applies: applies(a.Policy, s),
	}); err != nil {
		return nil, err
	}
	d.tell(&correctiveactionv1.PenaltyRaised{}, d.p.GetRule(), d.p.GetApproval().GetRule())
	return d.events, nil
}

func (d *penalty) force() {
	d.p.State, d.p.EffectTime = correctiveactionv1.Penalty_STATE_IN_FORCE, timestamppb.New(d.Now)
	d.tell(&correctiveactionv1.PenaltyApproved{}, d.p.GetRule(), d.p.GetApproval().GetRule())
}

func sealPenalty(p *correctiveactionv1.Penalty) string {
	// Marshalling a message of our own cannot fail but for invalid UTF-8, which no request passes.
	body, _ := proto.MarshalOptions{Deterministic: true}.Marshal(&correctiveactionv1.Penalty{Form: p.GetForm(), Facts: p.GetFacts(), Complaint: p.GetComplaint()})
	return approval.Digest("penalty", p.GetName(), string(body))
}

// SignPenalty records what a signatory does. Faults: NO_APPROVAL and those of
// approval.Sign.
//
// Source: PROCEDURES P24 (the person penalised signs; if not, a witness).
func SignPenalty(p *correctiveactionv1.Penalty, in Signature, a Act) ([]PenaltyEvent, error) {
	if p.GetApproval() == nil {
		return nil, fault.New(fault.FailedPrecondition, ReasonNoApproval, "name", p.GetName())
	}
	d := &penalty{Act: a, p: proto.CloneOf(p)}
	next, err := sign(p.GetApproval(), nil, in, a, d.sheet())
	if err != nil {
		return nil, err
	}
	d.p.Approval = next
	d.tell(&correctiveactionv1.PenaltySigned{Step: placeOf(p.GetApproval(), next, a.By.Name), Decision: in.Decision, ByTelephone: in.Telephone}, next.GetRule())
	switch next.GetState() {
	case typev1.Approval_STATE_GRANTED:
		if p.GetState() == correctiveactionv1.Penalty_STATE_OPEN {
			d.force()
		}
	case typev1.Approval_STATE_REFUSED:
		d.p.State = correctiveactionv1.Penalty_STATE_REFUSED
		d.tell(&correctiveactionv1.PenaltyRefused{}, next.GetRule())
	case typev1.Approval_STATE_WITHDRAWN, typev1.Approval_STATE_RETURNED, typev1.Approval_STATE_VOID:
		d.p.State = correctiveactionv1.Penalty_STATE_WITHDRAWN
		d.tell(&correctiveactionv1.PenaltyWithdrawn{}, next.GetRule())
	}
	return d.events, nil
}

// MarkPenalty puts a mark of the pack on a penalty; nil if it carries it already.
func MarkPenalty(p *correctiveactionv1.Penalty, mark string, a Act) *PenaltyEvent {
	if slices.Contains(p.GetMarks(), mark) {
		return nil
	}
	d := &penalty{Act: a, p: proto.CloneOf(p)}
	d.p.Marks = append(d.p.GetMarks(), mark)
	d.tell(&correctiveactionv1.PenaltyMarked{Mark: mark})
	return &d.events[0]
}

// Booked notes the entries that follow from a penalty.
func Booked(p *correctiveactionv1.Penalty, entries []string, a Act) PenaltyEvent {
	d := &penalty{Act: a, p: proto.CloneOf(p)}
	d.p.Entries = append(d.p.GetEntries(), entries...)
	d.tell(&correctiveactionv1.PenaltyBooked{})
	return d.events[0]
}
