package scenario

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// customer is the actor who is nobody of the organisation.
const customer = "customer"

// builtIn are roles that every directory knows, in a department.
func builtIn() []string { return []string{"anyone", "head"} }

// actor refuses who the pack does not know.
func (w *words) actor(as string) error {
	if as == customer {
		return nil
	}
	who, name, second := strings.Cut(as, "/")
	if second && !isWord(name) {
		return fmt.Errorf("%q: the name of a second person is lower_snake", as)
	}
	role, place, placed := strings.Cut(who, "@")
	switch {
	case placed && !w.departments[place]:
		return fmt.Errorf("the pack has no department %q", place)
	case slices.Contains(builtIn(), role) && !placed:
		return fmt.Errorf("%q of which department? Write %s@department", role, role)
	case !slices.Contains(builtIn(), role) && !w.roles[role]:
		return fmt.Errorf("the pack has no role %q", role)
	}
	return nil
}

func isWord(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

func (w *words) mayBeVacant(s string) bool {
	return w.actor(s) == nil && s != customer || ids(w.pack.GetAcceptance().GetChannels())[s]
}

// personID is the id of the person who plays an actor: head@design/second is
// design-head-second. Each actor is another person, who holds that role and no other.
func personID(as string) string {
	who, name, _ := strings.Cut(as, "/")
	role, place, placed := strings.Cut(who, "@")
	id := role
	if placed {
		id = place + "-" + role
	}
	if name != "" {
		id += "-" + name
	}
	return strings.ReplaceAll(id, "_", "-")
}

// people are the actors a row needs: everybody the pack names, and everybody who acts.
func (p *play) people() []string {
	w := p.pack.words
	all := map[string]bool{}
	for role := range w.roles {
		all[role] = true
	}
	for d := range w.departments {
		for _, role := range builtIn() {
			all[role+"@"+d] = true
		}
	}
	eachText(w.pack.ProtoReflect(), func(s string) {
		if strings.Contains(s, "@") && w.actor(s) == nil {
			all[s] = true
		}
	})
	for _, m := range p.moves {
		if m.GetAs() != "" && m.GetAs() != customer {
			all[m.GetAs()] = true
		}
		if to := m.GetDesignate().GetTo(); to != "" {
			all[to] = true
		}
	}
	for _, v := range p.scenario.GetVacant() {
		delete(all, v)
	}
	return slices.Sorted(maps.Keys(all))
}

// eachText calls visit for every string of a message and those below it.
func eachText(m protoreflect.Message, visit func(string)) {
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.IsMap():
		case fd.IsList() && fd.Kind() == protoreflect.StringKind:
			for i := range v.List().Len() {
				visit(v.List().Get(i).String())
			}
		case fd.IsList() && fd.Kind() == protoreflect.MessageKind:
			for i := range v.List().Len() {
				eachText(v.List().Get(i).Message(), visit)
			}
		case fd.Kind() == protoreflect.MessageKind:
			eachText(v.Message(), visit)
		case fd.Kind() == protoreflect.StringKind:
			visit(v.String())
		}
		return true
	})
}

// suiteFunctions are what everybody in a scenario may do in the suite. Functions open
// methods and are the operator's matter; a scenario tests who the pack lets act.
const suiteFunctions = "AGENT HANDLER APPROVER FINANCE QUALITY MANAGER"

// Those who are no part of the procedure: two who put the pack in force, and one
// through whose eyes results are read.
const (
	author   = "scenario-author"
	reviewer = "scenario-reviewer"
	reader   = "scenario-reader"
)

// table is the directory of a row as ImportDirectory takes it.
func (p *play) table() []byte {
	var b strings.Builder
	row := func(record, id, zh, en, email, functions, role, department, owner string) {
		_, _ = fmt.Fprintf(&b, "%s,%s,%s,%s,%s,,%s,,%s,%s,%s\n", record, id, zh, en, email, functions, role, department, owner)
	}
	b.WriteString("record,id,zh,en,email,telephone,functions,superior,role,department,owner\n")
	pack := p.pack.words.pack
	for _, d := range pack.GetDepartments() {
		row("department", d.GetId(), d.GetId(), d.GetId(), "", "", "", "", "")
	}
	for _, id := range []string{author, reviewer} {
		row("person", id, id, id, "", "POLICY_AUTHOR", "", "", "")
	}
	row("person", reader, reader, reader, "", "MANAGER AUDITOR", "", "", "")
	people := p.people()
	for _, as := range people {
		id := personID(as)
		row("person", id, id, id, id+"@organization.example", suiteFunctions, "", "", "")
	}
	for _, as := range people {
		who, _, _ := strings.Cut(as, "/")
		role, place, _ := strings.Cut(who, "@")
		if role == "anyone" {
			role = "member"
		}
		row("assignment", personID(as), "", "", "", "", role, place, personID(as))
	}
	for _, c := range pack.GetAcceptance().GetChannels() {
		if slices.Contains(people, c.GetOwner()) && !slices.Contains(p.scenario.GetVacant(), c.GetId()) {
			row("channel", c.GetId(), "", "", "", "", "", "", personID(c.GetOwner()))
		}
	}
	return []byte(b.String())
}

// label is the actor a person plays.
func (p *play) labels() map[string]string {
	out := map[string]string{}
	for _, as := range p.people() {
		out["people/"+personID(as)] = as
	}
	return out
}
