package policy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/reflect/protoreflect"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/policy"
)

// unexecuted tells whether lint says of a pack that nothing carries something out.
func unexecuted(t *testing.T, source string) bool {
	t.Helper()
	_, findings := policy.Load("sample.yaml", []byte("pack: sample\n"+source), nil)
	require.NotContains(t, printed(findings), "L01", source)
	return slices.ContainsFunc(findings, func(f policy.Finding) bool { return f.Rule == "L41" })
}

func enumWords(e protoreflect.EnumDescriptor, prefix string) []string {
	var out []string
	for i := 1; i < e.Values().Len(); i++ {
		out = append(out, strings.TrimPrefix(string(e.Values().Get(i).Name()), prefix))
	}
	return out
}

// doKinds are the words of a consequence.
func doKinds() []string {
	var out []string
	one := (&policyv1.Do{}).ProtoReflect().Descriptor().Oneofs().ByName("one").Fields()
	for i := range one.Len() {
		out = append(out, string(one.Get(i).Name()))
	}
	return out
}

func do(kind string) string {
	if kind == "close" {
		return "{close: FINAL}"
	}
	return "{" + kind + ": x, text: {zh: 甲, en: a}}"
}

// Whatever the schema can say is carried out, or refused when the pack is read.
func TestEveryEventOfTheSchemaReachesTheRulesThatNameItOrIsRefused(t *testing.T) {
	beside := []string{"PRAISE_RECORDED", "WATCH_TRIPPED"}
	for _, event := range enumWords(policyv1.Event(0).Descriptor(), "EVENT_") {
		for rule, besideCases := range map[string]bool{
			"clocks: [{id: r, from: [%s], limit: 1 day}]": false, "clocks: [{id: r, from: [CASE_CLOSED], met_by: [%s]}]": false, "clocks: [{id: r, void_by: [%s]}]": false,
			"stages: [{id: r, enters: [%s]}]": false, "stages: [{id: r, steps: [{id: s, opens: [%s]}]}]": false, "stages: [{id: r, steps: [{id: s, void_by: [%s]}]}]": false,
			"approvals: [{id: r, of: CONSENT, asks: [%s]}]": false, "follow_up: [{id: r, opens: [%s]}]": false, "rounds: [{id: r, starts: [%s]}]": false,
			"routing: {exchange: [{id: r, sends: [%s]}]}": false, "duties: [{id: r, opens: [%s]}]": true, "notices: [{id: r, issue: [%s]}]": true,
			"corrective_action: [{id: r, opens: [%s]}]": true, "assessment: [{id: r, when: [%s]}]": true, "reactions: [{id: r, when: [%s], do: [{notify: customer}]}]": true,
		} {
			refused := event == "NEWS_RECEIVED" || slices.Contains(beside, event) && !besideCases
			require.Equal(t, refused, unexecuted(t, fmt.Sprintf(rule, event)), "%s in %s", event, rule)
		}
	}
}

func TestEveryConsequenceOfTheSchemaIsCarriedOutOrRefused(t *testing.T) {
	// Outside cases; a step there is a duty.
	beside := []string{"notify", "issue", "action", "entry"}
	for _, kind := range doKinds() {
		for _, site := range []string{
			"acceptance: {outside: [{id: r, do: [%s]}]}", "acceptance: {windows: [{id: r, do: [%s]}]}", "routing: {trees: [{id: r, undiagnosed: [%s]}]}",
			"clocks: [{id: r, on_breach: [%s]}]", "notices: [{id: r, on_issue: [%s]}]", "notices: [{id: r, choices: [{id: c, do: [%s]}]}]",
			"follow_up: [{id: r, if_dissatisfied: [%s]}]", "rounds: [{id: r, after_last: [%s]}]", "counters: [{id: r, of: COMPLAINTS, do: [%s]}]",
			"reactions: [{id: r, when: [CASE_CLOSED], do: [%s]}]",
		} {
			require.False(t, unexecuted(t, fmt.Sprintf(site, do(kind))), "%s in %s", kind, site)
		}
		for _, site := range []string{
			"counters: [{id: r, of: PRAISES, do: [%s]}]", "counters: [{id: r, of: ENTRIES, do: [%s]}]", "counters: [{id: r, of: ACTIONS, do: [%s]}]",
			"reports: {watches: [{id: r, do: [%s]}]}", "reactions: [{id: r, when: [WATCH_TRIPPED], do: [%s]}]", "reactions: [{id: r, when: [PRAISE_RECORDED], do: [%s]}]",
			"counters: [{id: n, of: PRAISES}]\nreactions: [{id: r, when: [COUNTER_REACHED n], do: [%s]}]",
		} {
			require.Equal(t, !slices.Contains(beside, kind), unexecuted(t, fmt.Sprintf(site, do(kind))), "%s in %s", kind, site)
			if kind == "step" {
				require.False(t, unexecuted(t, fmt.Sprintf(site, do(kind))+"\nduties: [{id: x}]"), site)
			}
		}
		require.Equal(t, kind != "action", unexecuted(t, fmt.Sprintf("follow_up: [{id: r, for_each_bad: [%s]}]", do(kind))), kind)
	}
}

func TestEveryCountAndFigureOfTheSchemaHasRowsOrIsRefused(t *testing.T) {
	for _, of := range enumWords(policyv1.Of(0).Descriptor(), "OF_") {
		counted := slices.Contains([]string{"COMPLAINTS", "PRAISES", "ENTRIES", "ACTIONS"}, of)
		require.Equal(t, !counted, unexecuted(t, "counters: [{id: r, of: "+of+"}]"), of)
		reported := slices.Contains([]string{"COMPLAINTS", "CLOCKS", "FOLLOW_UPS", "ACTIONS"}, of)
		require.Equal(t, !reported, unexecuted(t, "reports: {measures: [{id: r, of: "+of+"}]}"), of)
	}
}
