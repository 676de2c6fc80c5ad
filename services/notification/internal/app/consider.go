package app

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/sheet"
	"example.com/redress/services/policy/trigger"
)

// Occasion is an event that may lead to notices.
type Occasion struct {
	// Seed names it, the same whenever it is considered: notices take their names from it.
	Seed string
	// At is when it happened.
	At time.Time
	// Change and State are the event's.
	Change, State proto.Message
	// First: it was not considered before, so that nothing was made of it yet.
	First bool
}

// Complaint returns the complaint it is about; empty for none.
func (o Occasion) Complaint() string { return complaintOf(o.State) }

// Concerns reports whether an event can lead to anything here.
func Concerns(o Occasion) bool {
	if o.Complaint() == "" {
		return revisionOf(o.State) != "" && len(triggers(o)) > 0
	}
	switch o.Change.(type) {
	case *routingv1.ObligationOpened, *routingv1.CaseWithdrawn:
		return true
	}
	return len(triggers(o)) > 0 || trigger.Found(o.Change, o.State) != ""
}

// Consider lets follow what an event means: notices of the pack, what members of
// staff are told, replies to deliver, follow-ups opened and cancelled. What was
// done before for the same event is not done again, so it may be considered as
// often as something was missing; Need says what still is.
//
// Source: PACK-SKETCH 2.4; SERVICES (who executes which part of Effects).
func (d *Desk) Consider(u *journal.Unit, o Occasion) (Need, error) {
	if o.Complaint() == "" {
		return d.considerOutside(u, o)
	}
	_, fromIntake := o.State.(*intakev1.Complaint)
	k, need, err := d.look(u, o.Complaint(), !fromIntake)
	if err != nil || !need.Nothing() {
		return need, err
	}
	k.party = partyOf(o.State)
	if err := d.followUps(u, k, o); err != nil {
		return Need{}, err
	}
	if r, ok := o.State.(*routingv1.Reply); ok && r.GetDeliver() {
		if err := d.reply(u, k, o, r); err != nil {
			return Need{}, err
		}
	}
	return d.both(u, k, o)
}

// considerOutside lets follow what happens outside complaints: notices about entries,
// duties, departments and watches, and what members of staff are told. What would need
// facts waits for nothing: nobody records any.
func (d *Desk) considerOutside(u *journal.Unit, o Occasion) (Need, error) {
	k, need, err := d.outside(u, revisionOf(o.State))
	if err != nil || !need.Nothing() {
		return need, err
	}
	k.party = partyOf(o.State)
	if err := d.visits(u, k, o); err != nil {
		return Need{}, err
	}
	_, err = d.both(u, k, o)
	return Need{}, err
}

// both lets follow what the pack says about an event, and issues the notice that tells of
// an entry.
func (d *Desk) both(u *journal.Unit, k *known, o Occasion) (Need, error) {
	s := scoped(k.sheet(), o)
	need, err := d.react(u, k, o, s, triggers(o), 0)
	if err != nil {
		return need, err
	}
	found, err := d.carryOut(u, k, o, s, k.policy.Follows(k.policy.Found(trigger.Found(o.Change, o.State)), s), false, 0)
	if err != nil {
		return need, err
	}
	need.Facts = append(need.Facts, found.Facts...)
	if _, made := o.Change.(*correctiveactionv1.EntryMade); !made {
		return need, nil
	}
	rule := as[*correctiveactionv1.Entry](o.State).GetEntry()
	pack := k.policy.Rules()
	for _, e := range pack.GetAssessment() {
		for _, n := range pack.GetNotices() {
			if e.GetId() != rule || n.GetId() != e.GetNotice() {
				continue
			}
			if _, missing, err := d.issuePack(u, k, o, s, n, false, issuer{}); err != nil {
				return Need{}, err
			} else if !k.final() {
				need.Facts = append(need.Facts, missing...)
			}
		}
	}
	return need, nil
}

// maxChain is how many notices may follow from one another.
const maxChain = 4

func (d *Desk) react(u *journal.Unit, k *known, o Occasion, s *policy.Sheet, all []trigger.Trigger, depth int) (Need, error) {
	var need Need
	for _, t := range all {
		more, err := d.carryOut(u, k, o, s, k.policy.On(eventWord(t.Event.String()), t.ID, s), welcomes(t), depth)
		if err != nil {
			return Need{}, err
		}
		need.Facts = append(need.Facts, more.Facts...)
	}
	slices.Sort(need.Facts)
	need.Facts = slices.Compact(need.Facts)
	return need, nil
}

// carryOut issues and tells what effects ask for. welcome says that they are those of the
// receipt of a complaint.
func (d *Desk) carryOut(u *journal.Unit, k *known, o Occasion, s *policy.Sheet, e policy.Effects, welcome bool, depth int) (Need, error) {
	var need Need
	for _, p := range e.Pending {
		if informs(k.policy, p) {
			need.Facts = append(need.Facts, p.Missing...)
		}
	}
	for _, n := range e.IssueNotices {
		made, missing, err := d.issuePack(u, k, o, s, n, welcome, issuer{})
		if err != nil {
			return Need{}, err
		}
		need.Facts = append(need.Facts, missing...)
		if !made || depth >= maxChain {
			continue
		}
		issued := []trigger.Trigger{{Event: policyv1.Event_EVENT_NOTICE_ISSUED, ID: n.GetId()}}
		next := sheet.WithNotice(s, &notificationv1.Notice{Kind: n.GetId()})
		more, err := d.react(u, k, o, next, issued, depth+1)
		if err != nil {
			return Need{}, err
		}
		need.Facts = append(need.Facts, more.Facts...)
	}
	for _, do := range e.Do {
		if who, ok := do.Do.GetOne().(*policyv1.Do_Notify); ok {
			if err := d.tell(u, k, o, do.Rule, who.Notify, do.Do.GetText()); err != nil {
				return Need{}, err
			}
		}
	}
	if k.final() {
		need.Facts = nil // nothing more will be recorded
	}
	return need, nil
}

// welcomes tells whether an event is the receipt of a complaint: its notice says
// where to see how it stands.
func welcomes(t trigger.Trigger) bool {
	return t.Event == policyv1.Event_EVENT_COMPLAINT_RECEIVED || t.Event == policyv1.Event_EVENT_COMPLAINT_REGISTERED
}

// triggers returns what an event means to packs.
func triggers(o Occasion) []trigger.Trigger {
	switch c := o.Change.(type) {
	case *routingv1.RoundStarted:
		return []trigger.Trigger{{Event: policyv1.Event_EVENT_CASE_ROUND_STARTED, ID: c.GetRound()}}
	case *routingv1.GradeProposed:
		a := as[*routingv1.Case](o.State).GetGradeProposal().GetApproval()
		return []trigger.Trigger{{Event: policyv1.Event_EVENT_APPROVAL_ASKED, ID: a.GetId()}}
	}
	return trigger.Of(o.Change, o.State)
}

// scoped returns the sheet with what the event brings.
func scoped(s *policy.Sheet, o Occasion) *policy.Sheet {
	switch m := o.State.(type) {
	case *routingv1.Plan:
		s = sheet.WithPlan(s, m)
		if m.GetApproval() != nil {
			s = sheet.WithApproval(s, m.GetApproval())
		}
	case *routingv1.Reply:
		s = sheet.WithReply(s, m)
	case *clockv1.Clock:
		s = sheet.WithClock(s, m)
	case *compensationv1.Claim:
		s = sheet.WithClaim(s, m)
		if m.GetApproval() != nil {
			s = sheet.WithApproval(s, m.GetApproval())
		}
	case *correctiveactionv1.Action, *correctiveactionv1.Entry, *correctiveactionv1.Penalty, *correctiveactionv1.Duty, *correctiveactionv1.DepartmentFile:
		s = sheet.WithCorrective(s, o.Change, m)
	case *compensationv1.Goods:
		s = sheet.WithGoods(s, m)
	case *compensationv1.Allocation:
		s = sheet.WithAllocation(s, m)
	case *routingv1.Offer:
		s = sheet.WithOffer(s, m)
	case *routingv1.News:
		s = sheet.WithNews(s, m)
	case *routingv1.CaseApproval:
		s = sheet.WithCaseApproval(s, m)
	case *intakev1.Praise:
		s = sheet.WithPraise(s, m)
	case *notificationv1.FollowUp:
		s = sheet.WithFollowUp(s, m)
	case *notificationv1.Notice:
		s = sheet.WithNotice(s, m)
	case *routingv1.Case:
		if a := m.GetGradeProposal().GetApproval(); a != nil {
			s = sheet.WithApproval(s, a)
		}
	}
	switch c := o.Change.(type) {
	case *routingv1.StepChanged:
		s = sheet.WithStep(s, c.GetStep(), doneBy(o.State, c.GetStep()))
	case *intakev1.FormFilled:
		by := ""
		if forms := as[*intakev1.Complaint](o.State).GetForms(); len(forms) > 0 {
			by = forms[len(forms)-1].GetPrincipal()
		}
		s = sheet.WithForm(s, c.GetForm(), by)
	}
	return s
}

func doneBy(state proto.Message, step string) (by string) {
	for _, s := range as[*routingv1.Case](state).GetSteps() {
		if s.GetId() == step {
			by = s.GetDoneBy()
		}
	}
	return by
}

// informs tells whether a rule that waits for facts would issue or tell something.
func informs(p *policy.Policy, waiting policy.Pending) bool {
	if waiting.Kind == "NOTICE" {
		return true
	}
	if waiting.Kind != "REACTION" {
		return false
	}
	pack := p.Rules()
	says := func(do []*policyv1.Do) bool {
		return slices.ContainsFunc(do, func(d *policyv1.Do) bool { return d.GetNotify() != "" || d.GetIssue() != "" })
	}
	for _, r := range pack.GetReactions() {
		if r.GetId() == waiting.Rule {
			return says(r.GetDo())
		}
	}
	for _, c := range pack.GetClocks() {
		if c.GetId() == waiting.Rule {
			return says(c.GetOnBreach())
		}
	}
	for _, f := range pack.GetFollowUp() {
		if f.GetId() == waiting.Rule {
			return says(f.GetIfDissatisfied())
		}
	}
	return false
}

// unmet returns what a notice still needs before it may be issued.
//
// Source: PACK-SKETCH 2.2 (Notice.needs).
func unmet(p *policy.Policy, needs []*policyv1.Need, s *policy.Sheet) []string {
	var out []string
	lacks := func(have []string, id string) {
		if !slices.Contains(have, id) {
			out = append(out, id)
		}
	}
	for _, n := range needs {
		switch one := n.GetOne().(type) {
		case *policyv1.Need_Step:
			lacks(s.Done, one.Step)
		case *policyv1.Need_Form:
			lacks(s.Filled, one.Form)
		case *policyv1.Need_Approval:
			lacks(s.Approved, one.Approval)
		case *policyv1.Need_Notice:
			lacks(s.Issued, one.Notice)
		case *policyv1.Need_Fact:
			if s.Facts[one.Fact].GetValue() == nil {
				out = append(out, one.Fact)
			}
		case *policyv1.Need_That:
			if t, missing, err := p.Eval(one.That, s); err != nil || t != policy.True {
				out = append(append(out, "that"), missing...)
			}
		}
	}
	return out
}

// text returns the first text that says something.
func text(all ...*typev1.Text) *typev1.Text {
	for _, t := range all {
		if t.GetZh() != "" || t.GetEn() != "" {
			return t
		}
	}
	return &typev1.Text{Zh: "有新的进展", En: "there is news"}
}
