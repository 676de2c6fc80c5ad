package host

import "example.com/redress/services/kit/fault"

// Reasons of this package.
const (
	ReasonStale    = "STALE_READ"
	ReasonNoSource = "POSITION_UNKNOWN"
)

// OwnReasons returns the catalogue entries of this package.
func OwnReasons() []fault.Entry {
	return []fault.Entry{
		{Reason: ReasonStale, Kind: fault.Unavailable, ZH: "来自 {source} 的数据尚未同步到所要求的位置，请稍后重试。", EN: "What {source} wrote has not arrived here yet; try again shortly."},
		{Reason: ReasonNoSource, Kind: fault.Invalid, ZH: "这里不读取 {source} 的事件。", EN: "Nothing of {source} is read here."},
	}
}
