package domain

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/approval"
	"example.com/redress/services/kit/calendar"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/money"
	"example.com/redress/services/policy"
)

// PlanName returns the name of the case's plan of that number, from 1.
func PlanName(kase string, number int32) string { return kase + "/plans/" + strconv.Itoa(int(number)) }

// PlanNumber returns the number of the case's newest plan, 0 if there is none.
func PlanNumber(kase *routingv1.Case) int32 {
	name := kase.GetCurrentPlan()
	n, err := strconv.ParseInt(name[strings.LastIndexByte(name, '/')+1:], 10, 32)
	if err != nil {
		return 0
	}
	return int32(n)
}

// Proposed is a handling plan that is put forward.
type Proposed struct {
	// Measures and summary with their texts sealed; output fields are ignored.
	Measures []*routingv1.Measure
	Summary  string
	// Draft is approved as the ground of a final plan and not started itself.
	Draft bool
	// Facts of forms about plans.
	Facts map[string]*typev1.Fact
	By    Person
}

// PlanDigest seals what the signatories of a plan see: SHA-256 over the measures
// as they were proposed and the summary, texts as stored.
func PlanDigest(measures []*routingv1.Measure, summary string) string {
	parts := make([]string, 0, len(measures)+1)
	for _, m := range measures {
		c := proto.CloneOf(m)
		c.State, c.Clock, c.Obligation, c.CompleteTime = 0, "", "", nil
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(c)
		if err != nil { // a string that is not UTF-8 never gets past the edge
			b = []byte(err.Error())
		}
		parts = append(parts, string(b))
	}
	return approval.Digest(append(parts, summary)...)
}

// ProposePlan puts a handling plan forward and opens its approval, if the pack
// asks for one. It replaces an approved plan that was not begun.
//
// Source: PROCEDURES P26 (四).
func (d *Decision) ProposePlan(in Proposed, s *policy.Sheet) error {
	if err := d.open(); err != nil {
		return err
	}
	switch st := d.plan.GetState(); st {
	case routingv1.Plan_STATE_PROPOSED, routingv1.Plan_STATE_RUNNING:
		return fault.New(fault.FailedPrecondition, ReasonPlanPending, "plan", d.plan.GetName(), "state", word(st))
	}
	measures, err := d.measures(in.Measures)
	if err != nil {
		return err
	}
	next := &routingv1.Plan{
		Name: PlanName(d.kase.GetName(), PlanNumber(d.kase)+1), Complaint: d.kase.GetComplaint(), State: routingv1.Plan_STATE_PROPOSED,
		Measures: measures, Summary: in.Summary, ProposedBy: in.By.Name, Round: d.kase.GetRound(),
		Adjusted: d.kase.GetRound() > 1, ProposeTime: timestamppb.New(d.at), Draft: in.Draft, Facts: in.Facts,
	}
	if wrong := d.policy.CheckFacts(in.Facts); len(wrong) > 0 {
		return fault.New(fault.Invalid, ReasonForm, "form", "plan").WithViolations(wrong...)
	}
	s = Scoped(s, next)
	if err := d.gate(policyv1.Act_ACT_PROPOSE_PLAN, "", in.By, s); err != nil {
		return err
	}
	def, unmet := d.policy.ApprovalFor(policyv1.Subject_SUBJECT_PLAN, s)
	if err := closed(unmet); err != nil {
		return err
	}
	if def != nil {
		a, err := d.ask(def.GetId(), PlanDigest(measures, in.Summary), in.By, compensation(measures), d.plan.GetApproval(), s)
		if err != nil {
			return err
		}
		next.Approval, next.Rule = a, a.GetRule()
	} else {
		next.State = routingv1.Plan_STATE_APPROVED
	}
	if d.plan.GetState() == routingv1.Plan_STATE_APPROVED && !d.plan.GetDraft() {
		d.because(d.plan.GetRule())
		d.voidPlan()
	}
	remove(&d.kase.Approved, next.GetApproval().GetId())
	d.plan, d.kase.CurrentPlan = next, next.GetName()
	d.advance(routingv1.Case_STATE_HANDLING)
	d.because(next.GetRule())
	d.tell(&routingv1.CaseUpdated{})
	d.tellPlan(true, &routingv1.PlanProposed{})
	return nil
}

// measures checks what a plan shall do and completes it; everything wrong is
// found at once, the reason is that of the first.
func (d *Decision) measures(in []*routingv1.Measure) ([]*routingv1.Measure, error) {
	out := make([]*routingv1.Measure, 0, len(in))
	taken := map[string]bool{}
	for _, m := range in {
		taken[m.GetId()] = true
	}
	used := map[string]bool{}
	var first string
	var wrong []fault.Violation
	refuse := func(i int, field, reason string, text *typev1.Text) {
		if first == "" {
			first = reason
		}
		wrong = append(wrong, fault.Violation{Field: fmt.Sprintf("plan.measures[%d].%s", i, field), Reason: reason, Text: text})
	}
	for i, given := range in {
		m := proto.CloneOf(given)
		m.State, m.Clock, m.Obligation, m.CompleteTime = routingv1.Measure_STATE_PLANNED, "", "", nil
		if m.GetKind() == routingv1.Measure_KIND_UNSPECIFIED {
			m.Kind = routingv1.Measure_KIND_WORK
		}
		for n := i + 1; m.GetId() == ""; n++ {
			if id := "m" + strconv.Itoa(n); !taken[id] {
				m.Id, taken[id] = id, true
			}
		}
		if used[m.GetId()] {
			refuse(i, "id", fault.ReasonInvalidRequest, &typev1.Text{Zh: "编号重复", En: "this id is used twice"})
		}
		used[m.GetId()] = true
		d.checkMeasure(m, func(field, reason string, text *typev1.Text) { refuse(i, field, reason, text) })
		out = append(out, m)
	}
	if first != "" {
		return nil, fault.New(fault.Invalid, first).WithViolations(wrong...)
	}
	return out, nil
}

func (d *Decision) checkMeasure(m *routingv1.Measure, refuse func(field, reason string, text *typev1.Text)) {
	if l := m.GetLimit(); l != "" {
		limit, err := calendar.ParseLimit(l)
		switch {
		case err != nil:
			refuse("limit", ReasonLimit, &typev1.Text{Zh: "无法识别的期限", En: err.Error()})
		case !limit.Computable():
			refuse("limit", ReasonLimit, &typev1.Text{Zh: "请写明期限", En: "name a figure"})
		case m.GetDueTime() != nil:
			refuse("limit", ReasonLimit, &typev1.Text{Zh: "期限与日期只能填写一项", En: "give either a limit or a date"})
		}
	}
	if due := m.GetDueTime(); due != nil && !due.AsTime().After(d.at) {
		refuse("due_time", ReasonLimit, &typev1.Text{Zh: "日期已过", En: "the date has passed"})
	}
	pack := d.policy.Rules()
	if r := m.GetRemedy(); r != "" && policy.ByID(pack.GetCompensation().GetRemedies(), r) == nil {
		refuse("remedy", ReasonRemedy, nil)
	}
	if g := m.GetGround(); g != "" && policy.ByID(pack.GetCompensation().GetGrounds(), g) == nil {
		refuse("ground", ReasonGround, nil)
	}
	if k := m.GetActionKind(); k != "" && policy.ByID(pack.GetCorrectiveAction(), k) == nil {
		refuse("action_kind", fault.ReasonInvalidRequest, &typev1.Text{Zh: "规则包中没有这种措施", En: "the pack has no such kind of action"})
	}
	if m.GetAmount() != nil {
		if a, err := money.Parse(m.GetAmount()); err != nil || a.IsZero() {
			refuse("amount", ReasonAmount, nil)
		}
	}
}

// compensation sums what a plan gives in money; nil if it gives none.
func compensation(measures []*routingv1.Measure) *typev1.Money {
	var sum *money.Amount
	for _, m := range measures {
		a, err := money.Parse(m.GetAmount())
		if m.GetAmount() == nil || err != nil {
			continue
		}
		if sum == nil {
			sum = &a
		} else if total, err := sum.Add(a); err == nil {
			sum = &total
		}
	}
	if sum == nil {
		return nil
	}
	return sum.Format()
}

// SignPlan gives a signature on the newest plan. The last one approves it; then it
// may be started.
//
// Source: PROCEDURES P26 (四).
func (d *Decision) SignPlan(in Signature, s *policy.Sheet) error {
	if err := d.open(); err != nil {
		return err
	}
	if d.plan.GetApproval() == nil {
		return planState(d.plan, routingv1.Plan_STATE_PROPOSED)
	}
	before := d.plan.GetApproval().GetState()
	next, err := d.sign(d.plan.GetApproval(), in, s)
	if err != nil {
		return err
	}
	d.plan.Approval = next
	d.because(next.GetRule())
	if next.GetState() == before { // more signatures are needed, or a paper followed
		d.tellPlan(false, &routingv1.PlanSigned{})
		return nil
	}
	switch next.GetState() {
	case typev1.Approval_STATE_GRANTED:
		d.plan.State = routingv1.Plan_STATE_APPROVED
		if d.planned() != nil {
			d.nameClocks()
		}
	case typev1.Approval_STATE_REFUSED:
		d.plan.State = routingv1.Plan_STATE_REFUSED
	case typev1.Approval_STATE_RETURNED:
		d.plan.State = routingv1.Plan_STATE_RETURNED
	}
	d.tellPlan(false, &routingv1.PlanSigned{})
	if approval.Complete(next) {
		d.OweTelephonePapers(next, s)
		add(&d.kase.Approved, next.GetId())
		d.kase.DraftApproved = d.kase.GetDraftApproved() || d.plan.GetDraft()
		d.tell(&routingv1.CaseUpdated{})
		d.tellPlan(false, &routingv1.PlanApproved{})
	}
	return nil
}

// StartPlan begins to carry out an approved plan: its measures run, their clocks
// start unless they count already since the approval, and what other services
// must do is owed by them.
//
// Source: PROCEDURES P26 (四), (五); SERVICES, obligations.
func (d *Decision) StartPlan(by Person, s *policy.Sheet) error {
	if err := d.open(); err != nil {
		return err
	}
	st := d.plan.GetState()
	if st != routingv1.Plan_STATE_PROPOSED && st != routingv1.Plan_STATE_APPROVED {
		return planState(d.plan, routingv1.Plan_STATE_APPROVED)
	}
	if err := d.gate(policyv1.Act_ACT_START_PLAN, "", by, s); err != nil {
		return err
	}
	if st != routingv1.Plan_STATE_APPROVED || d.plan.GetDraft() {
		return planState(d.plan, routingv1.Plan_STATE_APPROVED)
	}
	d.plan.State, d.plan.StartTime = routingv1.Plan_STATE_RUNNING, timestamppb.New(d.at)
	owed := false
	for _, m := range d.plan.GetMeasures() {
		m.State = routingv1.Measure_STATE_RUNNING
		switch m.GetKind() {
		case routingv1.Measure_KIND_COMPENSATION:
			m.Obligation = d.owe(Owed{Kind: Compensation, BlocksClose: true, Rule: d.plan.GetRule()}).GetId()
			owed = true
		case routingv1.Measure_KIND_CORRECTIVE_ACTION:
			m.Obligation = d.owe(Owed{Kind: CorrectiveAction, BlocksClose: true, Rule: d.plan.GetRule()}).GetId()
			owed = true
		}
	}
	d.nameClocks()
	d.startMeasures(d.at)
	moved := d.advance(routingv1.Case_STATE_HANDLING)
	d.because(d.plan.GetRule())
	switch {
	case owed:
		d.tell(&routingv1.ObligationOpened{})
	case moved:
		d.tell(&routingv1.CaseUpdated{})
	}
	d.tellPlan(false, &routingv1.PlanStarted{})
	return nil
}

// voidPlan makes the newest plan no longer count: its approval is void, measures
// that are not done are cancelled, and so are their clocks. Obligations stay owed
// until whoever owes them says otherwise.
func (d *Decision) voidPlan() {
	remove(&d.kase.Approved, d.plan.GetApproval().GetId())
	if next, err := approval.Void(d.plan.GetApproval(), d.at); d.plan.GetApproval() != nil && err == nil {
		d.plan.Approval = next
	}
	d.plan.State = routingv1.Plan_STATE_VOID
	for _, m := range d.plan.GetMeasures() {
		if m.GetState() == routingv1.Measure_STATE_DONE || m.GetState() == routingv1.Measure_STATE_CANCELLED {
			continue
		}
		m.State = routingv1.Measure_STATE_CANCELLED
		d.stopMeasure(m, ClockVoid, d.at)
	}
	d.tellPlan(false, &routingv1.PlanVoided{})
}

// unfinished tells that a plan may still lead to something.
func unfinished(p *routingv1.Plan) bool {
	return slices.Contains([]routingv1.Plan_State{
		routingv1.Plan_STATE_PROPOSED, routingv1.Plan_STATE_APPROVED, routingv1.Plan_STATE_RUNNING,
	}, p.GetState())
}

func planState(p *routingv1.Plan, wanted routingv1.Plan_State) error {
	state := word(p.GetState())
	if p.GetDraft() {
		state = "DRAFT_" + state
	}
	return fault.New(fault.FailedPrecondition, ReasonPlanState, "state", state, "wanted", word(wanted))
}

// MeasureClockName returns the name of a measure's clock.
func MeasureClockName(plan string, measure string) string {
	kase, number, _ := strings.Cut(plan, "/plans/")
	return kase + "/clocks/measure-" + number + "-" + measure
}

// bounded tells that a measure has a deadline.
func bounded(m *routingv1.Measure) bool { return m.GetLimit() != "" || m.GetDueTime() != nil }

// nameClocks gives every measure with a deadline the name of its clock.
func (d *Decision) nameClocks() {
	for _, m := range d.plan.GetMeasures() {
		if bounded(m) {
			m.Clock = MeasureClockName(d.plan.GetName(), m.GetId())
		}
	}
}

// startMeasures asks for the clocks of the newest plan's measures.
//
// Source: PROCEDURES P26 (Clocks: plan measures).
func (d *Decision) startMeasures(at time.Time) {
	if d.plan == nil || d.final() {
		return
	}
	def := d.planned()
	for _, m := range d.plan.GetMeasures() {
		if !bounded(m) || m.GetState() == routingv1.Measure_STATE_DONE || m.GetState() == routingv1.Measure_STATE_CANCELLED {
			continue
		}
		spec := d.spec(&policyv1.Clock{Id: MeasureClock}, d.measureTerm(m), at)
		if def != nil {
			spec = d.spec(def, spec.Term, at)
		}
		if spec.Rule == nil {
			spec.Rule = d.plan.GetRule()
		}
		spec.Name = MeasureClockName(d.plan.GetName(), m.GetId())
		switch {
		case m.GetPerson() != "":
			spec.OwedBy = []string{m.GetPerson()}
		case m.GetDepartment() != "":
			spec.OwedBy = []string{m.GetDepartment()}
		}
		d.clock(ClockCommand{Op: ClockStart, Kind: spec.Kind, Name: spec.Name, At: at, Spec: spec})
	}
}
