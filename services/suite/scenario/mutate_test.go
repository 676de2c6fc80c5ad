package scenario

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/types/known/structpb"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
)

func TestAnotherValueIsTheNearestOfItsKind(t *testing.T) {
	for v, want := range map[any]any{
		"2026-04-09 17:20:00": "2026-04-09 17:20:01", "2026-12-31 23:59:59": "2027-01-01 00:00:00",
		"50000.00": "50000.01", "0.99": "1.00", "90.0%": "90.1%", "7": "8", "V-1": "V-1_", "+24 h": "+24 h_",
		"RUNNING": "MET", "CANCELLED": "RUNNING", "GATE": "ORDER", "general": "general_",
		true: false, 36.0: 37.0, nil: "something",
	} {
		require.Equal(t, want, another(v), "%v", v)
		require.NotEqual(t, v, another(v))
	}
}

func TestEachExpectedValueIsChangedOnce(t *testing.T) {
	want := map[string]any{
		"a": map[string]any{"due": "2026-04-09 17:20:00", "next": []any{"x", "y"}},
		"b": []any{},
	}
	changes := map[string]int{}
	each(want, nil, func(path []any, change string, mutant any) {
		changes[pathText(path)+": "+change]++
		require.NotEmpty(t, compare(replace(want, path, mutant), want, nil), change)
	})
	require.Equal(t, map[string]int{
		"a.due: 2026-04-09 17:20:01 instead of 2026-04-09 17:20:00": 1,
		"a.next: one element more":                                  1,
		"a.next: the last element left out":                         1,
		"a.next: the other way round":                               1,
		"a.next.0: x_ instead of x":                                 1,
		"a.next.1: y_ instead of y":                                 1,
		"b: one element more":                                       1,
	}, changes)
	require.Empty(t, compare(want, want, nil), "the scenario itself is left as it is")
}

func TestASurvivorIsNamedWithItsPlace(t *testing.T) {
	var doc yaml.Node
	require.NoError(t, yaml.Unmarshal([]byte("state:\n  due: a\n"), &doc))
	s := sighting{want: map[string]any{"state": map[string]any{"due": "a"}}, at: spot{file: "f.yaml", node: doc.Content[0]}}
	s.seen = map[string]any{"state": map[string]any{"due": "a_"}} // as if the comparison had let it pass
	mutants, survivors := mutate([]sighting{s})
	require.Equal(t, 1, mutants)
	require.Equal(t, []string{"f.yaml:2: state.due: a_ instead of a"}, survivors)
}

func TestWhatIsWantedIsComparedAsASubset(t *testing.T) {
	seen := map[string]any{
		"rule": map[string]any{"rule": "response", "clause": "(一)"},
		"top":  map[string]any{"top": []any{map[string]any{"value": "damage", "count": 11.0}}, "among": 40.0},
		"list": []any{"a", "b"}, "extra": true,
	}
	require.Empty(t, compare(map[string]any{"rule": "response", "top": []any{"damage"}, "list": []any{"a", "b"}}, seen, nil))
	for _, wrong := range []map[string]any{
		{"rule": "responses"},
		{"rule": map[string]any{"clause": "(二)"}},
		{"top": []any{"late"}},
		{"top": []any{}},
		{"list": []any{"b", "a"}},
		{"list": []any{"a"}},
		{"list": "a"},
		{"absent": false},
		{"extra": "true"},
		{"extra": map[string]any{}},
	} {
		require.Len(t, compare(wrong, seen, nil), map[bool]int{true: 2, false: 1}[show(wrong) == `{"list":["b","a"]}`], show(wrong))
	}
}

func TestTheClassOfARefusal(t *testing.T) {
	for want, f := range map[string]*fault.Error{
		"WINDOW":     fault.New(fault.FailedPrecondition, "RULE_WINDOW", "because", "WINDOW"),
		"ORDER":      fault.New(fault.FailedPrecondition, "APPROVAL_ORDER"),
		"CHOICE":     fault.New(fault.Invalid, "FORM_INCOMPLETE").WithViolations(fault.Violation{Field: "facts.efficiency", Reason: policy.FieldRange}),
		"INCOMPLETE": fault.New(fault.Invalid, "APPROVAL_FORM_INCOMPLETE").WithViolations(fault.Violation{Field: "facts.note", Reason: policy.FieldRequired}),
		"DATA_LOSS":  fault.New(fault.DataLoss, "DATA_LOSS"),
	} {
		require.Equal(t, want, because(f))
	}
	require.Equal(t, []string{"a", "b"}, missingIn(fault.New(fault.Invalid, "X").WithViolations(fault.Violation{Field: "claim.facts.b"}, fault.Violation{Field: "a"}, fault.Violation{Field: "a"})))
	require.Equal(t, []string{"a", "b"}, missingIn(fault.New(fault.Invalid, "X", "next", "b, a")))
}

// Every class that a table leads to is a word of the language.
func TestClassesAreWordsOfTheLanguage(t *testing.T) {
	for reason, class := range classes() {
		require.Contains(t, policyv1.Because_value, "BECAUSE_"+class, reason)
	}
}

func TestColumnsKeepTheirType(t *testing.T) {
	b := binding{
		"n": structpb.NewNumberValue(6), "s": structpb.NewStringValue("text"), "f": structpb.NewBoolValue(true), "none": structpb.NewNullValue(),
		"l": structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{structpb.NewStringValue("x"), structpb.NewStringValue("y")}}),
	}
	with, err := structpb.NewStruct(map[string]any{"n": "<n>", "in": "a <s> b", "f": "<f>", "none": "<none>", "l": "<l>", "deep": map[string]any{"s": []any{"<s>", "<none>"}}})
	require.NoError(t, err)
	m := &policyv1.Move{
		Only: "<f>", At: "+<n> h", With: with,
		Refused: &policyv1.Refusal{Rule: "<s>", Clause: "<none>", Missing: []string{"<l>", "<none>", "z"}},
		Expect: &policyv1.Expect{
			Steps:  map[string]string{"<s>": "<n>", "gone": "<none>"},
			Clocks: map[string]*policyv1.Due{"c": {Due: "<s>", State: "<none>"}},
		},
	}
	require.NoError(t, substitute(m.ProtoReflect(), b))
	require.Equal(t, map[string]any{"n": 6.0, "in": "a text b", "f": true, "l": []any{"x", "y"}, "deep": map[string]any{"s": []any{"text"}}}, m.GetWith().AsMap())
	require.Equal(t, []string{"true", "+6 h"}, []string{m.GetOnly(), m.GetAt()})
	require.Equal(t, []string{"x", "y", "z"}, m.GetRefused().GetMissing())
	require.Equal(t, "text", m.GetRefused().GetRule())
	require.Empty(t, m.GetRefused().GetClause())
	require.Equal(t, map[string]string{"text": "6"}, m.GetExpect().GetSteps())
	require.Equal(t, "text", m.GetExpect().GetClocks()["c"].GetDue())
	require.Empty(t, m.GetExpect().GetClocks()["c"].GetState())
	require.ErrorContains(t, substitute((&policyv1.Move{At: "<x>"}).ProtoReflect(), b), `there is no column "x"`)
}

func TestWhatAFixtureIsGivenKeepsItsNulls(t *testing.T) {
	b := binding{"none": structpb.NewNullValue(), "n": structpb.NewNumberValue(6)}
	with, err := structpb.NewStruct(map[string]any{"a": "<none>", "b": "<n>"})
	require.NoError(t, err)
	row, err := structpb.NewList([]any{nil, "<none>", "<n>", "z"})
	require.NoError(t, err)
	m := &policyv1.Move{Use: "f", At: "+<n> h", With: with, Rows: []*structpb.ListValue{row}}
	require.NoError(t, fillMove(m, b))
	require.Equal(t, "+6 h", m.GetAt())
	require.Equal(t, map[string]any{"a": nil, "b": 6.0}, m.GetWith().AsMap())
	require.Equal(t, []any{nil, nil, 6.0, "z"}, m.GetRows()[0].AsSlice())
	m.Rows = []*structpb.ListValue{{Values: []*structpb.Value{structpb.NewStringValue("<x>")}}}
	require.ErrorContains(t, fillMove(m, b), `there is no column "x"`)
}
