package domain

import (
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/calendar"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/slaclock"
	"example.com/redress/services/policy"
)

// measureTerm returns how long a measure may take. Its limit was checked when it
// was proposed.
func (d *Decision) measureTerm(m *routingv1.Measure) slaclock.Term {
	if due := m.GetDueTime(); due != nil {
		return slaclock.Term{Until: second(due.AsTime())}
	}
	limit, err := calendar.ParseLimit(m.GetLimit())
	if err != nil {
		return slaclock.Term{}
	}
	return slaclock.Term{Limit: limit}
}

// stopMeasure meets or cancels a measure's clock, if it has one.
func (d *Decision) stopMeasure(m *routingv1.Measure, op ClockOp, at time.Time) {
	if m.GetClock() != "" {
		d.clock(ClockCommand{Op: op, Name: m.GetClock(), At: at})
	}
}

// running returns a measure of the running plan.
func (d *Decision) running(id string) (*routingv1.Measure, error) {
	if err := d.open(); err != nil {
		return nil, err
	}
	if d.plan.GetState() != routingv1.Plan_STATE_RUNNING {
		return nil, planState(d.plan, routingv1.Plan_STATE_RUNNING)
	}
	m := policy.ByID(d.plan.GetMeasures(), id)
	if m == nil {
		return nil, fault.New(fault.Invalid, ReasonMeasureUnknown, "measure", id).
			WithViolations(fault.Violation{Field: "measure", Reason: ReasonMeasureUnknown})
	}
	return m, nil
}

func measureState(m *routingv1.Measure) error {
	return fault.New(fault.FailedPrecondition, ReasonMeasureState, "measure", m.GetId(), "kind", word(m.GetKind()), "state", word(m.GetState()))
}

// CompleteMeasure records that work of the plan is done; the last measure carries
// the plan out. What other services do is completed by them.
//
// Source: PROCEDURES P26 (五).
func (d *Decision) CompleteMeasure(id string, by Person, s *policy.Sheet) error {
	m, err := d.running(id)
	if err != nil {
		return err
	}
	if m.GetKind() != routingv1.Measure_KIND_WORK || m.GetState() != routingv1.Measure_STATE_RUNNING {
		return measureState(m)
	}
	if err := d.gate(policyv1.Act_ACT_CARRY_OUT, "", by, s); err != nil {
		return err
	}
	d.complete(m)
	return nil
}

// complete records a measure as done and, if it was the last, the plan as carried out.
func (d *Decision) complete(m *routingv1.Measure) {
	m.State, m.CompleteTime = routingv1.Measure_STATE_DONE, timestamppb.New(d.at)
	d.stopMeasure(m, ClockMeet, d.at)
	d.because(d.plan.GetRule())
	d.tellPlan(false, &routingv1.MeasureCompleted{Measure: m.GetId()})
	d.carriedOut()
}

// carriedOut records the plan as carried out unless a measure is left.
func (d *Decision) carriedOut() {
	for _, other := range d.plan.GetMeasures() {
		if other.GetState() != routingv1.Measure_STATE_DONE && other.GetState() != routingv1.Measure_STATE_CANCELLED {
			return
		}
	}
	d.plan.State, d.plan.CompleteTime = routingv1.Plan_STATE_CARRIED_OUT, timestamppb.New(d.at)
	if d.advance(routingv1.Case_STATE_COMPLETED) {
		d.tell(&routingv1.CaseUpdated{})
	}
	d.tellPlan(false, &routingv1.PlanCarriedOut{})
}

// Delay asks for another deadline of a measure.
type Delay struct {
	Measure string
	// Reason in words, sealed.
	Reason string
	Due    time.Time
	By     Person
}

// DelayMeasure gives a measure another deadline, with a reason, before it falls
// due. Who may is the pack's matter.
//
// Source: PROCEDURES P26 (五); PACK-SKETCH 2.2 (Extension).
func (d *Decision) DelayMeasure(in Delay, s *policy.Sheet) error {
	m, err := d.running(in.Measure)
	if err != nil {
		return err
	}
	if m.GetState() != routingv1.Measure_STATE_RUNNING {
		return measureState(m)
	}
	def := d.planned()
	if strings.TrimSpace(in.Reason) == "" {
		return fault.New(fault.Invalid, ReasonDelayReason).With(d.rule(def.GetId())).
			WithViolations(fault.Violation{Field: "reason", Reason: ReasonDelayReason})
	}
	if m.GetClock() == "" {
		return fault.New(fault.FailedPrecondition, ReasonClockNotRunning, "clock", m.GetId(), "state", "-")
	}
	due := second(in.Due)
	if def != nil {
		if err := d.MayExtend(def.GetId(), m.GetClock(), due, in.Reason, in.By, s); err != nil {
			return err
		}
	}
	m.DueTime = timestamppb.New(due)
	d.clock(ClockCommand{Op: ClockExtend, Name: m.GetClock(), At: d.at, Due: due, By: slaclock.By{Principal: in.By.Name, Reason: in.Reason}})
	d.because(d.rule(def.GetId()))
	d.tellPlan(false, &routingv1.MeasureDelayed{})
	return nil
}

// MayExtend refuses an extension that the pack does not provide for, that lacks
// something, or whose author is not one of those it names. kind is the clock's id
// in the pack, name the resource.
//
// Source: PACK-SKETCH 2.2 (Extension).
func (d *Decision) MayExtend(kind, name string, due time.Time, reason string, by Person, s *policy.Sheet) error {
	promised, recorded := d.policy.ExtendedDue(kind, s)
	unmet := d.unmet(policyv1.Act_ACT_EXTEND, kind, by, merged(s, d.delayFacts(d.policy.Clock(kind), reason, due)))
	def, more := d.policy.ApprovalFor(policyv1.Subject_SUBJECT_EXTENSION, s)
	unmet = append(unmet, more...)
	if def != nil {
		// Signatures are needed: they are asked for by name, and extend the clock themselves.
		unmet = append(unmet, policy.Unmet{
			Gate: d.rule(def.GetId()), Need: policy.NeedApproval, ID: def.GetId(), Because: policyv1.Because_BECAUSE_GATE,
			Missing: or(s.Unsigned[def.GetId()], def.GetId()),
		})
	}
	if recorded && !promised.Equal(due) {
		// What was promised is on file; another instant is not what was promised.
		unmet = append(unmet, policy.Unmet{
			Gate: d.rule(kind), Need: policy.NeedFact, ID: d.policy.Clock(kind).GetExtend().GetUntil(), Because: policyv1.Because_BECAUSE_GATE,
		})
	}
	if f := refusal(ReasonExtension, unmet); f != nil {
		return f.WithFacts("clock", name, "wanted", due.Format(time.RFC3339), "due", "-")
	}
	return nil
}

// InTime refuses to extend a clock that has fallen due: an extension comes before.
//
// Source: PACK-SKETCH 2.2 (Extension); PROCEDURES P17 5 (3), P17-A4.
func (d *Decision) InTime(c *clockv1.Clock, due time.Time) error {
	at := c.GetDueTime()
	if at == nil || !d.at.Truncate(time.Second).After(at.AsTime()) {
		return nil
	}
	return fault.New(fault.FailedPrecondition, ReasonExtension, "clock", c.GetName(), "wanted", due.Format(time.RFC3339),
		"due", at.AsTime().Format(time.RFC3339), "because", "WINDOW").With(d.rule(c.GetKind()))
}

// delayFacts are the facts of the pack's form that the request itself states: the
// reason and the new date.
func (d *Decision) delayFacts(def *policyv1.Clock, reason string, due time.Time) map[string]*typev1.Fact {
	facts := map[string]*typev1.Fact{}
	if until := def.GetExtend().GetUntil(); until != "" {
		facts[until] = &typev1.Fact{Value: &typev1.Fact_Instant{Instant: timestamppb.New(due)}}
	}
	for _, need := range def.GetExtend().GetNeeds() {
		if id := need.GetFact(); id != "" && facts[id] == nil && d.field(id).GetType() == policyv1.FieldType_FIELD_TYPE_TEXT {
			facts[id] = &typev1.Fact{Value: &typev1.Fact_Text{Text: reason}}
		}
	}
	return facts
}

// field returns the pack's form field of that id, or nil.
func (d *Decision) field(id string) *policyv1.Field {
	for _, form := range d.policy.Rules().GetForms() {
		if f := policy.ByID(form.GetFields(), id); f != nil {
			return f
		}
	}
	return nil
}
