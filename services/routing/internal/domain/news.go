package domain

import (
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
)

// Publish takes news in from the back office, by the exchange of the pack that names its
// kind, and returns it with the rule of the exchange.
//
// Source: PACK-SKETCH 2.2 (Exchange), 2.5 (NEWS); PROCEDURES P03 2.4 (2).
func Publish(p *policy.Policy, in *routingv1.News, by Person, at time.Time, warned policy.Warned) (*routingv1.News, *typev1.RuleRef, error) {
	var exchange *policyv1.Exchange
	for _, x := range p.Rules().GetRouting().GetExchange() {
		if x.GetKind() != "" && x.GetKind() == in.GetKind() {
			exchange = x
			break
		}
	}
	if exchange == nil {
		return nil, nil, fault.New(fault.Invalid, ReasonExchange, "kind", in.GetKind(), "because", "CHOICE").
			WithViolations(fault.Violation{Field: "news.kind", Reason: ReasonExchange})
	}
	if until := in.GetUntil(); until != nil && !until.AsTime().After(at) {
		return nil, nil, fault.New(fault.Invalid, ReasonNewsUntil).WithViolations(fault.Violation{Field: "news.until", Reason: ReasonNewsUntil})
	}
	if err := closed(p.Gate(policyv1.Act_ACT_NEWS, policy.Subject{Is: is(by), Warned: warned}, &policy.Sheet{})); err != nil {
		return nil, nil, err
	}
	n := proto.CloneOf(in)
	n.Name, n.Etag, n.Exchange, n.Publisher, n.PublishTime = "", "", exchange.GetId(), by.Name, timestamppb.New(at)
	n.ShowTo, n.Pack = exchange.GetShowTo(), p.Rules().GetPack()
	return n, p.Rule(exchange.GetId()), nil
}
