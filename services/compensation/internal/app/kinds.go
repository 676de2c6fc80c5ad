package app

import (
	"google.golang.org/protobuf/proto"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/kit/clocks"
	"example.com/redress/services/kit/journal"
)

// Patterns of what the service owns.
const (
	Claims      = "claims/*"
	Clocks      = "claims/*/clocks/*"
	Goods       = "goods/*"
	Allocations = "allocations/*"
	// Offers are routing's.
	Offers = "cases/*/offers/*"
)

// Attributes by which claims are found.
const (
	AttrState     = "state"
	AttrComplaint = "complaint"
	AttrSubject   = "subject"
	AttrCause     = "cause"
	// AttrPayable finds claims that finance has to deal with.
	AttrPayable = "payable"
	// Payable is its value.
	Payable = "yes"
	// AttrBatch, AttrPayee, AttrGround, AttrRemedy and AttrOrigin are what amounts are
	// added up by, besides complaint, subject and cause.
	AttrBatch  = "batch"
	AttrPayee  = "payee"
	AttrGround = "ground"
	AttrRemedy = "remedy"
	AttrOrigin = "origin"
)

// Kinds returns the collections of the service.
func Kinds() []journal.Kind {
	return []journal.Kind{
		{
			Pattern: Claims, New: func() proto.Message { return &compensationv1.Claim{} }, Index: claimIndex,
			Complaint: func(_ string, m proto.Message) string { return m.(*compensationv1.Claim).GetComplaint() },
		},
		clocks.Kind("claims"),
		{
			Pattern: Goods, New: func() proto.Message { return &compensationv1.Goods{} }, Index: goodsIndex,
			Complaint: func(_ string, m proto.Message) string { return m.(*compensationv1.Goods).GetComplaint() },
		},
		{
			Pattern: Allocations, New: func() proto.Message { return &compensationv1.Allocation{} }, Index: allocationIndex,
			Complaint: func(_ string, m proto.Message) string { return m.(*compensationv1.Allocation).GetComplaint() },
		},
	}
}

func claimIndex(m proto.Message) []journal.Attr {
	c := m.(*compensationv1.Claim)
	out := []journal.Attr{
		{Name: AttrState, Value: c.GetState().String()},
		{Name: AttrComplaint, Value: c.GetComplaint()},
		{Name: AttrSubject, Value: SubjectID(c.GetSubject())},
	}
	for _, cause := range c.GetCauses() {
		out = append(out, journal.Attr{Name: AttrCause, Value: cause})
	}
	out = append(out, filled(AttrBatch, c.GetBatch())...)
	out = append(out, filled(AttrPayee, c.GetPayeeKey())...)
	out = append(out, filled(AttrGround, c.GetGround())...)
	out = append(out, filled(AttrRemedy, c.GetRemedy())...)
	switch c.GetState() {
	case compensationv1.Claim_STATE_APPROVED, compensationv1.Claim_STATE_CHECKED:
		out = append(out, journal.Attr{Name: AttrPayable, Value: Payable})
	}
	return out
}

func goodsIndex(m proto.Message) []journal.Attr {
	g := m.(*compensationv1.Goods)
	out := []journal.Attr{
		{Name: AttrState, Value: g.GetState().String()}, {Name: AttrSubject, Value: SubjectID(g.GetSubject())}, {Name: AttrOrigin, Value: g.GetOrigin()},
	}
	return append(out, filled(AttrComplaint, g.GetComplaint())...)
}

func allocationIndex(m proto.Message) []journal.Attr {
	a := m.(*compensationv1.Allocation)
	return []journal.Attr{
		{Name: AttrState, Value: a.GetState().String()}, {Name: AttrComplaint, Value: a.GetComplaint()}, {Name: AttrSubject, Value: SubjectID(a.GetSubject())},
	}
}

// filled is the attribute, unless it has no value.
func filled(name, value string) []journal.Attr {
	if value == "" {
		return nil
	}
	return []journal.Attr{{Name: name, Value: value}}
}

// Project says which states of other services are kept, by full name.
func Project() map[string]func(proto.Message) []journal.Attr {
	out := map[string]func(proto.Message) []journal.Attr{}
	for _, m := range []proto.Message{&intakev1.Complaint{}, &routingv1.Case{}} {
		out[string(m.ProtoReflect().Descriptor().FullName())] = func(proto.Message) []journal.Attr { return nil }
	}
	out[string((&routingv1.Offer{}).ProtoReflect().Descriptor().FullName())] = func(m proto.Message) []journal.Attr {
		return []journal.Attr{{Name: AttrComplaint, Value: m.(*routingv1.Offer).GetComplaint()}}
	}
	return out
}
