package clocks

import (
	"time"

	clockv1 "example.com/redress/proto/gen/redress/clock/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/slaclock"
)

// ReasonNotFound says that there is no such clock, or the caller may not know of it.
const ReasonNotFound = "CLOCK_NOT_FOUND"

// Reasons returns the catalogue entries of this package and of slaclock, whose
// refusals reach callers through it.
func Reasons() []fault.Entry {
	return append(slaclock.Reasons(), fault.Entry{
		Reason: ReasonNotFound, Kind: fault.NotFound, ZH: "找不到时限 {name}。", EN: "There is no clock {name}.",
	})
}

// notFound turns the journal's fault of an absent resource into ours.
func notFound(err error, name string) error {
	if fault.KindOf(err) == fault.NotFound {
		return fault.New(fault.NotFound, ReasonNotFound, "name", name)
	}
	return err
}

// extensionRefused says that the pack provides for no extension.
func extensionRefused(c *clockv1.Clock, wanted time.Time) error {
	due := "-"
	if c.GetDueTime() != nil {
		due = c.GetDueTime().AsTime().Format(time.RFC3339)
	}
	return fault.New(fault.FailedPrecondition, slaclock.ReasonExtensionRefused, "clock", c.GetName(), "wanted", wanted.Format(time.RFC3339), "due", due)
}
