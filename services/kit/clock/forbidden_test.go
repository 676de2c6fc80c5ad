package clock_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// forbidden are the functions of package time that read the real time.
var forbidden = map[string]string{
	"Now":       "clock.Business for what is stamped or due, clock.Machine for the rest",
	"Since":     "clock.Machine.Since",
	"Until":     "clock.Machine.Until",
	"After":     "clock.Business.Timer or clock.Machine.NewTimer",
	"Tick":      "clock.Machine.NewTicker",
	"NewTimer":  "clock.Machine.NewTimer",
	"NewTicker": "clock.Machine.NewTicker",
	"Sleep":     "clock.Machine.Pause",
	"AfterFunc": "clock.Machine.AfterFunc",
}

// TestOnlyThisPackageReadsTheTime walks the sources of services and gateway.
// Test files may read the time: they are covered by the ban on sleeping.
func TestOnlyThisPackageReadsTheTime(t *testing.T) {
	t.Parallel()
	here, err := filepath.Abs(".")
	require.NoError(t, err)
	root := filepath.Join(here, "..", "..", "..")
	for _, module := range []string{"services", "gateway"} {
		err := filepath.WalkDir(filepath.Join(root, module), func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir():
				if path == here || d.Name() == "node_modules" || d.Name() == "testdata" {
					return filepath.SkipDir
				}
				return nil
			case !strings.HasSuffix(path, ".go"), strings.HasSuffix(path, "_test.go"):
				return nil
			}
			for _, use := range timeReads(t, path, nil) {
				t.Error(use)
			}
			return nil
		})
		require.NoError(t, err)
	}
}

func TestTheWalkSeesEveryWayToReadTheTime(t *testing.T) {
	t.Parallel()
	require.Len(t, timeReads(t, "a.go", "package a\nimport \"time\"\nvar now = time.Now\nfunc f() { <-time.After(1) }"), 2)
	require.Len(t, timeReads(t, "b.go", "package b\nimport t \"time\"\nfunc f() { t.Sleep(1) }"), 1)
	require.Len(t, timeReads(t, "c.go", "package c\nimport . \"time\"\nfunc f() { Sleep(1) }"), 1)
	require.Empty(t, timeReads(t, "d.go", "package d\nimport \"time\"\nfunc f(time struct{ Now int }, d time.Duration) {}"))
	require.Empty(t, timeReads(t, "e.go", "package e\nfunc f(t interface{ Now() }) { t.Now() }"))
}

// timeReads returns the uses of forbidden functions in one file; src replaces its content.
func timeReads(t *testing.T, path string, src any) []string {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, src, parser.SkipObjectResolution)
	require.NoError(t, err)
	name := ""
	for _, i := range file.Imports {
		if i.Path.Value == `"time"` {
			name = "time"
			if i.Name != nil {
				name = i.Name.Name
			}
		}
	}
	if name == "" {
		return nil
	}
	if name == "." {
		return []string{path + ": imports package time by dot"}
	}
	var uses []string
	ast.Inspect(file, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := s.X.(*ast.Ident); ok && x.Name == name && forbidden[s.Sel.Name] != "" {
			uses = append(uses, files.Position(s.Pos()).String()+": time."+s.Sel.Name+": use "+forbidden[s.Sel.Name])
		}
		return true
	})
	return uses
}
