package capabilities_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// root is the repository as seen from this package.
const root = "../.."

// count is how many capabilities there are.
const count = 140

// row is one line of docs/capabilities.md.
type row struct {
	id, what, place string
	planted         bool
	proofs          []string
}

func rows(t *testing.T) []row {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs", "capabilities.md"))
	require.NoError(t, err)
	var out []row
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 4 || !strings.HasPrefix(strings.TrimSpace(cells[0]), "C") {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		r := row{what: cells[1], place: strings.Trim(cells[2], "`")}
		r.id, r.planted = strings.CutSuffix(cells[0], "†")
		for p := range strings.SplitSeq(cells[3], ",") {
			r.proofs = append(r.proofs, strings.Trim(strings.TrimSpace(p), "`"))
		}
		out = append(out, r)
	}
	return out
}

// served lists, for each scenario of the packs, the capabilities it says it serves.
func served(t *testing.T) map[string][]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "services", "policy", "packs", "*", "scenarios", "*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	out := map[string][]string{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		require.NoError(t, err)
		var says struct {
			Scenarios []struct {
				ID     string   `yaml:"id"`
				Serves []string `yaml:"serves"`
			} `yaml:"scenarios"`
		}
		require.NoError(t, yaml.Unmarshal(text, &says), f)
		for _, s := range says.Scenarios {
			out[s.ID] = s.Serves
		}
	}
	return out
}

// goTests lists the names of all Go tests of the repository.
func goTests(t *testing.T) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	named := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	for _, folder := range []string{"services", "gateway", "tools"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, m := range named.FindAllSubmatch(text, -1) {
				out[string(m[1])] = true
			}
			return err
		}))
	}
	return out
}

func TestEveryCapabilityHasOneRowWithAPlaceThatExists(t *testing.T) {
	all := rows(t)
	require.Len(t, all, count)
	for i, r := range all {
		require.Equal(t, fmt.Sprintf("C%02d", i+1), r.id)
		require.NotEmpty(t, r.what, r.id)
		_, err := os.Stat(filepath.Join(root, r.place))
		require.NoError(t, err, "%s: the place is gone", r.id)
	}
}

func TestEveryProofIsThereAndClaimsItsCapability(t *testing.T) {
	scenarios, tests := served(t), goTests(t)
	for _, r := range rows(t) {
		require.NotEmpty(t, r.proofs[0], "%s has no proof", r.id)
		for _, p := range r.proofs {
			if strings.HasPrefix(p, "Test") {
				require.True(t, tests[p], "%s: no test is called %s", r.id, p)
				continue
			}
			serves, ok := scenarios[p]
			require.True(t, ok, "%s: no scenario is called %s", r.id, p)
			require.Contains(t, serves, r.id, "scenario %s does not say that it serves %s", p, r.id)
		}
	}
}

func TestTheMarkedRowsAreThoseWithAPlantedChange(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "services", "suite", "scenario", "testdata", "planted.yaml"))
	require.NoError(t, err)
	var planted []struct {
		Capability string `yaml:"capability"`
		Run        string `yaml:"run"`
	}
	require.NoError(t, yaml.Unmarshal(text, &planted))
	scenarios := served(t)
	var want, have []string
	for _, p := range planted {
		want = append(want, p.Capability)
		claimed := false
		for id, serves := range scenarios {
			claimed = claimed || strings.HasPrefix(id, p.Run) && slices.Contains(serves, p.Capability)
		}
		require.True(t, claimed, "no scenario %s says that it serves %s", p.Run, p.Capability)
	}
	for _, r := range rows(t) {
		if r.planted {
			have = append(have, r.id)
		}
	}
	require.GreaterOrEqual(t, len(have), 40)
	require.ElementsMatch(t, want, have)
}
