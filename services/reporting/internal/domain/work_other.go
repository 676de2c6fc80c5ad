package domain

import (
	"strings"

	compensationv1 "example.com/redress/proto/gen/redress/compensation/v1"
	correctiveactionv1 "example.com/redress/proto/gen/redress/correctiveaction/v1"
	notificationv1 "example.com/redress/proto/gen/redress/notification/v1"
	reportingv1 "example.com/redress/proto/gen/redress/reporting/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

const (
	methodSubmit    = "redress.compensation.v1.CompensationService.SubmitClaim"
	methodSignClaim = "redress.compensation.v1.CompensationService.SignClaim"
	methodCheck     = "redress.compensation.v1.CompensationService.CheckPayable"
	methodExecute   = "redress.compensation.v1.CompensationService.ExecutePayout"
	methodConfirm   = "redress.compensation.v1.CompensationService.ConfirmPayout"
	methodImplement = "redress.correctiveaction.v1.CorrectiveActionService.ImplementAction"
	methodVerified  = "redress.correctiveaction.v1.CorrectiveActionService.VerifyAction"
	methodFollowUp  = "redress.notification.v1.NotificationService.RecordFollowUp"
	methodResend    = "redress.notification.v1.NotificationService.ResendNotice"
)

// Methods returns the RPCs that do work, by full name.
func Methods() []string {
	return []string{
		methodVerify, methodStep, methodGrade, methodPropose, methodSign, methodStart, methodComplete, methodReply, methodClose,
		methodSubmit, methodSignClaim, methodCheck, methodExecute, methodConfirm, methodImplement, methodVerified, methodFollowUp, methodResend,
	}
}

// claims: a claim waits for its initiator, its signatories, then for finance.
func (c *collector) claims() {
	for _, k := range c.m.Claims {
		switch k.GetState() {
		case compensationv1.Claim_STATE_DRAFT, compensationv1.Claim_STATE_RETURNED:
			c.submit(k)
		case compensationv1.Claim_STATE_SUBMITTED:
			c.sign(k.GetName(), methodSignClaim, k.GetApproval())
		case compensationv1.Claim_STATE_APPROVED:
			c.payable(k, methodCheck, "审核应付赔偿的资料", "Check the papers of the payable")
		case compensationv1.Claim_STATE_CHECKED:
			c.payable(k, methodExecute, "执行付款", "Execute the payout")
		case compensationv1.Claim_STATE_EXECUTED:
			c.payable(k, methodConfirm, "确认付款", "Confirm the payment")
		case compensationv1.Claim_STATE_UNSPECIFIED, compensationv1.Claim_STATE_PAID, compensationv1.Claim_STATE_REFUSED,
			compensationv1.Claim_STATE_WITHDRAWN, compensationv1.Claim_STATE_HELD:
		}
	}
}

func (c *collector) submit(k *compensationv1.Claim) {
	text, who := words("提出赔偿申请", "Submit the claim"), c.rules().GetCompensation().GetInitiators()
	if k.GetState() == compensationv1.Claim_STATE_RETURNED {
		text = words("修改被退回的赔偿申请", "Revise the returned claim")
	}
	if k.GetInitiator() != "" {
		who = []string{k.GetInitiator()}
	}
	c.add(reportingv1.WorkItem_KIND_CLAIM, methodSubmit, item(k.GetName(), k.GetUpdateTime(), k.GetGroundRule(), text, staff(who)...))
}

func (c *collector) payable(k *compensationv1.Claim, method, zh, en string) {
	c.add(reportingv1.WorkItem_KIND_PAYABLE, method, item(k.GetName(), k.GetUpdateTime(), k.GetApproval().GetRule(), words(zh, en)))
}

// actions: an action waits to be approved, implemented, and verified by another
// person than who implemented it.
func (c *collector) actions() {
	for _, a := range c.m.Actions {
		who := []string(nil)
		switch {
		case a.GetOwner() != "":
			who = []string{a.GetOwner()}
		case a.GetDepartment() != "":
			who = []string{"anyone@" + strings.TrimPrefix(a.GetDepartment(), "departments/")}
		}
		switch a.GetState() {
		case correctiveactionv1.Action_STATE_OPEN:
			if a.GetApproval().GetState() == typev1.Approval_STATE_OPEN {
				continue // nothing to implement before it is approved
			}
			w := item(a.GetName(), a.GetCreateTime(), a.GetRule(), titled("实施纠正措施", "Implement the corrective action", nil, ""), who...)
			w.Item.DueTime = a.GetDueTime()
			c.add(reportingv1.WorkItem_KIND_ACTION, methodImplement, w.by(c.m.clock(a.GetClock())))
		case correctiveactionv1.Action_STATE_IMPLEMENTED:
			w := item(a.GetName(), a.GetImplementation().GetImplementTime(), a.GetRule(), words("验证纠正措施的效果", "Verify that the corrective action is effective"))
			w.Barred = []string{a.GetImplementation().GetPrincipal()}
			c.add(reportingv1.WorkItem_KIND_ACTION, methodVerified, w)
		case correctiveactionv1.Action_STATE_UNSPECIFIED, correctiveactionv1.Action_STATE_VERIFIED,
			correctiveactionv1.Action_STATE_CLOSED, correctiveactionv1.Action_STATE_CANCELLED:
		}
	}
}

// followUps: a customer is to be asked, by somebody who did not handle the case.
func (c *collector) followUps() {
	for _, f := range c.m.FollowUps {
		if f.GetState() != notificationv1.FollowUp_STATE_OPEN {
			continue
		}
		var who []string
		for _, def := range c.rules().GetFollowUp() {
			if def.GetId() == f.GetKind() {
				who = staff(def.GetBy())
			}
		}
		w := item(f.GetName(), f.GetOpenTime(), f.GetRule(), titled("回访客户：", "Follow up with the customer: ", f.GetRule().GetText(), f.GetKind()), who...)
		w.Barred = f.GetHandlers()
		c.add(reportingv1.WorkItem_KIND_FOLLOW_UP, methodFollowUp, w.by(c.m.counting(c.m.Case.GetName(), f.GetKind())))
	}
}

// deliveries: a notice nobody received; a person must tell them.
func (c *collector) deliveries() {
	for _, n := range c.m.Notices {
		text := words("通知未能送达，请设法告知", "A notice could not be delivered; tell them another way")
		switch n.GetState() {
		case notificationv1.Notice_STATE_FAILED:
		case notificationv1.Notice_STATE_NO_ADDRESS:
			text = words("没有可用的联系方式，请设法告知", "There is no address to send a notice to; tell them another way")
		case notificationv1.Notice_STATE_UNSPECIFIED, notificationv1.Notice_STATE_PENDING,
			notificationv1.Notice_STATE_DELIVERED, notificationv1.Notice_STATE_EXPIRED:
			continue
		}
		since := n.GetCreateTime()
		if tries := n.GetAttempts(); len(tries) > 0 {
			since = tries[len(tries)-1].GetAttemptTime()
		}
		c.add(reportingv1.WorkItem_KIND_DELIVERY, methodResend, item(n.GetName(), since, n.GetRule(), text, c.handlers()...))
	}
}
