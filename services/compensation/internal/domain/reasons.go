package domain

import "example.com/redress/services/kit/fault"

// Reasons of the faults of this package. Those of signatures are package approval's.
const (
	// ReasonInitiator: only those the pack names may ask for compensation.
	ReasonInitiator = "INITIATOR"
	// ReasonGroundUnknown: no ground was named, or the pack gives no compensation.
	ReasonGroundUnknown = "GROUND_UNKNOWN"
	// ReasonOutOfScope: none of the pack's grounds covers it.
	ReasonOutOfScope = "GROUND_OUT_OF_SCOPE"
	// ReasonRemedyUnknown: the pack has no such remedy.
	ReasonRemedyUnknown = "REMEDY_UNKNOWN"
	// ReasonRemedyNotAllowed: what the remedy needs before it is given is not so.
	ReasonRemedyNotAllowed = "REMEDY_NOT_ALLOWED"
	// ReasonGate: a gate of the pack is closed; the violations are all its unmet needs.
	ReasonGate = "GATE_CLOSED"
	// ReasonAmount: not an amount that may be claimed.
	ReasonAmount = "AMOUNT_INVALID"
	// ReasonForm: a form about the claim is incomplete or wrong.
	ReasonForm = "FORM_INCOMPLETE"
	// ReasonStepRole: the duty is owed by others.
	ReasonStepRole = "STEP_ROLE"
	// ReasonRefuseTime: the customer cannot refuse in the future.
	ReasonRefuseTime = "REFUSE_TIME_IN_FUTURE"
	// ReasonComplaintState: nothing is claimed on a complaint that is no longer worked on.
	ReasonComplaintState = "COMPLAINT_STATE"
	// ReasonClaimState: not in this state of the claim.
	ReasonClaimState = "CLAIM_STATE"
	// ReasonHeld: the claim, or every claim of the complaint, is held.
	ReasonHeld = "CLAIM_HELD"
)

// Reasons returns the catalogue entries of this package.
func Reasons() []fault.Entry {
	const pre, bad = fault.FailedPrecondition, fault.Invalid
	return []fault.Entry{
		{Reason: ReasonInitiator, Kind: pre, ZH: "只有 {who} 可以发起补偿申请。", EN: "Only {who} may ask for compensation."},
		{Reason: ReasonGroundUnknown, Kind: bad, ZH: "规则包中没有该适用情形。", EN: "The pack has no such ground."},
		{Reason: ReasonOutOfScope, Kind: pre, ZH: "“{ground}”不属于可补偿的情形；可用：{allowed}。", EN: "{ground} is none of the grounds on which compensation is given: {allowed}."},
		{Reason: ReasonRemedyUnknown, Kind: bad, ZH: "规则包中没有该补偿方式。", EN: "The pack has no such remedy."},
		{Reason: ReasonRemedyNotAllowed, Kind: pre, ZH: "不能以“{remedy}”补偿：{missing}。", EN: "Compensation cannot be given as {remedy}: missing {missing}."},
		{Reason: ReasonGate, Kind: pre, ZH: "尚不满足前置条件：{missing}。", EN: "Not yet: missing {missing}."},
		{Reason: ReasonAmount, Kind: bad, ZH: "补偿金额必须大于零。", EN: "The amount of a compensation must be above zero."},
		{Reason: ReasonForm, Kind: bad, ZH: "表单“{form}”未填妥。", EN: "The form {form} is incomplete."},
		{Reason: ReasonStepRole, Kind: pre, ZH: "事项“{step}”由以下人员办理：{next}。", EN: "The duty {step} is owed by others: {next}."},
		{Reason: ReasonRefuseTime, Kind: bad, ZH: "客户拒绝的时间不能晚于当前时间 {now}。", EN: "The customer cannot have refused after {now}, which is now."},
		{Reason: ReasonComplaintState, Kind: pre, ZH: "投诉当前为 {state}，此操作需要 {wanted}。", EN: "The complaint is {state}; this needs {wanted}."},
		{Reason: ReasonClaimState, Kind: pre, ZH: "补偿申请当前为 {state}，此操作需要 {wanted}。", EN: "The claim is {state}; this needs {wanted}."},
		{Reason: ReasonHeld, Kind: pre, ZH: "补偿已暂停（{reason}），不得继续办理或支付。", EN: "Compensation is held ({reason}); nothing goes on and nothing is paid."},
	}
}
