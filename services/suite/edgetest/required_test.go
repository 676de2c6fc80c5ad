package edgetest_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/rpcerr"
	"example.com/redress/services/suite/suitetest"
)

// required returns the fields of a request that must be given and that the address of
// the binding does not give.
func (m method) required(b binding) []string {
	var out []string
	for i := range m.d.Input().Fields().Len() {
		f := m.d.Input().Fields().Get(i)
		behaviours, _ := proto.GetExtension(f.Options(), annotations.E_FieldBehavior).([]annotations.FieldBehavior)
		inPath := slices.ContainsFunc(variables(b.path), func(v []string) bool { return v[1] == string(f.Name()) })
		if slices.Contains(behaviours, annotations.FieldBehavior_REQUIRED) && !inPath && f.Message() == nil {
			out = append(out, string(f.Name()))
		}
	}
	return out
}

// violated returns the paths that a refusal names.
func violated(err error) []string {
	var out []string
	if f, ok := fault.As(rpcerr.FromStatus(err)); ok {
		for _, v := range f.Violations {
			out = append(out, v.Field)
		}
	}
	return out
}

func TestEveryFieldThatIsMissingIsNamedAtOnceOverBothEdges(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	asked := 0
	for _, m := range methods(t) {
		if !m.public() || m.streams() {
			continue
		}
		who, b := allowed(t, m.access), m.bindings()[0]
		want := m.required(b)
		if len(want) == 0 {
			continue
		}
		asked++
		ctx := t.Context()
		if who != "" {
			ctx = s.As(who)
		}
		in := m.request(b)
		if b.body != "" && b.body != "*" {
			// An empty body is a resource without anything.
			in.ProtoReflect().Mutable(m.d.Input().Fields().ByName(protoreflect.Name(b.body)))
		}
		err := s.Conn.Invoke(ctx, m.full, in, m.answer())
		assert.Equal(t, codes.InvalidArgument, outcomeOf(err).code, m.full)
		assert.Subset(t, violated(err), want, "%s over gRPC", m.full)
		got, raw := edge(s, who, b, in, t)
		assert.Equal(t, outcomeOf(err), got, m.full)
		assert.Equal(t, http.StatusBadRequest, raw.Code, m.full)
		assert.ElementsMatch(t, violated(err), fields(raw), "%s over JSON: %s", m.full, raw.Raw)
	}
	require.Greater(t, asked, 50)
}

// TestAFieldThatDoesNotExistIsNamedByEveryRPCOverJSON sends one in every body, and as a
// parameter of every address that takes any.
func TestAFieldThatDoesNotExistIsNamedByEveryRPCOverJSON(t *testing.T) {
	t.Parallel()
	s := suitetest.New(t)
	asked := 0
	for _, m := range methods(t) {
		if !m.public() || m.streams() {
			continue
		}
		for _, b := range m.bindings() {
			path, body := b.filled(m.request(b), t)
			if b.body == "" {
				if m.d.Input().Fields().Len() == len(variables(b.path)) {
					continue // parameters are not read
				}
				path += "?surprise=1"
			} else {
				raw, err := json.Marshal(body)
				require.NoError(t, err)
				given := map[string]any{}
				require.NoError(t, json.Unmarshal(raw, &given))
				given["surprise"] = 1
				body = given
			}
			got := s.JSON(allowed(t, m.access), b.verb, path, body, "Idempotency-Key", id())
			assert.Equal(t, http.StatusBadRequest, got.Code, "%s: %s", m.full, got.Raw)
			assert.Equal(t, outcome{codes.InvalidArgument, "MALFORMED_JSON"}, answered(got), m.full)
			assert.Equal(t, []string{"surprise"}, fields(got), "%s: %s", m.full, got.Raw)
			asked++
		}
	}
	require.Greater(t, asked, 70)
}
