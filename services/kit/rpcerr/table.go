// Package rpcerr holds the only table between faults and gRPC statuses: the
// server half puts a fault on the wire, the client half takes it off again as
// the same fault.
//
// It decides nothing about meaning; that is package fault. Start reading at
// [Table.Status] and [FromStatus].
package rpcerr

import (
	"google.golang.org/grpc/codes"

	"example.com/redress/services/kit/fault"
)

// Domain is the domain of every google.rpc.ErrorInfo of the suite.
const Domain = "redress"

// row is one line of the table. An empty reason stands for every reason of the
// kind that has no line of its own; such a line also names the fault that a
// status without ErrorInfo becomes.
type row struct {
	kind   fault.Kind
	reason string
	code   codes.Code
	plain  string
}

// rows returns the table; lines with a reason come before those without.
//
// Cancellation, deadline and an unknown method have codes of their own in gRPC
// but mean the same to a caller: not now. A method may be unknown because the
// server is older than its caller, so repeating it later is right.
//
// Source: STYLE section 6.
func rows() []row {
	return []row{
		{fault.Unavailable, fault.ReasonDeadline, codes.DeadlineExceeded, fault.ReasonDeadline},
		{fault.Unavailable, fault.ReasonCancelled, codes.Canceled, fault.ReasonCancelled},
		{fault.Unavailable, fault.ReasonMethodUnknown, codes.Unimplemented, fault.ReasonMethodUnknown},
		{fault.Invalid, "", codes.InvalidArgument, fault.ReasonInvalidRequest},
		{fault.NotFound, "", codes.NotFound, "RESOURCE_NOT_FOUND"},
		{fault.AlreadyExists, "", codes.AlreadyExists, "RESOURCE_EXISTS"},
		{fault.FailedPrecondition, "", codes.FailedPrecondition, "STATE_REFUSED"},
		{fault.Aborted, "", codes.Aborted, "CONFLICT"},
		{fault.Unauthenticated, "", codes.Unauthenticated, "CALLER_UNKNOWN"},
		{fault.PermissionDenied, "", codes.PermissionDenied, "METHOD_DENIED"},
		{fault.Exhausted, "", codes.ResourceExhausted, fault.ReasonTooLarge},
		{fault.Unavailable, "", codes.Unavailable, fault.ReasonUnavailable},
		{fault.DataLoss, "", codes.DataLoss, "DATA_LOSS"},
		{fault.Internal, "", codes.Internal, fault.ReasonInternal},
		{fault.Invalid, "", codes.OutOfRange, fault.ReasonInvalidRequest},
		{fault.Internal, "", codes.Unknown, fault.ReasonInternal},
	}
}

// Code returns the gRPC code of a fault of the kind and reason.
func Code(kind fault.Kind, reason string) codes.Code {
	for _, r := range rows() {
		if r.kind == kind && (r.reason == "" || r.reason == reason) {
			return r.code
		}
	}
	return codes.Internal
}

// plain returns kind and reason of a status that carries no ErrorInfo.
func plain(code codes.Code) (fault.Kind, string) {
	for _, r := range rows() {
		if r.code == code {
			return r.kind, r.plain
		}
	}
	return fault.Internal, fault.ReasonInternal
}

// Reasons returns the entries that the table itself names, for statuses that
// did not come from the suite.
func Reasons() []fault.Entry {
	return []fault.Entry{
		{Reason: "RESOURCE_NOT_FOUND", Kind: fault.NotFound, ZH: "找不到 {name}。", EN: "There is no {name}."},
		{Reason: "RESOURCE_EXISTS", Kind: fault.AlreadyExists, ZH: "{name} 已存在。", EN: "{name} exists already."},
		{Reason: "STATE_REFUSED", Kind: fault.FailedPrecondition, ZH: "当前状态不允许此操作。", EN: "The present state does not allow this."},
		{Reason: "CONFLICT", Kind: fault.Aborted, ZH: "内容已被他人修改，请重新读取后再试。", EN: "Somebody else was faster; read again and retry."},
		{Reason: "CALLER_UNKNOWN", Kind: fault.Unauthenticated, ZH: "请先登录。", EN: "Say who you are first."},
		{Reason: "METHOD_DENIED", Kind: fault.PermissionDenied, ZH: "您没有执行此操作的权限。", EN: "You may not do this."},
		{Reason: "DATA_LOSS", Kind: fault.DataLoss, ZH: "数据缺失或损坏，请联系管理员。", EN: "Stored data is missing or damaged; tell the operator."},
	}
}
