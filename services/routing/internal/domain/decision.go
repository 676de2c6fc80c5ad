package domain

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/approval"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/sheet"
)

// Event is one change to store: a resource's next state and what happened.
type Event struct {
	// Name of the resource, and whether it is made by this event.
	Name string
	New  bool
	// State after the change, without etag; Change says what happened.
	State, Change proto.Message
	// Rules of the pack that led to it.
	Rules []*typev1.RuleRef

	also []Trigger // what it means to the pack beyond the suite's table
}

// Output is what a decision asks for, in order: one of the two is set.
type Output struct {
	Event *Event
	Clock *ClockCommand
}

// state returns the state of the output's event, nil if it is a command.
func (o Output) state() proto.Message {
	if o.Event == nil {
		return nil
	}
	return o.Event.State
}

// Decision is one act on a case while it is decided: the case and its newest
// plan, the instant, and what the act has asked for so far.
//
// What it is made from is never changed; every event holds a state of its own.
// It is for one goroutine and one act.
type Decision struct {
	policy *policy.Policy
	at     time.Time
	kase   *routingv1.Case
	plan   *routingv1.Plan
	made   bool // the case comes into being by this decision
	// approvals of the case that waited for signatures when it was read, and those since, by name.
	approvals map[string]*routingv1.CaseApproval
	goods     *compensationv1.Goods // on their way back, as last heard of; nil if none
	out       []Output
	rules     []*typev1.RuleRef
	warn      policy.Warned // where warnings are put on file; nil for nowhere
	warnings  []*typev1.RuleRef
	watch     func(policy.Effects, Trigger, *policy.Sheet)
}

// Begin returns the decision of an act at an instant, on a case and its newest
// plan; plan is nil if there is none.
func Begin(p *policy.Policy, at time.Time, kase *routingv1.Case, plan *routingv1.Plan) *Decision {
	return &Decision{policy: p, at: at, kase: proto.CloneOf(kase), plan: proto.CloneOf(plan), approvals: map[string]*routingv1.CaseApproval{}}
}

// Await adds an approval of the case that waits for signatures, before anything is decided.
func (d *Decision) Await(a *routingv1.CaseApproval) { d.approvals[a.GetName()] = a }

// Concern says which goods are on their way back: what their form says is known to every
// rule of the case. It is called before anything is decided.
func (d *Decision) Concern(g *compensationv1.Goods) {
	d.goods = g
	if g != nil && d.kase.GetGoods() != g.GetName() {
		d.kase.Goods = g.GetName()
		d.because()
		d.tell(&routingv1.CaseUpdated{})
	}
}

// Warn says where rules that warn of the act are put on file. It is called before
// anything is decided.
func (d *Decision) Warn(to policy.Warned) { d.warn = to }

// warned takes a rule that warns of the act, which is allowed.
func (d *Decision) warned(rule *typev1.RuleRef) {
	d.warnings = append(d.warnings, rule)
	if d.warn != nil {
		d.warn(rule)
	}
}

// Watch lets somebody see everything that the pack brings about, also what other services
// carry out. It is called before anything is decided; fn must not change what it sees.
func (d *Decision) Watch(fn func(policy.Effects, Trigger, *policy.Sheet)) { d.watch = fn }

// Case returns the case as decided so far. It is only to be read.
func (d *Decision) Case() *routingv1.Case { return d.kase }

// Plan returns the newest plan as decided so far, nil if there is none. It is only to be read.
func (d *Decision) Plan() *routingv1.Plan { return d.plan }

// At returns when the act happened.
func (d *Decision) At() time.Time { return d.at }

// Policy returns the pack the case falls under.
func (d *Decision) Policy() *policy.Policy { return d.policy }

// Sheet returns what conditions read about the complaint and the case as decided so far.
func (d *Decision) Sheet(c *intakev1.Complaint) *policy.Sheet {
	s := Sheet(d.policy, c, d.kase, d.plan)
	for _, a := range d.approvals {
		if a.GetApproval().GetState() == typev1.Approval_STATE_OPEN {
			s.Unsigned[a.GetApproval().GetId()] = approval.Missing(a.GetApproval())
		}
	}
	if d.goods != nil {
		s = sheet.WithGoods(s, d.goods)
	}
	return s
}

// Take returns what was asked for since it was called last.
func (d *Decision) Take() []Output {
	out := d.out
	d.out = nil
	return out
}

// because names the rules behind the events that follow, until it is called again.
func (d *Decision) because(rules ...*typev1.RuleRef) {
	d.rules = slices.DeleteFunc(rules, func(r *typev1.RuleRef) bool { return r == nil })
}

// tell asks for an event of the case as it stands.
func (d *Decision) tell(change proto.Message) {
	d.kase.UpdateTime = timestamppb.New(d.at)
	d.emit(d.kase.GetName(), d.made, d.kase, change)
	d.made = false
}

// tellPlan asks for an event of the newest plan as it stands.
func (d *Decision) tellPlan(made bool, change proto.Message) {
	d.emit(d.plan.GetName(), made, d.plan, change)
}

func (d *Decision) emit(name string, made bool, state, change proto.Message) {
	d.out = append(d.out, Output{Event: &Event{
		Name: name, New: made, State: proto.Clone(state), Change: change, Rules: slices.Clone(d.rules),
	}})
}

func (d *Decision) clock(c ClockCommand) { d.out = append(d.out, Output{Clock: &c}) }

// final tells that the case takes no more acts.
func (d *Decision) final() bool {
	s := d.kase.GetState()
	return s == routingv1.Case_STATE_CLOSED || s == routingv1.Case_STATE_WITHDRAWN
}

// open refuses acts on a case that is closed or withdrawn.
func (d *Decision) open() error {
	if d.final() {
		return fault.New(fault.FailedPrecondition, ReasonCaseState, "state", word(d.kase.GetState()))
	}
	return nil
}

// second truncates an instant to the second, in UTC: acts are compared so.
//
// Source: DESIGN section 5.
func second(t time.Time) time.Time { return time.Unix(t.Unix(), 0).UTC() }
