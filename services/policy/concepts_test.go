package policy_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/reflect/protoreflect"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/policy"
)

// concepts are what a pack uses of the engine: the sections and kinds of rules of the schema, and the
// functions of CEL in its conditions. A scalar field or a closed word is a detail of its rule.
func concepts(p *policyv1.Pack) map[string]bool {
	out := map[string]bool{}
	call := regexp.MustCompile(`\b([a-z][A-Za-z_]*)\(`)
	var visit func(m protoreflect.Message)
	visit = func(m protoreflect.Message) {
		if m.Descriptor().ParentFile().Package() == "redress.policy.v1" {
			out[string(m.Descriptor().Name())] = true
		}
		m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
			switch {
			case fd.IsMap():
			case fd.IsList() && fd.Message() != nil:
				for i := range v.List().Len() {
					visit(v.List().Get(i).Message())
				}
			case fd.Message() != nil:
				visit(v.Message())
			case fd.Kind() == protoreflect.StringKind && !fd.IsList() && slices.Contains(conditions(), string(fd.Name())):
				for _, f := range call.FindAllStringSubmatch(v.String(), -1) {
					if slices.Contains([]string{"all", "exists", "exists_one", "filter", "map"}, f[1]) {
						out["all(), exists()"] = true // the questions about the entries of a list
						continue
					}
					out[f[1]+"()"] = true
				}
			}
			return true
		})
	}
	visit(p.ProtoReflect())
	return out
}

// whole returns what a kind of message is a part of: the one kind that holds it; empty if several do, or
// a pack itself.
func whole(concept string) string {
	holders := map[string]bool{}
	seen := map[protoreflect.FullName]bool{}
	var visit func(d protoreflect.MessageDescriptor)
	visit = func(d protoreflect.MessageDescriptor) {
		if seen[d.FullName()] {
			return
		}
		seen[d.FullName()] = true
		for i := range d.Fields().Len() {
			sub := d.Fields().Get(i).Message()
			if sub == nil || d.Fields().Get(i).IsMap() {
				continue
			}
			if string(sub.Name()) == concept {
				holders[string(d.Name())] = true
			}
			visit(sub)
		}
	}
	visit((&policyv1.Pack{}).ProtoReflect().Descriptor())
	if len(holders) != 1 {
		return ""
	}
	return slices.Collect(maps.Keys(holders))[0]
}

// conditions are the fields that hold CEL.
func conditions() []string {
	return []string{"if", "that", "required_if", "satisfied", "item_bad", "among", "counts", "lists"}
}

// Source: issue 3, section 2: at most ten, each with its reason.
func TestConceptsThatOnePackUsesAreListedWithTheirReasons(t *testing.T) {
	t.Parallel()
	users := map[string][]string{}
	for _, name := range policy.ShippedNames() {
		p, _, err := policy.LoadShipped(name)
		require.NoError(t, err)
		if len(p.GetInclude()) > 0 {
			continue // what it holds is another pack's
		}
		for concept := range concepts(p) {
			users[concept] = append(users[concept], name)
		}
	}
	require.Greater(t, len(users), 60, "the walk sees the schema")
	alone := map[string]string{}
	for concept, packs := range users {
		if len(packs) == 1 {
			alone[concept] = packs[0]
		}
	}
	names := slices.Collect(maps.Keys(alone))
	maps.DeleteFunc(alone, func(concept, _ string) bool { return slices.Contains(names, whole(concept)) })
	require.LessOrEqual(t, len(alone), 10, "%v", alone)

	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "pack-authoring.md"))
	require.NoError(t, err)
	_, section, found := strings.Cut(string(doc), "\n## Concepts that one procedure uses\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	listed := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| `([^`]+)` \\| (.+) \\|$").FindAllStringSubmatch(section, -1) {
		require.Greater(t, len(row[3]), 30, "%s: the reason is missing", row[1])
		listed[row[1]] = row[2]
	}
	require.Equal(t, alone, listed, "%v", slices.Sorted(maps.Keys(alone)))
}
