package domain

import "example.com/redress/services/kit/fault"

// Reasons of the faults of this package.
const (
	// ReasonComplaintState: no action is opened on a complaint that was withdrawn or filed.
	ReasonComplaintState = "COMPLAINT_STATE"
	// ReasonActionState: not in this state of the action.
	ReasonActionState = "ACTION_STATE"
	// ReasonForm: a form about the action is incomplete or wrong.
	ReasonForm = "FORM_INCOMPLETE"
	// ReasonGate: a gate of the pack is closed; the violations are all its unmet needs.
	ReasonGate = "GATE_CLOSED"
	// ReasonVerifyOwn: nobody verifies what they implemented.
	ReasonVerifyOwn = "VERIFY_OWN"
	// ReasonVerifierRole: the pack names somebody else as verifier.
	ReasonVerifierRole = "VERIFIER_ROLE"
	// ReasonDue: the date it is due by has passed already.
	ReasonDue = "DUE_TIME_PASSED"
)

// Reasons returns the catalogue entries of this package.
func Reasons() []fault.Entry {
	const pre, bad = fault.FailedPrecondition, fault.Invalid
	return []fault.Entry{
		{Reason: ReasonComplaintState, Kind: pre, ZH: "投诉当前为 {state}，此操作需要 {wanted}。", EN: "The complaint is {state}; this needs {wanted}."},
		{Reason: ReasonActionState, Kind: pre, ZH: "纠正措施当前为 {state}，此操作需要 {wanted}。", EN: "The action is {state}; this needs {wanted}."},
		{Reason: ReasonForm, Kind: bad, ZH: "表单“{form}”未填妥。", EN: "The form {form} is incomplete."},
		{Reason: ReasonGate, Kind: pre, ZH: "尚不满足前置条件：{missing}。", EN: "Not yet: missing {missing}."},
		{Reason: ReasonVerifyOwn, Kind: pre, ZH: "不得验证本人实施的措施。", EN: "Nobody verifies what they implemented themselves."},
		{Reason: ReasonVerifierRole, Kind: pre, ZH: "只有 {who} 可以验证该措施。", EN: "Only {who} may verify this action."},
		{Reason: ReasonDue, Kind: bad, ZH: "完成期限 {due} 已过（当前 {now}）。", EN: "The action cannot be due at {due}: it is {now} now."},
	}
}
