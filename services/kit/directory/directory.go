// Package directory answers who somebody is in the organisation, and whether
// that admits the person to an act.
//
// A [Directory] is an immutable snapshot of one organisation's people,
// departments, assignments, delegations and channels, built from the states of
// routing's DirectoryService. [Directory.Match] reads the `who` texts of policy
// packs against it. [Store] keeps one snapshot an organisation and replaces it
// when something changed.
//
// The package does not know packs, tokens or the transport: which functions open
// a method is package authz's, which roles a rule names is the pack's.
//
// Source: DESIGN section 7; PACK-SKETCH.md 2.1.
package directory

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// Roles that mean something beyond the pack.
const (
	// RoleHead is the role of a department's head.
	RoleHead = "head"
	// RoleMember is belonging to a department without a role.
	RoleMember = "member"
)

// States are the resources a directory is built from. Order does not matter.
type States struct {
	People      []*directoryv1.Person
	Departments []*directoryv1.Department
	Assignments []*directoryv1.Assignment
	Delegations []*directoryv1.Delegation
	Channels    []*directoryv1.Channel
}

// Directory is a snapshot of one organisation. It is immutable and safe for
// concurrent use; the messages it returns belong to it and are not to be changed.
type Directory struct {
	people      map[string]*directoryv1.Person
	departments map[string]*directoryv1.Department
	channels    map[string]string
	names       []string // of all people, sorted

	held         map[string][]assignment // by person
	byRole       map[string][]assignment
	byDepartment map[string][]assignment
	to           map[string][]delegation // by delegate, in order of name
}

// assignment is a role that a person holds for a time.
type assignment struct {
	person, role, department string // department: its code, "" for the whole organisation
	period
}

// delegation lets one person act for another for a time.
type delegation struct {
	name, from, to, role string // role "" means all
	designation          bool
	period
}

// period is half open; a zero bound is none.
type period struct{ start, end time.Time }

func periodOf(start, end *timestamppb.Timestamp) period {
	var p period
	if start != nil {
		p.start = start.AsTime()
	}
	if end != nil {
		p.end = end.AsTime()
	}
	return p
}

func (p period) holds(at time.Time) bool {
	return !at.Before(p.start) && (p.end.IsZero() || at.Before(p.end))
}

// New returns the directory of the states.
//
// A delegation without an end is dropped unless it is a designation, and so is
// one of a person to himself: the service refuses both, and admitting less is
// the safe reading.
func New(s States) *Directory {
	d := &Directory{
		people:       make(map[string]*directoryv1.Person, len(s.People)),
		departments:  make(map[string]*directoryv1.Department, len(s.Departments)),
		channels:     make(map[string]string, len(s.Channels)),
		held:         map[string][]assignment{},
		byRole:       map[string][]assignment{},
		byDepartment: map[string][]assignment{},
		to:           map[string][]delegation{},
	}
	for _, p := range s.People {
		d.people[p.GetName()] = p
		d.names = append(d.names, p.GetName())
	}
	slices.Sort(d.names)
	for _, p := range s.Departments {
		d.departments[code(p.GetName())] = p
	}
	for _, c := range s.Channels {
		d.channels[channelCode(c.GetName())] = c.GetOwner()
	}
	for _, m := range s.Assignments {
		a := assignment{
			person: Owner(m.GetName()), role: m.GetRole(), department: code(m.GetDepartment()),
			period: periodOf(m.GetStartTime(), m.GetEndTime()),
		}
		d.held[a.person] = append(d.held[a.person], a)
		d.byRole[a.role] = append(d.byRole[a.role], a)
		if a.department != "" {
			d.byDepartment[a.department] = append(d.byDepartment[a.department], a)
		}
	}
	for _, m := range s.Delegations {
		if e, ok := delegationOf(m); ok {
			d.to[e.to] = append(d.to[e.to], e)
		}
	}
	for _, all := range d.to {
		slices.SortFunc(all, func(a, b delegation) int { return cmp.Compare(a.name, b.name) })
	}
	return d
}

func delegationOf(m *directoryv1.Delegation) (delegation, bool) {
	e := delegation{
		name: m.GetName(), from: Owner(m.GetName()), to: m.GetDelegate(), role: m.GetRole(),
		designation: m.GetDesignation(), period: periodOf(m.GetStartTime(), m.GetEndTime()),
	}
	return e, e.from != e.to && (e.designation || !e.end.IsZero())
}

// Owner returns people/{person} of the name of an assignment or delegation.
func Owner(name string) string {
	parts := strings.SplitN(name, "/", 3)
	if len(parts) < 2 {
		return name
	}
	return parts[0] + "/" + parts[1]
}

func code(department string) string     { return strings.TrimPrefix(department, "departments/") }
func channelCode(channel string) string { return strings.TrimPrefix(channel, "channels/") }

// Person returns a person, active or not.
func (d *Directory) Person(name string) (*directoryv1.Person, bool) {
	p, ok := d.people[name]
	return p, ok
}

// Active reports whether the person exists and may act.
func (d *Directory) Active(person string) bool {
	return d.people[person].GetState() == directoryv1.Person_STATE_ACTIVE
}

// People returns the names of all people, active or not, sorted.
func (d *Directory) People() []string { return slices.Clone(d.names) }

// Functions returns what the person may do in the suite at the instant; nothing
// for one who is not active. Functions are not delegated: who acts for another
// needs the function himself.
func (d *Directory) Functions(person string, _ time.Time) []typev1.Function {
	if !d.Active(person) {
		return nil
	}
	return slices.Clone(d.people[person].GetFunctions())
}

// Superior returns the person's superior, or "".
func (d *Directory) Superior(person string) string { return d.people[person].GetSuperior() }

// Department returns a department by its code or name.
func (d *Directory) Department(name string) (*directoryv1.Department, bool) {
	p, ok := d.departments[code(name)]
	return p, ok
}

// Departments returns the codes of all departments, sorted.
func (d *Directory) Departments() []string { return slices.Sorted(maps.Keys(d.departments)) }

// DepartmentsOf returns the codes of the departments in which the person has an
// assignment at the instant, sorted; none for one who is not active.
func (d *Directory) DepartmentsOf(person string, at time.Time) []string {
	var out []string
	if d.Active(person) {
		for _, a := range d.held[person] {
			if a.department != "" && a.holds(at) {
				out = append(out, a.department)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// RolesOf returns the roles the person holds at the instant, sorted, "role" or
// "role@department"; none for one who is not active.
func (d *Directory) RolesOf(person string, at time.Time) []string {
	var out []string
	if d.Active(person) {
		for _, a := range d.held[person] {
			switch {
			case !a.holds(at):
			case a.department == "":
				out = append(out, a.role)
			default:
				out = append(out, a.role+"@"+a.department)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// ChannelOwner returns who answers for the channel, given by its code or name;
// ok is false if nobody was named. The owner may have become inactive since.
func (d *Directory) ChannelOwner(channel string) (person string, ok bool) {
	person, ok = d.channels[channelCode(channel)]
	return person, ok
}
