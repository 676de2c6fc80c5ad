package domain

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/policy"
)

// OpenReturn returns the decision that makes the return file of goods that no complaint
// is linked to: a case without a complaint, which carries the goods' id.
//
// Source: PROCEDURES P27-A10.
func OpenReturn(p *policy.Policy, at time.Time, g *compensationv1.Goods) *Decision {
	d := &Decision{policy: p, at: at, made: true, goods: g, approvals: map[string]*routingv1.CaseApproval{}, kase: &routingv1.Case{
		Name: g.GetCase(), Goods: g.GetName(), Number: g.GetNumber(), State: routingv1.Case_STATE_REGISTERED,
		Pack: p.Rules().GetPack(), PolicyRevision: g.GetPolicyRevision(), ReceiveTime: timestamppb.New(second(g.GetReportTime().AsTime())),
		Grades: map[string]*routingv1.Grade{}, Round: 1, CreateTime: timestamppb.New(at), Subject: g.GetSubject(), FrontLine: true,
	}}
	d.because()
	d.tell(&routingv1.CaseOpened{})
	return d
}

// MarkAs puts marks of the pack on the case that something found brings with it.
func (d *Decision) MarkAs(marks []string) {
	changed := false
	for _, m := range marks {
		changed = add(&d.kase.Marks, m) || changed
	}
	if changed && !d.final() {
		d.because()
		d.tell(&routingv1.CaseUpdated{})
	}
}
