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
	// ReasonFormUnknown: the pack has no such form about this.
	ReasonFormUnknown = "FORM_UNKNOWN"
	// ReasonKindUnknown: the pack has no such kind of action.
	ReasonKindUnknown = "KIND_UNKNOWN"
	// ReasonNoApproval: the pack asks for no such approval.
	ReasonNoApproval = "NO_APPROVAL"
	// ReasonEntryUnknown: the pack has no such entry that a person books.
	ReasonEntryUnknown = "ENTRY_UNKNOWN"
	// ReasonEntryDecider: the pack names somebody else to decide on the entry.
	ReasonEntryDecider = "ENTRY_DECIDER"
	// ReasonEntryParty: the entry is not booked to this person or department.
	ReasonEntryParty = "ENTRY_PARTY"
	// ReasonEntryAmount: the amount is not one the pack allows.
	ReasonEntryAmount = "ENTRY_AMOUNT"
	// ReasonEntryState: not in this state of the entry.
	ReasonEntryState = "ENTRY_STATE"
	// ReasonPayTime: nothing is paid in the future.
	ReasonPayTime = "PAY_TIME"
	// ReasonDutyState: the duty has ended.
	ReasonDutyState = "DUTY_STATE"
	// ReasonDutyRequired: the pack does not leave the duty to anybody.
	ReasonDutyRequired = "STEP_REQUIRED"
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
		{Reason: ReasonFormUnknown, Kind: bad, ZH: "政策包中没有可在此填写的表单“{form}”。", EN: "The pack has no form {form} to be filled here."},
		{Reason: ReasonKindUnknown, Kind: bad, ZH: "政策包中没有“{kind}”这一类措施。", EN: "The pack has no kind of action {kind}."},
		{Reason: ReasonNoApproval, Kind: pre, ZH: "{name} 无需此项审批，或审批尚未发起。", EN: "{name} needs no such approval, or it was not asked for."},
		{Reason: ReasonEntryUnknown, Kind: bad, ZH: "政策包中没有可由人员作出的考核项目“{entry}”。", EN: "The pack has no entry {entry} that a person books."},
		{Reason: ReasonEntryDecider, Kind: pre, ZH: "只有 {who} 可以决定该考核项目。", EN: "Only {who} may decide on this entry."},
		{Reason: ReasonEntryParty, Kind: pre, ZH: "该考核项目只能记于：{who}。", EN: "This entry is booked to {who} only."},
		{Reason: ReasonEntryAmount, Kind: pre, ZH: "金额 {amount} 不符合规定（{from} 至 {to}）。", EN: "The amount {amount} is not allowed (from {from} to {to})."},
		{Reason: ReasonEntryState, Kind: pre, ZH: "该记录当前为 {state}，不能支付。", EN: "The entry is {state} and cannot be paid."},
		{Reason: ReasonPayTime, Kind: bad, ZH: "支付时间 {time} 尚未到来。", EN: "The time of payment {time} lies in the future."},
		{Reason: ReasonDutyState, Kind: pre, ZH: "该事项当前为 {state}，已经结束。", EN: "The duty is {state} already."},
		{Reason: ReasonDutyRequired, Kind: pre, ZH: "步骤“{step}”为必办事项，不可省略。", EN: "The step {step} is not optional."},
		{Reason: ReasonVerifyOwn, Kind: pre, ZH: "不得验证本人实施的措施。", EN: "Nobody verifies what they implemented themselves."},
		{Reason: ReasonVerifierRole, Kind: pre, ZH: "只有 {who} 可以验证该措施。", EN: "Only {who} may verify this action."},
		{Reason: ReasonDue, Kind: bad, ZH: "完成期限 {due} 已过（当前 {now}）。", EN: "The action cannot be due at {due}: it is {now} now."},
	}
}
