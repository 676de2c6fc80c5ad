package policy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/policy"
)

// What an author gets wrong first: each is refused with the place and what to write instead, and
// nothing of it can be put in force.
func TestBadPacksAreRefused(t *testing.T) {
	const rule = "text: {zh: 甲, en: a}, "
	for _, c := range []struct{ name, source, want string }{
		{"syntax error", "pack: sample\ngates: [{id: g\n", `L01 E: This is not YAML: did not find expected ',' or '}'.`},
		{"unknown key", "pack: sample\nclocs: []\n", `bad.yaml:2:1: L01 E: Pack: Unknown field "clocs". Did you mean "clocks"?`},
		{"CEL type error", "pack: sample\ngates:\n- {id: g, clause: '1', " + rule + "before: [CLOSE], if: case.round == \"two\", only: [customer]}\n", `bad.yaml:3:78: L10 E: gates.g.if: column 12: == does not fit (int, string).`},
		{"costly expression", "pack: sample\nforms:\n- {id: f, clause: '1', " + rule + "about: COMPLAINT, fields: [{id: rows, type: LIST, items: [{id: k, type: COUNT}]}]}\ngates:\n- {id: g, clause: '1', " + rule + "before: [CLOSE], only: [customer], if: 'facts.rows.all(a, facts.rows.all(b, facts.rows.all(c, a.k != b.k)))'}\n", `L17 E: gates.g.if: column 1: The worst cost of this condition is`},
		{"include cycle", "pack: ring\ninclude: [{pack: ring, revision: \"00\", sections: [gates]}]\n", `Packs include each other too deep.`},
		{"missing clause", "pack: sample\ngates:\n- {id: g, " + rule + "before: [CLOSE], only: [customer]}\n", `bad.yaml:3:3: L07 E: gates.g: The rule has no clause.`},
		{"duplicate id", "pack: sample\ngates:\n- {id: g, clause: '1', " + rule + "before: [CLOSE], only: [customer]}\n- {id: g, clause: '2', " + rule + "before: [PAY], only: [customer]}\n", `bad.yaml:4:8: L05 E: gates.g: id "g" is already a Gate at bad.yaml:3. Rename one; scenarios point to ids.`},
		{"negative duration", "pack: sample\nclocks:\n- {id: k, clause: '1', " + rule + "from: [COMPLAINT_RECEIVED], limit: -3 h, met_by: [REPLY_SENT]}\n", `bad.yaml:3:81: L03 E: clocks.k.limit: limit cannot be "-3 h".`},
		{"band overlap", "pack: sample\napprovals:\n- {id: pay, of: CLAIM, clause: '1', " + rule + "amount: claim.amount, signs: [{id: s, kind: APPROVE, bands: [\n    {up_to: '2000.00', who: [customer]},\n    {from: '2000.00', who: [head@responsible]}]}]}\n", `bad.yaml:5:5: L21 E: approvals.pay.s: 2000.00 belongs to two bands. One must say "above" or "below".`},
		{"zero threshold", "pack: sample\ncounters:\n- {id: k, clause: '1', " + rule + "of: COMPLAINTS, reaches: 0, do: [{mark: m}]}\n", `L34 E: counters.k: reaches is 0, which says nothing.`},
		{"measure of entries", "pack: sample\nreports:\n  measures:\n  - {id: k, clause: '1', " + rule + "of: ENTRIES, dated_by: received}\n", `L02 E: reports.measures.k: Measure k is of nothing that reports have rows of. Write one of: ACTIONS, CLOCKS, COMPLAINTS, FOLLOW_UPS.`},
		{"tree in a circle", "pack: sample\nrouting:\n  trees:\n  - {id: tr, clause: '1', " + rule + "nodes: [{id: a, branches: [{if: case.front_line, node: b}]}, {id: b, branches: [{node: a}]}]}\n", `L28 E: routing.trees.tr.a: Node a leads back to itself.`},
		{"look-up nobody asks", "pack: sample\nrouting:\n  connectors: [{id: hlr, clause: '1', " + rule + "answers: [{id: up, type: FLAG}], within: 5 s}]\n  trees:\n  - {id: tr, clause: '1', " + rule + "nodes: [{id: a, branches: [{if: lookup.hlr.up, diagnosis: d}]}], diagnoses: [{id: d, clause: '1', text: {zh: 甲, en: a}}]}\n", `Nobody has asked hlr on the way here.`},
		{"window without a date", "pack: sample\nacceptance: {windows: [{id: w, of: COMPLAINT, clause: '1', " + rule + "from: arrived, limit: 3 days, late: INVALID}]}\n", `L14 E: acceptance.windows.w: Nobody can record "arrived": no form has it.`},
		{"standard without a figure", "pack: sample\ncompensation: {remedies: [{id: r, clause: '1', " + rule + "kind: GIFT}], standards: [{id: s, clause: '1', " + rule + "remedy: r}]}\n", `A standard has exactly one of ratio, actual and amount.`},
	} {
		t.Run(c.name, func(t *testing.T) {
			include := func(string, string) ([]byte, error) { return []byte(c.source), nil }
			p, findings := policy.Load("bad.yaml", []byte(c.source), include)
			require.True(t, policy.HasErrors(findings))
			require.Contains(t, printed(findings), c.want)
			if p != nil && p.GetPack() != "" && c.name != "include cycle" && c.name != "syntax error" && c.name != "unknown key" {
				pol, _ := policy.Compile(p, policy.Options{})
				require.Nil(t, pol, "what lint refuses cannot be compiled")
			}
		})
	}
	t.Run("unset parameter", func(t *testing.T) {
		pol, findings := policy.Compile(load(t, blank), policy.Options{Parameters: map[string]string{"days": "7 days"}})
		require.Nil(t, pol)
		require.Contains(t, printed(findings), "L18 E: parameters.consenter: Parameter consenter (clause 3.6) has no value.")
	})
}
