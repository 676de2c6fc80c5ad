package domain

import (
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
)

// CaseName returns the name of a complaint's case: it carries the complaint's id.
func CaseName(complaint string) string {
	return "cases/" + strings.TrimPrefix(complaint, "complaints/")
}

// ComplaintName returns the complaint of a case or of anything under it.
func ComplaintName(name string) string {
	_, rest, _ := strings.Cut(name, "/")
	id, _, _ := strings.Cut(rest, "/")
	return "complaints/" + id
}

// Open returns the decision that makes the case of a registered complaint, graded
// by the facts at hand. A complaint that the pack does not handle is closed at once.
//
// Source: PROCEDURES P26 (一); PACK-SKETCH 2.2 (Scale, Outside).
func Open(p *policy.Policy, at time.Time, c *intakev1.Complaint) *Decision {
	d := &Decision{policy: p, at: at, made: true, kase: &routingv1.Case{
		Name: CaseName(c.GetName()), Complaint: c.GetName(), Number: c.GetNumber(),
		State: routingv1.Case_STATE_REGISTERED, Pack: c.GetPack(), PolicyRevision: c.GetPolicyRevision(),
		ReceiveTime: timestamppb.New(second(c.GetReceiveTime().AsTime())), Category: c.GetCategory(),
		Grades: map[string]*routingv1.Grade{}, Round: 1, CreateTime: timestamppb.New(at), Subject: c.GetSubject(), FrontLine: true,
	}, approvals: map[string]*routingv1.CaseApproval{}}
	scales := p.Rules().GetGrades()
	for _, scale := range scales {
		if g := d.grade(scale.GetId(), p.Grade(scale.GetId(), d.Sheet(c))); g != nil {
			d.kase.Grades[scale.GetId()] = g
		}
	}
	d.tell(&routingv1.CaseOpened{})
	for _, scale := range scales {
		if g := d.kase.GetGrades()[scale.GetId()]; g != nil {
			d.because(g.GetRule())
			d.tell(&routingv1.GradeSet{Scale: scale.GetId()})
		}
	}
	if out, rule := p.Outside(d.Sheet(c)); out != nil && out.GetOutcome() != policyv1.Outcome_OUTCOME_NOT_REGISTERED {
		d.because(rule)
		d.close(lower(out.GetOutcome()))
	}
	d.matrix(d.Sheet(c))
	return d
}

// Assignment says who shall be responsible.
type Assignment struct {
	// Category of the pack; empty leaves it.
	Category string
	// Departments, departments/{department}; none lets the pack decide.
	Departments []string
	By          Person
}

// Assign classifies the case and names the responsible departments. Without
// departments the pack's matrix decides; where it has no row, or a row before
// hangs on an unknown fact, a person must: DEPARTMENT_NEEDED.
//
// Source: PACK-SKETCH 2.2 (Assign), 2.7; PROCEDURES P26 (四).
func (d *Decision) Assign(in Assignment, s *policy.Sheet) error {
	if err := d.open(); err != nil {
		return err
	}
	if in.Category != "" && policy.ByID(d.policy.Rules().GetCategories(), in.Category) == nil {
		return fault.New(fault.Invalid, ReasonCategory, "category", in.Category).
			WithViolations(fault.Violation{Field: "category", Reason: ReasonCategory})
	}
	if in.Category != "" && s.Complaint != nil {
		classified := *s
		facts := *s.Complaint
		facts.Category, classified.Complaint = &in.Category, &facts
		s = &classified
	}
	if err := d.gate(policyv1.Act_ACT_ASSIGN, "", in.By, s); err != nil {
		return err
	}
	departments, row := in.Departments, policy.AssignResult{}
	if len(departments) == 0 {
		row = d.policy.Assign(s)
		departments = d.units(row.Departments)
	}
	if len(departments) == 0 {
		return fault.New(fault.FailedPrecondition, ReasonDepartment, "missing", strings.Join(row.Missing, ", ")).With(row.Rule)
	}
	def, unmet := d.policy.ApprovalFor(policyv1.Subject_SUBJECT_ASSIGNMENT, s)
	if err := closed(unmet); err != nil {
		return err
	}
	if in.Category != "" {
		d.kase.Category = in.Category
	}
	if def != nil {
		// Who is responsible needs signatures: what is put forward waits for them.
		if _, err := d.putForward(def, Wanted{Approval: def.GetId(), Departments: departments, By: in.By}, s); err != nil {
			return err
		}
	} else {
		d.assign(departments, row.Rule)
	}
	d.rowGrades(row)
	return nil
}

// units are the departments of a row that are one unit; a kind of unit is not: a person
// names which.
func (d *Decision) units(ids []string) []string {
	var out []string
	for _, id := range ids {
		if !policy.ByID(d.policy.Rules().GetDepartments(), id).GetMany() {
			out = append(out, "departments/"+id)
		}
	}
	return out
}

// rowGrades puts the levels in force that a row of the matrix sets.
func (d *Decision) rowGrades(row policy.AssignResult) {
	for _, scale := range d.policy.Rules().GetGrades() {
		level := row.Grade[scale.GetId()]
		now := d.kase.GetGrades()[scale.GetId()]
		if same := now.GetLevel() == level && now.GetRule().GetRule() == row.Rule.GetRule(); level != "" && !same && !now.GetApproved() {
			d.set(scale.GetId(), &routingv1.Grade{Level: level, Rule: row.Rule}, nil)
		}
	}
}

// matrix lets the pack name the responsible departments by itself, as far as nobody else
// has, nothing stands before it and no signatures are asked for. It says no more once
// the case was passed on.
//
// Source: PACK-SKETCH 2.2 (Assign); PROCEDURES P04 三 3.
func (d *Decision) matrix(s *policy.Sheet) {
	byRule := d.kase.GetAssignRule() != nil
	if d.final() || len(d.kase.GetTransfers()) > 0 || len(d.kase.GetDepartments()) > 0 && !byRule {
		return
	}
	row := d.policy.Assign(s)
	to := d.units(row.Departments)
	if len(to) == 0 || byRule && row.Rule.GetRule() == d.kase.GetAssignRule().GetRule() {
		return
	}
	def, unmet := d.policy.ApprovalFor(policyv1.Subject_SUBJECT_ASSIGNMENT, s)
	anybody := Person{Matches: func(string) (bool, string) { return true, "" }}
	if def != nil || len(unmet) > 0 || d.gate(policyv1.Act_ACT_ASSIGN, "", anybody, s) != nil {
		return
	}
	d.assign(to, row.Rule)
	d.rowGrades(row)
}

func (d *Decision) assign(departments []string, rule *typev1.RuleRef) {
	d.kase.Departments, d.kase.AssignRule = slices.Clone(departments), rule
	d.advance(routingv1.Case_STATE_ACCEPTED)
	d.because(rule)
	d.tell(&routingv1.DepartmentsAssigned{})
}

// NameOwner names who owns the case.
//
// Source: PACK-SKETCH 2.2 (Owner).
func (d *Decision) NameOwner(owner string, by Person, s *policy.Sheet) error {
	if err := d.open(); err != nil {
		return err
	}
	if err := d.gate(policyv1.Act_ACT_NAME_OWNER, "", by, s); err != nil {
		return err
	}
	d.kase.Owner = owner
	d.because(d.rule(d.policy.Rules().GetRouting().GetOwner().GetId()))
	d.tell(&routingv1.OwnerNamed{})
	return nil
}

// Verified notes that the facts were verified with the customer.
func (d *Decision) Verified() {
	if !d.final() && d.advance(routingv1.Case_STATE_ACCEPTED) {
		d.because()
		d.tell(&routingv1.CaseUpdated{})
	}
}

// advance moves the public state forward to one that no stage of the pack stands
// for, and tells whether it did. Where the pack has a stage of that status, the
// stage decides.
//
// Source: PACK-SKETCH 2.2 (Stage: a label over one of six public states).
func (d *Decision) advance(to routingv1.Case_State) bool {
	if d.final() || to <= d.kase.GetState() {
		return false
	}
	for _, stage := range d.policy.Rules().GetStages() {
		if state(stage.GetStatus()) == to {
			return false
		}
	}
	d.kase.State = to
	return true
}

// state returns the public state of a pack's status; the enums have the same order.
func state(s policyv1.Status) routingv1.Case_State { return routingv1.Case_State(s) }

// enter moves the case into a stage. Closing is an act of its own: a stage whose
// status is CLOSED only names where a closed case stands.
func (d *Decision) enter(stage *policyv1.Stage) {
	if d.kase.GetStage() == stage.GetId() {
		return
	}
	d.kase.Stage = stage.GetId()
	if to := state(stage.GetStatus()); !d.final() && to != routingv1.Case_STATE_UNSPECIFIED && to != routingv1.Case_STATE_CLOSED {
		d.kase.State = to
	}
	d.because(d.rule(stage.GetId()))
	d.tell(&routingv1.StageEntered{})
}

// FactsChanged notes that the complaint's record was completed: its category and
// what the facts say about grades. A level that somebody set or must approve is
// not changed by facts alone.
//
// Source: PROCEDURES P26-A3; PACK-SKETCH 2.7.
func (d *Decision) FactsChanged(c *intakev1.Complaint) {
	if d.final() {
		return
	}
	before := proto.CloneOf(d.kase)
	if d.kase.GetCategory() == "" {
		d.kase.Category = c.GetCategory()
	}
	s := d.Sheet(c)
	for _, scale := range d.policy.Rules().GetGrades() {
		d.regrade(scale, d.policy.Grade(scale.GetId(), s))
	}
	// Grades that changed were told as they did; what changed besides is told once.
	if n := len(d.out); n > 0 {
		before = proto.CloneOf(d.out[n-1].state().(*routingv1.Case))
	}
	before.UpdateTime = d.kase.GetUpdateTime()
	if !proto.Equal(before, d.kase) {
		d.because()
		d.tell(&routingv1.CaseUpdated{})
	}
	d.matrix(d.Sheet(c))
}

// Withdraw ends the case because the customer took the complaint back: its clocks
// are cancelled, what other services owe is no longer owed, and its unfinished
// plan and proposals are void. A case that is closed stays closed.
func (d *Decision) Withdraw() {
	if d.final() {
		return
	}
	d.because()
	for _, o := range d.kase.GetObligations() {
		if o.GetState() == typev1.Obligation_STATE_OPEN {
			o.State, o.DischargeTime = typev1.Obligation_STATE_WITHDRAWN, timestamppb.New(d.at)
		}
	}
	d.end(routingv1.Case_STATE_WITHDRAWN)
	d.tell(&routingv1.CaseWithdrawn{})
}

// end puts the case into a final state: duties and proposals lapse, an unfinished
// plan is void, clocks stop.
func (d *Decision) end(to routingv1.Case_State) {
	if d.plan != nil && unfinished(d.plan) {
		d.voidPlan()
	}
	d.kase.State, d.kase.Pending = to, nil
	d.cancelSteps()
	d.voidProposal()
	d.voidApprovals()
	d.clock(ClockCommand{Op: ClockVoidAll, At: d.at})
}
