package policy

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/parser"
)

// PartOp is how a piece of a condition is made.
type PartOp int

// The four. Zero is an atom.
const (
	// PartAtom is one statement: nothing in it is joined with and, or, not.
	PartAtom PartOp = iota
	// PartAll holds if all of Parts do, PartAny if one of them does.
	PartAll
	PartAny
	// PartNot holds if its one part does not.
	PartNot
)

// Relation is how an atom compares a fact with constants.
type Relation string

// The relations; empty for an atom that is none of them.
const (
	RelationIs       Relation = "IS"        // the fact itself, yes or no
	RelationEqual    Relation = "EQUAL"     // == one value
	RelationLess     Relation = "LESS"      // < one value
	RelationAtMost   Relation = "AT_MOST"   // <= one value
	RelationMore     Relation = "MORE"      // > one value
	RelationAtLeast  Relation = "AT_LEAST"  // >= one value
	RelationOneOf    Relation = "ONE_OF"    // in a list of values
	RelationContains Relation = "CONTAINS"  // a list fact holds one value
	RelationRecorded Relation = "RECORDED"  // has()
	RelationPhrase   Relation = "HAS_WORDS" // sealed words hold a phrase
)

// Part is a condition taken apart: and, or and not are resolved, what is left are atoms.
type Part struct {
	Op PartOp
	// Text is the piece as a pack would write it.
	Text  string
	Parts []*Part
	// Fact is what an atom reads, "facts.amount", "complaint.urgent", "done"; Relation and Values are
	// what it compares it with, values as a pack writes them without quotes. All are empty for an atom
	// that is no comparison of one fact with constants: it cannot be taken apart further.
	Fact     string
	Relation Relation
	Values   []string

	prog cel.Program
}

// Simple tells that an atom compares one fact with constants.
func (p *Part) Simple() bool { return p.Op == PartAtom && p.Relation != "" }

// TakeApart resolves a condition of the pack into its atoms; nil for the empty condition. It reads the
// text again and costs some hundred microseconds: for explaining, not for deciding.
func (p *Policy) TakeApart(cond string) (*Part, error) {
	if cond == "" {
		return nil, nil
	}
	checked, iss := p.words.env.Compile(cond)
	if iss.Err() != nil {
		return nil, fmt.Errorf("policy: condition %q: %w", cond, iss.Err())
	}
	a := checked.NativeRep()
	t := &taker{words: p.words, ast: a, whole: cond}
	out := t.part(a.Expr())
	return out, t.err
}

type taker struct {
	words *vocabulary
	ast   *ast.AST
	whole string
	err   error
}

func (t *taker) part(e ast.Expr) *Part {
	out := &Part{Text: t.text(e)}
	if e.Kind() == ast.CallKind {
		call := e.AsCall()
		switch call.FunctionName() {
		case operators.LogicalAnd:
			out.Op = PartAll
		case operators.LogicalOr:
			out.Op = PartAny
		case operators.LogicalNot:
			out.Op = PartNot
		case operators.NotEquals:
			// "is not" is "not is", so that explanations know one of them.
			out.Op = PartNot
			out.Parts = []*Part{t.atom(e, true)}
			return out
		}
		if out.Op != PartAtom {
			for _, arg := range call.Args() {
				sub := t.part(arg)
				if sub.Op == out.Op && out.Op != PartNot {
					out.Parts = append(out.Parts, sub.Parts...) // a && b && c is one list
					continue
				}
				out.Parts = append(out.Parts, sub)
			}
			return out
		}
	}
	return t.atom(e, false)
}

// atom plans one statement by itself. With equal the expression is a != of which the == is meant.
func (t *taker) atom(e ast.Expr, equal bool) *Part {
	if equal {
		args := e.AsCall().Args()
		e = ast.NewExprFactory().NewCall(e.ID(), operators.Equals, args...)
	}
	out := &Part{Text: t.text(e)}
	refs := t.ast.ReferenceMap()
	if equal {
		refs = maps.Clone(refs)
		refs[e.ID()] = ast.NewFunctionReference("equals")
	}
	sub := ast.NewCheckedAST(ast.NewAST(e, t.ast.SourceInfo()), t.ast.TypeMap(), refs)
	prog, err := t.words.env.PlanProgram(sub)
	if err != nil {
		t.err = fmt.Errorf("policy: condition %q: %w", t.whole, err)
		return out
	}
	out.prog = prog
	t.compare(e, out)
	return out
}

func (t *taker) text(e ast.Expr) string {
	text, err := parser.Unparse(e, t.ast.SourceInfo())
	if err != nil {
		return t.whole
	}
	return text
}

// compare reads what an atom compares, if it is a comparison of one fact with constants.
func (t *taker) compare(e ast.Expr, out *Part) {
	set := func(fact ast.Expr, r Relation, values ...string) {
		if name, ok := t.fact(fact); ok {
			out.Fact, out.Relation, out.Values = name, r, values
		}
	}
	switch e.Kind() {
	case ast.SelectKind:
		if e.AsSelect().IsTestOnly() {
			set(e, RelationRecorded)
			return
		}
		set(e, RelationIs)
	case ast.CallKind:
		call := e.AsCall()
		args := call.Args()
		if call.IsMemberFunction() && call.FunctionName() == "contains" && len(args) == 1 {
			if phrase, ok := t.constant(args[0]); ok {
				set(call.Target(), RelationPhrase, phrase)
			}
			return
		}
		if len(args) != 2 {
			return
		}
		if call.FunctionName() == operators.In {
			t.in(args[0], args[1], set)
			return
		}
		r, ok := relations()[call.FunctionName()]
		if !ok {
			return
		}
		if value, ok := t.constant(args[1]); ok {
			set(args[0], r[0], value)
		} else if value, ok := t.constant(args[0]); ok {
			set(args[1], r[1], value)
		}
	}
}

// relations are the operators read from left to right, and from right to left.
func relations() map[string][2]Relation {
	return map[string][2]Relation{
		operators.Equals: {RelationEqual, RelationEqual},
		operators.Less:   {RelationLess, RelationMore}, operators.LessEquals: {RelationAtMost, RelationAtLeast},
		operators.Greater: {RelationMore, RelationLess}, operators.GreaterEquals: {RelationAtLeast, RelationAtMost},
	}
}

func (t *taker) in(what, where ast.Expr, set func(ast.Expr, Relation, ...string)) {
	if where.Kind() == ast.ListKind {
		var values []string
		for _, item := range where.AsList().Elements() {
			value, ok := t.constant(item)
			if !ok {
				return
			}
			values = append(values, value)
		}
		set(what, RelationOneOf, values...)
		return
	}
	if value, ok := t.constant(what); ok {
		set(where, RelationContains, value)
	}
}

// fact returns the name of what an expression reads, if it reads one fact that can be recorded.
func (t *taker) fact(e ast.Expr) (string, bool) {
	if e.Kind() == ast.IdentKind && slices.Contains(listRows(), e.AsIdent()) {
		return e.AsIdent(), true
	}
	row, field := selected(e)
	if row == "" || row == "params" {
		return "", false
	}
	if _, known := t.words.columns[row][field]; !known {
		return "", false
	}
	return row + "." + field, true
}

// constant returns the value of a literal, an amount, or a parameter.
func (t *taker) constant(e ast.Expr) (string, bool) {
	switch e.Kind() {
	case ast.LiteralKind:
		return spelt(e.AsLiteral()), true
	case ast.CallKind:
		call := e.AsCall()
		if call.FunctionName() == "yuan" && len(call.Args()) == 1 {
			s, _ := literal(call.Args()[0])
			n, ok := fen(s)
			return yuanText(n), ok
		}
	case ast.SelectKind:
		if row, field := selected(e); row == "params" && t.words.params[field] != nil {
			return spelt(t.words.params[field]), true
		}
	}
	return "", false
}

// spelt is a value as explanations write it: amounts in yuan, instants in UTC, lists joined with commas.
func spelt(v ref.Val) string {
	switch x := v.(type) {
	case types.String:
		return string(x)
	case types.Bool:
		return strconv.FormatBool(bool(x))
	case types.Int:
		return strconv.FormatInt(int64(x), 10)
	case money:
		return yuanText(int64(x))
	case types.Timestamp:
		return x.UTC().Format(time.RFC3339)
	case heard:
		return strings.Join(x, ", ")
	case traits.Lister:
		var all []string
		for it := x.Iterator(); it.HasNext() == types.True; {
			all = append(all, spelt(it.Next()))
		}
		return strings.Join(all, ", ")
	}
	return ""
}

// Weigh answers one piece of a condition on a sheet.
func (p *Policy) Weigh(part *Part, s *Sheet) Tri {
	if s == nil {
		s = &Sheet{}
	}
	switch part.Op {
	case PartNot:
		return negated(p.Weigh(part.Parts[0], s))
	case PartAll, PartAny:
		stop, out := False, True
		if part.Op == PartAny {
			stop, out = True, False
		}
		for _, sub := range part.Parts {
			switch t := p.Weigh(sub, s); t {
			case stop:
				return stop
			case Unknown:
				out = Unknown
			}
		}
		return out
	}
	if part.prog == nil {
		return Unknown
	}
	v, _, err := part.prog.Eval(p.words.over(s))
	if yes, ok := v.(types.Bool); ok && err == nil {
		if yes {
			return True
		}
		return False
	}
	return Unknown
}

func negated(t Tri) Tri {
	switch t {
	case True:
		return False
	case False:
		return True
	}
	return Unknown
}

// Sealed stands for a value that explanations do not show.
const Sealed = "sealed"

// Shown returns what a sheet says about a fact, as explanations show it: known is false if nobody has
// recorded it. Words, persons and files, and what a form hides from anybody, are [Sealed].
func (p *Policy) Shown(fact string, s *Sheet) (value string, known bool) {
	if s == nil {
		s = &Sheet{}
	}
	v := p.words.read(fact, s)
	if v == nil {
		return "", false
	}
	if p.words.sealed(fact) {
		return Sealed, true
	}
	return spelt(v), true
}

// read returns the value of a fact, nil if it is unknown.
func (v *vocabulary) read(fact string, s *Sheet) ref.Val {
	row, field, dotted := strings.Cut(fact, ".")
	out, ok := v.over(s).ResolveName(row)
	if !ok {
		return nil
	}
	for dotted {
		r, isRow := out.(*record)
		if !isRow {
			return nil
		}
		var rest string
		field, rest, dotted = strings.Cut(field, ".")
		next := r.get(field)
		if next == nil {
			return nil
		}
		out, field = next, rest
	}
	val, _ := out.(ref.Val)
	if types.IsError(val) {
		return nil
	}
	return val
}

func (v *vocabulary) sealed(fact string) bool {
	i := strings.LastIndexByte(fact, '.')
	if i < 0 {
		return false
	}
	row, field := fact[:i], fact[i+1:]
	return v.columns[row][field].kind == kindSealed || row == "facts" && len(v.facts[field].field.GetHiddenFrom()) > 0
}

// Facts returns what the condition reads, each once, in the order written; for one that cannot be taken
// apart too.
func (p *Policy) Facts(cond string) []string {
	c, ok := p.conds[cond]
	if !ok {
		return nil
	}
	var out []string
	for _, u := range c.uses {
		name := u.row
		if u.field != "" {
			name += "." + u.field
		}
		if u.row != "params" && u.row != "lookup" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// All is the conjunction of conditions of the pack, false winning over unknown.
func (p *Policy) All(conds []string, s *Sheet) Tri {
	out := True
	for _, cond := range conds {
		switch t, _ := p.holds(cond, s); t {
		case False:
			return False
		case Unknown:
			out = Unknown
		}
	}
	return out
}
