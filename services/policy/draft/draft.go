// Package draft writes the pack an author begins with: small, complete, commented in both languages,
// clean by lint, with a scenario that passes. Its text is the template beside it.
//
// It returns the files and writes none.
//
// Source: issue 3, section 4.
package draft

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"unicode/utf8"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/policy"
)

//go:embed template
var files embed.FS

// titleLength is how many characters a title may have in a language.
const titleLength = 200

// Options say what the pack is called.
type Options struct {
	// Pack is its id: lower-case words joined by hyphens, at most 62 characters.
	Pack string
	// Title is its title; a language that is empty gets one made of the id.
	Title *typev1.Text
	// Include names shipped packs whose cards and letters it takes, with what these read.
	Include []string
}

// Error says in both languages why there is no draft: the option and what is wrong with it.
type Error struct {
	// Field is the option: "pack", "title" or "include".
	Field string
	Text  *typev1.Text
}

// Error returns the English text.
func (e *Error) Error() string { return e.Field + ": " + e.Text.GetEn() }

func wrong(field, zh, en string) error {
	return &Error{Field: field, Text: &typev1.Text{Zh: zh, En: en}}
}

// included is one pack that the draft takes sections from.
type included struct{ Pack, Revision, Sections string }

// takes lists the sections a draft takes: cards and letters with the names and forms they read, and
// what they refer to, as much of it as lint asks for. None of them starts, demands or refuses anything.
func takes() [][]string {
	cards := []string{"roles", "departments", "forms", "notices", "guidance"}
	figures := append([]string{"parameters"}, cards...)
	remedies := append([]string{"compensation"}, figures...)
	return [][]string{cards, figures, remedies, append([]string{"categories", "grades"}, remedies...)}
}

// Files returns the files of a new pack, in order of their paths in its folder. The error is an
// [*Error]. It takes some 10 ms, longer with large packs included.
func Files(o Options) ([]policy.Source, error) {
	if !regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`).MatchString(o.Pack) || len(o.Pack) > 62 {
		return nil, wrong("pack", fmt.Sprintf("%q 不能作为规则包的编号；请用小写字母、数字和连字符，如 refunds-2026。", o.Pack),
			fmt.Sprintf("%q cannot be the id of a pack; write lower-case words joined by hyphens, for example refunds-2026.", o.Pack))
	}
	if slices.Contains(policy.ShippedNames(), o.Pack) {
		return nil, wrong("pack", fmt.Sprintf("%q 是随软件提供的规则包，请另取编号。", o.Pack), fmt.Sprintf("%q is a pack shipped with the suite; choose another id.", o.Pack))
	}
	zh, en := o.Title.GetZh(), o.Title.GetEn()
	if zh == "" {
		zh = o.Pack + " 投诉处理程序"
	}
	if en == "" {
		en = "Complaint procedure " + o.Pack
	}
	for _, title := range []string{zh, en} {
		if utf8.RuneCountInString(title) > titleLength || strings.ContainsAny(title, "\r\n\x00") {
			return nil, wrong("title", "标题须为一行，不超过 200 字。", "A title is one line of at most 200 characters.")
		}
	}
	data := map[string]any{"Pack": o.Pack, "ZH": quoted(zh), "EN": quoted(en), "Source": quoted(zh), "Comment": zh + " / " + en}
	var first policy.Finding
	for _, sections := range takes() {
		in, err := includes(o.Include, sections)
		if err != nil {
			return nil, err
		}
		data["Include"] = in
		out, err := execute(data)
		if err != nil {
			return nil, err
		}
		_, findings := policy.Lint(out[0].File, out[0].YAML, policy.Shipped, policy.LintOptions{})
		if !policy.HasErrors(findings) {
			return out, nil
		}
		first = findings[slices.IndexFunc(findings, func(f policy.Finding) bool { return f.Severity == policy.Error })]
	}
	return nil, wrong("include", "所引规则包的话术卡与通知不能单独取用："+first.Text.GetZh()+" 请在 pack.yaml 的 include 中自行选择章节。",
		"The cards and letters of these packs need more than themselves: "+first.Text.GetEn()+" Choose the sections yourself, under include in pack.yaml.")
}

// includes pins the packs at the revision they are shipped in.
func includes(names, sections []string) ([]included, error) {
	var out []included
	for _, name := range names {
		p, _, err := policy.LoadShipped(name)
		if err != nil {
			return nil, wrong("include", fmt.Sprintf("没有随软件提供的规则包 %q。", name), fmt.Sprintf("No pack %q is shipped; there are %s.", name, strings.Join(policy.ShippedNames(), ", ")))
		}
		if len(p.GetGuidance()) == 0 && len(p.GetNotices()) == 0 {
			return nil, wrong("include", fmt.Sprintf("规则包 %q 没有话术卡和通知。", name), fmt.Sprintf("Pack %q has no cards and no letters to take.", name))
		}
		out = append(out, included{name, policy.RevisionOf(p), strings.Join(has(p, sections), ", ")})
	}
	return out, nil
}

// has returns which of the sections a pack has.
func has(p *policyv1.Pack, sections []string) []string {
	return slices.DeleteFunc(slices.Clone(sections), func(section string) bool {
		fields := p.ProtoReflect().Descriptor().Fields()
		for i := range fields.Len() {
			if string(fields.Get(i).Name()) == section {
				return !p.ProtoReflect().Has(fields.Get(i))
			}
		}
		return true
	})
}

// execute fills the templates.
func execute(data map[string]any) ([]policy.Source, error) {
	var out []policy.Source
	for _, path := range []string{"pack.yaml", "scenarios/first.yaml"} {
		text, err := files.ReadFile("template/" + path)
		if err != nil {
			return nil, err
		}
		t, err := template.New(path).Delims("<<", ">>").Parse(string(text))
		if err != nil {
			return nil, err
		}
		var b bytes.Buffer
		if err := t.Execute(&b, data); err != nil {
			return nil, err
		}
		out = append(out, policy.Source{File: path, YAML: b.Bytes()})
	}
	return out, nil
}

// quoted writes a text as YAML's double quotes want it, which are JSON's.
func quoted(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) //nolint:errchkjson // a string always encodes
	return strings.TrimSpace(b.String())
}
