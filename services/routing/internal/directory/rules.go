package directory

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/timestamppb"

	directoryv1 "example.com/redress/proto/gen/redress/directory/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	kit "example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
)

const (
	people      = "people/"
	departments = "departments/"
	channels    = "channels/"

	// everybody is a parent, so nobody has this name.
	everybody = "people/-"

	// maxPerson is what the id of a person is at most long: seal takes subjects of
	// 63 characters, and the subject of people/x is people-x.
	maxPerson = 63 - len("people-")
	// maxCode, maxAssignment and maxTitle are the limits of the schema.
	maxCode, maxAssignment = 80, 64
	maxTitle               = 200
)

// subjectOf returns the data subject of a person, whose key seals what is written about them.
func subjectOf(person string) string { return strings.ReplaceAll(person, "/", "-") }

// plain reports whether s is 1 to limit lower-case letters, digits and characters of more.
func plain(s, more string, limit int) bool {
	return s != "" && len(s) <= limit && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789"+more) == ""
}

func isPerson(id string) bool     { return plain(id, "-", maxPerson) && id != "-" }
func isCode(id string) bool       { return plain(id, "_-", maxCode) }
func isAssignment(id string) bool { return plain(id, "-", maxAssignment) }

// isRole reports whether s is a word that packs use for a role.
func isRole(s string) bool {
	return plain(s, "_", maxWord) && s[0] >= 'a' && s[0] <= 'z'
}

// maxWord is the length of a pack's word.
const maxWord = 63

// checkName refuses a name of another shape than the prefix and an id that is fine.
func checkName(field, name, prefix string, fine func(id string) bool) error {
	id, ok := strings.CutPrefix(name, prefix)
	if ok && fine(id) {
		return nil
	}
	return invalid(field, "PATTERN", "格式不正确，应为 "+prefix+"编号", "must be "+prefix+" and an id of lower-case letters, digits and hyphens")
}

func checkTitle(field string, t *typev1.Text) error {
	if utf8.RuneCountInString(t.GetZh()) > maxTitle || utf8.RuneCountInString(t.GetEn()) > maxTitle {
		return invalid(field, "MAX_LEN", "不得超过 200 字", "must be at most 200 characters")
	}
	return nil
}

func invalid(field, reason, zh, en string) error {
	return fault.New(fault.Invalid, fault.ReasonInvalidRequest).
		WithViolations(fault.Violation{Field: field, Reason: reason, Text: &typev1.Text{Zh: zh, En: en}})
}

// checkPeriod refuses a period that ends before it begins, or cannot be read.
// Absent bounds are none.
func checkPeriod(start, end *timestamppb.Timestamp) error {
	bad := start != nil && !start.IsValid() || end != nil && !end.IsValid()
	if bad || start != nil && end != nil && !start.AsTime().Before(end.AsTime()) {
		return fault.New(fault.Invalid, ReasonPeriod).WithViolations(fault.Violation{Field: "end_time", Reason: ReasonPeriod})
	}
	return nil
}

// over reports whether a period that ends then has ended.
func over(end *timestamppb.Timestamp, now time.Time) bool {
	return end != nil && !now.Before(end.AsTime())
}

// ended returns the end of a period that is ended now: what has not begun never does.
func ended(start *timestamppb.Timestamp, now time.Time) *timestamppb.Timestamp {
	if start != nil && start.AsTime().After(now) {
		return start
	}
	return timestamppb.New(now)
}

// checkSuperior refuses a superior who does not exist or whose superiors lead to the person.
func checkSuperior(u *journal.Unit, person, superior string) error {
	var chain []*directoryv1.Person
	for next := superior; next != "" && next != person && !contains(chain, next); {
		p := &directoryv1.Person{}
		if err := existing(u, next, p); err != nil {
			return err
		}
		chain = append(chain, p)
		next = p.GetSuperior()
	}
	return kit.New(kit.States{People: chain}).SuperiorCheck(person, superior)
}

func contains(all []*directoryv1.Person, name string) bool {
	return slices.ContainsFunc(all, func(p *directoryv1.Person) bool { return p.GetName() == name })
}

// sorted returns each function once, in order of their numbers.
func sorted(functions []typev1.Function) []typev1.Function {
	out := slices.Clone(functions)
	slices.Sort(out)
	return slices.Compact(out)
}
