package edgetest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	eventv1 "example.com/redress/proto/gen/redress/event/v1"
	"example.com/redress/services/suite/suitetest"
)

// TestEveryPublicRPCSucceedsAlikeOverBothEdges plays the same story over gRPC and over
// JSON. It calls every public RPC at least once with success, reads every resource an
// answer names back over the same edge, and compares what the answers hold.
func TestEveryPublicRPCSucceedsAlikeOverBothEdges(t *testing.T) {
	t.Parallel()
	walks := map[string]*walk{}
	for edge, carry := range map[string]carrier{"grpc": overGRPC, "json": overJSON} {
		walks[edge] = &walk{carry: carry, shapes: map[string][]string{}}
	}
	t.Run("edges", func(t *testing.T) {
		for edge, w := range walks {
			t.Run(edge, func(t *testing.T) {
				t.Parallel()
				w.t = t
				w.story()
			})
		}
	})
	if t.Failed() {
		return // what is missing follows from it
	}
	for _, m := range methods(t) {
		if !m.public() {
			continue
		}
		for edge, w := range walks {
			if _, ok := w.shapes[m.full]; !ok {
				assert.Fail(t, "no call of it succeeds: add one to the story", "%s over %s", m.full, edge)
			}
		}
		assert.Equal(t, walks["grpc"].shapes[m.full], walks["json"].shapes[m.full], "%s: what is filled in the answers", m.full)
	}
	t.Logf("%d RPCs succeed over both edges, %d resources were read back over each", len(walks["grpc"].shapes), walks["grpc"].readBack)
}

// carrier carries a request over an edge and returns the answer; it must succeed.
type carrier func(t *testing.T, s *suitetest.Suite, who string, m method, in proto.Message) proto.Message

func overGRPC(t *testing.T, s *suitetest.Suite, who string, m method, in proto.Message) proto.Message {
	t.Helper()
	ctx, out := t.Context(), m.answer()
	if who != "" {
		ctx = s.As(who)
	}
	if !m.streams() {
		err := s.Conn.Invoke(ctx, m.full, in, out)
		require.NoError(t, err, "%s by %s: %v", m.full, who, outcomeOf(err))
		return out
	}
	stream, err := s.Conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, m.full)
	require.NoError(t, err)
	require.NoError(t, stream.SendMsg(in))
	require.NoError(t, stream.CloseSend())
	require.NoError(t, stream.RecvMsg(out), m.full)
	return out
}

func overJSON(t *testing.T, s *suitetest.Suite, who string, m method, in proto.Message) proto.Message {
	t.Helper()
	out := m.answer()
	if m.streams() {
		raw, err := json.Marshal(events(t, s, who, strings.TrimPrefix(get(in.ProtoReflect(), "name"), "/"))())
		require.NoError(t, err)
		require.NoError(t, protojson.Unmarshal(raw, out))
		return out
	}
	b := m.bindings()[0]
	for _, other := range m.bindings() {
		if other.takes(in) {
			b = other
			break
		}
	}
	path, body := b.filled(in, t)
	got := s.JSON(who, b.verb, path, body)
	require.Equal(t, http.StatusOK, got.Code, "%s by %s: %s", m.full, who, got.Raw)
	require.Equal(t, "application/json", got.Header.Get("Content-Type"))
	raw := got.Raw
	if field := m.rule.GetResponseBody(); field != "" {
		raw = fmt.Appendf(nil, "{%q:%s}", field, bytes.TrimSpace(raw))
	}
	require.NoError(t, protojson.Unmarshal(raw, out), "%s: %s", m.full, got.Raw)
	if f := m.d.Output().Fields().ByName("position"); f != nil && m.rule.GetResponseBody() != "" {
		// Beside a body that is the resource alone it stands in a header.
		p := &eventv1.Position{}
		_, err := fmt.Sscanf(strings.ReplaceAll(got.Header.Get("Redress-Position"), "/", " "), "%s %d %d", &p.Service, &p.Shard, &p.Sequence)
		require.NoError(t, err, "%s: %q", m.full, got.Header.Get("Redress-Position"))
		out.ProtoReflect().Set(f, protoreflect.ValueOfMessage(p.ProtoReflect()))
	}
	return out
}

// takes reports whether the request's names fit the binding's path.
func (b binding) takes(in proto.Message) bool {
	for _, v := range variables(b.path) {
		if v[2] != "" && !fits(v[2], get(in.ProtoReflect(), v[1])) {
			return false
		}
	}
	return true
}

// fits reports whether a name is of a pattern like cases/*/plans/*.
func fits(pattern, name string) bool {
	return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, "[^/]+") + "$").MatchString(name)
}

// called plays one call: it goes over the edge, everything that follows happens, and
// the resources it names are read back.
func (w *walk) called(who string, in proto.Message) proto.Message {
	w.t.Helper()
	m := named(w.t, in)
	if f := in.ProtoReflect().Descriptor().Fields().ByName("request_id"); f != nil && !in.ProtoReflect().Has(f) {
		set(in.ProtoReflect(), "request_id", id())
	}
	out := w.carry(w.t, w.Suite, who, m, in)
	shape := map[string]bool{}
	filled(out.ProtoReflect(), "", shape)
	if _, before := w.shapes[m.full]; !before {
		w.shapes[m.full] = slices.Sorted(maps.Keys(shape))
	}
	level := m.d.Options().(*descriptorpb.MethodOptions).GetIdempotencyLevel()
	if level != descriptorpb.MethodOptions_NO_SIDE_EFFECTS || strings.HasSuffix(m.full, "/RebuildReporting") {
		w.Settled()
		w.read(who, out)
	}
	return out
}

// filled collects the paths of the fields that hold something, without keys and places.
func filled(m protoreflect.Message, at string, into map[string]bool) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		path := at + string(f.Name())
		into[path] = true
		switch {
		case f.IsMap() && f.MapValue().Message() != nil:
			v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
				filled(v.Message(), path+".", into)
				return true
			})
		case f.IsMap():
		case f.IsList() && f.Message() != nil:
			for i := range v.List().Len() {
				filled(v.List().Get(i).Message(), path+".", into)
			}
		case f.Message() != nil && !f.IsList():
			filled(v.Message(), path+".", into)
		}
		return true
	})
}

// read reads the resource that an answer holds back, by the RPC that gets such
// resources or else by the one that lists them, as who had the answer.
func (w *walk) read(who string, answer proto.Message) {
	w.t.Helper()
	answer.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if f.Message() == nil || f.IsList() || f.IsMap() || f.Message().Fields().ByName("name") == nil || f.Message().Fields().ByName("etag") == nil {
			return true
		}
		name := get(v.Message(), "name")
		if strings.HasPrefix(name, "subjects/") {
			return true // a person whose key is gone has no address
		}
		for _, m := range methods(w.t) {
			in, ok := m.reads(name)
			if !ok {
				continue
			}
			out := w.carry(w.t, w.Suite, who, m, in)
			require.Contains(w.t, protojson.Format(out), `"`+name+`"`, "%s shows what %s answered", m.full, who)
			w.readBack++
			return true
		}
		require.Fail(w.t, "no RPC reads it", name)
		return true
	})
}

// reads returns the request that gets the resource, or lists its siblings.
func (m method) reads(name string) (proto.Message, bool) {
	if !m.public() || m.streams() || m.access.GetMutates() {
		return nil, false
	}
	parent, _, _ := cutLast(name)
	parent, _, _ = cutLast(parent)
	for _, b := range m.bindings() {
		v := variables(b.path)
		if b.verb != http.MethodGet || len(v) != 1 {
			continue
		}
		in := m.empty()
		switch field, rest := v[0][1], b.path[strings.Index(b.path, "}")+1:]; {
		case field == "name" && rest == "" && fits(v[0][2], name):
			set(in.ProtoReflect(), "name", name)
			return in, true
		case field == "parent" && parent != "" && fits(v[0][2]+rest+"/*", name):
			set(in.ProtoReflect(), "parent", parent)
			return in, true
		}
	}
	return nil, false
}

// cutLast cuts a name at its last slash.
func cutLast(name string) (before, after string, found bool) {
	i := strings.LastIndexByte(name, '/')
	if i < 0 {
		return "", name, false
	}
	return name[:i], name[i+1:], true
}
