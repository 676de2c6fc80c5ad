package app

import (
	"google.golang.org/protobuf/proto"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/clocks"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/routing/internal/domain"
)

// Patterns of a case and what belongs to it.
const (
	Cases    = "cases/*"
	Plans    = "cases/*/plans/*"
	Findings = "cases/*/findings/*"
	Progress = "cases/*/progress/*"
	Replies  = "cases/*/replies/*"
	Clocks   = "cases/*/clocks/*"

	Contacts   = "cases/*/contacts/*"
	Offers     = "cases/*/offers/*"
	WorkOrders = "cases/*/workOrders/*"
	Approvals  = "cases/*/approvals/*"
	Shares     = "cases/*/shares/*"
	News       = "news/*"
)

// Attributes by which cases are found.
const (
	AttrState      = "state"
	AttrDepartment = "department"
	AttrOwner      = "owner"
	AttrSubject    = "subject"
	// AttrOwes is the kind of an obligation that is open.
	AttrOwes = "owes"
	// AttrComplaint, AttrKind, AttrPlace and AttrExchange find work orders, news and shares.
	AttrComplaint = "complaint"
	AttrKind      = "kind"
	AttrPlace     = "place"
	AttrExchange  = "exchange"
)

// Kinds returns the collections of cases.
func Kinds() []journal.Kind {
	return []journal.Kind{
		{Pattern: Cases, New: func() proto.Message { return &routingv1.Case{} }, Index: caseIndex, Complaint: complaint},
		{Pattern: Plans, New: func() proto.Message { return &routingv1.Plan{} }, Complaint: complaint},
		{Pattern: Findings, New: func() proto.Message { return &routingv1.Finding{} }, Complaint: complaint},
		{Pattern: Progress, New: func() proto.Message { return &routingv1.Progress{} }, Complaint: complaint},
		{Pattern: Replies, New: func() proto.Message { return &routingv1.Reply{} }, Complaint: complaint},
		{Pattern: Contacts, New: func() proto.Message { return &routingv1.Contact{} }, Complaint: complaint},
		{Pattern: Offers, New: func() proto.Message { return &routingv1.Offer{} }, Complaint: complaint},
		{Pattern: WorkOrders, New: func() proto.Message { return &routingv1.WorkOrder{} }, Index: orderIndex, Complaint: complaint},
		{Pattern: Approvals, New: func() proto.Message { return &routingv1.CaseApproval{} }, Complaint: complaint},
		{Pattern: Shares, New: func() proto.Message { return &routingv1.Share{} }, Index: shareIndex, Complaint: complaint},
		{Pattern: News, New: func() proto.Message { return &routingv1.News{} }, Index: newsIndex},
		clocks.Kind("cases"),
	}
}

// complaint is what a state says it belongs to; a return file has none. What does not say
// it carries the complaint's id in its name.
func complaint(name string, m proto.Message) string {
	if said, ok := m.(interface{ GetComplaint() string }); ok {
		return said.GetComplaint()
	}
	return domain.ComplaintName(name)
}

func caseIndex(m proto.Message) []journal.Attr {
	k, ok := m.(*routingv1.Case)
	if !ok {
		return nil
	}
	out := []journal.Attr{{Name: AttrState, Value: k.GetState().String()}}
	if k.GetSubject() != "" {
		out = append(out, journal.Attr{Name: AttrSubject, Value: k.GetSubject()})
	}
	if k.GetOwner() != "" {
		out = append(out, journal.Attr{Name: AttrOwner, Value: k.GetOwner()})
	}
	for _, d := range k.GetDepartments() {
		out = append(out, journal.Attr{Name: AttrDepartment, Value: d})
	}
	for _, o := range k.GetObligations() {
		if o.GetState() == typev1.Obligation_STATE_OPEN {
			out = append(out, journal.Attr{Name: AttrOwes, Value: o.GetKind()})
		}
	}
	return out
}

func orderIndex(m proto.Message) []journal.Attr {
	w, ok := m.(*routingv1.WorkOrder)
	if !ok {
		return nil
	}
	return []journal.Attr{
		{Name: AttrState, Value: w.GetState().String()}, {Name: AttrDepartment, Value: w.GetDepartment()}, {Name: AttrComplaint, Value: w.GetComplaint()},
	}
}

func shareIndex(m proto.Message) []journal.Attr {
	s, ok := m.(*routingv1.Share)
	if !ok {
		return nil
	}
	return []journal.Attr{{Name: AttrExchange, Value: s.GetExchange()}, {Name: AttrComplaint, Value: s.GetComplaint()}}
}

func newsIndex(m proto.Message) []journal.Attr {
	n, ok := m.(*routingv1.News)
	if !ok {
		return nil
	}
	return []journal.Attr{{Name: AttrKind, Value: n.GetKind()}, {Name: AttrPlace, Value: n.GetPlace()}}
}

// Project says which states of other services routing keeps, by full name.
func Project() map[string]func(proto.Message) []journal.Attr {
	out := map[string]func(proto.Message) []journal.Attr{}
	byComplaint := func(m proto.Message) []journal.Attr {
		if c, ok := m.(*compensationv1.Claim); ok && c.GetComplaint() != "" {
			return []journal.Attr{{Name: AttrComplaint, Value: c.GetComplaint()}}
		}
		return nil
	}
	for _, m := range []proto.Message{&intakev1.Complaint{}, &compensationv1.Claim{}, &compensationv1.Goods{}, &compensationv1.Allocation{}, &correctiveactionv1.Action{}, &notificationv1.FollowUp{}} {
		out[string(m.ProtoReflect().Descriptor().FullName())] = byComplaint
	}
	return out
}

// Projected returns an empty state of a collection that routing keeps of another
// service, nil for others.
func Projected(collection string) proto.Message {
	switch collection {
	case "claims":
		return &compensationv1.Claim{}
	case "goods":
		return &compensationv1.Goods{}
	case "allocations":
		return &compensationv1.Allocation{}
	case "actions":
		return &correctiveactionv1.Action{}
	case "followUps":
		return &notificationv1.FollowUp{}
	}
	return nil
}
