package domain

import "example.com/redress/services/kit/fault"

// Reasons of judging, papers and what lies outside the procedure.
const (
	ReasonNotRegistered   = "NOT_REGISTERED"
	ReasonWindow          = "WINDOW_CLOSED"
	ReasonJudgementOpen   = "JUDGEMENT_OPEN"
	ReasonDocumentUnknown = "DOCUMENT_UNKNOWN"
	ReasonGroundUnknown   = "GROUND_UNKNOWN"
	ReasonPraiseUnknown   = "PRAISE_OF_UNKNOWN"
)

func reasonsOfJudgement() []fault.Entry {
	return []fault.Entry{
		{Reason: ReasonNotRegistered, Kind: fault.FailedPrecondition, ZH: "按规定 {rule}，此类事项不登记。", EN: "By rule {rule} such a matter is not registered."},
		{Reason: ReasonWindow, Kind: fault.FailedPrecondition, ZH: "已超过期限（规定 {rule}，截至 {last}）。", EN: "It comes too late: by rule {rule} the last day was {last}."},
		{Reason: ReasonJudgementOpen, Kind: fault.Invalid, ZH: "政策包没有可据以判定的规定，请给出判定结果。", EN: "No rule of the policy decides this; say whether the complaint stands."},
		{Reason: ReasonDocumentUnknown, Kind: fault.Invalid, ZH: "政策包没有这种材料，可用：{allowed}。", EN: "The policy has no such kind of document; it has {allowed}."},
		{Reason: ReasonGroundUnknown, Kind: fault.Invalid, ZH: "政策包没有事由 {ground}，可用：{allowed}。", EN: "The policy has no ground {ground}; it has {allowed}."},
		{Reason: ReasonPraiseUnknown, Kind: fault.Invalid, ZH: "通讯录中没有 {name}。", EN: "The directory has no {name}."},
	}
}
