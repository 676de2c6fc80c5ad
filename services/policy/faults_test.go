package policy_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	policyv1 "example.com/redress/proto/gen/redress/policy/v1"
	"example.com/redress/services/policy"
)

// Each file of testdata/faults holds one fault, in the line that ends in FAULT; its name is the rule
// that must find it.
func TestLintFindsEveryPlantedFaultInItsLine(t *testing.T) {
	files, err := filepath.Glob("testdata/faults/*.yaml")
	require.NoError(t, err)
	found := map[string]bool{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		rule := name[:3]
		t.Run(name, func(t *testing.T) {
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			line := 0
			for i, l := range strings.Split(string(source), "\n") {
				if strings.HasSuffix(l, "# FAULT") {
					line = i + 1
				}
			}
			require.Positive(t, line, "no line is marked")
			_, findings := policy.Lint(filepath.Base(file), source, policy.Shipped, lintOptions(name))
			require.NotEmpty(t, findings)
			for _, f := range findings {
				require.Equal(t, fmt.Sprint(rule, " ", line), fmt.Sprint(f.Rule, " ", f.Line), f)
				require.Equal(t, filepath.Base(file), f.File)
				require.Positive(t, f.Column)
				require.NotEmpty(t, f.Text.GetZh())
				require.NotEmpty(t, f.Text.GetEn())
				if f.Advice != nil {
					require.NotEmpty(t, f.Advice.GetZh())
					require.NotEmpty(t, f.Advice.GetEn())
				}
			}
			found[rule] = true
		})
	}
	for n := 1; n <= 41; n++ {
		require.True(t, found[fmt.Sprintf("L%02d", n)], "L%02d has no planted fault", n)
	}
}

// lintOptions are what some faults need besides the file.
func lintOptions(name string) policy.LintOptions {
	switch name {
	case "L18":
		return policy.LintOptions{Parameters: map[string]string{}}
	case "L26-year":
		return policy.LintOptions{Year: 2099}
	case "L40":
		return policy.LintOptions{Scenarios: []*policyv1.ScenarioFile{{Scenarios: []*policyv1.Scenario{{Id: "P00-S1", Clause: "4.6"}}}}}
	}
	return policy.LintOptions{Year: 2026}
}

func TestLintFindsRarerRepetitionInTheOwnersValues(t *testing.T) {
	source, err := os.ReadFile("testdata/rules/mood.yaml")
	require.NoError(t, err)
	_, findings := policy.Lint("mood.yaml", source, nil, policy.LintOptions{})
	require.Empty(t, findings)
	_, findings = policy.Lint("mood.yaml", source, nil, policy.LintOptions{Parameters: map[string]string{"calm_gap": "10 min", "upset_gap": "5 min", "agitated_gap": "7 min"}})
	require.Equal(t, "mood.yaml:13:114: L37 E: guidance.restate: restate every 7 min at agitated, but every 5 min at upset. It must not become rarer as the level rises.\n", printed(findings))
	pol, findings := policy.Compile(load(t, string(source)), policy.Options{Parameters: map[string]string{"calm_gap": "10 min", "upset_gap": "5 min", "agitated_gap": "7 min"}})
	require.Nil(t, pol)
	require.Contains(t, printed(findings), "L37 E")
}
