package boundary

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// ours is what the import paths of the repository begin with.
const ours = "example.com/redress/"

// root is the repository seen from this folder, where go test runs.
const root = "../.."

type goFile struct {
	path      string // from the root, with slashes
	dir       string
	test      bool // ships in no program
	generated bool
	imports   []imported
}

type imported struct {
	path string
	line int
}

// goFiles reads the import lines of every Go file of the repository.
func goFiles(t *testing.T) []goFile {
	t.Helper()
	var files []goFile
	walk(t, func(name string) {
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, filepath.Join(root, name), nil, parser.ImportsOnly|parser.ParseComments)
		require.NoError(t, err)
		f := goFile{path: name, dir: path.Dir(name), test: isTest(name), generated: ast.IsGenerated(parsed)}
		for _, i := range parsed.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			require.NoError(t, err)
			f.imports = append(f.imports, imported{p, fset.Position(i.Pos()).Line})
		}
		files = append(files, f)
	})
	require.NotEmpty(t, files, "no Go files below %s", root)
	return files
}

// walk calls see with every Go file, leaving out what is made, fetched or kept for other tests.
func walk(t *testing.T, see func(name string)) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			if os.IsNotExist(err) { // deleted while walking
				return nil
			}
			return err
		}
		if d.IsDir() {
			if base := d.Name(); name != root && (strings.HasPrefix(base, ".") || slices.Contains([]string{"bin", "data", "node_modules", "testdata", "third_party"}, base)) {
				return filepath.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(name, ".go") {
			rel, err := filepath.Rel(root, name)
			if err != nil {
				return err
			}
			see(filepath.ToSlash(rel))
		}
		return nil
	}))
}

// isTest says whether the file ships in no program: a test, or of a package made for tests (kittest, storetest).
func isTest(name string) bool {
	return strings.HasSuffix(name, "_test.go") || isTestPackage(path.Dir(name))
}

func isTestPackage(dir string) bool {
	for part := range strings.SplitSeq(dir, "/") {
		if strings.HasSuffix(part, "test") {
			return true
		}
	}
	return false
}

// forbidden returns why f may not import the package, or "".
func forbidden(f goFile, imports string) string {
	if why := throughDoor(f, imports); why != "" {
		return why
	}
	if !f.test {
		if slices.ContainsFunc(testLibraries, func(lib string) bool { return below(imports, lib) }) {
			return "test code must not ship"
		}
	}
	l, service, ok := layerOf(f.dir)
	if !ok {
		return "the folder stands in no layer of tools/boundary"
	}
	own, isOurs := strings.CutPrefix(imports, ours)
	if !isOurs {
		if !f.test && slices.ContainsFunc(l.not, func(lib string) bool { return below(imports, lib) }) {
			return l.because
		}
		return ""
	}
	switch {
	case isTestPackage(own):
		if !f.test {
			return "test code must not ship"
		}
		if strings.HasPrefix(own, "services/kit/") {
			return ""
		}
	case strings.HasPrefix(own, "tools/") && !strings.HasPrefix(f.dir, "tools/"):
		return "nothing imports the tools"
	}
	for _, p := range l.may {
		if _, ok := match(strings.ReplaceAll(p, "{service}", service), own); ok {
			return ""
		}
	}
	return l.because
}

func throughDoor(f goFile, imports string) string {
	for _, d := range doors {
		if !below(imports, d.library) || (d.test && f.test) {
			continue
		}
		if !slices.ContainsFunc(d.in, func(p string) bool { _, ok := match(p, f.dir); return ok }) {
			if len(d.in) == 0 {
				return d.because
			}
			return d.because + "; it comes in through " + strings.Join(d.in, ", ")
		}
	}
	return ""
}

func layerOf(dir string) (layer, string, bool) {
	for _, l := range layers {
		if service, ok := match(l.from, dir); ok {
			return l, service, true
		}
	}
	return layer{}, "", false
}

// match says whether dir fits pattern, and which name stands for {service}.
func match(pattern, dir string) (service string, ok bool) {
	pattern, deep := strings.CutSuffix(pattern, "...")
	pattern = strings.TrimSuffix(pattern, "/")
	if pattern == "" {
		return "", deep
	}
	want, have := strings.Split(pattern, "/"), strings.Split(dir, "/")
	if len(have) < len(want) || (!deep && len(have) > len(want)) {
		return "", false
	}
	for i, w := range want {
		if w == "{service}" {
			service = have[i]
		} else if w != have[i] {
			return "", false
		}
	}
	return service, true
}

// below says whether pkg is lib or a package inside it; with a trailing "$" only lib itself counts.
func below(pkg, lib string) bool {
	if exact, ok := strings.CutSuffix(lib, "$"); ok {
		return pkg == exact
	}
	return pkg == lib || strings.HasPrefix(pkg, lib+"/")
}
