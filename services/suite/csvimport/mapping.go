package csvimport

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/reflect/protoreflect"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
)

// Mapping says which columns of a file hold what of a complaint.
type Mapping struct {
	// Zone is the IANA zone of instants that name none. Default: Asia/Shanghai.
	Zone string `yaml:"zone"`
	// Empty lists words that mean an empty cell, for example "None".
	Empty []string `yaml:"empty"`
	// Fields of the complaint by name: channel, medium, expression, category, ground, description,
	// complaint_object, service, business, respondent, display_name, telephone, email, address,
	// customer, kind, locale, received, urgent, external_channel, demands.
	Fields map[string]Take `yaml:"fields"`
	// Facts of the pack's forms, by field; type says what a fact holds.
	Facts map[string]Take `yaml:"facts"`

	zone *time.Location
}

// Take says where one value comes from.
type Take struct {
	// Columns whose cells make the value, in order; Column is short for one.
	Column  string   `yaml:"column"`
	Columns []string `yaml:"columns"`
	// Join stands between the cells of several columns. Default: a space.
	Join string `yaml:"join"`
	// Value is the same for all rows, in place of columns.
	Value string `yaml:"value"`
	// Words translates cells; a cell that is not among them takes Otherwise, or the row is refused.
	Words     map[string]string `yaml:"words"`
	Otherwise string            `yaml:"otherwise"`
	// Layouts are how instants and dates are written, as Go writes them; "serial" is the day count of
	// spreadsheets (day 1 is 1 January 1900).
	Layouts []string `yaml:"layouts"`
	// Type of a fact: text, flag, count, money, date, instant, choice, choices (with commas between
	// them), department. Default: text.
	Type string `yaml:"type"`
	// Max cuts longer texts; 0 cuts none.
	Max int `yaml:"max"`
}

func (t Take) columns() []string {
	if t.Column != "" {
		return []string{t.Column}
	}
	return t.Columns
}

// ParseMapping reads a mapping from YAML. Unknown keys are errors, and all errors are told at once.
func ParseMapping(source []byte) (*Mapping, error) {
	d := yaml.NewDecoder(strings.NewReader(string(source)))
	d.KnownFields(true)
	m := &Mapping{}
	if err := d.Decode(m); err != nil {
		return nil, fmt.Errorf("mapping: %w", err)
	}
	if m.Zone == "" {
		m.Zone = "Asia/Shanghai"
	}
	var wrong []error
	var err error
	if m.zone, err = time.LoadLocation(m.Zone); err != nil {
		wrong = append(wrong, fmt.Errorf("zone: %w", err))
	}
	for _, name := range slices.Sorted(maps.Keys(m.Fields)) {
		if !slices.Contains(fieldNames(), name) {
			wrong = append(wrong, fmt.Errorf("fields.%s: there is no such field; there are %s", name, strings.Join(fieldNames(), ", ")))
		}
		wrong = append(wrong, m.Fields[name].check("fields."+name, name == "received"))
	}
	for _, name := range slices.Sorted(maps.Keys(m.Facts)) {
		t := m.Facts[name]
		types := []string{"", "text", "flag", "count", "money", "date", "instant", "choice", "choices", "department"}
		if !slices.Contains(types, t.Type) {
			wrong = append(wrong, fmt.Errorf("facts.%s.type: %q is none of%s", name, t.Type, strings.Join(types, ", ")[1:]))
		}
		wrong = append(wrong, t.check("facts."+name, t.Type == "date" || t.Type == "instant"))
	}
	for _, must := range []string{"channel", "description"} {
		if _, ok := m.Fields[must]; !ok {
			wrong = append(wrong, fmt.Errorf("fields.%s: must be given", must))
		}
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, fmt.Errorf("mapping: %w", err)
	}
	return m, nil
}

func (t Take) check(at string, instant bool) error {
	switch {
	case len(t.columns()) > 0 == (t.Value != ""):
		return fmt.Errorf("%s: say either column (or columns) or value", at)
	case instant && t.Value == "" && len(t.Layouts) == 0:
		return fmt.Errorf("%s.layouts: must say how it is written, for example 2006-01-02 15:04:05", at)
	}
	return nil
}

func fieldNames() []string {
	return []string{
		"channel", "medium", "expression", "category", "ground", "description", "complaint_object", "service", "business", "respondent",
		"display_name", "telephone", "email", "address", "customer", "kind", "locale", "received", "urgent", "external_channel", "demands",
	}
}

// Columns lists the columns that the mapping reads, each once.
func (m *Mapping) Columns() []string {
	var out []string
	for _, all := range []map[string]Take{m.Fields, m.Facts} {
		for _, t := range all {
			out = append(out, t.columns()...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// enumWord puts a word into an enum of the complaint.
func enumWord(c *intakev1.Complaint, field, word string) bool {
	fd := c.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(field))
	v := fd.Enum().Values().ByName(protoreflect.Name(strings.ToUpper(field) + "_" + strings.ToUpper(word)))
	if v == nil {
		return false
	}
	c.ProtoReflect().Set(fd, protoreflect.ValueOfEnum(v.Number()))
	return true
}
