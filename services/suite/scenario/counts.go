package scenario

import (
	"context"
	"strconv"
	"strings"
	"unicode"

	"google.golang.org/protobuf/reflect/protoreflect"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
)

// counted turns expected counts into a tree.
func counted(list []*policyv1.Count) []any {
	out := make([]any, len(list))
	for i, c := range list {
		out[i] = map[string]any{"are": c.GetAre()}
	}
	return out
}

// listOf is the RPC that lists what a scenario calls by its name in the API:
// "missingFiles" of ListMissingFiles; nil if there is none.
func listOf(name string) *method {
	for _, m := range methods() {
		rest, ok := strings.CutPrefix(string(m.desc.Name()), "List")
		if ok && m.get && rest != "" && string(unicode.ToLower(rune(rest[0])))+rest[1:] == name && rowsOf(m.desc.Output()) != nil {
			return m
		}
	}
	return nil
}

// rowsOf is the field of a list's answer that holds what is listed, named or not.
func rowsOf(d protoreflect.MessageDescriptor) protoreflect.FieldDescriptor {
	for i := range d.Fields().Len() {
		if f := d.Fields().Get(i); f.Kind() == protoreflect.MessageKind && f.IsList() {
			return f
		}
	}
	return nil
}

// seeCounts shows how many resources of each kind there are that have the fields wanted.
func (w *world) seeCounts(ctx context.Context, in *input) ([]any, error) {
	out := []any{}
	for _, c := range in.move.GetExpect().GetCounts() {
		m := listOf(c.GetOf())
		parent := ""
		if m.field == "parent" {
			k, err := w.kase(ctx, in)
			if err != nil {
				return nil, err
			}
			parent = k.GetName()
		}
		items, err := w.list1(ctx, m, parent, "")
		if err != nil {
			return nil, err
		}
		are := 0
		for _, item := range items {
			if len(compare(c.GetWhere().AsMap(), w.plain(item), nil)) == 0 {
				are++
			}
		}
		out = append(out, map[string]any{"are": strconv.Itoa(are)})
	}
	return out, nil
}
