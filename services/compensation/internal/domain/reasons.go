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
	// ReasonWindow: it comes too late.
	ReasonWindow = "WINDOW_CLOSED"
	// ReasonStandard: another figure than the pack's standard.
	ReasonStandard = "STANDARD_DEVIATION"
	// ReasonNoReturns: the pack says nothing about returns.
	ReasonNoReturns = "RETURNS_UNKNOWN"
	// ReasonOrigin: the pack has no such origin of returned goods.
	ReasonOrigin = "ORIGIN_UNKNOWN"
	// ReasonDisposition: the pack has no such disposition.
	ReasonDisposition = "DISPOSITION_UNKNOWN"
	// ReasonGoodsValue: no amount, or another than quantity times unit price.
	ReasonGoodsValue = "GOODS_VALUE"
	// ReasonGoodsState: the goods are further already.
	ReasonGoodsState = "GOODS_STATE"
	// ReasonGoodsLinked: another complaint is linked.
	ReasonGoodsLinked = "GOODS_LINKED"
	// ReasonFormUnknown: the pack has no such form about goods.
	ReasonFormUnknown = "FORM_UNKNOWN"
	// ReasonNoLiability: the pack shares nothing out.
	ReasonNoLiability = "LIABILITY_UNKNOWN"
	// ReasonAllocationAuthority: others share a loss out, or decide a dispute about it.
	ReasonAllocationAuthority = "ALLOCATION_AUTHORITY"
	// ReasonBasis: not an amount that can be shared out.
	ReasonBasis = "BASIS_INVALID"
	// ReasonBasisAllocated: another allocation shares a part of it out already.
	ReasonBasisAllocated = "BASIS_ALLOCATED"
	// ReasonDisputeOpen: a dispute about an earlier allocation comes first.
	ReasonDisputeOpen = "DISPUTE_OPEN"
	// ReasonPartyUnknown: the pack has no such party.
	ReasonPartyUnknown = "PARTY_UNKNOWN"
	// ReasonDisputeParty: who disputes does not speak for the party.
	ReasonDisputeParty = "DISPUTE_PARTY"
	// ReasonAllocationState: not in this state of the allocation.
	ReasonAllocationState = "ALLOCATION_STATE"
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
		{Reason: ReasonWindow, Kind: pre, ZH: "已超过期限：“{subject}”最迟应于 {last}。", EN: "Too late: {subject} had to come by {last}."},
		{Reason: ReasonStandard, Kind: pre, ZH: "与标准不符：标准为 {standard}（{missing}）。", EN: "The standard is {standard}, not another figure ({missing})."},
		{Reason: ReasonNoReturns, Kind: pre, ZH: "现行规则没有退货规定。", EN: "The procedure in force says nothing about returns."},
		{Reason: ReasonOrigin, Kind: bad, ZH: "没有退货来源“{origin}”；可用：{allowed}。", EN: "There is no origin {origin}: {allowed}."},
		{Reason: ReasonDisposition, Kind: bad, ZH: "没有处置方式“{disposition}”；可用：{allowed}。", EN: "There is no disposition {disposition}: {allowed}."},
		{Reason: ReasonGoodsValue, Kind: bad, ZH: "货值应为人民币金额，且等于数量乘以单价。", EN: "The value must be an amount in CNY and equal quantity times unit price."},
		{Reason: ReasonGoodsState, Kind: pre, ZH: "退货当前为 {state}，此操作需要 {wanted}。", EN: "The goods are {state}; this needs {wanted}."},
		{Reason: ReasonGoodsLinked, Kind: pre, ZH: "退货已关联投诉 {complaint}。", EN: "The goods are linked to {complaint} already."},
		{Reason: ReasonFormUnknown, Kind: bad, ZH: "没有关于退货的表单“{form}”。", EN: "There is no form {form} about goods."},
		{Reason: ReasonNoLiability, Kind: pre, ZH: "现行规则没有责任分担规定。", EN: "The procedure in force shares no losses out."},
		{Reason: ReasonAllocationAuthority, Kind: pre, ZH: "须由 {who} 决定，且不得由提出异议人或原划分人裁决。", EN: "This is for {who} to decide, and not for who allocated or disputed."},
		{Reason: ReasonBasis, Kind: bad, ZH: "分担基数须为大于零的人民币金额，各项各批次不得重复，批次须存在。", EN: "Each base must be an amount in CNY above zero, given once for each line that exists."},
		{Reason: ReasonBasisAllocated, Kind: pre, ZH: "{name} 已划分其中一部分；请一并重新划分。", EN: "{name} shares a part of it out already; share all of it out again."},
		{Reason: ReasonDisputeOpen, Kind: pre, ZH: "{name} 尚有未裁决的异议。", EN: "A dispute about {name} is open."},
		{Reason: ReasonPartyUnknown, Kind: bad, ZH: "没有责任方“{party}”；可用：{allowed}。", EN: "There is no party {party}: {allowed}."},
		{Reason: ReasonDisputeParty, Kind: pre, ZH: "只有 {who} 可以代表“{party}”提出异议。", EN: "Only {who} may dispute for {party}."},
		{Reason: ReasonAllocationState, Kind: pre, ZH: "责任划分当前为 {state}，此操作需要 {wanted}。", EN: "The allocation is {state}; this needs {wanted}."},
		{Reason: ReasonHeld, Kind: pre, ZH: "补偿已暂停（{reason}），不得继续办理或支付。", EN: "Compensation is held ({reason}); nothing goes on and nothing is paid."},
	}
}
