package directory

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	kit "example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
)

// standing is a directory as it is, by name.
type standing struct {
	people      map[string]*directoryv1.Person // texts are tokens
	opened      map[string]*directoryv1.Person // those the table speaks of, in clear
	departments map[string]*directoryv1.Department
	assignments map[string]*directoryv1.Assignment
	channels    map[string]*directoryv1.Channel
}

// step is what one row asks for.
type step struct {
	row  row
	name string
	// next is the state after it; nil if everything is so already. A person's
	// texts are in clear here.
	next proto.Message
	// fresh: the resource is made.
	fresh bool
	// texts: texts of a person differ from those that stand.
	texts bool
}

// plan says what a table asks for and everything that is wrong with it. With
// problems the steps are not to be taken.
type plan struct {
	steps    []step
	problems problems
}

// counts returns how many resources are made, changed and left alone.
func (p *plan) counts() (created, changed, unchanged int32) {
	for _, s := range p.steps {
		switch {
		case s.next == nil:
			unchanged++
		case s.fresh:
			created++
		default:
			changed++
		}
	}
	return created, changed, unchanged
}

// planner compares a table with what stands.
type planner struct {
	plan

	at     standing
	me     string // who imports
	now    time.Time
	rows   map[string]row // by name, the first of each
	people map[string]*directoryv1.Person
	above  map[string]string // departments by name, to the one above
}

// draw returns what the rows ask for in a directory as it stands, for the one
// who imports them. It is a function of its arguments.
func draw(rows []row, found problems, at standing, me string, now time.Time) plan {
	p := &planner{
		plan: plan{problems: found}, at: at, me: me, now: now,
		rows: map[string]row{}, people: map[string]*directoryv1.Person{}, above: map[string]string{},
	}
	maps.Copy(p.people, at.people)
	for name, s := range at.departments {
		p.above[name] = s.GetParent()
	}
	rows = p.unique(rows)
	for _, r := range rows {
		switch r.record {
		case recordPerson:
			p.person(r)
		case recordDepartment:
			p.department(r)
		case recordAssignment:
			p.assignment(r)
		case recordChannel:
			p.channel(r)
		}
	}
	p.references(rows)
	p.loops(rows)
	p.problems.tidy()
	return p.plan
}

// unique returns the rows without those that speak of the same as an earlier one.
func (p *planner) unique(rows []row) []row {
	var out []row
	for _, r := range rows {
		if first, ok := p.rows[r.name()]; ok && r.id() != "" {
			p.problems.add(r.line, "id", ReasonRowRepeated, "row", strconv.Itoa(first.line))
			continue
		}
		p.rows[r.name()] = r
		out = append(out, r)
	}
	return out
}

func (p *planner) step(s step) { p.steps = append(p.steps, s) }

func (p *planner) person(r row) {
	old, exists := p.at.people[r.name()]
	next := &directoryv1.Person{Name: r.name(), State: directoryv1.Person_STATE_ACTIVE}
	if exists {
		next = proto.CloneOf(old)
		opened := p.at.opened[r.name()]
		next.DisplayName, next.Email, next.Telephone = opened.GetDisplayName(), opened.GetEmail(), opened.GetTelephone()
	}
	before := proto.CloneOf(next)
	// A person has one name: the Chinese one, or the English one without it.
	if r.given("zh") || r.given("en") || !exists {
		next.DisplayName = r.cells["zh"]
		if next.DisplayName == "" {
			next.DisplayName = r.cells["en"]
		}
		if next.DisplayName == "" {
			p.problems.add(r.line, "zh", ReasonCellRequired, "column", "zh")
		}
	}
	set(&next.Email, r, "email", "")
	set(&next.Telephone, r, "telephone", "")
	set(&next.Superior, r, "superior", people)
	if r.given("functions") {
		functions, _ := functionsOf(r.cells["functions"])
		if r.name() == p.me && !slices.Equal(functions, sorted(old.GetFunctions())) {
			p.problems.add(r.line, "functions", ReasonOwnFunctions)
		}
		next.Functions = functions
	}
	p.people[r.name()] = next
	s := step{row: r, name: r.name(), fresh: !exists, texts: !sameTexts(before, next)}
	before.Functions = sorted(before.GetFunctions())
	if !exists || !proto.Equal(before, next) {
		s.next = next
	}
	p.step(s)
}

func sameTexts(a, b *directoryv1.Person) bool {
	return a.GetDisplayName() == b.GetDisplayName() && a.GetEmail() == b.GetEmail() && a.GetTelephone() == b.GetTelephone()
}

// set puts a cell into a field, behind the prefix unless it is empty.
func set(field *string, r row, column, prefix string) {
	if value, ok := r.cells[column]; ok {
		*field = value
		if value != "" {
			*field = prefix + value
		}
	}
}

func (p *planner) department(r row) {
	old, exists := p.at.departments[r.name()]
	next := &directoryv1.Department{Name: r.name()}
	if exists {
		next = proto.CloneOf(old)
	}
	if next.GetTitle() == nil {
		next.Title = &typev1.Text{}
	}
	set(&next.Title.Zh, r, "zh", "")
	set(&next.Title.En, r, "en", "")
	set(&next.Parent, r, "department", departments)
	if next.GetTitle().GetZh() == "" && next.GetTitle().GetEn() == "" {
		p.problems.add(r.line, "zh", ReasonCellRequired, "column", "zh")
	}
	p.above[r.name()] = next.GetParent()
	p.changed(r, old, next, exists)
}

func (p *planner) assignment(r row) {
	old, exists := p.at.assignments[r.name()]
	next := &directoryv1.Assignment{Name: r.name()}
	if exists {
		next = proto.CloneOf(old)
	}
	set(&next.Role, r, "role", "")
	set(&next.Department, r, "department", departments)
	switch {
	case exists && over(old.GetEndTime(), p.now):
		// Reading an old table again must not give back what was taken away.
		p.problems.add(r.line, "id", ReasonAssignmentEnded, "name", r.name())
	case people+r.cells["owner"] == p.me && (!exists || !proto.Equal(old, next)):
		p.problems.add(r.line, "owner", ReasonOwnFunctions)
	}
	p.changed(r, old, next, exists)
}

func (p *planner) channel(r row) {
	old, exists := p.at.channels[r.name()]
	p.changed(r, old, &directoryv1.Channel{Name: r.name(), Owner: people + r.cells["owner"]}, exists)
}

func (p *planner) changed(r row, old, next proto.Message, exists bool) {
	s := step{row: r, name: r.name(), fresh: !exists}
	if !exists || !proto.Equal(old, next) {
		s.next = next
	}
	p.step(s)
}

// references refuses what points to nothing, neither in the directory nor in the table.
func (p *planner) references(rows []row) {
	for _, r := range rows {
		for _, column := range []string{"superior", "owner", "department"} {
			value := r.cells[column]
			name, fine, there := people+value, isPerson(value), p.people[people+value] != nil
			if column == "department" {
				name, fine = departments+value, isCode(value)
				_, there = p.above[name]
			}
			if fine && !there && slices.Contains(uses()[r.record], column) {
				p.problems.fault(r.line, column, fault.New(fault.NotFound, journal.ReasonNotFound, "name", name))
			}
		}
	}
}

// loops refuses superiors and departments above that lead back, at each row they pass.
func (p *planner) loops(rows []row) {
	superiors := make(map[string]string, len(p.people))
	for name, s := range p.people {
		superiors[name] = s.GetSuperior()
	}
	people, above := rounds(superiors), rounds(p.above)
	for _, r := range rows {
		if chain := people.from(r.name()); r.record == recordPerson && chain != "" {
			p.problems.fault(r.line, "superior", fault.New(fault.FailedPrecondition, kit.ReasonSuperiorLoop, "chain", chain))
		}
		if chain := above.from(r.name()); r.record == recordDepartment && chain != "" {
			p.problems.add(r.line, "department", ReasonDepartmentLoop, "chain", chain)
		}
	}
}

// take carries the steps out. sealed holds texts as tokens for every person whose
// texts differ.
func (p *plan) take(u *journal.Unit, sealed map[string]*directoryv1.Person) error {
	now := timestamppb.New(u.Time())
	for _, s := range p.steps {
		if s.next == nil {
			continue
		}
		next := proto.Clone(s.next)
		old := next.ProtoReflect().New().Interface()
		if !s.fresh {
			if err := existing(u, s.name, old); err != nil {
				return err
			}
		}
		var change proto.Message
		switch m := next.(type) {
		case *directoryv1.Person:
			change = &directoryv1.PersonChanged{}
			texts := sealed[s.name]
			if !s.texts {
				texts = old.(*directoryv1.Person)
			}
			m.DisplayName, m.Email, m.Telephone, m.UpdateTime = texts.GetDisplayName(), texts.GetEmail(), texts.GetTelephone(), now
			if s.fresh {
				m.CreateTime = now
			}
		case *directoryv1.Department:
			change = &directoryv1.DepartmentChanged{}
			if s.fresh {
				m.CreateTime = now
			}
		case *directoryv1.Assignment:
			change = &directoryv1.AssignmentChanged{}
		default:
			change = &directoryv1.ChannelChanged{}
		}
		write := u.Update
		if s.fresh {
			write = u.Create
		}
		if err := write(s.name, next, change); err != nil {
			return err
		}
	}
	return nil
}
