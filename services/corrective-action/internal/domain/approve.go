package domain

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/approval"
	"example.com/redress/services/kit/calendar"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
)

// Signature is a decision of a signatory, or what else one may do.
type Signature struct {
	Decision typev1.Decision
	// Comment is what was written, sealed.
	Comment string
	// Facts fill the form of the sign.
	Facts map[string]*typev1.Fact
	// ToStep is the place that RETURN sends it back to; empty means the initiator.
	ToStep string
	// Person is whom ADD_SIGNER adds and HAND_OVER hands to.
	Person string
	// Telephone: given by telephone, on the emergency path.
	Telephone bool
	// Digest seals what was seen; empty means what is there now.
	Digest string
}

// chainFor returns the approval that the action needs, nil if none: that of its kind,
// else the first of the pack for actions whose condition holds and that no kind has for
// itself. While a condition that comes first is unknown it waits: unmet says for what.
//
// Source: PROCEDURES P01 6.6.1 to 6.6.3 (the approver depends on the department).
func (d *decision) chainFor(s *policy.Sheet) (*policyv1.Approval, []policy.Unmet) {
	if id := d.kind().GetApproval(); id != "" {
		return d.Policy.Approval(id), nil
	}
	return chainOf(d.Policy, policyv1.Subject_SUBJECT_ACTION, s)
}

func chainOf(p *policy.Policy, of policyv1.Subject, s *policy.Sheet) (*policyv1.Approval, []policy.Unmet) {
	for _, def := range p.Rules().GetApprovals() {
		own := slices.ContainsFunc(p.Rules().GetCorrectiveAction(), func(k *policyv1.ActionKind) bool { return k.GetApproval() == def.GetId() })
		if def.GetOf() != of || own {
			continue
		}
		if def.GetIf() == "" {
			return def, nil
		}
		t, missing, err := p.Eval(def.GetIf(), s)
		switch {
		case err == nil && t == policy.True:
			return def, nil
		case err != nil || t == policy.Unknown:
			return nil, []policy.Unmet{{Gate: p.Rule(def.GetId()), Need: policy.NeedThat, ID: def.GetId(), Because: policyv1.Because_BECAUSE_INCOMPLETE, Missing: missing}}
		}
	}
	return nil, nil
}

func (d *decision) granted(def *policyv1.Approval) bool {
	a := d.action.GetApproval()
	return a.GetId() == def.GetId() && a.GetState() == typev1.Approval_STATE_GRANTED && a.GetSealedDigest() == seal(d.action)
}

// seal is the digest of what signatories of an action see.
func seal(c *correctiveactionv1.Action) string {
	seen := &correctiveactionv1.Action{
		PolicyKind: c.GetPolicyKind(), Kind: c.GetKind(), Description: c.GetDescription(), Department: c.GetDepartment(), Owner: c.GetOwner(),
		DueTime: c.GetDueTime(), Facts: c.GetFacts(),
	}
	// Marshalling a message of our own cannot fail but for invalid UTF-8, which no request passes.
	body, _ := proto.MarshalOptions{Deterministic: true}.Marshal(seen)
	return approval.Digest("action", c.GetName(), string(body))
}

// ask puts the action forward once it is complete. A chain that is open or granted goes
// on while nothing of it has changed; one that ended otherwise is asked again when the
// action has changed, or when somebody wants it. Without a person's wish what is still
// missing is no fault: it waits.
func (d *decision) ask(wanted bool) error {
	def, err := d.askable(wanted)
	if def == nil || err != nil {
		return err
	}
	digest := seal(d.action)
	number := int32(1)
	if old := d.action.GetApproval(); old != nil {
		checked, _ := approval.Recheck(old, digest, d.Now)
		open := checked.GetState() == typev1.Approval_STATE_OPEN || checked.GetState() == typev1.Approval_STATE_GRANTED
		switch {
		case open && old.GetId() == def.GetId() && wanted:
			return fault.New(fault.FailedPrecondition, approval.ReasonStillOpen, "state", word(old.GetState()), "approval", old.GetId()).With(old.GetRule())
		case open && old.GetId() == def.GetId(), !wanted && old.GetSealedDigest() == digest && !open:
			return nil
		case open: // another department, another approver
			if checked, err = approval.Void(checked, d.Now); err != nil {
				return err
			}
		}
		d.action.EarlierApprovals = append(d.action.GetEarlierApprovals(), checked)
		d.action.Approval, number = nil, old.GetNumber()+1
	}
	s := d.sheet()
	chain, err := approval.Open(def, d.request(s, digest, number))
	if err != nil {
		waits := slices.Contains([]string{approval.ReasonFactsMissing, approval.ReasonAsker}, fault.ReasonOf(err))
		if wanted || !waits {
			return err
		}
		return nil
	}
	d.action.Approval = chain
	d.tell(&correctiveactionv1.ActionApprovalAsked{}, chain.GetRule())
	return nil
}

func (d *decision) request(s *policy.Sheet, digest string, number int32) approval.Request {
	return approval.Request{
		AskedBy: d.By.Name, MayAsk: d.is, Digest: digest, Time: d.Now, Revision: d.action.GetPolicyRevision(), Pack: d.Policy.Rules().GetPack(), Number: number,
		Applies: applies(d.Policy, s),
	}
}

// askable returns the approval if it may be asked for now; nil if there is none or, not
// wanted by anybody, if something is missing.
func (d *decision) askable(wanted bool) (*policyv1.Approval, error) {
	if d.action.GetState() != correctiveactionv1.Action_STATE_OPEN {
		return nil, nil
	}
	s := d.sheet()
	def, unmet := d.chainFor(s)
	if def == nil && len(unmet) == 0 {
		if wanted {
			return nil, fault.New(fault.FailedPrecondition, ReasonNoApproval, "because", "STATE", "name", d.action.GetName())
		}
		return nil, nil
	}
	if def != nil {
		unmet = append(unmet, d.Policy.Gate(policyv1.Act_ACT_ASK, d.subject(def.GetId()), s)...)
	}
	if !wanted {
		if ready := policy.Refusal(unmet) == nil && d.complete(); !ready {
			return nil, nil
		}
		return def, nil
	}
	if err := closed(unmet); err != nil {
		return nil, err
	}
	return def, d.forms(true)
}

// complete tells whether the action says all that its signatories should see.
func (d *decision) complete() bool {
	if len(d.kind().GetForms()) == 0 {
		return d.action.GetDescription() != ""
	}
	return d.forms(true) == nil
}

// Ask asks for the approval of an action. Faults: ACTION_STATE, NO_APPROVAL,
// GATE_CLOSED, FORM_INCOMPLETE, APPROVAL_STILL_OPEN and those of approval.Open.
func Ask(c *correctiveactionv1.Action, id string, a Act) ([]Event, error) {
	if err := expect(c, correctiveactionv1.Action_STATE_OPEN); err != nil {
		return nil, err
	}
	d := begin(a, c)
	if def, _ := d.chainFor(d.sheet()); id != "" && def != nil && def.GetId() != id {
		return nil, fault.New(fault.FailedPrecondition, ReasonNoApproval, "because", "STATE", "name", c.GetName(), "approval", id)
	}
	return d.asked(d.ask(true))
}

// Sign records what a signatory does. Nobody signs what they ever asked for, also not
// after somebody else has asked again. Faults: ACTION_STATE for an action without a
// chain, and those of approval.Sign.
//
// Source: PACK-SKETCH 1 principle 10.
func Sign(c *correctiveactionv1.Action, in Signature, a Act) ([]Event, error) {
	if c.GetApproval() == nil {
		return nil, fault.New(fault.FailedPrecondition, ReasonNoApproval, "because", "STATE", "name", c.GetName())
	}
	d := begin(a, c)
	var askers []string
	for _, old := range c.GetEarlierApprovals() {
		askers = append(askers, old.GetAskedBy())
	}
	next, err := sign(c.GetApproval(), askers, in, a, d.sheet())
	if err != nil {
		return nil, err
	}
	d.action.Approval = next
	d.tell(&correctiveactionv1.ActionSigned{Step: placeOf(c.GetApproval(), next, a.By.Name), Decision: in.Decision, ByTelephone: in.Telephone}, next.GetRule())
	switch next.GetState() {
	case typev1.Approval_STATE_GRANTED:
		d.tell(&correctiveactionv1.ActionApproved{}, next.GetRule())
	case typev1.Approval_STATE_REFUSED:
		d.tell(&correctiveactionv1.ActionRefused{}, next.GetRule())
	}
	return d.events, nil
}

// sign is approval.Sign by who acts, who must not be one of former askers.
func sign(on *typev1.Approval, askers []string, in Signature, a Act, s *policy.Sheet) (*typev1.Approval, error) {
	if slices.Contains(askers, a.By.Name) {
		return nil, fault.New(fault.FailedPrecondition, approval.ReasonOwnRequest, "approval", on.GetId(), "person", a.By.Name).With(on.GetRule())
	}
	if in.Digest == "" {
		in.Digest = on.GetSealedDigest()
	}
	target := Person{Name: in.Person}
	if in.Person != "" && a.Person != nil {
		target = a.Person(in.Person)
	}
	return approval.Sign(on, approval.SignRequest{
		Person: Person{Name: a.By.Name, Matches: func(who string) (bool, string) {
			if a.By.Matches == nil {
				return false, ""
			}
			ok, behalf := a.By.Matches(who)
			if slices.Contains(askers, behalf) {
				return false, ""
			}
			return ok, behalf
		}},
		Decision: in.Decision, Digest: in.Digest, Comment: in.Comment, Facts: in.Facts, Time: a.Now,
		ToStep: in.ToStep, Target: target, Urgent: urgent(on, in, a, s), Recused: a.Recused,
		Check: func(form string, facts map[string]*typev1.Fact) []fault.Violation {
			return a.Policy.CheckForm(form, facts, s, a.Warned)
		},
	})
}

// urgent is what a decision by telephone is judged by, nil for one that is not.
func urgent(on *typev1.Approval, in Signature, a Act, s *policy.Sheet) *approval.Urgent {
	if !in.Telephone {
		return nil
	}
	return &approval.Urgent{
		Rule: a.Policy.Approval(on.GetId()).GetUrgent(), Applies: applies(a.Policy, s),
		Due: func(limit string) (time.Time, error) {
			l, err := calendar.ParseLimit(limit)
			if err != nil {
				return time.Time{}, err
			}
			due, err := a.Policy.Calendar().Due(a.Now, l)
			return due.Time, err
		},
	}
}

// applies decides conditions on a sheet.
func applies(p *policy.Policy, s *policy.Sheet) func(cond string) (bool, []string, error) {
	return func(cond string) (bool, []string, error) {
		t, missing, err := p.Eval(cond, s)
		return t == policy.True, missing, err
	}
}

// placeOf returns the place in the chain where the person's newest signature stands.
func placeOf(before, after *typev1.Approval, person string) string {
	had := map[string]int{}
	for _, s := range before.GetSteps() {
		had[s.GetId()] = len(s.GetSignatures())
	}
	for _, s := range after.GetSteps() {
		if n := len(s.GetSignatures()); n > had[s.GetId()] && s.GetSignatures()[n-1].GetPerson() == person {
			return s.GetId()
		}
	}
	return ""
}
