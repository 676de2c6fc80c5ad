package policy

import (
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// comparison is one of the conditions that a condition joins with and: a field compared with a
// constant. Most rules of a menu do not apply because of one of them, and one that is known to be false
// makes the whole false, whatever the others are: such a rule costs a comparison, no program.
type comparison struct {
	at       int // of the field in vocabulary.compared
	operator string
	constant ref.Val
}

// comparisons returns what of a condition compares one field with a constant, and whether that is all
// of it.
func (v *vocabulary) comparisons(e ast.Expr) (out []comparison, all bool) {
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.LogicalAnd {
		all = true
		for _, arg := range e.AsCall().Args() {
			some, complete := v.comparisons(arg)
			out, all = append(out, some...), all && complete
		}
		return out, all
	}
	c, ok := v.comparison(e)
	if !ok {
		return nil, false
	}
	return []comparison{c}, true
}

func (v *vocabulary) comparison(e ast.Expr) (comparison, bool) {
	operator, field, constant := operators.Equals, e, ref.Val(types.True)
	if e.Kind() == ast.CallKind {
		call := e.AsCall()
		switch operator = call.FunctionName(); operator {
		case operators.LogicalNot:
			operator, field = operators.NotEquals, call.Args()[0]
		case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
			field, constant = call.Args()[0], v.fixed(call.Args()[1])
		default:
			return comparison{}, false
		}
	}
	row, name := selected(field)
	kind := v.columns[row][name].kind
	compares := kind == kindBool || kind == kindString || kind == kindInt || kind == kindMoney
	if constant == nil || !compares || row == "params" || field.AsSelect().IsTestOnly() {
		return comparison{}, false
	}
	return comparison{v.compare(row, name), operator, constant}, true
}

// compare returns the place of a field in vocabulary.compared. It is called while the pack is
// compiled.
func (v *vocabulary) compare(row, field string) int {
	f := use{row: row, field: field}
	if at := slices.Index(v.compared, f); at >= 0 {
		return at
	}
	v.compared = append(v.compared, f)
	return len(v.compared) - 1
}

// fixed returns the value of a literal, an amount or a parameter, else nil.
func (v *vocabulary) fixed(e ast.Expr) ref.Val {
	switch e.Kind() {
	case ast.LiteralKind:
		return e.AsLiteral()
	case ast.CallKind:
		if call := e.AsCall(); call.FunctionName() == "yuan" && len(call.Args()) == 1 {
			s, _ := literal(call.Args()[0])
			if n, ok := fen(s); ok {
				return money(n)
			}
		}
	case ast.SelectKind:
		if row, field := selected(e); row == "params" {
			return v.params[field]
		}
	}
	return nil
}

// holds compares as CEL does. What is not recorded, and an error in its place, CEL reports.
func (c *comparison) holds(value ref.Val) Tri {
	if value == types.NullValue || types.IsError(value) {
		return Unknown
	}
	switch c.operator {
	case operators.Equals:
		return tri(value.Equal(c.constant) == types.True)
	case operators.NotEquals:
		return tri(value.Equal(c.constant) == types.False)
	}
	comparer, ok := value.(traits.Comparer)
	if !ok {
		return Unknown
	}
	order := comparer.Compare(c.constant)
	switch c.operator {
	case operators.Less:
		return tri(order == types.IntNegOne)
	case operators.LessEquals:
		return tri(order != types.IntOne)
	case operators.Greater:
		return tri(order == types.IntOne)
	}
	return tri(order != types.IntNegOne)
}

func tri(yes bool) Tri {
	if yes {
		return True
	}
	return False
}

// compare answers a condition by its comparisons alone; Unknown if they do not decide it.
func (r *reading) compare(c *condition) Tri {
	out := Unknown
	if c.whole {
		out = True
	}
	for i := range c.comparisons {
		switch c.comparisons[i].holds(r.compared(c.comparisons[i].at)) {
		case False:
			return False
		case Unknown:
			out = Unknown
		}
	}
	return out
}
