package domain

import (
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
)

// FillForm fills a form of the pack about the action. Facts given replace those there;
// the others stay, also those the person may not see.
//
// Faults: ACTION_STATE, FORM_UNKNOWN, GATE_CLOSED (also for somebody whom the form does
// not name), FORM_INCOMPLETE.
//
// Source: PROCEDURES P20 6.2.4, 6.2.5 (three genba, 5W1H); P18 4.1.10.
func FillForm(c *correctiveactionv1.Action, form string, facts map[string]*typev1.Fact, a Act) ([]Event, error) {
	if err := expect(c, correctiveactionv1.Action_STATE_OPEN); err != nil {
		return nil, err
	}
	d := begin(a, c)
	def := policy.ByID(a.Policy.Rules().GetForms(), form)
	if def.GetAbout() != policyv1.About_ABOUT_ACTION || len(d.kind().GetForms()) > 0 && !slices.Contains(d.kind().GetForms(), form) {
		return nil, fault.New(fault.Invalid, ReasonFormUnknown, "form", form).WithViolations(fault.Violation{Field: "form", Reason: ReasonFormUnknown})
	}
	d.merge(facts)
	if err := d.gate(policyv1.Act_ACT_FILL, form); err != nil {
		return nil, err
	}
	if wrong := d.Policy.CheckForm(form, d.own(def, facts), d.sheet(), d.Warned); len(wrong) > 0 {
		return nil, fault.New(fault.Invalid, ReasonForm, "form", form).With(d.Policy.Rule(form)).WithViolations(wrong...)
	}
	if err := d.forms(false); err != nil {
		return nil, err
	}
	if err := d.fill(def); err != nil {
		return nil, err
	}
	if d.action.GetDueTime() == nil {
		d.action.DueTime = until(d.Policy, d.kind(), d.action.GetFacts())
	}
	d.tell(&correctiveactionv1.ActionFormFilled{Form: form}, d.Policy.Rule(form))
	return d.asked(d.ask(false))
}

// own returns the facts of the form's fields, and those given that it does not have:
// they are refused with it.
func (d *decision) own(def *policyv1.Form, given map[string]*typev1.Fact) map[string]*typev1.Fact {
	out := map[string]*typev1.Fact{}
	for _, field := range def.GetFields() {
		if f := d.action.GetFacts()[field.GetId()]; f != nil {
			out[field.GetId()] = f
		}
	}
	maps.Copy(out, given)
	return out
}

// fill notes that a form was filled, with its number where the pack numbers it. Filled
// again it keeps its number.
func (d *decision) fill(def *policyv1.Form) error {
	next := &correctiveactionv1.ActionForm{Form: def.GetId(), Principal: d.By.Name, FillTime: timestamppb.New(d.Now)}
	for i, f := range d.action.GetForms() {
		if f.GetForm() == def.GetId() {
			next.Number = f.GetNumber()
			d.action.Forms = slices.Delete(d.action.GetForms(), i, i+1)
			break
		}
	}
	if next.GetNumber() == "" {
		number, err := d.number(def.GetId(), def.GetNumber())
		if err != nil {
			return err
		}
		next.Number = number
	}
	d.action.Forms = append(d.action.GetForms(), next)
	return nil
}

// note fills the forms of the kind that the facts make complete and that were not
// filled before; it returns which.
func (d *decision) note() ([]string, error) {
	var filled []string
	for _, id := range d.kind().GetForms() {
		def := policy.ByID(d.Policy.Rules().GetForms(), id)
		own := d.own(def, nil)
		if len(own) == 0 || d.filled(id) || len(d.Policy.CheckForm(id, own, d.sheet(), nil)) > 0 {
			continue
		}
		if err := d.fill(def); err != nil {
			return nil, err
		}
		filled = append(filled, id)
	}
	return filled, nil
}

func (d *decision) filled(form string) bool {
	return slices.ContainsFunc(d.action.GetForms(), func(f *correctiveactionv1.ActionForm) bool { return f.GetForm() == form })
}

// merge adds facts to those of the action.
func (d *decision) merge(facts map[string]*typev1.Fact) {
	if len(facts) == 0 {
		return
	}
	if d.action.Facts == nil {
		d.action.Facts = map[string]*typev1.Fact{}
	}
	for id, f := range facts {
		d.action.Facts[id] = proto.CloneOf(f)
	}
}

// forms checks the forms the action consists of, or, where the pack has no kind for it,
// every form about actions that it fills. Before it is implemented a blank is no fault.
func (d *decision) forms(complete bool) error {
	known := map[string]bool{}
	var wrong []fault.Violation
	first := ""
	s := d.sheet()
	for _, form := range d.Policy.Rules().GetForms() {
		if form.GetAbout() != policyv1.About_ABOUT_ACTION {
			continue
		}
		for _, field := range form.GetFields() {
			known[field.GetId()] = true
		}
		own := d.own(form, nil)
		needed := slices.Contains(d.kind().GetForms(), form.GetId())
		if len(own) == 0 && (!needed || !complete) {
			continue
		}
		warned := d.Warned
		if !complete {
			warned = nil // what is written is not final
		}
		found := d.Policy.CheckForm(form.GetId(), own, s, warned)
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
	for _, id := range slices.Sorted(maps.Keys(d.action.GetFacts())) {
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
	return fault.New(fault.Invalid, ReasonForm, "form", first).With(d.Policy.Rule(first)).WithViolations(wrong...)
}

// Withhold removes from an action what somebody must not see, and says so: fields that
// the pack hides from who they are, for example the code of a blind retest from its
// testers. is tells whether they are one of who.
//
// Source: PACK-SKETCH 2.8 G1 (Field.hidden_from); PROCEDURES P12 2.2.2.
func Withhold(c *correctiveactionv1.Action, p *policy.Policy, is func(who string) bool) {
	for _, form := range p.Rules().GetForms() {
		if form.GetAbout() != policyv1.About_ABOUT_ACTION {
			continue
		}
		for _, field := range form.GetFields() {
			if _, there := c.GetFacts()[field.GetId()]; there && slices.ContainsFunc(field.GetHiddenFrom(), is) {
				delete(c.GetFacts(), field.GetId())
				c.Withheld = append(c.GetWithheld(), field.GetId())
			}
		}
	}
	slices.Sort(c.GetWithheld())
	c.Withheld = slices.Compact(c.GetWithheld())
}

// Hides tells whether the pack hides a field about actions from anybody.
func Hides(p *policy.Policy) bool {
	return slices.ContainsFunc(p.Rules().GetForms(), func(f *policyv1.Form) bool {
		return f.GetAbout() == policyv1.About_ABOUT_ACTION && slices.ContainsFunc(f.GetFields(), func(x *policyv1.Field) bool { return len(x.GetHiddenFrom()) > 0 })
	})
}
