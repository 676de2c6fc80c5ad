package domain

import (
	"maps"
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

// Act is everything about an act besides the action and what the act itself says.
type Act struct {
	// Policy is the pack the action falls under.
	Policy *policy.Policy
	// Sheet is what is known about the complaint and its case.
	Sheet *policy.Sheet
	// By acts.
	By Person
	// Now is when.
	Now time.Time
}

func (a Act) is(who string) bool {
	if a.By.Matches == nil {
		return false
	}
	ok, _ := a.By.Matches(who)
	return ok
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
	// Name and Number are the action's own.
	Name, Number string
	// Obligation it discharges; empty if none.
	Obligation string
	// PolicyKind is the kind of the pack that a plan or rule names; empty takes the
	// pack's only one of that kind of action.
	PolicyKind string
}

// Open returns a new action as a person opens it. It may be opened on a complaint
// that is closed: what is wrong at the root may show late.
//
// Faults: COMPLAINT_STATE, GATE_CLOSED, FORM_INCOMPLETE for what is filled wrongly (what
// is still blank may be filled until it is implemented), DUE_TIME_PASSED.
func Open(id Identity, on *intakev1.Complaint, in *correctiveactionv1.Action, a Act) (Event, error) {
	switch on.GetState() {
	case intakev1.Complaint_STATE_WITHDRAWN, intakev1.Complaint_STATE_ARCHIVED:
		return Event{}, fault.New(fault.FailedPrecondition, ReasonComplaintState, "state", word(on.GetState()), "wanted", "REGISTERED, VERIFIED, CLOSED", "name", on.GetName())
	}
	c := opened(id, on, in, a)
	if due := c.GetDueTime(); due != nil && !due.AsTime().After(a.Now) {
		return Event{}, fault.New(fault.Invalid, ReasonDue, "due", due.AsTime().Format(time.RFC3339), "now", a.Now.UTC().Format(time.RFC3339)).
			WithViolations(fault.Violation{Field: "action.due_time", Reason: ReasonDue})
	}
	s := sheetOf(a, c)
	if f := closed(a.Policy.Gate(policyv1.Act_ACT_OPEN_ACTION, policy.Subject{ID: c.GetPolicyKind(), Is: a.is}, s)); f != nil {
		return Event{}, f
	}
	if err := forms(c, a, s, false); err != nil {
		return Event{}, err
	}
	return event(c, &correctiveactionv1.ActionOpened{}, a), nil
}

// Owe returns a new action that a handling plan or a rule of the pack asks for. It
// cannot be refused: whoever caused it was decided upon already.
//
// Source: docs/architecture.md, obligations.
func Owe(id Identity, on *intakev1.Complaint, in *correctiveactionv1.Action, a Act) Event {
	return event(opened(id, on, in, a), &correctiveactionv1.ActionOpened{}, a)
}

func opened(id Identity, on *intakev1.Complaint, in *correctiveactionv1.Action, a Act) *correctiveactionv1.Action {
	c := &correctiveactionv1.Action{
		Name: id.Name, Number: id.Number, Obligation: id.Obligation, State: correctiveactionv1.Action_STATE_OPEN,
		Complaint: on.GetName(), CaseNumber: on.GetNumber(), Subject: on.GetSubject(), PolicyRevision: on.GetPolicyRevision(),
		Kind: in.GetKind(), Description: in.GetDescription(), Department: in.GetDepartment(), Owner: in.GetOwner(),
		DueTime: in.GetDueTime(), Facts: in.GetFacts(), Creator: a.By.Name, CreateTime: timestamppb.New(a.Now),
	}
	if c.GetKind() == correctiveactionv1.Action_KIND_UNSPECIFIED {
		c.Kind = correctiveactionv1.Action_KIND_CORRECTIVE
	}
	def := find(a.Policy.Rules().GetCorrectiveAction(), id.PolicyKind)
	if def == nil {
		def = only(a.Policy, c.GetKind())
	} else if k, ok := correctiveactionv1.Action_Kind_value["KIND_"+word(def.GetKind())]; ok {
		c.Kind = correctiveactionv1.Action_Kind(k)
	}
	c.PolicyKind, c.Rule = def.GetId(), proto.CloneOf(a.Policy.Rule(def.GetId()))
	if c.GetDueTime() == nil {
		c.DueTime = until(a.Policy, def, c.GetFacts())
	}
	return proto.CloneOf(c)
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

// Implement records that the action was carried out, with what its forms still lacked.
//
// Faults: ACTION_STATE, FORM_INCOMPLETE, GATE_CLOSED: also where the pack asks for an
// approval of the action, which this release cannot give.
func Implement(c *correctiveactionv1.Action, note string, facts map[string]*typev1.Fact, a Act) (Event, error) {
	if err := expect(c, correctiveactionv1.Action_STATE_OPEN); err != nil {
		return Event{}, err
	}
	next := proto.CloneOf(c)
	if len(facts) > 0 {
		if next.Facts == nil {
			next.Facts = map[string]*typev1.Fact{}
		}
		maps.Copy(next.Facts, facts)
	}
	s := sheetOf(a, next)
	unmet := a.Policy.Gate(policyv1.Act_ACT_IMPLEMENT, policy.Subject{ID: c.GetPolicyKind(), Is: a.is}, s)
	def := find(a.Policy.Rules().GetCorrectiveAction(), c.GetPolicyKind())
	if id := def.GetApproval(); id != "" && next.GetApproval().GetState() != typev1.Approval_STATE_GRANTED {
		unmet = append(unmet, policy.Unmet{Gate: a.Policy.Rule(c.GetPolicyKind()), Need: policy.NeedApproval, ID: id, Because: policyv1.Because_BECAUSE_GATE, Missing: []string{id}})
	}
	if f := closed(unmet); f != nil {
		return Event{}, f
	}
	if err := forms(next, a, s, true); err != nil {
		return Event{}, err
	}
	next.State = correctiveactionv1.Action_STATE_IMPLEMENTED
	next.Implementation = &correctiveactionv1.Implementation{Principal: a.By.Name, ImplementTime: timestamppb.New(a.Now), Note: note}
	return event(next, &correctiveactionv1.ActionImplemented{}, a), nil
}

// Verify records whether the action was effective. If not it is owed again, and who
// carries it out then may be somebody else.
//
// Faults: ACTION_STATE, VERIFY_OWN, VERIFIER_ROLE, GATE_CLOSED.
//
// Source: PROCEDURES P01 6.6.4, K12 (a designee counts as the role).
func Verify(c *correctiveactionv1.Action, effective bool, note string, a Act) (Event, error) {
	if err := expect(c, correctiveactionv1.Action_STATE_IMPLEMENTED); err != nil {
		return Event{}, err
	}
	rule := a.Policy.Rule(c.GetPolicyKind())
	if a.By.Name == c.GetImplementation().GetPrincipal() {
		return Event{}, fault.New(fault.FailedPrecondition, ReasonVerifyOwn, "person", a.By.Name).With(rule)
	}
	if who := find(a.Policy.Rules().GetCorrectiveAction(), c.GetPolicyKind()).GetVerifiedBy(); who != "" {
		ok, behalf := false, ""
		if a.By.Matches != nil {
			ok, behalf = a.By.Matches(who)
		}
		switch {
		case !ok:
			return Event{}, fault.New(fault.FailedPrecondition, ReasonVerifierRole, "who", who).With(rule).
				WithViolations(fault.Violation{Field: who, Reason: "WHO"})
		case behalf == c.GetImplementation().GetPrincipal():
			return Event{}, fault.New(fault.FailedPrecondition, ReasonVerifyOwn, "person", behalf).With(rule)
		}
	}
	if f := closed(a.Policy.Gate(policyv1.Act_ACT_VERIFY_ACTION, policy.Subject{ID: c.GetPolicyKind(), Is: a.is}, sheetOf(a, c))); f != nil {
		return Event{}, f
	}
	next := proto.CloneOf(c)
	next.Verifications = append(next.Verifications, &correctiveactionv1.ActionVerification{
		Principal: a.By.Name, VerifyTime: timestamppb.New(a.Now), Effective: effective, Note: note,
	})
	next.State = correctiveactionv1.Action_STATE_VERIFIED
	if !effective {
		next.State, next.Implementation = correctiveactionv1.Action_STATE_OPEN, nil
	}
	return event(next, &correctiveactionv1.ActionVerified{}, a), nil
}

// Close puts a verified action on file. Faults: ACTION_STATE.
func Close(c *correctiveactionv1.Action, a Act) (Event, error) {
	if err := expect(c, correctiveactionv1.Action_STATE_VERIFIED); err != nil {
		return Event{}, err
	}
	next := proto.CloneOf(c)
	next.State, next.CloseTime = correctiveactionv1.Action_STATE_CLOSED, timestamppb.New(a.Now)
	return event(next, &correctiveactionv1.ActionClosed{}, a), nil
}

// event completes the state and says what happened.
func event(next *correctiveactionv1.Action, change proto.Message, a Act) Event {
	next.Etag, next.UpdateTime = "", timestamppb.New(a.Now)
	e := Event{State: next, Change: change}
	if next.GetRule() != nil {
		e.Rules = append(e.Rules, next.GetRule())
	}
	return e
}

func sheetOf(a Act, c *correctiveactionv1.Action) *policy.Sheet {
	base := a.Sheet
	if base == nil {
		base = &policy.Sheet{}
	}
	return sheet.WithAction(base, c)
}

// forms checks the forms the action consists of, or, where the pack has no kind for it,
// every form about actions that it fills. Before it is implemented a blank is no fault.
func forms(c *correctiveactionv1.Action, a Act, s *policy.Sheet, complete bool) error {
	def := find(a.Policy.Rules().GetCorrectiveAction(), c.GetPolicyKind())
	known := map[string]bool{}
	var wrong []fault.Violation
	first := ""
	for _, form := range a.Policy.Rules().GetForms() {
		if form.GetAbout() != policyv1.About_ABOUT_ACTION {
			continue
		}
		own := map[string]*typev1.Fact{}
		for _, field := range form.GetFields() {
			known[field.GetId()] = true
			if f := c.GetFacts()[field.GetId()]; f != nil {
				own[field.GetId()] = f
			}
		}
		needed := slices.Contains(def.GetForms(), form.GetId())
		if len(own) == 0 && (!needed || !complete) {
			continue
		}
		found := a.Policy.CheckForm(form.GetId(), own, s)
		if !complete {
			found = slices.DeleteFunc(found, func(v fault.Violation) bool {
				return v.Reason == policy.FieldRequired || v.Reason == policy.FormUndecided
			})
		}
		if len(found) > 0 && first == "" {
			first = form.GetId()
		}
		wrong = append(wrong, found...)
	}
	for _, id := range slices.Sorted(maps.Keys(c.GetFacts())) {
		if !known[id] {
			wrong = append(wrong, fault.Violation{Field: "facts." + id, Reason: policy.FieldUnknown})
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	if first == "" {
		first = "action"
	}
	return fault.New(fault.Invalid, ReasonForm, "form", first).With(a.Policy.Rule(first)).WithViolations(wrong...)
}

func expect(c *correctiveactionv1.Action, state correctiveactionv1.Action_State) error {
	if c.GetState() == state {
		return nil
	}
	return fault.New(fault.FailedPrecondition, ReasonActionState, "state", word(c.GetState()), "wanted", word(state), "name", c.GetName())
}

// closed turns unmet needs into a refusal, nil if all of them only warn.
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
	for _, prefix := range []string{"ACTION_TYPE_", "STATE_", "KIND_"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			return rest
		}
	}
	return name
}

// find returns the rule of that id, or nil.
func find[T any, P interface {
	*T
	GetId() string
}](items []P, id string) P {
	for _, i := range items {
		if id != "" && i.GetId() == id {
			return i
		}
	}
	return nil
}
