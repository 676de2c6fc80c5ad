package rehearsal

import (
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/calendar"
	"example.com/redress/services/kit/slaclock"
	"example.com/redress/services/policy/trigger"
	"example.com/redress/services/routing/internal/domain"
)

// moment is something that happened to a case and that no pack decides: an act of a person, or what
// another service made known.
type moment struct {
	at time.Time
	// opens: the case came into being.
	opens bool
	// state is the case as recorded, from which the acts of people are taken over; plan the plan it is about.
	state *routingv1.Case
	plan  *routingv1.Plan
	// do carries it out and says what it means to the pack.
	do func(*domain.Decision) []domain.Trigger
}

// moments returns what happened, in order of time.
func (x *replay) moments() []moment {
	out := slices.Concat(x.ofCase(), x.ofComplaint(), x.ofPlans(), x.ofReplies(), x.ofOffers(), x.ofApprovals(), x.ofClocks(), x.ofClaims())
	for i := range out {
		if out[i].state == nil && !out[i].opens {
			out[i].state = x.record.asOf(out[i].at)
		}
	}
	slices.SortStableFunc(out, func(a, b moment) int { return a.at.Compare(b.at) })
	return out
}

// on is a moment that means one event to the pack.
func on(at time.Time, event policyv1.Event, id string, about domain.Trigger) moment {
	about.Event, about.ID, about.At = event, id, at
	return moment{at: at, do: func(*domain.Decision) []domain.Trigger { return []domain.Trigger{about} }}
}

func (x *replay) ofCase() []moment {
	var out []moment
	add := func(v version, do func(*domain.Decision) []domain.Trigger) {
		out = append(out, moment{at: v.at, state: v.state, do: do})
	}
	tell := func(v version, by string) {
		add(v, func(*domain.Decision) []domain.Trigger {
			var triggers []domain.Trigger
			for _, t := range trigger.Of(v.change, v.state) {
				triggers = append(triggers, domain.Trigger{Trigger: t, At: v.at, By: by})
			}
			return triggers
		})
	}
	for i, v := range x.record.versions {
		switch c := v.change.(type) {
		case *routingv1.CaseOpened:
			out = append(out, moment{at: v.at, opens: true})
		case *routingv1.OwnerNamed, *routingv1.CauseRecorded, *routingv1.CasePassedOn, *routingv1.CaseSignedFor,
			*routingv1.HandlingCompleted, *routingv1.CaseDiagnosed:
			tell(v, "")
		case *routingv1.DepartmentsAssigned:
			if x.byPerson(v.state) {
				tell(v, "")
			} else { // classified; the pack says who answers for it
				add(v, func(d *domain.Decision) []domain.Trigger { d.FactsChanged(x.complaint(v.at)); return nil })
			}
		case *routingv1.GradeSet:
			if v.state.GetGrades()[c.GetScale()].GetApproved() {
				tell(v, "")
			}
		case *routingv1.GradeProposed:
			add(v, func(d *domain.Decision) []domain.Trigger {
				s := d.Sheet(x.complaint(v.at))
				for _, scale := range x.policy.Rules().GetGrades() {
					if scale.GetId() == v.state.GetGradeProposal().GetScale() {
						x.chain(scale.GetApproval(), x.policy.Approval(scale.GetApproval()), s, nil)
					}
				}
				return nil
			})
		case *routingv1.StepChanged:
			if c.GetState() == routingv1.Step_STATE_DONE {
				tell(v, doneBy(v.state, c.GetStep()))
			}
		case *routingv1.NoticeRecorded:
			add(v, x.noticed(i))
		case *routingv1.SatisfactionRecorded:
			add(v, func(d *domain.Decision) []domain.Trigger {
				told := v.state.GetSatisfaction()
				d.Answered(told.GetFollowUp(), told.GetSatisfied(), d.Case().GetRound(), told.GetAnswerTime().AsTime())
				f := x.record.followUps[told.GetFollowUp()]
				if f == nil {
					return nil
				}
				return []domain.Trigger{{
					Trigger:  trigger.Trigger{Event: policyv1.Event_EVENT_FOLLOW_UP_ANSWERED, ID: f.GetKind()},
					At:       v.at,
					Resource: f.GetName(), Subject: f,
				}}
			})
		case *routingv1.CaseClosed:
			add(v, func(d *domain.Decision) []domain.Trigger { d.CloseOutside(v.state.GetCloseOutcome(), nil); return nil })
		case *routingv1.CaseWithdrawn:
			add(v, func(d *domain.Decision) []domain.Trigger {
				d.Withdraw()
				return []domain.Trigger{{Trigger: trigger.Trigger{Event: policyv1.Event_EVENT_COMPLAINT_WITHDRAWN}, At: v.at}}
			})
		}
	}
	return out
}

func doneBy(k *routingv1.Case, step string) string {
	for _, st := range slices.Backward(k.GetSteps()) {
		if st.GetId() == step && st.GetState() == routingv1.Step_STATE_DONE {
			return st.GetDoneBy()
		}
	}
	return ""
}

// noticed takes over a notice that a person sent: one that no rule sends. Those that rules send are the
// replay's own.
func (x *replay) noticed(version int) func(*domain.Decision) []domain.Trigger {
	var before []string
	if version > 0 {
		before = x.record.versions[version-1].state.GetIssued()
	}
	v := x.record.versions[version]
	return func(d *domain.Decision) []domain.Trigger {
		var triggers []domain.Trigger
		for _, n := range x.record.Policy.Rules().GetNotices() {
			id := n.GetId()
			if len(n.GetIssue()) > 0 || !slices.Contains(v.state.GetIssued(), id) || slices.Contains(before, id) || slices.Contains(d.Case().GetIssued(), id) {
				continue
			}
			d.NoticeIssued(id)
			triggers = append(triggers, domain.Trigger{Trigger: trigger.Trigger{Event: policyv1.Event_EVENT_NOTICE_ISSUED, ID: id}, At: v.at})
		}
		return triggers
	}
}

func (x *replay) ofComplaint() []moment {
	c := x.record.Complaint
	var out []moment
	found := func(at time.Time, event policyv1.Event, id, by string, verified bool) {
		out = append(out, moment{at: at, do: func(d *domain.Decision) []domain.Trigger {
			now := x.complaint(at)
			d.FactsChanged(now)
			if verified {
				d.Verified()
			}
			d.Recompute(d.Sheet(now))
			return []domain.Trigger{{Trigger: trigger.Trigger{Event: event, ID: id}, At: at, By: by}}
		}})
	}
	if v := c.GetVerification(); v != nil {
		found(v.GetVerifyTime().AsTime(), policyv1.Event_EVENT_COMPLAINT_VERIFIED, "", v.GetPrincipal(), true)
	}
	if c.GetAcceptTime() != nil {
		found(c.GetAcceptTime().AsTime(), policyv1.Event_EVENT_COMPLAINT_ACCEPTED, "", "", false)
	}
	if j := c.GetJudgement(); j.GetJudgeTime() != nil {
		found(j.GetJudgeTime().AsTime(), policyv1.Event_EVENT_COMPLAINT_JUDGED, "", j.GetJudgedBy(), false)
	}
	for _, f := range c.GetForms() {
		if at := f.GetFillTime().AsTime(); at.After(c.GetCreateTime().AsTime()) {
			found(at, policyv1.Event_EVENT_FORM_FILLED, f.GetForm(), f.GetPrincipal(), false)
		}
	}
	return out
}

func (x *replay) ofPlans() []moment {
	var out []moment
	for _, p := range x.record.plans {
		about := domain.Trigger{Resource: p.GetName(), Subject: p, Approval: p.GetApproval()}
		if p.GetProposeTime() != nil {
			at := p.GetProposeTime().AsTime()
			out = append(out, moment{at: at, plan: p, do: func(d *domain.Decision) []domain.Trigger {
				def, _ := x.policy.ApprovalFor(policyv1.Subject_SUBJECT_PLAN, d.Sheet(x.complaint(at)))
				x.chain(last(p.GetName(), 2), def, d.Sheet(x.complaint(at)), nil)
				about.At, about.Event = at, policyv1.Event_EVENT_PLAN_PROPOSED
				triggers := []domain.Trigger{about}
				if def != nil {
					about.Event, about.ID = policyv1.Event_EVENT_APPROVAL_ASKED, def.GetId()
					triggers = append(triggers, about)
				}
				return triggers
			}})
		}
		if m, ok := decided(p.GetApproval(), about); ok {
			out = append(out, m)
		}
		for _, measure := range p.GetMeasures() {
			if measure.GetCompleteTime() != nil {
				out = append(out, on(measure.GetCompleteTime().AsTime(), policyv1.Event_EVENT_MEASURE_CARRIED_OUT, "", about))
			}
		}
		if p.GetCompleteTime() != nil {
			out = append(out, on(p.GetCompleteTime().AsTime(), policyv1.Event_EVENT_PLAN_CARRIED_OUT, "", about))
		}
	}
	return out
}

// decided is the moment at which an approval was granted or refused.
func decided(a *typev1.Approval, about domain.Trigger) (moment, bool) {
	if a.GetDecideTime() == nil {
		return moment{}, false
	}
	about.Approval = a
	switch a.GetState() {
	case typev1.Approval_STATE_GRANTED:
		return on(a.GetDecideTime().AsTime(), policyv1.Event_EVENT_APPROVAL_GRANTED, a.GetId(), about), true
	case typev1.Approval_STATE_REFUSED:
		return on(a.GetDecideTime().AsTime(), policyv1.Event_EVENT_APPROVAL_REFUSED, a.GetId(), about), true
	}
	return moment{}, false
}

func (x *replay) ofReplies() []moment {
	var out []moment
	for _, r := range x.record.replies {
		out = append(out, on(r.GetSendTime().AsTime(), policyv1.Event_EVENT_REPLY_SENT, "", domain.Trigger{Resource: r.GetName(), Subject: r}))
	}
	return out
}

func (x *replay) ofOffers() []moment {
	var out []moment
	for _, o := range x.record.offers {
		about := domain.Trigger{Resource: o.GetName(), Subject: o}
		out = append(out, on(o.GetOfferTime().AsTime(), policyv1.Event_EVENT_OFFER_MADE, "", about))
		if o.GetAnswerTime() != nil {
			out = append(out, on(o.GetAnswerTime().AsTime(), policyv1.Event_EVENT_OFFER_ANSWERED, "", about))
		}
	}
	return out
}

// ofApprovals are approvals of the case. What rules ask for the replay asks for itself; signatures are
// taken as given.
func (x *replay) ofApprovals() []moment {
	var out []moment
	for _, a := range x.record.approvals {
		chain := a.GetApproval()
		about := domain.Trigger{Resource: a.GetName(), Subject: a, Approval: chain}
		if chain.GetAskedBy() != domain.RuleAsks {
			at := chain.GetAskTime().AsTime()
			out = append(out, moment{at: at, do: func(d *domain.Decision) []domain.Trigger {
				s := domain.Scoped(d.Sheet(x.complaint(at)), a)
				x.chain(chain.GetId(), x.policy.Approval(chain.GetId()), s, chain.GetAmount())
				about.Event, about.ID, about.At = policyv1.Event_EVENT_APPROVAL_ASKED, chain.GetId(), at
				return []domain.Trigger{about}
			}})
		}
		if m, ok := decided(chain, about); ok {
			out = append(out, m)
		}
	}
	return out
}

// ofClocks are the pauses and extensions that people granted.
func (x *replay) ofClocks() []moment {
	var out []moment
	add := func(at time.Time, name string, do func(*calendar.Calendar, *clockv1.Clock) (*clockv1.Clock, []*clockv1.ClockChanged, error)) {
		out = append(out, moment{at: at, do: func(*domain.Decision) []domain.Trigger { x.change(name, do); return nil }})
	}
	for _, c := range x.record.clocks {
		for _, e := range c.GetExtensions() {
			at := e.GetGrantTime().AsTime()
			add(at, c.GetName(), func(cal *calendar.Calendar, k *clockv1.Clock) (*clockv1.Clock, []*clockv1.ClockChanged, error) {
				return slaclock.Extend(cal, k, at, e.GetDueTime().AsTime(), slaclock.By{Principal: e.GetPrincipal()})
			})
		}
		for _, p := range c.GetPauses() {
			at := p.GetStartTime().AsTime()
			add(at, c.GetName(), func(cal *calendar.Calendar, k *clockv1.Clock) (*clockv1.Clock, []*clockv1.ClockChanged, error) {
				return slaclock.Pause(cal, k, at, slaclock.By{Principal: p.GetPrincipal()})
			})
			if p.GetEndTime() != nil {
				end := p.GetEndTime().AsTime()
				add(end, c.GetName(), func(cal *calendar.Calendar, k *clockv1.Clock) (*clockv1.Clock, []*clockv1.ClockChanged, error) {
					return slaclock.Resume(cal, k, end)
				})
			}
		}
	}
	return out
}

// ofClaims are claims with the amounts they were put forward with.
func (x *replay) ofClaims() []moment {
	var out []moment
	for _, c := range x.record.claims {
		if c.GetSubmitTime() == nil {
			continue
		}
		at := c.GetSubmitTime().AsTime()
		about := domain.Trigger{Resource: c.GetName(), Subject: c, Approval: c.GetApproval()}
		out = append(out, moment{at: at, do: func(d *domain.Decision) []domain.Trigger {
			s := domain.Scoped(d.Sheet(x.complaint(at)), unsigned(c))
			def, _ := x.policy.ApprovalFor(policyv1.Subject_SUBJECT_CLAIM, s)
			amount := c.GetApproval().GetAmount()
			if amount == nil {
				amount = c.GetAmount()
			}
			x.chain(c.GetName(), def, s, amount)
			x.standard(c, s)
			about.Event, about.At = policyv1.Event_EVENT_CLAIM_REQUESTED, at
			triggers := []domain.Trigger{about}
			if def != nil {
				about.Event, about.ID = policyv1.Event_EVENT_APPROVAL_ASKED, def.GetId()
				triggers = append(triggers, about)
			}
			return triggers
		}})
		if m, ok := decided(c.GetApproval(), about); ok {
			out = append(out, m)
		}
		if paid := c.GetPayout().GetConfirmTime(); paid != nil {
			out = append(out, on(paid.AsTime(), policyv1.Event_EVENT_CLAIM_PAID, "", about))
		}
	}
	return out
}

// unsigned is a claim as it was put forward: nobody has signed it yet.
func unsigned(c *compensationv1.Claim) *compensationv1.Claim {
	out := proto.CloneOf(c)
	out.Approval = nil
	return out
}

// last returns the last n segments of a name.
func last(name string, n int) string {
	parts := strings.Split(name, "/")
	return strings.Join(parts[max(0, len(parts)-n):], "/")
}
