package policy

import (
	"fmt"
	"testing"

	"cel.dev/cel-go/common/types"
	"github.com/stretchr/testify/require"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
)

// everyComparison reads a field of each kind with each operator, a parameter, and what no comparison is.
const everyComparison = `pack: sample
roles: [{id: boss, text: {zh: 甲, en: a}}]
parameters: [{id: bound, type: COUNT, value: "3", reading: [R1], clause: "1", text: {zh: 甲, en: a}}]
forms:
- {id: f, clause: "1", text: {zh: 甲, en: a}, about: COMPLAINT, fields: [
    {id: n, type: COUNT}, {id: ok, type: FLAG}, {id: paid, type: MONEY}, {id: kind, type: CHOICE, choices: [{id: torn, text: {zh: 甲, en: a}}, {id: wet, text: {zh: 甲, en: a}}]}]}
approvals:
`

// Whatever is recorded, comparisons alone answer as CEL does, or leave the answer to it.
func TestComparisonsAnswerAsTheWholeConditionDoes(t *testing.T) {
	packs := map[string]*policyv1.Pack{}
	source := everyComparison
	for i, cond := range []string{
		"facts.n == 2", "facts.n != 2", "facts.n < 2", "facts.n <= 2", "facts.n > 2", "facts.n >= 2", "facts.n > params.bound", "2 < facts.n",
		"facts.ok", "!facts.ok", "facts.ok == false", "facts.ok != true", "!(facts.ok)", "has(facts.n)", "!has(facts.n)", "!(facts.n > 2)",
		`facts.paid > yuan("1.00")`, `facts.paid <= yuan("1.00")`, `facts.paid == yuan("1.00")`, `facts.paid != yuan("1.00")`,
		`facts.kind == "torn"`, `facts.kind != "torn"`, `facts.kind in ["torn"]`, `facts.kind < "u"`,
		`facts.kind == "torn" && facts.n > 2 && facts.ok`, `facts.kind == "torn" && (facts.n > 2 || facts.ok)`, `facts.ok || facts.kind == "wet"`,
		"facts.ok ? facts.n > 2 : facts.n < 1", "facts.ok == (facts.n > 2)", "facts.ok && has(facts.n) && facts.n > 2",
	} {
		source += fmt.Sprintf("- {id: a%d, clause: '1', text: {zh: 甲, en: a}, of: PLAN, if: '%s', signs: [{id: s, kind: APPROVE, who: [boss]}]}\n", i, cond)
	}
	every, _ := Load("sample.yaml", []byte(source), nil)
	require.NotNil(t, every)
	packs["every"] = every
	for _, name := range ShippedNames() {
		p, _, err := LoadShipped(name)
		require.NoError(t, err)
		packs[name] = p
	}
	decided, left := 0, 0
	for name, p := range packs {
		values := map[string]string{}
		for _, q := range p.GetParameters() {
			values[q.GetId()] = q.GetValue()
		}
		c := checkWith(p, places{}, values)
		for text, cond := range c.conds {
			c.words.worlds([]*condition{cond}, func(w world) bool {
				for id, value := range c.words.params {
					w[use{row: "params", field: id}] = value
				}
				r := c.words.over(nil)
				for _, f := range c.words.compared {
					value := w[f]
					if value == nil {
						value = types.NullValue
					}
					r.known = append(r.known, value)
				}
				if by := r.compare(cond); by == Unknown {
					left++
				} else {
					decided++
					require.Equal(t, cond.in(w), by, "%s: %s, where %v", name, text, w)
				}
				return true
			})
		}
	}
	require.Greater(t, decided, 1000)
	require.Greater(t, left, 1000)
}
