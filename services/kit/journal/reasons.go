package journal

import "example.com/redress/services/kit/fault"

// Reasons of this package.
const (
	ReasonNotFound       = "RESOURCE_NOT_FOUND"
	ReasonExists         = "RESOURCE_EXISTS"
	ReasonRequestReused  = "REQUEST_ID_REUSED"
	ReasonEtagMismatch   = "ETAG_MISMATCH"
	ReasonConflict       = "WRITE_CONFLICT"
	ReasonPositionMoved  = "FEED_POSITION_MOVED"
	ReasonTooDeep        = "CAUSE_TOO_DEEP"
	ReasonParkedNotFound = "PARKED_EVENT_NOT_FOUND"
	ReasonUnavailable    = "STORE_UNAVAILABLE"
	ReasonOutcomeUnknown = "STORE_OUTCOME_UNKNOWN"
)

// Reasons returns the catalogue entries of this package.
func Reasons() []fault.Entry {
	return []fault.Entry{
		{ReasonNotFound, fault.NotFound, "找不到 {name}。", "There is no {name}."},
		{ReasonExists, fault.AlreadyExists, "{name} 已存在。", "{name} exists already."},
		{ReasonRequestReused, fault.AlreadyExists, "请求编号 {request_id} 已用于内容不同的请求。", "The request id {request_id} was used for a request with other content."},
		{ReasonEtagMismatch, fault.Aborted, "数据已被更新（当前版本 {current}，提交版本 {etag}），请刷新后重试。", "The resource was changed meanwhile (it is at {current}, you sent {etag}); read it again."},
		{ReasonConflict, fault.Aborted, "多人同时修改，请重试。", "Too many changes at once; try again."},
		{ReasonPositionMoved, fault.Aborted, "来自 {source} 第 {shard} 分片的事件位置已由他处推进。", "The position in shard {shard} of {source} was moved by somebody else."},
		{ReasonTooDeep, fault.FailedPrecondition, "事件连锁超过 {limit} 层。", "More than {limit} causes lie before this event."},
		{ReasonParkedNotFound, fault.NotFound, "{source} 第 {shard} 分片第 {sequence} 号事件未被搁置。", "Event {sequence} in shard {shard} of {source} is not parked."},
		{ReasonUnavailable, fault.Unavailable, "数据库暂不可用，请稍后重试。", "The database is away; try again shortly."},
		{ReasonOutcomeUnknown, fault.Unavailable, "数据库连接中断，本次操作是否生效未知；请以同一请求编号重试。", "The connection to the database broke; whether the call took effect is unknown. Repeat it with the same request id."},
	}
}
