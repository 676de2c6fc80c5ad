package app

import (
	"time"

	"google.golang.org/protobuf/proto"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/kit/clocks"
	"example.com/redress/services/kit/journal"
)

// Patterns of what the service owns.
const (
	Actions         = "actions/*"
	ActionClocks    = "actions/*/clocks/*"
	Entries         = "entries/*"
	EntryClocks     = "entries/*/clocks/*"
	Penalties       = "penalties/*"
	Duties          = "duties/*"
	DutyClocks      = "duties/*/clocks/*"
	DepartmentFiles = "departmentFiles/*"
	Periods         = "periods/*"
)

// Attributes by which resources are found.
const (
	AttrState      = "state"
	AttrComplaint  = "complaint"
	AttrSubject    = "subject"
	AttrTo         = "to"
	AttrPeriod     = "period"
	AttrEntry      = "entry"
	AttrFund       = "fund"
	AttrAccount    = "account"
	AttrStep       = "step"
	AttrCounted    = "counted"
	AttrDepartment = "department"
	AttrForm       = "form"
)

// Kinds returns the collections of the service.
func Kinds() []journal.Kind {
	return []journal.Kind{
		{
			Pattern: Actions, New: func() proto.Message { return &correctiveactionv1.Action{} }, Index: actionIndex,
			Complaint: func(_ string, m proto.Message) string { return m.(*correctiveactionv1.Action).GetComplaint() },
		},
		clocks.Kind("actions"),
		{
			Pattern: Entries, New: func() proto.Message { return &correctiveactionv1.Entry{} }, Index: entryIndex,
			Complaint: func(_ string, m proto.Message) string { return m.(*correctiveactionv1.Entry).GetComplaint() },
		},
		clocks.Kind("entries"),
		{
			Pattern: Penalties, New: func() proto.Message { return &correctiveactionv1.Penalty{} }, Index: penaltyIndex,
			Complaint: func(_ string, m proto.Message) string { return m.(*correctiveactionv1.Penalty).GetComplaint() },
		},
		{
			Pattern: Duties, New: func() proto.Message { return &correctiveactionv1.Duty{} }, Index: dutyIndex,
			Complaint: func(_ string, m proto.Message) string { return m.(*correctiveactionv1.Duty).GetComplaint() },
		},
		clocks.Kind("duties"),
		{Pattern: DepartmentFiles, New: func() proto.Message { return &correctiveactionv1.DepartmentFile{} }, Index: fileIndex},
		{Pattern: Periods, New: func() proto.Message { return &correctiveactionv1.Period{} }, Timer: periodTimer},
	}
}

func actionIndex(m proto.Message) []journal.Attr {
	a := m.(*correctiveactionv1.Action)
	return []journal.Attr{
		{Name: AttrState, Value: a.GetState().String()},
		{Name: AttrComplaint, Value: a.GetComplaint()},
		{Name: AttrSubject, Value: SubjectID(a.GetSubject())},
	}
}

func entryIndex(m proto.Message) []journal.Attr {
	e := m.(*correctiveactionv1.Entry)
	return []journal.Attr{
		{Name: AttrState, Value: e.GetState().String()},
		{Name: AttrComplaint, Value: e.GetComplaint()},
		{Name: AttrSubject, Value: SubjectID(e.GetSubject())},
		{Name: AttrTo, Value: e.GetTo()},
		{Name: AttrPeriod, Value: e.GetPeriod()},
		{Name: AttrEntry, Value: e.GetEntry()},
		{Name: AttrFund, Value: e.GetFund()},
		{Name: AttrAccount, Value: e.GetAccount()},
	}
}

func penaltyIndex(m proto.Message) []journal.Attr {
	p := m.(*correctiveactionv1.Penalty)
	return []journal.Attr{
		{Name: AttrState, Value: p.GetState().String()},
		{Name: AttrComplaint, Value: p.GetComplaint()},
		{Name: AttrSubject, Value: SubjectID(p.GetSubject())},
	}
}

func dutyIndex(m proto.Message) []journal.Attr {
	d := m.(*correctiveactionv1.Duty)
	return []journal.Attr{
		{Name: AttrState, Value: d.GetState().String()},
		{Name: AttrComplaint, Value: d.GetComplaint()},
		{Name: AttrStep, Value: d.GetStep()},
		{Name: AttrCounted, Value: d.GetCounted()},
	}
}

func fileIndex(m proto.Message) []journal.Attr {
	f := m.(*correctiveactionv1.DepartmentFile)
	return []journal.Attr{{Name: AttrDepartment, Value: f.GetDepartment()}, {Name: AttrForm, Value: f.GetForm()}}
}

// periodTimer fires at the end of a month that waits to be turned into money.
func periodTimer(m proto.Message) (time.Time, int64, bool) {
	p := m.(*correctiveactionv1.Period)
	return p.GetEndTime().AsTime(), 1, p.GetCloseTime() == nil
}

// Project says which states of other services are kept, by full name.
func Project() map[string]func(proto.Message) []journal.Attr {
	out := map[string]func(proto.Message) []journal.Attr{}
	for _, m := range []proto.Message{&intakev1.Complaint{}, &routingv1.Case{}} {
		out[string(m.ProtoReflect().Descriptor().FullName())] = func(proto.Message) []journal.Attr { return nil }
	}
	return out
}
