package policy

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/kit/calendar"
)

// figureOf names the grammar of a string field, "" if it has none.
//
// Source: PACK-SKETCH.md 2.1.
func figureOf(message, field string) string {
	switch field {
	case "limit", "paperwork", "worth", "pay_within", "by_grade":
		return "limit"
	case "within":
		return "limit"
	case "warn":
		if message == "Clock" {
			return "limit"
		}
	case "each":
		if message == "Clock" {
			return "limit"
		}
	case "repeat":
		if message == "Card" {
			return "limit"
		}
	case "above", "up_to", "ceiling":
		return "money"
	case "from":
		if message == "Band" || message == "Entry" {
			return "money"
		}
	case "below":
		if message == "Band" {
			return "money"
		}
		return "share"
	case "amount":
		if message == "Standard" || message == "Entry" {
			return "money"
		}
	case "share", "rate", "target", "shares":
		return "share"
	case "ratio":
		return "ratio"
	case "max", "over", "reaches", "top", "periods", "points":
		return "count"
	case "every":
		if message == "Counter" {
			return "count"
		}
	}
	return ""
}

// checkFigure returns advice if a text is not a figure of that grammar.
func checkFigure(grammar, s string) string {
	match := func(pattern string) bool { return regexp.MustCompile(pattern).MatchString(s) }
	switch grammar {
	case "limit":
		_, err := calendar.ParseLimit(s)
		if bad, ok := errors.AsType[*calendar.LimitError](err); ok {
			return strings.ToUpper(bad.Advice[:1]) + bad.Advice[1:] + "."
		}
	case "money":
		if _, ok := fen(s); !ok {
			return `Write an amount in CNY such as "50000.00".`
		}
	case "share":
		if !match(`^(100(\.0{1,2})?|[0-9]{1,2}(\.[0-9]{1,2})?)%$`) {
			return `Write "40%".`
		}
	case "ratio":
		if !match(`^[1-9][0-9]{0,5} for [1-9][0-9]{0,5}$`) {
			return `Write "10 for 1".`
		}
	case "count":
		if !match(`^-?(0|[1-9][0-9]{0,8})$`) {
			return `Write a whole number such as "10".`
		}
	}
	return ""
}

// checkParameter returns advice if a parameter's value is not of its type.
func checkParameter(q *policyv1.Parameter) string {
	v := q.GetValue()
	switch q.GetType() {
	case policyv1.ParameterType_PARAMETER_TYPE_MONEY:
		return checkFigure("money", v)
	case policyv1.ParameterType_PARAMETER_TYPE_SHARE:
		return checkFigure("share", v)
	case policyv1.ParameterType_PARAMETER_TYPE_RATIO:
		return checkFigure("ratio", v)
	case policyv1.ParameterType_PARAMETER_TYPE_LIMIT:
		return checkFigure("limit", v)
	case policyv1.ParameterType_PARAMETER_TYPE_COUNT:
		return checkFigure("count", v)
	case policyv1.ParameterType_PARAMETER_TYPE_ROLE:
		if !regexp.MustCompile(`^[a-z][a-z0-9_]*(@[a-z][a-z0-9_]*)?$`).MatchString(v) {
			return `Write a role, or role@place.`
		}
	case policyv1.ParameterType_PARAMETER_TYPE_CHOICE:
		if !slices.Contains(q.GetOptions(), v) {
			return didYouMean(v, q.GetOptions()).GetEn()
		}
	case policyv1.ParameterType_PARAMETER_TYPE_FLAG:
		if v != "true" && v != "false" {
			return `Write "true" or "false".`
		}
	}
	return ""
}

// parameterGrammar is the grammar a parameter's value fits.
func parameterGrammar(t policyv1.ParameterType) string {
	switch t {
	case policyv1.ParameterType_PARAMETER_TYPE_ROLE:
		return "who"
	case policyv1.ParameterType_PARAMETER_TYPE_UNSPECIFIED, policyv1.ParameterType_PARAMETER_TYPE_CHOICE, policyv1.ParameterType_PARAMETER_TYPE_FLAG:
		return ""
	}
	return strings.ToLower(strings.TrimPrefix(t.String(), "PARAMETER_TYPE_"))
}

// figures calls visit for every figure and who of the pack.
func figures(p *policyv1.Pack, visit func(m proto.Message, field, path, grammar, value string)) {
	walk("", p, func(path string, m proto.Message) {
		r := m.ProtoReflect()
		name := string(r.Descriptor().Name())
		r.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
			field := string(fd.Name())
			grammar := figureOf(name, field)
			if whoField(name, field) {
				grammar = "who"
			}
			if grammar == "" {
				return true
			}
			switch {
			case fd.IsMap():
				v.Map().Range(func(k protoreflect.MapKey, e protoreflect.Value) bool {
					visit(m, field+"."+k.String(), join(path, field), grammar, e.String())
					return true
				})
			case fd.IsList():
				for i := range v.List().Len() {
					if fd.Kind() == protoreflect.StringKind {
						visit(m, fmt.Sprintf("%s[%d]", field, i), join(path, field), grammar, v.List().Get(i).String())
					}
				}
			case fd.Kind() == protoreflect.StringKind:
				visit(m, field, join(path, field), grammar, v.String())
			}
			return true
		})
	})
}

// checkFigures reads every figure against its grammar, and every $name against the parameters.
func (c *checker) checkFigures() {
	figures(c.pack, func(m proto.Message, field, path, grammar, value string) {
		if id, ok := strings.CutPrefix(value, "$"); ok {
			q := ByID(c.pack.GetParameters(), id)
			switch {
			case q == nil:
				c.report(m, field, path, "L06", fmt.Sprintf("没有参数 %q。", id), fmt.Sprintf("Parameter %q is not declared.", id), didYouMean(id, idsOf(c.pack.GetParameters())))
			case parameterGrammar(q.GetType()) != grammar:
				c.report(m, field, path, "L03", fmt.Sprintf("参数 %q 不是 %s。", id, grammar), fmt.Sprintf("Parameter %q is not a %s.", id, grammar), nil)
			}
			return
		}
		if grammar == "who" {
			return
		}
		advice := checkFigure(grammar, value)
		if advice == "" {
			advice = c.placeOfLimit(m, field, grammar, value)
		}
		if advice != "" {
			c.report(m, field, path, "L03", fmt.Sprintf("%s 不能写 %q。", field, value), fmt.Sprintf("%s cannot be %q.", field, value), words(advice, advice))
		}
	})
	cal := c.pack.GetCalendar()
	if _, err := calendarOf(cal, nil); err != nil {
		c.report(cal, "", "calendar", "L03", err.Error()+"。", err.Error()+".", nil)
	}
}

// placeOfLimit refuses "always" and "as planned" where they mean nothing.
func (c *checker) placeOfLimit(m proto.Message, field, grammar, value string) string {
	if grammar != "limit" {
		return ""
	}
	_, isClock := m.(*policyv1.Clock)
	switch m.(type) {
	case *policyv1.Counter, *policyv1.Repeat:
		if value == "as planned" {
			return `Write a span, or "always".`
		}
		return ""
	}
	if value == "always" {
		return `"always" is for counters and repeats only; leave the limit out.`
	}
	if value == "as planned" && (!isClock || field != "limit") {
		return `Only a clock's limit can be "as planned".`
	}
	if isClock && (strings.HasPrefix(field, "warn") || field == "each") {
		l, err := calendar.ParseLimit(value)
		if _, span := l.Span(); err == nil && !span {
			return `Write minutes, hours, days or weeks.`
		}
	}
	return ""
}
