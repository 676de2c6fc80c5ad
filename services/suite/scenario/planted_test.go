package scenario_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"example.com/redress/services/policy"
	"example.com/redress/services/suite/scenario"
)

// planted is one change of one rule of a shipped pack.
type planted struct {
	Capability, Pack, Run, From, To string
	// Also are the words of the rule that name the figure: lint compares them.
	Also map[string]string
}

// TestAPlantedChangeOfARuleIsNoticed changes one rule for each of forty capabilities: the
// scenarios that claim to prove the capability must fail.
func TestAPlantedChangeOfARuleIsNoticed(t *testing.T) {
	source, err := os.ReadFile(filepath.Join("testdata", "planted.yaml"))
	require.NoError(t, err)
	var all []planted
	require.NoError(t, yaml.Unmarshal(source, &all))
	seen := map[string]bool{}
	for _, p := range all {
		require.False(t, seen[p.Capability], "%s is planted twice", p.Capability)
		seen[p.Capability] = true
	}
	require.GreaterOrEqual(t, len(seen), 40)
	for _, p := range all {
		t.Run(p.Capability, func(t *testing.T) {
			t.Parallel()
			folder := plant(t, p)
			result, err := scenario.Run(t.Context(), scenario.Options{
				Packs: []string{folder}, Run: regexp.MustCompile("^" + p.Run + "[a-z]?(/|$)"), Parallel: 1, Scratch: t.TempDir(),
			})
			require.NoError(t, err)
			require.NotEmpty(t, result.Results, "no scenario %s", p.Run)
			require.Positive(t, result.Failed, "%s: nothing in %s noticed %q instead of %q", p.Pack, p.Run, p.To, p.From)
		})
	}
}

// plant copies a shipped pack with its scenarios and makes the change.
func plant(t *testing.T, p planted) string {
	t.Helper()
	pack, err := policy.Shipped(p.Pack, "")
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(pack), p.From), "%s: %q must stand once in the pack", p.Pack, p.From)
	folder := t.TempDir()
	changed := strings.Replace(string(pack), p.From, p.To, 1)
	for was, now := range p.Also {
		require.Equal(t, 1, strings.Count(changed, was), "%s: %q must stand once in the pack", p.Pack, was)
		changed = strings.Replace(changed, was, now, 1)
	}
	require.NoError(t, os.WriteFile(filepath.Join(folder, "pack.yaml"), []byte(changed), 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(folder, "scenarios"), 0o700))
	files, err := policy.ShippedScenarios(p.Pack)
	require.NoError(t, err)
	for _, f := range files {
		require.NoError(t, os.WriteFile(filepath.Join(folder, "scenarios", filepath.Base(f.File)), f.YAML, 0o600))
	}
	return folder
}
