package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// Severity says whether a finding keeps a pack from being used.
type Severity int

// Severities.
const (
	// Error refuses the pack.
	Error Severity = iota + 1
	// Warning asks for a recorded reason.
	Warning
)

// String returns E or W, as lint prints it.
func (s Severity) String() string {
	if s == Warning {
		return "W"
	}
	return "E"
}

// Finding is one mistake in a pack, in words a person can act on.
type Finding struct {
	// File is the name given to Load, or pack@revision for an included pack; empty if the pack was
	// not read from YAML.
	File string
	// Line and Column count from 1; 0 if unknown.
	Line, Column int
	// Path is the place in the pack, for example "clocks.response.limit".
	Path string
	// Rule is the lint rule, for example "L06".
	Rule string
	// Severity says whether the pack is refused.
	Severity Severity
	// Text says what is wrong and Advice what to write instead.
	Text, Advice *typev1.Text
}

// String returns the finding on one line in English: file, place, rule, problem, advice.
func (f Finding) String() string {
	var b strings.Builder
	switch {
	case f.File != "" && f.Line > 0:
		fmt.Fprintf(&b, "%s:%d:%d: ", f.File, f.Line, f.Column)
	case f.File != "":
		fmt.Fprintf(&b, "%s: ", f.File)
	}
	fmt.Fprintf(&b, "%s %s: ", f.Rule, f.Severity)
	if f.Path != "" {
		fmt.Fprintf(&b, "%s: ", f.Path)
	}
	b.WriteString(f.Text.GetEn())
	if f.Advice.GetEn() != "" {
		b.WriteString(" " + f.Advice.GetEn())
	}
	return b.String()
}

// HasErrors tells whether any finding refuses the pack.
func HasErrors(findings []Finding) bool {
	return slices.ContainsFunc(findings, func(f Finding) bool { return f.Severity == Error })
}

// sortFindings orders by file and place, then by rule, and drops repetitions.
func sortFindings(fs []Finding) []Finding {
	slices.SortStableFunc(fs, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Text.GetEn(), b.Text.GetEn()))
	})
	return slices.CompactFunc(fs, func(a, b Finding) bool { return a.String() == b.String() })
}

// words makes a text in both languages.
func words(zh, en string) *typev1.Text { return &typev1.Text{Zh: zh, En: en} }
