package domain

import (
	"strconv"
	"strings"

	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/policy"
)

// Questions returns the questions of a form as a survey page asks them, in order.
// Fields that a page cannot ask (files, people, lists) are left out.
func Questions(form *policyv1.Form) []*notificationv1.SurveyItem {
	var out []*notificationv1.SurveyItem
	for _, f := range form.GetFields() {
		item := &notificationv1.SurveyItem{Id: f.GetId(), Text: label(f.GetText(), f.GetId()), Required: f.GetRequired()}
		switch f.GetType() {
		case policyv1.FieldType_FIELD_TYPE_SCORE:
			item.Type = "SCORE"
			item.Min, item.Max = bounds(f.GetRange())
		case policyv1.FieldType_FIELD_TYPE_CHOICE:
			item.Type = "CHOICE"
			for _, o := range f.GetOptions() {
				item.Options = append(item.Options, &notificationv1.SurveyOption{Id: o, Text: policy.Said(f, o)})
			}
		case policyv1.FieldType_FIELD_TYPE_FLAG:
			item.Type = "FLAG"
		case policyv1.FieldType_FIELD_TYPE_TEXT:
			item.Type = "TEXT"
		default:
			continue
		}
		out = append(out, item)
	}
	return out
}

func bounds(s string) (low, high int32) {
	a, b, _ := strings.Cut(s, "..")
	l, err1 := strconv.ParseInt(a, 10, 32)
	h, err2 := strconv.ParseInt(b, 10, 32)
	if err1 != nil || err2 != nil {
		return 1, 5
	}
	return int32(l), int32(h)
}

func label(t *typev1.Text, id string) *typev1.Text {
	if t.GetZh() == "" && t.GetEn() == "" {
		plain := strings.ReplaceAll(id, "_", " ")
		return &typev1.Text{Zh: plain, En: plain}
	}
	return t
}
