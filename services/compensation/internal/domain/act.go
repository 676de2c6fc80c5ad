package domain

import (
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/approval"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/sheet"
)

// Person is who acts, as the directory knows them at that instant.
type Person = approval.Person

// Act is everything about an act besides the claim and what the act itself says.
type Act struct {
	// Policy is the pack the claim falls under.
	Policy *policy.Policy
	// Sheet is what is known about the complaint and its case.
	Sheet *policy.Sheet
	// By acts.
	By Person
	// Now is when.
	Now time.Time
	// Documents are the papers on file.
	Documents []policy.Document
	// Sums finds what was put forward before, for approvals that add up; nil adds nothing.
	Sums Sums
	// Recused sign nothing: who is complained about, and who is above them.
	Recused []string
	// Warned is told of rules that warn of the act; nil tells nobody.
	Warned policy.Warned
}

// subject is what the person does the act to.
func (a Act) subject(id string) policy.Subject {
	return policy.Subject{ID: id, Is: a.is, Warned: a.Warned}
}

// Resource is what this service decides on: a claim, goods or an allocation.
type Resource interface {
	proto.Message
	GetName() string
}

// EventOf is one change of a resource to store: what it is afterwards and what happened.
type EventOf[R Resource] struct {
	// State after the change, without etag.
	State R
	// Change says what happened.
	Change proto.Message
	// Rules of the pack that led to it.
	Rules []*typev1.RuleRef
}

// Event is one change of a claim.
type Event = EventOf[*compensationv1.Claim]

// quoted returns the rules given, without those that are nil or given twice.
func quoted(rules []*typev1.RuleRef) []*typev1.RuleRef {
	var out []*typev1.RuleRef
	for _, r := range rules {
		if r != nil && !slices.ContainsFunc(out, func(o *typev1.RuleRef) bool { return o.GetRule() == r.GetRule() }) {
			out = append(out, r)
		}
	}
	return out
}

// is tells whether the person is meant by a who of the pack.
func (a Act) is(who string) bool {
	if a.By.Matches == nil {
		return false
	}
	ok, _ := a.By.Matches(who)
	return ok
}

// decision collects the events of one act on a claim.
type decision struct {
	Act

	claim  *compensationv1.Claim
	events []Event
}

func begin(a Act, c *compensationv1.Claim) *decision {
	d := &decision{Act: a, claim: proto.CloneOf(c)}
	d.claim.Etag = ""
	return d
}

// tell adds an event of the claim as it stands.
func (d *decision) tell(change proto.Message, rules ...*typev1.RuleRef) {
	d.claim.UpdateTime = timestamppb.New(d.Now)
	d.events = append(d.events, Event{State: proto.CloneOf(d.claim), Change: change, Rules: quoted(rules)})
}

// sheet is what conditions see of the claim: its facts and signatures, the forms it
// fills, the refusal recorded with it, and the signatures its chain lacks.
//
// Steps by which a refusal is recorded count as done by what stands in the claim
// itself, never by what the case says: a gate before money looks at its own
// state only. Source: DESIGN section 4.
func (d *decision) sheet() *policy.Sheet {
	base := policy.Sheet{}
	if d.Sheet != nil {
		base = *d.Sheet
	}
	s := sheet.WithClaim(&base, d.claim)
	s.Done = slices.Clone(s.Done)
	s.Filled = slices.Clone(s.Filled)
	steps := refusalSteps(d.Policy)
	s.Done = slices.DeleteFunc(s.Done, func(id string) bool { return slices.Contains(steps, id) })
	if refusal := d.claim.GetRefusal(); refusal != nil {
		s.Done = append(s.Done, steps...)
		for _, id := range steps {
			if form := findStep(d.Policy, id).GetForm(); form != "" {
				s.Filled = append(s.Filled, form)
				s = sheet.WithFacts(s, d.refusalFacts(form, refusal))
			}
		}
	}
	if a := d.claim.GetApproval(); a != nil && a.GetState() != typev1.Approval_STATE_GRANTED {
		unsigned := map[string][]string{a.GetId(): approval.Missing(a)}
		for id, missing := range base.Unsigned {
			if id != a.GetId() {
				unsigned[id] = missing
			}
		}
		s.Unsigned = unsigned
	}
	return s
}

// expect refuses a claim that is in none of the states.
func expect(c *compensationv1.Claim, states ...compensationv1.Claim_State) error {
	if c.GetState() == compensationv1.Claim_STATE_HELD {
		return Held(c.GetHold().GetReason())
	}
	if slices.Contains(states, c.GetState()) {
		return nil
	}
	wanted := make([]string, len(states))
	for i, s := range states {
		wanted[i] = word(s)
	}
	return fault.New(fault.FailedPrecondition, ReasonClaimState, "state", word(c.GetState()), "wanted", strings.Join(wanted, ", "), "name", c.GetName())
}

// Held is the refusal of everything while claims are held.
func Held(reason string) error {
	return fault.New(fault.FailedPrecondition, ReasonHeld, "reason", reason)
}

// initiator refuses whoever the pack does not let ask for compensation.
//
// Source: PROCEDURES P02 3.1 (the only initiator).
func (d *decision) initiator() error {
	who := d.Policy.Rules().GetCompensation().GetInitiators()
	if len(who) == 0 || slices.ContainsFunc(who, d.is) {
		return nil
	}
	return notInitiator(who, d.Policy.Rule(claimRule(d.Policy)))
}

func notInitiator(who []string, rule *typev1.RuleRef) error {
	violations := make([]fault.Violation, len(who))
	for i, w := range who {
		violations[i] = fault.Violation{Field: w, Reason: "WHO"}
	}
	return fault.New(fault.FailedPrecondition, ReasonInitiator, "who", strings.Join(who, ", ")).With(rule).WithViolations(violations...)
}

// claimRule returns the approval of claims for want of a rule of the initiators' own:
// it names the clause under which claims are asked for.
func claimRule(p *policy.Policy) string {
	for _, a := range p.Rules().GetApprovals() {
		if a.GetOf() == policyv1.Subject_SUBJECT_CLAIM {
			return a.GetId()
		}
	}
	return ""
}

// closed turns unmet needs into a refusal with the reason, nil if nothing is unmet.
func closed(reason string, unmet []policy.Unmet) *fault.Error {
	r := policy.Refusal(unmet)
	if r == nil {
		return nil
	}
	f := fault.New(fault.FailedPrecondition, reason).With(r.Rule).WithViolations(r.Violations...)
	for key, value := range r.Facts {
		f = f.WithFacts(key, value)
	}
	return f.WithFacts("clause", r.Rule.GetClause())
}

// word returns an enum value as people write it: STATE_PAID is PAID.
func word(e protoreflect.Enum) string {
	v := e.Descriptor().Values().ByNumber(e.Number())
	if v == nil {
		return ""
	}
	_, short, _ := strings.Cut(string(v.Name()), "_")
	return short
}
