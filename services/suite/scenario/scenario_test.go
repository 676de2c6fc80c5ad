package scenario_test

import (
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/suite/scenario"
)

// TestScenarios plays every scenario of the shipped packs through the public RPCs of
// the suite, and changes each expected value once: every change must be noticed.
//
// Source: SCENARIOS P02-S1 to S5, P26-S1 to S5.
func TestScenarios(t *testing.T) {
	var out strings.Builder
	s, err := scenario.Run(t.Context(), scenario.Options{
		Packs: []string{"generic-template", "property-developer-compensation"}, Mutate: true, Out: io.MultiWriter(&out, t.Output()), Scratch: t.TempDir(),
	})
	require.NoError(t, err)
	require.Zero(t, s.Failed, out.String())
	require.Empty(t, s.Survivors)
	require.Greater(t, s.Mutants, 0)
	played := map[string]bool{}
	for _, r := range s.Results {
		played[regexp.MustCompile(`^P\d\d-S\d+`).FindString(r.Name)] = true
	}
	for _, id := range []string{"P02-S1", "P02-S2", "P02-S3", "P02-S4", "P02-S5", "P26-S1", "P26-S2", "P26-S3", "P26-S4", "P26-S5"} {
		require.Contains(t, played, id)
	}
	require.True(t, strings.HasSuffix(out.String(), " mutants, 0 survivors\n"))
}
