package domain

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/approval"
	"example.com/redress/services/policy"
)

// RPCs that do the work.
const (
	methodVerify   = "redress.intake.v1.IntakeService.VerifyComplaint"
	methodStep     = "redress.routing.v1.RoutingService.DoStep"
	methodGrade    = "redress.routing.v1.RoutingService.SignGrade"
	methodPropose  = "redress.routing.v1.RoutingService.ProposePlan"
	methodSign     = "redress.routing.v1.RoutingService.SignPlan"
	methodStart    = "redress.routing.v1.RoutingService.StartPlan"
	methodComplete = "redress.routing.v1.RoutingService.CompleteMeasure"
	methodReply    = "redress.routing.v1.RoutingService.RecordReply"
	methodClose    = "redress.routing.v1.RoutingService.CloseCase"
)

// ongoing reports whether a case is still worked on.
func ongoing(k *routingv1.Case) bool {
	return k != nil && k.GetState() != routingv1.Case_STATE_CLOSED && k.GetState() != routingv1.Case_STATE_WITHDRAWN
}

// verify: a registered complaint waits for those whom the pack lets verify, or
// who fill the forms it wants before; else for the owner of the channel.
func (c *collector) verify() {
	v := c.m.Complaint
	if v.GetState() != intakev1.Complaint_STATE_REGISTERED {
		return
	}
	only, forms, rule := c.before(policyv1.Act_ACT_VERIFY)
	who := only
	if len(who) == 0 {
		left := slices.DeleteFunc(slices.Clone(forms), c.filled)
		if len(left) == 0 {
			left = forms
		}
		for _, f := range left {
			who = append(who, c.fillers(f)...)
		}
	}
	if who = staff(who); len(who) == 0 && v.GetChannelOwner() != "" {
		who = []string{v.GetChannelOwner()}
	}
	c.add(reportingv1.WorkItem_KIND_VERIFY, methodVerify,
		item(v.GetName(), v.GetReceiveTime(), rule, words("向客户核实投诉", "Verify the complaint with the customer"), who...))
}

// before returns whom gates admit to an act, the forms they want, and the first gate's rule.
func (c *collector) before(act policyv1.Act) (only, forms []string, rule *typev1.RuleRef) {
	for _, g := range c.rules().GetGates() {
		if !slices.Contains(g.GetBefore(), act) || g.GetWarn() {
			continue
		}
		only = append(only, g.GetOnly()...)
		for _, n := range g.GetNeeds() {
			if n.GetForm() != "" {
				forms = append(forms, n.GetForm())
			}
		}
		if rule == nil {
			rule = c.m.Policy.Rule(g.GetId())
		}
	}
	return only, forms, rule
}

func (c *collector) rules() *policyv1.Pack {
	if c.m.Policy == nil {
		return nil
	}
	return c.m.Policy.Rules()
}

func (c *collector) filled(form string) bool {
	return slices.ContainsFunc(c.m.Complaint.GetForms(), func(f *intakev1.FilledForm) bool { return f.GetForm() == form })
}

// fillers returns who fills a form.
func (c *collector) fillers(form string) []string {
	for _, f := range c.rules().GetForms() {
		if f.GetId() == form {
			return f.GetFilledBy()
		}
	}
	return nil
}

// staff drops the customer and duplicates: work waits for people of the organisation.
func staff(who []string) []string {
	out := slices.DeleteFunc(slices.Clone(who), func(w string) bool { return w == "customer" })
	var once []string
	for _, w := range out {
		if !slices.Contains(once, w) {
			once = append(once, w)
		}
	}
	return once
}

// steps: duties of the pack that must be done.
func (c *collector) steps() {
	k := c.m.Case
	for _, s := range k.GetSteps() {
		if s.GetState() != routingv1.Step_STATE_OPEN {
			continue
		}
		w := item(k.GetName(), s.GetOpenTime(), s.GetRule(), titled("", "", s.GetRule().GetText(), s.GetId()), staff(s.GetBy())...)
		w.part = s.GetId()
		c.add(reportingv1.WorkItem_KIND_STEP, methodStep, w.by(c.m.counting(k.GetName(), s.GetId())))
	}
}

// grade: the proposal of another grade wants signatures.
func (c *collector) grade() {
	k := c.m.Case
	c.sign(k.GetName(), methodGrade, k.GetGradeProposal().GetApproval())
}

// sign adds what an open approval waits for. Source: PROCEDURES K12 for who may not sign.
func (c *collector) sign(resource, method string, a *typev1.Approval) {
	if a.GetState() != typev1.Approval_STATE_OPEN {
		return
	}
	since := a.GetAskTime()
	barred := []string{a.GetAskedBy()}
	for _, s := range a.GetSteps() {
		for _, g := range s.GetSignatures() {
			barred = append(barred, g.GetPerson())
			if g.GetOnBehalfOf() != "" {
				barred = append(barred, g.GetOnBehalfOf())
			}
			if g.GetSignTime().AsTime().After(since.AsTime()) {
				since = g.GetSignTime()
			}
		}
	}
	w := item(resource, since, a.GetRule(), titled("签署：", "Sign: ", a.GetRule().GetText(), a.GetId()), approval.Next(a)...)
	w.Barred, w.part = barred, a.GetId()
	c.add(reportingv1.WorkItem_KIND_SIGN, method, w)
}

// plan: a verified complaint waits for a handling plan, a proposed one for
// signatures, an approved one for its start.
func (c *collector) plan() {
	k, p := c.m.Case, c.m.Plan
	switch p.GetState() {
	case routingv1.Plan_STATE_PROPOSED:
		c.sign(p.GetName(), methodSign, p.GetApproval())
		return
	case routingv1.Plan_STATE_APPROVED:
		since := p.GetApproval().GetDecideTime()
		if since == nil {
			since = p.GetProposeTime()
		}
		c.add(reportingv1.WorkItem_KIND_PLAN, methodStart,
			item(p.GetName(), since, p.GetRule(), words("开始执行已批准的处理方案", "Start the approved handling plan"), c.handlers()...))
		return
	case routingv1.Plan_STATE_RUNNING:
		return
	case routingv1.Plan_STATE_CARRIED_OUT:
		if p.GetRound() == k.GetRound() {
			return
		}
	case routingv1.Plan_STATE_UNSPECIFIED, routingv1.Plan_STATE_RETURNED, routingv1.Plan_STATE_REFUSED, routingv1.Plan_STATE_VOID:
	}
	if c.m.Complaint.GetState() != intakev1.Complaint_STATE_VERIFIED ||
		k.GetState() == routingv1.Case_STATE_ANSWERED || k.GetState() == routingv1.Case_STATE_COMPLETED {
		return
	}
	since := latest(c.m.Complaint.GetVerification().GetVerifyTime(), p.GetApproval().GetDecideTime(), p.GetCompleteTime())
	only, _, rule := c.before(policyv1.Act_ACT_PROPOSE_PLAN)
	who := staff(only)
	if len(who) == 0 {
		who = c.handlers()
	}
	text := words("制定处理方案", "Propose a handling plan")
	if k.GetRound() > 1 {
		text = words("调整处理方案", "Propose an adjusted handling plan")
	}
	c.add(reportingv1.WorkItem_KIND_PLAN, methodPropose, item(k.GetName(), since, rule, text, who...))
}

// handlers names the owner of the case, else the responsible departments, else nobody.
func (c *collector) handlers() []string {
	switch k := c.m.Case; {
	case k.GetOwner() != "":
		return []string{k.GetOwner()}
	case len(k.GetDepartments()) > 0:
		return []string{"department@responsible"}
	default:
		return nil
	}
}

func latest(all ...*timestamppb.Timestamp) *timestamppb.Timestamp {
	var last *timestamppb.Timestamp
	for _, t := range all {
		if t != nil && (last == nil || t.AsTime().After(last.AsTime())) {
			last = t
		}
	}
	return last
}

// measures: what people do of a running plan; compensation and corrective action
// wait as claims and actions.
func (c *collector) measures() {
	p := c.m.Plan
	if p.GetState() != routingv1.Plan_STATE_RUNNING {
		return
	}
	for _, m := range p.GetMeasures() {
		open := m.GetState() == routingv1.Measure_STATE_PLANNED || m.GetState() == routingv1.Measure_STATE_RUNNING
		work := m.GetKind() == routingv1.Measure_KIND_WORK || m.GetKind() == routingv1.Measure_KIND_UNSPECIFIED
		if !open || !work {
			continue
		}
		who := c.handlers()
		switch {
		case m.GetPerson() != "":
			who = []string{m.GetPerson()}
		case m.GetDepartment() != "":
			who = []string{"anyone@" + strings.TrimPrefix(m.GetDepartment(), "departments/")}
		}
		w := item(p.GetName(), p.GetStartTime(), p.GetRule(), words("执行方案措施 "+m.GetId(), "Carry out measure "+m.GetId()), who...)
		w.part, w.Item.DueTime = m.GetId(), m.GetDueTime()
		c.add(reportingv1.WorkItem_KIND_MEASURE, methodComplete, w.by(c.m.clock(m.GetClock())))
	}
}

// replies: the customer waits as long as a clock counts that a reply meets.
// Source: PROCEDURES P26 (一), P26-A1.
func (c *collector) replies() {
	for _, k := range c.m.Clocks {
		if k.GetSubject() != c.m.Case.GetName() || !counts(k) || !c.metByReply(k.GetKind()) {
			continue
		}
		w := item(k.GetSubject(), k.GetStartTime(), k.GetRule(), titled("答复客户：", "Answer the customer: ", k.GetRule().GetText(), k.GetKind()), staff(k.GetOwedBy())...)
		w.part = k.GetName()
		c.add(reportingv1.WorkItem_KIND_REPLY, methodReply, w.by(k))
	}
}

func (c *collector) metByReply(kind string) bool {
	if c.m.Policy == nil {
		return false
	}
	return slices.ContainsFunc(c.m.Policy.Clock(kind).GetMetBy(), func(t *policyv1.Trigger) bool {
		return t.GetEvent() == policyv1.Event_EVENT_REPLY_SENT
	})
}

// close: an answered case whose gates are open and that waits for nothing.
// Source: PROCEDURES P26 (六).
func (c *collector) close() {
	k := c.m.Case
	if c.m.Policy == nil || k.GetState() != routingv1.Case_STATE_ANSWERED && k.GetState() != routingv1.Case_STATE_COMPLETED {
		return
	}
	for _, o := range k.GetObligations() {
		if o.GetState() == typev1.Obligation_STATE_OPEN && o.GetBlocksClose() {
			return
		}
	}
	everybody := func(string) bool { return true } // who may is asked of the person, not of the case
	if len(c.m.Policy.Gate(policyv1.Act_ACT_CLOSE, policy.Subject{Is: everybody}, c.m.sheet())) > 0 {
		return
	}
	only, _, rule := c.before(policyv1.Act_ACT_CLOSE)
	who := staff(only)
	if len(who) == 0 {
		who = c.handlers()
	}
	c.add(reportingv1.WorkItem_KIND_CLOSE, methodClose,
		item(k.GetName(), latest(k.GetSatisfaction().GetAnswerTime(), k.GetUpdateTime()), rule, words("关闭案件", "Close the case"), who...))
}
