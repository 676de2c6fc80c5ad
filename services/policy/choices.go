package policy

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// choosing is what a person chooses at: a field or a parameter.
type choosing interface {
	proto.Message
	GetOptions() []string
	GetChoices() []*policyv1.Option
}

// choices fills the ids of what may be chosen; a person reads words, so ids alone are refused.
// Revisions stored before choices had words keep their ids and are not read from YAML again.
func (d *drafted) choices() {
	walk("", d.pack, func(path string, m proto.Message) {
		q, ok := m.(choosing)
		if !ok {
			return
		}
		at := func(m proto.Message, field, rule, zh, en string, advice *typev1.Text) {
			place, ok := d.places[m][field]
			if !ok {
				place = d.places[m][""]
			}
			d.findings = append(d.findings, Finding{File: place.file, Line: place.line, Column: place.column, Path: path, Rule: rule, Severity: Error, Text: words(zh, en), Advice: advice})
		}
		if len(q.GetOptions()) > 0 {
			at(q, "options", "L08", "选项没有中英文文字。", "Options have no words that a person could read.",
				words("请写 choices: [{id: …, text: {zh: …, en: …}}]。", "Write choices: [{id: …, text: {zh: …, en: …}}]."))
			return
		}
		var ids []string
		for _, o := range q.GetChoices() {
			if o.GetText() == nil {
				at(o, "", "L08", fmt.Sprintf("选项 %s 没有中英文文字。", o.GetId()), fmt.Sprintf("Option %s has no text.", o.GetId()),
					words("请写 text: {zh: …, en: …}。", "Write text: {zh: …, en: …}: forms and letters show it."))
			}
			ids = append(ids, o.GetId())
		}
		switch q := q.(type) {
		case *policyv1.Field:
			q.Options = ids
		case *policyv1.Parameter:
			q.Options = ids
		}
	})
}

// Said returns the words of an option, in Chinese and English; its id where a revision has none.
func Said(q interface{ GetChoices() []*policyv1.Option }, id string) *typev1.Text {
	if t := ByID(q.GetChoices(), id).GetText(); t != nil {
		return t
	}
	return words(id, id)
}
