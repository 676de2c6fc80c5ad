package seal

import (
	"fmt"
	"strconv"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// anyName is not entered: what it holds was sealed when it was made.
const anyName = "google.protobuf.Any"

// step is one step of the path from the message to a string; nil is the message itself.
type step struct {
	parent *step
	name   string
}

// String writes the path as google.rpc.BadRequest does: contact.lines[2].text.
func (s *step) String() string {
	switch {
	case s == nil:
		return ""
	case s.parent == nil || s.name[0] == '[':
		return s.parent.String() + s.name
	default:
		return s.parent.String() + "." + s.name
	}
}

// visitor is called for every string in a message. The first result is stored
// in its place if it differs. Keys of maps are shown with key true and are never replaced.
type visitor func(path *step, class typev1.DataClass, s string, key bool) (string, error)

// walk shows every string of m to v: of singular and repeated fields and maps,
// at any depth, Any excluded. unknown is called with every message that holds
// unknown fields; nil ignores them.
func walk(m protoreflect.Message, at *step, v visitor, unknown func(protoreflect.Message)) (err error) {
	if m.Descriptor().FullName() == anyName {
		return nil
	}
	if unknown != nil && len(m.GetUnknown()) > 0 {
		unknown(m)
	}
	m.Range(func(fd protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		err = walkField(m, fd, value, at, v, unknown)
		return err == nil
	})
	return err
}

func walkField(m protoreflect.Message, fd protoreflect.FieldDescriptor, value protoreflect.Value, at *step, v visitor, unknown func(protoreflect.Message)) error {
	element := fd
	if fd.IsMap() {
		element = fd.MapValue()
	}
	class := classOf(fd)
	if sealable(class) && element.Kind() != protoreflect.StringKind {
		return fmt.Errorf("seal: field %s has a data class to seal but holds no strings", fd.FullName())
	}
	isString := element.Kind() == protoreflect.StringKind
	isMessage := element.Message() != nil
	if !isString && !isMessage && !fd.IsMap() {
		return nil
	}
	here := &step{parent: at, name: string(fd.Name())}
	switch {
	case fd.IsMap():
		return walkMap(fd, value.Map(), class, here, v, unknown)
	case fd.IsList():
		list := value.List()
		for i := range list.Len() {
			item := &step{parent: here, name: "[" + strconv.Itoa(i) + "]"}
			if isMessage {
				if err := walk(list.Get(i).Message(), item, v, unknown); err != nil {
					return err
				}
				continue
			}
			old := list.Get(i).String()
			s, err := v(item, class, old, false)
			if err != nil {
				return err
			}
			if s != old {
				list.Set(i, protoreflect.ValueOfString(s))
			}
		}
		return nil
	case isMessage:
		return walk(value.Message(), here, v, unknown)
	default:
		old := value.String()
		s, err := v(here, class, old, false)
		if err == nil && s != old {
			m.Set(fd, protoreflect.ValueOfString(s))
		}
		return err
	}
}

func walkMap(fd protoreflect.FieldDescriptor, values protoreflect.Map, class typev1.DataClass, at *step, v visitor, unknown func(protoreflect.Message)) (err error) {
	stringKeys := fd.MapKey().Kind() == protoreflect.StringKind
	element := fd.MapValue()
	values.Range(func(k protoreflect.MapKey, value protoreflect.Value) bool {
		here := &step{parent: at, name: "[" + strconv.Quote(k.String()) + "]"}
		if stringKeys {
			if _, err = v(here, typev1.DataClass_DATA_CLASS_UNSPECIFIED, k.String(), true); err != nil {
				return false
			}
		}
		switch {
		case element.Message() != nil:
			err = walk(value.Message(), here, v, unknown)
		case element.Kind() == protoreflect.StringKind:
			var s string
			if s, err = v(here, class, value.String(), false); err == nil && s != value.String() {
				values.Set(k, protoreflect.ValueOfString(s))
			}
		}
		return err == nil
	})
	return err
}

// classOf returns the data class the field declares. On a map it speaks of the values.
func classOf(fd protoreflect.FieldDescriptor) typev1.DataClass {
	options := fd.Options()
	if options == nil || !proto.HasExtension(options, typev1.E_Data) {
		return typev1.DataClass_DATA_CLASS_UNSPECIFIED
	}
	return proto.GetExtension(options, typev1.E_Data).(typev1.DataClass)
}
