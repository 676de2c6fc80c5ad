package app

import (
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/kit/journal"
)

// Patterns of what the service owns.
const (
	Notices   = "notices/*"
	Receivers = "receivers/*"
	FollowUps = "followUps/*"
)

// Patterns of what it keeps of others.
const (
	clocksOf  = "cases/*/clocks/*"
	plansOf   = "cases/*/plans/*"
	repliesOf = "cases/*/replies/*"
)

// Attributes.
const (
	AttrComplaint  = "complaint"
	AttrState      = "state"
	AttrKind       = "kind"
	AttrSubject    = "subject"
	attrObligation = "obligation"
	attrCase       = "case"
	attrRevision   = "revision"
)

// Kinds returns the collections of the service.
func Kinds() []journal.Kind {
	return []journal.Kind{
		{
			Pattern: Notices, New: func() proto.Message { return &notificationv1.Notice{} }, Index: noticeIndex,
			Complaint: func(_ string, m proto.Message) string { return as[*notificationv1.Notice](m).GetComplaint() },
			Timer:     noticeTimer, Background: true,
		},
		{
			Pattern: FollowUps, New: func() proto.Message { return &notificationv1.FollowUp{} }, Index: followUpIndex,
			Complaint: func(_ string, m proto.Message) string { return as[*notificationv1.FollowUp](m).GetComplaint() },
		},
		{Pattern: Campaigns, New: func() proto.Message { return &notificationv1.Campaign{} }, Timer: campaignTimer},
		{Pattern: Receivers, New: func() proto.Message { return &notificationv1.Receiver{} }},
	}
}

func noticeIndex(m proto.Message) []journal.Attr {
	n := as[*notificationv1.Notice](m)
	return attrs(AttrState, n.GetState().String(), AttrKind, n.GetKind(), AttrComplaint, n.GetComplaint(), AttrSubject, last(n.GetSubject()), attrObligation, n.GetObligation())
}

func followUpIndex(m proto.Message) []journal.Attr {
	f := as[*notificationv1.FollowUp](m)
	return attrs(AttrState, f.GetState().String(), AttrComplaint, f.GetComplaint(), AttrSubject, last(f.GetSubject()))
}

func noticeTimer(m proto.Message) (time.Time, int64, bool) {
	n := as[*notificationv1.Notice](m)
	return n.GetNextAttemptTime().AsTime(), n.GetGeneration(), n.GetState() == notificationv1.Notice_STATE_PENDING
}

// attrs pairs names with values and leaves empty ones out.
func attrs(pairs ...string) []journal.Attr {
	var out []journal.Attr
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out = append(out, journal.Attr{Name: pairs[i], Value: pairs[i+1]})
		}
	}
	return out
}

// Project says which states of other services are kept, and how they are found.
func Project() map[string]func(proto.Message) []journal.Attr {
	none := func(proto.Message) []journal.Attr { return nil }
	ofCase := func(m proto.Message) []journal.Attr {
		type named interface{ GetName() string }
		return attrs(attrCase, parent(m.(named).GetName()))
	}
	out := map[string]func(proto.Message) []journal.Attr{}
	for m, index := range map[proto.Message]func(proto.Message) []journal.Attr{
		&intakev1.Complaint{}: none, &routingv1.Case{}: none, &routingv1.Plan{}: ofCase, &routingv1.Reply{}: ofCase, &clockv1.Clock{}: ofCase,
	} {
		out[string(m.ProtoReflect().Descriptor().FullName())] = index
	}
	return out
}

// Consumes names the services whose events matter here.
func Consumes() []string {
	return []string{"intake", "routing", "compensation", "corrective-action", "reporting"}
}

// Subject returns the complaint an event's state says it belongs to; empty if none.
func complaintOf(m proto.Message) string {
	switch s := m.(type) {
	case *intakev1.Complaint:
		return s.GetName()
	case *routingv1.Case:
		return s.GetComplaint()
	case *routingv1.Plan:
		return s.GetComplaint()
	case *routingv1.Reply:
		return "complaints/" + last(parent(s.GetName()))
	case *clockv1.Clock:
		return s.GetComplaint()
	case *compensationv1.Claim:
		return s.GetComplaint()
	case *correctiveactionv1.Action:
		return s.GetComplaint()
	case *correctiveactionv1.Entry:
		return s.GetComplaint()
	case *correctiveactionv1.Penalty:
		return s.GetComplaint()
	case *correctiveactionv1.Duty:
		return s.GetComplaint()
	case *notificationv1.Notice:
		return s.GetComplaint()
	case *notificationv1.FollowUp:
		return s.GetComplaint()
	case interface{ GetComplaint() string }:
		return s.GetComplaint()
	}
	return ""
}

// revisionOf returns the revision of the pack that a state outside complaints falls under; empty if none.
func revisionOf(m proto.Message) string {
	if s, ok := m.(interface{ GetPolicyRevision() string }); ok {
		return s.GetPolicyRevision()
	}
	return ""
}

// CaseName returns the name of the complaint's case.
func CaseName(complaint string) string { return "cases/" + last(complaint) }

// parent returns the first two segments of a name.
func parent(name string) string {
	parts := strings.SplitN(name, "/", 3)
	if len(parts) < 2 {
		return name
	}
	return parts[0] + "/" + parts[1]
}

func last(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

// as returns m as T, or an empty T.
func as[T proto.Message](m proto.Message) T {
	t, _ := m.(T)
	return t
}
