package policy

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
)

// Reasons of what is wrong with a filled form. They stand in fault.Violation.Reason.
const (
	FieldUnknown  = "FIELD_UNKNOWN"
	FieldType     = "FIELD_TYPE"
	FieldOption   = "FIELD_OPTION"
	FieldRange    = "FIELD_RANGE"
	FieldRequired = "FIELD_REQUIRED"
	FormUnknown   = "FORM_UNKNOWN"
	FormCheck     = "FORM_CHECK"
	FormUndecided = "FORM_INCOMPLETE"
)

// CheckForm returns everything that is wrong with a filled form, all at once: fields the form does
// not have, types, options, ranges, required fields and the form's own checks. s is what is known
// besides; facts count as recorded on top of it. A check that warns only is told to warned, if
// that is not nil.
//
// A condition of a required field that waits for another field of the same form does not hold yet;
// one that waits for something else makes the form incomplete. Field is "facts.<id>" for a field
// and the id of the check for a check.
func (p *Policy) CheckForm(form string, facts map[string]*typev1.Fact, s *Sheet, warned Warned) []fault.Violation {
	f := ByID(p.live.GetForms(), form)
	if f == nil {
		return []fault.Violation{{Field: "form", Reason: FormUnknown, Text: words("没有表单 "+form+"。", "There is no form "+form+".")}}
	}
	var out []fault.Violation
	for _, id := range slices.Sorted(maps.Keys(facts)) {
		field := ByID(f.GetFields(), id)
		if field == nil {
			out = append(out, fault.Violation{Field: "facts." + id, Reason: FieldUnknown, Text: words("表单没有这个字段。", "The form has no such field.")})
			continue
		}
		out = append(out, checkFact("facts."+id, field, facts[id])...)
	}
	sheet := overlay(s, facts)
	for _, field := range f.GetFields() {
		if facts[field.GetId()].GetValue() != nil {
			continue
		}
		required := field.GetRequired()
		if field.GetRequiredIf() != "" && !required {
			t, missing := p.holds(field.GetRequiredIf(), sheet)
			foreign := slices.DeleteFunc(missing, func(m string) bool { return ByID(f.GetFields(), m) != nil })
			if t == Unknown && len(foreign) > 0 {
				out = append(out, undecided("facts."+field.GetId(), foreign))
			}
			required = t == True
		}
		if required {
			name := label(field)
			out = append(out, fault.Violation{Field: "facts." + field.GetId(), Reason: FieldRequired, Text: words("请填写“"+name.GetZh()+"”。", "Fill in "+name.GetEn()+".")})
		}
	}
	for _, c := range f.GetChecks() {
		t, missing := p.holds(c.GetThat(), sheet)
		switch {
		case t == True:
		case c.GetWarn():
			if warned != nil {
				warned(p.Rule(c.GetId()))
			}
		case t == Unknown:
			out = append(out, undecided(c.GetId(), missing))
		default:
			out = append(out, fault.Violation{Field: c.GetId(), Reason: FormCheck, Text: c.GetText()})
		}
	}
	return out
}

func undecided(field string, missing []string) fault.Violation {
	names := strings.Join(missing, ", ")
	return fault.Violation{Field: field, Reason: FormUndecided, Text: words("须先记录："+names+"。", "Record first: "+names+".")}
}

// overlay returns a sheet on which facts are recorded as well.
func overlay(s *Sheet, facts map[string]*typev1.Fact) *Sheet {
	out := &Sheet{}
	if s != nil {
		*out = *s
	}
	all := make(map[string]*typev1.Fact, len(out.Facts)+len(facts))
	maps.Copy(all, out.Facts)
	maps.Copy(all, facts)
	out.Facts = all
	return out
}

func label(f *policyv1.Field) *typev1.Text {
	if f.GetText().GetZh() != "" {
		return f.GetText()
	}
	return words(f.GetId(), f.GetId())
}

// checkFact compares one value with its field.
func checkFact(at string, f *policyv1.Field, fact *typev1.Fact) []fault.Violation {
	want := f.GetType()
	bad := func(reason, zh, en string) []fault.Violation {
		return []fault.Violation{{Field: at, Reason: reason, Text: words(zh, en)}}
	}
	if factType(fact) != want {
		kind := strings.TrimPrefix(want.String(), "FIELD_TYPE_")
		return bad(FieldType, "这里应填 "+kind+" 类型的值。", "This field takes a "+kind+".")
	}
	switch v := fact.GetValue().(type) {
	case *typev1.Fact_Choice:
		if !slices.Contains(f.GetOptions(), v.Choice) {
			return bad(FieldOption, "没有选项 "+v.Choice+"。", fmt.Sprintf("%q is not one of: %s.", v.Choice, strings.Join(f.GetOptions(), ", ")))
		}
	case *typev1.Fact_Choices:
		for _, c := range v.Choices.GetValues() {
			if !slices.Contains(f.GetOptions(), c) {
				return bad(FieldOption, "没有选项 "+c+"。", fmt.Sprintf("%q is not one of: %s.", c, strings.Join(f.GetOptions(), ", ")))
			}
		}
	case *typev1.Fact_Score:
		return checkRange(at, f, int64(v.Score))
	case *typev1.Fact_Count:
		return checkRange(at, f, v.Count)
	case *typev1.Fact_Money:
		if _, ok := fen(v.Money.GetAmount()); !ok || v.Money.GetCurrencyCode() != currency {
			return bad(FieldType, "金额应为人民币，至多两位小数。", "The amount must be in CNY with at most two decimal places.")
		}
	case *typev1.Fact_Text:
		if strings.TrimSpace(v.Text) == "" && f.GetRequired() {
			return bad(FieldRequired, "请填写文字。", "Words are needed here.")
		}
	case *typev1.Fact_Rows:
		return checkRows(at, f, v.Rows)
	}
	return nil
}

func checkRange(at string, f *policyv1.Field, n int64) []fault.Violation {
	low, high, ok := parseRange(f.GetRange())
	if !ok || n >= low && n <= high {
		return nil
	}
	return []fault.Violation{{Field: at, Reason: FieldRange, Text: words(fmt.Sprintf("应在 %d 到 %d 之间。", low, high), fmt.Sprintf("It must be from %d to %d, both included.", low, high))}}
}

func checkRows(at string, f *policyv1.Field, rows *typev1.Rows) []fault.Violation {
	out := checkRange(at, f, int64(len(rows.GetValues())))
	for i, row := range rows.GetValues() {
		here := fmt.Sprintf("%s[%d]", at, i)
		for _, id := range slices.Sorted(maps.Keys(row.GetValues())) {
			item := ByID(f.GetItems(), id)
			if item == nil {
				out = append(out, fault.Violation{Field: here + "." + id, Reason: FieldUnknown, Text: words("没有这个字段。", "There is no such field.")})
				continue
			}
			out = append(out, checkFact(here+"."+id, item, row.GetValues()[id])...)
		}
		for _, item := range f.GetItems() {
			if item.GetRequired() && row.GetValues()[item.GetId()].GetValue() == nil {
				out = append(out, fault.Violation{Field: here + "." + item.GetId(), Reason: FieldRequired, Text: words("请填写。", "Fill this in.")})
			}
		}
	}
	return out
}

// parseRange reads "1..5", both bounds included.
func parseRange(s string) (low, high int64, ok bool) {
	a, b, found := strings.Cut(s, "..")
	low, err1 := strconv.ParseInt(a, 10, 64)
	high, err2 := strconv.ParseInt(b, 10, 64)
	return low, high, found && err1 == nil && err2 == nil && low <= high
}

// factType returns the field type that a value fits.
func factType(f *typev1.Fact) policyv1.FieldType {
	switch f.GetValue().(type) {
	case *typev1.Fact_Text:
		return policyv1.FieldType_FIELD_TYPE_TEXT
	case *typev1.Fact_Flag:
		return policyv1.FieldType_FIELD_TYPE_FLAG
	case *typev1.Fact_Count:
		return policyv1.FieldType_FIELD_TYPE_COUNT
	case *typev1.Fact_Money:
		return policyv1.FieldType_FIELD_TYPE_MONEY
	case *typev1.Fact_Date:
		return policyv1.FieldType_FIELD_TYPE_DATE
	case *typev1.Fact_Instant:
		return policyv1.FieldType_FIELD_TYPE_INSTANT
	case *typev1.Fact_Choice:
		return policyv1.FieldType_FIELD_TYPE_CHOICE
	case *typev1.Fact_Choices:
		return policyv1.FieldType_FIELD_TYPE_CHOICES
	case *typev1.Fact_Score:
		return policyv1.FieldType_FIELD_TYPE_SCORE
	case *typev1.Fact_Person:
		return policyv1.FieldType_FIELD_TYPE_PERSON
	case *typev1.Fact_Department:
		return policyv1.FieldType_FIELD_TYPE_DEPARTMENT
	case *typev1.Fact_File:
		return policyv1.FieldType_FIELD_TYPE_FILE
	case *typev1.Fact_Rows:
		return policyv1.FieldType_FIELD_TYPE_LIST
	}
	return policyv1.FieldType_FIELD_TYPE_UNSPECIFIED
}
