package domain

import "example.com/redress/services/kit/fault"

// Reasons of notification.
const (
	ReasonNoticeState   = "NOTICE_STATE"
	ReasonAddress       = "RECEIVER_ADDRESS"
	ReasonReceiverName  = "RECEIVER_NAME"
	ReasonFollowUpState = "FOLLOW_UP_STATE"
	ReasonHandler       = "FOLLOW_UP_HANDLER"
	ReasonForm          = "FORM_INCOMPLETE"
	ReasonMode          = "FOLLOW_UP_MODE"
	ReasonLink          = "LINK_INVALID"
	ReasonNoticeUnknown = "NOTICE_UNKNOWN"
	ReasonNoticeChoice  = "NOTICE_CHOICE"
)

// Reasons of attempts that failed before they reached a sender, for the delivery log.
const (
	// AttemptErased: the person was erased, there is no address any more (final).
	AttemptErased = "RECIPIENT_ERASED"
	// AttemptReceiver: the receiver is gone or switched off (final).
	AttemptReceiver = "RECEIVER_OFF"
	// AttemptPrepare: key or link could not be had from intake (retry).
	AttemptPrepare = "DELIVERY_NOT_PREPARED"
	// AttemptChannel: the operator has configured no way to send by this medium (retry).
	AttemptChannel = "DELIVERY_CHANNEL_OFF"
)

// Reasons returns the catalogue entries of this package.
func Reasons() []fault.Entry {
	return []fault.Entry{
		{Reason: ReasonNoticeState, Kind: fault.FailedPrecondition, ZH: "通知当前为 {state}，此操作需要 {wanted}。", EN: "The notice is {state}; this needs {wanted}."},
		{Reason: ReasonAddress, Kind: fault.Invalid, ZH: "接收地址无效：仅接受 https；仅在允许内部网络时接受 http。", EN: "The receiver's address is not valid: https, or http where private networks are allowed."},
		{Reason: ReasonReceiverName, Kind: fault.Invalid, ZH: "接收方名称应为 receivers/ 加小写字母、数字或连字符。", EN: "A receiver is named receivers/ and lower-case letters, digits or hyphens."},
		{Reason: ReasonFollowUpState, Kind: fault.FailedPrecondition, ZH: "回访当前为 {state}，此操作需要 {wanted}。", EN: "The follow-up is {state}; this needs {wanted}."},
		{Reason: ReasonHandler, Kind: fault.FailedPrecondition, ZH: "参与处理的人员不得录入回访结果。", EN: "Who handled the case may not enter the customer's answer."},
		{Reason: ReasonForm, Kind: fault.Invalid, ZH: "表单 {form} 填写不完整或有误。", EN: "Form {form} is not complete or not right."},
		{Reason: ReasonMode, Kind: fault.Invalid, ZH: "回访方式应为 telephone、visit 或 letter。", EN: "A follow-up is recorded by telephone, visit or letter."},
		{Reason: ReasonLink, Kind: fault.NotFound, ZH: "链接无效、已过期或已经使用过。", EN: "The link is not valid, has expired or was used already."},
		{Reason: ReasonNoticeUnknown, Kind: fault.NotFound, ZH: "政策包没有通知 {notice}。", EN: "The pack has no notice {notice}."},
		{Reason: ReasonNoticeChoice, Kind: fault.Invalid, ZH: "通知没有选项 {choice}；可选：{allowed}。", EN: "The notice has no choice {choice}; it has {allowed}."},
		{Reason: AttemptErased, Kind: fault.FailedPrecondition, ZH: "当事人信息已删除，无法送达。", EN: "The person was erased; there is no address any more."},
		{Reason: AttemptReceiver, Kind: fault.FailedPrecondition, ZH: "接收方已停用或不存在。", EN: "The receiver is switched off or gone."},
		{Reason: AttemptPrepare, Kind: fault.Unavailable, ZH: "暂时无法准备通知内容。", EN: "The notice cannot be prepared now."},
		{Reason: AttemptChannel, Kind: fault.Unavailable, ZH: "尚未配置这种发送方式。", EN: "No way to send by this medium is configured."},
	}
}
