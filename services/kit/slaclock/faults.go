package slaclock

import (
	"time"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	"example.com/redress/services/kit/fault"
)

// Reasons of this package.
const (
	// ReasonNotRunning: the act needs a clock that counts.
	ReasonNotRunning = "CLOCK_NOT_RUNNING"
	// ReasonNotPaused: only a paused clock can be resumed.
	ReasonNotPaused = "CLOCK_NOT_PAUSED"
	// ReasonExtensionRefused: the new due instant is not later than the present one.
	ReasonExtensionRefused = "CLOCK_EXTENSION_REFUSED"
	// ReasonTimeOrder: the act lies before one that the clock has already taken in.
	ReasonTimeOrder = "CLOCK_TIME_ORDER"
	// ReasonCalendarDiffers: the clock was computed on another calendar.
	ReasonCalendarDiffers = "CLOCK_CALENDAR_DIFFERS"
	// ReasonSpecInvalid: a clock cannot be started from this specification; lint should have refused it.
	ReasonSpecInvalid = "CLOCK_SPEC_INVALID"
)

// Reasons returns the catalogue entries of this package.
func Reasons() []fault.Entry {
	return []fault.Entry{
		{
			Reason: ReasonNotRunning, Kind: fault.FailedPrecondition,
			ZH: "时限 {clock} 当前状态为 {state}，不能执行该操作。", EN: "The clock {clock} is {state}; this needs one that is running.",
		},
		{
			Reason: ReasonNotPaused, Kind: fault.FailedPrecondition,
			ZH: "时限 {clock} 当前状态为 {state}，未处于暂停。", EN: "The clock {clock} is {state}, not paused.",
		},
		{
			Reason: ReasonExtensionRefused, Kind: fault.FailedPrecondition,
			ZH: "时限 {clock} 不能延长至 {wanted}：须晚于现到期时间 {due}。", EN: "The clock {clock} cannot be extended to {wanted}: it must be later than its due time {due}.",
		},
		{
			Reason: ReasonTimeOrder, Kind: fault.FailedPrecondition,
			ZH: "时限 {clock}：{at} 早于已记录的 {recorded}。", EN: "The clock {clock}: {at} is before {recorded}, which is already on record.",
		},
		{
			Reason: ReasonCalendarDiffers, Kind: fault.FailedPrecondition,
			ZH: "时限 {clock} 按日历 {recorded} 计算，而非 {given}。", EN: "The clock {clock} was computed on calendar {recorded}, not {given}.",
		},
		{
			Reason: ReasonSpecInvalid, Kind: fault.Internal,
			ZH: "时限 {clock} 的设置 {field} 无效。", EN: "The clock {clock} has an invalid {field}.",
		},
	}
}

func notRunning(c *clockv1.Clock) error {
	return fault.New(fault.FailedPrecondition, ReasonNotRunning, "clock", c.GetName(), "state", word(c))
}

func timeOrder(c *clockv1.Clock, at, recorded time.Time) error {
	return fault.New(fault.FailedPrecondition, ReasonTimeOrder, "clock", c.GetName(),
		"at", at.Format(time.RFC3339), "recorded", recorded.Format(time.RFC3339))
}

// word names the state, or the outcome of a stopped clock, as its enum does
// without the prefix: RUNNING, PAUSED, BREACHED, MET, MET_LATE, CANCELLED.
func word(c *clockv1.Clock) string {
	if c.GetState() == clockv1.Clock_STATE_STOPPED {
		return c.GetOutcome().String()[len("OUTCOME_"):]
	}
	return c.GetState().String()[len("STATE_"):]
}
