package policy

import (
	"strings"

	"example.com/redress/services/kit/fault"
)

// Reasons of refusals, one for each why of the scenarios.
const (
	ReasonIncomplete = "RULE_INCOMPLETE"
	ReasonGate       = "RULE_GATE"
	ReasonOrder      = "RULE_ORDER"
	ReasonRole       = "RULE_ROLE"
	ReasonAuthority  = "RULE_AUTHORITY"
	ReasonWindow     = "RULE_WINDOW"
	ReasonAmount     = "RULE_AMOUNT"
	ReasonChoice     = "RULE_CHOICE"
	ReasonState      = "RULE_STATE"
	ReasonForm       = "FORM_INVALID"
)

// Reasons lists the reasons that Refusal and FormRefusal answer with.
func Reasons() []fault.Entry {
	return []fault.Entry{
		{Reason: ReasonIncomplete, Kind: fault.FailedPrecondition, ZH: "须先记录：{missing}。", EN: "Record first: {missing}."},
		{Reason: ReasonGate, Kind: fault.FailedPrecondition, ZH: "条件未满足：{missing}。", EN: "A rule of the procedure is not met: {missing}."},
		{Reason: ReasonOrder, Kind: fault.FailedPrecondition, ZH: "须先完成：{missing}。", EN: "Something comes first: {missing}."},
		{Reason: ReasonRole, Kind: fault.FailedPrecondition, ZH: "只有 {who} 可以这样做。", EN: "Only {who} may do this."},
		{Reason: ReasonAuthority, Kind: fault.FailedPrecondition, ZH: "须由 {who} 签署。", EN: "This is for {who} to sign."},
		{Reason: ReasonWindow, Kind: fault.FailedPrecondition, ZH: "已超过期限：{missing}。", EN: "The time for it has passed: {missing}."},
		{Reason: ReasonAmount, Kind: fault.FailedPrecondition, ZH: "金额不符合规定：{missing}。", EN: "The amount is not allowed: {missing}."},
		{Reason: ReasonChoice, Kind: fault.FailedPrecondition, ZH: "不属于可选项：{missing}。", EN: "It is none of the choices: {missing}."},
		{Reason: ReasonState, Kind: fault.FailedPrecondition, ZH: "当前状态不允许：{missing}。", EN: "It is not possible here: {missing}."},
		{Reason: ReasonForm, Kind: fault.Invalid, ZH: "表单 {form} 填写有误。", EN: "Form {form} is not filled in as asked."},
	}
}

// Refusal turns unmet needs into one error that lists all of them, or nil if nothing is unmet. Its reason is that of the first; facts are rule, because, missing and who. Compare the
// result with nil before returning it as an error: a nil *fault.Error in an error is not nil.
func Refusal(unmet []Unmet) *fault.Error {
	var first *Unmet
	var missing []string
	var violations []fault.Violation
	for i := range unmet {
		u := &unmet[i]
		if first == nil {
			first = u
		}
		missing = append(missing, u.Missing...)
		t := u.Text
		if t == nil {
			t = u.Gate.GetText()
		}
		for _, f := range about(u) {
			violations = append(violations, fault.Violation{Field: f, Reason: string(u.Need), Text: t})
		}
	}
	if first == nil {
		return nil
	}
	because := strings.TrimPrefix(first.Because.String(), "BECAUSE_")
	shown := strings.Join(missing, ", ")
	if shown == "" {
		shown = first.Gate.GetRule()
	}
	return fault.New(fault.FailedPrecondition, "RULE_"+because, "rule", first.Gate.GetRule(), "because", because, "missing", shown, "who", strings.Join(first.Who, ", ")).
		With(first.Gate).WithViolations(violations...)
}

// about returns what a violation is about: what is missing, who may act, what is needed, or the rule
// itself. It is never empty: a caller who shows a refusal has nothing else to point at.
func about(u *Unmet) []string {
	switch {
	case len(u.Missing) > 0:
		return u.Missing
	case len(u.Who) > 0:
		return u.Who
	case u.ID != "":
		return []string{u.ID}
	}
	return []string{u.Gate.GetRule()}
}

// FormRefusal turns what CheckForm found into an error, or nil if it found nothing.
func FormRefusal(form string, violations []fault.Violation) *fault.Error {
	if len(violations) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, ReasonForm, "form", form).WithViolations(violations...)
}
