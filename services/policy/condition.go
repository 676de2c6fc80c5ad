package policy

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// Limits of one condition. The longest of the 27 procedures costs 40; the bound stops what would
// make a decision slow, the list bound is that of redress.type.v1.Rows.
const (
	maxCost    = 10_000
	maxEntries = 100
	maxWord    = 64
)

// Tri is yes, no or unknown.
type Tri int

// The three answers.
const (
	// Unknown: a fact that decides is not recorded.
	Unknown Tri = iota
	// False: the condition does not hold.
	False
	// True: the condition holds.
	True
)

// String returns the answer in capitals.
func (t Tri) String() string {
	switch t {
	case True:
		return "TRUE"
	case False:
		return "FALSE"
	}
	return "UNKNOWN"
}

// condition is a compiled condition. It is immutable.
type condition struct {
	text string
	prog cel.Program
	uses []use
	// comparisons are those that hold if it does; whole: it holds if they do.
	comparisons []comparison
	whole       bool
	// phrases are those that it looks for in words.
	phrases []string
}

// use is one field that a condition reads.
type use struct {
	row, field string
	column     int // from 1
}

// problem is what is wrong with a condition, without its place in the file.
type problem struct {
	rule     string
	column   int
	severity Severity
	zh, en   string
	advice   *typev1.Text
}

// compile checks and plans a condition. With problems the condition is nil.
func (v *vocabulary) compile(source string) (*condition, []problem) {
	checked, iss := v.env.Compile(source)
	if iss.Err() != nil {
		var out []problem
		for _, e := range iss.Errors() {
			out = append(out, v.explain(e.Message, e.Location.Column()+1))
		}
		return nil, out
	}
	if t := checked.OutputType(); !t.IsExactType(types.BoolType) {
		return nil, []problem{{
			rule: "L11", column: 1, severity: Error, zh: "条件的结果应为是或否，这里是 " + t.String() + "。", en: "This condition is not yes or no but " + t.String() + ".",
			advice: words("请作比较，例如 facts.boxes > 20。", "Compare it, for example facts.boxes > 20."),
		}}
	}
	c := &condition{text: source}
	problems := v.inspect(checked.NativeRep(), c)
	if est, err := v.env.EstimateCost(checked, sizes{v}); err == nil && est.Max > maxCost {
		problems = append(problems, problem{
			rule: "L17", column: 1, severity: Error, zh: fmt.Sprintf("条件最坏代价 %d，超过 %d。", est.Max, maxCost),
			en: fmt.Sprintf("The worst cost of this condition is %d and exceeds %d.", est.Max, maxCost), advice: words("请逐行判断一次。", "Test each entry once, without a loop inside a loop."),
		})
	}
	if slices.ContainsFunc(problems, func(p problem) bool { return p.severity == Error }) {
		return nil, problems
	}
	// The worst cost is known and bounded; counting it again at run time would cost a quarter more.
	prog, err := v.env.Program(checked, cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, append(problems, problem{rule: "L10", column: 1, severity: Error, zh: "条件无法执行：" + err.Error(), en: "The condition cannot be executed: " + err.Error() + "."})
	}
	c.prog = prog
	c.comparisons, c.whole = v.comparisons(checked.NativeRep().Expr())
	return c, problems
}

// sizes bounds what conditions read, for the estimate of their cost: a list by its range, else
// by the longest there is.
type sizes struct{ words *vocabulary }

func (s sizes) EstimateSize(n cost.AstNode) *cost.SizeEstimate {
	switch {
	case n.Type().Kind() == types.ListKind:
		if path := n.Path(); len(path) == 2 && path[0] == "facts" {
			if _, most, ok := parseRange(s.words.facts[path[1]].field.GetRange()); ok {
				return &cost.SizeEstimate{Max: uint64(min(most, maxEntries))}
			}
		}
		return &cost.SizeEstimate{Max: maxEntries}
	case n.Type().Kind() == types.StringKind:
		return &cost.SizeEstimate{Max: maxWord}
	}
	return nil
}

func (sizes) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}

// explain puts a message of CEL into words of the pack.
func (v *vocabulary) explain(message string, column int) problem {
	p := problem{rule: "L10", column: column, severity: Error, zh: "条件有误：" + message + "。", en: "The condition does not type-check: " + message + "."}
	if m := regexp.MustCompile(`undefined field '([^']*)'`).FindStringSubmatch(message); m != nil {
		p.zh, p.en = fmt.Sprintf("没有字段 %q。", m[1]), fmt.Sprintf("Undefined field %q.", m[1])
		p.advice = v.nearestField(m[1])
		if len(p.advice.GetEn()) == 0 {
			p.rule, p.advice = "L14", words("没有表单记录它，请加字段。", "No form records it: add the field.")
		}
	}
	if m := regexp.MustCompile(`undeclared reference to '([^']*)'`).FindStringSubmatch(message); m != nil {
		p.zh, p.en = fmt.Sprintf("没有 %q。", m[1]), fmt.Sprintf("There is no %q.", m[1])
		p.advice = didYouMean(m[1], slices.Concat(slices.Collect(maps.Keys(v.rowTypes)), listRows(), []string{"yuan", "has", "size"}))
		if strings.HasPrefix(m[1], "_") {
			p.zh, p.en, p.advice = "条件不作计算。", "Conditions compare; they do not calculate.", words("请把数值记为事实。", "Record the figure as a fact.")
		}
	}
	if m := regexp.MustCompile(`no matching overload for '([^']*)' applied to '\(([^)]*)\)'`).FindStringSubmatch(message); m != nil {
		p.zh, p.en = fmt.Sprintf("不能这样比较：%s。", m[2]), fmt.Sprintf("%s does not fit (%s).", strings.Trim(m[1], "_@"), m[2])
		if strings.Contains(m[2], "money") {
			p.rule, p.advice = "L15", words(`请写 yuan("200000.00")。`, `Money compares with money: write yuan("200000.00").`)
		}
		if strings.Contains(m[2], "sealed") {
			p.advice = words("文字、人员与文件只能用 has() 询问。", "Words, persons and files can only be asked for with has().")
		}
	}
	return p
}

// nearestField looks for a misspelt field in all rows; forms are named with it.
func (v *vocabulary) nearestField(field string) *typev1.Text {
	var all []string
	for _, fields := range v.columns {
		for f := range fields {
			all = append(all, f)
		}
	}
	near := nearest(field, all)
	if near == "" {
		return nil
	}
	if f, ok := v.facts[near]; ok {
		return words(fmt.Sprintf("是否要写 %q（表单 %s）？", near, f.form.GetId()), fmt.Sprintf("Did you mean %q (%s)?", near, f.form.GetId()))
	}
	return words(fmt.Sprintf("是否要写 %q？", near), fmt.Sprintf("Did you mean %q?", near))
}

// inspect collects what a condition reads and refuses what the types cannot: sealed words used as
// values, literals that no option has, amounts that are none.
func (v *vocabulary) inspect(a *ast.AST, c *condition) []problem {
	var out []problem
	root := ast.NavigateAST(a)
	column := func(e ast.Expr) int { return a.SourceInfo().GetStartLocation(e.ID()).Column() + 1 }
	for _, e := range ast.MatchDescendants(root, func(ast.NavigableExpr) bool { return true }) {
		switch e.Kind() {
		case ast.SelectKind:
			row, field := selected(e)
			if row == "" {
				if e.Type().String() == sealedType().String() && !e.AsSelect().IsTestOnly() {
					out = append(out, sealedProblem(e.AsSelect().FieldName(), column(e)))
				}
				continue
			}
			if _, ok := v.columns[row]; !ok {
				continue
			}
			c.uses = append(c.uses, use{row, field, column(e)})
			if v.columns[row][field].kind == kindSealed && !e.AsSelect().IsTestOnly() {
				out = append(out, sealedProblem(field, column(e)))
			}
		case ast.IdentKind:
			if slices.Contains(listRows(), e.AsIdent()) {
				c.uses = append(c.uses, use{e.AsIdent(), "", column(e)})
			}
		case ast.CallKind:
			if call := e.AsCall(); call.FunctionName() == "contains" && len(call.Args()) == 1 {
				phrase, ok := literal(call.Args()[0])
				if !ok || strings.TrimSpace(phrase) == "" {
					out = append(out, problem{
						rule: "L10", column: column(e), severity: Error, zh: "contains 须写明词句。", en: "contains takes a phrase.",
						advice: words(`请写 reply.text.contains("尽快解决")。`, `Write it out: reply.text.contains("as soon as possible").`),
					})
				}
				c.phrases = append(c.phrases, phrase)
			}
			out = append(out, v.inspectCall(e, column)...)
		}
	}
	slices.SortStableFunc(c.uses, func(x, y use) int {
		return cmp.Or(cmp.Compare(x.column, y.column), cmp.Compare(x.row, y.row), cmp.Compare(x.field, y.field))
	})
	return out
}

func sealedProblem(field string, column int) problem {
	return problem{
		rule: "L10", column: column, severity: Error, zh: fmt.Sprintf("%q 是文字、人员或文件，条件不能读取。", field), en: fmt.Sprintf("%q holds words, a person or a file, which no condition may read.", field),
		advice: words(fmt.Sprintf("只能写 has(facts.%s)。", field), fmt.Sprintf("Ask has(facts.%s), or record a CHOICE.", field)),
	}
}

// selected returns row and field of complaint.category, lookup.bss and field of lookup.bss.subscribed,
// and "" for anything else.
func selected(e ast.Expr) (row, field string) {
	if e.Kind() != ast.SelectKind {
		return "", ""
	}
	of := e.AsSelect().Operand()
	switch of.Kind() {
	case ast.IdentKind:
		return of.AsIdent(), e.AsSelect().FieldName()
	case ast.SelectKind:
		if row, connector := selected(of); row == "lookup" {
			return row + "." + connector, e.AsSelect().FieldName()
		}
	}
	return "", ""
}

func (v *vocabulary) inspectCall(e ast.NavigableExpr, column func(ast.Expr) int) []problem {
	call := e.AsCall()
	args := call.Args()
	if call.FunctionName() == "yuan" && len(args) == 1 {
		s, ok := literal(args[0])
		if _, valid := fen(s); !ok || !valid {
			return []problem{{
				rule: "L03", column: column(args[0]), severity: Error, zh: fmt.Sprintf("yuan(%q) 不是金额。", s), en: fmt.Sprintf("yuan(%q) is not an amount.", s),
				advice: words(`请写 yuan("50000.00")。`, `Write a literal such as yuan("50000.00").`),
			}}
		}
	}
	if len(args) != 2 {
		return nil
	}
	switch call.FunctionName() {
	case operators.Equals, operators.NotEquals:
		return slices.Concat(v.closedAgainst(args[0], []ast.Expr{args[1]}, column), v.closedAgainst(args[1], []ast.Expr{args[0]}, column))
	case operators.In:
		if args[1].Kind() == ast.ListKind {
			return v.closedAgainst(args[0], args[1].AsList().Elements(), column)
		}
		return v.closedAgainst(args[1], []ast.Expr{args[0]}, column)
	}
	return nil
}

// closedAgainst reports literals that the field read by e can never have.
func (v *vocabulary) closedAgainst(e ast.Expr, values []ast.Expr, column func(ast.Expr) int) []problem {
	var closed []string
	name := ""
	if row, field := selected(e); row != "" {
		closed, name = v.columns[row][field].closed, row+"."+field
	} else if e.Kind() == ast.IdentKind {
		ids, ok := v.lists[e.AsIdent()]
		if !ok {
			return nil
		}
		closed, name = ids, e.AsIdent()
		if len(closed) == 0 {
			closed = []string{""}
		}
	}
	var out []problem
	for _, val := range values {
		s, ok := literal(val)
		if !ok || len(closed) == 0 || slices.Contains(closed, s) {
			continue
		}
		known := slices.DeleteFunc(slices.Clone(closed), func(c string) bool { return c == "" })
		out = append(out, problem{rule: "L13", column: column(val), severity: Error, zh: fmt.Sprintf("%s 不可能是 %q。", name, s), en: fmt.Sprintf("%s can never be %q.", name, s), advice: didYouMean(s, known)})
	}
	return out
}

func literal(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := e.AsLiteral().Value().(string)
	return s, ok
}

// outside reports what a condition reads that its place does not bring.
func (v *vocabulary) outside(c *condition, allowed scope) []problem {
	var out []problem
	for _, u := range c.uses {
		needs := ""
		switch {
		case u.row == "facts":
			needs = aboutRow(v.facts[u.field].form.GetAbout())
		case u.row == "line":
			needs = u.row
		case slices.ContainsFunc(eventRows(), func(r row) bool { return r.name == u.row }):
			needs = u.row
		}
		if needs == "" || allowed[needs] {
			continue
		}
		p := problem{rule: "L12", column: u.column, severity: Error, zh: fmt.Sprintf("这里还不知道 %s.%s。", u.row, u.field), en: fmt.Sprintf("%s.%s is not known here.", u.row, u.field)}
		if u.row == "facts" {
			about := strings.TrimPrefix(v.facts[u.field].form.GetAbout().String(), "ABOUT_")
			p.en = fmt.Sprintf("%q belongs to a form about %s and is not known here.", u.field, about)
			p.zh = fmt.Sprintf("%q 属于关于 %s 的表单，这里还不知道。", u.field, about)
		}
		p.advice = words(fmt.Sprintf("请用 %s_ 开头的事件或行为。", strings.ToUpper(needs)), fmt.Sprintf("Use an event or act of %s.", strings.ReplaceAll(needs, "_", " ")))
		out = append(out, p)
	}
	return out
}

// eval answers a condition; nil holds. missing names what would have to be recorded, sorted.
func (r *reading) eval(c *condition) (Tri, []string, error) {
	switch {
	case c == nil:
		return True, nil, nil
	case c.prog == nil:
		return Unknown, nil, fmt.Errorf("policy: the pack holds no condition %q", c.text)
	}
	if t := r.compare(c); t != Unknown {
		return t, nil, nil
	}
	out, _, err := c.prog.Eval(r)
	if err != nil {
		return Unknown, nil, fmt.Errorf("policy: condition %q: %w", c.text, err)
	}
	switch x := out.(type) {
	case types.Bool:
		if x {
			return True, nil, nil
		}
		return False, nil, nil
	case *types.Unknown:
		names := map[string]bool{}
		for _, id := range x.IDs() {
			trails, _ := x.GetAttributeTrails(id)
			for _, t := range trails {
				names[strings.TrimPrefix(t.Variable(), "facts.")] = true
			}
		}
		return Unknown, slices.Sorted(maps.Keys(names)), nil
	}
	return Unknown, nil, fmt.Errorf("policy: condition %q gave %T", c.text, out)
}
