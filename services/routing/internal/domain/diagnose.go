package domain

import (
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
)

// Asking asks for a diagnosis.
type Asking struct {
	// Tree of the pack; empty means the first that applies.
	Tree string
	By   Person
}

// MayDiagnose refuses what would be refused whatever the connectors answer, so that
// none is asked in vain.
//
// Source: PACK-SKETCH 2.2 (Tree), 2.5 (DIAGNOSE).
func (d *Decision) MayDiagnose(in Asking, s *policy.Sheet) error {
	if err := d.open(); err != nil {
		return err
	}
	if err := d.gate(policyv1.Act_ACT_DIAGNOSE, "", in.By, s); err != nil {
		return err
	}
	if tree := d.policy.Tree(s, policy.Answers{}).Tree; tree == "" || in.Tree != "" && in.Tree != tree {
		return fault.New(fault.FailedPrecondition, ReasonTree, "tree", in.Tree, "because", "CHOICE").
			WithViolations(fault.Violation{Field: "tree", Reason: ReasonTree})
	}
	return nil
}

// Answers returns look-ups as conditions read them: one that is unavailable answers nothing.
func Answers(lookups []*routingv1.LookUp) policy.Answers {
	out := policy.Answers{}
	for _, l := range lookups {
		out[l.GetConnector()] = map[string]*typev1.Fact{}
		if l.GetState() == routingv1.LookUp_STATE_ANSWERED {
			out[l.GetConnector()] = l.GetAnswers()
		}
	}
	return out
}

// Diagnose puts look-ups on file and walks the tree with them. Without a diagnosis what
// the pack says follows, as a rule a work order that carries every answer obtained.
//
// Source: PROCEDURES P03 2.3 (7), P03-A1, P03-A2.
func (d *Decision) Diagnose(in Asking, lookups []*routingv1.LookUp, s *policy.Sheet) error {
	if err := d.MayDiagnose(in, s); err != nil {
		return err
	}
	step := d.policy.Tree(s, Answers(lookups))
	if len(step.Ask) > 0 {
		return fault.New(fault.Aborted, ReasonTreeMoved, "connectors", strings.Join(step.Ask, ", "))
	}
	if d.kase.Lookups == nil {
		d.kase.Lookups = map[string]*routingv1.LookUp{}
	}
	result := &routingv1.DiagnosisResult{
		Tree: step.Tree, Diagnosis: step.Diagnosis, Wording: step.Wording, Rule: step.Rule, DiagnoseTime: timestamppb.New(d.at), Person: in.By.Name,
	}
	for _, l := range lookups {
		d.kase.Lookups[l.GetConnector()] = proto.CloneOf(l)
		result.Asked = append(result.Asked, l.GetConnector())
	}
	d.kase.Diagnosis = result
	d.because(step.Rule)
	d.tell(&routingv1.CaseDiagnosed{Diagnosis: step.Diagnosis})
	d.Apply(d.policy.Follows(step.Do, s), Trigger{At: d.at}, s)
	return nil
}

// sendWorkOrder asks a department behind the front line, with every look-up made so far.
//
// Source: PROCEDURES P03 1.1, 2.1, P03-A2.
func (d *Decision) sendWorkOrder(department string, r policy.RuleDo) {
	d.kase.WorkOrders++
	name := d.kase.GetName() + "/workOrders/" + strconv.Itoa(int(d.kase.GetWorkOrders()))
	d.kase.CurrentWorkOrder, d.kase.FrontLine = name, false
	w := &routingv1.WorkOrder{
		Name: name, Complaint: d.kase.GetComplaint(), State: routingv1.WorkOrder_STATE_SENT, Department: "departments/" + department,
		Rule: r.Rule, Text: r.Do.GetText(), Lookups: map[string]*routingv1.LookUp{}, SendTime: timestamppb.New(d.at),
	}
	for id, l := range d.kase.GetLookups() {
		w.Lookups[id] = proto.CloneOf(l)
	}
	d.because(r.Rule)
	d.tell(&routingv1.CaseUpdated{})
	d.emit(name, true, w, &routingv1.WorkOrderSent{})
}

// Finished is what a department answers to a work order.
type Finished struct {
	// Answer in words, sealed.
	Answer   string
	Resolved bool
	By       Person
}

// AnswerWorkOrder records what the department found or did; only somebody of that
// department answers.
//
// Source: PACK-SKETCH 2.5 (ANSWER_WORK_ORDER); PROCEDURES P03 1.1.
func (d *Decision) AnswerWorkOrder(order *routingv1.WorkOrder, in Finished, s *policy.Sheet) error {
	if st := order.GetState(); st != routingv1.WorkOrder_STATE_SENT {
		return fault.New(fault.FailedPrecondition, ReasonWorkOrderState, "state", word(st), "because", "STATE")
	}
	if err := d.open(); err != nil {
		return err
	}
	who := "anyone@" + strings.TrimPrefix(order.GetDepartment(), "departments/")
	if !is(in.By)(who) {
		return fault.New(fault.FailedPrecondition, ReasonWorkOrderDepartment, "next", who, "because", "ROLE").With(order.GetRule())
	}
	if err := d.gate(policyv1.Act_ACT_ANSWER_WORK_ORDER, "", in.By, s); err != nil {
		return err
	}
	w := proto.CloneOf(order)
	w.State, w.Answer, w.Resolved = routingv1.WorkOrder_STATE_DONE, in.Answer, in.Resolved
	w.AnsweredBy, w.AnswerTime = in.By.Name, timestamppb.New(d.at)
	d.because(order.GetRule())
	d.emit(w.GetName(), false, w, &routingv1.WorkOrderDone{})
	return nil
}

// ShareName returns the name of what an exchange of the pack gives about a case.
func ShareName(kase, exchange string) string { return kase + "/shares/" + exchange }

// Share gives what an exchange of the pack shares about the case: each event that sends
// adds to the one resource of the exchange. before is that resource, nil at first.
//
// Source: PACK-SKETCH 2.2 (Exchange); PROCEDURES P03 2.4 (2).
func (d *Decision) Share(x *policyv1.Exchange, before *routingv1.Share, event string, s *policy.Sheet) {
	next := proto.CloneOf(before)
	if before.GetName() == "" {
		next = &routingv1.Share{Name: ShareName(d.kase.GetName(), x.GetId()), Complaint: d.kase.GetComplaint(), ReceiveTime: d.kase.GetReceiveTime()}
	}
	next.Etag, next.Exchange, next.SendTo, next.Rule = "", x.GetId(), x.GetSendTo(), d.rule(x.GetId())
	next.Category, next.Diagnosis, next.SendTime = d.kase.GetCategory(), d.kase.GetDiagnosis(), timestamppb.New(d.at)
	next.Place = Place(s.Facts[x.GetMatch()])
	if !slices.Contains(next.GetEvents(), event) {
		next.Events = append(next.Events, event)
	}
	d.because(next.GetRule())
	d.emit(next.GetName(), before.GetName() == "", next, &routingv1.DataShared{Exchange: x.GetId()})
}

// Place returns the value by which an exchange matches: words stay sealed as they are.
func Place(f *typev1.Fact) string {
	switch v := f.GetValue().(type) {
	case *typev1.Fact_Text:
		return v.Text
	case *typev1.Fact_Choice:
		return v.Choice
	case *typev1.Fact_Department:
		return strings.TrimPrefix(v.Department, "departments/")
	}
	return ""
}
