package boundary

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// programs are those that run as processes of their own; redress holds them all in one.
var programs = []string{"intake", "routing", "compensation", "corrective-action", "notification", "reporting", "gateway"}

func TestEveryProgramIsDeployed(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"services/*/cmd/*", "gateway/cmd/*"} {
		dirs, err := filepath.Glob(filepath.Join(root, pattern))
		require.NoError(t, err)
		for _, d := range dirs {
			require.Contains(t, append([]string{"redress"}, programs...), filepath.Base(d), "%s is in none of the files of deploy", d)
		}
	}

	var compose struct {
		Services map[string]struct {
			Build            struct{ Context, Dockerfile string }
			Command, Volumes []string
		}
	}
	parse(t, "deploy/compose.yaml", &compose)
	var base, config struct {
		Resources          []string
		ConfigMapGenerator []struct{ Files []string } `yaml:"configMapGenerator"`
	}
	parse(t, "deploy/kubernetes/base/kustomization.yaml", &base)
	parse(t, "deploy/config/kustomization.yaml", &config)
	target := string(read(t, "deploy/systemd/redress.target"))
	scrape := string(read(t, "deploy/prometheus/prometheus.yaml"))

	for _, p := range programs {
		s, ok := compose.Services[p]
		require.True(t, ok, "compose.yaml starts no %s", p)
		require.FileExists(t, filepath.Join(root, s.Build.Dockerfile))
		require.Equal(t, []string{"--config", "/etc/redress/" + p + ".yaml"}, s.Command)
		require.Contains(t, s.Volumes, "./config/"+p+".yaml:/etc/redress/"+p+".yaml:ro")
		require.FileExists(t, filepath.Join(root, "deploy/config", p+".yaml"))
		require.Contains(t, base.Resources, p)
		require.Contains(t, config.ConfigMapGenerator[0].Files, p+".yaml")
		require.Contains(t, strings.Fields(strings.ReplaceAll(target, "Wants=", " ")), "redress@"+p+".service")
		require.Contains(t, scrape, "- redress-"+p+":")
	}
}

func TestScriptsCanBeRun(t *testing.T) {
	t.Parallel()
	for _, name := range tracked(t) {
		if filepath.Ext(name) != ".sh" && name != ".ci/run" {
			continue
		}
		info, err := os.Stat(filepath.Join(root, name))
		require.NoError(t, err)
		require.NotZero(t, info.Mode()&0o100, "%s is not executable", name)
		require.Contains(t, string(read(t, name)), "\nset -eu", "%s goes on after a mistake", name)
	}
}

func parse(t *testing.T, name string, into any) {
	t.Helper()
	require.NoError(t, yaml.Unmarshal(read(t, name), into), name)
}
