package policy

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
)

// revisionOf returns the lower-case hex SHA-256 of the pack in an encoding of our own: fields in
// order of their numbers, map keys sorted, strings with their lengths. Protobuf's deterministic
// encoding was rejected: it is stable for one build only, and a revision must mean the same pack for
// years.
func revisionOf(p *policyv1.Pack) string {
	h := sha256.New()
	h.Write([]byte("redress.policy.v1.Pack/1\n"))
	hashMessage(h, p.ProtoReflect())
	return hex.EncodeToString(h.Sum(nil))
}

func hashNumber(h hash.Hash, n uint64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	h.Write(b[:])
}

func hashString(h hash.Hash, s string) {
	hashNumber(h, uint64(len(s)))
	h.Write([]byte(s))
}

func hashMessage(h hash.Hash, m protoreflect.Message) {
	set := map[protoreflect.FieldNumber]protoreflect.FieldDescriptor{}
	m.Range(func(fd protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		set[fd.Number()] = fd
		return true
	})
	hashNumber(h, uint64(len(set)))
	for _, n := range slices.Sorted(maps.Keys(set)) {
		fd, v := set[n], m.Get(set[n])
		hashNumber(h, uint64(n))
		switch {
		case fd.IsMap():
			entries := map[string]protoreflect.Value{}
			v.Map().Range(func(k protoreflect.MapKey, e protoreflect.Value) bool {
				entries[k.String()] = e
				return true
			})
			hashNumber(h, uint64(len(entries)))
			for _, k := range slices.Sorted(maps.Keys(entries)) {
				hashString(h, k)
				hashValue(h, fd.MapValue(), entries[k])
			}
		case fd.IsList():
			hashNumber(h, uint64(v.List().Len()))
			for i := range v.List().Len() {
				hashValue(h, fd, v.List().Get(i))
			}
		default:
			hashValue(h, fd, v)
		}
	}
}

func hashValue(h hash.Hash, fd protoreflect.FieldDescriptor, v protoreflect.Value) {
	switch fd.Kind() {
	case protoreflect.MessageKind:
		hashMessage(h, v.Message())
	case protoreflect.EnumKind:
		hashNumber(h, uint64(v.Enum()))
	case protoreflect.BoolKind:
		if v.Bool() {
			hashNumber(h, 1)
		} else {
			hashNumber(h, 0)
		}
	default:
		hashString(h, v.String())
	}
}

// walk calls visit for m and every message below it, with its path. Lists are named by id where
// their elements have one, so that a path reads "clocks.response.by_grade".
func walk(path string, m proto.Message, visit func(path string, m proto.Message)) {
	visit(path, m)
	r := m.ProtoReflect()
	fields := r.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		if fd.Kind() != protoreflect.MessageKind || fd.IsMap() || !r.Has(fd) {
			continue
		}
		at := join(path, string(fd.Name()))
		if !fd.IsList() {
			walk(at, r.Get(fd).Message().Interface(), visit)
			continue
		}
		for j := range r.Get(fd).List().Len() {
			e := r.Get(fd).List().Get(j).Message().Interface()
			name := idOf(e)
			if name == "" {
				name = itoa(j)
			}
			walk(join(at, name), e, visit)
		}
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// idOf returns the field id of a message, or "".
func idOf(m proto.Message) string {
	r := m.ProtoReflect()
	if fd := r.Descriptor().Fields().ByName("id"); fd != nil && fd.Kind() == protoreflect.StringKind {
		return r.Get(fd).String()
	}
	return ""
}

// isRule tells whether a message begins with id, clause, reading, text.
func isRule(m proto.Message) bool {
	f := m.ProtoReflect().Descriptor().Fields()
	return f.ByName("clause") != nil && f.ByName("reading") != nil && f.ByName("id") != nil
}

// RevisionOf returns the revision of a loaded pack as an include names it: parameters count with the
// values that the pack itself gives them.
func RevisionOf(p *policyv1.Pack) string { return revisionOf(p) }
