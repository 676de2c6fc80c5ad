package seal

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// anyName is not entered: what it holds was sealed when it was made.
const anyName = "google.protobuf.Any"

// visitor is called for every string in a message. The first result is stored
// in its place if it differs. Keys of maps are shown with key true and are never replaced.
type visitor func(w *walker, class typev1.DataClass, s string, key bool) (string, error)

// walker shows every string of a message to a visitor: of singular and repeated
// fields and maps, at any depth, Any excluded.
type walker struct {
	visit visitor
	// dropUnknown removes unknown fields of every message passed.
	dropUnknown bool
	// sealed enters only what may hold texts of a class to seal.
	sealed bool
	steps  []step
}

// step is one step from the message to a string: a field, an element of a list
// or of a map.
type step struct {
	field string
	index int
	key   protoreflect.MapKey
}

func walk(m proto.Message, v visitor) error {
	return (&walker{visit: v}).walk(m)
}

// walkSealed is walk, past everything that holds no text of a class to seal.
func walkSealed(m proto.Message, v visitor) error {
	return (&walker{visit: v, sealed: true}).walk(m)
}

func (w *walker) walk(m proto.Message) error {
	w.steps = make([]step, 0, 8)
	r := m.ProtoReflect()
	return w.message(r, shapeOf(r.Descriptor()))
}

// path writes where the walker is as google.rpc.BadRequest does: contact.lines[2].text.
func (w *walker) path() string {
	var b strings.Builder
	for i, s := range w.steps {
		switch {
		case s.key.IsValid():
			b.WriteString("[" + strconv.Quote(s.key.String()) + "]")
		case s.field == "":
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		default:
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.field)
		}
	}
	return b.String()
}

func (w *walker) down(s step) { w.steps = append(w.steps, s) }
func (w *walker) up()         { w.steps = w.steps[:len(w.steps)-1] }

func (w *walker) message(m protoreflect.Message, s *shape) error {
	if w.dropUnknown && len(m.GetUnknown()) > 0 {
		m.SetUnknown(nil)
	}
	for i := range s.fields {
		f := &s.fields[i]
		if w.sealed && !f.seals || !m.Has(f.fd) {
			continue
		}
		w.down(step{field: f.name})
		err := f.err
		switch value := m.Get(f.fd); {
		case err != nil:
		case f.isMap:
			err = w.mapped(f, value.Map())
		case f.isList:
			err = w.list(f, value.List())
		case f.isString:
			old := value.String()
			var text string
			if text, err = w.visit(w, f.class, old, false); err == nil && text != old {
				m.Set(f.fd, protoreflect.ValueOfString(text))
			}
		default:
			err = w.message(value.Message(), f.of())
		}
		if err != nil {
			return err
		}
		w.up()
	}
	return nil
}

func (w *walker) list(f *field, list protoreflect.List) error {
	for i := range list.Len() {
		w.down(step{index: i})
		if f.isString {
			old := list.Get(i).String()
			text, err := w.visit(w, f.class, old, false)
			if err != nil {
				return err
			}
			if text != old {
				list.Set(i, protoreflect.ValueOfString(text))
			}
		} else if err := w.message(list.Get(i).Message(), f.of()); err != nil {
			return err
		}
		w.up()
	}
	return nil
}

func (w *walker) mapped(f *field, values protoreflect.Map) (err error) {
	values.Range(func(k protoreflect.MapKey, value protoreflect.Value) bool {
		w.down(step{key: k})
		if f.stringKeys {
			if _, err = w.visit(w, typev1.DataClass_DATA_CLASS_UNSPECIFIED, k.String(), true); err != nil {
				return false
			}
		}
		switch {
		case f.isMessage:
			err = w.message(value.Message(), f.of())
		case f.isString:
			old := value.String()
			var text string
			if text, err = w.visit(w, f.class, old, false); err == nil && text != old {
				values.Set(k, protoreflect.ValueOfString(text))
			}
		}
		if err == nil {
			w.up()
		}
		return err == nil
	})
	return err
}

// shape is what a walk needs of a message's descriptor: its fields that hold
// strings or messages, with their classes.
type shape struct {
	fields []field
}

type field struct {
	fd                  protoreflect.FieldDescriptor
	name                string
	class               typev1.DataClass
	isMap, isList       bool
	isString, isMessage bool // of the element, in a list or map
	stringKeys          bool
	seals               bool  // here or below there may be texts of a class to seal
	err                 error // it has a class and holds no strings
	sub                 protoreflect.MessageDescriptor
	once                sync.Once
	shape               *shape
}

// of returns the shape of the field's messages. Shapes may contain themselves,
// so they are found at the first use.
func (f *field) of() *shape {
	f.once.Do(func() { f.shape = shapeOf(f.sub) })
	return f.shape
}

// shapes holds what shapeOf has found out, by descriptor. Reading the options of
// a field costs more than everything else in a walk.
var shapes sync.Map //nolint:gochecknoglobals // a function's results, which never change

func shapeOf(d protoreflect.MessageDescriptor) *shape {
	if s, ok := shapes.Load(d); ok {
		return s.(*shape)
	}
	s, _ := shapes.LoadOrStore(d, newShape(d))
	return s.(*shape)
}

func newShape(d protoreflect.MessageDescriptor) *shape {
	s := &shape{}
	if d.FullName() == anyName {
		return s
	}
	fields := d.Fields()
	s.fields = make([]field, 0, fields.Len())
	for i := range fields.Len() {
		fd := fields.Get(i)
		element := fd
		if fd.IsMap() {
			element = fd.MapValue()
		}
		s.fields = append(s.fields, field{
			fd: fd, name: string(fd.Name()), class: classOf(fd), isMap: fd.IsMap(), isList: fd.IsList(),
			isString: element.Kind() == protoreflect.StringKind, isMessage: element.Message() != nil,
			stringKeys: fd.IsMap() && fd.MapKey().Kind() == protoreflect.StringKind, sub: element.Message(),
		})
		f := &s.fields[len(s.fields)-1]
		f.seals = sealable(f.class) || f.sub != nil && sealsBelow(f.sub, map[protoreflect.FullName]bool{})
		if sealable(f.class) && !f.isString {
			f.err = fmt.Errorf("seal: field %s has a data class to seal but holds no strings", fd.FullName())
		}
		if !f.isString && !f.isMessage && !f.stringKeys && f.err == nil {
			s.fields = s.fields[:len(s.fields)-1]
		}
	}
	return s
}

// sealsBelow reports whether a message of the kind may hold, at any depth, texts of
// a class to seal. passed are the kinds that were looked at.
func sealsBelow(d protoreflect.MessageDescriptor, passed map[protoreflect.FullName]bool) bool {
	if passed[d.FullName()] || d.FullName() == anyName {
		return false
	}
	passed[d.FullName()] = true
	fields := d.Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		if sealable(classOf(fd)) {
			return true
		}
		below := fd.Message()
		if fd.IsMap() {
			below = fd.MapValue().Message()
		}
		if below != nil && sealsBelow(below, passed) {
			return true
		}
	}
	return false
}

// classOf returns the data class the field declares. On a map it speaks of the values.
func classOf(fd protoreflect.FieldDescriptor) typev1.DataClass {
	options := fd.Options()
	if options == nil || !proto.HasExtension(options, typev1.E_Data) {
		return typev1.DataClass_DATA_CLASS_UNSPECIFIED
	}
	return proto.GetExtension(options, typev1.E_Data).(typev1.DataClass)
}
