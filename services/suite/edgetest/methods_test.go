package edgetest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/rpcerr"
	"example.com/redress/services/suite/suitetest"
)

// method is one RPC of the suite as its proto declares it.
type method struct {
	full   string
	d      protoreflect.MethodDescriptor
	access *typev1.Access
	rule   *annotations.HttpRule // nil: not at the JSON edge
}

// methods returns all RPCs of our protos in order of their names.
func methods(t *testing.T) []method {
	t.Helper()
	var all []method
	protoregistry.GlobalFiles.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		if !strings.HasPrefix(f.Path(), "redress/") {
			return true
		}
		for i := range f.Services().Len() {
			s := f.Services().Get(i)
			for j := range s.Methods().Len() {
				d := s.Methods().Get(j)
				m := method{full: "/" + string(s.FullName()) + "/" + string(d.Name()), d: d}
				m.access, _ = proto.GetExtension(d.Options(), typev1.E_Access).(*typev1.Access)
				m.rule, _ = proto.GetExtension(d.Options(), annotations.E_Http).(*annotations.HttpRule)
				all = append(all, m)
			}
		}
		return true
	})
	slices.SortFunc(all, func(a, b method) int { return strings.Compare(a.full, b.full) })
	require.Greater(t, len(all), 80, "the protos are linked in")
	return all
}

func (m method) public() bool { return m.rule != nil }

func (m method) streams() bool { return m.d.IsStreamingServer() || m.d.IsStreamingClient() }

// binding is one way to reach an RPC over JSON.
type binding struct{ verb, path, body string }

func (m method) bindings() []binding {
	var out []binding
	for _, r := range append([]*annotations.HttpRule{m.rule}, m.rule.GetAdditionalBindings()...) {
		b := binding{body: r.GetBody()}
		switch p := r.GetPattern().(type) {
		case *annotations.HttpRule_Get:
			b.verb, b.path = http.MethodGet, p.Get
		case *annotations.HttpRule_Post:
			b.verb, b.path = http.MethodPost, p.Post
		case *annotations.HttpRule_Patch:
			b.verb, b.path = http.MethodPatch, p.Patch
		case *annotations.HttpRule_Delete:
			b.verb, b.path = http.MethodDelete, p.Delete
		case *annotations.HttpRule_Put:
			b.verb, b.path = http.MethodPut, p.Put
		}
		out = append(out, b)
	}
	return out
}

// variables are the parts of a path that name fields, with their patterns.
func variables(path string) [][]string {
	return regexp.MustCompile(`\{([a-z_.]+)(?:=([^}]*))?\}`).FindAllStringSubmatch(path, -1)
}

// absent is a well-formed value of a path's variable that names nothing there is.
func absent(field, pattern string) string {
	switch {
	case field == "token":
		return "absent-absent-absent-absent.absent"
	case field == "service":
		return "routing"
	case pattern == "":
		return "absent"
	default:
		return strings.ReplaceAll(pattern, "*", "absent")
	}
}

// request returns the smallest request that names what the binding's path names.
func (m method) request(b binding) proto.Message {
	in := m.empty()
	for _, v := range variables(b.path) {
		set(in.ProtoReflect(), v[1], absent(v[1], v[2]))
	}
	// A body that is one field is there over JSON, be it as empty as {}.
	if f := in.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(b.body)); f != nil && f.Message() != nil {
		in.ProtoReflect().Mutable(f)
	}
	return in
}

func (m method) empty() proto.Message {
	in, err := protoregistry.GlobalTypes.FindMessageByName(m.d.Input().FullName())
	if err != nil {
		panic(err)
	}
	return in.New().Interface()
}

func (m method) answer() proto.Message {
	out, err := protoregistry.GlobalTypes.FindMessageByName(m.d.Output().FullName())
	if err != nil {
		panic(err)
	}
	return out.New().Interface()
}

func set(m protoreflect.Message, path, value string) {
	head, rest, more := strings.Cut(path, ".")
	f := m.Descriptor().Fields().ByName(protoreflect.Name(head))
	switch {
	case f == nil:
	case more:
		set(m.Mutable(f).Message(), rest, value)
	case f.Kind() == protoreflect.StringKind:
		m.Set(f, protoreflect.ValueOfString(value))
	}
}

func get(m protoreflect.Message, path string) string {
	head, rest, more := strings.Cut(path, ".")
	f := m.Descriptor().Fields().ByName(protoreflect.Name(head))
	if more {
		return get(m.Get(f).Message(), rest)
	}
	return m.Get(f).String()
}

// named returns the RPC of a request message.
func named(t *testing.T, in proto.Message) method {
	t.Helper()
	want := in.ProtoReflect().Descriptor().FullName()
	for _, m := range methods(t) {
		if m.d.Input().FullName() == want {
			return m
		}
	}
	require.Fail(t, "no RPC takes "+string(want))
	return method{}
}

// both sends a request over gRPC and over JSON, each with a request_id of its
// own, and returns what both were told alike.
func both(s *suitetest.Suite, principal string, in proto.Message, t *testing.T) (outcome, suitetest.Answer) {
	t.Helper()
	m := named(t, in)
	set(in.ProtoReflect(), "request_id", id())
	over := rpc(s, principal, m, in, t)
	set(in.ProtoReflect(), "request_id", id())
	under, raw := edge(s, principal, m.bindings()[0], in, t)
	require.Equal(t, over, under, "%s: %s", m.full, raw.Raw)
	return over, raw
}

// outcome is what a caller is told, whatever the edge.
type outcome struct {
	code   codes.Code
	reason string
}

// rpc calls over gRPC as principal; "" is nobody.
func rpc(s *suitetest.Suite, principal string, m method, in proto.Message, t *testing.T) outcome {
	t.Helper()
	ctx := t.Context()
	if principal != "" {
		ctx = s.As(principal)
	}
	if !m.streams() {
		return outcomeOf(s.Conn.Invoke(ctx, m.full, in, m.answer()))
	}
	stream, err := s.Conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: m.d.IsStreamingServer(), ClientStreams: m.d.IsStreamingClient()}, m.full)
	require.NoError(t, err)
	if err := stream.SendMsg(in); err == nil {
		require.NoError(t, stream.CloseSend())
	}
	return outcomeOf(stream.RecvMsg(m.answer()))
}

func outcomeOf(err error) outcome {
	if err == nil {
		return outcome{}
	}
	return outcome{status.Code(err), fault.ReasonOf(rpcerr.FromStatus(err))}
}

// edge calls over JSON as principal.
func edge(s *suitetest.Suite, principal string, b binding, in proto.Message, t *testing.T) (outcome, suitetest.Answer) {
	t.Helper()
	path, body := b.filled(in, t)
	got := s.JSON(principal, b.verb, path, body)
	return answered(got), got
}

// filled returns the request as the binding carries it: what the body does not
// hold is in the query.
func (b binding) filled(in proto.Message, t *testing.T) (path string, body any) {
	t.Helper()
	path = b.path
	for _, v := range variables(b.path) {
		path = strings.Replace(path, v[0], get(in.ProtoReflect(), v[1]), 1)
	}
	raw, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(in)
	require.NoError(t, err)
	fields := map[string]json.RawMessage{}
	require.NoError(t, json.Unmarshal(raw, &fields))
	for _, v := range variables(b.path) {
		delete(fields, v[1])
	}
	switch b.body {
	case "*":
		return path, fields
	case "":
	default:
		body = map[string]any{}
		if own, ok := fields[b.body]; ok {
			body = own
		}
		delete(fields, b.body)
	}
	query := url.Values{}
	for name, value := range fields {
		if value[0] == '{' {
			continue // only bodies hold messages
		}
		var given any
		require.NoError(t, json.Unmarshal(value, &given))
		all, ok := given.([]any)
		if !ok {
			all = []any{given}
		}
		for _, one := range all {
			query.Add(name, fmt.Sprint(one))
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path, body
}

// answered reads an answer of the JSON edge back into what gRPC says.
func answered(a suitetest.Answer) outcome {
	if a.Code < http.StatusBadRequest {
		return outcome{}
	}
	e, _ := a.Body["error"].(map[string]any)
	name, _ := e["status"].(string)
	var code codes.Code
	if code.UnmarshalJSON([]byte(`"`+name+`"`)) != nil {
		code = codes.Unknown
	}
	return outcome{code, a.Reason()}
}

func id() string { return uuid.NewString() }
