// Package compare says in words in what two policy packs differ.
//
// [Packs] walks the schema of packs and not a list of known fields, so a section or field that comes
// later is compared from its first day; what people call it is in words.go. Rules are matched by their
// ids, so moving a rule to another line is no change unless the order counts. If the result is empty,
// both packs are the same revision.
//
// The package performs no I/O and keeps no state.
//
// Source: issue 3, section 4; ADR 0013.
package compare

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// Kind is what became of a rule.
type Kind = policyv1.Difference_Kind

// Kinds.
const (
	Added   = policyv1.Difference_KIND_ADDED
	Removed = policyv1.Difference_KIND_REMOVED
	Changed = policyv1.Difference_KIND_CHANGED
)

// head is the section of what a pack says about itself: title, source, includes.
const head = "pack"

// Difference is a rule, or a section's own words, that two packs do not have in common.
type Difference struct {
	Kind Kind
	// Section is the field of the pack, "clocks", or "pack" for title, source and includes; Title
	// what people call it.
	Section string
	Title   *typev1.Text
	// Path is the place, "clocks.response"; Rule the id, empty for what has none.
	Path, Rule string
	// Clause and Text are those of the newer rule, of the older one if it was removed.
	Clause string
	Text   *typev1.Text
	// Fields are what differs between the two; empty unless Changed.
	Fields []Field
}

// Field is one field that differs.
type Field struct {
	// Name is that of the field, "limit" or "extend.by" or "by_grade.major"; Title what people call it.
	Name  string
	Title *typev1.Text
	// Before and After are the values in words; nil for none.
	Before, After *typev1.Text
}

// Packs returns in what after differs from before, in the order of the schema's sections and of after's
// rules; removed rules come last in their list. nil stands for an empty pack. Neither is changed; the
// result shares nothing with them.
//
// Cost: some milliseconds for the largest procedure.
func Packs(before, after *policyv1.Pack) []Difference {
	c := &comparer{words: words()}
	a, b := before.ProtoReflect(), after.ProtoReflect()
	own := Difference{Kind: Changed, Section: head, Title: c.words.word(head), Path: head, Text: proto.CloneOf(after.GetTitle())}
	fields := b.Descriptor().Fields()
	for i := range fields.Len() {
		if fd := fields.Get(i); !section(fd) {
			c.field(&own, own.Path, "", nil, fd, a, b)
		}
	}
	c.report(own)
	for i := range fields.Len() {
		fd := fields.Get(i)
		if !section(fd) {
			continue
		}
		name := string(fd.Name())
		whole := Difference{Kind: Changed, Section: name, Title: c.words.title(fd), Path: name}
		if !fd.IsList() && !item(fd.Message()) {
			// A section of lists: they are part of it, not of a rule.
			if a.Has(fd) || b.Has(fd) {
				said := len(c.out)
				c.fields(&whole, name, "", nil, a.Get(fd).Message(), b.Get(fd).Message())
				if len(c.out) == said {
					c.presence(&whole, fd, a, b)
				}
			}
		} else {
			c.field(&whole, "", "", nil, fd, a, b)
		}
		c.report(whole)
	}
	c.sort()
	return c.out
}

// section tells the fields of a pack that are sections from what a pack says about itself.
func section(fd protoreflect.FieldDescriptor) bool {
	return fd.Message() != nil && fd.Name() != "title" && fd.Name() != "include"
}

// item tells whether messages of a kind are known by an id.
func item(d protoreflect.MessageDescriptor) bool {
	fd := d.Fields().ByName("id")
	return fd != nil && fd.Kind() == protoreflect.StringKind && d.Name() != "Trigger"
}

type comparer struct {
	words *dictionary
	out   []Difference
}

// report keeps a difference that has something to say.
func (c *comparer) report(d Difference) {
	if d.Kind != Changed || len(d.Fields) > 0 {
		c.out = append(c.out, d)
	}
}

// sort puts a rule before what is below it: the walk finishes them the other way round.
func (c *comparer) sort() {
	at := map[string]int{}
	for _, d := range c.out {
		if _, ok := at[d.Section]; !ok {
			at[d.Section] = len(at)
		}
	}
	slices.SortStableFunc(c.out, func(a, b Difference) int {
		if a.Section != b.Section {
			return at[a.Section] - at[b.Section]
		}
		switch {
		case above(a.Path, b.Path):
			return -1
		case above(b.Path, a.Path):
			return 1
		}
		return 0
	})
}

func above(a, b string) bool { return len(b) > len(a) && b[:len(a)] == a && b[len(a)] == '.' }

// fields compares all fields of two messages that stand for the same thing; names of fields begin
// with prefix and are titled behind under.
func (c *comparer) fields(d *Difference, path, prefix string, under *typev1.Text, a, b protoreflect.Message) {
	fields := b.Descriptor().Fields()
	for i := range fields.Len() {
		c.field(d, path, prefix, under, fields.Get(i), a, b)
	}
}

// field compares one field. Rules in it become differences of their own, at path.
func (c *comparer) field(d *Difference, path, prefix string, under *typev1.Text, fd protoreflect.FieldDescriptor, a, b protoreflect.Message) {
	name, title := prefix+string(fd.Name()), along(under, c.words.title(fd))
	switch {
	case fd.IsMap():
		c.mapping(d, name, title, fd, a.Get(fd).Map(), b.Get(fd).Map())
	case fd.IsList() && fd.Message() != nil && item(fd.Message()):
		c.items(d, path, name, title, fd, a.Get(fd).List(), b.Get(fd).List())
	case fd.IsList():
		c.list(d, name, title, fd, a.Get(fd).List(), b.Get(fd).List())
	case fd.Message() != nil && item(fd.Message()):
		c.one(d, join(path, string(fd.Name())), fd, a, b)
	case fd.Message() != nil:
		if a.Has(fd) || b.Has(fd) {
			before := len(d.Fields)
			c.fields(d, join(path, string(fd.Name())), name+".", title, a.Get(fd).Message(), b.Get(fd).Message())
			if len(d.Fields) == before {
				c.presence(d, fd, a, b)
			}
		}
	default:
		if had, has := a.Has(fd), b.Has(fd); had || has {
			if was, is := a.Get(fd), b.Get(fd); had != has || !was.Equal(is) {
				c.add(d, name, title, c.value(fd, was, had), c.value(fd, is, has))
			}
		}
	}
}

// presence tells an empty message from none, which are two revisions.
func (c *comparer) presence(d *Difference, fd protoreflect.FieldDescriptor, a, b protoreflect.Message) {
	if a.Has(fd) == b.Has(fd) || len(d.Fields) > 0 {
		return
	}
	there := func(m protoreflect.Message) *typev1.Text {
		if !m.Has(fd) {
			return nil
		}
		return &typev1.Text{Zh: "有", En: "present"}
	}
	d.Fields = append(d.Fields, Field{Name: string(fd.Name()), Title: c.words.title(fd), Before: there(a), After: there(b)})
}

// one compares a rule that a field holds alone.
func (c *comparer) one(d *Difference, path string, fd protoreflect.FieldDescriptor, a, b protoreflect.Message) {
	switch {
	case a.Has(fd) && b.Has(fd):
		c.rule(d, path, a.Get(fd).Message(), b.Get(fd).Message())
	case a.Has(fd):
		c.whole(d, Removed, path, a.Get(fd).Message())
	case b.Has(fd):
		c.whole(d, Added, path, b.Get(fd).Message())
	}
}

// rule compares two states of one rule.
func (c *comparer) rule(in *Difference, path string, a, b protoreflect.Message) {
	d := of(in, Changed, path, b)
	c.fields(&d, path, "", nil, a, b)
	c.report(d)
}

// whole is a rule that only one pack has.
func (c *comparer) whole(in *Difference, k Kind, path string, m protoreflect.Message) {
	c.report(of(in, k, path, m))
}

// of makes the difference of a rule that stands in another one, or in a section.
func of(in *Difference, k Kind, path string, m protoreflect.Message) Difference {
	d := Difference{Kind: k, Section: in.Section, Title: in.Title, Path: path, Rule: id(m), Clause: in.Clause}
	if x, ok := m.Interface().(interface{ GetClause() string }); ok && x.GetClause() != "" {
		d.Clause = x.GetClause()
	}
	if x, ok := m.Interface().(interface{ GetText() *typev1.Text }); ok {
		d.Text = proto.CloneOf(x.GetText())
	}
	return d
}

func id(m protoreflect.Message) string {
	return m.Get(m.Descriptor().Fields().ByName("id")).String()
}

// keyed are the elements of a list by id. An id that comes again, which lint refuses, is told apart by
// its number.
func keyed(l protoreflect.List) (keys []string, by map[string]protoreflect.Message) {
	by = map[string]protoreflect.Message{}
	for i := range l.Len() {
		m := l.Get(i).Message()
		key := id(m)
		for n := 2; by[key] != nil; n++ {
			key = fmt.Sprintf("%s(%d)", id(m), n)
		}
		keys = append(keys, key)
		by[key] = m
	}
	return keys, by
}

// items matches rules by their ids.
func (c *comparer) items(d *Difference, path, name string, title *typev1.Text, fd protoreflect.FieldDescriptor, a, b protoreflect.List) {
	was, before := keyed(a)
	is, after := keyed(b)
	at := join(path, string(fd.Name()))
	var stayed, stay []string
	for _, key := range is {
		if old, ok := before[key]; ok {
			stay = append(stay, key)
			c.rule(d, join(at, key), old, after[key])
			continue
		}
		c.whole(d, Added, join(at, key), after[key])
	}
	for _, key := range was {
		if after[key] == nil {
			c.whole(d, Removed, join(at, key), before[key])
			continue
		}
		stayed = append(stayed, key)
	}
	if !slices.Equal(stayed, stay) {
		order := c.words.word("order")
		d.Fields = append(d.Fields, Field{Name: name + ".order", Title: along(title, order), Before: both(listed(stayed)), After: both(listed(stay))})
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// along titles what stands in something else.
func along(under, title *typev1.Text) *typev1.Text {
	if under == nil {
		return title
	}
	return &typev1.Text{Zh: under.GetZh() + "·" + title.GetZh(), En: under.GetEn() + ": " + title.GetEn()}
}
