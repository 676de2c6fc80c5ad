package scenario

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
)

// play is one row of a scenario, with every column filled in and every fixture
// written out.
type play struct {
	name     string
	pack     *ground
	scenario *policyv1.Scenario
	moves    []*move
	spot     spot
}

func (p *play) place() string { return p.spot.String() }

// move is one move of a row.
type move struct {
	*policyv1.Move
	spot spot
}

func (m *move) place() string { return m.spot.String() }

// maxDepth bounds fixtures that use fixtures, maxTimes how often one row is used.
const (
	maxDepth = 4
	maxTimes = 1000
)

// timesColumn says how often a row of a fixture is used, nameColumn only what a row is
// called.
const (
	timesColumn = "times"
	nameColumn  = "row"
)

// plays writes out every row of every scenario of the pack, or says what is wrong.
func (p *pack) plays() ([]*play, mistakes) {
	var out []*play
	var wrong mistakes
	taken := map[string]bool{}
	for _, f := range p.files {
		e := &expander{file: f, wrong: &wrong, fixtures: map[string]*policyv1.Fixture{}, where: map[string]spot{}, used: map[string]bool{}}
		e.collect()
		for i, s := range f.says.GetScenarios() {
			at := f.root.at("scenarios", i)
			if e.head(s, at, p.name, taken) {
				out = append(out, e.rows(p, s, at)...)
			}
		}
		for id, at := range e.where {
			if !e.used[id] {
				wrong.add(at, "fixture %q is used by no move", id)
			}
		}
	}
	slices.Sort(wrong)
	return out, wrong
}

// expander writes out the moves of one file.
type expander struct {
	file     *file
	wrong    *mistakes
	fixtures map[string]*policyv1.Fixture
	where    map[string]spot
	used     map[string]bool
}

func (e *expander) collect() {
	for i, f := range e.file.says.GetFixtures() {
		at := e.file.root.at("fixtures", i)
		switch {
		case f.GetId() == "":
			e.wrong.add(at, "a fixture needs an id")
		case e.fixtures[f.GetId()] != nil:
			e.wrong.add(at.at("id"), "fixture %q is there already", f.GetId())
		case len(f.GetMoves()) == 0:
			e.wrong.add(at, "fixture %q has no moves", f.GetId())
		default:
			e.fixtures[f.GetId()], e.where[f.GetId()] = f, at
			e.columnsUsed(f, f.GetColumns(), at)
		}
	}
}

// head checks what a scenario says about itself.
func (e *expander) head(s *policyv1.Scenario, at spot, pack string, taken map[string]bool) bool {
	before := len(*e.wrong)
	if !scenarioID().MatchString(s.GetId()) {
		e.wrong.add(at.at("id"), "%q is no id of a scenario; write the procedure, -S and a number, with a letter for a further part of it", s.GetId())
	}
	if taken[s.GetId()] {
		e.wrong.add(at.at("id"), "scenario %q is there already", s.GetId())
	}
	taken[s.GetId()] = true
	if s.GetPack() != pack {
		e.wrong.add(at.at("pack"), "this file belongs to the pack %q, not %q", pack, s.GetPack())
	}
	if s.GetClause() == "" {
		e.wrong.add(at, "scenario %q names no clause", s.GetId())
	}
	if len(s.GetMoves()) == 0 {
		e.wrong.add(at, "scenario %q has no moves", s.GetId())
	}
	if len(s.GetColumns()) > 0 && len(s.GetRows()) == 0 {
		e.wrong.add(at.at("columns"), "there are columns but no rows: nothing would be played")
	}
	for i, row := range s.GetRows() {
		if len(row.GetValues()) != len(s.GetColumns()) {
			e.wrong.add(at.at("rows", i), "the row has %d values, there are %d columns", len(row.GetValues()), len(s.GetColumns()))
		}
	}
	if len(s.GetColumns()) > 0 {
		e.columnsUsed(s, s.GetColumns(), at)
	}
	return len(*e.wrong) == before
}

func scenarioID() *regexp.Regexp { return regexp.MustCompile(`^[A-Z][A-Z0-9]*-S[0-9]+[a-z]?$`) }

// columnsUsed finds columns that stand nowhere in the moves.
func (e *expander) columnsUsed(m proto.Message, columns []string, at spot) {
	text := fmt.Sprint(m)
	for i, c := range columns {
		if c != timesColumn && c != nameColumn && !strings.Contains(text, "<"+c+">") {
			e.wrong.add(at.at("columns", i), "column %q stands in no move", c)
		}
	}
}

// rows writes out the rows of a scenario.
func (e *expander) rows(p *pack, s *policyv1.Scenario, at spot) []*play {
	g, err := p.prepare(s)
	if err != nil {
		e.wrong.add(at, "%v", err)
		return nil
	}
	rows := s.GetRows()
	if len(s.GetColumns()) == 0 {
		rows = []*structpb.ListValue{{}}
	}
	names := rowNames(s.GetId(), rows, len(s.GetColumns()))
	var out []*play
	for i, row := range rows {
		where := at
		if len(s.GetColumns()) > 0 {
			where = at.at("rows", i)
		}
		x := &play{name: names[i], pack: g, scenario: s, spot: where}
		before := len(*e.wrong)
		e.walk(x, s.GetMoves(), at.at("moves"), bind(s.GetColumns(), row.GetValues()), 0)
		if len(*e.wrong) == before {
			e.check(x)
		}
		out = append(out, x)
	}
	return out
}

// rowNames names rows by their first value, or by as many as tell them apart.
func rowNames(id string, rows []*structpb.ListValue, columns int) []string {
	if columns == 0 {
		return []string{id}
	}
	out := make([]string, len(rows))
	for n := 1; n <= columns; n++ {
		seen := map[string]bool{}
		for i, row := range rows {
			var parts []string
			for _, v := range row.GetValues()[:min(n, len(row.GetValues()))] {
				parts = append(parts, strings.ReplaceAll(plainText(v), " ", "_"))
			}
			out[i] = id + "/" + strings.Join(parts, ",")
			seen[out[i]] = true
		}
		if len(seen) == len(rows) {
			return out
		}
	}
	for i := range out {
		out[i] = fmt.Sprintf("%s/%d", id, i+1)
	}
	return out
}

// binding holds the values of columns.
type binding map[string]*structpb.Value

func bind(columns []string, values []*structpb.Value) binding {
	b := binding{}
	for i, c := range columns {
		if i < len(values) {
			b[c] = values[i]
		}
	}
	return b
}

// walk adds the moves with their columns filled in, and those of the fixtures they use.
func (e *expander) walk(x *play, moves []*policyv1.Move, at spot, b binding, depth int) {
	for i, m := range moves {
		here := at.at(i)
		m = proto.CloneOf(m)
		if err := fillMove(m, b); err != nil {
			e.wrong.add(here, "%v", err)
			continue
		}
		switch m.GetOnly() {
		case "", "true":
		case "false":
			continue
		default:
			e.wrong.add(here.at("only"), "only is %q; it must be true, false or a column with one of them", m.GetOnly())
			continue
		}
		if m.GetUse() == "" {
			x.moves = append(x.moves, &move{Move: m, spot: here})
			continue
		}
		e.use(x, m, here, depth)
	}
}

// use plays a fixture: once with the values of with, or once for each row.
func (e *expander) use(x *play, m *policyv1.Move, here spot, depth int) {
	f := e.fixtures[m.GetUse()]
	e.used[m.GetUse()] = true
	switch {
	case f == nil:
		e.wrong.add(here.at("use"), "there is no fixture %q in this file", m.GetUse())
		return
	case depth >= maxDepth:
		e.wrong.add(here.at("use"), "fixtures use each other more than %d deep", maxDepth)
		return
	case m.GetCall() != policyv1.Act_ACT_UNSPECIFIED:
		e.wrong.add(here, "a move either uses a fixture or calls an act")
		return
	}
	if m.GetAt() != "" || m.GetAs() != "" {
		x.moves = append(x.moves, &move{Move: &policyv1.Move{At: m.GetAt(), As: m.GetAs()}, spot: here})
	}
	moves := e.where[m.GetUse()].at("moves")
	for i, b := range e.bindings(m, f, here) {
		times := 1
		if t, ok := b[timesColumn]; ok {
			times = int(t.GetNumberValue())
			if times < 1 || times > maxTimes {
				e.wrong.add(here.at("rows", i), "times is %s; it must be 1 to %d", plainText(t), maxTimes)
				continue
			}
		}
		for range times {
			e.walk(x, f.GetMoves(), moves, b, depth+1)
		}
	}
	if m.GetRefused() != nil || m.GetExpect() != nil {
		x.moves = append(x.moves, &move{Move: &policyv1.Move{Refused: m.GetRefused(), Expect: m.GetExpect(), On: m.GetOn()}, spot: here})
	}
}

func (e *expander) bindings(m *policyv1.Move, f *policyv1.Fixture, here spot) []binding {
	if len(m.GetRows()) == 0 {
		b := binding(m.GetWith().GetFields())
		for _, c := range f.GetColumns() {
			if _, ok := b[c]; !ok {
				e.wrong.add(here, "fixture %q needs the column %q", f.GetId(), c)
			}
		}
		for c := range b {
			if !slices.Contains(f.GetColumns(), c) {
				e.wrong.add(here.at("with", c), "fixture %q has no column %q", f.GetId(), c)
			}
		}
		return []binding{b}
	}
	var out []binding
	for i, row := range m.GetRows() {
		if len(row.GetValues()) != len(f.GetColumns()) {
			e.wrong.add(here.at("rows", i), "the row has %d values, fixture %q has %d columns", len(row.GetValues()), f.GetId(), len(f.GetColumns()))
			continue
		}
		out = append(out, bind(f.GetColumns(), row.GetValues()))
	}
	return out
}

// plainText writes a value as it stands in a name or inside a text.
func plainText(v *structpb.Value) string {
	switch k := v.GetKind().(type) {
	case *structpb.Value_StringValue:
		return k.StringValue
	case *structpb.Value_NumberValue:
		return strconv.FormatFloat(k.NumberValue, 'f', -1, 64)
	case *structpb.Value_BoolValue:
		return strconv.FormatBool(k.BoolValue)
	case *structpb.Value_ListValue:
		parts := make([]string, len(k.ListValue.GetValues()))
		for i, x := range k.ListValue.GetValues() {
			parts[i] = plainText(x)
		}
		return strings.Join(parts, "+")
	}
	return ""
}
