package policy_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/policy"
)

func FuzzLoad(f *testing.F) {
	for _, name := range policy.ShippedNames() {
		source, err := policy.Shipped(name, "")
		require.NoError(f, err)
		f.Add(source)
	}
	files, err := filepath.Glob("testdata/findings/*.yaml")
	require.NoError(f, err)
	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(source)
	}
	f.Add([]byte("pack: a\nstages: [{id: a, steps: [{opens: [STEP_DONE a]}]}]\n"))
	f.Add([]byte("pack: [a]\n\u2028forms: {}\n"))
	f.Fuzz(func(t *testing.T, source []byte) {
		p, findings := policy.Load("fuzz.yaml", source, policy.Shipped)
		for _, x := range findings {
			require.NotEmpty(t, x.Text.GetEn())
			require.NotEmpty(t, x.Text.GetZh())
		}
		pol, more := policy.Compile(p, policy.Options{})
		if pol == nil {
			require.True(t, policy.HasErrors(more), "a refusal says why")
			return
		}
		pol.On("COMPLAINT_RECEIVED", "", nil)
		pol.Gate(policyv1.Act_ACT_CLOSE, policy.Subject{}, nil)
		again, _ := policy.Compile(pol.Pack(), policy.Options{})
		require.Equal(t, pol.Revision(), again.Revision())
	})
}

func BenchmarkCompile(b *testing.B) {
	p, _, err := policy.LoadShipped("demo")
	require.NoError(b, err)
	for b.Loop() {
		policy.Compile(p, policy.Options{})
	}
}

func BenchmarkEval(b *testing.B) {
	p := compiled(b, "demo")
	s := &policy.Sheet{Facts: map[string]*typev1.Fact{"batch_quality": yes(false), "safety_hazard": yes(false), "media_exposure": yes(true)}}
	b.ReportAllocs()
	for b.Loop() {
		_, _, _ = p.Eval("facts.batch_quality || facts.safety_hazard || facts.media_exposure", s)
	}
}

func BenchmarkGate(b *testing.B) {
	p := compiled(b, "demo")
	s := &policy.Sheet{Scope: map[string]map[string]any{"claim": {"remedy": "cash", "amount": yuan("120000.00")}}}
	b.ReportAllocs()
	for b.Loop() {
		p.Gate(policyv1.Act_ACT_PAY, policy.Subject{}, s)
	}
}

func ExampleLoad() {
	_, findings := policy.Load("my-pack.yaml", []byte(`pack: my-pack
clocks:
- {id: answer, clause: "5", text: {zh: 答复, en: answer}, from: [COMPLAINT_RECEIVED], limit: 3 workdays, met_by: [REPLY_SEND]}
`), policy.Shipped)
	for _, f := range findings {
		fmt.Println(f)
	}
	// Output:
	// my-pack.yaml:3:92: L03 E: clocks.answer.limit: limit cannot be "3 workdays". Write "3 working days" (by date) or "27 working h" (by hours, nine a day); see K4.
	// my-pack.yaml:3:113: L02 E: trigger: Event "REPLY_SEND" does not exist. Did you mean "REPLY_SENT"?
}

func ExamplePolicy_Grade() {
	pack, _, _ := policy.LoadShipped("generic-template")
	pol, _ := policy.Compile(pack, policy.Options{})
	hazard := &typev1.Fact{Value: &typev1.Fact_Flag{Flag: true}}
	g := pol.Grade("severity", &policy.Sheet{Facts: map[string]*typev1.Fact{"safety_hazard": hazard}})
	limit, _ := pol.ClockLimit("response", &policy.Sheet{Grade: map[string]string{"severity": g.Level}})
	fmt.Println(g.Level, g.Rule.GetClause(), limit)
	// Output: major (三) 2 h
}

func ExamplePolicy_Gate() {
	pack, _, _ := policy.LoadShipped("property-developer-compensation")
	pol, _ := policy.Compile(pack, policy.Options{})
	cash := &policy.Sheet{Scope: map[string]map[string]any{"claim": {"remedy": "cash"}}}
	for _, u := range pol.Gate(policyv1.Act_ACT_SET_METHOD, policy.Subject{}, cash) {
		fmt.Println(u.Gate.GetRule(), u.Gate.GetClause(), u.Need, u.Missing)
	}
	// Output: refusal_before_cash 4 STEP [owner_refuses]
}
