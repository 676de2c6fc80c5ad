package policyservice

import "example.com/redress/services/kit/fault"

// Reasons of this package.
const (
	// ReasonPackInvalid: lint found errors; the violations name file, line and column.
	ReasonPackInvalid = "PACK_INVALID"
	// ReasonParameterUnset: parameters have no value; the violations name each.
	ReasonParameterUnset = "PARAMETER_UNSET"
	// ReasonOwnRevision: whoever stored a revision does not put it in force.
	ReasonOwnRevision = "OWN_REVISION"
	// ReasonRevisionActive: the revision is in force already.
	ReasonRevisionActive = "REVISION_ACTIVE"
	// ReasonPolicyExists: the organisation has a policy in force.
	ReasonPolicyExists = "POLICY_EXISTS"
)

// Reasons returns the catalogue entries of this package.
func Reasons() []fault.Entry {
	const pre = fault.FailedPrecondition
	return []fault.Entry{
		{Reason: ReasonPackInvalid, Kind: fault.Invalid, ZH: "规则包有 {count} 处错误，不能使用。", EN: "The pack has {count} mistakes and cannot be used."},
		{Reason: ReasonParameterUnset, Kind: pre, ZH: "以下参数尚未设定：{parameters}。", EN: "These parameters have no value yet: {parameters}."},
		{Reason: ReasonOwnRevision, Kind: pre, ZH: "不得启用本人保存的修订版，请由另一位政策制定人启用。", EN: "Nobody puts their own revision in force; another policy author must."},
		{Reason: ReasonRevisionActive, Kind: pre, ZH: "{name} 已在执行中。", EN: "{name} is in force already."},
		{Reason: ReasonPolicyExists, Kind: fault.AlreadyExists, ZH: "已有执行中的政策 {name}。", EN: "A policy is in force already: {name}."},
	}
}
