package domain

import (
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/approval"
	"example.com/redress/services/kit/calendar"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/sheet"
)

// Person is who acts, as the directory knows them at that instant.
type Person = approval.Person

// Act is everything about an act besides what it acts on and what it says itself.
type Act struct {
	// Policy is the pack it falls under.
	Policy *policy.Policy
	// Sheet is what is known about the complaint and its case.
	Sheet *policy.Sheet
	// By acts.
	By Person
	// Now is when.
	Now time.Time
	// Person returns somebody else, as the directory knows them; nil knows nobody.
	Person func(name string) Person
	// Number returns the next number of a pattern of the pack, in the series of id;
	// nil gives none. It is called at most once for a form or kind.
	Number func(id, pattern string) (string, error)
	// Recused sign nothing: who is complained about, and who is above them.
	Recused []string
	// Warned is told of rules that warn of the act; nil tells nobody.
	Warned policy.Warned
}

// subject is what the person does the act to.
func (a Act) subject(id string) policy.Subject {
	return policy.Subject{ID: id, Is: a.is, Warned: a.Warned}
}

func (a Act) is(who string) bool {
	if a.By.Matches == nil {
		return false
	}
	ok, _ := a.By.Matches(who)
	return ok
}

func (a Act) number(id, pattern string) (string, error) {
	if pattern == "" || a.Number == nil {
		return "", nil
	}
	return a.Number(id, pattern)
}

// Event is one change of an action to store.
type Event struct {
	// State after the change, without etag.
	State *correctiveactionv1.Action
	// Change says what happened.
	Change proto.Message
	// Rules of the pack that led to it.
	Rules []*typev1.RuleRef
}

// Identity is what a new action is given.
type Identity struct {
	// Name and Number are the action's own; a kind that numbers its actions gives
	// another number.
	Name, Number string
	// Obligation it discharges; empty if none.
	Obligation string
	// PolicyKind is the kind of the pack that a plan or rule names; empty takes that of
	// the request, or the pack's only one of that kind of action.
	PolicyKind string
}

// decision is what is being made of an action.
type decision struct {
	Act
	action *correctiveactionv1.Action
	events []Event
}

func begin(a Act, c *correctiveactionv1.Action) *decision {
	return &decision{Act: a, action: proto.CloneOf(c)}
}

// tell adds an event with the action as it stands.
func (d *decision) tell(change proto.Message, rules ...*typev1.RuleRef) {
	d.action.Etag, d.action.UpdateTime = "", timestamppb.New(d.Now)
	e := Event{State: proto.CloneOf(d.action), Change: change}
	if d.action.GetRule() != nil {
		e.Rules = append(e.Rules, d.action.GetRule())
	}
	for _, r := range rules {
		if r != nil {
			e.Rules = append(e.Rules, r)
		}
	}
	d.events = append(d.events, e)
}

func (d *decision) sheet() *policy.Sheet {
	base := d.Sheet
	if base == nil {
		base = &policy.Sheet{}
	}
	return sheet.WithAction(base, d.action)
}

func (d *decision) kind() *policyv1.ActionKind {
	return policy.ByID(d.Policy.Rules().GetCorrectiveAction(), d.action.GetPolicyKind())
}

// gate refuses while a gate of the pack stands before the act.
func (d *decision) gate(act policyv1.Act, id string) error {
	return closed(d.Policy.Gate(act, d.subject(id), d.sheet()))
}

// asked returns the events so far unless what came last failed.
func (d *decision) asked(err error) ([]Event, error) {
	if err != nil {
		return nil, err
	}
	return d.events, nil
}

// Open returns a new action as a person opens it. It may be opened on a complaint
// that is closed: what is wrong at the root may show late. Where nothing is missing
// its approval is asked for at once.
//
// Faults: COMPLAINT_STATE, KIND_UNKNOWN, GATE_CLOSED, FORM_INCOMPLETE for what is filled
// wrongly (what is still blank may be filled until it is implemented), DUE_TIME_PASSED.
func Open(id Identity, on *intakev1.Complaint, in *correctiveactionv1.Action, a Act) ([]Event, error) {
	switch on.GetState() {
	case intakev1.Complaint_STATE_WITHDRAWN, intakev1.Complaint_STATE_ARCHIVED:
		return nil, fault.New(fault.FailedPrecondition, ReasonComplaintState, "state", word(on.GetState()), "wanted", "REGISTERED, VERIFIED, CLOSED", "name", on.GetName())
	}
	if id.PolicyKind == "" {
		id.PolicyKind = in.GetPolicyKind()
	}
	if id.PolicyKind != "" && policy.ByID(a.Policy.Rules().GetCorrectiveAction(), id.PolicyKind) == nil {
		return nil, fault.New(fault.Invalid, ReasonKindUnknown, "kind", id.PolicyKind).
			WithViolations(fault.Violation{Field: "action.policy_kind", Reason: ReasonKindUnknown})
	}
	d := begin(a, opened(id, on, in, a))
	if err := d.due(); err != nil {
		return nil, err
	}
	if err := d.gate(policyv1.Act_ACT_OPEN_ACTION, d.action.GetPolicyKind()); err != nil {
		return nil, err
	}
	if err := d.forms(false); err != nil {
		return nil, err
	}
	if err := d.opened(); err != nil {
		return nil, err
	}
	return d.events, nil
}

// Owe returns a new action that a handling plan or a rule of the pack asks for. It
// cannot be refused: whoever caused it was decided upon already. on is nil for one
// outside any complaint.
//
// Source: docs/architecture.md, obligations.
func Owe(id Identity, on *intakev1.Complaint, in *correctiveactionv1.Action, a Act) ([]Event, error) {
	d := begin(a, opened(id, on, in, a))
	if err := d.opened(); err != nil {
		return nil, err
	}
	return d.events, nil
}

// opened tells of a new action and, where nothing is missing, asks for its approval.
func (d *decision) opened() error {
	number, err := d.number(d.action.GetPolicyKind(), d.kind().GetNumber())
	if err != nil {
		return err
	}
	if number != "" {
		d.action.Number = number
	}
	filled, err := d.note()
	if err != nil {
		return err
	}
	d.tell(&correctiveactionv1.ActionOpened{})
	for _, form := range filled {
		d.tell(&correctiveactionv1.ActionFormFilled{Form: form}, d.Policy.Rule(form))
	}
	return d.ask(false)
}

func opened(id Identity, on *intakev1.Complaint, in *correctiveactionv1.Action, a Act) *correctiveactionv1.Action {
	c := &correctiveactionv1.Action{
		Name: id.Name, Number: id.Number, Obligation: id.Obligation, State: correctiveactionv1.Action_STATE_OPEN,
		Complaint: on.GetName(), CaseNumber: on.GetNumber(), Subject: on.GetSubject(), PolicyRevision: on.GetPolicyRevision(),
		Kind: in.GetKind(), Description: in.GetDescription(), Department: in.GetDepartment(), Owner: in.GetOwner(),
		DueTime: in.GetDueTime(), Facts: in.GetFacts(), Creator: a.By.Name, CreateTime: timestamppb.New(a.Now),
	}
	if c.GetPolicyRevision() == "" {
		c.PolicyRevision = in.GetPolicyRevision()
	}
	if c.GetKind() == correctiveactionv1.Action_KIND_UNSPECIFIED {
		c.Kind = correctiveactionv1.Action_KIND_CORRECTIVE
	}
	def := policy.ByID(a.Policy.Rules().GetCorrectiveAction(), id.PolicyKind)
	if def == nil {
		def = only(a.Policy, c.GetKind())
	} else if k, ok := correctiveactionv1.Action_Kind_value["KIND_"+word(def.GetKind())]; ok {
		c.Kind = correctiveactionv1.Action_Kind(k)
	}
	c.PolicyKind, c.Rule = def.GetId(), proto.CloneOf(a.Policy.Rule(def.GetId()))
	c.References, c.BlocksClose = slices.Clone(def.GetRefersTo()), def.GetBlocksClose()
	if c.GetDueTime() == nil {
		c.DueTime = until(a.Policy, def, c.GetFacts())
	}
	return proto.CloneOf(c)
}

// due refuses a date that has passed already.
func (d *decision) due() error {
	due := d.action.GetDueTime()
	if due == nil || due.AsTime().After(d.Now) {
		return nil
	}
	return fault.New(fault.Invalid, ReasonDue, "due", due.AsTime().Format(time.RFC3339), "now", d.Now.UTC().Format(time.RFC3339)).
		WithViolations(fault.Violation{Field: "action.due_time", Reason: ReasonDue})
}

// only returns the pack's one kind for that kind of action, nil if it has none or several.
func only(p *policy.Policy, kind correctiveactionv1.Action_Kind) *policyv1.ActionKind {
	var found *policyv1.ActionKind
	for _, k := range p.Rules().GetCorrectiveAction() {
		if word(k.GetKind()) != word(kind) {
			continue
		}
		if found != nil {
			return nil
		}
		found = k
	}
	return found
}

// until returns when the action is due by the fact its kind names: an instant, or the
// last second of a date. Source: PACK-SKETCH 2.2 (ActionKind.until); PROCEDURES K3.
func until(p *policy.Policy, def *policyv1.ActionKind, facts map[string]*typev1.Fact) *timestamppb.Timestamp {
	switch x := facts[def.GetUntil()].GetValue().(type) {
	case *typev1.Fact_Instant:
		return x.Instant
	case *typev1.Fact_Date:
		if day, err := calendar.ParseDate(x.Date); err == nil {
			return timestamppb.New(p.Calendar().End(day))
		}
	}
	return nil
}

// Amend changes what an open action says; empty fields stay. What was approved and has
// changed is put to its signatories anew.
//
// Faults: ACTION_STATE, DUE_TIME_PASSED.
func Amend(c, in *correctiveactionv1.Action, a Act) ([]Event, error) {
	if err := expect(c, correctiveactionv1.Action_STATE_OPEN); err != nil {
		return nil, err
	}
	d := begin(a, c)
	for field, value := range map[*string]string{&d.action.Description: in.GetDescription(), &d.action.Department: in.GetDepartment(), &d.action.Owner: in.GetOwner()} {
		if value != "" {
			*field = value
		}
	}
	if in.GetDueTime() != nil {
		d.action.DueTime = in.GetDueTime()
		if err := d.due(); err != nil {
			return nil, err
		}
	}
	d.tell(&correctiveactionv1.ActionAmended{})
	return d.asked(d.ask(false))
}

// Implement records that the action was carried out, with what its forms still lacked.
//
// Faults: ACTION_STATE, FORM_INCOMPLETE, GATE_CLOSED, also where its approval is not
// granted.
func Implement(c *correctiveactionv1.Action, note string, facts map[string]*typev1.Fact, a Act) ([]Event, error) {
	if err := expect(c, correctiveactionv1.Action_STATE_OPEN); err != nil {
		return nil, err
	}
	d := begin(a, c)
	d.merge(facts)
	s := d.sheet()
	unmet := d.Policy.Gate(policyv1.Act_ACT_IMPLEMENT, d.subject(c.GetPolicyKind()), s)
	def, waits := d.chainFor(s)
	unmet = append(unmet, waits...)
	if def != nil && !d.granted(def) && !slices.ContainsFunc(unmet, func(u policy.Unmet) bool { return u.Need == policy.NeedApproval && u.ID == def.GetId() }) {
		rule := d.action.GetRule()
		if rule == nil {
			rule = d.Policy.Rule(def.GetId())
		}
		unmet = append(unmet, policy.Unmet{Gate: rule, Need: policy.NeedApproval, ID: def.GetId(), Because: policyv1.Because_BECAUSE_GATE, Missing: []string{def.GetId()}})
	}
	if f := closed(unmet); f != nil {
		return nil, f
	}
	if err := d.forms(true); err != nil {
		return nil, err
	}
	filled, err := d.note()
	if err != nil {
		return nil, err
	}
	for _, form := range filled {
		d.tell(&correctiveactionv1.ActionFormFilled{Form: form}, d.Policy.Rule(form))
	}
	d.action.State = correctiveactionv1.Action_STATE_IMPLEMENTED
	d.action.Implementation = &correctiveactionv1.Implementation{Principal: a.By.Name, ImplementTime: timestamppb.New(a.Now), Note: note}
	d.tell(&correctiveactionv1.ActionImplemented{})
	return d.events, nil
}

// Verify records whether the action was effective. If not it is owed again, and who
// carries it out then may be somebody else.
//
// Faults: ACTION_STATE, VERIFY_OWN, VERIFIER_ROLE, GATE_CLOSED.
//
// Source: PROCEDURES P01 6.6.4, K12 (a designee counts as the role, with the
// designation on file).
func Verify(c *correctiveactionv1.Action, effective bool, note string, a Act) ([]Event, error) {
	if err := expect(c, correctiveactionv1.Action_STATE_IMPLEMENTED); err != nil {
		return nil, err
	}
	d := begin(a, c)
	rule := a.Policy.Rule(c.GetPolicyKind())
	if a.By.Name == c.GetImplementation().GetPrincipal() {
		return nil, fault.New(fault.FailedPrecondition, ReasonVerifyOwn, "because", "AUTHORITY", "person", a.By.Name).With(rule)
	}
	behalf := ""
	if who := d.kind().GetVerifiedBy(); who != "" {
		ok := false
		if a.By.Matches != nil {
			ok, behalf = a.By.Matches(who)
		}
		switch {
		case !ok:
			return nil, fault.New(fault.FailedPrecondition, ReasonVerifierRole, "because", "ROLE", "who", who).With(rule).
				WithViolations(fault.Violation{Field: who, Reason: "WHO"})
		case behalf == c.GetImplementation().GetPrincipal():
			return nil, fault.New(fault.FailedPrecondition, ReasonVerifyOwn, "because", "AUTHORITY", "person", behalf).With(rule)
		}
	}
	if err := d.gate(policyv1.Act_ACT_VERIFY_ACTION, c.GetPolicyKind()); err != nil {
		return nil, err
	}
	d.action.Verifications = append(d.action.Verifications, &correctiveactionv1.ActionVerification{
		Principal: a.By.Name, OnBehalfOf: behalf, VerifyTime: timestamppb.New(a.Now), Effective: effective, Note: note,
	})
	d.action.State = correctiveactionv1.Action_STATE_VERIFIED
	if !effective {
		d.action.State, d.action.Implementation = correctiveactionv1.Action_STATE_OPEN, nil
	}
	d.tell(&correctiveactionv1.ActionVerified{})
	return d.events, nil
}

// Close puts a verified action on file. Faults: ACTION_STATE.
func Close(c *correctiveactionv1.Action, a Act) ([]Event, error) {
	if err := expect(c, correctiveactionv1.Action_STATE_VERIFIED); err != nil {
		return nil, err
	}
	d := begin(a, c)
	d.action.State, d.action.CloseTime = correctiveactionv1.Action_STATE_CLOSED, timestamppb.New(a.Now)
	d.tell(&correctiveactionv1.ActionClosed{})
	return d.events, nil
}

// Cancel ends an action that is no longer owed. Faults: ACTION_STATE.
func Cancel(c *correctiveactionv1.Action, reason string, a Act) ([]Event, error) {
	if err := expect(c, correctiveactionv1.Action_STATE_OPEN); err != nil {
		return nil, err
	}
	d := begin(a, c)
	d.action.State, d.action.CancelReason = correctiveactionv1.Action_STATE_CANCELLED, reason
	if next, err := approval.Void(d.action.GetApproval(), a.Now); d.action.GetApproval() != nil && err == nil {
		d.action.Approval = next
	}
	d.tell(&correctiveactionv1.ActionCancelled{})
	return d.events, nil
}

func expect(c *correctiveactionv1.Action, state correctiveactionv1.Action_State) error {
	if c.GetState() == state {
		return nil
	}
	return fault.New(fault.FailedPrecondition, ReasonActionState, "because", "STATE", "state", word(c.GetState()), "wanted", word(state), "name", c.GetName())
}

// closed turns unmet needs into a refusal, nil if nothing is unmet.
func closed(unmet []policy.Unmet) error {
	r := policy.Refusal(unmet)
	if r == nil {
		return nil
	}
	f := fault.New(fault.FailedPrecondition, ReasonGate).With(r.Rule).WithViolations(r.Violations...)
	for key, value := range r.Facts {
		f = f.WithFacts(key, value)
	}
	return f.WithFacts("clause", r.Rule.GetClause())
}

// word returns an enum value as people write it: STATE_OPEN is OPEN, ACTION_TYPE_CORRECTIVE CORRECTIVE.
func word(e protoreflect.Enum) string {
	v := e.Descriptor().Values().ByNumber(e.Number())
	if v == nil {
		return ""
	}
	name := string(v.Name())
	for _, prefix := range []string{"ACTION_TYPE_", "STATE_", "KIND_", "DECISION_"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			return rest
		}
	}
	return name
}
