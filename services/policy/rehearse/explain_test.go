package rehearse_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/policy"
	"example.com/redress/services/policy/rehearse"
)

func shipped(t *testing.T, name string) *policy.Policy {
	t.Helper()
	pack, _, err := policy.LoadShipped(name)
	require.NoError(t, err)
	p, findings := policy.Compile(pack, policy.Options{})
	require.NotNil(t, p, "%v", findings)
	return p
}

func flag(v bool) *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Flag{Flag: v}} }

func answers(t *testing.T, p *policy.Policy, s *policy.Sheet) map[string]rehearse.Answer {
	t.Helper()
	all, err := rehearse.Explain(p, s)
	require.NoError(t, err)
	if s != nil && s.Scope["claim"] != nil {
		all, err = rehearse.ExplainClaim(p, s)
		require.NoError(t, err)
	}
	out := map[string]rehearse.Answer{}
	for _, a := range all {
		out[strings.TrimSuffix(string(a.Kind)+" "+a.Subject, " ")] = a
	}
	return out
}

func other(t *testing.T, a rehearse.Answer, outcome string) rehearse.Alternative {
	t.Helper()
	i := slices.IndexFunc(a.Others, func(o rehearse.Alternative) bool { return o.Outcome == outcome })
	require.GreaterOrEqual(t, i, 0, "%s is no alternative of %+v", outcome, a)
	return a.Others[i]
}

func TestAGradeIsExplainedByTheFactsItsRuleReads(t *testing.T) {
	p := shipped(t, "generic-template")
	a := answers(t, p, &policy.Sheet{Facts: map[string]*typev1.Fact{"agitated": flag(true)}})["GRADE severity"]
	require.Equal(t, "serious", a.Outcome)
	require.Equal(t, "serious", a.Rule.GetRule())
	require.Equal(t, "(三)", strings.NewReplacer("（", "(", "）", ")").Replace(a.Rule.GetClause()))
	require.Equal(t, []rehearse.Input{{Fact: "facts.agitated", Value: "true", Known: true}, {Fact: "facts.cannot_be_used"}}, a.Inputs)

	up := other(t, a, "major")
	require.Equal(t, []rehearse.Change{{Fact: "facts.batch_quality", Relation: policy.RelationIs, Suppose: []string{"true"}}}, up.Changes)
	down := other(t, a, "general")
	require.Equal(t, []rehearse.Change{{Fact: "facts.agitated", Is: "true", Known: true, Relation: policy.RelationIs, Not: true, Suppose: []string{"false"}}}, down.Changes)
}

func TestAChangeOfTheGradeSaysAllThatStandsInItsWay(t *testing.T) {
	p := shipped(t, "generic-template")
	s := &policy.Sheet{Facts: map[string]*typev1.Fact{"media_exposure": flag(true), "safety_hazard": flag(true), "agitated": flag(true)}}
	down := other(t, answers(t, p, s)["GRADE severity"], "general")
	var facts []string
	for _, c := range down.Changes {
		require.True(t, c.Not)
		facts = append(facts, c.Fact)
	}
	require.ElementsMatch(t, []string{"facts.media_exposure", "facts.safety_hazard", "facts.agitated"}, facts)
}

func TestTheOtherBandIsAFenBeyondTheEdge(t *testing.T) {
	p := shipped(t, "property-developer-compensation")
	s := &policy.Sheet{Scope: map[string]map[string]any{"claim": {
		"amount": &typev1.Money{CurrencyCode: "CNY", Amount: "48000.00"}, "causes": []string{"design"},
	}}}
	all := answers(t, p, s)
	band := all["BAND compensation.tier"]
	require.Equal(t, "general_manager", band.Outcome)
	require.Equal(t, []rehearse.Change{{
		Fact: "claim.amount", Is: "48000.00", Known: true, Relation: policy.RelationMore, Values: []string{"50000.00"}, Suppose: []string{"50000.01"},
	}}, other(t, band, "chairman").Changes)

	require.Equal(t, "yes", all["SIGN compensation.design_countersign"].Outcome)
	joins := other(t, all["SIGN compensation.project_countersign"], "yes")
	require.Equal(t, policy.RelationContains, joins.Changes[0].Relation)
	require.Equal(t, []string{"design", "project"}, joins.Changes[0].Suppose, "what is there stays")
}

func TestADepartmentIsExplainedByTheRowsThatComeFirst(t *testing.T) {
	p := shipped(t, "generic-template")
	category := "damage"
	a := answers(t, p, &policy.Sheet{Complaint: &policy.ComplaintFacts{Category: &category}})["DEPARTMENT"]
	require.Equal(t, "product", a.Outcome)
	service := other(t, a, "customer_service")
	require.Len(t, service.Changes, 1, "that it is service_attitude says already that it is none of the others")
	require.Equal(t, []string{"service_attitude"}, service.Changes[0].Values)
}

func TestGradesThatPointTheOtherWayAreExplained(t *testing.T) {
	p := shipped(t, "group-company")
	a := answers(t, p, &policy.Sheet{Facts: map[string]*typev1.Fact{"objective_cause": flag(true)}})["GRADE severity"]
	require.Equal(t, "minor", a.Outcome)
	require.Len(t, other(t, a, "general").Changes, 1)
	require.Len(t, other(t, a, "major").Changes, 1)
}

func TestWordsAndPersonsAreNeverShown(t *testing.T) {
	p := pack(t, []string{`has(facts.words) && facts.hidden`})
	s := &policy.Sheet{Facts: map[string]*typev1.Fact{
		"words": {Value: &typev1.Fact_Text{Text: "张三 13800000000"}}, "hidden": flag(true),
	}}
	a := answers(t, p, s)["GRADE severity"]
	require.Equal(t, "l1", a.Outcome)
	for _, in := range a.Inputs {
		require.Equal(t, policy.Sealed, in.Value)
	}
}

func TestWhatCannotBeTakenApartIsSaidSo(t *testing.T) {
	p := pack(t, []string{`facts.items.exists(i, i.broken)`, `facts.n == facts.o`})
	a := answers(t, p, &policy.Sheet{Facts: map[string]*typev1.Fact{
		"n": {Value: &typev1.Fact_Count{Count: 1}}, "o": {Value: &typev1.Fact_Count{Count: 2}},
	}})["GRADE severity"]
	require.Equal(t, "l0", a.Outcome)
	for _, outcome := range []string{"l1", "l2"} {
		o := other(t, a, outcome)
		require.Len(t, o.Opaque, 1, outcome)
		require.Empty(t, o.Changes)
	}
	require.Equal(t, []string{"facts.n == facts.o"}, other(t, a, "l2").Opaque)
}

func TestALevelThatOnlyAPersonSetsIsNotPromised(t *testing.T) {
	p := pack(t, []string{"", "facts.a"})
	require.True(t, other(t, answers(t, p, nil)["GRADE severity"], "l1").Unreachable)
}

// pack has a scale l0 to l<n> with the conditions given for l1 and up.
func pack(t require.TestingT, conds []string) *policy.Policy {
	var b strings.Builder
	b.WriteString(`pack: trial
title: {zh: 试验, en: Trial}
source: Trial
forms:
- id: record
  clause: "1"
  about: COMPLAINT
  text: {zh: 记录, en: record}
  fields:
  - {id: a, type: FLAG}
  - {id: b, type: FLAG}
  - {id: n, type: COUNT}
  - {id: o, type: COUNT}
  - {id: m, type: MONEY}
  - {id: c, type: CHOICE, choices: [{id: x, text: {zh: 甲, en: x}}, {id: y, text: {zh: 甲, en: y}}, {id: z, text: {zh: 甲, en: z}}]}
  - {id: k, type: CHOICES, choices: [{id: x, text: {zh: 甲, en: x}}, {id: y, text: {zh: 甲, en: y}}, {id: z, text: {zh: 甲, en: z}}]}
  - {id: words, type: TEXT}
  - {id: hidden, type: FLAG, hidden_from: [anyone]}
  - {id: items, type: LIST, items: [{id: broken, type: FLAG}]}
grades:
- id: severity
  clause: "2"
  text: {zh: 级别, en: severity}
  otherwise: l0
  levels:
  - {id: l0, text: {zh: 零, en: zero}}
`)
	for i, cond := range conds {
		fmt.Fprintf(&b, "  - id: l%d\n    text: {zh: 级, en: level}\n", i+1)
		if cond != "" {
			fmt.Fprintf(&b, "    if: '%s'\n", cond)
		}
	}
	loaded, findings := policy.Load("pack.yaml", []byte(b.String()), policy.Shipped)
	require.NotNil(t, loaded, "%v", findings)
	p, findings := policy.Compile(loaded, policy.Options{})
	require.NotNil(t, p, "%s\n%v", b.String(), findings)
	return p
}

// condition draws a condition over the facts of pack.
func condition(t *rapid.T, depth int) string {
	if depth > 0 && rapid.Bool().Draw(t, "join") {
		a, b := condition(t, depth-1), condition(t, depth-1)
		switch rapid.IntRange(0, 2).Draw(t, "how") {
		case 0:
			return "(" + a + " && " + b + ")"
		case 1:
			return "(" + a + " || " + b + ")"
		}
		return "!(" + a + ")"
	}
	op := rapid.SampledFrom([]string{"<", "<=", ">", ">=", "==", "!="}).Draw(t, "op")
	order := rapid.SampledFrom([]string{"<", "<=", ">", ">="}).Draw(t, "order")
	choice := rapid.SampledFrom([]string{"x", "y", "z"}).Draw(t, "choice")
	switch rapid.IntRange(0, 7).Draw(t, "atom") {
	case 0:
		return "facts.a"
	case 1:
		return "facts.b"
	case 2:
		return fmt.Sprintf("facts.n %s %d", op, rapid.IntRange(0, 3).Draw(t, "n"))
	case 3:
		return fmt.Sprintf(`facts.m %s yuan("%d.00")`, order, rapid.IntRange(1, 3).Draw(t, "m"))
	case 4:
		return fmt.Sprintf(`facts.c == "%s"`, choice)
	case 5:
		return fmt.Sprintf(`facts.c in ["%s", "x"]`, choice)
	case 6:
		return fmt.Sprintf(`"%s" in facts.k`, choice)
	}
	return fmt.Sprintf("%d %s facts.o", rapid.IntRange(0, 3).Draw(t, "o"), order)
}

// worlds are the values of each fact of pack that can make a difference.
func worlds() map[string][]*typev1.Fact {
	money := func(a string) *typev1.Fact {
		return &typev1.Fact{Value: &typev1.Fact_Money{Money: &typev1.Money{CurrencyCode: "CNY", Amount: a}}}
	}
	count := func(n int64) *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Count{Count: n}} }
	choice := func(c string) *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Choice{Choice: c}} }
	choices := func(c ...string) *typev1.Fact {
		return &typev1.Fact{Value: &typev1.Fact_Choices{Choices: &typev1.Choices{Values: c}}}
	}
	return map[string][]*typev1.Fact{
		"a": {nil, flag(true), flag(false)}, "b": {nil, flag(true), flag(false)},
		"n": {nil, count(0), count(1), count(2), count(3), count(4)}, "o": {nil, count(0), count(2), count(4)},
		"m": {nil, money("0.00"), money("1.00"), money("2.50"), money("3.00"), money("9.00")},
		"c": {nil, choice("x"), choice("y"), choice("z")}, "k": {nil, choices(), choices("x"), choices("y", "z")},
	}
}

func sheet(t *rapid.T, label string) *policy.Sheet {
	s := &policy.Sheet{Facts: map[string]*typev1.Fact{}}
	all := worlds()
	for _, id := range []string{"a", "b", "c", "k", "m", "n", "o"} {
		if f := rapid.SampledFrom(all[id]).Draw(t, label+id); f != nil {
			s.Facts[id] = f
		}
	}
	return s
}

func TestWhatIsProposedGivesTheOtherOutcome(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		conds := []string{condition(t, 2), condition(t, 2)}
		p := pack(t, conds)
		s := sheet(t, "is ")
		all, err := rehearse.Explain(p, s)
		require.NoError(t, err)
		a := all[0]
		require.Equal(t, p.Grade("severity", s).Level, a.Outcome)
		for _, o := range a.Others {
			require.Empty(t, o.Opaque, "every atom is a comparison")
			if o.Unreachable {
				// Then no facts give it: try many.
				for i := range 40 {
					w := sheet(t, fmt.Sprint("other ", i, " "))
					require.NotEqual(t, o.Outcome, p.Grade("severity", w).Level, "%v on %v", conds, w.Facts)
				}
				continue
			}
			require.NotEmpty(t, o.Changes)
			supposed := s
			for _, c := range o.Changes {
				var ok bool
				supposed, ok = p.Suppose(supposed, c.Fact, c.Suppose...)
				require.True(t, ok)
			}
			require.Equal(t, o.Outcome, p.Grade("severity", supposed).Level, "%v: %+v", conds, o)
		}
	})
}
