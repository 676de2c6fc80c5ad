package authz

import (
	"maps"
	"slices"
	"strings"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// Matrix returns the checked methods and who may call each as a text table: one
// line a method, one column a function, and columns for anyone, customers, any
// staff, and services by name. A test compares it with a file, so that a change
// of rights shows in the difference a person reads.
func (a *Authorizer) Matrix() string {
	header := []string{"method", "object", "marks", "anyone", "customer", "staff"}
	columns := functions()
	for _, f := range columns {
		header = append(header, short(f))
	}
	header = append(header, "services")
	lines := [][]string{header}
	for _, name := range slices.Sorted(maps.Keys(a.methods)) {
		access := a.methods[name].access
		line := []string{name, access.GetObject(), marks(access), tick(access.GetAnyone()), tick(access.GetCustomer()), tick(access.GetStaff())}
		for _, f := range columns {
			line = append(line, tick(slices.Contains(access.GetFunctions(), f)))
		}
		lines = append(lines, append(line, strings.Join(access.GetServices(), ",")))
	}
	return align(lines)
}

// functions returns all functions in order of their numbers.
func functions() []typev1.Function {
	var all []typev1.Function
	for _, n := range slices.Sorted(maps.Keys(typev1.Function_name)) {
		if n != 0 {
			all = append(all, typev1.Function(n))
		}
	}
	return all
}

func short(f typev1.Function) string {
	return strings.ToLower(strings.TrimPrefix(f.String(), "FUNCTION_"))
}

// marks says what else the method declares: m mutates, e needs an etag, and the
// class of data it returns.
func marks(a *typev1.Access) string {
	s := ""
	if a.GetMutates() {
		s += "m"
	}
	if a.GetEtag() {
		s += "e"
	}
	if a.GetReturns() != typev1.DataClass_DATA_CLASS_UNSPECIFIED {
		s += " " + strings.ToLower(strings.TrimPrefix(a.GetReturns().String(), "DATA_CLASS_"))
	}
	return strings.TrimSpace(s)
}

func tick(ok bool) string {
	if ok {
		return "x"
	}
	return "."
}

func align(lines [][]string) string {
	widths := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], len(cell))
		}
	}
	var b strings.Builder
	for _, line := range lines {
		var row strings.Builder
		for i, cell := range line {
			row.WriteString(cell + strings.Repeat(" ", widths[i]-len(cell)+2))
		}
		b.WriteString(strings.TrimRight(row.String(), " ") + "\n")
	}
	return b.String()
}
