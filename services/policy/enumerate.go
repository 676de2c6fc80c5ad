package policy

import (
	"regexp"
	"slices"
	"strconv"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

// maxWorlds bounds how many sets of facts are tried for one question of lint.
const maxWorlds = 4096

// world is one set of facts: a value for each field that some conditions read, nil for one that
// nobody has recorded.
type world map[use]ref.Val

// Parent implements interpreter.Activation.
func (w world) Parent() interpreter.Activation { return nil }

// ResolveName implements interpreter.Activation.
func (w world) ResolveName(name string) (any, bool) {
	if slices.Contains(listRows(), name) {
		return nil, false
	}
	return &record{name: name, typ: types.NewObjectType("row." + name), get: func(field string) ref.Val { return w[use{row: name, field: field}] }}, true
}

// worlds tries every set of facts that can make a difference to some conditions, until visit returns
// false. ok is false if there are too many, or if they depend on what has no small set of values:
// instants, lists, entries.
func (v *vocabulary) worlds(conds []*condition, visit func(world) bool) (ok bool) {
	var fields []use
	var domains [][]ref.Val
	total := 1
	for _, c := range conds {
		for _, u := range c.uses {
			u.column = 0
			if slices.Contains(fields, u) {
				continue
			}
			d := v.domain(u, conds)
			total *= len(d)
			if d == nil || total > maxWorlds {
				return false
			}
			fields, domains = append(fields, u), append(domains, d)
		}
	}
	for n := range total {
		w := world{}
		for i, d := range domains {
			w[fields[i]] = d[n%len(d)]
			n /= len(d)
		}
		if !visit(w) {
			break
		}
	}
	return len(fields) > 0
}

// domain lists the values of a field that make a difference, the first for one that nobody has
// recorded; nil if it has no small set of them.
func (v *vocabulary) domain(u use, conds []*condition) []ref.Val {
	col, ok := v.columns[u.row][u.field]
	if !ok {
		return nil
	}
	out := []ref.Val{nil}
	switch col.kind {
	case kindBool:
		return append(out, types.True, types.False)
	case kindSealed:
		return append(out, types.True)
	case kindString:
		values := col.closed
		if len(values) == 0 {
			values = append(literals(conds, `"([^"]*)"`), "?", "??")
		}
		for _, s := range values {
			out = append(out, types.String(s))
		}
		return out
	case kindInt:
		for _, s := range literals(conds, `\b([0-9]{1,9})\b`) {
			n, _ := strconv.ParseInt(s, 10, 64)
			for _, near := range []int64{n - 1, n, n + 1} {
				if near >= 0 || u.row != "facts" {
					out = append(out, types.Int(near))
				}
			}
		}
		if u.row != "facts" {
			out = append(out, types.Int(-1)) // points are deducted
		}
		return append(out, types.Int(0), types.Int(1), types.Int(2)) // enough to order two or three fields
	case kindMoney:
		for _, s := range literals(conds, `yuan\("([0-9.]+)"\)`) {
			n, _ := fen(s)
			for _, near := range []int64{n - 1, n, n + 1} {
				if near >= 0 {
					out = append(out, money(near))
				}
			}
		}
		return append(out, money(0), money(1), money(2))
	}
	return nil
}

func literals(conds []*condition, pattern string) []string {
	re := regexp.MustCompile(pattern)
	var out []string
	for _, c := range conds {
		for _, m := range re.FindAllStringSubmatch(c.text, -1) {
			if !slices.Contains(out, m[1]) {
				out = append(out, m[1])
			}
		}
	}
	return out
}

// in answers a condition in one world.
func (c *condition) in(w world) Tri {
	out, _, err := c.prog.Eval(w)
	if b, ok := out.(types.Bool); err == nil && ok {
		if b {
			return True
		}
		return False
	}
	return Unknown
}

// constant tells whether a condition has the same answer whatever is recorded.
func (v *vocabulary) constant(c *condition) (Tri, bool) {
	answer, same := Unknown, true
	ok := v.worlds([]*condition{c}, func(w world) bool {
		t := c.in(w)
		if answer == Unknown {
			answer = t
		}
		same = t == Unknown || t == answer
		return same
	})
	return answer, ok && same && answer != Unknown
}

// together returns facts for which two conditions hold, nil if there are none or too many to try.
func (v *vocabulary) together(a, b *condition) world {
	var found world
	v.worlds([]*condition{a, b}, func(w world) bool {
		if a.in(w) == True && b.in(w) == True {
			found = w
		}
		return found == nil
	})
	return found
}

var _ interpreter.Activation = world{}

// shown writes a value of a world for a person.
func shown(v ref.Val) string {
	switch x := v.(type) {
	case types.String:
		return strconv.Quote(string(x))
	case money:
		return yuanText(int64(x))
	case types.Bool:
		return strconv.FormatBool(bool(x))
	case types.Int:
		return strconv.FormatInt(int64(x), 10)
	}
	return "?"
}
