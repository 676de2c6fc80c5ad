package domain

import (
	"maps"

	"google.golang.org/protobuf/reflect/protoreflect"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// sentences is the table of what every change that staff may see says. A test
// walks all of them.
func sentences() map[protoreflect.FullName]*typev1.Text {
	out := map[protoreflect.FullName]*typev1.Text{
		"redress.clock.v1.ClockChanged": words("时限", "Time limit"),

		"redress.intake.v1.ComplaintRegistered": words("投诉已登记", "The complaint was registered"),
		"redress.intake.v1.ComplaintUpdated":    words("投诉记录已补充", "The record was completed or corrected"),
		"redress.intake.v1.FormFilled":          words("已填写表单", "A form was filled"),
		"redress.intake.v1.ComplaintVerified":   words("投诉已核实", "The complaint was verified with the customer"),
		"redress.intake.v1.WithdrawalRequested": words("客户要求撤回投诉", "The customer asked to withdraw the complaint"),
		"redress.intake.v1.ComplaintWithdrawn":  words("投诉已撤回", "The complaint was withdrawn"),
		"redress.intake.v1.WithdrawalTooLate":   words("撤回未生效，赔偿已支付", "The withdrawal came too late: compensation was paid"),
		"redress.intake.v1.ComplaintClosed":     words("投诉已关闭", "The complaint was closed"),
		"redress.intake.v1.ComplaintArchived":   words("投诉已归档", "The complaint went on file"),
		"redress.intake.v1.EvidenceAdded":       words("已上传证据", "Evidence was uploaded"),
		"redress.intake.v1.ContactRevealed":     words("有人查看了客户联系方式", "Somebody was shown the customer's contact"),

		"redress.routing.v1.CaseOpened":           words("开始处理", "Work on the complaint began"),
		"redress.routing.v1.StageEntered":         words("进入新阶段", "The case entered another stage"),
		"redress.routing.v1.DepartmentsAssigned":  words("已确定责任部门", "The responsible departments were named"),
		"redress.routing.v1.OwnerNamed":           words("已指定负责人", "The owner of the case was named"),
		"redress.routing.v1.GradeProposed":        words("提出新的定级", "Another grade was proposed"),
		"redress.routing.v1.GradeSigned":          words("定级已签署", "A signature was given on the grade"),
		"redress.routing.v1.GradeSet":             words("定级生效", "A grade is in force"),
		"redress.routing.v1.StepChanged":          words("步骤", "Step"),
		"redress.routing.v1.FindingRecorded":      words("记录了调查结果", "A finding was recorded"),
		"redress.routing.v1.CauseRecorded":        words("原因已查明", "The cause was recorded"),
		"redress.routing.v1.PlanProposed":         words("提出处理方案", "A handling plan was proposed"),
		"redress.routing.v1.PlanSigned":           words("处理方案已签署", "A signature was given on the plan"),
		"redress.routing.v1.PlanApproved":         words("处理方案已批准", "The plan was approved"),
		"redress.routing.v1.PlanStarted":          words("开始执行处理方案", "Carrying out the plan began"),
		"redress.routing.v1.MeasureCompleted":     words("措施已完成", "A measure was completed"),
		"redress.routing.v1.MeasureCancelled":     words("措施已放弃", "A measure was given up"),
		"redress.routing.v1.MeasureDelayed":       words("措施延期", "A measure has another deadline"),
		"redress.routing.v1.PlanCarriedOut":       words("处理方案已执行完毕", "The plan was carried out"),
		"redress.routing.v1.PlanVoided":           words("处理方案作废", "The plan no longer counts"),
		"redress.routing.v1.ProgressRecorded":     words("记录了进展", "Progress was recorded"),
		"redress.routing.v1.ReplySent":            words("已答复客户", "The customer was answered"),
		"redress.routing.v1.RoundStarted":         words("重新处理", "The case is handled again"),
		"redress.routing.v1.SatisfactionRecorded": words("记录了客户满意情况", "The customer's answer was recorded"),
		"redress.routing.v1.CaseBreached":         words("时限逾期", "A time limit was missed"),
		"redress.routing.v1.CaseClosed":           words("案件已关闭", "The case was closed"),
		"redress.routing.v1.CaseWithdrawn":        words("案件因撤回而结束", "The case ended with the withdrawal"),

		"redress.compensation.v1.ClaimRequested": words("已提出赔偿申请", "A claim was submitted"),
		"redress.compensation.v1.ClaimDrafted":   words("待提出赔偿申请", "A claim is owed by the plan"),
		"redress.compensation.v1.ClaimUpdated":   words("赔偿申请已修改", "A claim was changed"),
		"redress.compensation.v1.ClaimSigned":    words("赔偿申请已签署", "A signature was given on a claim"),
		"redress.compensation.v1.ClaimApproved":  words("赔偿申请已批准", "A claim was approved"),
		"redress.compensation.v1.ClaimReturned":  words("赔偿申请被退回", "A claim was returned to its initiator"),
		"redress.compensation.v1.ClaimRefused":   words("赔偿申请被拒绝", "A claim was refused"),
		"redress.compensation.v1.ClaimWithdrawn": words("赔偿申请已撤回", "A claim was taken back"),
		"redress.compensation.v1.NonCashRefused": words("客户不接受非现金方式", "The customer did not accept a non-cash remedy"),
		"redress.compensation.v1.RemedyChanged":  words("赔偿方式已变更", "Another remedy was chosen"),
		"redress.compensation.v1.ClaimChecked":   words("财务已审核资料", "Finance checked the papers"),
		"redress.compensation.v1.PayoutExecuted": words("已下达付款指令", "The order to pay was given"),
		"redress.compensation.v1.ClaimPaid":      words("赔偿已支付", "The payment was confirmed"),
		"redress.compensation.v1.ClaimHeld":      words("赔偿申请被冻结", "A claim is held"),
		"redress.compensation.v1.ClaimReleased":  words("赔偿申请已解冻", "A hold was lifted"),

		"redress.correctiveaction.v1.ActionOpened":      words("已立纠正措施", "A corrective action was opened"),
		"redress.correctiveaction.v1.ActionImplemented": words("纠正措施已实施", "A corrective action was implemented"),
		"redress.correctiveaction.v1.ActionVerified":    words("纠正措施已验证", "A corrective action was verified"),
		"redress.correctiveaction.v1.ActionClosed":      words("纠正措施已归档", "A corrective action went on file"),
		"redress.correctiveaction.v1.ActionCancelled":   words("纠正措施已取消", "A corrective action is no longer owed"),

		"redress.notification.v1.NoticeIssued":      words("已生成通知", "A notice was issued"),
		"redress.notification.v1.NoticeDelivered":   words("通知已送达", "A notice was delivered"),
		"redress.notification.v1.NoticeFailed":      words("通知未能送达", "A notice could not be delivered"),
		"redress.notification.v1.NoticeExpired":     words("通知已过时，未发送", "A notice was no longer worth sending"),
		"redress.notification.v1.NoticeResent":      words("通知重新发送", "A notice is sent again"),
		"redress.notification.v1.FollowUpOpened":    words("待回访", "The customer is to be asked"),
		"redress.notification.v1.FollowUpAnswered":  words("客户已回复回访", "The customer answered"),
		"redress.notification.v1.FollowUpCancelled": words("不再回访", "The customer is no longer asked"),
	}
	maps.Copy(out, furtherSentences())
	return out
}
