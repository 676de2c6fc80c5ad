package domain

import (
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/approval"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/sheet"
	"example.com/redress/services/policy/trigger"
)

// MaxFollow is how many consequences may follow from one another within one act.
//
// Source: DESIGN section 4 (an event deeper than 16 causes is parked).
const MaxFollow = 16

// Surroundings carry out what a decision asks for, and know what lies outside the
// case. Package app implements it over a journal's unit, tests over plain maps.
type Surroundings interface {
	// Store keeps an event.
	Store(e Event) error
	// Clock carries a command out and returns what the clocks did, in order.
	Clock(c ClockCommand) ([]ClockOutcome, error)
	// Complaint returns the complaint as last heard of; nil if unknown.
	Complaint() *intakev1.Complaint
	// Subject returns the state of a resource that a pending rule is about; nil if unknown.
	Subject(name string) (proto.Message, error)
}

// Follow stores what a decision asks for and lets the pack's consequences follow,
// and theirs, until nothing does. triggers are what the act itself means to the
// pack beyond its events; they come first.
//
// It fails with CONSEQUENCES_ENDLESS if more than [MaxFollow] follow from one another.
func Follow(d *Decision, w Surroundings, triggers ...Trigger) error {
	f := &follower{d: d, w: w, queue: slices.Clone(triggers)}
	if err := f.settle(0); err != nil {
		return err
	}
	for {
		for len(f.queue) > 0 {
			t := f.queue[0]
			f.queue = f.queue[1:]
			if t.depth > MaxFollow {
				return fault.New(fault.Internal, ReasonTooManyFollow, "limit", strconv.Itoa(MaxFollow))
			}
			if err := f.apply(t); err != nil {
				return err
			}
		}
		again, err := f.reconsider()
		if err != nil || !again {
			return err
		}
	}
}

type follower struct {
	d     *Decision
	w     Surroundings
	queue []Trigger
}

// apply evaluates one event on the sheet as it stands after it.
func (f *follower) apply(t Trigger) error {
	s := f.sheet(t)
	f.d.Apply(f.d.policy.On(t.word(), t.ID, s), t, s)
	if err := f.share(t, s); err != nil {
		return err
	}
	if t.Event == policyv1.Event_EVENT_GRADE_SET {
		f.d.Recompute(s)
	}
	return f.settle(t.depth + 1)
}

// share gives what exchanges of the pack send on this event.
func (f *follower) share(t Trigger, s *policy.Sheet) error {
	for _, x := range f.d.policy.Sends(t.word(), t.ID, s) {
		m, err := f.w.Subject(ShareName(f.d.kase.GetName(), x.GetId()))
		if err != nil {
			return err
		}
		before, _ := m.(*routingv1.Share)
		f.d.Share(x, before, t.word(), s)
	}
	return nil
}

// settle stores what is asked for, in order, and queues what it means to the pack.
func (f *follower) settle(depth int) error {
	for out := f.d.Take(); len(out) > 0; out = f.d.Take() {
		for i := 0; i < len(out); i++ {
			if e := out[i].Event; e != nil {
				if err := f.w.Store(*e); err != nil {
					return err
				}
				f.push(depth, TriggersOf(e, f.d.at)...)
				f.push(depth, e.also...)
				continue
			}
			outcomes, err := f.w.Clock(*out[i].Clock)
			if err != nil {
				return err
			}
			for _, o := range outcomes {
				f.d.ClockChanged(o)
				f.push(depth, f.clockTriggers(o, out[i].Clock)...)
			}
			// What a clock did to the case is told before what was asked for after it, and
			// stands in the states that follow.
			if told := f.d.Take(); len(told) > 0 {
				for _, later := range out[i+1:] {
					if k, ok := later.state().(*routingv1.Case); ok {
						k.Breached = slices.Clone(f.d.kase.GetBreached())
					}
				}
				out = slices.Insert(out, i+1, told...)
			}
		}
	}
	return nil
}

func (f *follower) push(depth int, triggers ...Trigger) {
	for _, t := range triggers {
		t.depth = depth
		f.queue = append(f.queue, t)
	}
}

func (f *follower) clockTriggers(o ClockOutcome, c *ClockCommand) []Trigger {
	return ClockTriggers(o, Trigger{At: c.At})
}

// ClockTriggers returns what an event of a clock means to the pack.
func ClockTriggers(o ClockOutcome, at Trigger) []Trigger {
	var out []Trigger
	for _, t := range trigger.Of(o.Change, o.Clock) {
		out = append(out, Trigger{Trigger: t, At: at.At, Resource: o.Clock.GetName(), Subject: o.Clock})
	}
	return out
}

// reconsider decides pending rules again, each at its own instant; it reports
// whether anything followed.
func (f *follower) reconsider() (bool, error) {
	d := f.d
	for _, p := range slices.Clone(d.kase.GetPending()) {
		rule, t := waiting(p)
		if t.Resource != "" {
			subject, err := f.w.Subject(t.Resource)
			if err != nil {
				return false, err
			}
			t.Subject = subject
		}
		s := f.sheet(t)
		e := d.policy.Decide(rule, t.word(), t.ID, s)
		if len(e.StartClocks) > 0 && stillUndecided(d, e, s) || slices.ContainsFunc(e.Pending, func(q policy.Pending) bool { return q.Rule == rule.Rule && q.Kind == rule.Kind }) {
			continue
		}
		i := slices.IndexFunc(d.kase.GetPending(), func(o *routingv1.PendingRule) bool { return proto.Equal(o, p) })
		if i < 0 {
			continue
		}
		d.kase.Pending = slices.Delete(d.kase.Pending, i, i+1)
		d.because(d.rule(rule.Rule))
		d.tell(&routingv1.CaseUpdated{})
		d.Apply(e, t, s)
		if err := f.settle(1); err != nil {
			return false, err
		}
		return true, nil
	}
	return false, nil
}

// stillUndecided tells that a clock that would start has no limit yet.
func stillUndecided(d *Decision, e policy.Effects, s *policy.Sheet) bool {
	return slices.ContainsFunc(e.StartClocks, func(def *policyv1.Clock) bool {
		if isPlanned(def) {
			return false
		}
		_, err := d.term(def, s)
		return err != nil
	})
}

// sheet returns what conditions read after an event.
func (f *follower) sheet(t Trigger) *policy.Sheet {
	s := Scoped(f.d.Sheet(f.w.Complaint()), t.Subject)
	switch t.Event {
	case policyv1.Event_EVENT_STEP_DONE:
		s = sheet.WithStep(s, t.ID, t.By)
	case policyv1.Event_EVENT_FORM_FILLED:
		s = sheet.WithForm(s, t.ID, t.By)
	}
	if t.Approval != nil {
		s = sheet.WithApproval(s, t.Approval)
	}
	return s
}

// TriggersOf returns what an event of the case, its plans and replies means to the
// pack: the suite's table, and what only routing knows, such as the signatures on
// a grade.
func TriggersOf(e *Event, act time.Time) []Trigger {
	base := Trigger{At: act}
	switch m := e.State.(type) {
	case *routingv1.Plan:
		base.Resource, base.Subject, base.Approval = e.Name, m, m.GetApproval()
	case *routingv1.Reply:
		base.Resource, base.Subject, base.At = e.Name, m, m.GetSendTime().AsTime()
	case *routingv1.Offer:
		base.Resource, base.Subject = e.Name, m
	case *routingv1.CaseApproval:
		base.Resource, base.Subject, base.Approval = e.Name, m, m.GetApproval()
	}
	var out []Trigger
	one := func(event policyv1.Event, id string) {
		t := base
		t.Event, t.ID = event, id
		out = append(out, t)
	}
	switch c := e.Change.(type) {
	case *routingv1.RoundStarted:
		one(policyv1.Event_EVENT_CASE_ROUND_STARTED, c.GetRound())
		return out
	case *routingv1.StepChanged:
		for _, st := range e.State.(*routingv1.Case).GetSteps() {
			if st.GetId() == c.GetStep() && st.GetState() == routingv1.Step_STATE_DONE {
				base.By = st.GetDoneBy()
			}
		}
	}
	for _, t := range trigger.Of(e.Change, e.State) {
		one(t.Event, t.ID)
	}
	for _, t := range signed(e) {
		base.Approval = t.Approval
		if !slices.ContainsFunc(out, func(o Trigger) bool { return o.Trigger == t.Trigger }) {
			one(t.Event, t.ID)
		}
	}
	return out
}

// signed returns what happened to an approval of a grade or plan.
func signed(e *Event) []Trigger {
	var a *typev1.Approval
	asked := false
	switch c := e.Change.(type) {
	case *routingv1.GradeProposed, *routingv1.GradeSigned:
		a = e.State.(*routingv1.Case).GetGradeProposal().GetApproval()
		_, asked = c.(*routingv1.GradeProposed)
	case *routingv1.PlanSigned:
		a = e.State.(*routingv1.Plan).GetApproval()
	}
	if a == nil {
		return nil
	}
	of := func(event policyv1.Event) Trigger {
		return Trigger{Trigger: trigger.Trigger{Event: event, ID: a.GetId()}, Approval: a}
	}
	if asked {
		return []Trigger{of(policyv1.Event_EVENT_APPROVAL_ASKED)}
	}
	out := []Trigger{of(policyv1.Event_EVENT_APPROVAL_SIGNED)}
	switch {
	case a.GetState() == typev1.Approval_STATE_REFUSED:
		out = append(out, of(policyv1.Event_EVENT_APPROVAL_REFUSED))
	case approval.Complete(a):
		if _, plan := e.Change.(*routingv1.PlanSigned); !plan { // PlanApproved says it of a plan
			out = append(out, of(policyv1.Event_EVENT_APPROVAL_GRANTED))
		}
	}
	return out
}
