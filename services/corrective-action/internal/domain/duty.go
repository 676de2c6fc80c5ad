package domain

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
)

// DoDuty records that a duty was done, with its form.
//
// Faults: DUTY_STATE, GATE_CLOSED (also for somebody who does not owe it),
// FORM_INCOMPLETE.
func DoDuty(u *correctiveactionv1.Duty, note string, facts map[string]*typev1.Fact, a Act) (*correctiveactionv1.Duty, error) {
	if err := owed(u); err != nil {
		return nil, err
	}
	if err := closed(a.Policy.Gate(policyv1.Act_ACT_DO_STEP, a.subject(u.GetStep()), a.Sheet)); err != nil {
		return nil, err
	}
	if form := u.GetForm(); form != "" {
		if wrong := a.Policy.CheckForm(form, facts, a.Sheet, a.Warned); len(wrong) > 0 {
			return nil, fault.New(fault.Invalid, ReasonForm, "form", form).With(a.Policy.Rule(form)).WithViolations(wrong...)
		}
	} else if len(facts) > 0 {
		return nil, fault.New(fault.Invalid, ReasonFormUnknown, "form", "").WithViolations(fault.Violation{Field: "facts", Reason: policy.FieldUnknown})
	}
	next := proto.CloneOf(u)
	next.State, next.Note, next.Facts = correctiveactionv1.Duty_STATE_DONE, note, facts
	return ended(next, a), nil
}

// SkipDuty records that a duty is not needed. Faults: DUTY_STATE, GATE_CLOSED (also
// where the pack does not leave it to anybody).
//
// Source: PROCEDURES K10.
func SkipDuty(u *correctiveactionv1.Duty, note string, a Act) (*correctiveactionv1.Duty, error) {
	if err := owed(u); err != nil {
		return nil, err
	}
	if !u.GetOptional() {
		return nil, fault.New(fault.FailedPrecondition, ReasonDutyRequired, "because", "STATE", "step", u.GetStep()).With(u.GetRule())
	}
	if err := closed(a.Policy.Gate(policyv1.Act_ACT_SKIP_STEP, a.subject(u.GetStep()), a.Sheet)); err != nil {
		return nil, err
	}
	next := proto.CloneOf(u)
	next.State, next.Note = correctiveactionv1.Duty_STATE_SKIPPED, note
	return ended(next, a), nil
}

// VoidDuty ends a duty that is no longer owed.
func VoidDuty(u *correctiveactionv1.Duty, a Act) *correctiveactionv1.Duty {
	next := proto.CloneOf(u)
	next.State = correctiveactionv1.Duty_STATE_VOID
	return ended(next, a)
}

func owed(u *correctiveactionv1.Duty) error {
	if u.GetState() == correctiveactionv1.Duty_STATE_OPEN {
		return nil
	}
	return fault.New(fault.FailedPrecondition, ReasonDutyState, "because", "STATE", "state", word(u.GetState()), "name", u.GetName()).With(u.GetRule())
}

func ended(u *correctiveactionv1.Duty, a Act) *correctiveactionv1.Duty {
	u.Etag, u.Principal, u.EndTime, u.UpdateTime = "", a.By.Name, timestamppb.New(a.Now), timestamppb.New(a.Now)
	return u
}

// File puts a form about a department on file.
//
// Faults: FORM_UNKNOWN, GATE_CLOSED (also for somebody the form does not name),
// FORM_INCOMPLETE.
//
// Source: PROCEDURES P15 R5.
func File(name, revision, department, form string, facts map[string]*typev1.Fact, a Act) (*correctiveactionv1.DepartmentFile, error) {
	def := policy.ByID(a.Policy.Rules().GetForms(), form)
	if def.GetAbout() != policyv1.About_ABOUT_DEPARTMENT {
		return nil, fault.New(fault.Invalid, ReasonFormUnknown, "form", form).WithViolations(fault.Violation{Field: "form", Reason: ReasonFormUnknown})
	}
	if err := closed(a.Policy.Gate(policyv1.Act_ACT_FILL, a.subject(form), a.Sheet)); err != nil {
		return nil, err
	}
	if wrong := a.Policy.CheckForm(form, facts, a.Sheet, a.Warned); len(wrong) > 0 {
		return nil, fault.New(fault.Invalid, ReasonForm, "form", form).With(a.Policy.Rule(form)).WithViolations(wrong...)
	}
	number, err := a.number(form, def.GetNumber())
	if err != nil {
		return nil, err
	}
	return &correctiveactionv1.DepartmentFile{
		Name: name, Department: department, Form: form, Facts: facts, Number: number, Rule: proto.CloneOf(a.Policy.Rule(form)), Creator: a.By.Name,
		CreateTime: timestamppb.New(a.Now), PolicyRevision: revision,
	}, nil
}

// Owing returns the departments that owe a form about departments, of those given by
// their codes: the units that the directory lists beside the departments the pack names
// one by one, or, where the pack leaves none to the directory, all of them.
func Owing(p *policy.Policy, codes []string) []string {
	named, many := map[string]bool{}, false
	for _, d := range p.Rules().GetDepartments() {
		named[d.GetId()] = !d.GetMany()
		many = many || d.GetMany()
	}
	var out []string
	for _, code := range codes {
		if !many || !named[code] {
			out = append(out, code)
		}
	}
	return out
}
