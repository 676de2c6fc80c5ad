package boundary

import (
	"bytes"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// private are addresses that hold on one machine or network only. A registry is whatever the reader's client is set to, and
// the path of a checkout is where the reader put it. (Written in pieces, so that this file does not find itself.)
var private = regexp.MustCompile(strings.Join([]string{
	`proxy\.` + `golang\.org`, `sum\.` + `golang\.org`, `goproxy\.` + `(cn|io)`, `registry\.` + `(npmjs\.org|yarnpkg\.com|npmmirror\.com)`,
	`(deb|security)\.` + `debian\.org`, `registry-1\.` + `docker\.io`, `(^|[^A-Za-z0-9.-])` + `(docker\.io|gcr\.io|ghcr\.io|quay\.io)/`,
	`(^|[^A-Za-z0-9._-])/` + `(work|farm|root)/[A-Za-z.]`,
}, "|"))

// long is where one looks whether a file still has one subject.
//
// Source: STYLE section 12.
const long = 600

func TestNoFileNamesARegistryOrAPathOfOneMachine(t *testing.T) {
	t.Parallel()
	for _, name := range tracked(t) {
		text := read(t, name)
		if bytes.IndexByte(text, 0) >= 0 {
			continue // not text
		}
		for i, line := range strings.Split(string(text), "\n") {
			if found := private.FindString(line); found != "" {
				t.Errorf("%s:%d names %q", name, i+1, strings.TrimSpace(found))
			}
		}
	}
}

func TestKnowsAPrivateAddress(t *testing.T) {
	t.Parallel()
	for line, found := range map[string]bool{
		`GOPROXY=https://proxy.` + `golang.org,direct`:    true,
		`"resolved": "https://registry.` + `npmjs.org/x"`: true,
		`see /` + `work/main/README.md`:                   true,
		`COPY . /` + `root/src`:                           true,
		`image: gcr.` + `io/distroless/static`:            true,
		`docs/work/plan.md`:                               false,
		`apiVersion: networking.k8s.io/v1`:                false,
		`import "golang.org/x/text"`:                      false,
		`https://example.com/framework/`:                  false,
		`	WorkingDirectory=/var/lib/redress`:              false,
	} {
		require.Equal(t, found, private.MatchString(line), line)
	}
}

// A number is no argument, so this test only lists.
func TestListsLongFiles(t *testing.T) {
	t.Parallel()
	for _, name := range tracked(t) {
		if !slices.Contains([]string{".go", ".proto", ".sql", ".ts", ".tsx"}, path.Ext(name)) || strings.HasPrefix(name, "proto/gen/") {
			continue
		}
		if n := bytes.Count(read(t, name), []byte{'\n'}); n > long {
			t.Logf("look whether it still has one subject: %s, %d lines", name, n)
		}
	}
}

// tracked lists the files that git holds or would take in.
func tracked(t *testing.T) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root
	out, err := cmd.Output()
	require.NoError(t, err, "the tests of the tree need git and a checkout")
	var names []string
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		if info, err := os.Lstat(filepath.Join(root, name)); err == nil && info.Mode().IsRegular() {
			names = append(names, name)
		}
	}
	require.NotEmpty(t, names)
	return names
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	require.NoError(t, err)
	return text
}
