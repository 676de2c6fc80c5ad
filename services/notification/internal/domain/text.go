package domain

import (
	"strings"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/policy"
)

// LinkMark stands in a stored body where the link is put at delivery: links are
// secrets and are not stored.
const LinkMark = "{link}"

// Words are the title and body of a notice in one language.
type Words struct{ Title, Body string }

// Locale returns zh-CN or en; zh-CN unless en was asked for.
func Locale(wish string) string {
	if wish == fault.English {
		return fault.English
	}
	return fault.Chinese
}

// In returns the text in the language.
func In(locale string, t *typev1.Text) string {
	if locale == fault.English && t.GetEn() != "" {
		return t.GetEn()
	}
	return t.GetZh()
}

// Rendered returns what the pack wrote, in one language; withLink adds where to see
// how it stands, unless the pack's own text holds the link.
func Rendered(r policy.Rendered, locale string, withLink bool) Words {
	var parts []string
	for _, p := range r.Parts {
		parts = append(parts, In(locale, p))
	}
	title := In(locale, r.Subject)
	if len(parts) == 0 {
		parts = append(parts, title)
	}
	body := strings.Join(parts, "\n\n")
	if withLink && !strings.Contains(body, LinkMark) {
		body += "\n\n" + pick(locale, "查询处理进度：", "See how it stands: ") + LinkMark
	}
	return Words{Title: title, Body: apart(body)}
}

// Reply returns the words around the text of a reply, which is a sealed text and
// the whole body.
func Reply(number, content, locale string) Words {
	return Words{Title: pick(locale, "关于您的投诉 "+number+" 的答复", "Our answer to your complaint "+number), Body: content}
}

// Survey returns the words that ask for an answer behind the link.
func Survey(title *typev1.Text, number, locale string) Words {
	return Words{
		Title: pick(locale, In(locale, title)+"："+number, "Please tell us: "+In(locale, title)+" "+number),
		Body: pick(locale,
			"您好，您的投诉 "+number+" 已处理。请通过以下链接评价处理结果，并确认是否满意（链接三十天内有效，仅可提交一次）：\n\n"+LinkMark,
			"Your complaint "+number+" has been handled. Please rate the result and tell us whether you are satisfied. The link is valid for thirty days and takes one answer:\n\n"+LinkMark),
	}
}

// Inform returns the words that tell a member of staff about a complaint, or without a
// number about what belongs to none.
func Inform(what *typev1.Text, number, locale string) Words {
	if number == "" {
		return Words{Title: In(locale, what), Body: apart(In(locale, what))}
	}
	title := pick(locale, "投诉 "+number+"："+In(locale, what), "Complaint "+number+": "+In(locale, what))
	return Words{Title: title, Body: title + "\n\n" + LinkMark}
}

func pick(locale, zh, en string) string {
	if locale == fault.English {
		return en
	}
	return zh
}

// apart keeps a body that merely begins with a sealed text from looking like one.
func apart(body string) string {
	if strings.HasPrefix(body, "~") {
		return "\n" + body
	}
	return body
}
