package policy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	typev1 "example.com/redress/proto/gen/redress/type/v1"
	"example.com/redress/services/policy"
)

func subject(s string) *policy.Sheet {
	return &policy.Sheet{Facts: map[string]*typev1.Fact{"subject": choice(s)}}
}

// walk asks a tree step by step; system says what each connector answers, nil for silence.
func walk(t *testing.T, p *policy.Policy, s *policy.Sheet, system map[string]map[string]*typev1.Fact) (policy.TreeStep, []string) {
	t.Helper()
	answers := policy.Answers{}
	var asked []string
	for range 10 {
		step := p.Tree(s, answers)
		if len(step.Ask) == 0 {
			return step, asked
		}
		for _, c := range step.Ask {
			asked = append(asked, c)
			answers[c] = system[c]
		}
	}
	t.Fatal("the tree asks without end")
	return policy.TreeStep{}, nil
}

// Source: SCENARIOS.md P03, fixture T1, S1 to S3.
func TestP03TreeAsksOnlyWhatItNeedsAndGuessesNothing(t *testing.T) {
	p := rules(t, "telecom", nil)
	type answers = map[string]map[string]*typev1.Fact
	for _, c := range []struct {
		name, subject string
		system        answers
		asked         []string
		diagnosis     string
		missing       []string
	}{
		{"weak coverage", "voice", answers{"drive_test": {"coverage": choice("weak")}}, []string{"drive_test"}, "coverage", nil},
		{"subscription seen twice", "subscription_charge", answers{"vac": {"subscribed": yes(true)}, "bss": {"subscribed": yes(true)}}, []string{"vac", "bss"}, "vas_subscription", nil},
		{"one answer will do", "subscription_charge", answers{"vac": {"subscribed": yes(true)}}, []string{"vac", "bss"}, "vas_subscription", nil},
		{"no subscription", "subscription_charge", answers{"vac": {"subscribed": yes(false)}, "bss": {"subscribed": yes(false)}}, []string{"vac", "bss"}, "", nil},
		{"half an answer is none", "subscription_charge", answers{"vac": {"subscribed": yes(false)}}, []string{"vac", "bss"}, "", []string{"lookup.bss.subscribed"}},
		{"silent", "voice", answers{"drive_test": {"coverage": choice("good")}}, []string{"drive_test", "hlr"}, "", []string{"lookup.hlr.activated"}},
		{"not activated", "data", answers{"drive_test": {"coverage": choice("good")}, "hlr": {"activated": yes(false)}}, []string{"drive_test", "hlr"}, "service_not_activated", nil},
		{"alarm", "data", answers{"drive_test": {"coverage": choice("good")}, "hlr": {"activated": yes(true)}, "network_management": {"important_alarm": yes(true)}}, []string{"drive_test", "hlr", "network_management"}, "network_equipment", nil},
		{"nothing found", "data", answers{"drive_test": {"coverage": choice("good")}, "hlr": {"activated": yes(true)}, "network_management": {"important_alarm": yes(false)}}, []string{"drive_test", "hlr", "network_management"}, "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			step, asked := walk(t, p, subject(c.subject), c.system)
			require.Equal(t, c.asked, asked)
			require.Equal(t, c.diagnosis, step.Diagnosis)
			require.Equal(t, c.missing, step.Missing)
			require.Equal(t, c.diagnosis == "", step.Undiagnosed)
			if c.diagnosis == "" {
				require.Equal(t, "operations_maintenance", step.Do[0].Do.GetWorkOrder())
				require.Equal(t, "t1", step.Rule.GetRule())
				return
			}
			require.NotEmpty(t, step.Wording.GetZh())
			require.Equal(t, c.diagnosis, step.Rule.GetRule())
		})
	}
	step := p.Tree(&policy.Sheet{}, nil)
	require.True(t, step.Undiagnosed)
	require.Equal(t, []string{"subject"}, step.Missing)
	require.Equal(t, policy.TreeStep{}, compiled(t, "demo").Tree(nil, nil))
}

func TestExchangesAreSentOnTheirEvents(t *testing.T) {
	p := rules(t, "telecom", nil)
	require.Equal(t, "complaint_data", p.Sends("CASE_DIAGNOSED", "", nil)[0].GetId())
	require.Empty(t, p.Sends("CASE_CLOSED", "", nil))
}
