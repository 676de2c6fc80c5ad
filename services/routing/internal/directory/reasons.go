package directory

import (
	"slices"

	kit "example.com/redress/services/kit/directory"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/journal"
	"example.com/redress/services/kit/seal"
)

// Reasons of this package.
const (
	// ReasonOwnFunctions: nobody gives themselves functions or roles.
	ReasonOwnFunctions = "OWN_FUNCTIONS"
	// ReasonPeriod: a period ends before it begins, or has no end and needs one.
	ReasonPeriod = "INVALID_PERIOD"
	// ReasonNotOwn: the delegation is not the caller's to give or end.
	ReasonNotOwn = "DELEGATION_NOT_OWN"
	// ReasonOrganizationExists: the organisation has people already.
	ReasonOrganizationExists = "ORGANIZATION_EXISTS"
	// ReasonTable: the first directory of an organisation has violations.
	ReasonTable = "DIRECTORY_TABLE_INVALID"

	// ReasonTableUnreadable and what follows are about single rows and cells of a table.
	ReasonTableUnreadable = "TABLE_UNREADABLE"
	ReasonTableEncoding   = "TABLE_ENCODING"
	ReasonTableLong       = "TABLE_TOO_LONG"
	ReasonColumnUnknown   = "COLUMN_UNKNOWN"
	ReasonColumnRepeated  = "COLUMN_REPEATED"
	ReasonColumnMissing   = "COLUMN_MISSING"
	ReasonCellCount       = "CELL_COUNT"
	ReasonCellRequired    = "CELL_REQUIRED"
	ReasonCellUnused      = "CELL_UNUSED"
	ReasonCellLong        = "CELL_TOO_LONG"
	ReasonCellPattern     = "CELL_PATTERN"
	ReasonRecordUnknown   = "RECORD_UNKNOWN"
	ReasonRowRepeated     = "ROW_REPEATED"
	ReasonFunctionUnknown = "FUNCTION_UNKNOWN"
	ReasonEmail           = "EMAIL_INVALID"
	ReasonTelephone       = "TELEPHONE_INVALID"
	ReasonDepartmentLoop  = "DEPARTMENT_LOOP"
	ReasonAssignmentEnded = "ASSIGNMENT_ENDED"
)

// Reasons returns the catalogue entries of this package.
func Reasons() []fault.Entry {
	const bad, pre = fault.Invalid, fault.FailedPrecondition
	return []fault.Entry{
		{Reason: ReasonOwnFunctions, Kind: pre, ZH: "不得变更本人的权限或给自己分配角色，请由另一位通讯录管理员办理。", EN: "Nobody changes their own functions or gives themselves a role; another directory administrator must."},
		{Reason: ReasonPeriod, Kind: bad, ZH: "期限无效：结束须晚于开始，授权必须有结束时间。", EN: "The period is not valid: it must end after it begins, and a delegation must have an end."},
		{Reason: ReasonNotOwn, Kind: pre, ZH: "这是 {person} 的授权，只能由本人办理，或由通讯录管理员代办；管理员不得授权给自己。", EN: "This delegation is for {person} to give and end; a directory administrator may too, but not to themselves."},
		{Reason: ReasonOrganizationExists, Kind: fault.AlreadyExists, ZH: "组织 {name} 已有人员。", EN: "The organisation {name} has people already."},
		{Reason: ReasonTable, Kind: bad, ZH: "通讯录表格有 {count} 处错误。", EN: "The directory table has {count} mistakes."},

		{Reason: ReasonTableUnreadable, Kind: bad, ZH: "从本行起无法按 CSV 读取，请检查引号是否成对。", EN: "From this line on it cannot be read as CSV; check that quotes are closed."},
		{Reason: ReasonTableEncoding, Kind: bad, ZH: "本行不是 UTF-8 编码，请将表格另存为“CSV UTF-8”。", EN: "This line is not UTF-8; save the table as \"CSV UTF-8\"."},
		{Reason: ReasonTableLong, Kind: bad, ZH: "表格最多 {limit} 行，请分批导入。", EN: "A table has at most {limit} rows; import it in parts."},
		{Reason: ReasonColumnUnknown, Kind: bad, ZH: "没有列“{column}”，可用：{allowed}。", EN: "There is no column {column}; these are: {allowed}."},
		{Reason: ReasonColumnRepeated, Kind: bad, ZH: "列“{column}”出现两次。", EN: "The column {column} is there twice."},
		{Reason: ReasonColumnMissing, Kind: bad, ZH: "缺少列“{column}”。", EN: "The column {column} is missing."},
		{Reason: ReasonCellCount, Kind: bad, ZH: "本行有 {cells} 格，表头有 {columns} 列。", EN: "The row has {cells} cells, the header has {columns}."},
		{Reason: ReasonCellRequired, Kind: bad, ZH: "“{column}”必填。", EN: "{column} must be filled in."},
		{Reason: ReasonCellUnused, Kind: bad, ZH: "{record} 行不使用“{column}”，请留空。", EN: "A row of {record} has no {column}; leave it empty."},
		{Reason: ReasonCellLong, Kind: bad, ZH: "“{column}”最多 {limit} 字。", EN: "{column} takes at most {limit} characters."},
		{Reason: ReasonCellPattern, Kind: bad, ZH: "“{column}”只能使用小写字母、数字和 {more}，最多 {limit} 个字符。", EN: "{column} takes lower-case letters, digits and {more}, at most {limit} characters."},
		{Reason: ReasonRecordUnknown, Kind: bad, ZH: "没有这种记录“{record}”，可用：{allowed}。", EN: "There is no record {record}; these are: {allowed}."},
		{Reason: ReasonRowRepeated, Kind: bad, ZH: "与第 {row} 行重复。", EN: "Row {row} speaks of the same already."},
		{Reason: ReasonFunctionUnknown, Kind: bad, ZH: "没有权限“{function}”，可用：{allowed}。", EN: "There is no function {function}; these are: {allowed}."},
		{Reason: ReasonEmail, Kind: bad, ZH: "不是有效的电子邮箱。", EN: "This is no e-mail address."},
		{Reason: ReasonTelephone, Kind: bad, ZH: "不是有效的电话号码。", EN: "This is no telephone number."},
		{Reason: ReasonDepartmentLoop, Kind: pre, ZH: "部门的上下级关系形成循环：{chain}。", EN: "The departments would form a loop: {chain}."},
		{Reason: ReasonAssignmentEnded, Kind: pre, ZH: "{name} 已结束，请使用新的编号。", EN: "{name} has ended; give the role again under another id."},
	}
}

// catalogue puts faults of this package, and those it passes on, into words.
func catalogue() (*fault.Catalogue, error) {
	return fault.NewCatalogue(slices.Concat(Reasons(), kit.Reasons(), journal.Reasons(), seal.Reasons())...)
}
