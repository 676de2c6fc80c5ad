// Package app carries decisions on actions out: it gathers what a decision looks at,
// stores the event it leads to, and keeps the action's clock beside it. It decides
// nothing.
//
// Package rpc uses it for acts of people, package react for events of other services.
// Start reading at [Desk.Act], then [Store].
//
// Source: DESIGN sections 3 and 5.
package app

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/corrective-action/internal/domain"
	"example.com/redress/services/kit/clocks"
	"example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/revisions"
	"example.com/redress/services/policy/sheet"
)

// Desk prepares decisions. Safe for concurrent use.
type Desk struct{ policies *revisions.Revisions }

// New returns a desk that takes its policies from the cache given.
func New(policies *revisions.Revisions) *Desk { return &Desk{policies: policies} }

// Actor is who acts.
type Actor struct {
	// Directory says who is who; nil for a service.
	Directory *directory.Directory
	// Principal acts.
	Principal string
	// Now is when.
	Now time.Time
}

// Act returns what a decision on an action of the complaint looks at, and the
// complaint. revision names the policy; empty takes the complaint's.
// RESOURCE_NOT_FOUND if the complaint or the revision has not been heard of.
func (k *Desk) Act(u *journal.Unit, complaint, revision string, by Actor) (domain.Act, *intakev1.Complaint, error) {
	c := &intakev1.Complaint{}
	_, ok, err := u.Projection(complaint, c)
	if err != nil {
		return domain.Act{}, nil, err
	}
	if !ok {
		return domain.Act{}, nil, fault.New(fault.NotFound, journal.ReasonNotFound, "name", complaint)
	}
	if revision == "" {
		revision = c.GetPolicyRevision()
	}
	p, err := k.policies.Get(revisions.Unit{U: u}, revision)
	if err != nil {
		return domain.Act{}, nil, err
	}
	kase := &routingv1.Case{}
	if _, ok, err = u.Projection(CaseOf(complaint), kase); err != nil {
		return domain.Act{}, nil, err
	}
	if !ok {
		kase = nil
	}
	now, places := by.Now, placesOf(p, kase)
	act := domain.Act{Policy: p, Sheet: sheet.Of(c, kase), Now: now, By: domain.Person{Name: by.Principal}}
	if by.Directory != nil {
		act.By.Matches = func(who string) (bool, string) { return by.Directory.Match(by.Principal, who, now, places) }
	}
	return act, c, nil
}

func placesOf(p *policy.Policy, kase *routingv1.Case) directory.Places {
	return directory.Places{
		Responsible: kase.GetDepartments(), Owner: kase.GetOwner(),
		Designees: func(role string) bool {
			for _, r := range p.Rules().GetRoles() {
				if r.GetId() == role {
					return r.GetDesignee()
				}
			}
			return false
		},
	}
}

// Open stores a new action with its clock, where it has a date. What is owed once the
// date has passed already, because the plan was written long before it began, has
// none: a clock that is late from the first would tell nothing.
func Open(u *journal.Unit, e domain.Event, p *policy.Policy) error {
	a := e.State
	now := a.GetCreateTime().AsTime()
	u.Because(e.Rules...)
	if a.GetDueTime() != nil && a.GetDueTime().AsTime().After(now) {
		owedBy := []string{}
		if a.GetOwner() != "" {
			owedBy = append(owedBy, a.GetOwner())
		}
		c, err := clocks.Start(u, clocks.Spec{
			Subject: a.GetName(), Complaint: a.GetComplaint(), Kind: ClockKind, Rule: a.GetRule(), Revision: a.GetPolicyRevision(),
			Start: now, Fixed: a.GetDueTime().AsTime(), Calendar: p.Calendar(), OwedBy: owedBy, Round: 1,
		})
		if err != nil {
			return err
		}
		a.Clock = c.GetName()
	}
	u.Answer(a.GetName())
	return u.Create(a.GetName(), a, e.Change)
}

// ClockKind is the kind of an action's clock.
const ClockKind = "action"

// Store stores the next state of an action. Carrying it out meets its clock; being
// found not effective leaves it met: the date was kept, the work was not good enough.
func Store(u *journal.Unit, e domain.Event) error {
	u.Because(e.Rules...)
	if err := u.Update(e.State.GetName(), e.State, e.Change); err != nil {
		return err
	}
	if _, done := e.Change.(*correctiveactionv1.ActionImplemented); done && e.State.GetClock() != "" {
		return clocks.Meet(u, e.State.GetName(), ClockKind, u.Time())
	}
	return nil
}

// CaseOf returns the name of a complaint's case: they share their id.
func CaseOf(complaint string) string { return "cases/" + strings.TrimPrefix(complaint, "complaints/") }

// SubjectID returns the id of the data subject whose key seals the action's texts.
func SubjectID(subject string) string { return strings.TrimPrefix(subject, "subjects/") }

// Number returns the next readable number, "CA20260413-000001": the date in the zone
// given, then a serial within date and shard, so that lanes do not wait for each other.
func Number(u *journal.Unit, zone *time.Location, shard int) (string, error) {
	date := u.Time().In(zone).Format("20060102")
	serial, err := u.Serial(fmt.Sprintf("number/action/%s/%02d", date, shard))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("CA%s-%02d%04d", date, shard, serial), nil
}

// Patterns of what the service owns.
const (
	Actions  = "actions/*"
	Clocks   = "actions/*/clocks/*"
	Erasures = "erasures/*"
)

// Attributes by which actions are found.
const (
	AttrState     = "state"
	AttrComplaint = "complaint"
	AttrSubject   = "subject"
)

// Kinds returns the collections of the service.
func Kinds() []journal.Kind {
	return []journal.Kind{
		{
			Pattern: Actions, New: func() proto.Message { return &correctiveactionv1.Action{} }, Index: actionIndex,
			Complaint: func(_ string, m proto.Message) string { return m.(*correctiveactionv1.Action).GetComplaint() },
		},
		clocks.Kind("actions"),
		{Pattern: Erasures, New: func() proto.Message { return &intakev1.DataSubject{} }, Timer: erasureTimer, Background: true},
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

// erasureTimer lets the background find erasures that intake does not know of yet.
func erasureTimer(m proto.Message) (time.Time, int64, bool) {
	s := m.(*intakev1.DataSubject)
	return s.GetEraseTime().AsTime(), 1, len(s.GetErasuresConfirmed()) == 0
}

// Project says which states of other services are kept, by full name.
func Project() map[string]func(proto.Message) []journal.Attr {
	out := map[string]func(proto.Message) []journal.Attr{}
	for _, m := range []proto.Message{&intakev1.Complaint{}, &routingv1.Case{}} {
		out[string(m.ProtoReflect().Descriptor().FullName())] = func(proto.Message) []journal.Attr { return nil }
	}
	return out
}
