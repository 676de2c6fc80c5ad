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
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/trigger"
)

// Trigger is an event in the pack's words, with what it is about.
type Trigger struct {
	trigger.Trigger
	// At is when it happened: what it starts counts from there.
	At time.Time
	// Resource and Subject are what it is about, where that is not the case or its
	// complaint: a reply, plan, clock, follow-up, notice, claim or action.
	Resource string
	Subject  proto.Message
	// By is who did a step or filled a form.
	By string
	// Approval that was asked, signed, granted or refused.
	Approval *typev1.Approval

	depth int
}

// word returns the event as packs write it.
func (t Trigger) word() string { return strings.TrimPrefix(t.Event.String(), "EVENT_") }

// Apply lets what the pack says follow from an event. An event first meets and
// voids, then starts; a round that begins comes before what it begins with. On a
// case that is closed or withdrawn nothing starts any more.
//
// What other services do (notices, actions, remedies, entries) is left to them:
// they react to the same event.
//
// Source: PACK-SKETCH 2.2, 2.6, 2.7.
func (d *Decision) Apply(e policy.Effects, t Trigger, s *policy.Sheet) {
	if d.watch != nil {
		d.watch(e, t, s)
	}
	for _, kind := range e.MeetClocks {
		if !isPlanned(d.policy.Clock(kind)) { // a measure's clock is met by its own measure only
			d.clock(ClockCommand{Op: ClockMeet, Kind: kind, At: t.At})
		}
	}
	for _, kind := range e.VoidClocks {
		d.clock(ClockCommand{Op: ClockVoid, Kind: kind, At: t.At})
	}
	if d.final() {
		d.file(e.EnterStages)
		for _, do := range e.Do {
			d.closedAs(t, do)
		}
		d.label(e.Do)
		return
	}
	for _, id := range e.VoidSteps {
		d.voidStep(id)
	}
	for _, r := range e.StartRounds {
		d.startRound(r)
	}
	for _, stage := range e.EnterStages {
		d.enter(stage)
	}
	for _, o := range e.OpenSteps {
		d.openStep(o.Step.GetId(), o.Step.GetBy(), o.Step.GetOptional(), d.rule(o.Step.GetId()))
	}
	pending := slices.Clone(e.Pending)
	for _, def := range e.StartClocks {
		pending = append(pending, d.start(def, t, s)...)
	}
	for _, def := range e.OpenFollowUps {
		d.oweFollowUp(def)
	}
	for _, def := range e.AskApprovals {
		pending = append(pending, d.askByRule(def, s)...)
	}
	for _, do := range e.Do {
		d.do(do)
	}
	d.wait(pending, t)
}

// file moves a closed case into the stage that stands for being closed.
func (d *Decision) file(stages []*policyv1.Stage) {
	for _, stage := range stages {
		if d.kase.GetState() == routingv1.Case_STATE_CLOSED && stage.GetStatus() == policyv1.Status_STATUS_CLOSED {
			d.enter(stage)
		}
	}
}

// closedAs marks a case that was just closed with how it ended: of all that a rule may
// ask for, only a mark still means something then.
//
// Source: PROCEDURES P05 (closing with the refund only is merely adequate).
func (d *Decision) closedAs(t Trigger, r policy.RuleDo) {
	if one, ok := r.Do.GetOne().(*policyv1.Do_Mark); ok && t.Event == policyv1.Event_EVENT_CASE_CLOSED && add(&d.kase.Marks, one.Mark) {
		d.because(r.Rule)
		d.tell(&routingv1.CaseUpdated{})
	}
}

// label marks a closed case: what is found about it later, such as that the customer came
// back, changes nothing that was done but counts in reports.
//
// Source: PROCEDURES P03-A3.
func (d *Decision) label(all []policy.RuleDo) {
	for _, r := range all {
		if mark := r.Do.GetMark(); mark != "" && d.kase.GetState() == routingv1.Case_STATE_CLOSED && add(&d.kase.Marks, mark) {
			d.because(r.Rule)
			d.tell(&routingv1.CaseUpdated{})
		}
	}
}

// do carries out one consequence that is routing's.
func (d *Decision) do(r policy.RuleDo) {
	if d.final() {
		return
	}
	switch one := r.Do.GetOne().(type) {
	case *policyv1.Do_Assign:
		if name := "departments/" + one.Assign; !slices.Contains(d.kase.GetDepartments(), name) {
			d.assign(append(slices.Clone(d.kase.GetDepartments()), name), r.Rule)
		}
	case *policyv1.Do_WorkOrder:
		d.sendWorkOrder(one.WorkOrder, r)
	case *policyv1.Do_Escalate:
		d.escalate(&routingv1.Escalation{To: one.Escalate, Rule: r.Rule}, "escalated_"+r.Rule.GetRule())
	case *policyv1.Do_Remedy:
		d.oweRemedy(r.Rule, one.Remedy)
	case *policyv1.Do_Refer:
		d.refer(one.Refer, r.Rule)
	case *policyv1.Do_Mark:
		if add(&d.kase.Marks, one.Mark) {
			d.because(r.Rule)
			d.tell(&routingv1.CaseUpdated{})
		}
	case *policyv1.Do_Close:
		// What blocks closing is still owed, whatever the rule wishes: a person closes later.
		if d.blocked() == nil {
			d.because(r.Rule)
			d.close(lower(one.Close))
		}
	}
}

// refer puts on file that a rule refers the case to another controlled procedure, once
// for each title.
//
// Source: PACK-SKETCH 2.6 (refer); PROCEDURES P12 5.
func (d *Decision) refer(title string, rule *typev1.RuleRef) {
	if slices.ContainsFunc(d.kase.GetReferences(), func(r *routingv1.Reference) bool { return r.GetTitle() == title }) {
		return
	}
	d.kase.References = append(d.kase.References, &routingv1.Reference{Title: title, Rule: rule, ReferTime: timestamppb.New(d.at)})
	d.because(rule)
	d.tell(&routingv1.CaseReferred{})
}

// owned tells whether what a pending rule would do is routing's.
func owned(kind string) bool {
	switch kind {
	case "CLOCK", "MEET", "VOID", "STAGE", "STEP", "VOID_STEP", "FOLLOW_UP", "ROUND", "REACTION", "APPROVAL":
		return true
	}
	return false
}

// wait keeps rules that wait for a fact; a rule that waits already keeps its place
// and its instant.
func (d *Decision) wait(pending []policy.Pending, t Trigger) {
	changed := false
	event := t.word()
	if t.ID != "" {
		event += " " + t.ID
	}
	for _, p := range pending {
		if !owned(p.Kind) || d.final() {
			continue
		}
		row := &routingv1.PendingRule{
			Event: event, OccurTime: timestamppb.New(t.At), Rule: p.Rule, Kind: strings.ToLower(p.Kind), Missing: p.Missing, Resource: t.Resource,
		}
		known := slices.ContainsFunc(d.kase.GetPending(), func(o *routingv1.PendingRule) bool {
			return o.GetEvent() == row.GetEvent() && o.GetRule() == row.GetRule() && o.GetKind() == row.GetKind() && o.GetResource() == row.GetResource()
		})
		if !known && len(d.kase.GetPending()) < maxPending {
			d.kase.Pending = append(d.kase.Pending, row)
			changed = true
		}
	}
	if changed {
		d.because()
		d.tell(&routingv1.CaseUpdated{})
	}
}

// maxPending bounds what a case keeps waiting; more has not been seen in any pack.
const maxPending = 100

// waiting returns a pending rule as the policy names it, and its trigger.
func waiting(p *routingv1.PendingRule) (policy.Pending, Trigger) {
	event, id, _ := strings.Cut(p.GetEvent(), " ")
	t := Trigger{At: p.GetOccurTime().AsTime(), Resource: p.GetResource()}
	t.Event, t.ID = policyv1.Event(policyv1.Event_value["EVENT_"+event]), id
	return policy.Pending{Rule: p.GetRule(), Kind: strings.ToUpper(p.GetKind()), Missing: p.GetMissing()}, t
}
