package policy

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/calendar"
)

// checkTexts compares the figures that a rule's words speak of with the rule's own: a text that names
// figures of a kind, none of which is the rule's, says something else than what is done.
func (c *checker) checkTexts() {
	type key struct {
		m       proto.Message
		grammar string
	}
	own := map[key][]string{}
	var order []key
	figures(c.pack, func(m proto.Message, _, _, grammar, value string) {
		if grammar != "limit" && grammar != "money" && grammar != "share" {
			return
		}
		k := key{m, grammar}
		if _, ok := own[k]; !ok {
			order = append(order, k)
		}
		own[k] = append(own[k], value)
	})
	for _, k := range order {
		f := k.m.ProtoReflect().Descriptor().Fields().ByName("text")
		if f == nil || !k.m.ProtoReflect().Has(f) || slices.ContainsFunc(own[k], func(v string) bool { return strings.HasPrefix(v, "$") }) {
			continue
		}
		t, ok := k.m.ProtoReflect().Get(f).Message().Interface().(*typev1.Text)
		if !ok {
			continue
		}
		var have []string
		for _, v := range own[k] {
			have = append(have, normal(k.grammar, v))
		}
		if k.grammar == "share" {
			have = append(have, restOf(own[k]))
		}
		for lang, text := range map[string]string{"zh": t.GetZh(), "en": t.GetEn()} {
			said := spoken(k.grammar, lang, text)
			if len(said) == 0 || slices.ContainsFunc(slices.Collect(maps.Keys(said)), func(s string) bool { return slices.Contains(have, s) }) {
				continue
			}
			written := slices.Sorted(maps.Values(said))
			c.report(t, lang, idOf(k.m)+".text."+lang, "L39", fmt.Sprintf("文字写 %s，规则是 %s。", strings.Join(written, "、"), strings.Join(own[k], "、")),
				fmt.Sprintf("text.%s says %s, the rule says %q.", lang, strings.Join(written, " and "), strings.Join(own[k], ", ")), words("其中之一有误。", "One of them is wrong."))
		}
	}
}

// normal writes a figure so that equal ones are equal texts: a week is seven days, 60 minutes an hour.
func normal(grammar, value string) string {
	switch grammar {
	case "money":
		if n, ok := fen(value); ok {
			return strconv.FormatInt(n, 10)
		}
	case "share":
		if n, ok := shareOf(value); ok {
			return strconv.FormatInt(n, 10)
		}
	case "limit":
		l, err := calendar.ParseLimit(value)
		switch {
		case err != nil:
		case l.Duration > 0:
			return fmt.Sprint(l.Basis, l.Duration)
		case l.Unit == calendar.Weeks:
			return fmt.Sprint(calendar.Days, 7*l.N)
		default:
			return fmt.Sprint(l.Unit, l.N)
		}
	}
	return value
}

// restOf is what a cause leaves to the remainder.
func restOf(shares []string) string {
	rest := int64(10_000)
	for _, s := range shares {
		n, _ := shareOf(s)
		rest -= n
	}
	return strconv.FormatInt(rest, 10)
}

// spoken finds the figures of a kind in words: normal form to what was written.
func spoken(grammar, lang, text string) map[string]string {
	out := map[string]string{}
	note := func(written, value string) {
		if strings.HasPrefix(value, "1 ") {
			value = strings.TrimSuffix(value, "s")
		}
		if n := normal(grammar, value); n != value || grammar != "limit" {
			out[n] = strings.TrimSpace(written)
		}
	}
	switch {
	case grammar == "money":
		for _, m := range regexp.MustCompile(`([0-9][0-9,]*(?:\.[0-9]{1,2})?)\s*(?:元|yuan\b)|CNY\s*([0-9][0-9,]*(?:\.[0-9]{1,2})?)`).FindAllStringSubmatch(text, -1) {
			note(m[0], strings.ReplaceAll(m[1]+m[2], ",", ""))
		}
	case grammar == "share":
		for _, m := range regexp.MustCompile(`([0-9]{1,3}(?:\.[0-9]{1,2})?)\s*[%％]`).FindAllStringSubmatch(text, -1) {
			note(m[0], m[1]+"%")
		}
	case lang == "zh":
		for _, m := range regexp.MustCompile(`(^|[^0-9年月一二三四五六七八九十])([0-9]{1,4}|[一二两三四五六七八九十]{1,3}|半)\s*个?(工作日|工作小时|小时|分钟|天|日|周|月)`).FindAllStringSubmatch(text, -1) {
			if unit, ok := chineseUnits()[m[3]]; ok && (m[3] != "月" || strings.Contains(m[0], "个月")) {
				note(strings.TrimPrefix(m[0], m[1]), strings.Replace(chinese(m[2])+" "+unit, "half working days", "half a working day", 1))
			}
		}
	default:
		for _, m := range regexp.MustCompile(`(?i)\b([0-9]{1,4}|one|two|three|four|five|six|seven|ten)[ -](working days?|working hours?|hours?|h|minutes?|min|days?|weeks?|months?)\b`).FindAllStringSubmatch(text, -1) {
			note(m[0], english(strings.ToLower(m[1]))+" "+englishUnit(strings.ToLower(m[2])))
		}
	}
	return out
}

func chineseUnits() map[string]string {
	return map[string]string{"工作日": "working days", "工作小时": "working h", "小时": "h", "分钟": "min", "天": "days", "日": "days", "周": "weeks", "月": "months"}
}

// chinese reads a figure up to 99; 半 is half.
func chinese(s string) string {
	if s == "半" {
		return "half"
	}
	if s[0] >= '0' && s[0] <= '9' {
		return s
	}
	digit := map[rune]int{'一': 1, '二': 2, '两': 2, '三': 3, '四': 4, '五': 5, '六': 6, '七': 7, '八': 8, '九': 9}
	n, tens := 0, false
	for _, r := range s {
		if r == '十' {
			n, tens = max(n, 1)*10, true
			continue
		}
		if tens {
			n += digit[r]
		} else {
			n = digit[r]
		}
	}
	return strconv.Itoa(n)
}

func english(s string) string {
	if n, ok := map[string]string{"one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "ten": "10"}[s]; ok {
		return n
	}
	return s
}

func englishUnit(s string) string {
	s = strings.TrimSuffix(s, "s")
	for long, short := range map[string]string{"working hour": "working h", "hour": "h", "minute": "min"} {
		if s == long {
			return short
		}
	}
	if s == "h" || s == "min" {
		return s
	}
	return s + "s"
}
