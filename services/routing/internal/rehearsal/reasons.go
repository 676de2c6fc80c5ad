package rehearsal

import "example.com/redress/services/kit/fault"

// ReasonPack says that exactly one of revision and source has to name the pack to try.
const ReasonPack = "SIMULATION_PACK"

// Reasons returns the catalogue entries of this package.
func Reasons() []fault.Entry {
	return []fault.Entry{
		{Reason: ReasonPack, Kind: fault.Invalid, ZH: "请指定已存的版本或规则包原文，二者取一。", EN: "Name a stored revision or give a pack: one of the two."},
	}
}
