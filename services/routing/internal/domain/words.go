package domain

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// word returns an enum value as people write it: STATE_CLOSED is CLOSED.
func word(e protoreflect.Enum) string {
	v := e.Descriptor().Values().ByNumber(e.Number())
	if v == nil {
		return ""
	}
	_, short, _ := strings.Cut(string(v.Name()), "_")
	return short
}

// lower returns an enum value as ids write it: OUTCOME_NOT_UPHELD is not_upheld.
func lower(e protoreflect.Enum) string { return strings.ToLower(word(e)) }

// rule quotes a rule of the pack, or nothing.
func (d *Decision) rule(id string) *typev1.RuleRef { return d.policy.Rule(id) }

// add puts an id into a list of ids that holds each once; false if it is there.
func add(list *[]string, id string) bool {
	if id == "" || slices.Contains(*list, id) {
		return false
	}
	*list = append(slices.Clip(*list), id)
	return true
}

// remove takes an id out of a list; false if it is not there.
func remove(list *[]string, id string) bool {
	i := slices.Index(*list, id)
	if i < 0 {
		return false
	}
	*list = slices.Delete(slices.Clone(*list), i, i+1)
	return true
}
