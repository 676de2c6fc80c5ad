package domain

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// furtherSentences says what the changes say that only some procedures know: judgements,
// offers, goods, shares, entries of the ledger.
func furtherSentences() map[protoreflect.FullName]*typev1.Text {
	return map[protoreflect.FullName]*typev1.Text{
		"redress.compensation.v1.AllocationSuperseded": words("责任分担已由新的认定取代", "The allocation gave way to another"),
		"redress.compensation.v1.DisputeDecided":       words("责任分担异议已裁定", "A dispute about the allocation was decided"),
		"redress.compensation.v1.GoodsAnnounced":       words("已通知退货", "The return was announced"),
		"redress.compensation.v1.GoodsAuthorised":      words("退货已批准", "The return was authorised"),
		"redress.compensation.v1.GoodsBack":            words("货物已退回", "The goods came back"),
		"redress.compensation.v1.GoodsDisposed":        words("退货已处置", "The goods were disposed of"),
		"redress.compensation.v1.GoodsFormFilled":      words("已填写退货表单", "A form about the goods was filled"),
		"redress.compensation.v1.GoodsLinked":          words("退货已关联投诉", "The goods were linked to the complaint"),
		"redress.compensation.v1.GoodsPutForward":      words("退货申请已提交", "The return was put forward for approval"),
		"redress.compensation.v1.GoodsRefused":         words("退货申请被拒绝", "The return was refused"),
		"redress.compensation.v1.GoodsReported":        words("已报告问题货物", "Goods were reported"),
		"redress.compensation.v1.GoodsSentBack":        words("退货申请被退回", "The application for the return was sent back"),
		"redress.compensation.v1.GoodsSigned":          words("退货申请已签署", "A signature was given on the return"),
		"redress.compensation.v1.GoodsStored":          words("退货已入库", "The goods were stored"),
		"redress.compensation.v1.LiabilityAllocated":   words("损失责任已认定分担", "Liability was allocated"),
		"redress.compensation.v1.LiabilityDisputed":    words("责任分担被提出异议", "The allocation was disputed"),

		"redress.correctiveaction.v1.ActionAmended":       words("纠正措施已变更", "A corrective action was changed"),
		"redress.correctiveaction.v1.ActionApprovalAsked": words("纠正措施已提交审批", "Approval of a corrective action was asked for"),
		"redress.correctiveaction.v1.ActionApproved":      words("纠正措施已批准", "A corrective action was approved"),
		"redress.correctiveaction.v1.ActionFormFilled":    words("已填写纠正措施表单", "A form about a corrective action was filled"),
		"redress.correctiveaction.v1.ActionRefused":       words("纠正措施未获批准", "A corrective action was not approved"),
		"redress.correctiveaction.v1.ActionSigned":        words("纠正措施已签署", "A signature was given on a corrective action"),
		"redress.correctiveaction.v1.CounterReached":      words("考核次数达到规定", "A count in the ledger was reached"),
		"redress.correctiveaction.v1.DepartmentFormFiled": words("部门文件已备案", "A department's form went on file"),
		"redress.correctiveaction.v1.DutyDone":            words("事项已办理", "A duty was done"),
		"redress.correctiveaction.v1.DutyOpened":          words("待办事项", "A duty is owed"),
		"redress.correctiveaction.v1.DutySkipped":         words("事项无需办理", "A duty was found not necessary"),
		"redress.correctiveaction.v1.DutyVoided":          words("事项不再需要", "A duty is no longer owed"),
		"redress.correctiveaction.v1.EntryConverted":      words("考核分已折算", "Points were turned into money"),
		"redress.correctiveaction.v1.EntryDoubled":        words("考核已加倍", "An entry was doubled"),
		"redress.correctiveaction.v1.EntryExempted":       words("考核已免除", "An entry was exempted"),
		"redress.correctiveaction.v1.EntryMade":           words("已记入考核", "An entry was booked"),
		"redress.correctiveaction.v1.EntryPaid":           words("款项已缴纳", "An entry was paid"),
		"redress.correctiveaction.v1.PenaltyApproved":     words("处罚已批准", "A penalty was approved"),
		"redress.correctiveaction.v1.PenaltyMarked":       words("处罚已标注", "A penalty was marked"),
		"redress.correctiveaction.v1.PenaltyRaised":       words("已提出处罚", "A penalty was raised"),
		"redress.correctiveaction.v1.PenaltyRefused":      words("处罚未获批准", "A penalty was refused"),
		"redress.correctiveaction.v1.PenaltySigned":       words("处罚已签署", "A signature was given on a penalty"),
		"redress.correctiveaction.v1.PenaltyWithdrawn":    words("处罚已撤回", "A penalty was taken back"),
		"redress.correctiveaction.v1.PeriodClosed":        words("考核期已结算", "A period of the ledger was closed"),

		"redress.intake.v1.ComplaintAccepted": words("投诉已受理", "The complaint was accepted"),
		"redress.intake.v1.ComplaintJudged":   words("投诉已判定", "It was judged whether the complaint stands"),
		"redress.intake.v1.ComplaintOutside":  words("投诉不属于本程序", "The complaint falls outside the procedure"),
		"redress.intake.v1.ComplaintRepeated": words("客户就同一事项再次投诉", "The customer complained again about the same"),
		"redress.intake.v1.CounterReached":    words("投诉次数达到规定", "A count of complaints was reached"),
		"redress.intake.v1.DocumentsProvided": words("已提供证明材料", "Documents were provided"),
		"redress.intake.v1.PraiseRecorded":    words("已记录表扬", "Praise was recorded"),

		"redress.notification.v1.FormReturned":        words("调查表已收回", "A form of a survey came back"),
		"redress.notification.v1.NoticeAnswerUnclear": words("回执未作明确选择", "An answer to a notice chose nothing or too much"),
		"redress.notification.v1.NoticeAnswered":      words("通知已回复", "A notice was answered"),

		"redress.routing.v1.CardTried":          words("已采用一条指引", "A card of guidance was tried"),
		"redress.routing.v1.CaseApprovalAsked":  words("已提请审批", "An approval was asked for"),
		"redress.routing.v1.CaseApprovalSigned": words("审批已签署", "A signature was given on an approval"),
		"redress.routing.v1.CaseApprovalVoided": words("审批作废", "An approval no longer counts"),
		"redress.routing.v1.CaseDiagnosed":      words("已完成诊断", "The case was diagnosed"),
		"redress.routing.v1.CaseEscalated":      words("已上报", "The decision was handed up"),
		"redress.routing.v1.CaseIntervened":     words("上级直接介入", "Somebody stepped in over the department"),
		"redress.routing.v1.CasePassedOn":       words("案件已转办", "The case was passed on"),
		"redress.routing.v1.CaseReferred":       words("已转入其他程序", "The case was referred to another procedure"),
		"redress.routing.v1.CaseSignedFor":      words("承办部门已签收", "The department signed for the case"),
		"redress.routing.v1.ContactRecorded":    words("已联系客户", "The customer was contacted"),
		"redress.routing.v1.DataShared":         words("信息已共享", "Data was shared"),
		"redress.routing.v1.GateWaived":         words("已说明理由放行", "A gate was passed with a reason"),
		"redress.routing.v1.HandlingCompleted":  words("处理完毕", "The handling is complete"),
		"redress.routing.v1.NewsPublished":      words("已发布动态", "News was published"),
		"redress.routing.v1.OfferAnswered":      words("客户已答复方案", "The customer answered an offer"),
		"redress.routing.v1.OfferMade":          words("已向客户提出方案", "An offer was made to the customer"),
		"redress.routing.v1.WorkOrderDone":      words("工单已办结", "A work order came back"),
		"redress.routing.v1.WorkOrderSent":      words("工单已派发", "A work order was sent"),
	}
}
