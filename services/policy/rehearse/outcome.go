package rehearse

import (
	"cmp"
	"slices"
	"strconv"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// Kind is what an entry of an outcome, or an answer of Explain, is about.
type Kind string

// Kinds of an outcome.
const (
	// Grade is a level, by scale.
	Grade Kind = "GRADE"
	// Owner is who is responsible: departments, and the role that owns the case.
	Owner Kind = "OWNER"
	// Deadline is the instant a clock falls due, by clock and round.
	Deadline Kind = "DEADLINE"
	// Approver is the chain of places that sign, by what is approved.
	Approver Kind = "APPROVER"
	// Amount is what a standard of the pack gives, or a limit on what is claimed.
	Amount Kind = "AMOUNT"
	// Notice is a notice that is owed.
	Notice Kind = "NOTICE"
	// Duty is a step, follow-up or corrective action that is owed.
	Duty Kind = "DUTY"
	// Course is what else a rule does: a mark, an escalation, an entry, a round, the end of the case.
	Course Kind = "COURSE"
)

// Further kinds of answers of Explain.
const (
	Department Kind = "DEPARTMENT"
	Mark       Kind = "MARK"
	Outside    Kind = "OUTSIDE"
	Clock      Kind = "CLOCK"
	Limit      Kind = "LIMIT"
	Approval   Kind = "APPROVAL"
	Sign       Kind = "SIGN"
	Band       Kind = "BAND"
)

// Kinds lists the kinds of an outcome in the order in which they are shown.
func Kinds() []Kind { return []Kind{Grade, Owner, Deadline, Approver, Amount, Notice, Duty, Course} }

// Entry is one thing that a pack decided about a complaint.
type Entry struct {
	Kind Kind
	// Subject is the pack's id of what was decided, with a number where it came more than once:
	// "severity", "first_response-2".
	Subject string
	// Value is a level, departments, an instant in RFC 3339, places that sign, an amount, ids.
	Value string
	Rule  *typev1.RuleRef
}

// Outcome is everything that a pack decided about one complaint. The zero value is empty.
type Outcome struct{ entries []Entry }

// Set adds an entry, or replaces the one of its kind and subject.
func (o *Outcome) Set(e Entry) {
	if i := o.at(e.Kind, e.Subject); i >= 0 {
		o.entries[i] = e
		return
	}
	o.entries = append(o.entries, e)
}

// Count adds an entry whose subject may come again: the second is subject-2.
func (o *Outcome) Count(e Entry) {
	id := e.Subject
	for n := 2; o.at(e.Kind, e.Subject) >= 0; n++ {
		e.Subject = id + "-" + strconv.Itoa(n)
	}
	o.entries = append(o.entries, e)
}

func (o *Outcome) at(kind Kind, subject string) int {
	return slices.IndexFunc(o.entries, func(e Entry) bool { return e.Kind == kind && e.Subject == subject })
}

// Entries returns the entries by kind and subject.
func (o *Outcome) Entries() []Entry {
	out := slices.Clone(o.entries)
	slices.SortStableFunc(out, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(slices.Index(Kinds(), a.Kind), slices.Index(Kinds(), b.Kind)), cmp.Compare(a.Subject, b.Subject))
	})
	return out
}

// Difference is one thing that two packs decide differently. Before or After is nil for what only the
// other decides.
type Difference struct {
	Kind          Kind
	Subject       string
	Before, After *Entry
}

// Compare lists what differs between two outcomes of one complaint, by kind and subject. Which rule
// led to a value does not differ by itself.
func Compare(before, after *Outcome) []Difference {
	var out []Difference
	for _, e := range before.Entries() {
		i := after.at(e.Kind, e.Subject)
		switch {
		case i < 0:
			out = append(out, Difference{Kind: e.Kind, Subject: e.Subject, Before: &e})
		case after.entries[i].Value != e.Value:
			out = append(out, Difference{Kind: e.Kind, Subject: e.Subject, Before: &e, After: &after.entries[i]})
		}
	}
	for _, e := range after.Entries() {
		if before.at(e.Kind, e.Subject) < 0 {
			out = append(out, Difference{Kind: e.Kind, Subject: e.Subject, After: &e})
		}
	}
	slices.SortStableFunc(out, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(slices.Index(Kinds(), a.Kind), slices.Index(Kinds(), b.Kind)), cmp.Compare(a.Subject, b.Subject))
	})
	return out
}
