package domain

import (
	"strconv"
	"strings"
	"unicode"

	intakev1 "example.com/redress/proto/gen/redress/intake/v1"
	"example.com/redress/services/kit/fault"
)

// Limits of evidence. Source: RELIABILITY 3.6.
const (
	MaxFile     = 20 << 20
	MaxFiles    = 30
	MaxTotal    = 200 << 20
	maxFileName = 255
)

// CheckFileName returns the fault FILE_NAME for a label with a path or with
// characters that change how it reads.
func CheckFileName(name string) error {
	bad := strings.ContainsAny(name, `/\`) || name == "." || name == ".." || len(name) > maxFileName ||
		strings.ContainsFunc(name, func(r rune) bool {
			return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u200b' || r == '\ufeff'
		})
	if bad {
		return fault.New(fault.Invalid, ReasonFileName).WithViolations(fault.Violation{Field: "header.evidence.file_name", Reason: ReasonFileName})
	}
	return nil
}

// CheckRoom returns the fault EVIDENCE_LIMIT if the complaint has no room for one more file of the size.
func CheckRoom(have []*intakev1.Evidence, size int64) error {
	total := size
	for _, e := range have {
		total += e.GetSize()
	}
	if len(have) >= MaxFiles || total > MaxTotal {
		return fault.New(fault.Exhausted, ReasonLimit, "files", strconv.Itoa(MaxFiles), "bytes", strconv.Itoa(MaxTotal))
	}
	return nil
}

// TooLarge is the fault of a file above [MaxFile].
func TooLarge() error {
	return fault.New(fault.Exhausted, ReasonTooLarge, "limit", strconv.Itoa(MaxFile))
}

// CheckOpen returns the fault COMPLAINT_STATE if nothing may be added to the complaint any more.
func CheckOpen(c *intakev1.Complaint) error { return open(c) }
