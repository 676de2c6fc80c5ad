package scenario

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/policy"
)

// pack is a pack with its scenario files.
type pack struct {
	name   string
	yaml   []byte
	values map[string]string // of parameters, where a scenario names none
	files  []*file
}

// file is one scenario file: what it says, and where it says so.
type file struct {
	name string
	yaml []byte
	says *policyv1.ScenarioFile
	root spot
}

// read reads a shipped pack or a folder. Files that do not read are an error with
// every finding.
func read(name string) (*pack, error) {
	var sources []policy.Source
	p := &pack{}
	shipped, err := policy.Shipped(name, "")
	switch {
	case err == nil:
		p.yaml = shipped
		if sources, err = policy.ShippedScenarios(name); err != nil {
			return nil, err
		}
	case errors.Is(err, policy.ErrNoPack):
		if sources, err = folder(p, name); err != nil {
			return nil, err
		}
	default:
		return nil, err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(p.yaml, &doc); err != nil || len(doc.Content) != 1 {
		return nil, fmt.Errorf("pack %q is no YAML: %w", name, err)
	}
	if id := child(doc.Content[0], "pack"); id != nil {
		p.name = id.Value
	}
	var wrong mistakes
	for _, s := range sources {
		says, findings := policy.ReadScenarios(s.File, s.YAML)
		for _, f := range findings {
			wrong = append(wrong, f.String())
		}
		root := &yaml.Node{}
		if err := yaml.Unmarshal(s.YAML, root); err != nil || len(root.Content) == 0 {
			root = &yaml.Node{Content: []*yaml.Node{{}}}
		}
		p.files = append(p.files, &file{name: s.File, yaml: s.YAML, says: says, root: spot{file: s.File, node: root.Content[0]}})
	}
	if len(wrong) > 0 {
		return nil, wrong.err()
	}
	return p, nil
}

// folder reads a pack that somebody is writing.
func folder(p *pack, name string) ([]policy.Source, error) {
	var err error
	if p.yaml, err = os.ReadFile(filepath.Join(name, "pack.yaml")); err != nil {
		return nil, fmt.Errorf("%q is no pack in the binary, and no folder with one: %w", name, err)
	}
	files, err := filepath.Glob(filepath.Join(name, "scenarios", "*.yaml"))
	if err != nil {
		return nil, err
	}
	var out []policy.Source
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		out = append(out, policy.Source{File: f, YAML: b})
	}
	return out, nil
}

// spot is a place in a scenario file.
type spot struct {
	file string
	node *yaml.Node
}

// at returns the place of a field or of an element; the nearest above it that is written.
func (s spot) at(path ...any) spot {
	for _, step := range path {
		next := child(s.node, step)
		if next == nil {
			return s
		}
		s.node = next
	}
	return s
}

func child(n *yaml.Node, step any) *yaml.Node {
	switch step := step.(type) {
	case int:
		if n.Kind == yaml.SequenceNode && step < len(n.Content) {
			return n.Content[step]
		}
	case string:
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == step {
				return n.Content[i+1]
			}
		}
	}
	return nil
}

// String is file:line.
func (s spot) String() string { return fmt.Sprintf("%s:%d", s.file, s.node.Line) }

// mistakes are what is wrong with scenario files, each with its place.
type mistakes []string

func (m *mistakes) add(at spot, format string, args ...any) {
	line := fmt.Sprintf("%s: %s", at, fmt.Sprintf(format, args...))
	if !slices.Contains(*m, line) {
		*m = append(*m, line)
	}
}

func (m mistakes) err() error {
	if len(m) == 0 {
		return nil
	}
	return errors.New(strings.Join(m, "\n"))
}

// ground is the pack of one scenario as it is in force for it: with the scenario's
// parameters and calendar.
type ground struct {
	name   string
	yaml   []byte
	values map[string]string
	policy *policy.Policy
	words  *words
}

// prepare loads the pack as the scenario wants it.
func (p *pack) prepare(s *policyv1.Scenario) (*ground, error) {
	g := &ground{name: p.name, yaml: p.yaml, values: map[string]string{}}
	maps.Copy(g.values, p.values)
	maps.Copy(g.values, s.GetParameters())
	var err error
	if c := s.GetCalendar(); c != nil {
		if g.yaml, err = withCalendar(p.yaml, c); err != nil {
			return nil, err
		}
	}
	loaded, findings := policy.Load(p.name, g.yaml, policy.Shipped)
	if policy.HasErrors(findings) {
		return nil, fmt.Errorf("pack %s: %s", p.name, findings[0])
	}
	if g.policy, findings = policy.Compile(loaded, policy.Options{Parameters: g.values}); policy.HasErrors(findings) || g.policy == nil {
		return nil, fmt.Errorf("pack %s: %v", p.name, findings)
	}
	g.words = wordsOf(g.policy.Rules())
	return g, nil
}

// withCalendar returns the pack's YAML with another calendar. The rest stays as it is
// written, so that the revision differs by nothing else.
func withCalendar(source []byte, c *policyv1.Calendar) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(source, &doc); err != nil || len(doc.Content) != 1 {
		return nil, fmt.Errorf("the pack is no YAML: %w", err)
	}
	said := map[string]any{}
	if c.GetZone() != "" {
		said["zone"] = c.GetZone()
	}
	if len(c.GetOpen()) > 0 {
		said["open"] = c.GetOpen()
	}
	if c.GetHolidays() != "" {
		said["holidays"] = c.GetHolidays()
	}
	var node yaml.Node
	if err := node.Encode(said); err != nil {
		return nil, err
	}
	top := doc.Content[0]
	if have := child(top, "calendar"); have != nil {
		*have = node
	} else {
		top.Content = append(top.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: "calendar"}, &node)
	}
	return yaml.Marshal(&doc)
}

// words are the ids of a pack that a scenario may name, and who they are about.
type words struct {
	pack        *policyv1.Pack
	roles       map[string]bool
	departments map[string]bool
	fields      map[string]*policyv1.Field
	formOf      map[string]*policyv1.Form // by field id
	forms       map[string]*policyv1.Form
	steps       map[string]bool
	duties      map[string]bool // steps outside any stage
	clocks      map[string]bool
	approvals   map[string]*policyv1.Approval
	notices     map[string]bool
	measures    map[string]bool
	connectors  map[string]*policyv1.Connector
	refusals    map[string]bool // steps by which a refusal of non-cash is recorded
}

func wordsOf(p *policyv1.Pack) *words {
	w := &words{
		pack: p, roles: ids(p.GetRoles()), departments: ids(p.GetDepartments()), fields: map[string]*policyv1.Field{}, formOf: map[string]*policyv1.Form{},
		forms: map[string]*policyv1.Form{}, clocks: ids(p.GetClocks()), approvals: map[string]*policyv1.Approval{}, notices: ids(p.GetNotices()),
		measures: ids(p.GetReports().GetMeasures()), steps: ids(p.GetDuties()), duties: ids(p.GetDuties()), refusals: map[string]bool{}, connectors: connectorsOf(p),
	}
	for _, form := range p.GetForms() {
		w.forms[form.GetId()] = form
		for _, f := range form.GetFields() {
			w.fields[f.GetId()], w.formOf[f.GetId()] = f, form
		}
	}
	for _, stage := range p.GetStages() {
		maps.Copy(w.steps, ids(stage.GetSteps()))
		maps.Copy(w.clocks, ids(stage.GetSteps())) // a step within a limit has a clock of its id
	}
	for _, a := range p.GetApprovals() {
		w.approvals[a.GetId()] = a
		if a.GetUrgent() != nil {
			w.clocks[a.GetId()] = true // the papers of one given by telephone
		}
	}
	for _, d := range p.GetDuties() {
		w.clocks[d.GetId()] = true
	}
	for _, e := range p.GetAssessment() {
		w.clocks[e.GetId()] = true // one to be paid within a limit has a clock of its id
	}
	for _, f := range p.GetFollowUp() {
		w.clocks[f.GetId()] = true
		w.notices[f.GetId()] = true // the notice that asks has the follow-up's id
	}
	for _, r := range p.GetReactions() {
		w.notices[r.GetId()] = true
	}
	w.collectRefusals()
	return w
}

// collectRefusals finds the steps that compensation's RecordRefusal does: those before
// the choice of a remedy or before one is given.
//
// Source: PROCEDURES P02-A2 (a).
func (w *words) collectRefusals() {
	collect := func(needs []*policyv1.Need) {
		for _, n := range needs {
			if n.GetStep() != "" {
				w.refusals[n.GetStep()] = true
			}
		}
	}
	for _, g := range w.pack.GetGates() {
		if slices.Contains(g.GetBefore(), policyv1.Act_ACT_SET_METHOD) {
			collect(g.GetNeeds())
		}
	}
	for _, r := range w.pack.GetCompensation().GetRemedies() {
		collect(r.GetNeeds())
	}
}

// formOfStep returns the form that a step fills, or nil.
func (w *words) formOfStep(id string) *policyv1.Form {
	for _, stage := range w.pack.GetStages() {
		for _, s := range stage.GetSteps() {
			if s.GetId() == id {
				return w.forms[s.GetForm()]
			}
		}
	}
	return nil
}

func ids[T interface{ GetId() string }](items []T) map[string]bool {
	out := map[string]bool{}
	for _, i := range items {
		out[i.GetId()] = true
	}
	return out
}
