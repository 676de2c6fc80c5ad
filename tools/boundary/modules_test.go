package boundary

import (
	"encoding/json"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/semver"
)

// requires is the graph of our modules; it has no cycles because every line names only modules above it.
//
// Source: DESIGN section 2.
var requires = []struct {
	module string
	may    []string
}{
	{"proto", nil},
	{"services/kit", []string{"proto"}},
	{"gateway", []string{"proto", "services/kit"}},
	{"services", []string{"proto", "services/kit", "gateway"}},
	{"tools", []string{"proto", "services/kit", "gateway", "services"}},
	{"tools/faults", []string{"proto"}},
}

type version struct{ Path, Version string }

type goMod struct {
	Go      string
	Require []version
	Replace []struct{ Old, New version }
	Use     []struct{ DiskPath string }
}

func TestModulesRequireEachOtherOneWayOnly(t *testing.T) {
	t.Parallel()
	for _, r := range requires {
		for _, q := range modFile(t, r.module, "go.mod").Require {
			if own, ok := strings.CutPrefix(q.Path, ours); ok {
				require.Contains(t, r.may, own, "%s/go.mod requires %s", r.module, own)
			}
		}
	}
}

func TestWorkspaceHoldsTheModulesAndNotThePinnedTools(t *testing.T) {
	t.Parallel()
	work := modFile(t, ".", "go.work")
	var used, want []string
	for _, u := range work.Use {
		used = append(used, filepath.ToSlash(filepath.Clean(u.DiskPath)))
	}
	for _, r := range requires {
		want = append(want, r.module)
		require.Equal(t, work.Go, modFile(t, r.module, "go.mod").Go, "go line of %s/go.mod and go.work", r.module)
	}
	require.ElementsMatch(t, want, used)
}

// In the workspace the highest version that any module asks for wins. If the modules differ, a module built alone is another
// program than the one that was tested.
func TestModulesAgreeOnVersions(t *testing.T) {
	t.Parallel()
	asked := map[string]map[string][]string{} // path → version → modules
	for _, r := range requires[:4] {          // tools are not shipped
		for _, q := range modFile(t, r.module, "go.mod").Require {
			if strings.HasPrefix(q.Path, ours) {
				continue
			}
			if asked[q.Path] == nil {
				asked[q.Path] = map[string][]string{}
			}
			asked[q.Path][q.Version] = append(asked[q.Path][q.Version], r.module)
		}
	}
	for _, q := range modFile(t, "tools", "go.mod").Require {
		for v := range asked[q.Path] {
			if semver.Compare(q.Version, v) > 0 {
				t.Errorf("tools raises %s to %s in the workspace, %v", q.Path, q.Version, asked[q.Path])
			}
		}
	}
	for _, p := range slices.Sorted(maps.Keys(asked)) {
		if len(asked[p]) > 1 {
			t.Errorf("%s: %v; raise the lower with GOWORK=off go get", p, asked[p])
		}
	}
}

// modFile reads a go.mod or go.work through the go command.
func modFile(t *testing.T, dir, name string) goMod {
	t.Helper()
	verb := "mod"
	if name == "go.work" {
		verb = "work"
	}
	cmd := exec.CommandContext(t.Context(), "go", verb, "edit", "-json", name)
	cmd.Dir = filepath.Join(root, dir)
	out, err := cmd.Output()
	require.NoError(t, err, "%s in %s", cmd, dir)
	var f goMod
	require.NoError(t, json.Unmarshal(out, &f))
	return f
}
