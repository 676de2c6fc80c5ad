package boundary

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// procedures are the short names of the 27 procedures. "logistics" is also a word, so it counts only as a whole string.
var procedures = []string{
	"sales-led-manufacturer", "property-developer-compensation", "telecom-platform", "sales-company-claims", "service-recovery",
	"property-management-follow-up", "complaint-method-guidance", "de-escalation-guidance", "batch-quality-reply", "eight-step-flow",
	"quality-office-company", "testing-lab", "grading-standard", "food-maker", "service-units", "hotel-guest", "town-government",
	"electronics-8d-returns", "group-company", "quality-work-instruction", "reply-letters", "logistics", "handling-notice",
	"penalty-notice-form", "garment-factory-penalties", "generic-template", "carton-maker",
}

// procedureNumber is P01 to P27, as a word or at the beginning of a name. P95 is a percentile.
var procedureNumber = regexp.MustCompile(`(^|[^A-Za-z0-9])P(0[1-9]|1[0-9]|2[0-7])($|[^a-z0-9])`)

// A procedure is data. Comments may cite it as a source; code that asks for it would make it a special case.
func TestNoProcedureIsNamedInCode(t *testing.T) {
	t.Parallel()
	eachFile(t, func(f goFile) bool {
		return !f.test && !f.generated && !strings.HasPrefix(f.dir, "services/policy/packs")
	}, func(f goFile, fset *token.FileSet, file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			if found := procedureIn(n); found != "" {
				t.Errorf("%s names the procedure %s: what differs between procedures belongs in a pack", place(f, fset, n), found)
			}
			return true
		})
	})
}

// procedureIn returns the procedure that a string or a name of the program speaks of, or "".
func procedureIn(n ast.Node) string {
	switch n := n.(type) {
	case *ast.Ident:
		return strings.TrimSpace(procedureNumber.FindString(n.Name))
	case *ast.BasicLit:
		if n.Kind != token.STRING {
			return ""
		}
		text, err := strconv.Unquote(n.Value)
		if err != nil {
			return ""
		}
		for _, p := range procedures {
			if text == p || (strings.Contains(p, "-") && strings.Contains(text, p)) {
				return p
			}
		}
		return procedureNumber.FindString(text)
	}
	return ""
}

func TestFindsAProcedureInCode(t *testing.T) {
	t.Parallel()
	for source, found := range map[string]bool{
		`"P27"`:                     true,
		`"packs/carton-maker.yaml"`: true,
		`"logistics"`:               true,
		`"the logistics of it"`:     false,
		`"P95"`:                     false,
		`P14Grades`:                 true,
		`HTTP10`:                    false,
		`"see P05 (3)"`:             true,
	} {
		e, err := parser.ParseExpr(source)
		require.NoError(t, err)
		require.Equal(t, found, procedureIn(e) != "", source)
	}
}

// Messages and clients of a service are generated into one package, so the import alone does not tell.
func TestDomainUsesMessagesAndNoClients(t *testing.T) {
	t.Parallel()
	transport := regexp.MustCompile(`(Client|Server|_ServiceDesc|_FullMethodName)$`)
	eachFile(t, func(f goFile) bool {
		return !f.test && strings.Contains(f.dir+"/", "/internal/domain/")
	}, func(f goFile, fset *token.FileSet, file *ast.File) {
		schema := map[string]bool{}
		for _, i := range file.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			require.NoError(t, err)
			if !strings.HasPrefix(p, ours+"proto/") {
				continue
			}
			name := path.Base(path.Dir(p)) + path.Base(p) // …/intake/v1 is package intakev1
			if i.Name != nil {
				name = i.Name.Name
			}
			schema[name] = true
		}
		ast.Inspect(file, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := s.X.(*ast.Ident); ok && schema[x.Name] && transport.MatchString(s.Sel.Name) {
				t.Errorf("%s uses %s.%s: rules take messages and call nobody", place(f, fset, n), x.Name, s.Sel.Name)
			}
			return true
		})
	})
}

func TestProtoHoldsGeneratedCodeOnly(t *testing.T) {
	t.Parallel()
	for _, f := range goFiles(t) {
		if strings.HasPrefix(f.dir, "proto/") {
			require.True(t, f.generated, "%s is written by hand: the module is schema and generated code", f.path)
		}
	}
}

// eachFile parses the files that want accepts.
func eachFile(t *testing.T, want func(goFile) bool, see func(goFile, *token.FileSet, *ast.File)) {
	t.Helper()
	for _, f := range goFiles(t) {
		if !want(f) {
			continue
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, filepath.Join(root, f.path), nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		see(f, fset, file)
	}
}

func place(f goFile, fset *token.FileSet, n ast.Node) string {
	return f.path + ":" + strconv.Itoa(fset.Position(n.Pos()).Line)
}
