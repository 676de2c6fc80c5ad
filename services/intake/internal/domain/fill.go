package domain

import (
	"maps"
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
)

// FormAbout returns a form of the pack about the complaint, or nil.
func FormAbout(p *policy.Policy, id string) *policyv1.Form {
	for _, f := range p.Rules().GetForms() {
		if f.GetId() == id && f.GetAbout() == policyv1.About_ABOUT_COMPLAINT {
			return f
		}
	}
	return nil
}

// FillForm returns the complaint with a form filled by somebody who may, while
// the windows that guard the form are open. number is that of the filled form,
// empty where the pack numbers none.
//
// Source: PACK-SKETCH 2.5 FILL; pack.proto Window.form; PROCEDURES P27 4.1.3.
func FillForm(f File, form string, facts map[string]*typev1.Fact, number string) (*intakev1.Complaint, error) {
	if err := open(f.Complaint); err != nil {
		return nil, err
	}
	if FormAbout(f.Policy, form) == nil {
		return nil, fault.New(fault.Invalid, ReasonFormUnknown, "form", form)
	}
	s := f.Sheet()
	if err := f.gate(policyv1.Act_ACT_FILL, form, s); err != nil {
		return nil, err
	}
	var found problems
	if found.form(f.Policy, form, f.Policy.CheckForm(form, facts, s, f.Warned)); found.err() != nil {
		return nil, found.err()
	}
	next := f.changed()
	if next.Facts == nil {
		next.Facts = map[string]*typev1.Fact{}
	}
	maps.Copy(next.Facts, facts)
	f.Complaint = next
	for _, w := range f.Policy.Windows(form, f.Sheet(), f.Now) {
		if !w.Open() {
			return nil, closed(w)
		}
	}
	next.Forms = append(next.Forms, &intakev1.FilledForm{Form: form, Principal: f.Who, FillTime: timestamppb.New(f.Now), Number: number})
	next.Marks = f.Policy.Marks(f.Sheet())
	return next, nil
}

// Hide takes out of the complaint what the pack hides from somebody: fields that
// name a who that is meets. It returns the complaint as it is where there is none.
//
// Source: pack.proto Field.hidden_from; PACK-SKETCH G1; PROCEDURES P12 2.2.2.
func Hide(c *intakev1.Complaint, p *policy.Policy, is func(who string) bool) *intakev1.Complaint {
	for _, form := range p.Rules().GetForms() {
		for _, field := range form.GetFields() {
			if len(field.GetHiddenFrom()) > 0 && slices.ContainsFunc(field.GetHiddenFrom(), is) {
				delete(c.GetFacts(), field.GetId())
			}
		}
	}
	return c
}

// Hides tells whether the pack hides anything at all of forms about the complaint.
func Hides(p *policy.Policy) bool {
	for _, form := range p.Rules().GetForms() {
		for _, field := range form.GetFields() {
			if len(field.GetHiddenFrom()) > 0 {
				return true
			}
		}
	}
	return false
}
