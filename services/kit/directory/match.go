package directory

import (
	"slices"
	"strings"
	"time"
)

// Places says what the variable words of a `who` stand for in the case at hand.
// Departments are codes or names, people are names. The zero value knows none.
type Places struct {
	// Responsible are the responsible departments.
	Responsible []string
	// Respondent, Receiving, Disputing and Counted are departments: the one
	// complained about, the one that took the complaint, the one that disputes,
	// and the one that a counter or watch stands at.
	Respondent, Receiving, Disputing, Counted string
	// Owner is the person in charge of the case.
	Owner string
	// Persons are the people that PERSON fields of forms name, and the holders of
	// roles that are named anew for each case, by the id of the field or role.
	Persons map[string][]string
	// Customer tells that who asks is the customer of the complaint.
	Customer bool
	// Designees tells whether the pack's role admits a designee. nil: every role does.
	Designees func(role string) bool
}

// Words of `who` that are not roles.
const (
	whoAnyone     = "anyone"
	whoDepartment = "department"
	whoOwner      = "owner"
	whoCustomer   = "customer"
)

// at resolves the word after @ to codes of departments.
func (p Places) at(place string) []string {
	var one string
	switch place {
	case "responsible":
		out := make([]string, 0, len(p.Responsible))
		for _, d := range p.Responsible {
			out = append(out, code(d))
		}
		return out
	case "respondent":
		one = code(p.Respondent)
	case "receiving":
		one = code(p.Receiving)
	case "disputing":
		one = code(p.Disputing)
	case "counted":
		one = code(p.Counted)
	default:
		one = code(place)
	}
	if one == "" {
		return nil
	}
	return []string{one}
}

// admission is what a `who` asks for: it names people, or roles at departments.
type admission struct {
	role     string   // "" for any assignment
	places   []string // codes; nil with everywhere set means anywhere
	anywhere bool
	people   []string // named people; then the rest is empty, and role is what a delegation must cover
	active   bool     // any active person
}

// parse reads role[@place].
//
// `head`, `department` and their like without a place stand for the responsible
// departments; `anyone` without a place is any active person; another role
// without a place is that role wherever it is held.
func parse(who string, p Places) admission {
	role, place, placed := strings.Cut(who, "@")
	a := admission{role: role, anywhere: !placed}
	if placed {
		a.places = p.at(place)
	}
	switch role {
	case whoAnyone, whoDepartment:
		a.role = ""
		a.active = role == whoAnyone && !placed
	case whoOwner:
		return admission{role: role, people: named(p.Owner)}
	case whoCustomer:
		return admission{role: role, people: []string{}}
	}
	if people, ok := p.Persons[role]; ok && !placed {
		return admission{role: role, people: named(people...)}
	}
	if !placed && (role == RoleHead || role == whoDepartment) {
		a.anywhere, a.places = false, p.at("responsible")
	}
	return a
}

// named returns the people given, never nil.
func named(people ...string) []string {
	out := make([]string, 0, len(people))
	for _, name := range people {
		if name != "" {
			out = append(out, name)
		}
	}
	return out
}

func (a admission) admits(held assignment, at time.Time) bool {
	return held.holds(at) && (a.role == "" || a.role == held.role) &&
		(a.anywhere || slices.Contains(a.places, held.department))
}

// roles calls each for every role by which the person is admitted directly. The
// person's being active is the caller's to check.
func (d *Directory) roles(person string, a admission, at time.Time, each func(role string) bool) bool {
	if a.people != nil {
		return slices.Contains(a.people, person) && each(a.role)
	}
	for _, held := range d.held[person] {
		if a.admits(held, at) && each(held.role) {
			return true
		}
	}
	return false
}

// Match reports whether the person is one of those that who names at the instant.
//
// onBehalfOf is empty if the person's own role admits. Else it is the person
// whose role does and who, directly or through others, delegated to the asking
// person, or designated the person for that role. Who acts for several is given
// the nearest of them, by the first name of delegation among equals.
//
// Everybody on the way must be active, and every delegation valid at the instant
// and for the role. A designation counts only for the designating person's own
// role: a designee designates nobody, but may be represented. The customer and
// `anyone` without a place are not delegated.
//
// An unknown role, place or person matches nobody.
//
// Source: PACK-SKETCH.md 2.1; PROCEDURES.md K12.
func (d *Directory) Match(person, who string, at time.Time, p Places) (ok bool, onBehalfOf string) {
	if who == whoCustomer {
		return p.Customer, ""
	}
	if !d.Active(person) {
		return false, ""
	}
	a := parse(who, p)
	if a.active {
		return true, ""
	}
	if d.roles(person, a, at, func(string) bool { return true }) {
		return true, ""
	}
	return d.represents(person, a, at, p)
}

// MatchAny is Match for a list: the first member that admits by the person's own
// role, else the first that admits on behalf of somebody. It also returns that member.
func (d *Directory) MatchAny(person string, who []string, at time.Time, p Places) (ok bool, matched, onBehalfOf string) {
	for _, w := range who {
		switch hit, behalf := d.Match(person, w, at, p); {
		case !hit:
		case behalf == "":
			return true, w, ""
		case !ok:
			ok, matched, onBehalfOf = true, w, behalf
		}
	}
	return ok, matched, onBehalfOf
}

// step is a person on a chain of delegations, seen from its end, and the role
// that the chain so far is limited to ("" for all).
type step struct{ person, role string }

// represents walks the delegations back from the person, nearest first, until it
// meets one whom the admission admits. A step is taken once, so that loops end.
func (d *Directory) represents(person string, a admission, at time.Time, p Places) (bool, string) {
	queue := []step{{person: person}}
	seen := map[step]bool{queue[0]: true}
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		for _, e := range d.to[s.person] {
			role, covered := narrow(s.role, e.role)
			if !covered || e.from == person || !e.holds(at) || !d.Active(e.from) {
				continue
			}
			if d.roles(e.from, a, at, func(held string) bool {
				return (role == "" || role == held) && (!e.designation || p.Designees == nil || p.Designees(held))
			}) {
				return true, e.from
			}
			if next := (step{e.from, role}); !e.designation && !seen[next] {
				seen[next] = true
				queue = append(queue, next)
			}
		}
	}
	return false, ""
}

// narrow returns the roles that two limits have in common, "" for all.
func narrow(a, b string) (role string, ok bool) {
	switch {
	case a == "":
		return b, true
	case b == "" || a == b:
		return a, true
	}
	return "", false
}

// Holders returns the active people whose own role or name who admits at the
// instant, sorted. Those who act for them are in [Directory.Admitted].
func (d *Directory) Holders(who string, at time.Time, p Places) []string {
	if who == whoCustomer {
		return nil
	}
	a := parse(who, p)
	var out []string
	add := func(person string) {
		if d.Active(person) {
			out = append(out, person)
		}
	}
	switch {
	case a.active:
		for _, person := range d.names {
			add(person)
		}
	case a.people != nil:
		for _, person := range a.people {
			add(person)
		}
	default:
		for _, held := range d.candidates(a) {
			if a.admits(held, at) {
				add(held.person)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// candidates returns the shortest list that holds every assignment the admission may admit.
func (d *Directory) candidates(a admission) []assignment {
	if a.role != "" {
		return d.byRole[a.role]
	}
	var out []assignment
	for _, place := range a.places {
		out = append(out, d.byDepartment[place]...)
	}
	return out
}

// Admitted returns everybody whom [Directory.Match] admits, sorted: the holders
// and those who act for them. It costs a Match for each person who acts for somebody.
func (d *Directory) Admitted(who string, at time.Time, p Places) []string {
	if who == whoCustomer {
		return nil
	}
	out := d.Holders(who, at, p)
	for delegate := range d.to {
		if ok, _ := d.Match(delegate, who, at, p); ok {
			out = append(out, delegate)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
