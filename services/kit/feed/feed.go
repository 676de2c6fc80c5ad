// Package feed carries the events of one service's journal to the others.
//
// A [Server] streams a journal from any position, woken by commits. A [Consumer]
// reads one source and applies each event in a write of its own journal that
// moves the position in the same transaction, by comparing the one it read: so an
// event has its effect exactly once, whoever else consumes, and there is neither
// broker nor inbox. Leases spread the shards among replicas; they are never what
// makes it right. Events that fail for good are parked with those that follow
// them in the same complaint, and retried by an operator through the
// ConsumerService ([NewConsumerServer]).
//
// The package knows no business: what an event leads to is the [ApplyFunc].
//
// Reading order: server.go, consumer.go, session.go (one connection), apply.go
// (one batch), parked.go, lease.go.
//
// Source: DESIGN section 4; docs/adr/0003.
package feed

import (
	// Every event type of the suite is linked in, so that a type nobody here knows
	// is one of a newer binary and not one that nobody happened to import.
	_ "example.com/redress/proto/gen/redress/clock/v1"
	_ "example.com/redress/proto/gen/redress/compensation/v1"
	_ "example.com/redress/proto/gen/redress/correctiveaction/v1"
	_ "example.com/redress/proto/gen/redress/directory/v1"
	_ "example.com/redress/proto/gen/redress/intake/v1"
	_ "example.com/redress/proto/gen/redress/notification/v1"
	_ "example.com/redress/proto/gen/redress/policy/v1"
	_ "example.com/redress/proto/gen/redress/reporting/v1"
	_ "example.com/redress/proto/gen/redress/routing/v1"
	"example.com/redress/services/kit/fault"
)

// Reasons of this package.
const (
	// ReasonRewound: a source's journal is shorter than what was applied of it, or another one.
	ReasonRewound = "SOURCE_REWOUND"
	// ReasonShardUnknown: a subscription names a shard the source does not have, or one twice.
	ReasonShardUnknown = "FEED_SHARD_UNKNOWN"
	// ReasonTypeUnknown: this binary is too old for an event.
	ReasonTypeUnknown = "EVENT_TYPE_UNKNOWN"
	// ReasonUnreadable: an event's body cannot be decoded.
	ReasonUnreadable = "EVENT_UNREADABLE"
	// ReasonWaits: an earlier event of the same complaint is parked.
	ReasonWaits = "PARKED_EVENT_WAITS"
	// ReasonFailsAgain: a parked event was retried in vain.
	ReasonFailsAgain = "PARKED_EVENT_FAILS_AGAIN"
	// ReasonBehind: what was asked for has not been applied here in time.
	ReasonBehind = "FEED_BEHIND"
	// ReasonStopping: the server ends its streams because it stops.
	ReasonStopping = "FEED_STOPPING"
	// ReasonOutOfOrder: a source sent something else than the next event; a defect of it.
	ReasonOutOfOrder = "FEED_OUT_OF_ORDER"
)

// Reasons returns the catalogue entries of this package.
func Reasons() []fault.Entry {
	return []fault.Entry{
		{
			Reason: ReasonRewound, Kind: fault.DataLoss,
			ZH: "{source} 第 {shard} 分片已不含位置 {sequence} 处的原事件：它从较早的备份恢复过。请将消费方一并恢复到同一时间点。",
			EN: "{source} no longer has the event once at {sequence} of shard {shard}: it was restored from an older copy. Restore its consumers to the same time.",
		},
		{Reason: ReasonShardUnknown, Kind: fault.Invalid, ZH: "{source} 没有分片 {shard}，或该分片重复。", EN: "{source} has no shard {shard}, or it was named twice."},
		{Reason: ReasonTypeUnknown, Kind: fault.FailedPrecondition, ZH: "本程序版本不认识事件类型 {type}。", EN: "This version of the program does not know events of type {type}."},
		{Reason: ReasonUnreadable, Kind: fault.DataLoss, ZH: "事件内容无法解读。", EN: "The event cannot be decoded."},
		{Reason: ReasonWaits, Kind: fault.FailedPrecondition, ZH: "同一投诉较早的事件尚被搁置。", EN: "An earlier event of the same complaint is parked."},
		{Reason: ReasonFailsAgain, Kind: fault.FailedPrecondition, ZH: "被搁置的事件重试仍失败：{cause}。", EN: "The parked event fails again: {cause}."},
		{Reason: ReasonBehind, Kind: fault.Unavailable, ZH: "来自 {source} 的数据尚未同步到所需位置，请稍后重试。", EN: "What came from {source} has not been applied here yet; try again shortly."},
		{Reason: ReasonStopping, Kind: fault.Unavailable, ZH: "服务正在停止，请重新连接。", EN: "The server is stopping; connect again."},
		{Reason: ReasonOutOfOrder, Kind: fault.Internal, ZH: "{source} 第 {shard} 分片的事件次序有误。", EN: "{source} sent the events of shard {shard} out of order."},
	}
}
