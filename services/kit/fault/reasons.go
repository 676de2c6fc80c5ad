package fault

// Reasons that belong to no subject and may come from any service.
const (
	// ReasonInternal: a defect of ours; details are in the log.
	ReasonInternal = "INTERNAL"
	// ReasonUnavailable: something needed is away.
	ReasonUnavailable = "UNAVAILABLE"
	// ReasonDeadline: the call took longer than its caller would wait.
	ReasonDeadline = "DEADLINE_EXCEEDED"
	// ReasonCancelled: the caller gave the call up.
	ReasonCancelled = "CANCELLED"
	// ReasonInvalidRequest: fields of the request break their declared limits.
	ReasonInvalidRequest = "INVALID_REQUEST"
	// ReasonMethodUnknown: the server has no such method.
	ReasonMethodUnknown = "METHOD_UNKNOWN"
	// ReasonTooLarge: a message is larger than the transport takes.
	ReasonTooLarge = "MESSAGE_TOO_LARGE"
)

// Reasons returns the entries of the reasons that any service may answer with.
func Reasons() []Entry {
	return []Entry{
		{ReasonInternal, Internal, "系统内部错误，请联系管理员。", "Something went wrong on our side; the operator has been told."},
		{ReasonUnavailable, Unavailable, "服务暂不可用，请稍后重试。", "A needed service is away; try again shortly."},
		{ReasonDeadline, Unavailable, "处理超时，请稍后重试。", "The call took too long; try again shortly."},
		{ReasonCancelled, Unavailable, "调用已被取消。", "The call was given up by its caller."},
		{ReasonInvalidRequest, Invalid, "请求内容不符合要求。", "The request breaks declared limits."},
		{ReasonMethodUnknown, Unavailable, "没有这个方法：{method}。", "There is no such method: {method}."},
		{ReasonTooLarge, Exhausted, "消息过大。", "The message is too large."},
	}
}
