package domain

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
)

// Duty records that a step was done, or was found not necessary.
type Duty struct {
	Step string
	// Note in words, sealed.
	Note string
	// Facts of the step's form.
	Facts map[string]*typev1.Fact
	By    Person
}

// DoStep records a duty as done, with the facts of its form.
//
// Source: PACK-SKETCH 2.2 (Step), 2.5 (DO_STEP).
func (d *Decision) DoStep(in Duty, s *policy.Sheet) error {
	owed, err := d.owed(in)
	if err != nil {
		return err
	}
	def := step(d.policy, in.Step)
	s = merged(s, in.Facts)
	fills, err := d.fill(def.GetForm(), in, s)
	if err != nil {
		return err
	}
	if fills {
		s.Filled = append(slices.Clone(s.Filled), def.GetForm())
	}
	if err := d.gate(policyv1.Act_ACT_DO_STEP, in.Step, in.By, s); err != nil {
		return err
	}
	owed.Facts = in.Facts
	d.finish(owed, routingv1.Step_STATE_DONE, in)
	if fills {
		filled := Trigger{At: d.at, By: in.By.Name}
		filled.Event, filled.ID = policyv1.Event_EVENT_FORM_FILLED, def.GetForm()
		last := d.out[len(d.out)-1].Event
		last.also = append(last.also, filled)
	}
	return nil
}

// fill checks the form of a step with the facts given. A form that was filled
// before needs no facts; a step without form takes none.
func (d *Decision) fill(form string, in Duty, s *policy.Sheet) (fills bool, err error) {
	switch {
	case form == "" && len(in.Facts) == 0, form != "" && len(in.Facts) == 0 && slices.Contains(s.Filled, form):
		return false, nil
	case form == "":
		return false, fault.New(fault.Invalid, ReasonForm, "form", "-").With(d.rule(in.Step)).
			WithViolations(fault.Violation{Field: "facts", Reason: ReasonForm})
	}
	if wrong := d.policy.CheckForm(form, in.Facts, s, d.warned); len(wrong) > 0 {
		return false, fault.New(fault.Invalid, ReasonForm, "form", form).With(d.rule(in.Step)).WithViolations(wrong...)
	}
	return true, d.gate(policyv1.Act_ACT_FILL, form, in.By, s)
}

// SkipStep records that an optional duty was not necessary, and who decided so.
//
// Source: PROCEDURES K10.
func (d *Decision) SkipStep(in Duty, s *policy.Sheet) error {
	step, err := d.owed(in)
	if err != nil {
		return err
	}
	if step.GetState() != routingv1.Step_STATE_OFFERED {
		return fault.New(fault.FailedPrecondition, ReasonStepNotOptional, "step", in.Step).With(step.GetRule())
	}
	if err := d.gate(policyv1.Act_ACT_SKIP_STEP, in.Step, in.By, s); err != nil {
		return err
	}
	d.finish(step, routingv1.Step_STATE_SKIPPED, in)
	d.clock(ClockCommand{Op: ClockVoid, Kind: in.Step, At: d.at})
	return nil
}

// owed returns the open duty that the person may decide about.
func (d *Decision) owed(in Duty) (*routingv1.Step, error) {
	if err := d.open(); err != nil {
		return nil, err
	}
	standing := "-"
	for _, st := range slices.Backward(d.kase.GetSteps()) {
		if st.GetId() != in.Step {
			continue
		}
		if !isOpen(st) {
			standing = word(st.GetState())
			break
		}
		if by := st.GetBy(); len(by) > 0 && !slices.ContainsFunc(by, is(in.By)) {
			return nil, fault.New(fault.FailedPrecondition, ReasonStepRole, "step", in.Step, "next", strings.Join(by, ", ")).With(st.GetRule())
		}
		return st, nil
	}
	return nil, fault.New(fault.FailedPrecondition, ReasonStepNotOpen, "step", in.Step, "state", standing).With(d.rule(in.Step))
}

func (d *Decision) finish(st *routingv1.Step, to routingv1.Step_State, in Duty) {
	st.State, st.DoneTime, st.DoneBy, st.Note = to, timestamppb.New(d.at), in.By.Name, in.Note
	d.because(st.GetRule())
	d.tell(&routingv1.StepChanged{Step: st.GetId(), State: to})
}

// step returns the pack's step of that id, or nil.
func step(p *policy.Policy, id string) *policyv1.Step {
	for _, stage := range p.Rules().GetStages() {
		if st := policy.ByID(stage.GetSteps(), id); st != nil {
			return st
		}
	}
	return policy.ByID(p.Rules().GetDuties(), id)
}

// openStep begins to owe a duty; one that is owed already is not owed twice.
func (d *Decision) openStep(id string, by []string, optional bool, rule *typev1.RuleRef) {
	if slices.ContainsFunc(d.kase.GetSteps(), func(st *routingv1.Step) bool { return st.GetId() == id && isOpen(st) }) {
		return
	}
	st := &routingv1.Step{
		Id: id, State: routingv1.Step_STATE_OPEN, Rule: rule, By: by, OpenTime: timestamppb.New(d.at), Round: d.kase.GetRound(),
	}
	if optional {
		st.State = routingv1.Step_STATE_OFFERED
	}
	d.kase.Steps = append(d.kase.Steps, st)
	d.because(rule)
	d.tell(&routingv1.StepChanged{Step: id, State: st.GetState()})
}

// voidStep makes a duty no longer owed.
func (d *Decision) voidStep(id string) {
	for _, st := range d.kase.GetSteps() {
		if st.GetId() == id && isOpen(st) {
			st.State, st.DoneTime = routingv1.Step_STATE_CANCELLED, timestamppb.New(d.at)
			d.because(st.GetRule())
			d.tell(&routingv1.StepChanged{Step: id, State: routingv1.Step_STATE_CANCELLED})
		}
	}
}

// cancelSteps makes every duty no longer owed, as part of the event that follows.
func (d *Decision) cancelSteps() {
	for _, st := range d.kase.GetSteps() {
		if isOpen(st) {
			st.State, st.DoneTime = routingv1.Step_STATE_CANCELLED, timestamppb.New(d.at)
		}
	}
}

func isOpen(st *routingv1.Step) bool {
	return st.GetState() == routingv1.Step_STATE_OPEN || st.GetState() == routingv1.Step_STATE_OFFERED
}
