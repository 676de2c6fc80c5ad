package rehearsal

import (
	"slices"
	"strconv"
	"strings"
	"time"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/approval"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/rehearse"
	"example.com/redress/services/routing/internal/domain"
)

// watch notes what the pack brings about that other services carry out, and what is owed.
func (x *replay) watch(e policy.Effects, t domain.Trigger, _ *policy.Sheet) {
	for _, n := range e.IssueNotices {
		x.out.Count(rehearse.Entry{Kind: rehearse.Notice, Subject: n.GetId(), Value: strings.Join(n.GetTo(), ", "), Rule: x.policy.Rule(n.GetId())})
		x.owed = append(x.owed, n)
	}
	for _, o := range e.OpenSteps {
		x.duty(o.Step.GetId(), o.Step.GetBy())
	}
	for _, f := range e.OpenFollowUps {
		x.duty(f.GetId(), f.GetBy())
	}
	for _, a := range e.OpenActions {
		x.duty(a.GetId(), a.GetWrittenBy())
	}
	for _, r := range e.StartRounds {
		x.course(x.policy.Rule(r.GetId()), "round")
	}
	for _, do := range e.Do {
		x.course(do.Rule, consequence(do.Do))
	}
	for _, p := range e.Pending {
		switch p.Kind {
		case "NOTICE", "ACTION", "ENTRY": // the others the case keeps itself
			x.waiting = append(x.waiting, waiting{p, t})
		}
	}
}

func (x *replay) duty(id string, by []string) {
	x.out.Count(rehearse.Entry{Kind: rehearse.Duty, Subject: id, Value: strings.Join(by, ", "), Rule: x.policy.Rule(id)})
}

func (x *replay) course(rule *typev1.RuleRef, value string) {
	x.out.Count(rehearse.Entry{Kind: rehearse.Course, Subject: rule.GetRule(), Value: value, Rule: rule})
}

// consequence names what a rule does and to whom, as packs write it.
func consequence(do *policyv1.Do) string {
	switch one := do.GetOne().(type) {
	case *policyv1.Do_Notify:
		return "notify: " + one.Notify
	case *policyv1.Do_Remedy:
		return "remedy: " + one.Remedy
	case *policyv1.Do_Entry:
		return "entry: " + one.Entry
	case *policyv1.Do_Assign:
		return "assign: " + one.Assign
	case *policyv1.Do_WorkOrder:
		return "work_order: " + one.WorkOrder
	case *policyv1.Do_Escalate:
		return "escalate: " + one.Escalate
	case *policyv1.Do_Mark:
		return "mark: " + one.Mark
	case *policyv1.Do_Refer:
		return "refer: " + one.Refer
	case *policyv1.Do_Close:
		return "close: " + strings.TrimPrefix(one.Close.String(), "OUTCOME_")
	}
	return ""
}

// chain notes who signs something by an approval of the pack; what cannot be told yet is told so.
func (x *replay) chain(subject string, def *policyv1.Approval, s *policy.Sheet, amount *typev1.Money) {
	if def == nil {
		return
	}
	a, err := approval.Open(def, approval.Request{
		AskedBy: domain.RuleAsks, Digest: approval.Digest(subject), Time: x.now, Amount: amount,
		Applies: func(cond string) (bool, []string, error) {
			t, missing, err := x.policy.Eval(cond, s)
			return t == policy.True, missing, err
		},
	})
	if err != nil {
		x.out.Count(rehearse.Entry{Kind: rehearse.Approver, Subject: subject, Value: "?", Rule: x.policy.Rule(def.GetId())})
		return
	}
	x.approver(subject, a)
}

func (x *replay) approver(subject string, a *typev1.Approval) {
	x.out.Count(rehearse.Entry{
		Kind: rehearse.Approver, Subject: subject, Value: strings.Join(rehearse.Chain(a), "; "), Rule: x.policy.Rule(a.GetId()),
	})
}

// standard notes what the pack gives for a claim, and at most.
func (x *replay) standard(c *compensationv1.Claim, s *policy.Sheet) {
	switch st := x.policy.Standard(c.GetRemedy(), s); {
	case st.None || len(st.Missing) > 0:
	case st.Amount != nil:
		x.out.Set(rehearse.Entry{Kind: rehearse.Amount, Subject: c.GetName(), Value: st.Amount.GetAmount(), Rule: st.Rule})
	default:
		x.out.Set(rehearse.Entry{Kind: rehearse.Amount, Subject: c.GetName(), Value: strconv.FormatInt(st.Units, 10), Rule: st.Rule})
	}
	for _, r := range x.policy.Rules().GetCompensation().GetRemedies() {
		if r.GetId() == c.GetRemedy() && r.GetCeiling() != "" {
			x.out.Set(rehearse.Entry{Kind: rehearse.Amount, Subject: c.GetName() + " ceiling", Value: r.GetCeiling(), Rule: x.policy.Rule(r.GetId())})
		}
	}
}

// conclude notes how the case stands at the end.
func (x *replay) conclude() {
	if x.kase == nil {
		return
	}
	for scale, g := range x.kase.GetGrades() {
		x.out.Set(rehearse.Entry{Kind: rehearse.Grade, Subject: scale, Value: g.GetLevel(), Rule: g.GetRule()})
	}
	x.departments(x.kase)
	if o := x.policy.Rules().GetRouting().GetOwner(); o.GetId() != "" {
		value := o.GetUsually()
		if value == "" {
			value = o.GetBy()
		}
		x.out.Set(rehearse.Entry{Kind: rehearse.Owner, Subject: "owner", Value: value, Rule: x.policy.Rule(o.GetId())})
	}
	for _, c := range x.policy.Rules().GetAcceptance().GetChannels() {
		if c.GetId() == x.record.Complaint.GetChannel() {
			x.out.Set(rehearse.Entry{Kind: rehearse.Owner, Subject: "channel", Value: c.GetOwner(), Rule: x.policy.Rule(c.GetId())})
		}
	}
	for _, c := range x.book.Clocks() {
		value := ""
		if c.GetDueTime() != nil {
			value = c.GetDueTime().AsTime().Format(time.RFC3339)
		}
		x.out.Set(rehearse.Entry{Kind: rehearse.Deadline, Subject: last(c.GetName(), 1), Value: value, Rule: c.GetRule()})
	}
}

func (x *replay) departments(k *routingv1.Case) {
	if len(k.GetDepartments()) > 0 {
		x.out.Set(departments(k))
	}
}

func departments(k *routingv1.Case) rehearse.Entry {
	var all []string
	for _, d := range k.GetDepartments() {
		all = append(all, strings.TrimPrefix(d, "departments/"))
	}
	return rehearse.Entry{Kind: rehearse.Owner, Subject: "departments", Value: strings.Join(all, ", "), Rule: k.GetAssignRule()}
}

// recorded is what of an outcome is on record: grades, departments, deadlines, notices.
func recorded(r *Record) *rehearse.Outcome {
	out := &rehearse.Outcome{}
	for scale, g := range r.Case.GetGrades() {
		out.Set(rehearse.Entry{Kind: rehearse.Grade, Subject: scale, Value: g.GetLevel(), Rule: g.GetRule()})
	}
	if len(r.Case.GetDepartments()) > 0 {
		out.Set(departments(r.Case))
	}
	for _, c := range r.clocks {
		value := ""
		if c.GetDueTime() != nil {
			value = c.GetDueTime().AsTime().Format(time.RFC3339)
		}
		out.Set(rehearse.Entry{Kind: rehearse.Deadline, Subject: last(c.GetName(), 1), Value: value, Rule: c.GetRule()})
	}
	return out
}

// drift is where a replay under the pack that the case fell under differs from what is on record. Notices
// are compared by whether there was one.
func drift(r *Record, replayed *rehearse.Outcome) []rehearse.Difference {
	var out []rehearse.Difference
	for _, d := range rehearse.Compare(recorded(r), replayed) {
		compared := d.Kind == rehearse.Grade || d.Kind == rehearse.Deadline || d.Kind == rehearse.Owner && d.Subject == "departments"
		if compared {
			out = append(out, d)
		}
	}
	have := map[string]bool{}
	for _, e := range replayed.Entries() {
		if e.Kind == rehearse.Notice {
			have[e.Subject] = true
			if !slices.Contains(r.Case.GetIssued(), strings.TrimRight(strings.TrimRight(e.Subject, "0123456789"), "-")) && !slices.Contains(r.Case.GetIssued(), e.Subject) {
				out = append(out, rehearse.Difference{Kind: e.Kind, Subject: e.Subject, After: &e})
			}
		}
	}
	for _, id := range r.Case.GetIssued() {
		if n := noticeOf(r.Policy, id); n != nil && len(n.GetIssue()) > 0 && !have[id] {
			before := rehearse.Entry{Kind: rehearse.Notice, Subject: id, Value: strings.Join(n.GetTo(), ", "), Rule: r.Policy.Rule(id)}
			out = append(out, rehearse.Difference{Kind: rehearse.Notice, Subject: id, Before: &before})
		}
	}
	return out
}

func noticeOf(p *policy.Policy, id string) *policyv1.Notice {
	for _, n := range p.Rules().GetNotices() {
		if n.GetId() == id {
			return n
		}
	}
	return nil
}
