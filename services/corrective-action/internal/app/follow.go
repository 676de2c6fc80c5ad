package app

import (
	"slices"
	"strings"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"example.com/redress/services/corrective-action/internal/domain"
	"example.com/redress/services/kit/clocks"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/trigger"
)

// depth is how far consequences may follow from each other within one event. A pack
// that goes further goes in a circle, which lint refuses.
const maxDepth = 8

// Follow does what the pack says follows from an event, as far as it is this service's:
// actions, entries of the ledger, and outside complaints duties and marks of penalties.
// pending tells that something waits for facts; asking again later for the same Source
// does what is left and nothing twice.
//
// Source: PACK-SKETCH 2.6, 2.7.
func (k *Desk) Follow(u *journal.Unit, sc *Scene, t trigger.Trigger) (pending bool, err error) {
	if sc.depth > maxDepth {
		return false, nil
	}
	return k.carryOut(u, sc, sc.Policy.On(strings.TrimPrefix(t.Event.String(), "EVENT_"), t.ID, sc.Sheet), ruleOf(t))
}

// Found lets follow what a rule brings that no event names: see [policy.Policy.Found].
func (k *Desk) Found(u *journal.Unit, sc *Scene, rule string) (pending bool, err error) {
	return k.carryOut(u, sc, sc.Policy.Follows(sc.Policy.Found(rule), sc.Sheet), rule)
}

func (k *Desk) carryOut(u *journal.Unit, sc *Scene, effects policy.Effects, rule string) (pending bool, err error) {
	for _, kind := range effects.OpenActions {
		if err := k.Owe(u, sc, sc.Source+"#"+kind.GetId(), domain.Identity{PolicyKind: kind.GetId()}, &correctiveactionv1.Action{}); err != nil {
			return false, err
		}
	}
	for _, d := range effects.Do {
		waits, err := k.do(u, sc, d)
		if err != nil {
			return false, err
		}
		pending = pending || waits
	}
	if sc.Outside {
		for _, o := range effects.OpenSteps {
			if err := k.owe(u, sc, o.Step, sc.Policy.Rule(rule)); err != nil {
				return false, err
			}
		}
		for _, step := range effects.VoidSteps {
			if err := k.void(u, sc, step); err != nil {
				return false, err
			}
		}
	}
	return pending || slices.ContainsFunc(effects.Pending, func(p policy.Pending) bool { return k.mine(sc, p) }), nil
}

// ruleOf is the rule of the pack that an event is about, where it is about one.
func ruleOf(t trigger.Trigger) string { return t.ID }

// mine tells whether what waits for facts would be done here.
func (k *Desk) mine(sc *Scene, p policy.Pending) bool {
	switch p.Kind {
	case "ACTION", "ENTRY":
		return true
	case "STEP":
		return sc.Outside
	case "REACTION":
		for _, r := range sc.Policy.Rules().GetReactions() {
			if r.GetId() == p.Rule {
				return slices.ContainsFunc(r.GetDo(), func(d *policyv1.Do) bool { return d.GetAction() != "" || d.GetEntry() != "" })
			}
		}
	}
	return false
}

func (k *Desk) do(u *journal.Unit, sc *Scene, d policy.RuleDo) (pending bool, err error) {
	switch {
	case d.Do.GetEntry() != "":
		due, ok := sc.Policy.Entry(d.Do.GetEntry(), sc.Sheet)
		if !ok {
			return false, nil
		}
		if due.SetBy != "" {
			return false, nil // a person decides on it, see domain.Penalise
		}
		if !due.Ready() {
			return true, nil
		}
		return false, k.Book(u, sc, due, "", nil)
	case d.Do.GetMark() != "" && sc.Penalty != "":
		return false, k.mark(u, sc, d.Do.GetMark(), d.Rule)
	}
	return false, nil
}

func (k *Desk) mark(u *journal.Unit, sc *Scene, mark string, rule *typev1.RuleRef) error {
	p := &correctiveactionv1.Penalty{}
	if _, err := u.Get(sc.Penalty, p); err != nil {
		return err
	}
	e := domain.MarkPenalty(p, mark, k.Act(u, sc, sc.By))
	if e == nil {
		return nil
	}
	because(u, rule)
	return u.Update(sc.Penalty, e.State, e.Change)
}

// owe opens a duty outside complaints, once for its cause and whom it is about.
func (k *Desk) owe(u *journal.Unit, sc *Scene, step *policyv1.Step, rule *typev1.RuleRef) error {
	name := "duties/" + ordered(sc.At, sc.depth, sc.Source+"#"+step.GetId()+"#"+sc.Counted)
	if _, err := u.Get(name, &correctiveactionv1.Duty{}); fault.KindOf(err) != fault.NotFound {
		return err
	}
	d := &correctiveactionv1.Duty{
		Name: name, Step: step.GetId(), Rule: proto.CloneOf(sc.Policy.Rule(step.GetId())), State: correctiveactionv1.Duty_STATE_OPEN,
		By: slices.Clone(step.GetBy()), Counted: sc.Counted, Period: or(sc.Period, month(sc, sc.At)), Optional: step.GetOptional(), Form: step.GetForm(),
		CreateTime: timestamppb.New(sc.At), UpdateTime: timestamppb.New(sc.At), Cause: sc.Cause, Complaint: sc.Complaint.GetName(), PolicyRevision: sc.Revision,
	}
	if rule != nil {
		d.Because = proto.CloneOf(rule)
	}
	if step.GetWithin() != "" {
		c, err := clocks.Start(u, clocks.Spec{
			Subject: name, Complaint: d.GetComplaint(), Kind: step.GetId(), Rule: d.GetRule(), Revision: sc.Revision, LimitText: step.GetWithin(),
			Start: sc.At, Calendar: sc.Policy.Calendar(), OwedBy: step.GetBy(), Round: 1,
		})
		if err != nil {
			return err
		}
		d.Clock, d.DueTime = c.GetName(), c.GetDueTime()
	}
	because(u, d.GetRule(), rule)
	return u.Create(name, d, &correctiveactionv1.DutyOpened{})
}

// void ends the open duties of a step that are about the same.
func (k *Desk) void(u *journal.Unit, sc *Scene, step string) error {
	names, err := u.Find(Duties, journal.Attr{Name: AttrStep, Value: step}, journal.Attr{Name: AttrCounted, Value: sc.Counted},
		journal.Attr{Name: AttrState, Value: correctiveactionv1.Duty_STATE_OPEN.String()})
	if err != nil {
		return err
	}
	for _, name := range names {
		d := &correctiveactionv1.Duty{}
		if _, err := u.Get(name, d); err != nil {
			return err
		}
		because(u, d.GetRule())
		if err := u.Update(name, domain.VoidDuty(d, k.Act(u, sc, sc.By)), &correctiveactionv1.DutyVoided{}); err != nil {
			return err
		}
		if err := clocks.CancelAll(u, name); err != nil {
			return err
		}
	}
	return nil
}

func or(s, instead string) string {
	if s != "" {
		return s
	}
	return instead
}
