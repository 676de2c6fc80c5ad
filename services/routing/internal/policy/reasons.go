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
	// ReasonNotTested: no run of the scenarios is on record for the revision.
	ReasonNotTested = "PACK_NOT_TESTED"
	// ReasonTestsFailed: the newest run on record is not green.
	ReasonTestsFailed = "TESTS_FAILED"
	// ReasonTestedElsewhere: the run was of another content than the revision's.
	ReasonTestedElsewhere = "TEST_RUN_ELSEWHERE"
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
		{
			Reason: ReasonNotTested, Kind: pre, ZH: "{name} 没有演练记录。请先演练其场景并记录结果（redress policy activate 目录），再由另一位政策制定人启用。",
			EN: "No run of its scenarios is on record for {name}. Play them and record the outcome (redress policy activate FOLDER); then another policy author puts it in force.",
		},
		{
			Reason: ReasonTestsFailed, Kind: pre, ZH: "{name} 最近一次演练未通过：通过 {passed}，失败 {failed}，未被察觉的改动 {survivors}。请修正后重新演练。",
			EN: "The newest run on record for {name} is not green: {passed} passed, {failed} failed, {survivors} changes went unnoticed. Correct it and play the scenarios again.",
		},
		{
			Reason: ReasonTestedElsewhere, Kind: pre, ZH: "演练的内容（{played}）不是 {name} 的内容（{digest}）。请以相同的文本、参数和软件版本重新演练。",
			EN: "What was played ({played}) is not what {name} holds ({digest}). Play the same text with the same parameters, with the version of the suite that serves it.",
		},
		{Reason: ReasonPolicyExists, Kind: fault.AlreadyExists, ZH: "已有执行中的政策 {name}。", EN: "A policy is in force already: {name}."},
	}
}
