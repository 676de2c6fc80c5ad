package domain

import "example.com/redress/services/kit/fault"

// Reasons of reporting.
const (
	// ReasonReportUnknown: the pack in force has no such report.
	ReasonReportUnknown = "REPORT_UNKNOWN"
	// ReasonPeriod: the period is not of the length the pack says.
	ReasonPeriod = "REPORT_PERIOD"
	// ReasonPer: the pack does not make the report for each of something.
	ReasonPer = "REPORT_PER"
	// ReasonWords: the pack wants words in the report, or wants none.
	ReasonWords = "REPORT_WORDS"
	// ReasonPeriodNotOver: the period has not ended yet.
	ReasonPeriodNotOver = "PERIOD_NOT_OVER"
)

// Reasons returns the catalogue entries of this package.
func Reasons() []fault.Entry {
	return []fault.Entry{
		{Reason: ReasonReportUnknown, Kind: fault.Invalid, ZH: "政策包没有报表 {report}，可用：{allowed}。", EN: "The policy has no report {report}; it has {allowed}."},
		{Reason: ReasonPeriod, Kind: fault.Invalid, ZH: "{period} 不是该报表的期间，应写如 {wanted}。", EN: "{period} is no period of this report; write one like {wanted}."},
		{Reason: ReasonPer, Kind: fault.Invalid, ZH: "该报表不分对象编制，不能写 per。", EN: "The policy does not make this report for each of something; leave per out."},
		{Reason: ReasonWords, Kind: fault.Invalid, ZH: "该报表{wanted}文字说明。", EN: "This report: words are {wanted}."},
		{Reason: ReasonPeriodNotOver, Kind: fault.FailedPrecondition, ZH: "{period} 尚未结束（至 {end}），此时不能出报表。", EN: "{period} is not over before {end}; a report can be made then."},
	}
}
