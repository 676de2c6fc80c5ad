package domain

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/policy/sheet"
)

// Instants that put a row into a period. Source: PACK-SKETCH 2.2 (Measure, dated_by).
const (
	DatedReceived  = "received"
	DatedAsked     = "asked"
	DatedAnswered  = "answered"
	DatedCompleted = "completed"
	DatedClosed    = "closed"
)

// Rows returns the rows of a matter that fall into the period by the instant
// named. A row without that instant falls into none. A follow-up is completed when
// what it asks about was: that opened it. Praises, entries of the assessment and
// departments are not heard of here: they have no rows.
//
// Source: PROCEDURES P06-A1 (cases completed in the month, whether visited or not).
func Rows(m *Matter, of policyv1.Of, datedBy string, in Period) []Row {
	var out []Row
	add := func(number string, at *timestamppb.Timestamp, make func() Row) {
		if at != nil && in.Holds(at.AsTime()) {
			r := make()
			if r.Number = number; number == "" {
				r.Number = m.name()
			}
			out = append(out, r)
		}
	}
	base := m.sheet()
	shared := map[string]*timestamppb.Timestamp{
		DatedReceived: m.Complaint.GetReceiveTime(), DatedClosed: m.Case.GetCloseTime(), DatedCompleted: m.handled(),
		DatedAsked: m.asked(), DatedAnswered: m.answered(),
	}
	switch of {
	case policyv1.Of_OF_COMPLAINTS:
		if m.Complaint != nil {
			add(m.number(), shared[datedBy], func() Row { return Row{Sheet: base} })
		}
	case policyv1.Of_OF_FOLLOW_UPS:
		for _, f := range m.FollowUps {
			at := map[string]*timestamppb.Timestamp{DatedAsked: f.GetOpenTime(), DatedAnswered: f.GetAnswerTime(), DatedCompleted: f.GetOpenTime()}
			add(f.GetNumber(), either(at, shared, datedBy), func() Row { return Row{Sheet: sheet.WithFollowUp(base, f)} })
		}
	case policyv1.Of_OF_CLOCKS:
		for _, k := range m.Clocks {
			at := map[string]*timestamppb.Timestamp{DatedAsked: k.GetStartTime(), DatedAnswered: k.GetStopTime(), DatedCompleted: k.GetStopTime()}
			add(m.number(), either(at, shared, datedBy), func() Row { return Row{Sheet: sheet.WithClock(base, k)} })
		}
	case policyv1.Of_OF_ACTIONS:
		for _, a := range m.Actions {
			at := map[string]*timestamppb.Timestamp{DatedAsked: a.GetCreateTime(), DatedAnswered: a.GetImplementation().GetImplementTime(), DatedCompleted: verified(a), DatedClosed: a.GetCloseTime()}
			add(a.GetNumber(), either(at, shared, datedBy), func() Row { return Row{Sheet: sheet.WithAction(base, a)} })
		}
	case policyv1.Of_OF_UNSPECIFIED, policyv1.Of_OF_PRAISES, policyv1.Of_OF_ENTRIES, policyv1.Of_OF_DEPARTMENTS:
	}
	return out
}

// either returns the row's own instant of that name, where it has such, else the complaint's.
func either(own, shared map[string]*timestamppb.Timestamp, name string) *timestamppb.Timestamp {
	if at, ok := own[name]; ok {
		return at
	}
	return shared[name]
}

// handled is when the handling was complete: in this round, or its plan.
func (m *Matter) handled() *timestamppb.Timestamp {
	if at := m.Case.GetHandleTime(); at != nil {
		return at
	}
	return m.Plan.GetCompleteTime()
}

// asked is when the customer was first asked how the handling was.
func (m *Matter) asked() *timestamppb.Timestamp {
	var first *timestamppb.Timestamp
	for _, f := range m.FollowUps {
		first = earlier(first, f.GetOpenTime())
	}
	return first
}

// answered is when the customer had the first substantive answer.
func (m *Matter) answered() *timestamppb.Timestamp {
	var first *timestamppb.Timestamp
	for _, r := range m.Replies {
		if r.GetSubstantive() {
			first = earlier(first, r.GetSendTime())
		}
	}
	return first
}

func earlier(a, b *timestamppb.Timestamp) *timestamppb.Timestamp {
	if a == nil || b != nil && b.AsTime().Before(a.AsTime()) {
		return b
	}
	return a
}

// verified is when the action was found effective.
func verified(a *correctiveactionv1.Action) *timestamppb.Timestamp {
	for _, v := range a.GetVerifications() {
		if v.GetEffective() {
			return v.GetVerifyTime()
		}
	}
	return nil
}

// MonthOf returns the month of UTC of an instant, YYYY-MM; "" for none.
func MonthOf(at *timestamppb.Timestamp) string {
	if at == nil {
		return ""
	}
	return at.AsTime().In(time.UTC).Format("2006-01")
}
