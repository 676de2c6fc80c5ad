package domain

import (
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
)

// RecordFinding adds a finding of the investigation under the name given; with
// cause it is also what led to the complaint.
//
// Source: PROCEDURES P26 (二).
func (d *Decision) RecordFinding(name string, in *routingv1.Finding, by Person, s *policy.Sheet) error {
	if err := d.open(); err != nil {
		return err
	}
	if in.GetCause() {
		if err := d.gate(policyv1.Act_ACT_RECORD_CAUSE, "", by, s); err != nil {
			return err
		}
	}
	if wrong := d.policy.CheckFacts(in.GetFacts()); len(wrong) > 0 {
		return fault.New(fault.Invalid, ReasonForm, "form", "finding").WithViolations(wrong...)
	}
	f := proto.CloneOf(in)
	f.Name, f.Etag, f.Recorder, f.RecordTime = name, "", by.Name, timestamppb.New(d.at)
	d.because()
	d.emit(name, true, f, &routingv1.FindingRecorded{})
	if f.GetLiability() != routingv1.Liability_LIABILITY_UNSPECIFIED {
		d.kase.Liability = f.GetLiability()
	}
	d.learn(f.GetFacts())
	switch {
	case f.GetCause():
		d.kase.Cause, d.kase.CauseSource = f.GetContent(), f.GetSource()
		d.tell(&routingv1.CauseRecorded{})
	case f.GetLiability() != routingv1.Liability_LIABILITY_UNSPECIFIED || len(f.GetFacts()) > 0:
		d.tell(&routingv1.CaseUpdated{})
	}
	return nil
}

// RecordProgress adds an entry to the execution log under the name given.
//
// Source: PROCEDURES P26 (五).
func (d *Decision) RecordProgress(name string, in *routingv1.Progress, by Person) error {
	if err := d.open(); err != nil {
		return err
	}
	if m := in.GetMeasure(); m != "" && policy.ByID(d.plan.GetMeasures(), m) == nil {
		return fault.New(fault.Invalid, ReasonMeasureUnknown, "measure", m).
			WithViolations(fault.Violation{Field: "progress.measure", Reason: ReasonMeasureUnknown})
	}
	d.note(name, in, by)
	return nil
}

// Note adds what was written with an act to the execution log; without words it
// does nothing.
func (d *Decision) Note(name, measure, content string, by Person) {
	if content != "" {
		d.note(name, &routingv1.Progress{Measure: measure, Content: content}, by)
	}
}

func (d *Decision) note(name string, in *routingv1.Progress, by Person) {
	p := proto.CloneOf(in)
	p.Name, p.Etag, p.Recorder, p.RecordTime = name, "", by.Name, timestamppb.New(d.at)
	d.because()
	d.emit(name, true, p, &routingv1.ProgressRecorded{})
}

// RecordReply records an answer to the customer under the name given. It happened
// when it was sent: clocks it meets are judged by that second, even if it is
// recorded later.
//
// Source: PROCEDURES P26 (一), P26-A1; DESIGN section 5.
func (d *Decision) RecordReply(name string, in *routingv1.Reply, by Person, s *policy.Sheet) error {
	if err := d.open(); err != nil {
		return err
	}
	r := proto.CloneOf(in)
	r.Name, r.Etag, r.Sender = name, "", by.Name
	sent := second(d.at)
	if r.GetSendTime() != nil {
		sent = second(r.GetSendTime().AsTime())
	}
	if sent.After(d.at) || sent.Before(d.kase.GetReceiveTime().AsTime()) {
		return fault.New(fault.Invalid, ReasonSendTime).
			WithViolations(fault.Violation{Field: "reply.send_time", Reason: ReasonSendTime})
	}
	r.SendTime = timestamppb.New(sent)
	d.measureReply(r, by, s)
	s = Scoped(s, r)
	if err := d.gateOrPass(policyv1.Act_ACT_REPLY, by, s, Pass{Gate: in.GetWaive(), Reason: in.GetWaiveReason()}); err != nil {
		return err
	}
	r.Warnings = slices.Clone(d.warnings)
	d.because()
	if r.GetSubstantive() && !d.kase.GetReplied() {
		d.kase.Replied = true
		d.advance(routingv1.Case_STATE_ANSWERED)
		d.tell(&routingv1.CaseUpdated{})
	}
	d.emit(name, true, r, &routingv1.ReplySent{})
	return nil
}

// measureReply compares a reply with the notice that the pack asks for: whether it went by
// a medium that is asked for, and whether somebody gave it who normally does. Another
// replier is recorded, not refused.
//
// Source: PACK-SKETCH 2.4 (reply.conforms); PROCEDURES P13-S2.
func (d *Decision) measureReply(r *routingv1.Reply, by Person, s *policy.Sheet) {
	r.By = nil
	for _, n := range d.policy.Rules().GetNotices() {
		for _, who := range n.GetNormally() {
			if is(by)(who) {
				add(&r.By, who)
			}
		}
	}
	r.Conforms, r.Normal, r.Rule = d.policy.Conforms("", strings.ToUpper(r.GetMedium()), r.GetBy(), s)
	r.Notice = r.GetRule().GetRule()
}

// NoticeIssued notes that a notice of the pack went out.
func (d *Decision) NoticeIssued(kind string) {
	if d.kase.GetState() != routingv1.Case_STATE_WITHDRAWN && add(&d.kase.Issued, kind) {
		d.because(d.rule(kind))
		d.tell(&routingv1.NoticeRecorded{})
	}
}

// Approved notes that an approval about the complaint was granted elsewhere.
func (d *Decision) Approved(a *typev1.Approval) {
	if !d.final() && add(&d.kase.Approved, a.GetId()) {
		d.because(a.GetRule())
		d.tell(&routingv1.CaseUpdated{})
	}
}

// Answered notes what the customer said in a follow-up. It reports whether the
// answer is about the present round: what dissatisfaction leads to follows from
// such an answer only.
//
// Source: PROCEDURES P26 (六), P26-A2.
func (d *Decision) Answered(followUp string, satisfied bool, round int32, at time.Time) bool {
	d.Discharge(followUp, typev1.Obligation_STATE_DONE)
	if d.final() || round != d.kase.GetRound() {
		return false
	}
	d.kase.Satisfaction = &routingv1.SatisfactionResult{FollowUp: followUp, Satisfied: satisfied, AnswerTime: timestamppb.New(at), Round: round}
	d.because(d.obligation(followUp).GetRule())
	d.tell(&routingv1.SatisfactionRecorded{})
	return true
}
