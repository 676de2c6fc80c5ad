package directory

import "time"

// Posts returns what work for who is kept under, so that everybody whom who names finds
// it: a person's name, a role wherever it is held, a role or anybody at a department,
// or any active person. It says less than who: whoever finds something by a post asks
// [Directory.Match]. None for the customer, and where a place is not known.
func Posts(who string, p Places) []string {
	if who == whoCustomer {
		return nil
	}
	a := parse(who, p)
	switch {
	case a.active:
		return []string{whoAnyone}
	case a.people != nil:
		return a.people
	case a.anywhere:
		return []string{a.role}
	}
	out := make([]string, len(a.places))
	for i, place := range a.places {
		out[i] = a.role + "@" + place
	}
	return out
}

// PostsOf returns the posts whose work the person may find theirs at the instant: their
// own, and those of everybody for whom they may act, directly or through others. None
// for one who is not active. For every who that [Directory.Match] grants to the
// person, one of its [Posts] is among them.
func (d *Directory) PostsOf(person string, at time.Time) []string {
	if !d.Active(person) {
		return nil
	}
	out, seen := []string{whoAnyone}, map[string]bool{whoAnyone: true}
	add := func(post string) {
		if !seen[post] {
			seen[post] = true
			out = append(out, post)
		}
	}
	for queue := []string{person}; len(queue) > 0; queue = queue[1:] {
		who := queue[0]
		add(who)
		for _, held := range d.held[who] {
			if !held.holds(at) {
				continue
			}
			add(held.role)
			if held.department != "" {
				add(held.role + "@" + held.department)
				add("@" + held.department)
			}
		}
		for _, e := range d.to[who] {
			if e.holds(at) && d.Active(e.from) && !seen[e.from] {
				queue = append(queue, e.from)
			}
		}
	}
	return out
}
