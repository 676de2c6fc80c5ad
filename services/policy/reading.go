package policy

import (
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

// reading answers conditions on one sheet. What several conditions read is looked up once, so that a
// menu of many rules is decided in one reading. It is for one goroutine, and for a sheet that does not
// change meanwhile.
type reading struct {
	v *vocabulary
	s *Sheet
	// rows are those that conditions have asked for.
	rows []*record
	// known holds the values of vocabulary.compared that were looked up, nil for the others.
	known []ref.Val
}

// over returns a reading of a sheet.
func (v *vocabulary) over(s *Sheet) *reading {
	if s == nil {
		s = &Sheet{}
	}
	return &reading{v: v, s: s}
}

// holds is eval with a failure counted as unknown: a condition that cannot be answered never lets
// anything pass.
func (r *reading) holds(c *condition) (Tri, []string) {
	t, missing, err := r.eval(c)
	if err != nil {
		return Unknown, []string{err.Error()}
	}
	return t, missing
}

// compared returns the value of the field at that place of vocabulary.compared; null if it is unknown.
func (r *reading) compared(at int) ref.Val {
	if r.known == nil {
		r.known = make([]ref.Val, len(r.v.compared))
	}
	if r.known[at] == nil {
		f := r.v.compared[at]
		if r.known[at] = r.v.value(f.row, f.field, r.s); r.known[at] == nil {
			r.known[at] = types.NullValue
		}
	}
	return r.known[at]
}

// Parent implements interpreter.Activation.
func (r *reading) Parent() interpreter.Activation { return nil }

// ResolveName implements interpreter.Activation.
func (r *reading) ResolveName(name string) (any, bool) {
	switch name {
	case "done":
		return types.NewStringList(types.DefaultTypeAdapter, r.s.Done), true
	case "issued":
		return types.NewStringList(types.DefaultTypeAdapter, r.s.Issued), true
	case "approved":
		return types.NewStringList(types.DefaultTypeAdapter, r.s.Approved), true
	case "breached":
		return types.NewStringList(types.DefaultTypeAdapter, r.s.Breached), true
	case "marks":
		return types.NewStringList(types.DefaultTypeAdapter, r.s.Marks), true
	}
	for _, row := range r.rows {
		if row.name == name {
			return row, true
		}
	}
	t, ok := r.v.rowTypes[name]
	if !ok {
		return nil, false
	}
	row := &record{name: name, typ: t, get: func(field string) ref.Val { return r.v.value(name, field, r.s) }}
	r.rows = append(r.rows, row)
	return row, true
}

// value returns what a sheet holds in a field of a row, nil if nobody has recorded it.
func (v *vocabulary) value(row, field string, s *Sheet) ref.Val {
	switch row {
	case "complaint":
		return s.Complaint.field(field)
	case "case":
		return s.Case.field(field)
	case "facts":
		return v.fact(v.facts[field].field, s.Facts[field])
	case "grade":
		if level := s.Grade[field]; level != "" {
			return types.String(level)
		}
		return nil
	case "params":
		return v.params[field]
	case "line":
		return v.fact(v.items[field], s.line[field])
	case "lookup":
		// The row of one connector; what it did not answer is unknown by its full name.
		name := "lookup." + field
		return &record{name: name, typ: types.NewObjectType("row." + name), get: func(answer string) ref.Val { return v.value(name, answer, s) }}
	}
	if connector, is := strings.CutPrefix(row, "lookup."); is {
		return v.fact(v.answers[connector][field], s.Lookup[connector][field])
	}
	return native(v.columns[row][field].kind, row+"."+field, s.Scope[row][field])
}
