package domain

import (
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/sheet"
)

// PraiseRegistration is what is known about new praise besides what its registrar sent.
type PraiseRegistration struct {
	Name, Subject, Revision, Registrar string
	Policy                             *policy.Policy
	Is                                 func(who string) bool
	Now                                time.Time
	Warned                             policy.Warned
}

// RecordPraise returns the praise as it goes on file. Source: PROCEDURES P19 10.
func RecordPraise(in *intakev1.Praise, r PraiseRegistration) (*intakev1.Praise, error) {
	p := &intakev1.Praise{
		Name: r.Name, Employee: in.GetEmployee(), Department: in.GetDepartment(), Note: in.GetNote(), Channel: in.GetChannel(),
		Complaint: in.GetComplaint(), ReceiveTime: in.GetReceiveTime(), Pack: r.Policy.Rules().GetPack(), PolicyRevision: r.Revision,
		Registrar: r.Registrar, CreateTime: timestamppb.New(r.Now), Subject: r.Subject,
	}
	if p.GetReceiveTime() == nil {
		p.ReceiveTime = timestamppb.New(r.Now)
	}
	p.ReceiveTime = timestamppb.New(p.GetReceiveTime().AsTime().Truncate(time.Second))
	var wrong problems
	if p.GetReceiveTime().AsTime().After(r.Now) {
		wrong.add(fault.New(fault.Invalid, ReasonReceivedInFuture, "receive_time", p.GetReceiveTime().AsTime().Format(time.RFC3339), "now", r.Now.UTC().Format(time.RFC3339)), "praise.receive_time")
	}
	var allowed []string
	for _, ch := range r.Policy.Rules().GetAcceptance().GetChannels() {
		allowed = append(allowed, ch.GetId())
	}
	if p.GetChannel() != "" && len(allowed) > 0 && !slices.Contains(allowed, p.GetChannel()) {
		wrong.add(fault.New(fault.Invalid, ReasonChannelUnknown, "channel", p.GetChannel(), "allowed", strings.Join(allowed, ", ")), "praise.channel")
	}
	if err := wrong.err(); err != nil {
		return nil, err
	}
	if refused := policy.Refusal(r.Policy.Gate(policyv1.Act_ACT_RECORD_PRAISE, policy.Subject{Is: r.Is, Warned: r.Warned}, sheet.WithPraise(sheet.Of(nil, nil), p))); refused != nil {
		return nil, refused
	}
	return p, nil
}
