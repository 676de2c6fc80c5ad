package domain

import "example.com/redress/services/kit/fault"

// Reasons of reporting.
const (
	// ReasonReportUnknown: the pack in force has no such report.
	ReasonReportUnknown = "REPORT_UNKNOWN"
	// ReasonPeriodNotOver: the month has not ended yet.
	ReasonPeriodNotOver = "PERIOD_NOT_OVER"
)

// Reasons returns the catalogue entries of this package.
func Reasons() []fault.Entry {
	return []fault.Entry{
		{Reason: ReasonReportUnknown, Kind: fault.Invalid, ZH: "政策包没有报表 {report}，可用：{allowed}。", EN: "The policy has no report {report}; it has {allowed}."},
		{Reason: ReasonPeriodNotOver, Kind: fault.FailedPrecondition, ZH: "{period} 尚未结束（至 {end}），此时不能出报表。", EN: "{period} is not over before {end}; a report can be made then."},
	}
}
