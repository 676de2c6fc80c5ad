package scenario

import (
	"fmt"
	"regexp"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/structpb"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
)

func column() *regexp.Regexp { return regexp.MustCompile(`<([a-z][a-z0-9_]*)>`) }

// fillMove fills the columns into a move, in place. What a fixture is given keeps its nulls: they are values of
// its columns, and its own moves leave out what they stand for.
func fillMove(m *policyv1.Move, b binding) error {
	if m.GetUse() == "" {
		return substitute(m.ProtoReflect(), b)
	}
	with, rows := m.GetWith(), m.GetRows()
	m.With, m.Rows = nil, nil
	if err := substitute(m.ProtoReflect(), b); err != nil {
		return err
	}
	m.With, m.Rows = with, rows
	for k, v := range with.GetFields() {
		next, err := value(v, b)
		if err != nil {
			return err
		}
		with.Fields[k] = next
	}
	for _, row := range rows {
		for i, v := range row.GetValues() {
			next, err := value(v, b)
			if err != nil {
				return err
			}
			row.Values[i] = next
		}
	}
	return nil
}

// substitute fills the columns into a message, in place. A value that is a column and
// nothing else takes the column's type; null drops the field, the key or the element.
func substitute(m protoreflect.Message, b binding) error {
	switch v := m.Interface().(type) {
	case *structpb.Struct:
		return fields(v, b)
	case *structpb.ListValue:
		return elements(v, b)
	}
	var failed error
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.IsMap():
			failed = entries(m, fd, v.Map(), b)
		case fd.IsList():
			failed = list(m, fd, v.List(), b)
		case fd.Kind() == protoreflect.MessageKind:
			failed = substitute(v.Message(), b)
		case fd.Kind() == protoreflect.StringKind:
			var text *structpb.Value
			if text, failed = value(structpb.NewStringValue(v.String()), b); failed == nil {
				m.Set(fd, protoreflect.ValueOfString(plainText(text)))
			}
		}
		return failed == nil
	})
	return failed
}

// value fills the columns into one value.
func value(v *structpb.Value, b binding) (*structpb.Value, error) {
	switch k := v.GetKind().(type) {
	case *structpb.Value_StructValue:
		return v, fields(k.StructValue, b)
	case *structpb.Value_ListValue:
		return v, elements(k.ListValue, b)
	case *structpb.Value_StringValue:
		return text(k.StringValue, b)
	}
	return v, nil
}

func text(s string, b binding) (*structpb.Value, error) {
	found := column().FindAllStringSubmatch(s, -1)
	for _, f := range found {
		if _, ok := b[f[1]]; !ok {
			return nil, fmt.Errorf("there is no column %q", f[1])
		}
	}
	if len(found) == 1 && found[0][0] == s {
		return b[found[0][1]], nil
	}
	return structpb.NewStringValue(column().ReplaceAllStringFunc(s, func(c string) string { return plainText(b[c[1:len(c)-1]]) })), nil
}

func isNull(v *structpb.Value) bool {
	_, null := v.GetKind().(*structpb.Value_NullValue)
	return null
}

func fields(s *structpb.Struct, b binding) error {
	for k, v := range s.GetFields() {
		next, err := value(v, b)
		if err != nil {
			return err
		}
		if isNull(next) {
			delete(s.Fields, k)
		} else {
			s.Fields[k] = next
		}
	}
	return nil
}

func elements(l *structpb.ListValue, b binding) error {
	kept := make([]*structpb.Value, 0, len(l.GetValues()))
	for _, v := range l.GetValues() {
		next, err := value(v, b)
		if err != nil {
			return err
		}
		if !isNull(next) {
			kept = append(kept, next)
		}
	}
	l.Values = kept
	return nil
}

func entries(m protoreflect.Message, fd protoreflect.FieldDescriptor, entries protoreflect.Map, b binding) (failed error) {
	filled := map[string]protoreflect.Value{}
	entries.Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
		var key *structpb.Value
		if key, failed = text(k.String(), b); failed != nil {
			return false
		}
		if fd.MapValue().Kind() == protoreflect.MessageKind {
			failed = substitute(v.Message(), b)
			filled[plainText(key)] = v
			return failed == nil
		}
		var next *structpb.Value
		if next, failed = text(v.String(), b); failed == nil && !isNull(next) {
			filled[plainText(key)] = protoreflect.ValueOfString(plainText(next))
		}
		return failed == nil
	})
	if failed != nil {
		return failed
	}
	fresh := m.NewField(fd)
	for k, v := range filled {
		fresh.Map().Set(protoreflect.ValueOfString(k).MapKey(), v)
	}
	m.Set(fd, fresh)
	return nil
}

// list fills columns into a list; a column that is a list stands for its elements.
func list(m protoreflect.Message, fd protoreflect.FieldDescriptor, l protoreflect.List, b binding) error {
	fresh := m.NewField(fd)
	for i := range l.Len() {
		v := l.Get(i)
		if fd.Kind() != protoreflect.StringKind {
			if fd.Kind() == protoreflect.MessageKind {
				if err := substitute(v.Message(), b); err != nil {
					return err
				}
			}
			fresh.List().Append(v)
			continue
		}
		next, err := text(v.String(), b)
		if err != nil {
			return err
		}
		parts := []*structpb.Value{next}
		if many, ok := next.GetKind().(*structpb.Value_ListValue); ok {
			parts = many.ListValue.GetValues()
		}
		for _, p := range parts {
			if !isNull(p) {
				fresh.List().Append(protoreflect.ValueOfString(plainText(p)))
			}
		}
	}
	m.Set(fd, fresh)
	return nil
}
