package domain

import "example.com/redress/services/kit/fault"

// Reasons of intake.
const (
	ReasonChannelUnknown   = "CHANNEL_UNKNOWN"
	ReasonChannelNoOwner   = "CHANNEL_WITHOUT_OWNER"
	ReasonCategoryUnknown  = "CATEGORY_UNKNOWN"
	ReasonReceivedInFuture = "RECEIVE_TIME_IN_FUTURE"
	ReasonFormIncomplete   = "FORM_INCOMPLETE"
	ReasonFormUnknown      = "FORM_UNKNOWN"
	ReasonState            = "COMPLAINT_STATE"
	ReasonTooLarge         = "EVIDENCE_TOO_LARGE"
	ReasonType             = "EVIDENCE_TYPE"
	ReasonLimit            = "EVIDENCE_LIMIT"
	ReasonDigest           = "EVIDENCE_DIGEST"
	ReasonFileName         = "FILE_NAME"
	ReasonUpload           = "UPLOAD_ORDER"
	ReasonLink             = "LINK_INVALID"
	ReasonRepeat           = "REPEAT_UNKNOWN"
)

// Reasons returns the catalogue entries of this package.
func Reasons() []fault.Entry {
	return append(reasonsOfJudgement(), []fault.Entry{
		{Reason: ReasonChannelUnknown, Kind: fault.Invalid, ZH: "政策包没有渠道 {channel}，可用：{allowed}。", EN: "The policy has no channel {channel}; it has {allowed}."},
		{Reason: ReasonChannelNoOwner, Kind: fault.FailedPrecondition, ZH: "渠道 {channel} 尚未指定负责人，请先在通讯录中指定。", EN: "Channel {channel} has no owner; name one in the directory first."},
		{Reason: ReasonCategoryUnknown, Kind: fault.Invalid, ZH: "政策包没有类别 {category}，可用：{allowed}。", EN: "The policy has no category {category}; it has {allowed}."},
		{Reason: ReasonReceivedInFuture, Kind: fault.Invalid, ZH: "接收时间 {receive_time} 晚于当前时间 {now}。", EN: "The complaint cannot have been received at {receive_time}: it is {now} now."},
		{Reason: ReasonFormIncomplete, Kind: fault.Invalid, ZH: "表单 {form} 填写不完整或有误。", EN: "Form {form} is not complete or not right."},
		{Reason: ReasonFormUnknown, Kind: fault.Invalid, ZH: "政策包没有关于投诉的表单 {form}。", EN: "The policy has no form {form} about complaints."},
		{Reason: ReasonState, Kind: fault.FailedPrecondition, ZH: "投诉当前为 {state}，此操作需要 {wanted}。", EN: "The complaint is {state}; this needs {wanted}."},
		{Reason: ReasonTooLarge, Kind: fault.Exhausted, ZH: "文件超过 {limit} 字节。", EN: "The file is larger than {limit} bytes."},
		{Reason: ReasonType, Kind: fault.Invalid, ZH: "不接受这种文件（{type}），可用：{allowed}。", EN: "Files of type {type} are not taken; these are: {allowed}."},
		{Reason: ReasonLimit, Kind: fault.Exhausted, ZH: "一件投诉最多 {files} 个文件、共 {bytes} 字节。", EN: "A complaint takes {files} files of {bytes} bytes together."},
		{Reason: ReasonDigest, Kind: fault.Invalid, ZH: "文件内容与摘要不符，传输可能出错，请重传。", EN: "The content does not have the digest given; send it again."},
		{Reason: ReasonFileName, Kind: fault.Invalid, ZH: "文件名不能包含路径或控制字符。", EN: "A file name must not contain a path or control characters."},
		{Reason: ReasonUpload, Kind: fault.Invalid, ZH: "上传须先发送一次文件信息，再发送内容。", EN: "An upload is one header and then chunks."},
		{Reason: ReasonLink, Kind: fault.NotFound, ZH: "链接无效或已过期。", EN: "The link is not valid or has expired."},
		{Reason: ReasonRepeat, Kind: fault.Invalid, ZH: "找不到所重复的投诉 {complaint}。", EN: "There is no complaint {complaint} that this one could repeat."},
	}...)
}
