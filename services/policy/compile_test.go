package policy_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/policy"
)

const blank = `pack: sample
roles: [{id: boss, text: {zh: 甲, en: a}}]
parameters:
- {id: days, clause: "5", reading: [P17-A1], type: LIMIT, text: {zh: 期限, en: limit}}
- {id: consenter, clause: "3.6", type: ROLE, text: {zh: 同意人, en: who consents}}
forms:
- {id: record, clause: "1", about: COMPLAINT, text: {zh: 甲, en: a}, fields: [{id: boxes, type: COUNT}, {id: opened, type: FLAG}, {id: arrived, type: DATE}]}
clocks:
- {id: answer, clause: "5", text: {zh: 甲, en: a}, from: [COMPLAINT_RECEIVED], limit: $days, met_by: [REPLY_SENT]}
approvals:
- {id: consent, of: CONSENT, clause: "3.6", text: {zh: 甲, en: a}, signs: [{id: agree, kind: APPROVE, who: [$consenter]}]}
gates:
- {id: warned, clause: "1", text: {zh: 甲, en: a}, before: [CLOSE], warn: true, needs: [{that: facts.boxes > 20 || facts.opened}]}
- {id: dated, clause: "1", text: {zh: 甲, en: a}, before: [PAY], if: complaint.received <= facts.arrived, only: [boss]}
`

func load(t testing.TB, source string) *policyv1.Pack {
	t.Helper()
	p, findings := policy.Load("sample.yaml", []byte(source), nil)
	require.Empty(t, findings)
	return p
}

func printed(findings []policy.Finding) string {
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintln(&b, f)
	}
	return b.String()
}

func TestBlankParametersAreRefusedUntilTheOwnerSetsThem(t *testing.T) {
	p := load(t, blank)
	pol, findings := policy.Compile(p, policy.Options{})
	require.Nil(t, pol)
	require.Equal(t, `L18 E: parameters.consenter: Parameter consenter (clause 3.6) has no value. Its owner must set a ROLE; there is no default.
L18 E: parameters.days: Parameter days (clause 5) has no value. Its owner must set a LIMIT; there is no default.
`, printed(findings))

	_, findings = policy.Compile(p, policy.Options{Parameters: map[string]string{"days": "7 workdays", "consenter": "boss", "dais": "1"}})
	require.Equal(t, `L03 E: parameters.days: Parameter days has the value "7 workdays", which is not a LIMIT. Write "7 working days" (by date) or "63 working h" (by hours, nine a day); see K4.
L06 E: parameters.dais: The pack has no parameter "dais". Did you mean "days"?
`, printed(findings))

	_, findings = policy.Compile(p, policy.Options{Parameters: map[string]string{"days": "7 days", "consenter": "chief"}})
	require.Contains(t, printed(findings), `L06 E: approvals.consent.signs.agree.who: Role "chief" is not declared.`)
}

func TestRevisionCoversTheParameters(t *testing.T) {
	p := load(t, blank)
	before := proto.CloneOf(p)
	compile := func(days string) *policy.Policy {
		pol, findings := policy.Compile(p, policy.Options{Parameters: map[string]string{"days": days, "consenter": "boss"}})
		require.Empty(t, findings)
		return pol
	}
	a, b, c := compile("7 days"), compile("7 days"), compile("8 days")
	require.Equal(t, a.Revision(), b.Revision())
	require.NotEqual(t, a.Revision(), c.Revision())
	require.Regexp(t, `^[0-9a-f]{64}$`, a.Revision())
	require.True(t, proto.Equal(before, p), "Compile does not change its argument")
	limit, err := c.ClockLimit("answer", nil)
	require.NoError(t, err)
	require.Equal(t, "8 days", limit.String())
	require.Equal(t, []string{"boss"}, c.Approval("consent").GetSigns()[0].GetWho())
	require.Equal(t, "8 days", c.Pack().GetParameters()[0].GetValue())
	require.Equal(t, "$days", c.Pack().GetClocks()[0].GetLimit(), "the resolved pack keeps the parameter's place")

	// Comments, order of fields and quotation marks are no change.
	same := load(t, "# a comment\n"+strings.Replace(blank, `clause: "5", text`, `clause: '5', text`, 1))
	pol, findings := policy.Compile(same, policy.Options{Parameters: map[string]string{"days": "7 days", "consenter": "boss"}})
	require.Empty(t, findings)
	require.Equal(t, a.Revision(), pol.Revision())
}

func count(n int64) *typev1.Fact { return &typev1.Fact{Value: &typev1.Fact_Count{Count: n}} }

// Source: PACK-SKETCH.md 2.7 and 6: a missing fact is unknown unless the rest decides.
func TestMissingFactsAreUnknownNotFalse(t *testing.T) {
	pol, findings := policy.Compile(load(t, blank), policy.Options{Parameters: map[string]string{"days": "7 days", "consenter": "boss"}})
	require.Empty(t, findings)
	const cond = "facts.boxes > 20 || facts.opened"
	for _, c := range []struct {
		facts   map[string]*typev1.Fact
		want    policy.Tri
		missing []string
	}{
		{nil, policy.Unknown, []string{"boxes", "opened"}},
		{map[string]*typev1.Fact{"boxes": count(21)}, policy.True, nil},
		{map[string]*typev1.Fact{"boxes": count(20)}, policy.Unknown, []string{"opened"}},
		{map[string]*typev1.Fact{"boxes": count(20), "opened": yes(false)}, policy.False, nil},
		{map[string]*typev1.Fact{"opened": yes(true)}, policy.True, nil},
	} {
		got, missing, err := pol.Eval(cond, &policy.Sheet{Facts: c.facts})
		require.NoError(t, err)
		require.Equal(t, c.want, got)
		require.Equal(t, c.missing, missing)
	}
	got, _, err := pol.Eval("", nil)
	require.NoError(t, err)
	require.Equal(t, policy.True, got)
	_, _, err = pol.Eval("true", nil)
	require.ErrorContains(t, err, "holds no condition")
	wrong := &policy.Sheet{Facts: map[string]*typev1.Fact{"boxes": count(1), "opened": text("yes")}}
	got, _, err = pol.Eval(cond, wrong)
	require.Equal(t, policy.Unknown, got)
	require.Error(t, err, "a fact of another type never decides")

	var warned []*typev1.RuleRef
	by := policy.Subject{Warned: func(r *typev1.RuleRef) { warned = append(warned, r) }}
	require.Empty(t, pol.Gate(policyv1.Act_ACT_CLOSE, by, &policy.Sheet{Facts: map[string]*typev1.Fact{"boxes": count(1), "opened": yes(false)}}), "a warning refuses nothing")
	require.Len(t, warned, 1)
}

// A DATE means its last second, so that a complaint on that date is not after it.
func TestDatesLastUntilMidnightInTheZone(t *testing.T) {
	pol, findings := policy.Compile(load(t, blank), policy.Options{Parameters: map[string]string{"days": "7 days", "consenter": "boss"}})
	require.Empty(t, findings)
	for at, gates := range map[string]int{"2026-04-30 23:59:59": 1, "2026-05-01 00:00:00": 0} {
		received := shanghai(t, at)
		s := &policy.Sheet{Complaint: &policy.ComplaintFacts{Received: &received}, Facts: map[string]*typev1.Fact{"arrived": date("2026-04-30")}}
		require.Len(t, pol.Gate(policyv1.Act_ACT_PAY, policy.Subject{}, s), gates, at)
	}
}

func TestPolicyIsSafeForConcurrentUse(t *testing.T) {
	p := compiled(t, "demo")
	one := int64(1)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			s := &policy.Sheet{Case: &policy.CaseFacts{Round: &one}, Scope: map[string]map[string]any{"claim": {"amount": yuan("1.00"), "remedy": "cash"}}}
			for range 200 {
				_ = p.Grade("severity", s)
				_ = p.On("COMPLAINT_RECEIVED", "", s)
				_ = p.Gate(policyv1.Act_ACT_PAY, policy.Subject{}, s)
				_ = p.CheckForm("tier_decision", nil, s, nil)
			}
		})
	}
	wg.Wait()
}
