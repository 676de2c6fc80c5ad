package policy

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/calendar"
)

// defaultZone is that of the working calendar of procedures that name none (K11).
const defaultZone = "Asia/Shanghai"

// Options are what a pack needs besides its text.
type Options struct {
	// Parameters are the values its owner has set, by id. They replace values in the pack.
	Parameters map[string]string
	// Holidays are the data of the working calendar by the name a pack calls them; nil means the data
	// of the suite. They are not part of the revision.
	Holidays map[string]calendar.Holidays
}

// Policy is a pack ready to answer. It is immutable and safe for concurrent use.
type Policy struct {
	pack     *policyv1.Pack // as resolved, with the values of parameters
	live     *policyv1.Pack // with parameters put into their places
	revision string
	words    *vocabulary
	conds    map[string]*condition // by text
	rules    map[string]*typev1.RuleRef
	clocks   map[string]*policyv1.Clock // with those of steps, follow-ups and urgent approvals
	hooks    map[policyv1.Event][]hook
	menus    menus
	calendar *calendar.Calendar
	units    map[string]*calendar.Calendar // of departments that have one of their own
	limits   map[string]calendar.Limit     // by text
}

// Compile checks a resolved pack with the values of its parameters and makes it ready. With an Error
// among the findings the policy is nil. Places are known to Load only; Compile names paths.
//
// Compile refuses a parameter without a value.
// It takes some 30 ms for the largest procedure; keep the result.
func Compile(p *policyv1.Pack, o Options) (*Policy, []Finding) {
	pack := proto.CloneOf(p)
	findings := setParameters(pack, nil, o.Parameters)
	if HasErrors(findings) {
		return nil, sortFindings(findings)
	}
	live := proto.CloneOf(pack)
	values := map[string]string{}
	for _, q := range live.GetParameters() {
		values[q.GetId()] = q.GetValue()
	}
	substitute(live.ProtoReflect(), values)
	c := checkWith(live, places{}, values)
	cal, err := calendarOf(live.GetCalendar(), o.Holidays)
	if err != nil {
		c.report(live.GetCalendar(), "", "calendar", "L03", err.Error(), err.Error()+".", nil)
	}
	units := map[string]*calendar.Calendar{}
	for _, d := range live.GetDepartments() {
		if d.GetCalendar() == nil {
			continue
		}
		if units[d.GetId()], err = calendarOf(d.GetCalendar(), o.Holidays); err != nil {
			c.report(d.GetCalendar(), "", "departments."+d.GetId()+".calendar", "L03", err.Error(), err.Error()+".", nil)
		}
	}
	if HasErrors(c.findings) {
		return nil, sortFindings(c.findings)
	}
	pol := &Policy{pack: pack, live: live, revision: revisionOf(pack), words: c.words, conds: c.conds, rules: rulesOf(live), calendar: cal, units: units, limits: map[string]calendar.Limit{}}
	figures(live, func(_ proto.Message, _, _, grammar, value string) {
		if l, err := calendar.ParseLimit(value); grammar == "limit" && err == nil {
			pol.limits[value] = l
		}
	})
	pol.index()
	return pol, sortFindings(append(findings, c.findings...))
}

// setParameters puts the owner's values into the pack and refuses what is blank or malformed.
func setParameters(p *policyv1.Pack, at places, values map[string]string) []Finding {
	var out []Finding
	add := func(id, rule, zh, en string, advice *typev1.Text) {
		f := Finding{Path: "parameters." + id, Rule: rule, Severity: Error, Text: words(zh, en), Advice: advice}
		if here, ok := at[ByID(p.GetParameters(), id)]; ok {
			f.File, f.Line, f.Column = here[""].file, here[""].line, here[""].column
		}
		out = append(out, f)
	}
	for _, q := range p.GetParameters() {
		if v, ok := values[q.GetId()]; ok {
			q.Value = v
		}
		kind := strings.TrimPrefix(q.GetType().String(), "PARAMETER_TYPE_")
		if q.GetValue() == "" {
			add(q.GetId(), "L18", fmt.Sprintf("参数 %s（条款 %s）没有值。", q.GetId(), q.GetClause()), fmt.Sprintf("Parameter %s (clause %s) has no value.", q.GetId(), q.GetClause()),
				words(fmt.Sprintf("请其负责人设定 %s；没有默认值。", kind), fmt.Sprintf("Its owner must set a %s; there is no default.", kind)))
			continue
		}
		if err := checkParameter(q); err != "" {
			add(q.GetId(), "L03", fmt.Sprintf("参数 %s 的值 %q 不是 %s。", q.GetId(), q.GetValue(), kind), fmt.Sprintf("Parameter %s has the value %q, which is not a %s.", q.GetId(), q.GetValue(), kind), words(err, err))
		}
	}
	ids := idsOf(p.GetParameters())
	for _, id := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(ids, id) {
			add(id, "L06", fmt.Sprintf("规则包没有参数 %q。", id), fmt.Sprintf("The pack has no parameter %q.", id), didYouMean(id, ids))
		}
	}
	return out
}

// substitute replaces every figure or who that is exactly "$name" by the parameter's value.
func substitute(m protoreflect.Message, values map[string]string) {
	name := func(s string) (string, bool) {
		v, ok := values[strings.TrimPrefix(s, "$")]
		return v, ok && strings.HasPrefix(s, "$")
	}
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.IsMap():
			if fd.MapValue().Kind() == protoreflect.StringKind {
				v.Map().Range(func(k protoreflect.MapKey, e protoreflect.Value) bool {
					if val, ok := name(e.String()); ok {
						v.Map().Set(k, protoreflect.ValueOfString(val))
					}
					return true
				})
			}
		case fd.IsList():
			for i := range v.List().Len() {
				if fd.Kind() == protoreflect.MessageKind {
					substitute(v.List().Get(i).Message(), values)
				} else if val, ok := name(v.List().Get(i).String()); ok && fd.Kind() == protoreflect.StringKind {
					v.List().Set(i, protoreflect.ValueOfString(val))
				}
			}
		case fd.Kind() == protoreflect.MessageKind:
			substitute(v.Message(), values)
		case fd.Kind() == protoreflect.StringKind:
			if val, ok := name(v.String()); ok {
				m.Set(fd, protoreflect.ValueOfString(val))
			}
		}
		return true
	})
}

func calendarOf(c *policyv1.Calendar, data map[string]calendar.Holidays) (*calendar.Calendar, error) {
	zone, name := c.GetZone(), c.GetHolidays()
	if zone == "" {
		zone = defaultZone
	}
	if name == "" {
		name = "none"
	}
	holidays, ok := data[name]
	if !ok {
		var err error
		if holidays, err = calendar.NamedHolidays(name); err != nil {
			return nil, err
		}
	}
	return calendar.New(zone, c.GetOpen(), holidays)
}

func zoneOf(c *policyv1.Calendar) *time.Location {
	name := c.GetZone()
	if name == "" {
		name = defaultZone
	}
	loc, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return time.UTC // reported by the check of the calendar
	}
	return loc
}

// rulesOf collects what can be quoted. Included rules name their own pack.
func rulesOf(p *policyv1.Pack) map[string]*typev1.RuleRef {
	from := map[string]string{}
	for _, in := range p.GetInclude() {
		for _, id := range in.GetRules() {
			from[id] = in.GetPack()
		}
	}
	out := map[string]*typev1.RuleRef{}
	walk("", p, func(path string, m proto.Message) {
		id := idOf(m)
		if !isRule(m) || id == "" {
			return
		}
		if other := out[id]; other != nil && isName(m) {
			return // a level or a role never hides the rule of the same id
		}
		ref := quote(m)
		ref.Pack = p.GetPack()
		if parts := strings.Split(path, "."); ref.Clause == "" && len(parts) == 4 && parts[0] == "stages" {
			ref.Clause = ByID(p.GetStages(), parts[1]).GetClause() // a step stands under its stage's clause
		}
		if o := from[id]; o != "" {
			ref.Pack = o
		}
		out[id] = ref
	})
	return out
}

// isName tells a name (role, level, category) from a rule that decides.
func isName(m proto.Message) bool {
	switch m.(type) {
	case *policyv1.Item, *policyv1.Role, *policyv1.Department, *policyv1.Category, *policyv1.Parameter:
		return true
	}
	return false
}

func quote(m proto.Message) *typev1.RuleRef {
	r := m.ProtoReflect()
	f := r.Descriptor().Fields()
	ref := &typev1.RuleRef{Rule: idOf(m), Clause: r.Get(f.ByName("clause")).String()}
	readings := r.Get(f.ByName("reading")).List()
	for i := range readings.Len() {
		ref.Readings = append(ref.Readings, readings.Get(i).String())
	}
	if t := f.ByName("text"); t != nil && r.Has(t) {
		if txt, ok := r.Get(t).Message().Interface().(*typev1.Text); ok {
			ref.Text = proto.CloneOf(txt)
		}
	}
	return ref
}

// Revision returns the lower-case hex SHA-256 of the resolved pack with the values of its
// parameters. Holiday data, directory and branding are outside it.
func (p *Policy) Revision() string { return p.revision }

// Pack returns a copy of the resolved pack with the values of its parameters: Compile of it gives
// this policy again.
func (p *Policy) Pack() *policyv1.Pack { return proto.CloneOf(p.pack) }

// Rules returns the pack with parameters put into their places, as the answers refer to it. It is
// shared: callers must not change it.
func (p *Policy) Rules() *policyv1.Pack { return p.live }

// Calendar returns the working calendar of the organisation.
func (p *Policy) Calendar() *calendar.Calendar { return p.calendar }

// CalendarOf returns the working calendar of a department of the pack: its own, or the
// organisation's.
func (p *Policy) CalendarOf(department string) *calendar.Calendar {
	if c := p.units[department]; c != nil {
		return c
	}
	return p.calendar
}

// Rule returns the quotation of a rule, or nil if the pack has none of that id. It is shared:
// callers must not change it.
func (p *Policy) Rule(id string) *typev1.RuleRef { return p.rules[id] }

// Eval answers a condition of the pack. missing names the facts that would have to be recorded. A
// condition that the pack does not hold is an error: policies decide by what was reviewed.
func (p *Policy) Eval(cond string, s *Sheet) (Tri, []string, error) {
	return p.words.over(s).eval(p.condition(cond))
}

// holds is Eval with a failure counted as unknown: a condition that cannot be answered never lets
// anything pass.
func (p *Policy) holds(cond string, s *Sheet) (Tri, []string) {
	return p.words.over(s).holds(p.condition(cond))
}

// limit reads a limit of the pack.
func (p *Policy) limit(text string) (calendar.Limit, error) {
	if l, ok := p.limits[text]; ok {
		return l, nil
	}
	return calendar.ParseLimit(text)
}

// snake is the grammar of ids.
func snake(s string) bool { return regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`).MatchString(s) }
