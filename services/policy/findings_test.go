package policy_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/redress/services/policy"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Each file is a pack with mistakes; beside it stands what lint says, in full.
func TestFindingsNamePlaceAndAdvice(t *testing.T) {
	files, err := filepath.Glob("testdata/findings/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			_, findings := policy.Load(filepath.Base(file), source, policy.Shipped)
			var lines []string
			for _, f := range findings {
				lines = append(lines, f.String())
				require.NotEmpty(t, f.Text.GetZh())
				require.NotEmpty(t, f.Text.GetEn())
				require.Positive(t, f.Line, f)
			}
			got := strings.Join(lines, "\n") + "\n"
			golden := strings.TrimSuffix(file, ".yaml") + ".txt"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(got), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			// The revision of a shipped pack moves with the pack.
			hash := regexp.MustCompile(`[0-9a-f]{64}`)
			require.Equal(t, hash.ReplaceAllString(string(want), "<revision>"), hash.ReplaceAllString(got, "<revision>"))
			for _, rule := range regexp.MustCompile(`L\d\d`).FindAllString(name, -1) {
				require.Contains(t, got, " "+rule+" ", "the file is about "+rule)
			}
		})
	}
}
