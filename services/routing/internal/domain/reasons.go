package domain

import "example.com/redress/services/kit/fault"

// Reasons of the faults of this package.
const (
	// ReasonCaseState: the case is closed or withdrawn.
	ReasonCaseState = "CASE_STATE"
	// ReasonGate: a gate of the pack is closed; the violations are all its unmet needs.
	ReasonGate = "GATE_CLOSED"
	// ReasonCategory: the pack has no such category.
	ReasonCategory = "CATEGORY_UNKNOWN"
	// ReasonDepartment: the pack's matrix names nobody, so a person must.
	ReasonDepartment = "DEPARTMENT_NEEDED"
	// ReasonGradeUnknown: the pack has no such scale or level.
	ReasonGradeUnknown = "GRADE_UNKNOWN"
	// ReasonGradeRole: the person may not propose a level of the scale.
	ReasonGradeRole = "GRADE_ROLE"
	// ReasonGradePending: another proposal waits for its signatures.
	ReasonGradePending = "GRADE_PENDING"
	// ReasonNoProposal: no grade was proposed that could be signed.
	ReasonNoProposal = "APPROVAL_NOT_OPEN"
	// ReasonStepNotOpen: the duty is not owed now.
	ReasonStepNotOpen = "STEP_NOT_OPEN"
	// ReasonStepNotOptional: the duty cannot be left out.
	ReasonStepNotOptional = "STEP_NOT_OPTIONAL"
	// ReasonStepRole: the duty is owed by others.
	ReasonStepRole = "STEP_ROLE"
	// ReasonForm: the step's form is incomplete.
	ReasonForm = "FORM_INCOMPLETE"
	// ReasonLimit: a limit cannot be read or contradicts the date beside it.
	ReasonLimit = "LIMIT_INVALID"
	// ReasonRemedy: the pack has no such remedy.
	ReasonRemedy = "REMEDY_UNKNOWN"
	// ReasonGround: the pack has no such ground.
	ReasonGround = "GROUND_UNKNOWN"
	// ReasonAmount: the amount of a compensation is not an amount above zero.
	ReasonAmount = "AMOUNT_INVALID"
	// ReasonPlanPending: an earlier plan waits for signatures or is being carried out.
	ReasonPlanPending = "PLAN_PENDING"
	// ReasonPlanState: not in this state of the plan.
	ReasonPlanState = "PLAN_STATE"
	// ReasonMeasureUnknown: the plan has no such measure.
	ReasonMeasureUnknown = "MEASURE_UNKNOWN"
	// ReasonMeasureState: not in this state of the measure, or not for its kind.
	ReasonMeasureState = "MEASURE_STATE"
	// ReasonDelayReason: a delay needs a reason.
	ReasonDelayReason = "DELAY_REASON_MISSING"
	// ReasonClockNotRunning: the measure has no deadline that could be moved.
	ReasonClockNotRunning = "CLOCK_NOT_RUNNING"
	// ReasonExtension: the deadline may not be moved, or not by this person.
	ReasonExtension = "CLOCK_EXTENSION_REFUSED"
	// ReasonSendTime: a reply lies in the future or before the receipt.
	ReasonSendTime = "SEND_TIME_INVALID"
	// ReasonObligation: work that blocks closing is still owed.
	ReasonObligation = "OBLIGATION_OPEN"
	// ReasonWaiver: the gate cannot be passed with a reason, not by this person, or not without one.
	ReasonWaiver = "WAIVER_REFUSED"
	// ReasonNotPassedOn: the case was not passed on to that department.
	ReasonNotPassedOn = "NOT_PASSED_ON"
	// ReasonSignedFor: the department has signed for the case.
	ReasonSignedFor = "SIGNED_FOR_ALREADY"
	// ReasonHandled: the handling of this round is complete.
	ReasonHandled = "HANDLING_COMPLETE"
	// ReasonRole: the pack has no such role.
	ReasonRole = "ROLE_UNKNOWN"
	// ReasonCard: the card is not shown now.
	ReasonCard = "CARD_UNKNOWN"
	// ReasonOfferOpen: an earlier offer waits for its answer.
	ReasonOfferOpen = "OFFER_OPEN"
	// ReasonOfferState: the offer was answered.
	ReasonOfferState = "OFFER_STATE"
	// ReasonApprovalUnknown: the pack has no such approval about the case.
	ReasonApprovalUnknown = "APPROVAL_UNKNOWN"
	// ReasonApprovalNotNeeded: the approval is not asked for in this case.
	ReasonApprovalNotNeeded = "APPROVAL_NOT_NEEDED"
	// ReasonApprovalPending: an approval of that kind waits for signatures.
	ReasonApprovalPending = "APPROVAL_PENDING"
	// ReasonTree: the tree does not apply to this case.
	ReasonTree = "TREE_UNKNOWN"
	// ReasonTreeMoved: the record changed while connectors were asked; another must be asked.
	ReasonTreeMoved = "TREE_MOVED"
	// ReasonWorkOrderState: the work order was answered.
	ReasonWorkOrderState = "WORK_ORDER_STATE"
	// ReasonWorkOrderDepartment: the work order is another department's.
	ReasonWorkOrderDepartment = "WORK_ORDER_DEPARTMENT"
	// ReasonExchange: the pack takes in no such news.
	ReasonExchange = "EXCHANGE_UNKNOWN"
	// ReasonNewsUntil: news ends before it begins.
	ReasonNewsUntil = "NEWS_UNTIL"
	// ReasonTooManyFollow: what one act leads to does not come to an end.
	ReasonTooManyFollow = "CONSEQUENCES_ENDLESS"
)

// Reasons returns the catalogue entries of this package. Those it shares with
// packages approval and slaclock are listed there.
func Reasons() []fault.Entry {
	const pre, bad = fault.FailedPrecondition, fault.Invalid
	return []fault.Entry{
		{Reason: ReasonCaseState, Kind: pre, ZH: "案件当前状态为 {state}，不能执行此操作。", EN: "The case is {state}; this cannot be done now."},
		{Reason: ReasonGate, Kind: pre, ZH: "尚不满足前置条件：{missing}。", EN: "Not yet: missing {missing}."},
		{Reason: ReasonCategory, Kind: bad, ZH: "规则包中没有类别“{category}”。", EN: "The pack has no category {category}."},
		{Reason: ReasonDepartment, Kind: pre, ZH: "规则无法确定责任部门，请指定；尚缺：{missing}。", EN: "The pack names no responsible department here; name one. Missing: {missing}."},
		{Reason: ReasonGradeUnknown, Kind: bad, ZH: "规则包中没有等级“{scale}/{level}”。", EN: "The pack has no grade {level} on the scale {scale}."},
		{Reason: ReasonGradeRole, Kind: pre, ZH: "您无权提出该等级；可提出者：{next}。", EN: "You may not propose a grade here; who may: {next}."},
		{Reason: ReasonGradePending, Kind: pre, ZH: "已有等级“{level}”正在审批。", EN: "The grade {level} already waits for its signatures."},
		{Reason: ReasonStepNotOpen, Kind: pre, ZH: "事项“{step}”目前无需办理（{state}）。", EN: "The duty {step} is not owed now ({state})."},
		{Reason: ReasonStepNotOptional, Kind: pre, ZH: "事项“{step}”必须办理，不能跳过。", EN: "The duty {step} must be done and cannot be skipped."},
		{Reason: ReasonStepRole, Kind: pre, ZH: "事项“{step}”由以下人员办理：{next}。", EN: "The duty {step} is owed by others: {next}."},
		{Reason: ReasonForm, Kind: bad, ZH: "表单“{form}”未填妥。", EN: "The form {form} is incomplete."},
		{Reason: ReasonLimit, Kind: bad, ZH: "措施的期限无效。", EN: "The limit of a measure is not valid."},
		{Reason: ReasonRemedy, Kind: bad, ZH: "规则包中没有该补偿方式。", EN: "The pack has no such remedy."},
		{Reason: ReasonGround, Kind: bad, ZH: "规则包中没有该适用情形。", EN: "The pack has no such ground."},
		{Reason: ReasonAmount, Kind: bad, ZH: "补偿金额必须大于零。", EN: "The amount of a compensation must be above zero."},
		{Reason: ReasonPlanPending, Kind: pre, ZH: "方案 {plan} 尚在 {state}，不能提出新方案。", EN: "The plan {plan} is {state}; another cannot be proposed yet."},
		{Reason: ReasonPlanState, Kind: pre, ZH: "方案当前状态为 {state}，需为 {wanted}。", EN: "The plan is {state}; it must be {wanted}."},
		{Reason: ReasonMeasureUnknown, Kind: bad, ZH: "方案中没有措施“{measure}”。", EN: "The plan has no measure {measure}."},
		{Reason: ReasonMeasureState, Kind: pre, ZH: "措施“{measure}”（{kind}）当前状态为 {state}，不能执行此操作。", EN: "The measure {measure} ({kind}) is {state}; this cannot be done with it."},
		{Reason: ReasonDelayReason, Kind: bad, ZH: "延期必须说明原因。", EN: "A delay needs a reason."},
		{Reason: ReasonSendTime, Kind: bad, ZH: "答复时间不能在未来，也不能早于受理时间。", EN: "A reply can lie neither in the future nor before the receipt."},
		{Reason: ReasonObligation, Kind: pre, ZH: "仍有未了事项：{open}。", EN: "Work is still owed: {open}."},
		{Reason: ReasonWaiver, Kind: pre, ZH: "关口“{gate}”不能这样放行：{missing}。", EN: "The gate {gate} cannot be passed like this: {missing}."},
		{Reason: ReasonNotPassedOn, Kind: pre, ZH: "案件尚未转交给该部门（{department}）。", EN: "The case was not passed on to that department ({department})."},
		{Reason: ReasonSignedFor, Kind: pre, ZH: "该部门已签收（{department}）。", EN: "That department has signed for the case ({department})."},
		{Reason: ReasonHandled, Kind: pre, ZH: "本轮处理已完成。", EN: "The handling of this round is complete."},
		{Reason: ReasonRole, Kind: bad, ZH: "规则包中没有角色“{role}”。", EN: "The pack has no role {role}."},
		{Reason: ReasonCard, Kind: pre, ZH: "指引卡“{card}”目前不适用。", EN: "The card {card} is not shown now."},
		{Reason: ReasonOfferOpen, Kind: pre, ZH: "提议 {offer} 尚待顾客答复。", EN: "The offer {offer} waits for its answer."},
		{Reason: ReasonOfferState, Kind: pre, ZH: "该提议已答复（{state}）。", EN: "The offer was answered ({state})."},
		{Reason: ReasonApprovalUnknown, Kind: bad, ZH: "规则包中没有可在此申请的审批“{approval}”。", EN: "The pack has no approval {approval} that is asked for here."},
		{Reason: ReasonApprovalNotNeeded, Kind: pre, ZH: "本案无需审批“{approval}”。", EN: "The approval {approval} is not asked for in this case."},
		{Reason: ReasonApprovalPending, Kind: pre, ZH: "审批 {approval} 尚未完成。", EN: "The approval {approval} waits for signatures."},
		{Reason: ReasonTree, Kind: pre, ZH: "判断树“{tree}”不适用于本案。", EN: "The tree {tree} does not apply to this case."},
		{Reason: ReasonTreeMoved, Kind: fault.Aborted, ZH: "查询期间记录已变更，请重新诊断；尚未查询：{connectors}。", EN: "The record changed meanwhile; diagnose again. Not asked: {connectors}."},
		{Reason: ReasonWorkOrderState, Kind: pre, ZH: "工单当前状态为 {state}。", EN: "The work order is {state}."},
		{Reason: ReasonWorkOrderDepartment, Kind: pre, ZH: "该工单由以下人员答复：{next}。", EN: "The work order is answered by others: {next}."},
		{Reason: ReasonExchange, Kind: bad, ZH: "规则包不接收“{kind}”类信息。", EN: "The pack takes in no news of the kind {kind}."},
		{Reason: ReasonNewsUntil, Kind: bad, ZH: "截止时间不能早于发布时间。", EN: "News cannot end before it begins."},
		{Reason: ReasonTooManyFollow, Kind: fault.Internal, ZH: "规则引发的后续超过 {limit} 层。", EN: "More than {limit} consequences follow from one another."},
	}
}
