package csvimport

import (
	"fmt"
	"strings"
)

// Reasons why a row is refused before it is sent. What the suite refuses has the
// suite's reasons.
const (
	ReasonQuote     = "CSV_QUOTE"
	ReasonQuoteOpen = "CSV_QUOTE_OPEN"
	ReasonColumns   = "CSV_TOO_MANY_COLUMNS"
	ReasonTooLong   = "CSV_ROW_TOO_LONG"
	ReasonWidth     = "CSV_WIDTH"
	ReasonInstant   = "INSTANT_UNREADABLE"
	ReasonValue     = "VALUE_UNMAPPED"
	ReasonMissing   = "VALUE_MISSING"
	ReasonLimits    = "LIMITS"
	ReasonNumber    = "NUMBER_UNREADABLE"
	ReasonCharacter = "CHARACTER_NOT_ALLOWED"
)

// Problem is why a row is refused. It never repeats what the row says.
type Problem struct {
	Reason string
	// Fields are columns of the file, or fields that the suite names.
	Fields []string
	// Text is the suite's own, where it refused.
	Text string
}

// Words says it to a person.
func (p *Problem) Words() string {
	text := p.Text
	if text == "" {
		text = map[string]string{
			ReasonQuote:     "a quotation mark stands where none can be",
			ReasonQuoteOpen: "a quotation mark is not closed",
			ReasonColumns:   fmt.Sprintf("the row has more than %d columns", MaxColumns),
			ReasonTooLong:   fmt.Sprintf("the row has more than %d bytes", MaxRecord),
			ReasonWidth:     "the row has another number of cells than the header",
			ReasonInstant:   "this is not an instant in any of the mapping's layouts",
			ReasonValue:     "the mapping has no word for this value",
			ReasonMissing:   "this must not be empty",
			ReasonLimits:    "this breaks a limit of the interface",
			ReasonNumber:    "this is not a number or an amount",
			ReasonCharacter: "the row holds a character that no text may hold",
		}[p.Reason]
	}
	if len(p.Fields) > 0 {
		return strings.Join(p.Fields, ", ") + ": " + text
	}
	return text
}
