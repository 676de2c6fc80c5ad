package domain

import (
	"slices"
	"strconv"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/policy"
)

// Kinds of obligations of a case.
const (
	Compensation     = "compensation"
	CorrectiveAction = "corrective_action"
	FollowUp         = "follow_up"
)

// Owed is work that another service shall do.
type Owed struct {
	// Kind is one of the kinds above.
	Kind string
	// Resource that exists already; empty for one derived from the obligation's id.
	Resource    string
	BlocksClose bool
	Rule        *typev1.RuleRef
	Clock       string
	// Object says what of the pack is owed: the remedy of a claim.
	Object string
}

// owe writes an obligation into the case, as part of the event that follows. Its
// id counts the obligations of the kind; the resource made for it carries a name
// derived from that id, so that it can be asked for at once.
//
// Source: docs/architecture.md, obligations; SERVICES.
func (d *Decision) owe(in Owed) *typev1.Obligation {
	n := 1
	for _, o := range d.kase.GetObligations() {
		if o.GetKind() == in.Kind {
			n++
		}
	}
	id := d.kase.GetName() + "#" + in.Kind + "-" + strconv.Itoa(n)
	service, collection := owedBy(in.Kind)
	if in.Resource == "" {
		in.Resource = collection + "/" + uuid.NewSHA1(uuid.NameSpaceURL, []byte(id)).String()
	}
	o := &typev1.Obligation{
		Id: id, Kind: in.Kind, Service: service, Resource: in.Resource, State: typev1.Obligation_STATE_OPEN,
		CreateTime: timestamppb.New(d.at), Rule: in.Rule, BlocksClose: in.BlocksClose, Clock: in.Clock, Object: in.Object,
	}
	d.kase.Obligations = append(d.kase.Obligations, o)
	return o
}

func owedBy(kind string) (service, collection string) {
	switch kind {
	case Compensation:
		return "compensation", "claims"
	case CorrectiveAction:
		return "corrective-action", "actions"
	default:
		return "notification", "followUps"
	}
}

// oweFollowUp owes a follow-up of the pack; one that waits for its answer is not owed twice.
//
// Source: PROCEDURES P26 (六).
func (d *Decision) oweFollowUp(def *policyv1.FollowUp) {
	for _, o := range d.kase.GetObligations() {
		if o.GetKind() == FollowUp && o.GetState() == typev1.Obligation_STATE_OPEN && o.GetRule().GetRule() == def.GetId() {
			return
		}
	}
	d.owe(Owed{Kind: FollowUp, BlocksClose: true, Rule: d.rule(def.GetId())})
	d.because(d.rule(def.GetId()))
	d.tell(&routingv1.ObligationOpened{})
}

// oweRemedy owes a claim with a remedy that a rule of the pack opens; compensation drafts it. One
// that is owed already is not owed twice for the same rule.
//
// Source: PACK-SKETCH 2.6 (remedy).
func (d *Decision) oweRemedy(rule *typev1.RuleRef, remedy string) {
	for _, o := range d.kase.GetObligations() {
		if o.GetKind() == Compensation && o.GetState() == typev1.Obligation_STATE_OPEN && o.GetRule().GetRule() == rule.GetRule() && o.GetObject() == remedy {
			return
		}
	}
	d.owe(Owed{Kind: Compensation, BlocksClose: true, Rule: rule, Object: remedy})
	d.because(rule)
	d.tell(&routingv1.ObligationOpened{})
}

// OweAction notes a corrective action that was opened without a plan and, by its
// kind in the pack, blocks the closing of the complaint. One that is known is not
// noted twice.
//
// Source: PACK-SKETCH 2.2 (ActionKind.blocks_close).
func (d *Decision) OweAction(action, kind string) {
	def := policy.ByID(d.policy.Rules().GetCorrectiveAction(), kind)
	if d.final() || !def.GetBlocksClose() || d.obligation(action) != nil {
		return
	}
	d.owe(Owed{Kind: CorrectiveAction, Resource: action, BlocksClose: true, Rule: d.rule(kind)})
	d.because(d.rule(kind))
	d.tell(&routingv1.ObligationOpened{})
}

// obligation returns the one with that id or resource, or nil.
func (d *Decision) obligation(key string) *typev1.Obligation {
	for _, o := range d.kase.GetObligations() {
		if key != "" && (o.GetId() == key || o.GetResource() == key) {
			return o
		}
	}
	return nil
}

// Discharge notes how work that was owed ended. key is the obligation's id or its
// resource. A second end of the same work changes nothing, and neither does work
// that nobody here owes.
func (d *Decision) Discharge(key string, to typev1.Obligation_State) bool {
	o := d.obligation(key)
	if o == nil || o.GetState() != typev1.Obligation_STATE_OPEN {
		return false
	}
	o.State, o.DischargeTime = to, timestamppb.New(d.at)
	d.because(o.GetRule())
	d.tell(&routingv1.ObligationDischarged{Obligation: o.GetId()})
	return true
}

// MeasureDone records that another service did what a measure of the running plan
// asked for. key is the obligation's id or resource.
func (d *Decision) MeasureDone(key string) {
	if m := d.owedMeasure(key); m != nil && !d.final() {
		d.complete(m)
	}
}

// MeasureRefused gives a measure up that another service refused or took back. The
// plan can no longer be carried out as approved: it is void, and a new one is asked.
//
// Source: SERVICES, obligations (compensation).
func (d *Decision) MeasureRefused(key string) {
	if m := d.owedMeasure(key); m != nil && !d.final() {
		m.State = routingv1.Measure_STATE_CANCELLED
		d.stopMeasure(m, ClockVoid, d.at)
		d.because(d.plan.GetRule())
		had := len(d.kase.GetApproved())
		d.voidPlan()
		if len(d.kase.GetApproved()) != had {
			d.tell(&routingv1.CaseUpdated{})
		}
	}
}

// MeasureCancelled gives a measure up that its service no longer does. The rest of
// the plan goes on; if nothing is left, it is carried out, or void if nothing was done.
//
// Source: SERVICES, obligations (corrective action).
func (d *Decision) MeasureCancelled(key string) {
	m := d.owedMeasure(key)
	if m == nil || d.final() {
		return
	}
	m.State = routingv1.Measure_STATE_CANCELLED
	d.stopMeasure(m, ClockVoid, d.at)
	d.because(d.plan.GetRule())
	d.tellPlan(false, &routingv1.MeasureCancelled{Measure: m.GetId()})
	if slices.ContainsFunc(d.plan.GetMeasures(), func(o *routingv1.Measure) bool { return o.GetState() == routingv1.Measure_STATE_DONE }) {
		d.carriedOut()
		return
	}
	if !slices.ContainsFunc(d.plan.GetMeasures(), func(o *routingv1.Measure) bool { return o.GetState() == routingv1.Measure_STATE_RUNNING }) {
		d.voidPlan()
		d.tell(&routingv1.CaseUpdated{})
	}
}

// owedMeasure returns the running measure behind an obligation, or nil.
func (d *Decision) owedMeasure(key string) *routingv1.Measure {
	o := d.obligation(key)
	if o == nil || d.plan.GetState() != routingv1.Plan_STATE_RUNNING {
		return nil
	}
	for _, m := range d.plan.GetMeasures() {
		if m.GetObligation() == o.GetId() && m.GetState() == routingv1.Measure_STATE_RUNNING {
			return m
		}
	}
	return nil
}
