package scenario

import (
	"slices"
	"strings"
	"sync"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// method is a public RPC as its declaration describes it: what scenarios need to call it
// without code of their own.
type method struct {
	desc    protoreflect.MethodDescriptor
	service string // of the suite that answers
	act     string // of packs; empty for none
	access  *typev1.Access
	// on is the pattern of the resource it is about ("goods/*"), field the request field
	// that names it (name or parent); both empty for creations at the top and for lists.
	on, field string
	get       bool // HTTP GET
	path      string
}

// full is the name to call it by.
func (m *method) full() string {
	return "/" + string(m.desc.Parent().FullName()) + "/" + string(m.desc.Name())
}

// payload is the field that holds what the caller writes about a new resource, or nil.
func (m *method) payload() protoreflect.FieldDescriptor {
	fields := m.desc.Input().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if f.Kind() == protoreflect.MessageKind && !f.IsList() && !f.IsMap() && strings.HasPrefix(string(f.Message().FullName()), "redress.") &&
			!strings.HasPrefix(string(f.Message().FullName()), "redress.type.") {
			return f
		}
	}
	return nil
}

// methods lists every public RPC of the suite.
//
//nolint:gochecknoglobals // computed once, never changed
var methods = sync.OnceValue(func() []*method {
	var out []*method
	protoregistry.GlobalFiles.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		if !strings.HasPrefix(string(f.Package()), "redress.") {
			return true
		}
		for i := range f.Services().Len() {
			s := f.Services().Get(i)
			for j := range s.Methods().Len() {
				if m := methodOf(s.Methods().Get(j)); m != nil {
					out = append(out, m)
				}
			}
		}
		return true
	})
	slices.SortFunc(out, func(a, b *method) int { return strings.Compare(a.full(), b.full()) })
	return out
})

// homes are the services that answer for a package not named after one.
func home(pkg protoreflect.FullName) string {
	word := strings.Split(string(pkg), ".")[1]
	switch word {
	case "policy", "directory", "clock":
		return "routing"
	case "correctiveaction":
		return "corrective-action"
	}
	return word
}

func methodOf(d protoreflect.MethodDescriptor) *method {
	o := d.Options()
	if d.IsStreamingClient() || d.IsStreamingServer() || !proto.HasExtension(o, typev1.E_Access) || !proto.HasExtension(o, annotations.E_Http) {
		return nil
	}
	m := &method{
		desc: d, service: home(d.ParentFile().Package()), act: proto.GetExtension(o, typev1.E_Act).(string),
		access: proto.GetExtension(o, typev1.E_Access).(*typev1.Access),
	}
	http := proto.GetExtension(o, annotations.E_Http).(*annotations.HttpRule)
	m.path, m.get = http.GetGet(), http.GetGet() != ""
	for _, p := range []string{http.GetPost(), http.GetPatch(), http.GetPut(), http.GetDelete()} {
		if p != "" {
			m.path = p
		}
	}
	if _, rest, ok := strings.Cut(m.path, "{"); ok {
		binding, _, _ := strings.Cut(rest, "}")
		field, pattern, _ := strings.Cut(binding, "=")
		if strings.Contains(field, ".") {
			return m // a patch: the payload names it
		}
		m.field, m.on = field, pattern
	}
	return m
}

// actMethods are the RPCs of an act.
func actMethods(a policyv1.Act) []*method {
	var out []*method
	for _, m := range methods() {
		if m.act != "" && m.act == word(a) {
			out = append(out, m)
		}
	}
	return out
}

// getter returns the RPC that reads resources of a pattern, or nil.
func getter(pattern string) *method {
	for _, m := range methods() {
		if m.get && m.field == "name" && m.on == pattern && strings.HasPrefix(string(m.desc.Name()), "Get") && strings.HasSuffix(m.path, "}") {
			return m
		}
	}
	return nil
}

// lister returns the RPC that lists resources of a pattern, or nil.
func lister(pattern string) *method {
	for _, m := range methods() {
		if listed(m) == pattern {
			return m
		}
	}
	// What belongs to cases may be listed across them: /v1/workOrders.
	get := getter(pattern)
	if get == nil {
		return nil
	}
	item := resourceOf(get.desc.Output()).Message().FullName()
	for _, m := range methods() {
		if m.service == get.service && listed(m) != "" && itemsOf(m.desc.Output()).Message().FullName() == item {
			return m
		}
	}
	return nil
}

// listed is the pattern of what an RPC lists: "claims/*" of GET /v1/claims; empty for
// one that lists nothing with a name.
func listed(m *method) string {
	if !m.get || !strings.HasPrefix(string(m.desc.Name()), "List") || itemsOf(m.desc.Output()) == nil {
		return ""
	}
	pattern := m.path[strings.LastIndexByte(m.path, '/')+1:] + "/*"
	if m.field == "parent" {
		pattern = m.on + "/" + pattern
	}
	return pattern
}

// resourceOf is the field of an answer that holds the resource.
func resourceOf(d protoreflect.MessageDescriptor) protoreflect.FieldDescriptor {
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		if f.Kind() == protoreflect.MessageKind && !f.IsList() && !f.IsMap() && f.Message().Fields().ByName("name") != nil {
			return f
		}
	}
	return nil
}

// itemsOf is the field of a list's answer that holds its items.
func itemsOf(d protoreflect.MessageDescriptor) protoreflect.FieldDescriptor {
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		if f.Kind() == protoreflect.MessageKind && f.IsList() && f.Message().Fields().ByName("name") != nil {
			return f
		}
	}
	return nil
}

// patterns are the kinds of resources that can be listed.
//
//nolint:gochecknoglobals // computed once, never changed
var patterns = sync.OnceValue(func() []string {
	var out []string
	for _, m := range methods() {
		if p := listed(m); p != "" {
			out = append(out, p)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
})

// collection is the last literal of a pattern: "offers" of "cases/*/offers/*".
func collection(pattern string) string {
	parts := strings.Split(pattern, "/")
	for _, p := range slices.Backward(parts) {
		if p != "*" {
			return p
		}
	}
	return pattern
}
