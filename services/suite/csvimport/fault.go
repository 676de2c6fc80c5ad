package csvimport

import (
	"errors"
	"slices"

	"example.com/redress/services/kit/fault"
)

func faultReason(err error) string { return fault.ReasonOf(err) }

// faultFields are the fields that a fault is about, each once.
func faultFields(err error) []string {
	var f *fault.Error
	if !errors.As(err, &f) {
		return nil
	}
	var out []string
	for _, v := range f.Violations {
		out = append(out, v.Field)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
