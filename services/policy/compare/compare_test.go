package compare_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/compare"
)

const before = `pack: sample
title: {zh: 样例, en: Sample}
source: Sample 2024
parameters:
- {id: days, clause: "5", type: LIMIT, text: {zh: 期限, en: limit}, value: 7 days, reading: [P01-A1]}
calendar: {zone: Asia/Shanghai, open: ["mon-fri 09:00-18:00"], holidays: none}
grades:
- {id: severity, clause: "3", text: {zh: 严重度, en: severity}, otherwise: mild, levels: [{id: mild, clause: "3", text: {zh: 轻, en: mild}}, {id: grave, clause: "3", text: {zh: 重, en: grave}}]}
clocks:
- {id: first_reply, clause: "4.1", text: {zh: 首次答复, en: first reply}, from: [COMPLAINT_RECEIVED], limit: 24 working h, met_by: [REPLY_SENT]}
- {id: by_level, clause: "4.3", text: {zh: 办结, en: settle}, from: [COMPLAINT_RECEIVED], scale: severity, by_grade: {mild: 10 days, grave: 3 days}, met_by: [CASE_CLOSED]}
- {id: gone, clause: "9", text: {zh: 废止, en: given up}, from: [COMPLAINT_RECEIVED], limit: 1 week, met_by: [CASE_CLOSED]}
`

const after = `pack: sample
title: {zh: 样例, en: Sample}
source: Sample 2025
parameters:
- {id: days, clause: "5", type: LIMIT, text: {zh: 期限, en: limit}, value: 5 days, reading: [P01-A1]}
calendar: {zone: Asia/Shanghai, open: ["mon-fri 08:30-17:30"], holidays: none}
grades:
- {id: severity, clause: "3", text: {zh: 严重度, en: severity}, otherwise: mild, levels: [{id: mild, clause: "3", text: {zh: 轻, en: mild}}, {id: grave, clause: "3", text: {zh: 严重, en: grave}}]}
clocks:
- {id: by_level, clause: "4.3", text: {zh: 办结, en: settle}, from: [COMPLAINT_RECEIVED], scale: severity, by_grade: {mild: 10 days, grave: 2 days}, met_by: [CASE_CLOSED, COMPLAINT_WITHDRAWN]}
- {id: first_reply, clause: "4.2", text: {zh: 首次答复, en: first reply}, from: [COMPLAINT_RECEIVED], limit: 12 h, met_by: [REPLY_SENT]}
- {id: fresh, clause: "8", text: {zh: 新增, en: something new}, from: [COMPLAINT_RECEIVED], limit: 1 week, met_by: [CASE_CLOSED]}
`

func load(t *testing.T, source string) *policyv1.Pack {
	t.Helper()
	p, findings := policy.Load("pack.yaml", []byte(source), policy.Shipped)
	require.Empty(t, findings)
	return p
}

// lines writes differences as the command does, in short.
func lines(all []compare.Difference, chinese bool) string {
	var b strings.Builder
	for _, d := range all {
		text := d.Text.GetEn()
		if chinese {
			text = d.Text.GetZh()
		}
		fmt.Fprintf(&b, "%s %s (%s) %s\n", strings.TrimPrefix(d.Kind.String(), "KIND_"), d.Path, d.Clause, text)
		for _, f := range d.Fields {
			if chinese {
				fmt.Fprintf(&b, "  %s: %s → %s\n", f.Title.GetZh(), f.Before.GetZh(), f.After.GetZh())
			} else {
				fmt.Fprintf(&b, "  %s: %s → %s\n", f.Title.GetEn(), f.Before.GetEn(), f.After.GetEn())
			}
		}
	}
	return b.String()
}

func TestDifferencesAreSaidInWords(t *testing.T) {
	t.Parallel()
	all := compare.Packs(load(t, before), load(t, after))
	require.Equal(t, `CHANGED pack () Sample
  source document: Sample 2024 → Sample 2025
CHANGED parameters.days (5) limit
  value: 7 days → 5 days
CHANGED calendar () 
  opening hours: mon-fri 09:00-18:00 → mon-fri 08:30-17:30
CHANGED grades.severity.levels.grave (3) grave
  text: in Chinese: 重 → 严重
CHANGED clocks () 
  clocks: order: first_reply, by_level → by_level, first_reply
CHANGED clocks.by_level (4.3) settle
  limit by level: grave: 3 days → 2 days
  met by: case closed → case closed; complaint withdrawn
CHANGED clocks.first_reply (4.2) first reply
  clause: 4.1 → 4.2
  limit: 24 working h → 12 h
  limit: basis: working time → elapsed time
ADDED clocks.fresh (8) something new
REMOVED clocks.gone (9) given up
`, lines(all, false))
	zh := lines(all, true)
	require.Contains(t, zh, "时限: 24 工作小时 → 12 小时")
	require.Contains(t, zh, "时限·计时方式: 工作时间 → 自然时间")
	require.Contains(t, zh, "达成事件: 案件关闭 → 案件关闭；投诉撤回")
	require.Equal(t, "时限", all[5].Title.GetZh())
}

func TestAPackDoesNotDifferFromItself(t *testing.T) {
	t.Parallel()
	for _, name := range policy.ShippedNames() {
		p, _, err := policy.LoadShipped(name)
		require.NoError(t, err)
		require.Empty(t, compare.Packs(p, proto.CloneOf(p)), name)
	}
	require.Empty(t, compare.Packs(nil, &policyv1.Pack{}))
}

func TestAllOfAPackIsAddedToNothing(t *testing.T) {
	t.Parallel()
	p, _, err := policy.LoadShipped("generic-template")
	require.NoError(t, err)
	sections := map[string]bool{}
	for _, d := range compare.Packs(nil, p) {
		sections[d.Section] = true
		if d.Kind == compare.Changed {
			for _, f := range d.Fields {
				require.Nil(t, f.Before, "%s.%s", d.Path, f.Name)
			}
		}
	}
	require.True(t, sections["clocks"] && sections["approvals"] && sections["parameters"] || sections["gates"])
}

func TestLongListsShowWhatDiffersAndOrderIsNoticed(t *testing.T) {
	t.Parallel()
	a := &policyv1.Pack{Gates: []*policyv1.Gate{{Id: "g", Only: []string{"a", "b", "c", "d", "e", "f", "g"}}}}
	b := proto.CloneOf(a)
	b.Gates[0].Only = []string{"a", "b", "c", "d", "e", "f", "h"}
	require.Equal(t, "CHANGED gates.g () \n  only: g → h\n", lines(compare.Packs(a, b), false))
	b.Gates[0].Only = []string{"b", "a", "c", "d", "e", "f", "g"}
	require.Equal(t, "CHANGED gates.g () \n  only: a; b; c; d; e; f; g → b; a; c; d; e; f; g\n", lines(compare.Packs(a, b), false))
	c, d := &policyv1.Pack{Liability: &policyv1.Liability{Id: "x"}}, &policyv1.Pack{}
	require.Equal(t, "REMOVED liability () \n", lines(compare.Packs(c, d), false))
	require.Equal(t, "CHANGED acceptance () \n  acceptance:  → present\n", lines(compare.Packs(d, &policyv1.Pack{Acceptance: &policyv1.Acceptance{}}), false))
}

// The schema is walked, so a field that is added to it tomorrow must be compared, and have words in
// both languages, or this fails.
func TestEveryFieldOfTheSchemaIsComparedAndHasWords(t *testing.T) {
	t.Parallel()
	n, seen := 0, map[protoreflect.FullName]bool{}
	var descend func(d protoreflect.MessageDescriptor, wrap func(protoreflect.Message) *policyv1.Pack)
	descend = func(d protoreflect.MessageDescriptor, wrap func(protoreflect.Message) *policyv1.Pack) {
		if seen[d.FullName()] {
			return
		}
		seen[d.FullName()] = true
		for i := range d.Fields().Len() {
			fd := d.Fields().Get(i)
			build := func(value int) *policyv1.Pack {
				m := message(d)
				fill(m, fd, value)
				return wrap(m)
			}
			for _, c := range []struct{ a, b int }{{0, 1}, {1, 0}, {1, 2}} {
				if c.a*c.b == 2 && fd.Message() != nil && !fd.IsMap() && fd.Message().Fields().ByName("id") == nil {
					continue // filled alike; its fields are visited below
				}
				all := compare.Packs(build(c.a), build(c.b))
				if c.a*c.b == 2 && fd.Kind() == protoreflect.BoolKind {
					continue
				}
				require.NotEmpty(t, all, "%s: %d → %d", fd.FullName(), c.a, c.b)
				if fd.FullName() == "redress.policy.v1.Include.rules" {
					continue // they follow from the include's revision, which is said
				}
				for _, f := range all[0].Fields {
					require.NotEqual(t, f.Before.GetEn(), f.After.GetEn(), "%s", fd.FullName())
					require.NotEqual(t, f.Before.GetZh(), f.After.GetZh(), "%s", fd.FullName())
					for title := range strings.SplitSeq(f.Title.GetZh(), "·") {
						require.Regexp(t, `\p{Han}|^k$`, title, "%s has no Chinese word: compare/words.go", fd.FullName())
					}
				}
			}
			n++
			if e := fd.Enum(); e != nil {
				requireWords(t, wrap, d, fd)
			}
			if fd.Message() != nil && !fd.IsMap() {
				descend(fd.Message(), func(sub protoreflect.Message) *policyv1.Pack {
					m := message(d)
					if fd.IsList() {
						m.Mutable(fd).List().Append(protoreflect.ValueOfMessage(sub))
					} else {
						m.Set(fd, protoreflect.ValueOfMessage(sub))
					}
					return wrap(m)
				})
			}
		}
	}
	root := (&policyv1.Pack{}).ProtoReflect().Descriptor()
	descend(root, func(m protoreflect.Message) *policyv1.Pack { return m.Interface().(*policyv1.Pack) })
	require.Greater(t, n, 400)
}

// requireWords requires that each word of an enumeration is said in Chinese.
func requireWords(t *testing.T, wrap func(protoreflect.Message) *policyv1.Pack, d protoreflect.MessageDescriptor, fd protoreflect.FieldDescriptor) {
	t.Helper()
	for i := 1; i < fd.Enum().Values().Len(); i++ {
		v := fd.Enum().Values().Get(i)
		m := message(d)
		value := protoreflect.ValueOfEnum(v.Number())
		if fd.IsList() {
			m.Mutable(fd).List().Append(value)
		} else {
			m.Set(fd, value)
		}
		all := compare.Packs(wrap(message(d)), wrap(m))
		require.NotEmpty(t, all)
		require.NotEmpty(t, all[0].Fields, v.FullName())
		require.Regexp(t, `\p{Han}`, all[0].Fields[0].After.GetZh(), "%s has no Chinese word: compare/words.go", v.FullName())
	}
}

// message makes a message that is there and, where it has one, has an id.
func message(d protoreflect.MessageDescriptor) protoreflect.Message {
	m := newOf(d)
	if fd := d.Fields().ByName("id"); fd != nil && d.Name() != "Trigger" {
		m.Set(fd, protoreflect.ValueOfString("k"))
	}
	return m
}

// fill gives a field its n-th value; 0 is none.
func fill(m protoreflect.Message, fd protoreflect.FieldDescriptor, n int) {
	if n == 0 {
		m.Clear(fd)
		return
	}
	one := func(fd protoreflect.FieldDescriptor) protoreflect.Value {
		switch fd.Kind() {
		case protoreflect.MessageKind:
			sub := message(fd.Message())
			if id := fd.Message().Fields().ByName("id"); id != nil {
				sub.Set(id, protoreflect.ValueOfString(fmt.Sprint("k", n)))
			} else {
				fill(sub, fd.Message().Fields().Get(0), n)
			}
			return protoreflect.ValueOfMessage(sub)
		case protoreflect.EnumKind:
			return protoreflect.ValueOfEnum(protoreflect.EnumNumber(n))
		case protoreflect.BoolKind:
			return protoreflect.ValueOfBool(true)
		default:
			return protoreflect.ValueOfString(fmt.Sprint("值", n))
		}
	}
	switch {
	case fd.IsMap():
		m.Mutable(fd).Map().Set(protoreflect.ValueOfString("k").MapKey(), one(fd.MapValue()))
	case fd.IsList():
		m.Mutable(fd).List().Append(one(fd))
	default:
		m.Set(fd, one(fd))
	}
}

func newOf(d protoreflect.MessageDescriptor) protoreflect.Message {
	t, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		panic(err)
	}
	return t.New()
}

func TestMessagesAreInOneLanguage(t *testing.T) {
	t.Parallel()
	all := compare.Packs(load(t, before), load(t, after))
	zh, en := compare.Messages(all, true), compare.Messages(all, false)
	require.Len(t, zh, len(all))
	last := len(all) - 1
	require.Equal(t, policyv1.Difference_KIND_REMOVED, en[last].GetKind())
	require.Equal(t, []string{"clocks", "clocks", "clocks.gone", "gone", "9", "given up"},
		[]string{en[last].GetSection(), en[last].GetSectionTitle(), en[last].GetPath(), en[last].GetRule(), en[last].GetClause(), en[last].GetText()})
	require.Equal(t, "时限", zh[last].GetSectionTitle())
	require.Equal(t, "废止", zh[last].GetText())
	require.Equal(t, "parameters.days", zh[1].GetPath())
	require.Equal(t, "值 7 天 5 天", strings.Join([]string{zh[1].GetFields()[0].GetTitle(), zh[1].GetFields()[0].GetBefore(), zh[1].GetFields()[0].GetAfter()}, " "))
}
