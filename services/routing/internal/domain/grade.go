package domain

import (
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/approval"
	"example.com/redress/services/kit/calendar"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
)

// grade returns a computed grade, nil if the facts give none yet.
func (d *Decision) grade(_ string, r policy.GradeResult) *routingv1.Grade {
	if r.Level == "" {
		return nil
	}
	return &routingv1.Grade{Level: r.Level, Rule: r.Rule, MayRise: r.MayRise, SetTime: timestamppb.New(d.at)}
}

// regrade takes over what the facts now say about a scale, unless a person set the
// level or a changed one needs an approval: then only what may raise it is noted.
func (d *Decision) regrade(scale *policyv1.Scale, r policy.GradeResult) {
	now := d.kase.GetGrades()[scale.GetId()]
	switch {
	case now == nil && r.Level != "":
		d.set(scale.GetId(), d.grade(scale.GetId(), r), nil)
	case now == nil || now.GetApproved():
	case now.GetLevel() != r.Level && r.Level != "" && scale.GetApproval() == "":
		d.set(scale.GetId(), d.grade(scale.GetId(), r), nil)
	case !slices.Equal(now.GetMayRise(), r.MayRise):
		now.MayRise = r.MayRise
	}
}

// set puts a grade in force.
func (d *Decision) set(scale string, g *routingv1.Grade, rule *typev1.RuleRef) {
	previous := d.kase.GetGrades()[scale].GetLevel()
	if d.kase.Grades == nil {
		d.kase.Grades = map[string]*routingv1.Grade{}
	}
	g.SetTime = timestamppb.New(d.at)
	d.kase.Grades[scale] = g
	d.because(g.GetRule(), rule)
	d.tell(&routingv1.GradeSet{Scale: scale, Previous: previous})
}

// Proposal asks for another grade.
type Proposal struct {
	Scale, Level string
	// Basis in words, sealed.
	Basis string
	By    Person
}

// GradeDigest seals a proposal: SHA-256 of scale, level and basis as stored.
func GradeDigest(p *routingv1.GradeProposal) string {
	return approval.Digest(p.GetScale(), p.GetLevel(), p.GetBasis())
}

// ProposeGrade asks for another level of a scale. The present one stands until the
// pack's approval is complete; if the pack asks for none, it changes at once.
//
// Source: PROCEDURES P26 (三), P26-A3.
func (d *Decision) ProposeGrade(in Proposal, s *policy.Sheet) error {
	if err := d.open(); err != nil {
		return err
	}
	scale := policy.ByID(d.policy.Rules().GetGrades(), in.Scale)
	if scale == nil || policy.ByID(scale.GetLevels(), in.Level) == nil {
		return fault.New(fault.Invalid, ReasonGradeUnknown, "scale", in.Scale, "level", in.Level).
			WithViolations(fault.Violation{Field: "proposal.level", Reason: ReasonGradeUnknown})
	}
	if by := scale.GetSetBy(); len(by) > 0 && !slices.ContainsFunc(by, is(in.By)) {
		return fault.New(fault.FailedPrecondition, ReasonGradeRole, "next", strings.Join(by, ", ")).With(d.rule(in.Scale))
	}
	if p := d.kase.GetGradeProposal(); p.GetApproval().GetState() == typev1.Approval_STATE_OPEN {
		return fault.New(fault.FailedPrecondition, ReasonGradePending, "level", p.GetLevel())
	}
	if err := d.gate(policyv1.Act_ACT_GRADE, in.Scale, in.By, s); err != nil {
		return err
	}
	proposal := &routingv1.GradeProposal{Scale: in.Scale, Level: in.Level, Basis: in.Basis, ProposedBy: in.By.Name}
	d.because(d.rule(in.Scale))
	if scale.GetApproval() == "" {
		d.kase.GradeProposal = proposal
		d.tell(&routingv1.GradeProposed{})
		d.set(in.Scale, &routingv1.Grade{Level: in.Level, Rule: d.rule(in.Scale), Approved: true}, nil)
		return nil
	}
	a, err := d.ask(scale.GetApproval(), GradeDigest(proposal), in.By, nil, d.kase.GetGradeProposal().GetApproval(), s)
	if err != nil {
		return err
	}
	proposal.Approval = a
	remove(&d.kase.Approved, a.GetId())
	d.kase.GradeProposal = proposal
	d.tell(&routingv1.GradeProposed{})
	return nil
}

// Signature is a decision on a proposal or plan.
type Signature struct {
	By       Person
	Decision typev1.Decision
	// Comment in words, sealed; required to reject or return.
	Comment string
	// Digest of what was seen; empty for what is there now.
	Digest string
	// Facts of the sign's form.
	Facts map[string]*typev1.Fact
	// ToStep is the place a return goes back to; empty for who asked.
	ToStep string
	// Target is who is asked besides, or gets the place; without a name nobody.
	Target Person
	// Telephone: it is given by telephone, on the pack's emergency path.
	Telephone bool
	// Recused sign nothing: who is complained about, and who is above them.
	Recused []string
}

// SignGrade gives a signature on the proposed grade. The last one puts the level
// in force.
//
// Source: PROCEDURES P26 (三).
func (d *Decision) SignGrade(in Signature, s *policy.Sheet) error {
	if err := d.open(); err != nil {
		return err
	}
	p := d.kase.GetGradeProposal()
	if p.GetApproval() == nil {
		return fault.New(fault.FailedPrecondition, ReasonNoProposal, "approval", "-", "state", "-")
	}
	before := p.GetApproval().GetState()
	next, err := d.sign(p.GetApproval(), in, s)
	if err != nil {
		return err
	}
	p.Approval = next
	granted := approval.Complete(next) && before != typev1.Approval_STATE_GRANTED
	if granted {
		d.OweTelephonePapers(next, s)
		add(&d.kase.Approved, next.GetId())
	}
	d.because(next.GetRule())
	d.tell(&routingv1.GradeSigned{})
	if granted {
		d.set(p.GetScale(), &routingv1.Grade{Level: p.GetLevel(), Rule: d.rule(p.GetScale()), Approved: true}, next.GetRule())
	}
	return nil
}

// voidProposal ends a proposal that waits for signatures.
func (d *Decision) voidProposal() {
	p := d.kase.GetGradeProposal()
	if p.GetApproval().GetState() != typev1.Approval_STATE_OPEN {
		return
	}
	if next, err := approval.Void(p.GetApproval(), d.at); err == nil {
		p.Approval = next
	}
}

// ask opens an approval of the pack, after what must be so before it is asked.
// earlier is the one of the subject's last time, nil for the first.
func (d *Decision) ask(id, digest string, by Person, amount *typev1.Money, earlier *typev1.Approval, s *policy.Sheet) (*typev1.Approval, error) {
	def := d.policy.Approval(id)
	if def == nil {
		return nil, fault.New(fault.Internal, fault.ReasonInternal, "approval", id)
	}
	if err := d.gate(policyv1.Act_ACT_ASK, id, by, s); err != nil {
		return nil, err
	}
	number := int32(1)
	if earlier.GetId() == id {
		number = earlier.GetNumber() + 1
	}
	return approval.Open(def, approval.Request{
		AskedBy: by.Name, MayAsk: is(by), Digest: digest, Time: d.at, Amount: amount,
		Revision: d.kase.GetPolicyRevision(), Pack: d.kase.GetPack(), Number: number,
		Applies: d.applies(s),
	})
}

// sign adds a decision to an approval; forms that a signature needs are checked on the sheet.
func (d *Decision) sign(a *typev1.Approval, in Signature, s *policy.Sheet) (*typev1.Approval, error) {
	digest := in.Digest
	if digest == "" {
		digest = a.GetSealedDigest()
	}
	return approval.Sign(proto.CloneOf(a), approval.SignRequest{
		Person: in.By, Decision: in.Decision, Digest: digest, Comment: in.Comment, Time: d.at, Facts: in.Facts, ToStep: in.ToStep, Target: in.Target, Recused: in.Recused,
		Urgent: d.urgent(a, in, s),
		Check: func(form string, facts map[string]*typev1.Fact) []fault.Violation {
			return d.policy.CheckForm(form, facts, s, d.warned)
		},
	})
}

// urgent is what the pack says about a decision by telephone; nil if it was not given so.
func (d *Decision) urgent(a *typev1.Approval, in Signature, s *policy.Sheet) *approval.Urgent {
	if !in.Telephone {
		return nil
	}
	return &approval.Urgent{
		Rule: d.policy.Approval(a.GetId()).GetUrgent(), Applies: d.applies(s),
		Due: func(limit string) (time.Time, error) {
			l, err := calendar.ParseLimit(limit)
			if err != nil {
				return time.Time{}, err
			}
			due, err := d.policy.Calendar().Due(d.at, l)
			return due.Time, err
		},
	}
}

// applies decides conditions of an approval on a sheet.
func (d *Decision) applies(s *policy.Sheet) func(cond string) (bool, []string, error) {
	return func(cond string) (bool, []string, error) {
		holds, missing, err := d.policy.Eval(cond, s)
		return holds == policy.True, missing, err
	}
}
