package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/clock"
	"example.com/redress/services/policy"
	"example.com/redress/services/suite/scenario"
)

func newPolicy(a *app) *cobra.Command {
	c := &cobra.Command{
		Use: "policy", Short: "Write, check, read, test and activate policy packs",
		Long: "A pack is named by its name, if it is shipped with the suite, or by a file or folder with pack.yaml.\nShipped: " +
			strings.Join(policy.ShippedNames(), ", ") + ".",
	}
	c.AddCommand(newPolicyNew(a), newPolicyDiff(a), newPolicyActivate(a))
	c.AddCommand(newPolicyLint(a), newPolicyShow(a), newPolicyExplain(a), newPolicySimulate(a), newPolicyTest(a))
	return c
}

// loadPack reads a shipped pack, or a file, or a folder's pack.yaml; a name that
// is both is the pack, and ./name the folder. Packs that a file includes are
// shipped ones, or lie in folders beside its own.
func loadPack(name string) (*policyv1.Pack, []policy.Finding, error) {
	src, err := packSource(name)
	if err != nil {
		return nil, nil, err
	}
	p, findings := policy.Load(src.file, src.text, src.include)
	return p, findings, nil
}

// source is a pack as it was written.
type source struct {
	file    string
	text    []byte
	include func(pack, revision string) ([]byte, error)
}

func packSource(name string) (source, error) {
	if text, err := policy.Shipped(name, ""); err == nil {
		return source{path.Join("packs", name, "pack.yaml"), text, policy.Shipped}, nil
	}
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return source{}, usage("there is no pack and no file %q; shipped are %s", name, strings.Join(policy.ShippedNames(), ", "))
	}
	if err != nil {
		return source{}, err
	}
	file := name
	if info.IsDir() {
		file = filepath.Join(name, "pack.yaml")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return source{}, err
	}
	beside := filepath.Dir(filepath.Dir(file))
	return source{file, text, func(pack, revision string) ([]byte, error) {
		if filepath.IsLocal(pack) {
			if text, err := os.ReadFile(filepath.Join(beside, pack, "pack.yaml")); err == nil {
				return text, nil
			}
		}
		return policy.Shipped(pack, revision)
	}}, nil
}

// played reads the scenarios of a pack: those in the binary, or in the folder beside the file.
func (s source) played() ([]*policyv1.ScenarioFile, error) {
	files, err := policy.ShippedScenarios(path.Base(path.Dir(s.file)))
	if beside, _ := filepath.Glob(filepath.Join(filepath.Dir(s.file), "scenarios", "*.yaml")); err != nil || len(beside) > 0 {
		files = nil
		for _, name := range beside {
			text, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			files = append(files, policy.Source{File: name, YAML: text})
		}
	}
	out := []*policyv1.ScenarioFile{}
	for _, f := range files {
		read, findings := policy.ReadScenarios(f.File, f.YAML)
		if policy.HasErrors(findings) {
			return nil, fmt.Errorf("%s", findings[0])
		}
		out = append(out, read)
	}
	return out, nil
}

// parameters reads --set id=value.
func parameters(pairs []string) (map[string]string, error) {
	out := map[string]string{}
	for _, pair := range pairs {
		id, value, ok := strings.Cut(pair, "=")
		if !ok || id == "" {
			return nil, usage("--set %q: write PARAMETER=VALUE", pair)
		}
		out[id] = value
	}
	return out, nil
}

func newPolicyLint(a *app) *cobra.Command {
	var pairs []string
	c := &cobra.Command{
		Use: "lint [PACK|FILE...]", Short: "Say everything that is wrong with packs",
		Long: `Reads packs and lists every mistake with its place and what to write instead, in
the form FILE:LINE:COLUMN: RULE SEVERITY: PLACE: TEXT. E keeps a pack from being
put in force, W asks for a reason. Parameters without a value are listed, and count
as mistakes only with --complete. Without arguments all shipped packs are read.`,
	}
	complete := c.Flags().Bool("complete", false, "check as activation does: every parameter needs a value")
	rules := c.Flags().Bool("scenarios", false, "list the rules that no scenario plays")
	year := c.Flags().Int("year", 0, "the `YEAR` whose holidays must be announced; 0 is the current one")
	c.Flags().StringArrayVar(&pairs, "set", nil, "the value of a `PARAMETER=VALUE`; may be repeated")
	c.RunE = func(_ *cobra.Command, args []string) error {
		values, err := parameters(pairs)
		if err != nil {
			return err
		}
		if len(args) == 0 {
			args = policy.ShippedNames()
		}
		var all []policy.Finding
		for _, name := range args {
			src, err := packSource(name)
			if err != nil {
				return err
			}
			o := policy.LintOptions{Year: *year}
			if *year == 0 {
				o.Year = clock.System().Now().Year()
			}
			if *complete || len(values) > 0 {
				o.Parameters = values
			}
			if *rules {
				if o.Scenarios, err = src.played(); err != nil {
					return err
				}
			}
			p, findings := policy.Lint(src.file, src.text, src.include, o)
			all = append(all, findings...)
			if left := unset(p, values); len(left) > 0 {
				a.say("%s: parameters without a value: %s", name, strings.Join(left, ", "))
			}
		}
		return a.showFindings(all, len(args))
	}
	return c
}

// unset returns the parameters nobody has given a value.
func unset(p *policyv1.Pack, values map[string]string) (out []string) {
	for _, q := range p.GetParameters() {
		if q.GetValue() == "" && values[q.GetId()] == "" {
			out = append(out, q.GetId())
		}
	}
	return out
}

func (a *app) showFindings(all []policy.Finding, packs int) error {
	mistakes := 0
	type finding struct {
		File     string `json:"file"`
		Line     int    `json:"line"`
		Column   int    `json:"column"`
		Path     string `json:"path"`
		Rule     string `json:"rule"`
		Severity string `json:"severity"`
		Text     string `json:"text"`
		Advice   string `json:"advice"`
	}
	out := []finding{}
	for _, f := range all {
		if f.Severity == policy.Error {
			mistakes++
		}
		if a.json() {
			out = append(out, finding{f.File, f.Line, f.Column, f.Path, f.Rule, f.Severity.String(), f.Text.GetEn(), f.Advice.GetEn()})
		} else {
			fmt.Fprintln(a.Out, f)
		}
	}
	if a.json() {
		if err := a.writeJSON(out); err != nil {
			return err
		}
	}
	if mistakes > 0 {
		return fmt.Errorf("%d mistakes", mistakes)
	}
	a.say("%d packs, no mistakes, %d warnings.", packs, len(all))
	return nil
}

// ruled is a rule of a pack.
type ruled struct {
	section, id, clause string
	readings            []string
	text                *typev1.Text
}

// rulesOf returns all rules of a pack in order of its sections.
func rulesOf(p *policyv1.Pack) []ruled {
	var out []ruled
	fields := p.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		collect(p.ProtoReflect(), fields.Get(i), string(fields.Get(i).Name()), &out)
	}
	return out
}

func collect(m protoreflect.Message, f protoreflect.FieldDescriptor, section string, out *[]ruled) {
	if f.Kind() != protoreflect.MessageKind || f.IsMap() || !m.Has(f) {
		return
	}
	visit := func(sub protoreflect.Message) {
		if r, ok := asRule(sub.Interface()); ok {
			r.section = section
			*out = append(*out, r)
		}
		fields := sub.Descriptor().Fields()
		for i := range fields.Len() {
			collect(sub, fields.Get(i), section, out)
		}
	}
	if f.IsList() {
		for i := range m.Get(f).List().Len() {
			visit(m.Get(f).List().Get(i).Message())
		}
		return
	}
	visit(m.Get(f).Message())
}

// asRule reads what every rule has, whatever its kind.
func asRule(m proto.Message) (ruled, bool) {
	r, ok := m.(interface {
		GetId() string
		GetClause() string
		GetReading() []string
		GetText() *typev1.Text
	})
	if !ok || r.GetId() == "" {
		return ruled{}, false
	}
	return ruled{id: r.GetId(), clause: r.GetClause(), readings: r.GetReading(), text: r.GetText()}, true
}

func newPolicyShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show PACK|FILE", Short: "Show what a pack says: sections, parameters, includes", Args: cobra.ExactArgs(1),
		Long: "Shows a pack in numbers; with -o json the whole pack as it is after its includes.",
		RunE: func(_ *cobra.Command, args []string) error {
			p, findings, err := loadPack(args[0])
			if err != nil {
				return err
			}
			if p == nil || policy.HasErrors(findings) {
				return a.showFindings(findings, 1)
			}
			if a.json() {
				return a.writeProto(p)
			}
			fmt.Fprintf(a.Out, "%s: %s\nSource: %s\n", p.GetPack(), a.words(p.GetTitle()), p.GetSource())
			for _, in := range p.GetInclude() {
				fmt.Fprintf(a.Out, "Includes %s: %s\n", in.GetPack(), strings.Join(in.GetSections(), ", "))
			}
			for _, q := range p.GetParameters() {
				value := q.GetValue()
				if value == "" {
					value = "(no value yet)"
				}
				fmt.Fprintf(a.Out, "Parameter %s = %s, clause %s: %s\n", q.GetId(), value, q.GetClause(), a.words(q.GetText()))
			}
			fmt.Fprintln(a.Out)
			counts, order := map[string]int{}, []string{}
			for _, r := range rulesOf(p) {
				if counts[r.section] == 0 {
					order = append(order, r.section)
				}
				counts[r.section]++
			}
			t := a.table("SECTION", "RULES")
			for _, section := range order {
				t.row(section, counts[section])
			}
			return t.flush()
		},
	}
}

func newPolicyTest(a *app) *cobra.Command {
	var run string
	o := scenario.Options{}
	c := &cobra.Command{
		Use: "test [PACK|FOLDER...]", Short: "Play the scenarios of packs against the real suite, on a virtual clock",
		Long: `Starts the suite in this process, on a clock of its own and in a temporary folder,
and plays scenarios/*.yaml of each pack through the public API. Every value a
scenario expects is compared. Without arguments all shipped packs are played.

--mutate changes each expected value once and lists the changes nothing noticed:
a scenario that passes whatever is expected proves nothing.`,
		Example: `  redress policy test demo
  redress policy test demo --run S1 --verbose
  redress policy test ./packs/ours --mutate`,
		RunE: func(c *cobra.Command, args []string) error {
			o.Packs, o.Out = args, a.Out
			if run != "" {
				pattern, err := regexp.Compile(run)
				if err != nil {
					return usage("--run: %w", err)
				}
				o.Run = pattern
			}
			summary, err := scenario.Run(c.Context(), o)
			if err != nil {
				return err
			}
			if !summary.OK() {
				return fmt.Errorf("%d scenarios failed, %d mutants survived", summary.Failed, len(summary.Survivors))
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&run, "run", "", "only scenarios whose name this `PATTERN` matches")
	f.BoolVar(&o.Verbose, "verbose", false, "write every move")
	f.BoolVar(&o.Mutate, "mutate", false, "look for expectations that nothing tests")
	f.IntVar(&o.Parallel, "parallel", 0, "how many are played at once; 0 for one a processor")
	return c
}
