package directory

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/kit/fault"
	"example.com/redress/services/kit/seal"
)

// Limits of texts of a person, as the schema has them.
const (
	maxName, maxEmail, maxTelephone = 200, 254, 40
)

// checkCells checks each cell of a row by itself. Messages never repeat a text
// about a person.
func checkCells(r row, found *problems) {
	c := checker{r: r, found: found}
	switch r.record {
	case recordPerson:
		c.code("id", true, "-", maxPerson, isPerson)
		c.text("zh", maxName)
		c.text("en", maxName)
		c.email()
		c.telephone()
		c.code("superior", false, "-", maxPerson, isPerson)
		if _, unknown := functionsOf(r.cells["functions"]); len(unknown) > 0 {
			found.add(r.line, "functions", ReasonFunctionUnknown, "function", short(strings.Join(unknown, " ")), "allowed", strings.Join(functionWords(), " "))
		}
	case recordDepartment:
		c.code("id", true, "_ -", maxCode, isCode)
		c.text("zh", maxTitle)
		c.text("en", maxTitle)
		c.code("department", false, "_ -", maxCode, isCode)
	case recordAssignment:
		c.code("id", true, "-", maxAssignment, isAssignment)
		c.code("owner", true, "-", maxPerson, isPerson)
		c.code("role", true, "_", maxWord, isRole)
		c.code("department", false, "_ -", maxCode, isCode)
	case recordChannel:
		c.code("id", true, "_ -", maxCode, isCode)
		c.code("owner", true, "-", maxPerson, isPerson)
	}
}

type checker struct {
	r     row
	found *problems
}

func (c checker) add(column, reason string, facts ...string) {
	c.found.add(c.r.line, column, reason, append([]string{"column", column}, facts...)...)
}

func (c checker) code(column string, required bool, more string, limit int, fine func(string) bool) {
	switch value := c.r.cells[column]; {
	case value == "" && required:
		c.add(column, ReasonCellRequired)
	case value != "" && !fine(value):
		c.add(column, ReasonCellPattern, "more", more, "limit", strconv.Itoa(limit))
	}
}

// text reports whether there is a text whose form may be looked at further.
func (c checker) text(column string, limit int) bool {
	switch value := c.r.cells[column]; {
	case strings.HasPrefix(value, seal.Prefix):
		c.found.fault(c.r.line, column, fault.New(fault.Invalid, seal.ReasonTokenRefused, "field", column))
	case utf8.RuneCountInString(value) > limit:
		c.add(column, ReasonCellLong, "limit", strconv.Itoa(limit))
	default:
		return value != ""
	}
	return false
}

func (c checker) email() {
	if !c.text("email", maxEmail) {
		return
	}
	if _, ok := seal.NormalizeEmail(c.r.cells["email"]); !ok {
		c.add("email", ReasonEmail)
	}
}

func (c checker) telephone() {
	if !c.text("telephone", maxTelephone) {
		return
	}
	if _, ok := seal.NormalizeTelephone(c.r.cells["telephone"]); !ok {
		c.add("telephone", ReasonTelephone)
	}
}

const functionPrefix = "FUNCTION_"

// functionsOf reads functions separated by spaces, in capitals or not, and
// returns the words that are none.
func functionsOf(cell string) (out []typev1.Function, unknown []string) {
	for word := range strings.FieldsSeq(cell) {
		f, ok := typev1.Function_value[functionPrefix+strings.TrimPrefix(strings.ToUpper(word), functionPrefix)]
		if !ok || f == 0 {
			unknown = append(unknown, word)
			continue
		}
		out = append(out, typev1.Function(f))
	}
	return sorted(out), unknown
}

// functionWords lists the functions as a table writes them.
func functionWords() []string {
	var out []string
	for _, n := range slices.Sorted(maps.Keys(typev1.Function_name)) {
		if n != 0 {
			out = append(out, strings.TrimPrefix(typev1.Function_name[n], functionPrefix))
		}
	}
	return out
}
