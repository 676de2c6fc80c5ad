package policy

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/kit/calendar"
)

// LintOptions are what lint looks at besides the pack itself.
type LintOptions struct {
	// Year is the one in which the pack is to be used, 0 for none: its holidays must be announced.
	Year int
	// Parameters are the owner's values. Not nil means that the pack is to be activated: a parameter
	// without value is a finding then, and the values are checked in their places.
	Parameters map[string]string
	// Scenarios are the files of the pack, nil for none given: rules that no scenario plays are
	// reported.
	Scenarios []*policyv1.ScenarioFile
}

// Lint reads a pack as Load does and finds, besides, what only a person who keeps it asks for: blank
// parameters, years whose holidays are not announced, rows of the matrix that overlap, rules that no
// scenario plays. Every finding has its place in the file. It takes some 100 ms for the largest
// procedure.
//
// Source: PACK-SKETCH.md 5.
func Lint(file string, yaml []byte, include func(pack, revision string) ([]byte, error), o LintOptions) (*policyv1.Pack, []Finding) {
	d := draft(file, yaml, include, 0)
	if d.pack.GetPack() == "" && HasErrors(d.findings) {
		return d.pack, sortFindings(d.findings)
	}
	c := check(d.pack, d.places, d.findings)
	findings := slices.Concat(d.findings, c.findings)
	findings = append(findings, activated(d, o.Parameters)...)
	if !HasErrors(findings) {
		c.findings = nil
		c.checkYear(o.Year)
		c.checkMatrix()
		if o.Scenarios != nil {
			c.checkPlayed(o.Scenarios)
		}
		findings = append(findings, c.findings...)
	}
	return d.pack, sortFindings(findings)
}

// activated are the findings of Compile with these values, in their places.
func activated(d drafted, values map[string]string) []Finding {
	if values == nil {
		return nil
	}
	pack := proto.CloneOf(d.pack)
	places := d.places.along(d.pack, pack)
	findings := setParameters(pack, places, values)
	if HasErrors(findings) {
		return findings
	}
	set := map[string]string{}
	for _, q := range pack.GetParameters() {
		set[q.GetId()] = q.GetValue()
	}
	substitute(pack.ProtoReflect(), set)
	return checkWith(pack, places, set).findings
}

// along returns the places of a copy of a pack.
func (p places) along(from, to proto.Message) places {
	out := places{}
	var both func(a, b protoreflect.Message)
	both = func(a, b protoreflect.Message) {
		if at, ok := p[a.Interface()]; ok {
			out[b.Interface()] = at
		}
		a.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
			switch {
			case fd.Kind() != protoreflect.MessageKind || fd.IsMap():
			case fd.IsList():
				for i := range v.List().Len() {
					both(v.List().Get(i).Message(), b.Get(fd).List().Get(i).Message())
				}
			default:
				both(v.Message(), b.Get(fd).Message())
			}
			return true
		})
	}
	both(from.ProtoReflect(), to.ProtoReflect())
	return out
}

// checkYear: deadlines in a year whose holidays nobody has announced are provisional.
func (c *checker) checkYear(year int) {
	for _, cal := range c.calendars() {
		h, err := calendar.NamedHolidays(cal.GetHolidays())
		if year == 0 || cal.GetHolidays() == "" || err != nil || h.IsKnown(year) {
			continue
		}
		c.reportAt(cal, "holidays", "calendar.holidays", "L26", Warning, 0, fmt.Sprintf("%q 未公布 %d 年的安排，该年内的期限为暂定。", cal.GetHolidays(), year),
			fmt.Sprintf("%d is not in %q: deadlines in it are provisional.", year, cal.GetHolidays()), words("请更新数据。", "Update the data."))
	}
}

func (c *checker) calendars() []*policyv1.Calendar {
	var out []*policyv1.Calendar
	if c.pack.GetCalendar() != nil {
		out = append(out, c.pack.GetCalendar())
	}
	for _, d := range c.pack.GetDepartments() {
		if d.GetCalendar() != nil {
			out = append(out, d.GetCalendar())
		}
	}
	return out
}

// checkPlayed: a rule is played if a scenario names it, or cites its clause or the one it stands
// under.
func (c *checker) checkPlayed(files []*policyv1.ScenarioFile) {
	named, clauses := map[string]bool{}, []string{}
	for _, s := range files {
		for _, scenario := range s.GetScenarios() {
			for part := range strings.FieldsFuncSeq(scenario.GetClause(), func(r rune) bool { return strings.ContainsRune(",;，；、", r) }) {
				clauses = append(clauses, strings.TrimSpace(part))
			}
		}
		for word := range strings.FieldsFuncSeq(s.String(), func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9') }) {
			named[word] = true
		}
	}
	walk("", c.pack, func(path string, m proto.Message) {
		id := idOf(m)
		if !isRule(m) || isName(m) || id == "" || named[id] {
			return
		}
		if f, ok := m.(*policyv1.Form); ok && slices.ContainsFunc(f.GetFields(), func(f *policyv1.Field) bool { return named[f.GetId()] }) {
			return // it is filled by its fields
		}
		clause := quote(m).GetClause()
		if slices.ContainsFunc(clauses, func(played string) bool { return under(clause, played) }) {
			return
		}
		c.reportAt(m, "id", path, "L40", Warning, 0, fmt.Sprintf("没有场景演练 %s（%s）。", id, clause), fmt.Sprintf("Rule %s (%s) is in no scenario.", id, clause), words("请加一个场景。", "Add one."))
	})
}

// under tells whether one of the clauses that a rule names is the played one or a part of it.
func under(clause, played string) bool {
	for part := range strings.FieldsFuncSeq(clause, func(r rune) bool { return strings.ContainsRune(",;，；、", r) }) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(part), played)
		if ok && played != "" && (rest == "" || strings.ContainsRune(". (", rune(rest[0]))) {
			return true
		}
	}
	return false
}
