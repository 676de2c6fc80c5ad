// Package app carries decisions of corrective-action out: it gathers what a decision
// looks at, stores the events it leads to, and lets follow what the pack says about
// them: actions, entries of the ledger, duties. It decides nothing.
//
// Package rpc uses it for acts of people, package react for events of other services
// and for timers. Start reading at [Desk.Scene], then [Desk.Follow] and [Desk.Act].
//
// Source: DESIGN sections 3 and 5.
package app

import (
	"fmt"
	"slices"
	"strings"
	"time"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	routingv1 "example.com/redress/proto/gen/redress/routing/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/corrective-action/internal/domain"
	"example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/numbering"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/revisions"
	"example.com/redress/services/policy/sheet"
)

// Desk prepares decisions and carries them out. Safe for concurrent use.
type Desk struct {
	policies    *revisions.Revisions
	directories *directory.Units
	shard       func(key string) int
}

// New returns a desk that takes its policies from the cache given; shard is that of a
// complaint in the service's store and is set by [Desk.Bind].
func New(policies *revisions.Revisions) *Desk {
	return &Desk{policies: policies, directories: directory.NewUnits(), shard: func(string) int { return 0 }}
}

// Bind tells the desk the shards of its store. It is called once, before Start.
func (k *Desk) Bind(shard func(key string) int) { k.shard = shard }

// Policies returns the compiled policies.
func (k *Desk) Policies() *revisions.Revisions { return k.policies }

// Principal is under which the service acts by itself.
const Principal = "services/corrective-action"

// Scene is what an event or an act happens in: what is known of it, and who is who.
type Scene struct {
	Policy   *policy.Policy
	Revision string
	Sheet    *policy.Sheet
	// Complaint it belongs to; nil for none.
	Complaint *intakev1.Complaint
	Directory *directory.Directory
	Places    directory.Places
	// Counted is the person or department that a count or watch stands at; empty if none.
	Counted string
	// Penalty notice at hand; empty if none.
	Penalty string
	// Period that a watch looked at; empty takes the month of At.
	Period string
	// By acts; empty is the service itself.
	By string
	// At is when it happened.
	At time.Time
	// Source names what happened, once and for all: what follows takes its name from it.
	// Cause is the resource it happened to.
	Source, Cause string
	// Outside any complaint: steps that follow are duties of this service.
	Outside bool

	booked *[]string // entries made, where somebody wants to know
	depth  int
}

// Scene returns the scene of a complaint, or with none that of the policy in force.
// revision names the policy; empty takes the complaint's. RESOURCE_NOT_FOUND if the
// complaint or the revision has not been heard of; NO_ACTIVE_POLICY.
func (k *Desk) Scene(u *journal.Unit, complaint, revision string, at time.Time) (*Scene, error) {
	sc := &Scene{At: at}
	var kase *routingv1.Case
	if complaint != "" {
		c := &intakev1.Complaint{}
		_, ok, err := u.Projection(complaint, c)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, fault.New(fault.NotFound, journal.ReasonNotFound, "name", complaint)
		}
		sc.Complaint = c
		if revision == "" {
			revision = c.GetPolicyRevision()
		}
		found := &routingv1.Case{}
		if _, ok, err = u.Projection(CaseOf(complaint), found); err != nil {
			return nil, err
		} else if ok {
			kase = found
		}
	}
	var err error
	if revision == "" {
		var active *policyv1.Revision
		if sc.Policy, active, err = k.policies.Active(revisions.Unit{U: u}); err != nil {
			return nil, err
		}
		revision = active.GetName()
	} else if sc.Policy, err = k.policies.Get(revisions.Unit{U: u}, revision); err != nil {
		return nil, err
	}
	sc.Revision = revision
	if sc.Directory, err = k.directories.At(u); err != nil {
		return nil, err
	}
	sc.Sheet = sheet.Of(sc.Complaint, kase)
	sc.Places = placesOf(sc.Policy, sc.Complaint, kase)
	sc.persons()
	return sc, nil
}

func placesOf(p *policy.Policy, c *intakev1.Complaint, kase *routingv1.Case) directory.Places {
	return directory.Places{
		Responsible: kase.GetDepartments(), Owner: kase.GetOwner(), Respondent: c.GetRespondent(), Persons: map[string][]string{},
		Designees: func(role string) bool {
			return slices.ContainsFunc(p.Rules().GetRoles(), func(r *policyv1.Role) bool { return r.GetId() == role && r.GetDesignee() })
		},
	}
}

// PlacesOf says what the variable words of a who stand for in an action alone.
func PlacesOf(p *policy.Policy, a *correctiveactionv1.Action) directory.Places {
	sc := &Scene{Policy: p, Sheet: sheet.WithAction(&policy.Sheet{}, a), Places: placesOf(p, nil, nil)}
	sc.persons()
	sc.Places.Responsible = []string{a.GetDepartment()}
	return sc.Places
}

// persons lets PERSON fields, and LIST fields with such an item, name who they name.
func (sc *Scene) persons() {
	all := map[string][]string{}
	for _, form := range sc.Policy.Rules().GetForms() {
		for _, field := range form.GetFields() {
			if found := sheet.Line([]*policyv1.Field{field}, field.GetId(), sc.Sheet.Facts); len(found) > 0 {
				all[field.GetId()] = found
			}
		}
	}
	if strings.HasPrefix(sc.Counted, "people/") {
		all["counted"] = []string{sc.Counted}
	}
	sc.Places.Persons = all
}

// With returns the scene with another sheet.
func (sc *Scene) With(s *policy.Sheet) *Scene {
	next := *sc
	next.Sheet = s
	next.persons()
	return &next
}

// Count returns the scene of a count that stands at a person or department.
func (sc *Scene) Count(counted, department string) *Scene {
	next := *sc
	next.Counted = counted
	next.Places.Counted = department
	if next.Places.Counted == "" && strings.HasPrefix(counted, "departments/") {
		next.Places.Counted = counted
	}
	next.persons()
	return &next
}

// Of returns the scene in which a department answers for the matter alone.
func (sc *Scene) Of(department string) *Scene {
	if department == "" {
		return sc
	}
	next := *sc
	next.Places.Responsible = []string{department}
	return &next
}

// Act returns what a decision of the person looks at; "" is the service itself.
func (k *Desk) Act(u *journal.Unit, sc *Scene, principal string) domain.Act {
	by := func(name string) domain.Person {
		return domain.Person{Name: name, Matches: func(who string) (bool, string) {
			return sc.Directory.Match(name, who, sc.At, sc.Places)
		}}
	}
	act := domain.Act{Policy: sc.Policy, Sheet: sc.Sheet, Now: sc.At, By: by(principal), Person: by, Number: k.numbers(u, sc)}
	act.Warned = u.Warn
	act.Recused = sc.Directory.Recused(sc.Policy.Concerned(sc.Sheet), sc.At)
	if principal == "" || strings.HasPrefix(principal, "services/") {
		act.By = domain.Person{Name: Principal}
	}
	return act
}

// numbers gives the numbers of a pattern of the pack: its serial is one for the
// organisation, and a write that is refused takes none.
//
// Source: PROCEDURES P18 4.2.1, P18-A1, P18-A2.
func (k *Desk) numbers(u *journal.Unit, sc *Scene) func(id, pattern string) (string, error) {
	return func(id, pattern string) (string, error) {
		p, err := numbering.Parse(pattern)
		if err != nil {
			return "", fmt.Errorf("number of %s: %w", id, err)
		}
		local := sc.At.In(sc.Policy.Calendar().Location())
		key := p.Key("number/"+sc.Policy.Rules().GetPack()+"/"+id, local)
		if key == "" {
			return p.Number(local, 0), nil
		}
		serial, err := u.Serial(key)
		if err != nil {
			return "", err
		}
		return p.Number(local, serial), nil
	}
}

// CaseOf returns the name of a complaint's case: they share their id.
func CaseOf(complaint string) string { return "cases/" + strings.TrimPrefix(complaint, "complaints/") }

// SubjectID returns the id of the data subject whose key seals texts.
func SubjectID(subject string) string { return strings.TrimPrefix(subject, "subjects/") }

// SubjectOf returns the id of the data subject of a member of staff, whose key seals
// what is written outside complaints.
func SubjectOf(person string) string { return strings.ReplaceAll(person, "/", "-") }

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

func because(u *journal.Unit, rules ...*typev1.RuleRef) {
	u.Because(slices.DeleteFunc(rules, func(r *typev1.RuleRef) bool { return r == nil })...)
}

func opened(events []domain.Event) *correctiveactionv1.Action { return events[len(events)-1].State }
