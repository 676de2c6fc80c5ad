package boundary

import (
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// layer says what the packages of some folders may import of ours.
//
// Patterns are folders from the root of the repository. "..." stands for the folder and everything below, {service} for one
// name, the same in from and in may. Tests of a layer may also import packages made for tests.
type layer struct {
	from    string
	may     []string // of our own packages
	not     []string // of other packages: these and everything below; a trailing "$" means only this one
	because string
}

// world is what a function of values has no business with.
var world = []string{"database/sql", "google.golang.org/grpc", "io/ioutil", "log", "net$", "net/http", "os", "plugin", "syscall"}

// wires is what a use case leaves to store and rpc.
var wires = []string{"database/sql", "google.golang.org/grpc", "net$", "net/http", "os/exec"}

// layers is read from the top; the first that fits a package counts.
//
// Source: STYLE section 2 "Who may import whom", DESIGN section 2.
var layers = []layer{
	{"proto/...", []string{"proto/..."}, nil, "the schema depends on nothing of ours"},

	{"services/kit/clock/...", []string{"services/kit/clock/..."}, world, "time is at the very bottom"},
	{"services/kit/fault/...", []string{"services/kit/fault/...", "proto/gen/..."}, world, "a fault is a meaning; kit/rpcerr gives it a transport"},
	{
		"services/kit/calendar/...",
		[]string{"services/kit/calendar/...", "services/kit/fault", "proto/gen/..."},
		world, "working time is arithmetic",
	},
	{
		"services/kit/slaclock/...",
		[]string{"services/kit/slaclock/...", "services/kit/calendar", "services/kit/fault", "services/kit/planted", "proto/gen/..."},
		append([]string{"context"}, world...), "the state machine of a clock is a function of values",
	},
	{
		"services/kit/approval/...",
		[]string{"services/kit/approval/...", "services/kit/fault", "services/kit/money", "services/kit/planted", "proto/gen/..."},
		append([]string{"context"}, world...), "an approval chain is a function of values",
	},
	{"services/kit/money/...", []string{"services/kit/money/...", "services/kit/fault", "proto/gen/..."}, world, "an amount is a value"},
	{"services/kit/...", []string{"services/kit/...", "proto/gen/..."}, nil, "the kit knows no service"},

	{
		"services/policy/revisions/...",
		[]string{"services/policy/...", "services/kit/...", "proto/gen/..."},
		nil, "keeps activated revisions in a service's own store: beside the engine, not in it",
	},
	{
		"services/policy/...",
		[]string{
			"services/policy/...", "services/kit/approval", "services/kit/calendar", "services/kit/fault",
			"services/kit/money", "services/kit/slaclock", "proto/gen/...",
		},
		world, "a policy decides from what it is given: bytes and facts",
	},

	{"services/suite/...", []string{"..."}, nil, "the one place that sees all services"},

	{
		"services/{service}/internal/domain/...",
		[]string{
			"services/{service}/internal/domain/...", "services/policy", "services/policy/sheet", "services/policy/trigger",
			"proto/gen/...", "services/kit/fault", "services/kit/journal", "services/kit/approval",
			"services/kit/calendar", "services/kit/money", "services/kit/planted", "services/kit/slaclock",
		},
		append([]string{"context"}, world...), "rules must be readable and provable without a database",
	},
	{
		"services/{service}/internal/app/...",
		[]string{
			"services/{service}/internal/app/...", "services/{service}/internal/domain/...", "services/policy/...", "proto/gen/...",
			"services/kit/approval", "services/kit/authn", "services/kit/authz", "services/kit/calendar", "services/kit/clock", "services/kit/clocks",
			"services/kit/directory", "services/kit/fault", "services/kit/feed", "services/kit/journal", "services/kit/money", "services/kit/numbering", "services/kit/page",
			"services/kit/seal", "services/kit/slaclock",
		},
		wires, "use cases do not know SQL, Redis or gRPC",
	},
	{
		"services/{service}/internal/store/...",
		[]string{
			"services/{service}/internal/store/...", "services/{service}/internal/app/...", "services/{service}/internal/domain/...",
			"services/kit/...", "services/policy/...", "proto/gen/...",
		},
		[]string{"google.golang.org/grpc", "net/http"},
		"store and rpc are two adapters of one core and never meet",
	},
	{
		"services/{service}/internal/rpc/...",
		[]string{
			"services/{service}/internal/rpc/...", "services/{service}/internal/app/...", "services/{service}/internal/domain/...",
			"services/intake/internal/blob",        // where evidence lies
			"services/intake/internal/media",       // what evidence is
			"services/intake/internal/search",      // how texts are found
			"services/reporting/internal/view",     // how the read model is read
			"services/reporting/internal/feedline", // how its feeds are begun anew
			"services/kit/...", "services/policy/...", "proto/gen/...",
		},
		[]string{"database/sql"},
		"rpc, react and store are adapters of one core and never meet",
	},
	{
		"services/{service}/...",
		[]string{"services/{service}/...", "services/policy/...", "services/kit/...", "proto/gen/..."},
		nil, "a service sees another one only through the client in proto: the wire is the contract",
	},

	{"gateway/...", []string{"gateway/...", "services/kit/...", "proto/..."}, nil, "the edge is a client of the services like any other"},
	{"tools/faults/...", []string{"tools/faults/...", "proto/gen/..."}, nil, "who judges the suite from outside shares no code with it"},
	{"tools/...", []string{"..."}, nil, "tools look at everything; nothing imports them"},
}

// door is the folders through which a library may come in.
type door struct {
	library string
	in      []string
	because string
	test    bool // tests may come in anywhere
}

// doors are kept by production code, and by tests too unless the line says otherwise.
var doors = []door{
	{"github.com/jackc/pgx", []string{"services/kit/sqldb/...", "tools/bench/..."}, "drivers do not leak upwards", false},
	{"github.com/jackc/pgconn", []string{"services/kit/sqldb/..."}, "drivers do not leak upwards", false},
	{"modernc.org/sqlite", []string{"services/kit/sqldb/...", "tools/bench/..."}, "drivers do not leak upwards", false},
	{"database/sql/driver", []string{"services/kit/sqldb/..."}, "drivers do not leak upwards", false},
	{"github.com/mattn/go-sqlite3", nil, "numbers $N by first appearance; modernc.org/sqlite is chosen", false},
	{"github.com/lib/pq", nil, "pgx is chosen", false},
	{"github.com/pressly/goose", []string{"services/kit/sqldb/..."}, "one way to migrate", false},
	{"github.com/redis", []string{"services/kit/timerindex/...", "services/kit/kittest/...", "tools/bench/..."}, "Redis holds timers and nothing else", true},
	{"cel.dev/cel-go", []string{"services/policy/..."}, "conditions are compiled and limited in one place", false},
	{"github.com/google/cel-go", nil, "the old path; it would link CEL twice", false},
	{"go.opentelemetry.io/otel/sdk", []string{"services/kit/telemetry/..."}, "code measures; kit/telemetry decides where it goes", true},
	{"go.opentelemetry.io/otel/exporters", []string{"services/kit/telemetry/..."}, "code measures; kit/telemetry decides where it goes", true},
	{"github.com/tink-crypto", []string{"services/kit/seal/...", "services/intake/..."}, "personal text is sealed in one way", false},
	{"github.com/coreos/go-oidc", []string{"services/kit/authn/..."}, "a token is read in one place", false},
	{"github.com/wneessen/go-mail", []string{"services/notification/..."}, "only notification sends", false},
	{"github.com/emersion/go-smtp", []string{"services/notification/..."}, "the catch-all mail server of the first run", false},
	{"github.com/xuri/excelize", []string{"services/reporting/..."}, "only reporting writes spreadsheets", false},
	{"github.com/chromedp", []string{"services/reporting/..."}, "only reporting prints", false},
	{"github.com/bufbuild/buf", []string{"tools/..."}, "a generator", false},
	{"github.com/jhump/protoreflect", []string{"tools/..."}, "a generator's library", false},
}

// testLibraries must not ship.
var testLibraries = []string{
	"github.com/Shopify/toxiproxy", "github.com/alicebob/miniredis", "github.com/anishathalye/porcupine",
	"github.com/google/go-cmp", "github.com/stretchr/testify", "go.uber.org/goleak", "google.golang.org/grpc/test",
	"google.golang.org/protobuf/testing", "net/http/httptest", "pgregory.net/rapid", "testing",
}

// vague are names of folders that would take anything in.
var vague = []string{"base", "common", "helper", "helpers", "lib", "misc", "shared", "util", "utils"}

func TestImportsKeepToTheArchitecture(t *testing.T) {
	t.Parallel()
	for _, f := range goFiles(t) {
		for _, i := range f.imports {
			if why := forbidden(f, i.path); why != "" {
				t.Errorf("%s:%d imports %s: %s", f.path, i.line, i.path, why)
			}
		}
	}
}

func TestNoFolderTakesAnythingIn(t *testing.T) {
	t.Parallel()
	for _, f := range goFiles(t) {
		for name := range strings.SplitSeq(f.dir, "/") {
			require.NotContains(t, vague, name, "%s: name the folder after what it does", f.path)
		}
	}
}

// The table is worth nothing if it lets planted mistakes through.
func TestForbidsWhatItShould(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, imports string
		allowed       bool
	}{
		{"proto/gen/redress/intake/v1/intake.pb.go", ours + "services/kit/fault", false},
		{"services/kit/journal/write.go", ours + "services/kit/fault", true},
		{"services/kit/journal/write.go", ours + "services/policy", false},
		{"services/kit/journal/write.go", "github.com/jackc/pgx/v5", false},
		{"services/kit/journal/write_test.go", "github.com/jackc/pgx/v5/pgconn", false},
		{"services/kit/sqldb/open.go", "github.com/jackc/pgx/v5/stdlib", true},
		{"services/kit/sqldb/open.go", "github.com/redis/go-redis/v9", false},
		{"services/kit/slaclock/fire.go", "context", false},
		{"services/kit/fault/fault.go", "google.golang.org/grpc/codes", false},
		{"services/kit/fault/fault.go", "os", false},
		{"services/intake/internal/domain/accept.go", ours + "proto/gen/redress/intake/v1", true},
		{"services/intake/internal/domain/accept.go", ours + "services/kit/journal", true},
		{"services/intake/internal/domain/accept.go", ours + "services/kit/sqldb", false},
		{"services/intake/internal/domain/accept.go", ours + "services/intake/internal/app", false},
		{"services/intake/internal/domain/accept.go", "net/http", false},
		{"services/intake/internal/domain/accept.go", "net/url", true},
		{"services/intake/internal/app/create.go", ours + "services/intake/internal/domain", true},
		{"services/intake/internal/app/create.go", ours + "services/intake/internal/rpc", false},
		{"services/intake/internal/app/create.go", ours + "services/kit/timerindex", false},
		{"services/intake/internal/rpc/server.go", ours + "services/intake/internal/store", false},
		{"services/intake/internal/store/blobs.go", ours + "services/intake/internal/rpc", false},
		{"services/intake/intake.go", ours + "services/intake/internal/store", true},
		{"services/intake/intake.go", ours + "services/routing", false},
		{"services/intake/intake_test.go", ours + "services/routing", false},
		{"services/intake/intake.go", ours + "services/kit/kittest", false},
		{"services/intake/intake_test.go", ours + "services/kit/kittest", true},
		{"services/intake/intake_test.go", "github.com/stretchr/testify/require", true},
		{"services/intake/intake.go", "github.com/stretchr/testify/require", false},
		{"services/intake/intake.go", "testing", false},
		{"services/kit/kittest/postgres.go", "testing", true},
		{"services/kit/kittest/postgres.go", "go.uber.org/goleak", true},
		{"services/kit/inproc/inproc.go", "go.opentelemetry.io/otel/sdk/trace", false},
		{"services/kit/inproc/inproc_test.go", "go.opentelemetry.io/otel/sdk/trace", true},
		{"services/suite/suite.go", ours + "services/routing", true},
		{"services/suite/suite.go", ours + "gateway", true},
		{"services/suite/suite.go", ours + "tools/load", false},
		{"tools/faults/check/clocks.go", ours + "proto/gen/redress/clock/v1", true},
		{"tools/faults/check/clocks.go", ours + "services/kit/journal", false},
		{"tools/faults/world/service.go", ours + "services/suite", false},
		{"gateway/gateway.go", ours + "services/intake", false},
		{"gateway/gateway.go", ours + "services/kit/fault", true},
		{"elsewhere/x.go", ours + "services/kit/fault", false},
	} {
		f := goFile{path: c.from, dir: path.Dir(c.from), test: isTest(c.from)}
		why := forbidden(f, c.imports)
		require.Equal(t, c.allowed, why == "", "%s → %s: %q", c.from, c.imports, why)
	}
}
