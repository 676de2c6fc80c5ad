package compare

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/calendar"
)

// long is the number of elements from which a list shows only those that differ.
const long = 6

// add adds a field; a limit that is counted another way says so besides.
func (c *comparer) add(d *Difference, name string, title, before, after *typev1.Text) {
	d.Fields = append(d.Fields, Field{Name: name, Title: title, Before: before, After: after})
	was, had := limitOf(before)
	is, has := limitOf(after)
	if had && has && was.Basis != is.Basis {
		d.Fields = append(d.Fields, Field{Name: name + ".basis", Title: along(title, c.words.word("basis")), Before: basis(was), After: basis(is)})
	}
}

func limitOf(t *typev1.Text) (calendar.Limit, bool) {
	l, err := calendar.ParseLimit(t.GetEn())
	return l, err == nil
}

// basis says how a limit is counted.
func basis(l calendar.Limit) *typev1.Text {
	switch l.Basis {
	case clockv1.Clock_BASIS_ELAPSED:
		return &typev1.Text{Zh: "自然时间", En: "elapsed time"}
	case clockv1.Clock_BASIS_CALENDAR_DAYS:
		return &typev1.Text{Zh: "自然日", En: "calendar days"}
	case clockv1.Clock_BASIS_WORKING_DAYS:
		return &typev1.Text{Zh: "工作日", En: "working days"}
	case clockv1.Clock_BASIS_WORKING_TIME:
		return &typev1.Text{Zh: "工作时间", En: "working time"}
	case clockv1.Clock_BASIS_FIXED:
		return &typev1.Text{Zh: "计划日期", En: "a date that somebody names"}
	default:
		return &typev1.Text{Zh: "不限", En: "without bound"}
	}
}

// limit says a limit in both languages.
func limit(text string) (*typev1.Text, bool) {
	l, err := calendar.ParseLimit(text)
	if err != nil {
		return nil, false
	}
	unit := map[calendar.Unit]string{
		calendar.Seconds: "秒", calendar.Minutes: "分钟", calendar.Hours: "小时", calendar.Days: "天", calendar.Weeks: "周", calendar.Months: "个月",
		calendar.WorkingDays: "个工作日", calendar.WorkingMinutes: "工作分钟", calendar.WorkingHours: "工作小时",
	}[l.Unit]
	zh := strconv.Itoa(l.N) + " " + unit
	switch {
	case l.Unit == calendar.HalfWorkingDay:
		zh = "半个工作日"
	case l.Unit == calendar.Planned:
		zh = "按计划日期"
	case l.Unit == calendar.Unbounded:
		zh = "不限"
	case l.Unit == calendar.Days && l.N == 0:
		zh = "当日"
	}
	return &typev1.Text{Zh: zh, En: text}, true
}

// value says one value; nil if there is none.
func (c *comparer) value(fd protoreflect.FieldDescriptor, v protoreflect.Value, there bool) *typev1.Text {
	if !there {
		return nil
	}
	switch fd.Kind() {
	case protoreflect.MessageKind:
		return c.message(v.Message())
	case protoreflect.EnumKind:
		return c.words.enum(fd.Enum(), v.Enum())
	case protoreflect.BoolKind:
		if v.Bool() {
			return &typev1.Text{Zh: "是", En: "yes"}
		}
		return &typev1.Text{Zh: "否", En: "no"}
	case protoreflect.StringKind:
		if t, ok := limit(v.String()); ok {
			return t
		}
	}
	return both(v.String())
}

// message says what has no id of its own: an event, a need, a consequence, a paper.
func (c *comparer) message(m protoreflect.Message) *typev1.Text {
	switch x := m.Interface().(type) {
	case *typev1.Text:
		return proto.CloneOf(x)
	case *policyv1.Trigger:
		return c.trigger(x)
	case *policyv1.Include:
		// The rules it brings follow from its revision.
		sections := strings.Join(x.GetSections(), ", ")
		return &typev1.Text{Zh: fmt.Sprintf("%s %s（%s）", x.GetPack(), x.GetRevision(), sections), En: fmt.Sprintf("%s %s (%s)", x.GetPack(), x.GetRevision(), sections)}
	}
	var zh, en []string
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		if !m.Has(fd) {
			continue
		}
		title, said := c.words.title(fd), c.all(fd, m.Get(fd))
		zh, en = append(zh, title.GetZh()+" "+said.GetZh()), append(en, title.GetEn()+" "+said.GetEn())
	}
	return &typev1.Text{Zh: strings.Join(zh, "，"), En: strings.Join(en, ", ")}
}

func (c *comparer) trigger(t *policyv1.Trigger) *typev1.Text {
	said := c.words.enum(t.GetEvent().Descriptor(), t.GetEvent().Number())
	if t.GetId() != "" {
		said = &typev1.Text{Zh: said.GetZh() + " " + t.GetId(), En: said.GetEn() + " " + t.GetId()}
	}
	if t.GetIf() != "" {
		said = &typev1.Text{Zh: said.GetZh() + "，若 " + t.GetIf(), En: said.GetEn() + " if " + t.GetIf()}
	}
	return said
}

// all says a field whatever its cardinality.
func (c *comparer) all(fd protoreflect.FieldDescriptor, v protoreflect.Value) *typev1.Text {
	switch {
	case fd.IsMap():
		var zh, en []string
		for _, key := range keysOf(v.Map()) {
			said := c.value(fd.MapValue(), v.Map().Get(protoreflect.ValueOfString(key).MapKey()), true)
			zh, en = append(zh, key+"："+said.GetZh()), append(en, key+": "+said.GetEn())
		}
		return &typev1.Text{Zh: strings.Join(zh, "、"), En: strings.Join(en, ", ")}
	case fd.IsList():
		return c.elements(fd, v.List(), nil)
	}
	return c.value(fd, v, true)
}

// elements says a list without those left out.
func (c *comparer) elements(fd protoreflect.FieldDescriptor, l protoreflect.List, leave map[string]bool) *typev1.Text {
	var zh, en []string
	for i := range l.Len() {
		if leave[encoded(fd, l.Get(i))] {
			continue
		}
		said := c.value(fd, l.Get(i), true)
		zh, en = append(zh, said.GetZh()), append(en, said.GetEn())
	}
	if len(en) == 0 {
		return nil
	}
	return &typev1.Text{Zh: strings.Join(zh, "；"), En: strings.Join(en, "; ")}
}

// encoded makes an element comparable.
func encoded(fd protoreflect.FieldDescriptor, v protoreflect.Value) string {
	if fd.Kind() != protoreflect.MessageKind {
		return fmt.Sprint(v.Interface())
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(v.Message().Interface())
	if err != nil {
		return err.Error() // packs hold what was decoded, which encodes
	}
	return string(b)
}

// list compares a list whose elements have no ids, as a whole or, if long, by what differs.
func (c *comparer) list(d *Difference, name string, title *typev1.Text, fd protoreflect.FieldDescriptor, a, b protoreflect.List) {
	was, is := map[string]bool{}, map[string]bool{}
	var order [2][]string
	for i, l := range []protoreflect.List{a, b} {
		for j := range l.Len() {
			e := encoded(fd, l.Get(j))
			[]map[string]bool{was, is}[i][e] = true
			order[i] = append(order[i], e)
		}
	}
	if slices.Equal(order[0], order[1]) {
		return
	}
	if max(a.Len(), b.Len()) < long || maps.Equal(was, is) {
		was, is = nil, nil
	}
	f := Field{Name: name, Title: title, Before: c.elements(fd, a, is), After: c.elements(fd, b, was)}
	// A text may differ in one language only, which the other one has to show all the same.
	if f.Before.GetEn() == f.After.GetEn() {
		f.Before, f.After = both(f.Before.GetZh()), both(f.After.GetZh())
	} else if f.Before.GetZh() == f.After.GetZh() {
		f.Before, f.After = both(f.Before.GetEn()), both(f.After.GetEn())
	}
	d.Fields = append(d.Fields, f)
}

// mapping compares a map key by key.
func (c *comparer) mapping(d *Difference, name string, title *typev1.Text, fd protoreflect.FieldDescriptor, a, b protoreflect.Map) {
	keys := slices.Compact(slices.Sorted(slices.Values(append(keysOf(a), keysOf(b)...))))
	for _, key := range keys {
		k := protoreflect.ValueOfString(key).MapKey()
		if a.Has(k) && b.Has(k) && a.Get(k).Equal(b.Get(k)) {
			continue
		}
		c.add(d, name+"."+key, along(title, both(key)), c.value(fd.MapValue(), a.Get(k), a.Has(k)), c.value(fd.MapValue(), b.Get(k), b.Has(k)))
	}
}

func keysOf(m protoreflect.Map) []string {
	var out []string
	m.Range(func(k protoreflect.MapKey, _ protoreflect.Value) bool {
		out = append(out, k.String())
		return true
	})
	return slices.Sorted(slices.Values(out))
}

func listed(s []string) string { return strings.Join(s, ", ") }
