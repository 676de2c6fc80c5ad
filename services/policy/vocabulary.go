package policy

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"cel.dev/cel-go/cel"
	celenv "cel.dev/cel-go/common/env"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
)

// factInfo is what a pack declares about one fact.
type factInfo struct {
	field *policyv1.Field
	form  *policyv1.Form
}

// vocabulary is every name that the conditions of one pack may use, with its type.
type vocabulary struct {
	env      *cel.Env
	zone     *time.Location
	rowTypes map[string]*types.Type
	columns  map[string]map[string]column
	facts    map[string]factInfo
	params   map[string]ref.Val
	lists    map[string][]string                   // ids that can stand in done, issued, approved, breached, marks
	items    map[string]*policyv1.Field            // of the lists that rules decide line by line
	answers  map[string]map[string]*policyv1.Field // of connectors
	compared []use                                 // fields that conditions compare with constants
}

// newVocabulary collects the names. params holds the values of parameters; one that is missing is
// unknown.
func newVocabulary(p *policyv1.Pack, params map[string]string, zone *time.Location) (*vocabulary, error) {
	v := &vocabulary{
		zone: zone, rowTypes: map[string]*types.Type{}, columns: map[string]map[string]column{}, facts: map[string]factInfo{},
		params: map[string]ref.Val{}, lists: idLists(p), items: map[string]*policyv1.Field{}, answers: map[string]map[string]*policyv1.Field{},
	}
	prov := map[string]map[string]*types.Type{}
	declare := func(name string, columns []column) {
		v.rowTypes[name] = types.NewObjectType("row." + name)
		fields, typed := map[string]column{}, map[string]*types.Type{}
		for _, c := range columns {
			if _, ok := fields[c.name]; !ok {
				fields[c.name], typed[c.name] = c, celType(c.kind)
			}
		}
		v.columns[name], prov["row."+name] = fields, typed
	}
	for _, r := range slices.Concat(alwaysRows(), eventRows()) {
		declare(r.name, v.closeByPack(p, r))
	}
	declare("grade", gradeColumns(p))
	declare("params", v.paramColumns(p, params))
	v.declareLookups(p, declare, prov)
	declare("line", v.lineColumns(p))
	declare("facts", nil)
	for _, form := range p.GetForms() {
		for _, f := range form.GetFields() {
			if _, ok := v.facts[f.GetId()]; ok {
				continue
			}
			v.facts[f.GetId()] = factInfo{f, form}
			c := fieldColumn(f)
			v.columns["facts"][f.GetId()] = c
			prov["row.facts"][f.GetId()] = celType(c.kind)
			if c.kind != kindRows {
				continue
			}
			entry := "row.facts." + f.GetId()
			prov[entry] = map[string]*types.Type{}
			for _, item := range f.GetItems() {
				prov[entry][item.GetId()] = celType(fieldColumn(item).kind)
			}
			prov["row.facts"][f.GetId()] = types.NewListType(types.NewObjectType(entry))
		}
	}
	opts := []cel.EnvOption{
		cel.StdLib(cel.StdLibSubset(&celenv.LibrarySubset{IncludeMacros: []string{operators.Has, operators.All, operators.Exists}, IncludeFunctions: allowedFunctions()})),
		cel.CustomTypeProvider(&provider{Provider: types.NewEmptyRegistry(), rows: prov}),
		cel.ParserExpressionSizeLimit(2000), cel.ParserRecursionLimit(64),
	}
	opts = append(append(opts, moneyFunctions()...), wordsFunctions())
	for name, t := range v.rowTypes {
		opts = append(opts, cel.Variable(name, t))
	}
	for _, name := range listRows() {
		opts = append(opts, cel.Variable(name, cel.ListType(cel.StringType)))
	}
	env, err := cel.NewCustomEnv(opts...)
	if err != nil {
		return nil, fmt.Errorf("policy: conditions: %w", err)
	}
	v.env = env
	return v, nil
}

// declareLookups gives lookup.<connector>.<field> its types.
func (v *vocabulary) declareLookups(p *policyv1.Pack, declare func(string, []column), prov map[string]map[string]*types.Type) {
	declare("lookup", nil)
	for _, k := range p.GetRouting().GetConnectors() {
		name := "lookup." + k.GetId()
		var columns []column
		v.answers[k.GetId()] = map[string]*policyv1.Field{}
		for _, f := range k.GetAnswers() {
			columns = append(columns, fieldColumn(f))
			v.answers[k.GetId()][f.GetId()] = f
		}
		declare(name, columns)
		delete(v.rowTypes, name) // reached through lookup only
		v.columns["lookup"][k.GetId()] = column{name: k.GetId(), kind: kindRow}
		prov["row.lookup"][k.GetId()] = types.NewObjectType("row." + name)
	}
}

// lineColumns are the items of the lists that windows, evidence and causes decide line by line.
func (v *vocabulary) lineColumns(p *policyv1.Pack) []column {
	lists := map[string]bool{}
	for _, w := range p.GetAcceptance().GetWindows() {
		lists[w.GetEach()] = true
	}
	for _, e := range p.GetAcceptance().GetEvidence() {
		lists[e.GetEach()] = true
	}
	for _, c := range p.GetLiability().GetCauses() {
		lists[c.GetEach()] = true
	}
	var out []column
	for _, form := range p.GetForms() {
		for _, f := range form.GetFields() {
			if !lists[f.GetId()] {
				continue
			}
			for _, item := range f.GetItems() {
				if v.items[item.GetId()] == nil {
					v.items[item.GetId()] = item
					out = append(out, fieldColumn(item))
				}
			}
		}
	}
	return out
}

// allowedFunctions leaves out arithmetic, conversions, dates and regular expressions: a condition
// only compares what is recorded.
//
// Source: PACK-SKETCH.md 1, principle 5.
func allowedFunctions() []*celenv.Function {
	var out []*celenv.Function
	for _, name := range []string{
		operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot, operators.Conditional, operators.Equals, operators.NotEquals,
		operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals, operators.In, operators.NotStrictlyFalse, operators.Negate, "size",
	} {
		out = append(out, celenv.NewFunction(name))
	}
	return out
}

func fieldColumn(f *policyv1.Field) column {
	c := column{name: f.GetId(), kind: kindSealed}
	switch f.GetType() {
	case policyv1.FieldType_FIELD_TYPE_FLAG:
		c.kind = kindBool
	case policyv1.FieldType_FIELD_TYPE_COUNT, policyv1.FieldType_FIELD_TYPE_SCORE:
		c.kind = kindInt
	case policyv1.FieldType_FIELD_TYPE_MONEY:
		c.kind = kindMoney
	case policyv1.FieldType_FIELD_TYPE_DATE, policyv1.FieldType_FIELD_TYPE_INSTANT:
		c.kind = kindTime
	case policyv1.FieldType_FIELD_TYPE_CHOICE:
		c.kind, c.closed = kindString, f.GetOptions()
	case policyv1.FieldType_FIELD_TYPE_CHOICES:
		c.kind, c.closed = kindList, f.GetOptions()
	case policyv1.FieldType_FIELD_TYPE_DEPARTMENT:
		c.kind = kindString
	case policyv1.FieldType_FIELD_TYPE_LIST:
		c.kind = kindRows
	}
	return c
}

func gradeColumns(p *policyv1.Pack) []column {
	var out []column
	for _, s := range p.GetGrades() {
		out = append(out, column{name: s.GetId(), kind: kindString, closed: idsOf(s.GetLevels())})
	}
	return out
}

func (v *vocabulary) paramColumns(p *policyv1.Pack, values map[string]string) []column {
	var out []column
	for _, q := range p.GetParameters() {
		c := column{name: q.GetId()}
		val, set := values[q.GetId()]
		var seen ref.Val
		switch q.GetType() {
		case policyv1.ParameterType_PARAMETER_TYPE_CHOICE:
			c.kind, c.closed, seen = kindString, q.GetOptions(), types.String(val)
		case policyv1.ParameterType_PARAMETER_TYPE_FLAG:
			c.kind, seen = kindBool, types.Bool(val == "true")
		case policyv1.ParameterType_PARAMETER_TYPE_COUNT:
			n, _ := strconv.ParseInt(val, 10, 64)
			c.kind, seen = kindInt, types.Int(n)
		case policyv1.ParameterType_PARAMETER_TYPE_MONEY:
			c.kind, seen = kindMoney, moneyVal(&typev1.Money{CurrencyCode: currency, Amount: val})
		default:
			continue
		}
		out = append(out, c)
		if set {
			v.params[q.GetId()] = seen
		}
	}
	return out
}

// closeByPack fills in the values that fields of the suite can have in this pack.
func (v *vocabulary) closeByPack(p *policyv1.Pack, r row) []column {
	ids := map[string][]string{
		"complaint.category": idsOf(p.GetCategories()), "complaint.channel": idsOf(p.GetAcceptance().GetChannels()),
		"complaint.ground": idsOf(p.GetAcceptance().GetGrounds()), "case.stage": idsOf(p.GetStages()),
		"claim.remedy": idsOf(p.GetCompensation().GetRemedies()), "claim.ground": idsOf(p.GetCompensation().GetGrounds()),
		"offer.remedy": idsOf(p.GetCompensation().GetRemedies()), "step.id": v.lists["done"], "notice.id": v.lists["issued"], "reply.notice": v.lists["issued"],
		"approval.id": v.lists["approved"], "clock.id": v.lists["breached"], "form.id": idsOf(p.GetForms()), "follow_up.id": idsOf(p.GetFollowUp()),
	}
	out := slices.Clone(r.columns)
	for i, c := range out {
		// An empty string says that a ground or category was looked for and there is none.
		if closed := ids[r.name+"."+c.name]; len(closed) > 0 {
			out[i].closed = append(slices.Clone(closed), "")
		}
	}
	return out
}

// idLists collects what can stand in the lists of ids.
func idLists(p *policyv1.Pack) map[string][]string {
	m := map[string][]string{
		"done": idsOf(p.GetDuties()), "issued": idsOf(p.GetNotices()), "approved": idsOf(p.GetApprovals()), "breached": idsOf(p.GetClocks()),
		"marks": idsOf(p.GetAcceptance().GetMarks()),
	}
	steps := slices.Clone(p.GetDuties())
	for _, s := range p.GetStages() {
		m["done"] = append(m["done"], idsOf(s.GetSteps())...)
		steps = append(steps, s.GetSteps()...)
	}
	for _, s := range steps {
		if s.GetWithin() != "" {
			m["breached"] = append(m["breached"], s.GetId())
		}
	}
	for _, f := range p.GetFollowUp() {
		if f.GetWithin() != "" {
			m["breached"] = append(m["breached"], f.GetId())
		}
	}
	for _, a := range p.GetApprovals() {
		if a.GetUrgent() != nil {
			m["breached"] = append(m["breached"], a.GetId())
		}
	}
	for _, c := range p.GetLiability().GetCauses() {
		if c.GetMark() != "" {
			m["marks"] = append(m["marks"], c.GetMark())
		}
	}
	for _, d := range allDo(p) {
		if d.GetMark() != "" {
			m["marks"] = append(m["marks"], d.GetMark())
		}
	}
	return m
}

type hasID interface{ GetId() string }

func idsOf[T hasID](items []T) []string {
	out := make([]string, 0, len(items))
	for _, i := range items {
		out = append(out, i.GetId())
	}
	return out
}
