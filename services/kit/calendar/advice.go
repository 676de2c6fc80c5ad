package calendar

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// forms is the advice where nothing better can be guessed.
const forms = `write "30 min", "24 h", "same day", "10 days", "1 week", "7 months", "3 working days", ` +
	`"4 working h", "half a working day", "as planned" or "always"`

// advice guesses what the writer of a refused limit meant.
func advice(s string) string {
	if strings.HasPrefix(s, "$") {
		return "give the parameter a value: only values are limits"
	}
	figure, word := split(s)
	kind := meaning(word)
	switch kind {
	case "half":
		return `write "half a working day"`
	case "same":
		return `write "same day"`
	case "planned":
		return `write "as planned"`
	case "always":
		return `write "always"`
	case "second":
		return `write it like "30 s"`
	}
	if kind == "working day" && figure == "0.5" {
		return `write "half a working day"`
	}
	n, err := strconv.Atoi(figure)
	if err != nil {
		return fraction(figure, kind)
	}
	if n == 0 && (kind == "day" || kind == "working day") {
		return `write "same day"`
	}
	if n < 1 {
		return "write a figure of at least 1"
	}
	switch kind {
	case "year":
		return fmt.Sprintf("write %q", Limit{N: 12 * n, Unit: Months})
	case "min":
		return fmt.Sprintf("write %q", Limit{N: n, Unit: Minutes})
	case "h":
		return fmt.Sprintf("write %q", Limit{N: n, Unit: Hours})
	case "day":
		return fmt.Sprintf("write %q", Limit{N: n, Unit: Days})
	case "week":
		return fmt.Sprintf("write %q", Limit{N: n, Unit: Weeks})
	case "month":
		return fmt.Sprintf("write %q", Limit{N: n, Unit: Months})
	case "working day":
		return fmt.Sprintf("write %q (by date) or %q (by hours, nine a day); see K4",
			Limit{N: n, Unit: WorkingDays}, Limit{N: 9 * n, Unit: WorkingHours})
	case "working min":
		return fmt.Sprintf("write %q", Limit{N: n, Unit: WorkingMinutes})
	case "working h":
		return fmt.Sprintf("write %q", Limit{N: n, Unit: WorkingHours})
	}
	return forms
}

// fraction turns "1.5 h" into "90 min"; a fraction of a date has no meaning.
func fraction(figure, kind string) string {
	f, err := strconv.ParseFloat(figure, 64)
	minutes := int(f * 60)
	if err == nil && float64(minutes) == f*60 && minutes > 0 && f < 1000 {
		switch kind {
		case "h":
			return fmt.Sprintf("write %q", Limit{N: minutes, Unit: Minutes})
		case "working h":
			return fmt.Sprintf("write %q", Limit{N: minutes, Unit: WorkingMinutes})
		}
	}
	return forms
}

// split parts "3workdays" or "3  Work-Days." into figure and word, the word in
// lower case and without spaces, hyphens and dots.
func split(s string) (figure, word string) {
	s = strings.TrimSpace(s)
	end := 0
	for end < len(s) && (s[end] >= '0' && s[end] <= '9' || s[end] == '.' || s[end] == '-' && end == 0) {
		end++
	}
	word = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '-' || r == '.' || r == '_' {
			return -1
		}
		return unicode.ToLower(r)
	}, s[end:])
	if n, err := strconv.Atoi(s[:end]); err == nil {
		return strconv.Itoa(n), word
	}
	return s[:end], word
}

// meaning names the unit that a word stands for, "" if none does.
func meaning(word string) string {
	switch word {
	case "m", "min", "mins", "minute", "minutes", "分", "分钟":
		return "min"
	case "h", "hs", "hr", "hrs", "hour", "hours", "小时", "个小时":
		return "h"
	case "d", "day", "days", "calendarday", "calendardays", "天", "日", "个自然日", "自然日":
		return "day"
	case "w", "week", "weeks", "周", "星期", "个星期":
		return "week"
	case "mo", "month", "months", "月", "个月":
		return "month"
	case "y", "year", "years", "年":
		return "year"
	case "wd", "workday", "workdays", "workingday", "workingdays", "businessday", "businessdays", "工作日", "个工作日":
		return "working day"
	case "workingmin", "workingminute", "workingminutes", "workminutes":
		return "working min"
	case "workingh", "workinghour", "workinghours", "workhour", "workhours", "businesshours", "工作小时", "个工作小时":
		return "working h"
	case "halfworkingday", "halfaworkingday", "halfaday", "halfday", "halfaworkday", "halfworkday", "半个工作日", "半天":
		return "half"
	case "sameday", "today", "thesameday", "当天", "当日":
		return "same"
	case "asplanned", "planned", "plan", "按计划":
		return "planned"
	case "always", "forever", "unlimited", "nolimit", "none", "never", "不限":
		return "always"
	case "s", "sec", "secs", "second", "seconds", "秒":
		return "second"
	}
	return ""
}
