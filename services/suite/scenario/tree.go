package scenario

import (
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// plain turns a resource into what a scenario can be compared with: fields by name,
// enum words without their prefix, instants in local time, amounts and facts as they
// are written, people as the actors they play, departments by their ids,
// resources by the name a move gave them.
func (w *world) plain(m protoreflect.Message) any {
	switch v := m.Interface().(type) {
	case *timestamppb.Timestamp:
		return v.AsTime().In(w.zone).Format(time.DateTime)
	case *typev1.Money:
		if v.GetCurrencyCode() == "CNY" {
			return v.GetAmount()
		}
		return v.GetCurrencyCode() + " " + v.GetAmount()
	case *typev1.Fact:
		return w.plainFact(m)
	case *typev1.Choices:
		return w.list(m.Descriptor().Fields().ByName("values"), m.Get(m.Descriptor().Fields().ByName("values")).List())
	}
	out := map[string]any{}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		v := m.Get(fd)
		switch {
		case fd.IsMap():
			entries := map[string]any{}
			v.Map().Range(func(k protoreflect.MapKey, e protoreflect.Value) bool {
				entries[k.String()] = w.plainValue(fd.MapValue(), e)
				return true
			})
			out[string(fd.Name())] = entries
		case fd.IsList():
			out[string(fd.Name())] = w.list(fd, v.List())
		case fd.Kind() != protoreflect.MessageKind || m.Has(fd):
			out[string(fd.Name())] = w.plainValue(fd, v)
		}
	}
	return out
}

func (w *world) list(fd protoreflect.FieldDescriptor, l protoreflect.List) []any {
	out := make([]any, 0, l.Len())
	for i := range l.Len() {
		out = append(out, w.plainValue(fd, l.Get(i)))
	}
	return out
}

func (w *world) plainFact(m protoreflect.Message) any {
	fd := m.WhichOneof(m.Descriptor().Oneofs().ByName("value"))
	if fd == nil {
		return nil
	}
	return w.plainValue(fd, m.Get(fd))
}

func (w *world) plainValue(fd protoreflect.FieldDescriptor, v protoreflect.Value) any {
	switch fd.Kind() {
	case protoreflect.MessageKind:
		return w.plain(v.Message())
	case protoreflect.EnumKind:
		e := fd.Enum()
		value := e.Values().ByNumber(v.Enum())
		if value == nil {
			return float64(v.Enum())
		}
		return strings.TrimPrefix(string(value.Name()), strings.TrimSuffix(string(e.Values().Get(0).Name()), "UNSPECIFIED"))
	case protoreflect.BoolKind:
		return v.Bool()
	case protoreflect.Int32Kind, protoreflect.Int64Kind, protoreflect.Sint32Kind, protoreflect.Sint64Kind:
		return float64(v.Int())
	case protoreflect.BytesKind:
		return string(v.Bytes())
	case protoreflect.StringKind:
		return w.shown(v.String())
	}
	return v.Interface()
}

// shown writes names as scenarios do. The number of the newest complaint is {number}:
// numbers hold the shard, which is drawn.
func (w *world) shown(s string) string {
	if label, ok := w.labels[s]; ok {
		return label
	}
	if d, ok := strings.CutPrefix(s, "departments/"); ok {
		return d
	}
	if s == customerRef {
		return customer
	}
	for given, name := range w.named {
		if name == s && name != "" {
			return given
		}
	}
	if w.number != "" {
		return strings.ReplaceAll(s, w.number, "{number}")
	}
	return s
}
