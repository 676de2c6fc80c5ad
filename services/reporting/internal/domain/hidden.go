package domain

import (
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/policy"
)

// Hidden returns which facts a pack hides from somebody: fields that name a who that is meets. Of a pack
// that is not known it is everything; nil if it is nothing.
//
// Source: pack.proto Field.hidden_from; PACK-SKETCH G1; PROCEDURES P12 2.2.2.
func Hidden(p *policy.Policy, is func(who string) bool) func(field string) bool {
	if p == nil {
		return func(string) bool { return true }
	}
	var fields []string
	for _, form := range p.Rules().GetForms() {
		for _, field := range form.GetFields() {
			if slices.ContainsFunc(field.GetHiddenFrom(), is) {
				fields = append(fields, field.GetId())
			}
		}
	}
	if len(fields) == 0 {
		return nil
	}
	return func(field string) bool { return slices.Contains(fields, field) }
}

// Withhold takes hidden facts out of a message and of all messages in it. An action says what was
// taken, as the service it belongs to does.
func Withhold(m proto.Message, hidden func(field string) bool) {
	if a, ok := m.(*correctiveactionv1.Action); ok {
		for field := range a.GetFacts() {
			if hidden(field) {
				a.Withheld = append(a.Withheld, field)
			}
		}
		slices.Sort(a.Withheld)
		a.Withheld = slices.Compact(a.Withheld)
	}
	fact := (&typev1.Fact{}).ProtoReflect().Descriptor().FullName()
	m.ProtoReflect().Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.IsMap():
			if fd.MapValue().Message() == nil {
				return true
			}
			v.Map().Range(func(k protoreflect.MapKey, each protoreflect.Value) bool {
				if fd.MapValue().Message().FullName() == fact && hidden(k.String()) {
					v.Map().Clear(k)
				} else {
					Withhold(each.Message().Interface(), hidden)
				}
				return true
			})
		case fd.Message() == nil:
		case fd.IsList():
			for i := range v.List().Len() {
				Withhold(v.List().Get(i).Message().Interface(), hidden)
			}
		default:
			Withhold(v.Message().Interface(), hidden)
		}
		return true
	})
}
