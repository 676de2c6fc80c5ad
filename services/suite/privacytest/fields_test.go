// Package privacytest_test proves what the suite promises about people: nothing a
// caller writes about somebody lasts in clear, an erasure reaches everything, and
// who sees what is decided in one place. Everything is played through public RPCs.
package privacytest_test

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	_ "example.com/redress/services/suite" // registers every service
)

// raw lists the bytes a caller can send, and why nobody's data lasts in them.
func raw() map[protoreflect.FullName]string {
	return map[protoreflect.FullName]string{
		"redress.intake.v1.UploadEvidenceRequest.chunk":         "sealed in pieces before it is written, see TestCanariesAreNowhereInClear",
		"redress.policy.v1.ValidatePackRequest.source":          "rules of the organisation; not stored",
		"redress.policy.v1.SimulateRevisionRequest.source":      "as ValidatePack",
		"redress.policy.v1.CreateRevisionRequest.source":        "rules of the organisation, which every member may read",
		"redress.directory.v1.ImportDirectoryRequest.csv":       "cut into persons, whose fields have classes; the table itself is not stored",
		"redress.directory.v1.BootstrapOrganizationRequest.csv": "as ImportDirectory",
		"redress.event.v1.ShardPosition.digest":                 "compared, not stored",
	}
}

// decided lists fields whose pattern leaves room and whose handler does not.
func decided() map[string]string {
	return map[string]string{
		"redress.routing.v1.Measure.limit": "read by calendar.ParseLimit, which takes figures and units only; its refusal says which",
	}
}

// probes are texts about people. A pattern that lets one pass leaves room for the others.
func probes() []string {
	return []string{"赵倩", "Zhao Qian", "zhao.qian@customer.example", "+86 138-0013-8000", "8 号楼 2 单元 301", "He said: call me at night!", "zhao qian"}
}

// TestEveryStringFieldACallerCanSendHasAClassOrAPattern walks the requests of every
// RPC that a person, customer or app may call. What the suite sets itself (OUTPUT_ONLY)
// is not walked: TestCanariesAreNowhereInClear sends it and sees it ignored.
func TestEveryStringFieldACallerCanSendHasAClassOrAPattern(t *testing.T) {
	t.Parallel()
	w := &walker{seen: map[string]bool{}}
	for _, m := range methods() {
		w.message(m.Input(), string(m.FullName()))
	}
	require.Greater(t, w.strings, 200, "the walk sees the requests")
	slices.Sort(w.problems)
	for _, p := range slices.Compact(w.problems) {
		assert.Fail(t, p)
	}
}

func TestThePatternReaderCatchesRoom(t *testing.T) {
	t.Parallel()
	for pattern, wrong := range map[string]bool{
		`^[a-z][a-z0-9_]{0,62}$`:             false,
		`^(people/[a-z0-9-]{1,64})?$`:        false,
		`[a-z]+`:                             true, // not anchored
		`^.*$`:                               true,
		`^[^/]{1,40}$`:                       true,
		`^[A-Za-z ]{1,40}$`:                  true,
		`^[\w.@]{1,80}$`:                     true,
		`^[a-z0-9 ]{0,40}$`:                  true,
		`^([0-9]{4}-(0[1-9]|1[0-2]))?$`:      false,
		`^https?://[a-z.]+$|^.{3,9}$`:        true,
		`^\+[0-9]{2} [0-9]{3}-[0-9-]{5,12}$`: true,
	} {
		assert.Equal(t, wrong, room(pattern) != "", "%s: %s", pattern, room(pattern))
	}
}

// methods returns the RPCs that somebody outside the suite may call.
func methods() []protoreflect.MethodDescriptor {
	var out []protoreflect.MethodDescriptor
	protoregistry.GlobalFiles.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		if !strings.HasPrefix(string(f.Package()), "redress.") {
			return true
		}
		for i := range f.Services().Len() {
			for j := range f.Services().Get(i).Methods().Len() {
				m := f.Services().Get(i).Methods().Get(j)
				a, _ := proto.GetExtension(m.Options(), typev1.E_Access).(*typev1.Access)
				if len(a.GetFunctions()) > 0 || a.GetCustomer() || a.GetAnyone() || a.GetStaff() {
					out = append(out, m)
				}
			}
		}
		return true
	})
	return out
}

type walker struct {
	seen     map[string]bool
	strings  int
	problems []string
}

func (w *walker) message(m protoreflect.MessageDescriptor, via string) {
	if w.seen[string(m.FullName())] || strings.HasPrefix(string(m.FullName()), "google.protobuf.") {
		if m.FullName() == "google.protobuf.Any" || m.FullName() == "google.protobuf.Struct" || m.FullName() == "google.protobuf.StringValue" {
			w.problems = append(w.problems, via+": "+string(m.FullName())+" takes anything")
		}
		return
	}
	w.seen[string(m.FullName())] = true
	for i := range m.Fields().Len() {
		w.field(m.Fields().Get(i))
	}
}

func (w *walker) field(f protoreflect.FieldDescriptor) {
	if outputOnly(f) {
		return
	}
	name := string(f.FullName())
	class, _ := proto.GetExtension(f.Options(), typev1.E_Data).(typev1.DataClass)
	rules, _ := proto.GetExtension(f.Options(), validate.E_Field).(*validate.FieldRules)
	switch {
	case f.IsMap():
		if f.MapKey().Kind() == protoreflect.StringKind {
			// A class speaks of the values: keys always need a pattern.
			w.strings++
			w.check(name+" (keys)", typev1.DataClass_DATA_CLASS_UNSPECIFIED, rules.GetMap().GetKeys())
		}
		f, rules = f.MapValue(), rules.GetMap().GetValues()
	case f.IsList():
		rules = rules.GetRepeated().GetItems()
	}
	switch {
	case f.Message() != nil:
		w.message(f.Message(), name)
	case f.Kind() == protoreflect.StringKind:
		w.strings++
		w.check(name, class, rules)
	case f.Kind() == protoreflect.BytesKind:
		if raw()[protoreflect.FullName(name)] == "" {
			w.problems = append(w.problems, name+": bytes without a reason in raw")
		}
	}
}

func (w *walker) check(name string, class typev1.DataClass, rules *validate.FieldRules) {
	if class != typev1.DataClass_DATA_CLASS_UNSPECIFIED {
		return
	}
	s := rules.GetString()
	switch {
	case s.GetUuid(), len(s.GetIn()) > 0, s.HasConst():
	case s.GetPattern() == "":
		w.problems = append(w.problems, name+": neither class nor pattern")
	default:
		if why := room(s.GetPattern()); why != "" && decided()[name] == "" {
			w.problems = append(w.problems, fmt.Sprintf("%s: pattern %s %s", name, s.GetPattern(), why))
		}
	}
}

// room says how a pattern leaves room for words about somebody; empty if it does not.
func room(pattern string) string {
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return err.Error()
	}
	if tree.Op == syntax.OpAlternate || !strings.HasPrefix(pattern, "^") || !strings.HasSuffix(pattern, "$") {
		return "is not anchored as a whole"
	}
	p := regexp.MustCompile(pattern)
	for _, probe := range probes() {
		if p.MatchString(probe) {
			return fmt.Sprintf("takes %q", probe)
		}
	}
	return wide(tree)
}

// wide says which part of a pattern takes signs that only prose has.
func wide(r *syntax.Regexp) string {
	switch r.Op {
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return "takes any character"
	case syntax.OpCharClass:
		for _, sign := range "赵 é@,;" {
			for i := 0; i+1 < len(r.Rune); i += 2 {
				if r.Rune[i] <= sign && sign <= r.Rune[i+1] {
					return fmt.Sprintf("takes %q", sign)
				}
			}
		}
	}
	for _, sub := range r.Sub {
		if why := wide(sub); why != "" {
			return why
		}
	}
	return ""
}

func outputOnly(f protoreflect.FieldDescriptor) bool {
	behaviours, _ := proto.GetExtension(f.Options(), annotations.E_FieldBehavior).([]annotations.FieldBehavior)
	return slices.Contains(behaviours, annotations.FieldBehavior_OUTPUT_ONLY)
}
