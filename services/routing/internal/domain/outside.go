package domain

import (
	"strings"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// CloseOutside closes the case of a complaint that intake found to be none of the
// procedure's, with that outcome. A case that is closed or withdrawn stays as it is.
//
// Source: PACK-SKETCH 2.2 (Outside).
func (d *Decision) CloseOutside(outcome string, rule *typev1.RuleRef) {
	if d.open() != nil {
		return
	}
	d.because(rule)
	d.close(strings.ToLower(outcome))
}
