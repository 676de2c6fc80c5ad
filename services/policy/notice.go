package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// Filling is what a notice is written from, besides the sheet.
type Filling struct {
	// Due holds the instants at which clocks fall due, for {due:clock}.
	Due map[string]time.Time
	// Names holds what the suite fills: see NoticeNames. Values are for readers, in both languages.
	Names map[string]*typev1.Text
}

// NoticeNames are the placeholders of a notice that are neither facts nor limits. The service that
// writes a notice fills them.
func NoticeNames() []string {
	return []string{"number", "received", "customer", "organization", "category", "channel", "department", "owner.name", "owner.contact", "reason", "promised", "result", "link"}
}

// Rendered is a notice in words.
type Rendered struct {
	Rule *typev1.RuleRef
	// Subject is the notice's own text, Parts the paragraphs that apply, in order.
	Subject *typev1.Text
	Parts   []*typev1.Text
	// Missing names the placeholders and facts that nothing filled, sorted. A notice with any must not
	// be sent.
	Missing []string
}

// Render writes a notice in Chinese and English. Parts whose condition does not hold are left out;
// one whose condition is unknown is missing its facts.
//
// Facts stand as they are on the sheet: whoever renders words of a customer has opened them before.
func (p *Policy) Render(notice string, s *Sheet, f Filling) (Rendered, error) {
	n := ByID(p.live.GetNotices(), notice)
	if n == nil {
		return Rendered{}, fmt.Errorf("policy: pack %s has no notice %q", p.pack.GetPack(), notice)
	}
	if s == nil {
		s = &Sheet{}
	}
	out := Rendered{Rule: p.Rule(notice), Subject: n.GetText()}
	w := &writer{p: p, s: s, f: f}
	for _, part := range n.GetParts() {
		t, missing := p.holds(part.GetIf(), s)
		switch {
		case t == Unknown:
			w.missing = append(w.missing, missing...)
		case t == True && part.GetList() != "":
			out.Parts = append(out.Parts, w.list(part))
		case t == True:
			out.Parts = append(out.Parts, words(w.fill(part.GetText().GetZh(), true), w.fill(part.GetText().GetEn(), false)))
		}
	}
	slices.Sort(w.missing)
	out.Missing = slices.Compact(w.missing)
	return out, nil
}

type writer struct {
	p       *Policy
	s       *Sheet
	f       Filling
	missing []string
}

func (w *writer) fill(text string, zh bool) string {
	return placeholder.ReplaceAllStringFunc(text, func(m string) string {
		name := m[1 : len(m)-1]
		if v, ok := w.value(name, zh); ok && v != "" {
			return v
		}
		w.missing = append(w.missing, name)
		return m
	})
}

func (w *writer) value(name string, zh bool) (string, bool) {
	if clock, ok := strings.CutPrefix(name, "due:"); ok {
		at, known := w.f.Due[clock]
		return w.instant(at, zh), known
	}
	if t, ok := w.f.Names[name]; ok {
		if zh {
			return t.GetZh(), true
		}
		return t.GetEn(), true
	}
	field, ok := w.p.words.facts[name]
	if !ok || w.s.Facts[name].GetValue() == nil {
		return "", false
	}
	return w.fact(field.field, w.s.Facts[name], zh), true
}

// instant is written in the calendar's zone, to the minute; the English text names the offset.
func (w *writer) instant(at time.Time, zh bool) string {
	at = at.In(w.p.calendar.Location())
	if zh {
		return at.Format("2006年1月2日15:04")
	}
	return at.Format("2006-01-02 15:04 (UTC-07:00)")
}

func (w *writer) fact(f *policyv1.Field, v *typev1.Fact, zh bool) string {
	switch x := v.GetValue().(type) {
	case *typev1.Fact_Text:
		return x.Text
	case *typev1.Fact_Flag:
		return pick(zh, map[bool]string{true: "是", false: "否"}[x.Flag], map[bool]string{true: "yes", false: "no"}[x.Flag])
	case *typev1.Fact_Count:
		return fmt.Sprint(x.Count)
	case *typev1.Fact_Score:
		return fmt.Sprint(x.Score)
	case *typev1.Fact_Money:
		return pick(zh, x.Money.GetAmount()+" 元", "CNY "+x.Money.GetAmount())
	case *typev1.Fact_Date:
		return x.Date
	case *typev1.Fact_Instant:
		return w.instant(x.Instant.AsTime(), zh)
	case *typev1.Fact_Choice:
		return w.said(f, x.Choice, zh)
	case *typev1.Fact_Choices:
		all := make([]string, 0, len(x.Choices.GetValues()))
		for _, id := range x.Choices.GetValues() {
			all = append(all, w.said(f, id, zh))
		}
		return strings.Join(all, pick(zh, "、", ", "))
	case *typev1.Fact_Department:
		id := strings.TrimPrefix(x.Department, "departments/")
		if d := ByID(w.p.live.GetDepartments(), id); d != nil {
			return pick(zh, d.GetText().GetZh(), d.GetText().GetEn())
		}
		return id
	case *typev1.Fact_Rows:
		return w.rows(f, x.Rows, zh)
	}
	return ""
}

func (w *writer) said(f *policyv1.Field, id string, zh bool) string {
	t := Said(f, id)
	return pick(zh, t.GetZh(), t.GetEn())
}

func (w *writer) rows(f *policyv1.Field, rows *typev1.Rows, zh bool) string {
	var lines []string
	for i, row := range rows.GetValues() {
		var cells []string
		for _, item := range f.GetItems() {
			if v := row.GetValues()[item.GetId()]; v.GetValue() != nil {
				cells = append(cells, w.fact(item, v, zh))
			}
		}
		lines = append(lines, fmt.Sprintf("%d. %s", i+1, strings.Join(cells, pick(zh, "，", ", "))))
	}
	return strings.Join(lines, "\n")
}

func (w *writer) list(part *policyv1.Part) *typev1.Text {
	zh, _ := w.value(part.GetList(), true)
	en, ok := w.value(part.GetList(), false)
	if !ok || en == "" {
		w.missing = append(w.missing, part.GetList())
	}
	return words(zh, en)
}

func pick(zh bool, a, b string) string {
	if zh {
		return a
	}
	return b
}

// placeholder matches {fact}, {due:clock} and {owner.name}.
var placeholder = regexp.MustCompile(`\{[a-z][a-z0-9_.:]*\}`)
